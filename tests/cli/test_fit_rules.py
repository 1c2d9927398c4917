"""The command line makes trees and rules: from columns, from texts, from rules that a person wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from interpllm.cli import main


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    rows = [f"{20 + i},{'f' if i % 2 else 'm'},{'old' if i > 30 else 'young'}" for i in range(60)]
    file.write_text("age,sex,label\n" + "\n".join(rows) + "\n,f,young\n", encoding="utf-8")
    return file


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    file = tmp_path / "reviews.csv"
    good = ["a lovely film", "lovely music here", "great fun", "what a great story"]
    bad = ["an awful film", "awful music there", "dull stuff", "what a dull story"]
    rows = [
        f"{text} {i},{label}"
        for i in range(20)
        for label, some in (("good", good), ("bad", bad))
        for text in some
    ]
    file.write_text("text,label\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def test_rules_over_columns_are_fitted_read_and_used(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.json"
    assert main(["fit", str(people), "--estimator", "rules", "--no-llm", "--out", str(model)]) == 0
    said = capsys.readouterr().out
    assert "RuleListClassifier for 2 classes, from 61 rows" in said
    assert "rows that nothing was chosen on" in said
    new = tmp_path / "new.csv"
    new.write_text("age,sex\n70,f\n21,m\n,m\n", encoding="utf-8")
    assert main(["predict", str(model), str(new)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[2] for line in lines[1:3]] == ["old", "young"]
    assert main(["explain", str(model), str(new), "--rows", "1"]) == 0
    assert "condition" in capsys.readouterr().out
    assert main(["rules", str(model)]) == 0
    assert "age" in capsys.readouterr().out


def test_rules_of_a_person_come_from_a_file(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules, model = tmp_path / "rules.txt", tmp_path / "model.json"
    rules.write_text("if age > 50 then old\n", encoding="utf-8")
    command = [
        "fit",
        str(people),
        "--estimator",
        "rules",
        "--no-llm",
        "--rules",
        str(rules),
        "--out",
        str(model),
    ]
    assert main(command) == 0
    assert '"column","age",">",50.0' in model.read_text(encoding="utf-8")
    rules.write_text("if income > 50 then old\n", encoding="utf-8")
    assert main(command) == 1
    assert "there is no column 'income'" in capsys.readouterr().err


def test_columns_can_be_chosen(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", str(people), "--estimator", "rules", "--no-llm", "--columns", "sex", "--json"]
    assert main([*command, "--out", str(tmp_path / "model.json")]) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert {row["rule"].split()[0] for row in report["candidates"]} == {"sex"}


@pytest.mark.parametrize("learner", ["sparse", "figs"])
def test_another_learner_can_be_taken(people: Path, tmp_path: Path, learner: str) -> None:
    filled = tmp_path / "filled.csv"
    filled.write_text(people.read_text(encoding="utf-8").replace("\n,f,", "\n20,f,"), encoding="utf-8")
    command = ["fit", str(filled), "--estimator", "rules", "--no-llm", "--learner", learner]
    assert main([*command, "--out", str(tmp_path / "model.json")]) == 0


def test_a_tree_of_phrases_is_fitted_to_texts(
    reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model.json"
    command = ["fit", str(reviews), "--estimator", "aug-tree", "--no-llm", "--max-depth", "2"]
    assert main([*command, "--out", str(model), "--test", str(reviews)]) == 0
    assert "accuracy 1.000" in capsys.readouterr().out
    assert main(["rules", str(model)]) == 0
    assert "mentions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--estimator", "rules", "--trees", "3"], "--trees is for --estimator aug-tree"),
        (["--estimator", "aug-tree", "--learner", "figs"], "--learner is for --estimator rules"),
        (["--estimator", "rules", "--learner", "tarot"], "learner must be"),
        (["--estimator", "rules", "--columns", "height"], "no column 'height'"),
    ],
)
def test_what_makes_no_sense_is_refused(
    people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    command = ["fit", str(people), "--no-llm", "--out", str(tmp_path / "model.json"), *options]
    assert main(command) == 1
    assert said in capsys.readouterr().err
