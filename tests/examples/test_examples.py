"""Every example runs as a user would run it, without a language model and offline."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from interpllm.runtime import load

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(example: str, *arguments: str) -> str:
    """What an example prints; the test fails with its traceback."""
    path = EXAMPLES / f"{example}.py"
    done = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {
        "audit_model",
        "check_claims",
        "concepts_support_tickets",
        "explain_difference",
        "explain_generation",
        "explain_module",
        "explain_predictions",
        "explain_target",
        "few_labels",
    }


def test_few_labels_prints_its_accuracy() -> None:
    assert "accuracy" in run("few_labels", "none")


def test_the_audit_sees_the_leak_that_accuracy_rewards(tmp_path: Path) -> None:
    said = run("audit_model", str(tmp_path))
    honest, leaking = map(float, re.findall(r"accuracy ([.\d]+)", said))
    assert leaking > honest
    assert "leakage: strongest single feature, area under the curve 1.000" in said
    assert "strongest single feature" in (tmp_path / "leaking.html").read_text(encoding="utf-8")


def test_explained_predictions_leave_a_page_that_loads_nothing(tmp_path: Path) -> None:
    said = run("explain_predictions", str(tmp_path / "page.html"))
    assert "What would change it?" in said
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("<mark") > 10
    assert not re.findall(r"<script|src=\"(?!data:)|<link", page)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the concept example prints, and the folder that it leaves."""
    folder = tmp_path_factory.mktemp("tickets")
    return run("concepts_support_tickets", str(folder)), folder


def test_stored_replies_are_enough_for_a_model_far_better_than_a_plain_one(
    replayed: tuple[str, Path],
) -> None:
    confirmed = replayed[0].partition("confirming rows")[2].partition("\n\n")[0]
    scores = dict(re.findall(r"^(model|tfidf) +([.\d]+)", confirmed, re.MULTILINE))
    assert float(scores["model"]) > 0.9 > 0.75 > float(scores["tfidf"])


def test_it_says_which_questions_no_stand_in_answers_well_enough(replayed: tuple[str, Path]) -> None:
    said = replayed[0].partition("still need the language model:\n")[2].partition("\n\n")[0].split("\n")
    rows = re.findall(r"^ *(.+\?) +[.\d]+ +-?[.\d]+ +False$", replayed[0], re.MULTILINE)
    assert rows
    assert [line.strip() for line in said] == rows


def test_it_ends_deployable(replayed: tuple[str, Path]) -> None:
    assert "deployable: True" in replayed[0]


def test_both_files_predict_without_a_language_model(replayed: tuple[str, Path]) -> None:
    text = "I was charged twice this month, please refund one of them"
    done = subprocess.run(
        [sys.executable, "-I", replayed[1] / "tickets.py"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "billing" in done.stdout
    assert load(replayed[1] / "tickets.json").predict([text]) == ["billing"]


def test_claims_are_read_from_stored_replies_and_computed() -> None:
    printed = run("check_claims")
    verdicts = re.findall(r"^(supported|contradicted|uncheckable) ", printed, re.MULTILINE)
    assert len(verdicts) == 20
    assert set(verdicts) == {"supported", "contradicted", "uncheckable"}
    assert re.search(r"^supported +Cancellation requests say", printed, re.MULTILINE)


def test_a_difference_is_confirmed_from_stored_replies(tmp_path: Path) -> None:
    said = run("explain_difference", str(tmp_path))
    assert said.startswith("still to be sent: 0 requests")
    assert re.search(r"membership stopped, closed or paused\? .* True$", said, re.MULTILINE)
    assert "membership stopped" in (tmp_path / "difference.html").read_text(encoding="utf-8")


def test_a_target_is_explained_by_what_a_fit_has_asked(tmp_path: Path) -> None:
    said = run("explain_target", str(tmp_path))
    assert "requests sent: 0" in said
    statements, words = (
        float(re.search(rf"^ *{name} +(-?[.\d]+)", said, re.MULTILINE)[1])
        for name in ("all statements", "TF-IDF")
    )
    assert statements > words > 0


@pytest.mark.local
def test_the_source_of_a_copied_answer_is_ranked_first(tmp_path: Path) -> None:
    said = run("explain_generation", str(tmp_path / "page.html"))
    first = next(line for line in said.splitlines() if line.rstrip().endswith(" 1"))
    assert "The library opens at noon." in first
    assert "The library opens at noon." in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_score_is_explained_by_what_it_was_fitted_for(tmp_path: Path) -> None:
    said = run("explain_module", str(tmp_path))
    assert said.startswith("explained: the score for delivery responds more strongly to a text that")
    assert "number 1 of 5 modules" in said
    assert "parcel" in (tmp_path / "explained.html").read_text(encoding="utf-8")
