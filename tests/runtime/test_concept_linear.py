"""ConceptLinear: where answers come from, scores, decisions, ledgers, rules, and what it refuses."""

from __future__ import annotations

import math
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from random_models import concept_linears, concept_linears_and_rows, fewer

from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, Evidence, LinearModel, Question

CHEAP, LOUD = Question("cheap", "Is it cheap?"), Question("loud", "Is it loud?")
NAN = float("nan")


def stand_in(**weights: float) -> LinearModel:
    """Answer by single words; a text without any is answered with 1/2."""
    return LinearModel(
        task="classification",
        classes=(False, True),
        intercept=(0.0,),
        weights={word: (weight,) for word, weight in weights.items()},
    )


def residual(**changes: Any) -> LinearModel:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "intercept": (0.25,),
        "weights": {"great": (2.0,)},
    }
    return LinearModel(**{**parts, **changes})


def two_classes(**changes: Any) -> ConceptLinear:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "intercept": (-0.5,),
        "questions": (CHEAP, LOUD),
        "weights": ((2.0,), (-4.0,)),
        "means": (0.5, 0.25),
    }
    return ConceptLinear(**{**parts, **changes})


def three_classes(**changes: Any) -> ConceptLinear:
    parts = {
        "classes": ("a", "b", "c"),
        "intercept": (0.0, 0.1, 0.2),
        "weights": ((3.0, 0.0, 0.0), (1.0, 2.0, 0.0)),
    }
    return two_classes(**{**parts, **changes})


def regression(**changes: Any) -> ConceptLinear:
    return two_classes(task="regression", classes=(), **changes)


def both(cheap: Any, loud: Any) -> dict[str, Any]:
    return {"cheap": cheap, "loud": loud}


# --- scores -------------------------------------------------------------------------------------------------


def test_a_score_is_the_intercept_plus_the_weighted_answers() -> None:
    assert two_classes().decision_function(["x"], both([1.0], [0.5])) == [-0.5 + 2.0 - 2.0]


@pytest.mark.parametrize("missing", [None, NAN, np.nan])
def test_the_mean_stands_for_a_missing_answer(missing: Any) -> None:
    assert two_classes().decision_function(["x"], both([missing], [0.0])) == [-0.5 + 2.0 * 0.5]


def test_a_stand_in_answers_with_its_probability_of_yes() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    yes = 1 / (1 + math.exp(-3.0))
    assert model.decision_function(["a bargain"], {"loud": [0.0]}) == pytest.approx([-0.5 + 2.0 * yes])


def test_a_given_answer_stands_before_the_stand_ins() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    assert model.decision_function(["a bargain"], both([0.0], [0.0])) == [-0.5]


def test_a_given_answer_that_is_missing_is_not_replaced_by_the_stand_ins() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    assert model.decision_function(["a bargain"], both([NAN], [0.0])) == [-0.5 + 2.0 * 0.5]


def test_the_residuals_score_is_added() -> None:
    model = two_classes(residual=residual())
    assert model.decision_function(["great"], both([0.0], [0.0])) == [-0.5 + 0.25 + 2.0]


def test_three_classes_have_a_score_each() -> None:
    assert three_classes().decision_function(["x"], both([1.0], [1.0])) == [[4.0, 2.1, 0.2]]


@fewer
@given(concept_linears_and_rows())
def test_a_score_is_what_the_definition_says(drawn: Any) -> None:
    model, texts, answers = drawn
    answered = {
        q.id: answers[q.id]
        if q.id in answers
        else [shares[1] for shares in model.stand_ins[q.id].predict_proba(texts)]
        for q in model.questions
    }
    for row, got in enumerate(model.decision_function(texts, answers)):
        filled = [
            mean if (a := answered[q.id][row]) is None or a != a else a
            for q, mean in zip(model.questions, model.means, strict=True)
        ]
        rest = model.residual.decision_function([texts[row]])[0] if model.residual else 0.0
        rests = rest if isinstance(rest, list) else [rest] * len(model.intercept)
        expected = [
            base + rests[k] + sum(w[k] * a for w, a in zip(model.weights, filled, strict=True))
            for k, base in enumerate(model.intercept)
        ]
        assert (got if isinstance(got, list) else [got]) == pytest.approx(expected, abs=1e-9)


