"""Trees, rule lists and rule sets: printed and read back, written and read back, explained, refused."""

from __future__ import annotations

import pickle
from math import fsum, nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import (
    Answered,
    Branch,
    Clause,
    Compares,
    Is,
    Lexicon,
    Question,
    RuleListModel,
    RuleSetModel,
    Slope,
    TreeModel,
    dumps,
    loads,
    parse,
)
from tests.random_models import some
from tests.random_rows import answers_for, row_models, rows_for

many = settings(some, max_examples=1000)


def leaf(*value: float, n_rows: int = 1) -> Branch:
    return Branch(None, None, None, value, n_rows)


def same(one: Any, other: Any, rows: list[Any], answers: Any) -> None:
    assert repr(one.decision_function(rows, answers)) == repr(other.decision_function(rows, answers))
    assert one.predict(rows, answers) == other.predict(rows, answers)
    if one.classes:
        assert one.predict_proba(rows, answers) == other.predict_proba(rows, answers)


@many
@given(st.data())
def test_what_is_printed_predicts_the_same(data: st.DataObject) -> None:
    model = data.draw(row_models())
    rows, answers = data.draw(rows_for(model)), answers_for(model)
    printed = str(model)
    read = parse(printed)
    assert type(read) is type(model)
    same(model, read, rows, answers)
    assert str(parse(str(read))) == str(read)


def two_questions(one: str, other: str) -> RuleSetModel:
    asked = [Question.of(one, "praise"), Question.of(other, "prices")]
    clauses = tuple(
        Clause((Answered(question),), (weight,)) for question, weight in zip(asked, (1.0, 2.0), strict=True)
    )
    return RuleSetModel(task="regression", link="identity", intercept=(0.0,), clauses=clauses)


def test_questions_that_differ_in_marks_alone_stay_two() -> None:
    model = two_questions("Is it good?", "is it good")
    first, second = (question.id for question in model.questions)
    answers = {first: [1.0, 0.0], second: [0.0, 1.0]}
    assert parse(str(model)).predict([{}, {}], answers) == model.predict([{}, {}], answers) == [1.0, 2.0]


def test_questions_of_one_text_are_not_read_as_one() -> None:
    with pytest.raises(DocumentError, match=r"line 3 .*two questions have the text"):
        parse(str(two_questions("Is it good?", "Is it good?")))


@many
@given(st.data())
def test_what_is_written_is_the_same_model(data: st.DataObject) -> None:
    model = data.draw(row_models())
    rows, answers = data.draw(rows_for(model)), answers_for(model)
    read = loads(dumps(model))
    assert read == model
    assert dumps(read) == dumps(model)
    same(model, read, rows, answers)
    same(model, pickle.loads(pickle.dumps(model)), rows, answers)


@settings(some, max_examples=200)
@given(st.data())
def test_a_ledger_adds_up(data: st.DataObject) -> None:
    model = data.draw(row_models())
    rows, answers = data.draw(rows_for(model)), answers_for(model)
    scores = model.decision_function(rows, answers)
    for score, told in zip(scores, model.explain(rows, answers), strict=True):
        expected = score if isinstance(score, list) else [score]
        sums = [fsum(part) for part in zip(told.base, *(c.values for c in told.contributions), strict=True)]
        scale = max(1.0, *(abs(v) for c in told.contributions for v in c.values), *map(abs, told.base))
        assert sums == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)


def test_a_tree_reads_as_it_decides() -> None:
    model = TreeModel(
        task="classification",
        classes=("no", "yes"),
        target="buys",
        link="share",
        text="review",
        n_rows=10,
        base=(0.4, 0.6),
        trees=(
            (
                Branch(Lexicon(("great", "not bad")), 1, 2, (0.4, 0.6), 10),
                leaf(0.0, 1.0, n_rows=5),
                Branch(Compares("Age in years", "<=", 50.5), 3, 4, (0.8, 0.2), 5, "yes"),
                leaf(1.0, 0.0, n_rows=4),
                leaf(0.0, 1.0),
            ),
        ),
    )
    assert str(model) == (
        'TreeModel: classification of "buys" into "no", "yes"; link: share\n'
        "training: 10 rows; base: 0.4, 0.6\n"
        'text: "review"\n'
        "\n"
        'if mentions any of: "great", "not bad" (0.4, 0.6; 10 rows)\n'
        '  -> "yes" (0.0, 1.0; 5 rows)\n'
        "else\n"
        '  if column "Age in years" <= 50.5 (0.8, 0.2; 5 rows; missing: yes)\n'
        '    -> "no" (1.0, 0.0; 4 rows)\n'
        "  else\n"
        '    -> "yes" (0.0, 1.0; 1 rows)'
    )
    rows = [
        {"review": "Not bad!", "Age in years": None},
        {"review": "bad", "Age in years": 50.5},
        {"review": "bad", "Age in years": 50.6},
        {"review": "bad", "Age in years": nan},
    ]
    assert model.predict(rows) == ["yes", "no", "yes", "no"]
    assert model.explain(rows)[0].contributions[0].spans == ((0, 7),)
    first = model.rules()[0]
    assert first.rule == 'mentions any of: "great", "not bad"'
    assert (first.weight, first.support) == (1.0, 5)


