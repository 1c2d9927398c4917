"""What is printed is read back: whole models agree on every row, and parts are not passed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import some
from random_rows import row_models, rows_for

from interpllm.audit import Finding, Measure, display
from interpllm.runtime import ConceptLinear, LinearModel, Question, RuleSetModel, TreeModel


def measures(found: Finding) -> dict[str, Measure]:
    return {measure.name: measure for measure in found.measures}


@some
@given(data=st.data())
def test_every_kind_that_is_printed_whole_predicts_as_it_is_printed(data: st.DataObject) -> None:
    model = data.draw(row_models(questions=False))
    found = measures(display(model, data.draw(rows_for(model)), n_rows=30))
    assert found["rows predicted alike"].value == 1
    assert found["largest difference of scores"].passed


def test_a_tree_of_words_agrees_on_a_thousand_rows(tree: TreeModel, texts: list[str]) -> None:
    found = measures(display(tree, texts))["rows predicted alike"]
    assert (found.value, found.n, found.passed) == (1.0, 1000, True)
    assert "8 given rows and 992 made of them" in found.note


def test_rows_with_columns_are_made_of_those_given(rules_of_columns: RuleSetModel) -> None:
    rows = [{"age": 30, "income": 5}, {"age": 50, "income": 20}]
    assert measures(display(rules_of_columns, rows))["rows predicted alike"].passed


def test_a_printed_form_that_says_something_else_does_not_pass(tree: TreeModel, texts: list[str]) -> None:
    class Liar(TreeModel):
        """It prints another word than it looks at."""

        def __str__(self) -> str:
            return super().__str__().replace("Liar", "TreeModel").replace("lovely", "slow")

    liar = Liar(task="classification", classes=tree.classes, link="share", trees=tree.trees, n_rows=8)
    found = measures(display(liar, texts))
    assert found["rows predicted alike"].passed is False
    assert found["largest difference of scores"].passed is False


def test_a_table_that_is_printed_in_part_is_told_and_not_passed(texts: list[str]) -> None:
    weights = {f"word{number}": (1.0,) for number in range(40)} | {"lovely": (3.0,), "awful": (-3.0,)}
    long = LinearModel(task="classification", classes=("bad", "good"), intercept=(-0.5,), weights=weights)
    (only,) = display(long, [*texts, "word39 word38"], n_rows=9).measures
    assert "20 of 42 n-grams" in only.note
    assert only.passed is None
    assert only.value == pytest.approx(8 / 9)


def test_a_kind_that_cannot_be_read_back_is_an_error() -> None:
    question = Question.of("Is it praised?")
    stand_in = LinearModel(
        task="classification", classes=(False, True), intercept=(0.0,), weights={"lovely": (2.0,)}
    )
    model = ConceptLinear(
        task="classification",
        classes=("bad", "good"),
        intercept=(0.0,),
        questions=(question,),
        weights=((2.0,),),
        means=(0.5,),
        stand_ins={question.id: stand_in},
    )
    found = display(model, ["lovely"])
    assert found.error is not None
    assert "cannot be read back" in found.error
    assert not found.measures
