"""concepts: a file of questions that people edit between fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.runtime import ConceptLinear, ConceptSet, LinearModel, Question, save

Cli = Callable[..., Any]
LONG, PRICE = Question.of("Is it long?"), Question.of("Does it state a price?", "a price as a number")


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return ConceptSet.of([LONG, PRICE]).save(tmp_path / "questions.json")


@pytest.fixture
def asking_model(tmp_path: Path) -> str:
    """File of a model of two questions, one of which has a stand-in."""
    stand_in = LinearModel(
        task="classification", classes=(False, True), intercept=(-4.0,), weights={"dollars": (8.0,)}
    )
    made = ConceptLinear(
        task="classification",
        target="label",
        classes=("bad", "good"),
        intercept=(0.0,),
        questions=(LONG, PRICE),
        weights=((2.0,), (-3.0,)),
        means=(0.5, 0.5),
        stand_ins={PRICE.id: stand_in},
    )
    return str(save(made, tmp_path / "asking.json"))


def test_show_prints_questions_and_what_counts(cli: Cli, questions: Path) -> None:
    out = cli("concepts", "show", questions).out
    assert all(said in out for said in (LONG.id, "Is it long?", "a price as a number"))


def test_show_of_a_model_prints_weights_strongest_first(cli: Cli, asking_model: str) -> None:
    rows = json.loads(cli("concepts", "show", asking_model, "--json").out)["questions"]
    assert [(row["id"], row["for"], row["weight"], row["answered by"]) for row in rows] == [
        (PRICE.id, "bad", 3.0, "n-grams"),
        (LONG.id, "good", 2.0, "llm"),
    ]


def test_show_draws_a_model_as_a_table(cli: Cli, asking_model: str) -> None:
    header, first = cli("concepts", "show", asking_model).out.splitlines()[:2]
    assert header.split()[:3] == ["id", "for", "weight"]
    assert first.split()[:3] == [PRICE.id, "bad", "+3.000"]


def test_lock_keeps_by_words_or_id(cli: Cli, questions: Path) -> None:
    assert cli("concepts", "lock", questions, LONG.id, PRICE.text).status == 0
    assert ConceptSet.load(questions).locked == {LONG.id, PRICE.id}


def test_veto_takes_out_for_good(cli: Cli, questions: Path) -> None:
    cli("concepts", "veto", questions, "Is it long?")
    left = ConceptSet.load(questions)
    assert list(left) == [PRICE]
    assert not left.allows("is it LONG")


def test_edit_changes_words_and_keeps_what_counts(cli: Cli, questions: Path) -> None:
    cli("concepts", "edit", questions, PRICE.id, "--to", "Is a price named?")
    edited = list(ConceptSet.load(questions))[1]
    assert (edited.text, edited.counts) == ("Is a price named?", "a price as a number")


def test_edit_changes_what_counts_alone(cli: Cli, questions: Path) -> None:
    cli("concepts", "edit", questions, PRICE.id, "--counts", "any sum of money")
    edited = list(ConceptSet.load(questions))[1]
    assert (edited.text, edited.counts) == (PRICE.text, "any sum of money")


def test_add_makes_a_file(cli: Cli, tmp_path: Path) -> None:
    ran = cli("concepts", "add", "new.json", "Is it polite?", "--counts", "thanks or please")
    assert ran.out == "new.json: 1 question\n"
    (question,) = ConceptSet.load(tmp_path / "new.json")
    assert (question.text, question.counts, question.source) == ("Is it polite?", "thanks or please", "user")


def test_add_from_a_model_leaves_out_what_was_vetoed(cli: Cli, asking_model: str, tmp_path: Path) -> None:
    found = ConceptSet((Question(PRICE.id, PRICE.text, PRICE.counts, "llm"), LONG))
    found.save(tmp_path / "found.json")
    ConceptSet(vetoed=frozenset([PRICE.text])).save(tmp_path / "mine.json")
    cli("concepts", "add", "mine.json", "--from", "found.json")
    assert list(ConceptSet.load(tmp_path / "mine.json")) == [LONG]


def test_from_makes_a_set_of_a_model(cli: Cli, asking_model: str, tmp_path: Path) -> None:
    cli("concepts", "from", asking_model, "--out", "set.json")
    assert list(ConceptSet.load(tmp_path / "set.json")) == [LONG, PRICE]


def test_from_does_not_overwrite_locks_and_vetoes(cli: Cli, asking_model: str, questions: Path) -> None:
    before = questions.read_bytes()
    ran = cli("concepts", "from", asking_model, "--out", questions)
    assert ran.status == 1
    assert questions.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lock", "questions.json", "Is it lang?"], "near ones are"),
        (["veto", "nowhere.json", "x"], "there is no file nowhere.json"),
        (["lock", "asking.json", LONG.id], "interpllm concepts from asking.json"),
        (["show", "model.json"], "asks no questions"),
        (["edit", "questions.json", LONG.id], "--to TEXT"),
        (["add", "questions.json"], "give questions to add"),
        (["show", "junk.json"], "junk.json"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    cli: Cli,
    questions: Path,
    asking_model: str,
    model: str,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "junk.json").write_text('{"kind": "concept_set"')
    before = questions.read_bytes()
    ran = cli("concepts", *arguments)
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err
    assert questions.read_bytes() == before


# A model file, and who answers its questions ----------------------------------------------------------------


def test_predict_names_the_questions_that_nobody_answers(cli: Cli, asking_model: str) -> None:
    ran = cli("predict", asking_model, "-", stdin="text\nten dollars\n")
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "'Is it long?'" in ran.err
    assert "--llm" in ran.err
    assert PRICE.text not in ran.err


@pytest.mark.parametrize("name", [LONG.text, LONG.id])
def test_predict_takes_answers_from_columns(cli: Cli, asking_model: str, name: str) -> None:
    data = f"text,{name}\nten dollars,yes\na film,1\na film,no\n"
    ran = cli("predict", asking_model, "-", "--answers", "--json", stdin=data)
    assert [json.loads(line)["prediction"] for line in ran.out.splitlines()] == ["bad", "good", "bad"]


def test_missing_answer_is_neither_yes_nor_no(cli: Cli, asking_model: str) -> None:
    data = f"text,{LONG.id}\na film,\na film,0.5\n"
    ran = cli("predict", asking_model, "-", "--answers", "--json", stdin=data)
    missing, mean = (json.loads(line)["probability"] for line in ran.out.splitlines())
    assert missing == mean


def test_predict_needs_no_texts_where_all_is_answered(cli: Cli, asking_model: str) -> None:
    data = f"{LONG.id},{PRICE.id}\n1,0\n"
    ran = cli("predict", asking_model, "-", "--answers", "--json", stdin=data)
    assert json.loads(ran.out)["prediction"] == "good"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (f"text,{LONG.id}\na,maybe\n", "row 1 (the first is 1): 'maybe' in column"),
        (f"text,{LONG.id}\na,2\n", "is no answer"),
        ("text,other\na,1\n", "no column that is called as a question"),
    ],
)
def test_what_is_no_answer_is_said(cli: Cli, asking_model: str, data: str, said: str) -> None:
    ran = cli("predict", asking_model, "-", "--answers", stdin=data)
    assert ran.status == 1
    assert said in ran.err


def test_explain_shows_answers_beside_what_they_add(cli: Cli, asking_model: str) -> None:
    out = cli("explain", asking_model, "-", "--answers", stdin=f"text,{LONG.id}\nten dollars,1\n").out
    assert "ten {+dollars+}" in out
    assert "100% of the questions are answered" in out
    (line,) = (line for line in out.splitlines() if line.startswith(LONG.text))
    assert line.split()[-2:] == ["1.00", "-2.000"]


def test_rules_list_the_questions(cli: Cli, asking_model: str) -> None:
    assert f"yes to: {PRICE.text}" in cli("rules", asking_model).out


def test_python_export_names_the_questions_that_need_an_llm(
    cli: Cli, asking_model: str, tmp_path: Path
) -> None:
    ran = cli("export", asking_model, "model.py")
    assert ran.status == 1
    assert LONG.text in ran.err
    assert not (tmp_path / "model.py").exists()


def test_json_export_keeps_the_model(cli: Cli, asking_model: str, tmp_path: Path) -> None:
    assert cli("export", asking_model, "copy.json").status == 0
    assert (tmp_path / "copy.json").read_bytes() == Path(asking_model).read_bytes()


def test_distil_without_anybody_to_answer_is_said(cli: Cli, asking_model: str) -> None:
    ran = cli("distill", asking_model, "-", stdin="text\na\n")
    assert ran.status == 1
    assert "stand-ins are learned from answers" in ran.err


def test_distil_refuses_a_model_of_ngrams(cli: Cli, model: str) -> None:
    assert "nothing to distil" in cli("distill", model, "-", stdin="text\na\n").err