def test_of_a_rule_list_the_first_that_holds_decides() -> None:
    model = RuleListModel(
        task="classification",
        classes=("a", "b", "c"),
        link="share",
        clauses=(
            Clause((Is("sex", ("f",)), Compares("age", ">", 30)), (0.0, 1.0, 0.0)),
            Clause((Compares("age", ">", 20),), (0.0, 0.0, 1.0)),
        ),
        otherwise=(1.0, 0.0, 0.0),
    )
    rows = [
        {"sex": "f", "age": 31},
        {"sex": "m", "age": 31},
        {"sex": None, "age": 31},
        {"sex": "f", "age": None},
    ]
    assert model.predict(rows) == ["b", "c", "c", "a"]


def test_of_a_rule_set_all_that_hold_add_up() -> None:
    question = Question.of("Is it good?")
    model = RuleSetModel(
        task="regression",
        link="identity",
        intercept=(1.0,),
        clauses=(Clause((Answered(question),), (2.0,)), Clause((Answered(question, True),), (-4.0,))),
        slopes=(Slope("age", 0.0, 10.0, 5.0, (0.5,)),),
    )
    rows = [{"age": 4}, {"age": 99}, {"age": None}]
    assert model.predict(rows, {question.id: [0.9, 0.5, None]}) == [5.0, 2.0, 3.5]
    with pytest.raises(InputError, match=f"{question.id} 'Is it good\\?'.*distil"):
        model.predict(rows)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a text"], "row 0 is a text, and the model looks at columns: 'age'"),
        ([{"other": 1}], "row 0 has no column 'age'"),
        ([{"age": "old"}], "column 'age' of row 0 is not a number but 'old'"),
        ({"age": 1}, "one row was given"),
        ([{"age": 1}, None], "row 1 is neither a text nor a row with columns but None"),
    ],
)
def test_rows_that_cannot_be_read_are_named(rows: Any, said: str) -> None:
    model = TreeModel(
        task="regression",
        link="identity",
        trees=((Branch(Compares("age", "<=", 1), 1, 2, (0.0,), 2), leaf(1.0), leaf(2.0)),),
    )
    with pytest.raises(InputError, match=said):
        model.predict(rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("else", "line 6 of the printed model: .*belongs to no if"),
        ("", "no of node 0 of tree 1 is a whole number, not None"),
        ("  if 1 < 2 (1.0; 3 rows)", "expected a condition where '1 < 2"),
        ('  if age <= "x" (1.0; 3 rows)', "expected a number"),
        ("  if mentions good (1.0; 3 rows)", "expected a string in double quotes"),
        ("  -> 1.0 (1.0; 3 rows)\n  -> 2.0 (1.0; 3 rows)", "line 7 .*stands under no if"),
        ("  import os", "expected if where 'import os'"),
    ],
)
def test_a_printed_model_that_was_changed_is_refused_by_line(change: str, said: str) -> None:
    printed = (
        "TreeModel: regression; link: identity\n\nif age <= 1.0 (1.0; 2 rows)\n  -> 1.0 (1.0; 1 rows)\nelse\n"
    )
    with pytest.raises(DocumentError, match=said):
        parse(printed + change)


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("RuleListModel: regression; link: identity\nintercept: 1.0\n\n", "line 2 .*'intercept: 1.0'"),
        ("RuleSetModel: regression; link: identity\n\n", "line 1 .*there is no line 'intercept'"),
        ('TreeModel: regression; link: identity\ntext: "a"\ntext: "b"', "line 3 .*'text' stands twice"),
        ("TreeModel: regression; link: identity\n\n-> 1.0 (1e999; 1 rows)", "line 3 .*a finite number"),
        ("TreeModel: regression; link: identity\n\n-> 1.0 (1.0; 1e999 rows)", "line 3 .*a whole number"),
        ("ConceptSet: x", "line 1 .*'ConceptSet' is no kind of model that"),
        ("", "line 1 .*is no kind of model"),
    ],
)
def test_lines_that_belong_to_no_such_model_are_refused(printed: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        parse(printed)
