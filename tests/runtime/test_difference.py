"""What changed from one model to another, of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import concept_linears, concept_trees, models, some

from interpllm.errors import InputError
from interpllm.runtime import (
    Branch,
    Clause,
    Compares,
    ConceptLinear,
    Lexicon,
    LinearModel,
    Question,
    RuleListModel,
    RuleSetModel,
    Slope,
    TreeModel,
)
from interpllm.runtime.difference import Flipped, Moved, Reworded, difference
from tests.random_rows import row_models


def linear(weights: dict[str, Any], **changes: Any) -> LinearModel:
    parts: dict[str, Any] = {"task": "classification", "classes": ("bad", "good"), "intercept": (0.0,)}
    return LinearModel(weights=weights, **{**parts, **changes})


def asking(**weights: float) -> ConceptLinear:
    """A model of questions; names stand for their words."""
    questions = tuple(Question(name, text) for name, text in TEXTS.items() if name in weights)
    return ConceptLinear(
        task="classification",
        classes=("bad", "good"),
        questions=questions,
        means=(0.5,) * len(questions),
        intercept=(0.0,),
        weights=tuple((weights[question.id],) for question in questions),
    )


TEXTS = {
    "cheap": "Is the price low?",
    "cheaper": "Is the price low or fair?",
    "loud": "Does somebody complain about noise?",
}


@some
@given(st.one_of(models(), concept_linears(), concept_trees(), row_models()))
def test_a_model_does_not_differ_from_itself(model: Any) -> None:
    assert not difference(model, model)


def test_ngrams_are_added_dropped_and_moved() -> None:
    found = difference(
        linear({"great": (2.0,), "dull": (-1.0,), "fine": (1.0,)}),
        linear({"great": (2.5,), "fine": (-3.0,), "poor": (-2.0,)}, intercept=(0.5,)),
    )
    assert found.added == {'mentions "poor"': (-2.0,)}
    assert found.dropped == {'mentions "dull"': (-1.0,)}
    assert found.moved == (
        Moved('mentions "fine"', (1.0,), (-3.0,)),
        Moved('mentions "great"', (2.0,), (2.5,)),
    )
    assert found.settings == {"intercept": ((0.0,), (0.5,))}
    assert found.reworded == ()


def test_a_question_in_other_words_is_reworded() -> None:
    found = difference(asking(cheap=1.0, loud=-1.0), asking(cheaper=1.0, loud=-2.0))
    assert found.reworded == (Reworded("yes to: Is the price low?", "yes to: Is the price low or fair?"),)
    assert (found.added, found.dropped) == ({}, {})
    assert [move.feature for move in found.moved] == ["yes to: Does somebody complain about noise?"]


def test_a_question_that_keeps_its_id_is_reworded_whatever_its_words() -> None:
    old = asking(loud=1.0)
    new = replace(old, questions=(Question("loud", "Noisy?"),))
    assert [pair.after for pair in difference(old, new).reworded] == ["yes to: Noisy?"]


def test_questions_that_are_not_alike_are_dropped_and_added() -> None:
    found = difference(asking(cheap=1.0), asking(loud=1.0))
    assert (len(found.added), len(found.dropped), found.reworded) == (1, 1, ())


def test_a_bound_that_moved_is_a_rule_reworded() -> None:
    def model(bound: float) -> TreeModel:
        leaves = [Branch(None, None, None, value, 1) for value in ((1.0,), (3.0,))]
        root = Branch(Compares("age in years", "<=", bound), 1, 2, (2.0,), 2)
        return TreeModel(task="regression", link="identity", trees=((root, *leaves),), n_rows=2)

    found = difference(model(30.0), model(31.5))
    assert Reworded('column "age in years" <= 30.0', 'column "age in years" <= 31.5') in found.reworded
    assert not found.added


def test_rules_slopes_and_lists_are_compared() -> None:
    rule = Clause((Lexicon(("good",)),), (1.0,))
    parts: dict[str, Any] = {"task": "regression", "link": "identity"}
    old = RuleSetModel(
        **parts, intercept=(0.0,), clauses=(rule,), slopes=(Slope("n", 0.0, 9.0, 1.0, (2.0,)),)
    )
    new = replace(old, clauses=(rule._replace(value=(2.0,)),), slopes=())
    found = difference(old, new)
    assert found.moved == (Moved('mentions "good"', (1.0,), (2.0,)),)
    assert list(found.dropped) == ["each unit of n within 0.0 to 9.0, missing 1.0"]
    first = RuleListModel(**parts, clauses=(rule,), otherwise=(0.0,))
    assert difference(first, replace(first, otherwise=(4.0,))).settings == {"otherwise": ((0.0,), (4.0,))}


def test_models_of_two_kinds_share_features_without_moving() -> None:
    table = linear({"good": (1.0,)})
    rules = RuleSetModel(
        task="classification",
        classes=("bad", "good"),
        link="logit",
        intercept=(0.0,),
        clauses=(Clause((Lexicon(("good",)),), (2.0,)),),
    )
    found = difference(table, rules)
    assert found.settings["kind"] == ("LinearModel", "RuleSetModel")
    assert (found.added, found.dropped, found.moved) == ({}, {}, ())


def test_predictions_that_flip_are_named_by_row() -> None:
    old, new = linear({"fine": (1.0,)}), linear({"fine": (-1.0,)})
    rows = (["fine", "other", "so fine"],)
    found = difference(old, new, (rows, rows))
    assert found.flipped == (Flipped(0, "good", "bad"), Flipped(2, "good", "bad"))
    assert found.n_rows == 3
    assert difference(old, new).flipped is None


def test_models_that_predict_different_things_have_no_flips() -> None:
    rows = (["fine"],)
    with pytest.raises(InputError, match=r"predict different things.*leave the rows out"):
        difference(linear({}), linear({}, classes=("bad", "best")), (rows, rows))