# --- decisions ----------------------------------------------------------------------------------------------


def test_two_classes_are_told_apart_by_the_sign_of_the_score() -> None:
    assert two_classes().predict(None, both([1, 0], [0, 1])) == ["good", "bad"]


def test_a_regression_predicts_its_score() -> None:
    assert regression().predict(None, both([1], [0])) == [1.5]


def test_two_class_probability_is_the_sigmoid_of_the_score() -> None:
    (shares,) = two_classes().predict_proba(None, both([1], [0]))
    assert shares == pytest.approx([1 - 1 / (1 + math.exp(-1.5)), 1 / (1 + math.exp(-1.5))])


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(InputError, match="no probabilities"):
        regression().predict_proba(None, both([1], [0]))


def test_a_model_without_questions_scores_its_intercept() -> None:
    model = two_classes(questions=(), weights=(), means=())
    assert model.decision_function(["x", "y"]) == [-0.5, -0.5]


# --- what is given ------------------------------------------------------------------------------------------


def test_texts_alone_are_enough_for_a_deployable_model() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=9.0), "loud": stand_in(noise=9.0, quiet=-9.0)})
    assert (model.deployable, model.unanswered) == (True, ())
    assert model.predict(["quiet bargain", "noise"]) == ["good", "bad"]


def test_a_question_without_stand_in_is_named_when_its_answers_are_missing() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=1.0)})
    assert (model.deployable, model.unanswered) == (False, ("loud",))
    with pytest.raises(InputError, match=r"loud 'Is it loud\?'"):
        model.predict(["x"])


def test_answers_to_other_questions_are_passed_over() -> None:
    assert two_classes().predict(None, {**both([1], [0]), "other": ["x", "y"]}) == ["good"]


@pytest.mark.parametrize(
    ("texts", "answers", "message"),
    [
        (["x"], both([1, 0], [0]), "cheap has 2 answers for 1 texts"),
        (None, both([1, 0], [0]), "loud has 1 answers for 2 texts"),
        (["x"], both([2], [0]), "answer 0 to cheap is 2.0, not from 0"),
        (["x"], both(["yes"], [0]), "answer 0 to cheap is not a number but 'yes'"),
        (["x"], both("1", [0]), "are one string"),
        (["x", 3], both([1, 0], [0, 0]), "row 1 is not a text"),
        ("x", both([1], [0]), "put it in a list"),
    ],
)
def test_what_cannot_be_used_is_named(texts: Any, answers: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_classes().predict(texts, answers)


@pytest.mark.parametrize(
    "changes",
    [{"residual": residual()}, {"stand_ins": {"loud": stand_in(noise=1.0)}}],
    ids=["residual", "stand-in"],
)
def test_texts_are_asked_for_where_n_grams_need_them(changes: dict[str, Any]) -> None:
    answers = {"cheap": [1.0], "loud": [1.0]} if "residual" in changes else {"cheap": [1.0]}
    with pytest.raises(InputError, match="texts are missing"):
        two_classes(**changes).predict(None, answers)


def test_numpy_answers_will_do() -> None:
    assert two_classes().predict(None, both(np.array([1.0]), np.array([False]))) == ["good"]


# --- explanations -------------------------------------------------------------------------------------------


@fewer
@given(concept_linears_and_rows())
def test_base_and_contributions_add_up_to_the_decision(drawn: Any) -> None:
    model, texts, answers = drawn
    decisions = model.decision_function(texts, answers)
    for explanation, decision in zip(model.explain(texts, answers), decisions, strict=True):
        total = [
            math.fsum(column)
            for column in zip(explanation.base, *(c.values for c in explanation.contributions), strict=True)
        ]
        assert list(explanation.decision) == (decision if isinstance(decision, list) else [decision])
        assert total == pytest.approx(list(explanation.decision), abs=1e-9)


def test_a_contribution_tells_the_question_its_answer_and_what_it_adds() -> None:
    (explanation,) = two_classes().explain(["x"], both([0.75], [None]))
    told = {c.question: (c.phrase, c.answer, c.values, c.spans) for c in explanation.contributions}
    assert told == {
        "cheap": ("Is it cheap?", 0.75, (1.5,), ()),
        "loud": ("Is it loud?", None, (-1.0,), ()),
    }


def test_a_stand_in_shows_the_words_that_spoke_for_its_answer() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0, offer=1.0, steep=-2.0)})
    (explanation,) = model.explain(["offer: a steep BARGAIN, bargain!"], {"loud": [0.0]})
    (cheap,) = [c for c in explanation.contributions if c.question == "cheap"]
    shown = [explanation.text[start:end] for start, end in cheap.spans]
    assert shown == ["offer", "BARGAIN", "bargain"]


