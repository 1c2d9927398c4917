"""Why one class and not another: exact differences, and where paths part."""

from __future__ import annotations

from math import fsum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpllm.errors import InputError
from interpllm.explain import contrast
from interpllm.runtime import Branch, Clause, Lexicon, LinearModel, RuleListModel, TreeModel
from tests.random_models import (
    concept_linears_and_rows,
    concept_trees_and_rows,
    models_and_texts,
    some,
)
from tests.random_rows import answers_for, row_models, rows_for

TWO = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.5,),
    ngram_range=(1, 2),
    weights={"great": (2.0,), "not great": (-3.0,)},
)
THREE = LinearModel(
    task="classification",
    classes=("a", "b", "c"),
    intercept=(0.5, 0.25, 0.0),
    weights={"x": (2.0, 0.5, -1.0), "y": (0.0, 4.0, 0.0)},
)


def adds_up(model: Any, rows: Any, answers: Any = None) -> None:
    """The base and the leads of each row are the difference of the scores of the last class and the first."""
    if not model.classes:
        return
    a, b = model.classes[-1], model.classes[0]
    scores = model.decision_function(rows, *([] if answers is None else [answers]))
    found = contrast(model, rows, a, b, answers=answers)
    for one, score in zip(found.rows, scores, strict=True):
        expected = score[-1] - score[0] if isinstance(score, list) else score
        scale = max(1.0, abs(one.base), *(abs(lead.value) for lead in one.leads))
        assert one.difference == pytest.approx(expected, abs=1e-9 * scale)
        assert fsum([one.base, *(lead.value for lead in one.leads)]) == pytest.approx(
            expected, rel=1e-9, abs=1e-9 * scale
        )


@some
@given(models_and_texts())
def test_phrases_add_up_to_the_difference(drawn: Any) -> None:
    adds_up(*drawn)


@some
@given(st.one_of(concept_linears_and_rows(), concept_trees_and_rows()))
def test_answers_add_up_to_the_difference(drawn: Any) -> None:
    adds_up(*drawn)


@settings(some, max_examples=60)
@given(st.data())
def test_conditions_add_up_to_the_difference(data: st.DataObject) -> None:
    model = data.draw(row_models())
    adds_up(model, data.draw(rows_for(model)), answers_for(model))


def test_of_two_classes_the_other_way_round_is_the_opposite() -> None:
    one, other = (
        contrast(TWO, ["not great"], "good", "bad")[0],
        contrast(TWO, ["not great"], "bad", "good")[0],
    )
    assert (one.base, one.difference) == (-other.base, -other.difference) == (0.5, -0.5)
    assert [lead[:2] for lead in one.leads] == [("not great", -3.0), ("great", 2.0)]


def test_of_three_classes_only_the_two_are_held_against_each_other() -> None:
    (one,) = contrast(THREE, ["x y"], "b", "c").rows
    assert [lead[:2] for lead in one.leads] == [("y", 4.0), ("x", 1.5)]
    assert (one.base, one.difference) == (0.25, 5.75)


TREE = TreeModel(
    task="classification",
    classes=("a", "b", "c"),
    link="share",
    trees=(
        (
            Branch(Lexicon(("x",)), 1, 2, (0.4, 0.3, 0.3), 9),
            Branch(Lexicon(("y",)), 3, 4, (0.4, 0.3, 0.3), 5),
            Branch(None, None, None, (0.1, 0.2, 0.7), 4),
            Branch(None, None, None, (0.8, 0.1, 0.1), 3),
            Branch(None, None, None, (0.2, 0.7, 0.1), 2),
        ),
    ),
)


def test_a_tree_tells_where_the_nearest_path_to_the_other_parts() -> None:
    found = contrast(TREE, ["x y", "x", "z"], "a", "b").rows
    assert [None if one.parting is None else [c.said for c in one.parting] for one in found] == [
        ['does not mention "y"'],
        None,
        None,
    ]


def test_a_rule_list_tells_what_kept_the_other_from_being_reached() -> None:
    model = RuleListModel(
        task="classification",
        classes=("a", "b"),
        link="share",
        clauses=(Clause((Lexicon(("x",)),), (0.9, 0.1)), Clause((Lexicon(("y",)),), (0.2, 0.8))),
        otherwise=(0.7, 0.3),
    )
    found = contrast(model, ["x y", "x", "z"], "a", "b").rows
    assert [[change.said for change in one.parting or ()] for one in found] == [
        ['does not mention "x"'],
        ['does not mention "x"', 'mentions "y"'],
        ['mentions "y"'],
    ]


def test_the_frame_begins_each_row_with_its_base_and_quotes_the_text() -> None:
    frame = contrast(TWO, ["Not GREAT"], "good", "bad").frame()
    assert frame["phrase"].tolist() == ["(every row)", "not great", "great"]
    assert frame["evidence"].tolist() == [(), ("Not GREAT",), ("GREAT",)]
    assert frame["difference"].sum() == -0.5


def test_a_class_is_not_held_against_itself() -> None:
    with pytest.raises(InputError, match="twice"):
        contrast(TWO, ["x"], "good", "good")


def test_its_page_escapes_texts_and_labels() -> None:
    model = LinearModel(
        task="classification", classes=("<i>", "<u>"), intercept=(0.0,), weights={"great": (2.0,)}
    )
    html = contrast(model, ["<script>great</script>"], "<u>", "<i>").to_html()
    assert not [raw for raw in ("<script>great", "<u>", "<i>") if raw in html]
