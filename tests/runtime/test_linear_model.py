"""LinearModel: scores, decisions, probabilities, what it refuses, and the rules it prints."""

from __future__ import annotations

import math
import pickle
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_models import models, models_and_texts, some

from interpllm.errors import InputError
from interpllm.runtime import Evidence, LinearModel
from interpllm.runtime.tokens import ngrams


def two_classes(**changes: Any) -> LinearModel:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "ngram_range": (1, 2),
        "intercept": (-0.5,),
        "weights": {"great": (2.0,), "not great": (-3.0,), "dull": (-1.0,)},
    }
    return LinearModel(**{**parts, **changes})


def three_classes(**changes: Any) -> LinearModel:
    weights = {"refund": (3.0, 0.0, 0.0), "late": (1.0, 2.0, 0.0), "all": (5.0, 5.0, 5.0)}
    parts = {"classes": ("money", "post", "other"), "intercept": (0.0, 0.1, 0.2), "weights": weights}
    return two_classes(**{**parts, **changes})


def regression(**changes: Any) -> LinearModel:
    return two_classes(task="regression", classes=(), **changes)


# --- scores -------------------------------------------------------------------------------------------------


def test_a_score_is_the_intercept_plus_the_weights_of_the_distinct_ngrams() -> None:
    assert two_classes().decision_function(["Great, great! not great"]) == [-0.5 + 2.0 - 3.0]


def test_sqrt_divides_by_the_root_of_the_number_of_distinct_ngrams_known_or_not() -> None:
    text = "a great film"  # five n-grams
    assert two_classes(norm="sqrt").decision_function([text]) == pytest.approx([-0.5 + 2.0 / math.sqrt(5)])


@pytest.mark.parametrize("norm", ["none", "sqrt"])
def test_an_empty_text_scores_the_intercept(norm: str) -> None:
    assert two_classes(norm=norm).decision_function(["", "..."]) == [-0.5, -0.5]


def test_three_classes_have_a_score_each() -> None:
    assert three_classes().decision_function(["late refund", ""]) == [[4.0, 2.1, 0.2], [0.0, 0.1, 0.2]]


