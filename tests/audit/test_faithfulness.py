"""Masking words in the order of a ledger: exact where it can be worked out, and beside its nulls."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from math import exp

import numpy as np
import pytest
from scipy.integrate import trapezoid

from interpllm.audit import Finding, faithfulness
from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, LinearModel, RuleSetModel, TreeModel

TEN = "lovely great fine dull awful slow one two three four"


def figures(found: Finding) -> dict[str, float]:
    return {measure.name: measure.value for measure in found.measures}


def good(score: float) -> float:
    return 1 / (1 + exp(-score))


def scores_left(model: LinearModel, words: list[str], order: list[str]) -> list[float]:
    """Scores as the words of an order are masked one by one."""
    left = set(words)
    scores = []
    for word in [None, *order]:
        left.discard(word or "")
        scores.append(model.intercept[0] + sum(model.weights[one][0] for one in left if one in model.weights))
    return scores


def area(model: LinearModel, words: list[str], order: list[str]) -> float:
    """The deletion area of an order, of the probability of the class that is predicted at first."""
    scores = scores_left(model, words, order)
    sign = 1 if scores[0] > 0 else -1
    return float(trapezoid([good(sign * score) for score in scores], np.linspace(0, 1, len(words) + 1)))


@pytest.mark.parametrize("masking", ["remove", "replace"])
def test_deletion_area_of_an_additive_model_is_the_analytic_one(unigrams: LinearModel, masking: str) -> None:
    words = TEN.split()
    contribution = {word: unigrams.weights.get(word, (0.0,))[0] for word in words}
    sign = 1 if sum(contribution.values()) + 0.1 > 0 else -1
    order = sorted(words, key=lambda word: -sign * contribution[word])
    found = faithfulness(unigrams, [TEN], masking=masking)
    assert figures(found)["deletion area"] == pytest.approx(area(unigrams, words, order), abs=1e-12)


def test_no_order_of_an_additive_model_deletes_better_than_the_ledgers(unigrams: LinearModel) -> None:
    # Seven words that the model knows and three that it does not: all orders of those that count.
    known = [word for word in TEN.split() if word in unigrams.weights]
    rest = [word for word in TEN.split() if word not in unigrams.weights]
    best = {
        position: min(
            area(unigrams, TEN.split(), [*order[:position], *rest, *order[position:]])
            for order in permutations(known)
        )
        for position in range(len(known) + 1)
    }
    found = figures(faithfulness(unigrams, [TEN]))["deletion area"]
    assert found == pytest.approx(min(best.values()), abs=1e-12)


def test_masked_first_words_hold_more_than_random_ones(unigrams: LinearModel, texts: list[str]) -> None:
    found = {measure.name: measure for measure in faithfulness(unigrams, texts).measures}
    for name, better in (
        ("comprehensiveness", 1),
        ("sufficiency", -1),
        ("deletion area", -1),
        ("insertion area", 1),
    ):
        null, own, turned = found[name].null, found[name].value, found[f"{name}, reversed order"].value
        assert null is not None
        assert better * own > better * null > better * turned
        assert found[name].passed


def test_a_ledger_that_names_the_wrong_words_does_not_pass(unigrams: LinearModel, texts: list[str]) -> None:
    class Liar(LinearModel):
        """It predicts by its weights and tells their opposites."""

        def explain(self, texts):  # type: ignore[no-untyped-def]
            turned = replace(unigrams, weights={word: (-w,) for word, (w,) in self.weights.items()})
            told = turned.explain(texts)
            return [
                replace(one, prediction=own.prediction)
                for one, own in zip(told, super().explain(texts), strict=True)
            ]

    liar = Liar(task="classification", classes=unigrams.classes, intercept=(0.1,), weights=unigrams.weights)
    found = faithfulness(liar, texts)
    assert {measure.passed for measure in found.measures} == {False, None}


def test_replaced_words_keep_the_norm_of_a_text(texts: list[str], unigrams: LinearModel) -> None:
    normed = replace(unigrams, norm="sqrt")
    words = TEN.split()
    own = figures(faithfulness(normed, [TEN], masking="replace"))["deletion area"]
    shrunk = replace(
        unigrams,
        weights={word: (weight / np.sqrt(len(words)),) for word, (weight,) in unigrams.weights.items()},
    )
    assert own == pytest.approx(figures(faithfulness(shrunk, [TEN]))["deletion area"], abs=1e-12)


def test_a_word_is_masked_wherever_it_stands(unigrams: LinearModel) -> None:
    once, twice = (figures(faithfulness(unigrams, [text])) for text in ("lovely day", "lovely day lovely"))
    assert once == twice


def test_regression_is_told_in_standard_deviations(unigrams: LinearModel, texts: list[str]) -> None:
    line = LinearModel(task="regression", intercept=(3.0,), weights=unigrams.weights)
    wide = LinearModel(
        task="regression",
        intercept=(30.0,),
        weights={word: (10 * w,) for word, (w,) in unigrams.weights.items()},
    )
    one, other = (figures(faithfulness(model, texts))["comprehensiveness"] for model in (line, wide))
    assert one == pytest.approx(other)


def test_trees_of_words_are_audited_too(tree: TreeModel, texts: list[str]) -> None:
    found = {measure.name: measure for measure in faithfulness(tree, texts).measures}
    assert found["comprehensiveness"].passed
    # What a text does not mention moves predictions, and has no word that could be masked.
    assert 0 < found["ledger that stands on words"].value < 1


def test_rows_without_words_are_not_counted(unigrams: LinearModel) -> None:
    assert faithfulness(unigrams, ["lovely film", "", "..."]).measures[0].n == 1


def test_a_model_of_columns_is_refused(rules_of_columns: RuleSetModel) -> None:
    with pytest.raises(InputError, match="reads columns alone"):
        faithfulness(rules_of_columns, [{"age": 30, "income": 5}])


def test_a_model_that_needs_a_language_model_is_refused(questions: ConceptLinear) -> None:
    with pytest.raises(InputError, match="distil"):
        faithfulness(questions, ["a film"])


def test_unknown_masking_is_refused(unigrams: LinearModel) -> None:
    with pytest.raises(InputError, match="remove, replace"):
        faithfulness(unigrams, ["a film"], masking="blur")  # type: ignore[arg-type]


def test_what_stands_on_words_is_told_of_the_ledgers_that_have_contributions(unigrams: LinearModel) -> None:
    found = faithfulness(unigrams, [TEN, "nothing of it is known", "lovely"])
    measure = next(one for one in found.measures if one.name == "ledger that stands on words")
    assert (measure.value, measure.n) == (1, 2)
