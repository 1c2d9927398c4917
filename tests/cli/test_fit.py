"""fit and plan: from a file of rows to a model file, and what it would take."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm import runtime
from interpllm.cli import options
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]
GOOD = [
    "great film",
    "a lovely warm story",
    "great cast and lovely music",
    "warm and great",
    "lovely, great fun",
]
BAD = ["awful film", "a dull cold story", "awful cast and dull music", "cold and awful", "dull, awful mess"]


def rows(texts: list[str], labels: list[Any], names: tuple[str, str] = ("text", "label")) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([names, *zip(texts, labels, strict=True)])
    return stream.getvalue()


REVIEWS = rows([*GOOD, *BAD] * 3, (["good"] * 5 + ["bad"] * 5) * 3)
PRICES = rows([*GOOD, *BAD] * 3, ([20.5] * 5 + [4.5] * 5) * 3)


def test_fit_writes_a_model_that_predict_reads(cli: Cli) -> None:
    fitted = cli("fit", "-", "--llm", "none", stdin=REVIEWS)
    assert fitted.status == 0, fitted.err
    predicted = cli("predict", "model.json", "-", "--json", stdin="text\ngreat\nawful\n")
    assert [json.loads(line)["prediction"] for line in predicted.out.splitlines()] == ["good", "bad"]


def test_fit_says_what_it_made(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text(rows(["great", "awful", "dull"], ["good", "bad", "bad"]))
    lines = cli("fit", "-", "--llm", "none", "--test", "test.csv", stdin=REVIEWS).out.splitlines()
    assert lines[0].startswith("model.json: AugLinearClassifier for 2 classes, from 30 texts")
    assert "  on test.csv: accuracy 1.000, largest class 0.667 (3 rows)" in lines


def test_fit_json_is_one_object(cli: Cli, tmp_path: Path) -> None:
    made = json.loads(cli("fit", "-", "--llm", "none", "--out", "m.json", "--json", stdin=REVIEWS).out)
    assert (made["model"], made["rows"], made["classes"]) == ("m.json", 30, ["bad", "good"])
    assert made["bytes"] == (tmp_path / "m.json").stat().st_size


def test_two_rows_are_too_few_to_cross_validate(cli: Cli) -> None:
    two = rows(["great", "awful"], ["good", "bad"])
    lines = cli("fit", "-", "--llm", "none", stdin=two).out.splitlines()
    assert lines[2] == "  too few rows to cross-validate"
    made = json.loads(cli("fit", "-", "--llm", "none", "--json", stdin=two).out, parse_constant=pytest.fail)
    assert made["report"]["chosen"]["score"] is None


def test_fit_names_columns_and_target(cli: Cli, tmp_path: Path) -> None:
    data = rows([*GOOD, *BAD], ["good"] * 5 + ["bad"] * 5, ("review", "verdict"))
    assert cli("fit", "-", "--text", "review", "--label", "verdict", "--llm", "none", stdin=data).status == 0
    assert runtime.load(tmp_path / "model.json").target == "verdict"


def test_labels_with_fractions_are_predicted_as_numbers(cli: Cli) -> None:
    assert "AugLinearRegressor for a number" in cli("fit", "-", "--llm", "none", stdin=PRICES).out


@pytest.mark.parametrize(
    ("flag", "task"), [("--regression", "regression"), ("--no-regression", "classification")]
)
def test_whole_number_labels_are_what_is_said(cli: Cli, tmp_path: Path, flag: str, task: str) -> None:
    data = rows([*GOOD, *BAD] * 2, ([5] * 5 + [1] * 5) * 2)
    assert cli("fit", "-", "--llm", "none", flag, stdin=data).status == 0
    assert runtime.load(tmp_path / "model.json").task == task


def test_same_seed_gives_the_same_bytes(cli: Cli, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        cli("fit", "-", "--llm", "none", "--out", name, "--seed", "3", stdin=REVIEWS)
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_options_reach_the_estimator(cli: Cli, tmp_path: Path) -> None:
    cli("fit", "-", "--llm", "none", "--ngrams", "1", "--max-terms", "2", "--no-distill", stdin=REVIEWS)
    model = runtime.load(tmp_path / "model.json")
    assert model.ngram_range == (1, 1)
    assert model.n_terms <= 2


def test_vocabulary_widens_the_table(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLLM(vectors=lambda text: [float("super" in text or "great" in text or "lovely" in text), 1.0])
    monkeypatch.setattr(options, "llm_of", lambda args: fake)
    (tmp_path / "words.txt").write_text("superb\n")
    ran = cli("fit", "-", "--vocabulary", "words.txt", stdin=REVIEWS)
    assert ran.status == 0, ran.err
    assert runtime.load(tmp_path / "model.json").weights["superb"][0] > 0


def test_python_file_is_written_when_asked_for(cli: Cli, tmp_path: Path) -> None:
    assert cli("fit", "-", "--llm", "none", "--out", "model.py", stdin=REVIEWS).status == 0
    assert "def predict" in (tmp_path / "model.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "data", "said"),
    [
        (["--out", "model.pkl"], REVIEWS, "ends in .json"),
        (["--out", "nowhere/model.json"], REVIEWS, "no such folder"),
        (["--test", "no.csv"], REVIEWS, "there is no file no.csv"),
        (["--label", "stars"], REVIEWS, "no column 'stars'"),
        (["--llm", "nonsense"], REVIEWS, "A language model is"),
        (["--llm", "minilm"], REVIEWS, "interpllm models pull minilm"),
        (["--regression"], REVIEWS, "'good' is not a number"),
        (["--balanced"], PRICES, "--balanced is for classes"),
        ([], rows(GOOD, ["good"] * 5), "one class"),
        ([], "text,label\n", "no rows"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(cli: Cli, arguments: list[str], data: str, said: str) -> None:
    ran = cli("fit", "-", *(["--llm", "none"] if "--llm" not in arguments else []), *arguments, stdin=data)
    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err.splitlines()[-1]


def test_plan_counts_and_asks_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeLLM()
    monkeypatch.setattr(options, "llm_of", lambda args: fake)
    plan = json.loads(cli("plan", "-", "--json", stdin=REVIEWS).out)
    assert plan["n_ngrams"] > 0
    assert plan["requests"] > 0
    assert not fake.received


def test_plan_without_a_language_model_asks_nothing(cli: Cli) -> None:
    assert " 0 requests" in cli("plan", "-", "--llm", "none", stdin=REVIEWS).out