@some
@given(models_and_texts())
def test_a_score_is_what_the_definition_says(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    for text, got in zip(texts, model.decision_function(texts), strict=True):
        grams = ngrams(text, *model.ngram_range)
        norm = math.sqrt(len(grams)) if model.norm == "sqrt" and grams else 1.0
        rows = [model.weights[gram] for gram in grams if gram in model.weights]
        expected = [base + sum(row[k] for row in rows) / norm for k, base in enumerate(model.intercept)]
        assert (got if isinstance(got, list) else [got]) == pytest.approx(expected, abs=1e-9)


# --- decisions ----------------------------------------------------------------------------------------------


def test_two_classes_are_told_apart_by_the_sign_of_the_score() -> None:
    assert two_classes().predict(["great", "not great", ""]) == ["good", "bad", "bad"]


def test_a_score_of_zero_is_the_first_class() -> None:
    assert two_classes(intercept=(0.0,)).predict([""]) == ["bad"]


def test_of_equal_scores_the_first_class_wins() -> None:
    assert three_classes(intercept=(0.0, 0.0, 0.0)).predict([""]) == ["money"]


def test_a_regression_predicts_its_score() -> None:
    assert regression().predict(["great"]) == [1.5]


@pytest.mark.parametrize("classes", [(0, 1), (False, True), (1.5, 2.5), ("a", "b")])
def test_labels_come_back_with_their_type(classes: tuple[Any, Any]) -> None:
    predicted = two_classes(classes=classes).predict(["great", "dull"])
    assert [(type(label), label) for label in predicted] == [(type(classes[0]), c) for c in reversed(classes)]


@some
@given(models_and_texts())
def test_probabilities_sum_to_one_and_agree_with_the_prediction(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    if not model.classes:
        return
    for label, shares in zip(model.predict(texts), model.predict_proba(texts), strict=True):
        assert math.fsum(shares) == pytest.approx(1.0)
        assert shares[model.classes.index(label)] == pytest.approx(max(shares))


def test_two_class_probability_is_the_sigmoid_of_the_score() -> None:
    (shares,) = two_classes().predict_proba(["great"])
    assert shares == pytest.approx([1 - 1 / (1 + math.exp(-1.5)), 1 / (1 + math.exp(-1.5))])


@pytest.mark.parametrize("score", [1e90, -1e90])
def test_huge_scores_do_not_overflow(score: float) -> None:
    assert sorted(two_classes(intercept=(score,)).predict_proba([""])[0]) == [0.0, 1.0]


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(InputError, match="no probabilities"):
        regression().predict_proba(["great"])


def test_predicting_no_texts_gives_nothing() -> None:
    assert two_classes().predict([]) == []


# --- input --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["predict", "predict_proba", "decision_function", "explain"])
@pytest.mark.parametrize("wrong", [None, float("nan"), 3, b"bytes", ["nested"]])
def test_a_row_that_is_no_text_is_named(verb: str, wrong: object) -> None:
    with pytest.raises(InputError, match="row 1 is not a text"):
        getattr(two_classes(), verb)(["fine", wrong])


def test_one_text_instead_of_a_list_is_refused() -> None:
    with pytest.raises(InputError, match="put it in a list"):
        two_classes().predict("great")


def test_any_iterable_of_texts_will_do() -> None:
    assert two_classes().predict(text for text in ("great",)) == ["good"]


# --- construction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "ranking"}, "task is one of"),
        ({"norm": "l2"}, "norm is one of"),
        ({"target": None}, "target is the name"),
        ({"target": "\ud83d"}, "lone surrogate"),
        ({"classes": ("a",)}, "at least two classes"),
        ({"classes": ("a", "a")}, "not distinct"),
        ({"classes": (1, True)}, "not distinct"),
        ({"classes": ("a", None)}, "class None"),
        ({"classes": (0.0, float("nan"))}, "class nan"),
        ({"classes": ("a", "\udc00")}, "lone surrogate"),
        ({"task": "regression"}, "no classes"),
        ({"ngram_range": (0, 1)}, "ngram_range"),
        ({"ngram_range": (2, 1)}, "ngram_range"),
        ({"ngram_range": (1, 11)}, "ngram_range"),
        ({"ngram_range": (1,)}, "ngram_range"),
        ({"ngram_range": (1, 1.5)}, "ngram_range"),
        ({"intercept": ()}, "intercept has 0 numbers for 1 output"),
        ({"intercept": (1.0, 2.0)}, "intercept has 2 numbers for 1 output"),
        ({"intercept": (float("inf"),)}, "not finite"),
        ({"weights": {"Great": (1.0,)}}, "found in no text"),
        ({"weights": {"two  spaces": (1.0,)}}, "found in no text"),
        ({"weights": {"one two three": (1.0,)}}, "found in no text"),
        ({"weights": {"": (1.0,)}}, "found in no text"),
        ({"weights": {3: (1.0,)}}, "found in no text"),
        ({"weights": {"ok": (1.0,), "great": (1.0, 2.0)}}, "phrase 'great' has 2 numbers for 1"),
        ({"weights": {"ok": (1.0,), "great": (float("nan"),)}}, "phrase 'great' has a number that"),
        ({"weights": {"ok": (1.0,), "great": (1e101,)}}, "phrase 'great' has a number"),
        ({"weights": {"ok": (1.0,), "great": ("x",)}}, "phrase 'great' is not a row of numbers"),
        ({"n_rows": -1}, "n_rows"),
        ({"n_rows": 1.5}, "n_rows"),
        ({"evidence": {"absent": (1, 0.5, (0,))}, "n_rows": 2}, "has no weight"),
        ({"evidence": {"great": (3, 0.5, (0,))}, "n_rows": 2}, "does not fit n_rows=2"),
        (
            {"evidence": {"great": (1, 0.5, (-1,))}, "n_rows": 2},
            "an example of 'great' is a whole number from 0",
        ),
        ({"meta": {"x": float("nan")}}, "meta is not JSON"),
        ({"meta": {"x": object()}}, "meta is not JSON"),
        ({"meta": {"x": "\ud83d"}}, "lone surrogate"),
        ({"meta": {"x": 10**30}}, "digits"),
    ],
)
def test_parts_that_make_no_model_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_classes(**changes)


def test_metadata_that_nests_too_deep_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(30):
        nested = [nested]
    with pytest.raises(InputError, match="nests deeper"):
        two_classes(meta={"x": nested})


def test_numpy_parts_become_plain_ones() -> None:
    model = two_classes(
        classes=np.array([3, 7]),
        intercept=np.array([0.5]),
        weights={"great": np.array([1.5])},
        ngram_range=(np.int64(1), np.int64(1)),
        evidence={"great": (np.int64(2), np.float64(0.5), (np.int64(1),))},
        n_rows=np.int64(4),
    )
    plain = (3, 7), (0.5,), {"great": (1.5,)}, (1, 1), {"great": (2, 0.5, 1)}, 4
    parts = (
        model.classes, model.intercept, dict(model.weights), model.ngram_range, dict(model.evidence or {}),
        model.n_rows
    )  # fmt: skip
    assert repr(parts) == repr((*plain[:4], {"great": Evidence(2, 0.5, (1,))}, 4))