def test_a_stand_in_that_says_no_shows_what_spoke_for_no() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=1.0, steep=-2.0)})
    (explanation,) = model.explain(["a steep bargain"], {"loud": [0.0]})
    (cheap,) = [c for c in explanation.contributions if c.question == "cheap"]
    assert [explanation.text[start:end] for start, end in cheap.spans] == ["steep"]


def test_n_grams_of_the_residual_stand_in_the_ledger() -> None:
    (explanation,) = two_classes(residual=residual()).explain(["so great"], both([0], [0]))
    (great,) = [c for c in explanation.contributions if c.question is None]
    assert (great.phrase, great.spans, great.values) == ("great", ((3, 8),), (2.0,))


def test_coverage_is_the_share_of_questions_that_were_answered() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=1.0)})
    told = model.explain(["bargain", "bargain", "unknown"], {"loud": [0.5, None, None]})
    assert [explanation.coverage for explanation in told] == [1.0, 0.5, 0.0]


def test_a_printed_explanation_shows_the_answers() -> None:
    (explanation,) = two_classes().explain(["x"], both([0.75], [None]))
    assert str(explanation) == (
        "prediction: bad\n"
        "decision: +0   base: -0.5   answered: 50%\n"
        "  -1.5000  Is it cheap? 0.75\n"
        "  +1.0000  Is it loud? no answer"
    )


# --- rules --------------------------------------------------------------------------------------------------


def test_rules_are_the_questions_and_n_grams_strongest_first() -> None:
    rules = two_classes(residual=residual(weights={"great": (3.0,)})).rules()
    assert [(rule.rule, rule.prediction, rule.weight) for rule in rules] == [
        ("yes to: Is it loud?", "bad", 4.0),
        ('mentions "great"', "good", 3.0),
        ("yes to: Is it cheap?", "good", 2.0),
    ]


def test_rules_carry_the_evidence() -> None:
    model = two_classes(evidence={"cheap": (4, 0.75, (1, 3))}, n_rows=8, base=(0.5, 0.5))
    rules = {rule.phrase: rule for rule in model.rules()}
    found = rules["Is it cheap?"]
    assert found[4:9] == (4, 0.5, 0.75, 0.75, 1.5)
    assert (round(found.low, 4), round(found.high, 4)) == (0.3006, 0.9544)  # of 3 in 4
    assert found[11:] == ("person", (1, 3))
    assert rules["Is it loud?"][4:] == (0, 0.0, None, None, None, None, None, "person", ())


