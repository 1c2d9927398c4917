"""ConceptTree: the way of a text, what it asks, probabilities, ledgers, rules, and what it refuses."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from random_models import concept_trees, concept_trees_and_rows, fewer

from interpllm.errors import InputError
from interpllm.runtime import ConceptTree, LinearModel, Node, Question

CHEAP, LOUD = Question("cheap", "Is it cheap?"), Question("loud", "Is it loud?")
NAN = float("nan")

ROOT = Node(0, 1, 2, (0.5, 0.5), 10)
NODES = (
    ROOT,
    Node(None, None, None, (0.25, 0.75), 4),
    Node(1, 3, 4, (0.7, 0.3), 6),
    Node(None, None, None, (1.0, 0.0), 3),
    Node(None, None, None, (0.4, 0.6), 3),
)


def stand_in(**weights: float) -> LinearModel:
    return LinearModel(
        task="classification",
        classes=(False, True),
        intercept=(-1.0,),
        weights={word: (weight,) for word, weight in weights.items()},
    )


def two_classes(**changes: Any) -> ConceptTree:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "questions": (CHEAP, LOUD),
        "means": (0.4, 0.5),
        "nodes": NODES,
    }
    return ConceptTree(**{**parts, **changes})


def regression(**changes: Any) -> ConceptTree:
    values = (5.0, 9.0, 3.0, 1.0, 5.0)
    nodes = [node._replace(value=(value,)) for node, value in zip(NODES, values, strict=True)]
    return two_classes(task="regression", classes=(), nodes=nodes, **changes)


def both(cheap: Any, loud: Any) -> dict[str, Any]:
    return {"cheap": cheap, "loud": loud}


def node(place: int, **changes: Any) -> dict[str, Any]:
    return {"nodes": (*NODES[:place], NODES[place]._replace(**changes), *NODES[place + 1 :])}


# --- the way of a text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cheap", "loud", "expected"),
    [(1.0, NAN, [0.25, 0.75]), (0.51, 1.0, [0.25, 0.75]), (0.5, 0.51, [1.0, 0.0]), (0.0, 0.0, [0.4, 0.6])],
)
def test_an_answer_above_a_half_goes_to_the_yes_branch(cheap: float, loud: float, expected: Any) -> None:
    assert two_classes().predict_proba(None, both([cheap], [loud])) == [expected]


@pytest.mark.parametrize(("n_yes", "expected"), [(9, 0.75), (1, 0.6)])
def test_a_missing_answer_goes_the_way_of_most_training_rows(n_yes: int, expected: float) -> None:
    model = two_classes(**node(1, n_rows=n_yes))
    assert model.predict_proba(None, both([None], [0.0]))[0][1] == expected


def test_a_missing_answer_goes_to_no_where_as_many_rows_went_either_way() -> None:
    assert two_classes().predict_proba(None, both([0.0], [NAN])) == [[0.4, 0.6]]


def test_stand_ins_answer_what_is_not_given() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0), "loud": stand_in(noise=3.0)})
    assert model.deployable
    assert model.predict(["bargain", "noise", "neither"]) == ["good", "bad", "good"]


def test_a_given_answer_stands_before_the_stand_ins() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    assert model.predict_proba(["bargain"], both([0.0], [1.0])) == [[1.0, 0.0]]


def test_a_question_without_stand_in_is_named_when_its_answers_are_missing() -> None:
    with pytest.raises(InputError, match="cheap 'Is it cheap"):
        two_classes().predict(["x"], {"loud": [0.0]})


def test_a_tree_of_one_leaf_needs_no_answer() -> None:
    model = two_classes(questions=(), means=(), nodes=[Node(None, None, None, (0.9, 0.1), 3)])
    assert model.predict(["x", "y"]) == ["bad", "bad"]


# --- decisions ----------------------------------------------------------------------------------------------


def test_the_score_of_two_classes_is_the_difference_of_their_probabilities() -> None:
    assert two_classes().decision_function(None, both([1.0], [0.0])) == [0.5]


def test_more_classes_score_their_probabilities() -> None:
    leaf = Node(None, None, None, (0.2, 0.5, 0.3), 3)
    model = two_classes(classes=("a", "b", "c"), questions=(), means=(), nodes=[leaf])
    assert (model.decision_function(["x"]), model.predict(["x"])) == ([[0.2, 0.5, 0.3]], ["b"])


def test_a_regression_predicts_the_mean_of_its_leaf() -> None:
    assert regression().predict(None, both([1, 0], [0, 1])) == [9.0, 1.0]


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(InputError, match="no probabilities"):
        regression().predict_proba(None, both([1], [0]))


@fewer
@given(concept_trees_and_rows())
def test_the_prediction_has_the_largest_probability(drawn: Any) -> None:
    model, texts, answers = drawn
    if model.classes:
        predicted = model.predict(texts, answers)
        for label, shares in zip(predicted, model.predict_proba(texts, answers), strict=True):
            assert shares[model.classes.index(label)] == pytest.approx(max(shares))


# --- ask ----------------------------------------------------------------------------------------------------


def test_only_rows_at_a_node_of_a_question_are_asked() -> None:
    calls = []

    def answer(name: str, rows: list[int]) -> list[float]:
        calls.append((name, rows))
        return [float(row % 2) for row in rows]

    found = two_classes().ask(["a", "b", "c", "d"], answer)
    assert calls == [("cheap", [0, 1, 2, 3]), ("loud", [0, 2])]
    assert repr(found) == repr({"cheap": [0.0, 1.0, 0.0, 1.0], "loud": [0.0, NAN, 0.0, NAN]})


def test_a_question_at_two_nodes_of_a_level_is_asked_once() -> None:
    leaves = [Node(None, None, None, (0.5, 0.5), 1)] * 4
    nodes = [ROOT, Node(1, 3, 4, (0.5, 0.5), 2), Node(1, 5, 6, (0.5, 0.5), 2), *leaves]
    calls = []

    def answer(name: str, rows: list[int]) -> list[float]:
        calls.append((name, rows))
        return [float(row) for row in rows]

    two_classes(nodes=nodes).ask(["a", "b"], answer)
    assert calls == [("cheap", [0, 1]), ("loud", [0, 1])]


def test_what_a_stand_in_answers_is_not_asked() -> None:
    calls = []

    def answer(name: str, rows: list[int]) -> list[None]:
        calls.append((name, rows))
        return [None for _ in rows]

    found = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)}).ask(["bargain", "x"], answer)
    assert calls == [("loud", [1])]
    assert list(found) == ["loud"]


def test_what_is_given_is_not_asked_and_stands_before_the_stand_ins() -> None:
    calls = []

    def answer(name: str, rows: list[int]) -> list[float]:
        calls.append((name, rows))
        return [1.0 for _ in rows]

    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0)})
    found = model.ask(["bargain", "x"], answer, {"cheap": [0.0, 1.0]})
    assert calls == [("loud", [0])]
    assert repr(found) == repr({"cheap": [0.0, 1.0], "loud": [1.0, NAN]})


def test_given_answers_that_are_not_one_a_text_are_refused() -> None:
    with pytest.raises(InputError, match="cheap has 1 answers for 2 texts"):
        two_classes().ask(["a", "b"], lambda name, rows: [1.0], {"cheap": [0.0]})


def test_too_few_answers_are_refused() -> None:
    with pytest.raises(InputError, match="cheap got 1 answers for 2 texts"):
        two_classes().ask(["a", "b"], lambda name, rows: [1.0])


@fewer
@given(concept_trees_and_rows())
def test_asked_answers_predict_as_all_answers_do(drawn: Any) -> None:
    model, texts, answers = drawn
    needed = {name: answers[name] for name in model.unanswered}
    asked = model.ask(texts, lambda name, rows: [answers[name][row] for row in rows])
    assert model.decision_function(texts, asked) == model.decision_function(texts, needed)


# --- explanations -------------------------------------------------------------------------------------------


@fewer
@given(concept_trees_and_rows())
def test_base_and_contributions_add_up_to_the_decision(drawn: Any) -> None:
    model, texts, answers = drawn
    decisions = model.decision_function(texts, answers)
    for explanation, decision in zip(model.explain(texts, answers), decisions, strict=True):
        parts = [explanation.base, *(c.values for c in explanation.contributions)]
        assert list(explanation.decision) == (decision if isinstance(decision, list) else [decision])
        total = [math.fsum(column) for column in zip(*parts, strict=True)]
        assert total == pytest.approx(list(explanation.decision), abs=1e-9)


def test_a_question_adds_what_its_answer_moves() -> None:
    (explanation,) = two_classes().explain(None, both([0.25], [None]))
    told = [(c.question, c.answer, *map(pytest.approx, c.values)) for c in explanation.contributions]
    assert told == [("loud", None, 0.6), ("cheap", 0.25, -0.4)]


def test_a_question_that_is_not_on_the_path_adds_nothing() -> None:
    (explanation,) = two_classes().explain(None, both([1.0], [1.0]))
    assert [c.phrase for c in explanation.contributions] == ["Is it cheap?"]


def test_a_question_that_is_asked_twice_stands_once_in_the_ledger() -> None:
    leaves = [Node(None, None, None, (0.1, 0.9), 1), Node(None, None, None, (0.9, 0.1), 1)]
    nodes = [ROOT, Node(0, 3, 4, (0.4, 0.6), 2), leaves[0], *leaves]
    model = two_classes(questions=(CHEAP,), means=(0.5,), nodes=nodes)
    (explanation,) = model.explain(None, {"cheap": [1.0]})
    assert [c.values for c in explanation.contributions] == [(pytest.approx(0.8),)]


def test_a_stand_in_shows_the_words_that_spoke_for_its_answer() -> None:
    model = two_classes(stand_ins={"cheap": stand_in(bargain=3.0), "loud": stand_in()})
    (explanation,) = model.explain(["a bargain"])
    assert [c.spans for c in explanation.contributions] == [((2, 9),)]


def test_coverage_is_the_share_of_asked_questions_that_were_answered() -> None:
    told = two_classes().explain(None, both([0.0, 1.0, None], [None, None, None]))
    assert [explanation.coverage for explanation in told] == [0.5, 1.0, 0.0]


# --- rules --------------------------------------------------------------------------------------------------


def test_a_rule_is_the_path_to_a_leaf() -> None:
    rules = [(rule.rule, rule.prediction, rule.weight) for rule in two_classes().rules()]
    assert rules == [
        ("no to: Is it cheap? and yes to: Is it loud?", "bad", 1.0),
        ("yes to: Is it cheap?", "good", 0.75),
        ("no to: Is it cheap? and no to: Is it loud?", "good", 0.6),
    ]


def test_a_rule_tells_the_rows_and_shares_of_its_leaf() -> None:
    found = two_classes().rules()[1]
    assert found[4:7] == (4, 0.4, 0.75)
    assert (found.recall, found.lift, found.source) == (pytest.approx(0.6), pytest.approx(1.5), "person")


def test_a_regression_rule_is_what_its_leaf_lies_above_the_mean() -> None:
    rules = [(rule.prediction, rule.weight, rule.precision) for rule in regression().rules()]
    assert rules == [("+", 4.0, 9.0), ("-", -4.0, 1.0), ("-", 0.0, 5.0)]


def test_printing_draws_the_tree() -> None:
    assert str(two_classes(target="tone", stand_ins={"cheap": stand_in()})) == (
        "ConceptTree: classification of tone into bad, good\n"
        "2 questions, 3 leaves; need a language model: loud\n\n"
        "Is it cheap? (10 rows)\n"
        "    yes: -> good (0.250, 0.750; 4 rows)\n"
        "    no: Is it loud? (6 rows)\n"
        "        yes: -> bad (1.000, 0.000; 3 rows)\n"
        "        no: -> good (0.400, 0.600; 3 rows)"
    )


def test_terms_are_the_nodes_that_ask() -> None:
    assert (two_classes().n_terms, two_classes().n_leaves) == (2, 3)


# --- construction -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": ()}, "no node"),
        ({"nodes": ("node",)}, "node 0 is not a Node"),
        ({"nodes": (3,)}, "node 0 is not a Node"),
        ({"nodes": NODES[:4]}, "not a tree"),
        ({"nodes": (*NODES, NODES[1])}, "not a tree"),
        (node(0, no=1), "not a tree"),
        (node(2, no=2), "leads back"),
        (node(2, yes=0), "leads back"),
        (node(2, question=2), "asks question 2, which is not there"),
        (node(2, question=-1), "a part of node 2"),
        (node(2, question=None), "a question or branches but not both"),
        (node(2, no=None), "a question or branches but not both"),
        (node(2, question=0), "no node asks question loud"),
        (node(1, value=(0.5,)), "node 1 has 1 numbers where 2 belong"),
        (node(1, value=(0.5, 0.6)), "not the shares"),
        (node(1, value=(-0.5, 1.5)), "not the shares"),
        (node(1, value=(NAN, 1.0)), "not finite"),
        (node(1, n_rows=-1), "n_rows of node 1"),
        ({"stand_ins": {"other": stand_in()}}, "answers no question"),
        ({"means": (0.5,)}, "1 means for 2 questions"),
    ],
)
def test_parts_that_make_no_tree_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        two_classes(**changes)


@fewer
@given(concept_trees())
def test_a_pickled_model_comes_back_equal(model: ConceptTree) -> None:
    assert pickle.loads(pickle.dumps(model)) == model