def test_evidence_without_support_is_as_none() -> None:
    assert two_classes(evidence={"great": (0, float("nan"), ())}, n_rows=3).evidence == {}


@pytest.mark.parametrize("part", ["weights", "meta"])
def test_tables_cannot_be_changed(part: str) -> None:
    with pytest.raises(TypeError):
        getattr(two_classes(), part)["great"] = (9.0,)


def test_what_the_model_was_made_from_can_change_without_it() -> None:
    weights = {"great": [2.0]}
    model = two_classes(weights=weights)
    weights["great"][0] = 9.0
    assert model.weights["great"] == (2.0,)


def test_attributes_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        two_classes().norm = "sqrt"  # type: ignore[misc]


@some
@given(models())
def test_a_pickled_model_comes_back_equal(model: LinearModel) -> None:
    assert pickle.loads(pickle.dumps(model)) == model


# --- rules --------------------------------------------------------------------------------------------------


def test_rules_are_sorted_by_strength_and_ties_by_phrase() -> None:
    model = two_classes(weights={"b": (1.0,), "a": (-1.0,), "c": (2.0,)})
    assert [rule.phrase for rule in model.rules()] == ["c", "a", "b"]


def test_a_negative_weight_speaks_for_the_first_class() -> None:
    rule = two_classes().rules()[0]
    assert (rule.rule, rule.prediction, rule.weight) == ('mentions "not great"', "bad", 3.0)


def test_with_three_classes_a_rule_is_the_class_that_stands_out_and_by_how_much() -> None:
    found = {rule.phrase: (rule.prediction, rule.weight) for rule in three_classes().rules()}
    assert found == {"refund": ("money", 2.0), "late": ("post", 1.0), "all": ("money", 0.0)}


def test_a_regression_rule_goes_up_or_down_with_its_sign() -> None:
    found = [(rule.prediction, rule.weight) for rule in regression().rules()]
    assert found == [("-", -3.0), ("+", 2.0), ("-", -1.0)]


def test_rules_carry_the_evidence() -> None:
    model = two_classes(evidence={"great": (4, 0.75, (1, 3))}, n_rows=8, base=(0.5, 0.5))
    rules = {rule.phrase: rule for rule in model.rules()}
    found = rules["great"]
    assert found[4:9] == (4, 0.5, 0.75, 0.75, 1.5)
    assert (round(found.low, 4), round(found.high, 4)) == (0.3006, 0.9544)  # of 3 in 4
    assert found[11:] == ("data", (1, 3))
    assert rules["dull"][4:] == (0, 0.0, None, None, None, None, None, "llm", ())


def test_evidence_of_a_regression_keeps_the_interval_of_its_mean() -> None:
    model = regression(evidence={"great": (4, 0.75, (1,), (0.5, 1.0))}, n_rows=8)
    found = next(rule for rule in model.rules() if rule.phrase == "great")
    assert (found.recall, found.lift, found.low, found.high) == (None, None, 0.5, 1.0)


def test_rules_without_evidence_leave_it_open() -> None:
    assert two_classes().rules()[0][4:] == (*[None] * 7, "", ())


def test_a_hundred_thousand_rules_are_listed_in_seconds() -> None:
    model = two_classes(weights={f"w{i}": (float(i),) for i in range(100_000)})
    start = time.perf_counter()
    rules = model.rules()
    assert rules[0].phrase == "w99999"
    assert time.perf_counter() - start < 10


def test_printing_shows_the_strongest_rules_and_how_many_more_there_are() -> None:
    model = two_classes(weights={f"w{i}": (float(-i),) for i in range(30)}, target="tone")
    shown = str(model)
    assert "classification of tone into bad, good" in shown
    assert 'mentions "w29" -> bad' in shown
    assert 'mentions "w9"' not in shown
    assert "10 more" in shown


def test_printing_does_not_obey_control_characters_of_labels() -> None:
    assert "\x1b" not in str(two_classes(classes=("\x1b[31mbad", "good"), target="\x1b]0;x\x07"))


def test_the_short_form_names_task_and_size() -> None:
    assert repr(two_classes()) == "<LinearModel: classification, 3 n-grams of 1 to 2 words>"