def test_evidence_of_a_regression_keeps_the_interval_of_its_mean() -> None:
    model = regression(evidence={"cheap": (4, 0.75, (1,), (0.5, 1.0))}, n_rows=8)
    found = next(rule for rule in model.rules() if rule.phrase == "Is it cheap?")
    assert (found.recall, found.lift, found.low, found.high) == (None, None, 0.5, 1.0)


def test_printing_shows_the_questions_and_which_need_a_language_model() -> None:
    shown = str(two_classes(stand_ins={"cheap": stand_in(bargain=1.0)}, target="tone"))
    assert "ConceptLinear: classification of tone into bad, good" in shown
    assert "need a language model: loud" in shown
    assert "yes to: Is it loud? -> bad" in shown


def test_terms_are_questions_and_n_grams() -> None:
    assert two_classes(residual=residual()).n_terms == 3


# --- construction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "ranking"}, "task is one of"),
        ({"classes": ("a",)}, "at least two classes"),
        ({"intercept": (1.0, 2.0)}, "intercept has 2 numbers for 1 output"),
        ({"questions": ("Is it?", LOUD)}, "is not a Question"),
        ({"questions": (CHEAP, CHEAP)}, "the same id"),
        ({"questions": (CHEAP,), "means": (0.5,)}, "2 rows of weights for 1 questions"),
        ({"weights": ((1.0,), (1.0, 2.0))}, "question loud has 2 numbers for 1"),
        ({"weights": ((1.0,), (NAN,))}, "question loud has a number that is not finite"),
        ({"means": (0.5,)}, "1 means for 2 questions"),
        ({"means": (0.5, 1.5)}, "from 0 to 1"),
        ({"means": (0.5, NAN)}, "not finite"),
        ({"stand_ins": {"other": stand_in()}}, "answers no question of the model: 'other'"),
        ({"stand_ins": {"loud": residual()}}, r"classes \(False, True\)"),
        ({"stand_ins": {"loud": residual(classes=(0, 1))}}, r"classes \(False, True\)"),
        ({"stand_ins": {"loud": "model"}}, r"classes \(False, True\)"),
        ({"residual": residual(classes=("good", "bad"))}, "predicts something else"),
        ({"residual": residual(task="regression", classes=())}, "predicts something else"),
        ({"residual": "model"}, "not a LinearModel"),
        ({"classes": (0, 1), "residual": residual(classes=(0.0, 1.0))}, "predicts something else"),
        ({"evidence": {"other": (1, 0.5, (0,))}, "n_rows": 2}, "has no weight"),
        ({"evidence": {"loud": (3, 0.5, (0,))}, "n_rows": 2}, "does not fit n_rows=2"),
    ],
)
def test_parts_that_make_no_model_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_classes(**changes)


def test_numpy_parts_become_plain_ones() -> None:
    model = two_classes(
        intercept=np.array([0.5]), weights=np.array([[1.0], [2.0]]), means=np.array([0.5, 0.25])
    )
    assert repr((model.intercept, model.weights, model.means)) == "((0.5,), ((1.0,), (2.0,)), (0.5, 0.25))"


def test_evidence_without_support_is_as_none() -> None:
    model = two_classes(evidence={"cheap": (0, NAN, ()), "loud": (1, 0.5, (0,))}, n_rows=3)
    assert model.evidence == {"loud": Evidence(1, 0.5, (0,))}


def test_attributes_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        two_classes().means = (0.0, 0.0)  # type: ignore[misc]


def test_stand_ins_can_be_put_into_a_copy() -> None:
    given_in = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    assert replace(two_classes(), stand_ins={"cheap": stand_in(bargain=3.0)}) == given_in


@pytest.mark.parametrize("part", ["stand_ins", "meta"])
def test_tables_cannot_be_changed(part: str) -> None:
    with pytest.raises(TypeError):
        getattr(two_classes(), part)["cheap"] = stand_in()


@fewer
@given(concept_linears())
def test_a_pickled_model_comes_back_equal(model: ConceptLinear) -> None:
    assert pickle.loads(pickle.dumps(model)) == model
