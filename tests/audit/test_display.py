"""What is printed is read back: models of every kind agree on every row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import concept_linears, concept_trees, models, some
from random_models import texts as random_texts
from random_rows import row_models, rows_for

from interpllm.audit import Finding, Measure, display
from interpllm.runtime import LinearModel, RuleSetModel, TreeModel


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


def test_a_table_of_n_grams_agrees_and_what_its_strongest_give_is_told(texts: list[str]) -> None:
    weights = {f"word{number}": (1.0,) for number in range(40)} | {"lovely": (3.0,), "awful": (-3.0,)}
    long = LinearModel(task="classification", classes=("bad", "good"), intercept=(-0.5,), weights=weights)
    found = measures(display(long, [*texts, "word39 word38"], n_rows=9))
    assert found["rows predicted alike"].passed
    assert found["largest difference of scores"].value == 0
    strongest = found["predictions that the strongest n-grams alone give"]
    assert (strongest.passed, strongest.value) == (None, pytest.approx(8 / 9))
    assert "20 of 42 n-grams" in strongest.note


def test_a_regression_tells_how_far_its_strongest_n_grams_are_off() -> None:
    weights = {f"word{number}": (float(40 - number),) for number in range(40)}
    model = LinearModel(task="regression", intercept=(1.0,), weights=weights)
    found = measures(display(model, ["word0", "word39"], n_rows=2))
    assert found["rows predicted alike"].passed
    name = "mean difference from what the strongest n-grams alone predict"
    assert found[name].value == 0.5


@some
@given(data=st.data())
def test_models_of_n_grams_and_of_questions_predict_as_they_are_printed(data: st.DataObject) -> None:
    kinds = [models(), concept_linears(all_answered=True), concept_trees(all_answered=True)]
    rows = data.draw(st.lists(random_texts, min_size=1, max_size=3))
    found = measures(display(data.draw(st.one_of(kinds)), rows, n_rows=30))
    assert found["rows predicted alike"].passed
    assert found["largest difference of scores"].value == 0


def test_a_printed_form_that_cannot_be_read_back_is_an_error(tree: TreeModel, texts: list[str]) -> None:
    class Mute(TreeModel):
        """It prints nothing."""

        def __str__(self) -> str:
            return ""

    mute = Mute(task="classification", classes=tree.classes, link="share", trees=tree.trees, n_rows=8)
    found = display(mute, texts)
    assert found.error is not None
    assert "cannot be read back" in found.error
    assert not found.measures
