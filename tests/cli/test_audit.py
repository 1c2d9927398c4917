"""``interpllm audit`` on model files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.runtime import Clause, Compares, RuleSetModel, save

Cli = Callable[..., Any]
ROWS = "text,label\n" + "".join(
    f"{text} number{row},{label}\n"
    for row, (text, label) in enumerate(
        [
            ("a great film", "good"),
            ("not great at all", "bad"),
            ("awful and slow", "bad"),
            ("great fun", "good"),
        ]
        * 6
    )
)


@pytest.fixture
def held_out(tmp_path: Path) -> str:
    path = tmp_path / "rows.csv"
    path.write_text(ROWS)
    return str(path)


def test_a_line_a_figure_with_its_null_and_judgement(cli: Cli, model: str, held_out: str) -> None:
    ran = cli("audit", model, held_out)
    assert ran.status == 0
    assert re.search(r"^comprehensiveness +\S+ +\S+ to \S+ +\S+ +passed$", ran.out, re.MULTILINE)
    assert "stability: not carried out: give the training rows with --train" in ran.out
    assert "0 replies of a language model" in ran.out


def test_with_training_rows_a_plain_model_is_fitted_again(cli: Cli, model: str, held_out: str) -> None:
    out = cli("audit", model, held_out, "--train", held_out, "--refits", 3).out
    assert "stability of features over bootstraps" in out
    assert "rows that are training rows" in out


def test_json_and_page_are_written_and_the_same_each_time(
    cli: Cli, model: str, held_out: str, tmp_path: Path
) -> None:
    first = cli("audit", model, held_out, "--json", "--html", "a.html")
    again = cli("audit", model, held_out, "--json", "--html", "b.html")
    assert first.out == again.out
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    found = json.loads(first.out)
    assert found["n_rows"] == 24
    assert found["findings"][0]["name"] == "faithfulness"


def test_texts_without_labels_will_do(cli: Cli, model: str) -> None:
    ran = cli("audit", model, "-", "--format", "txt", stdin="great film\nawful film\n")
    assert ran.status == 0
    assert "leakage: not carried out: there are no labels" in ran.out


def test_a_model_of_columns_is_audited_where_it_can_be(cli: Cli, tmp_path: Path) -> None:
    rules = RuleSetModel(
        task="classification",
        classes=("no", "yes"),
        link="logit",
        intercept=(-0.3,),
        clauses=(Clause((Compares("age", ">", 40.0),), (1.1,), 5),),
        n_rows=10,
    )
    path = save(rules, tmp_path / "rules.json")
    rows = "age,label\n" + "".join(f"{age},{'yes' if age > 41 else 'no'}\n" for age in range(30, 55))
    ran = cli("audit", path, "-", stdin=rows)
    assert ran.status == 0
    assert "rows predicted alike" in ran.out
    assert "faithfulness: not carried out: faithfulness changes words of texts" in ran.out


def test_a_folder_that_is_not_there_is_said_before_anything_is_done(
    cli: Cli, model: str, held_out: str
) -> None:
    ran = cli("audit", model, held_out, "--html", "nowhere/audit.it")
    assert (ran.status, ran.out) == (1, "")
    assert "nowhere/audit.it: there is no such folder; make it first" in ran.err


def test_training_rows_without_labels_are_refused(
    cli: Cli, model: str, held_out: str, tmp_path: Path
) -> None:
    (tmp_path / "train.csv").write_text("text\ngreat film\n")
    ran = cli("audit", model, held_out, "--train", "train.csv")
    assert ran.status == 1
    assert "--label" in ran.err
