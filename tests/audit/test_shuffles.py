"""A shuffled model has the same parts, looks the same and decides otherwise."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from interpllm.audit.shuffles import SHOWN, shuffled
from interpllm.errors import InputError
from interpllm.runtime import (
    Branch,
    ConceptLinear,
    ConceptTree,
    Evidence,
    LinearModel,
    Node,
    Question,
    TreeModel,
)

from .toy_models import LINEAR, RULE_LIST, RULE_SET, TREE, texts_of

QUESTIONS = (Question.of("Is it good?"), Question.of("Is it late?"))
CONCEPTS = ConceptLinear(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.0,),
    questions=QUESTIONS,
    weights=((1.5,), (-0.5,)),
    means=(0.5, 0.5),
)
CONCEPT_TREE = ConceptTree(
    task="classification",
    classes=("bad", "good"),
    questions=QUESTIONS,
    means=(0.5, 0.5),
    nodes=(
        Node(0, 1, 2, (0.5, 0.5), 9),
        Node(None, None, None, (0.1, 0.9), 4),
        Node(1, 3, 4, (0.7, 0.3), 5),
        Node(None, None, None, (0.9, 0.1), 3),
        Node(None, None, None, (0.4, 0.6), 2),
    ),
)


def numbers(printed: str) -> Counter[str]:
    """The words and numbers of a printed model, whatever their order."""
    return Counter(printed.replace(",", " ").replace("(", " ").split())


@pytest.mark.parametrize(
    "model", [RULE_LIST, RULE_SET, TREE, CONCEPTS, CONCEPT_TREE], ids=lambda model: type(model).__name__
)
def test_lines_are_as_many_and_the_model_is_another(model: Any) -> None:
    other = shuffled(model)
    assert type(other) is type(model)
    assert str(other).count("\n") == str(model).count("\n")
    assert str(other) != str(model)


def test_the_same_seed_gives_the_same_shuffle() -> None:
    assert str(shuffled(RULE_LIST, 3)) == str(shuffled(RULE_LIST, 3))


def test_weights_are_dealt_out_over_the_same_phrases() -> None:
    other = shuffled(LINEAR)
    assert set(other.weights) == set(LINEAR.weights)
    assert sorted(other.weights.values()) == sorted(LINEAR.weights.values())
    assert other.predict(texts_of(50)) != LINEAR.predict(texts_of(50))


def test_the_printed_phrases_stay_and_evidence_goes_with_the_weight() -> None:
    weights = {f"word{number}": (1.0 + number,) for number in range(50)}
    evidence = {phrase: Evidence(int(weight), 0.5) for phrase, (weight,) in weights.items()}
    model = LinearModel(
        task="classification",
        classes=("bad", "good"),
        intercept=(0.0,),
        weights=weights,
        evidence=evidence,
        n_rows=100,
    )
    other = shuffled(model)
    strongest = {rule.phrase for rule in model.rules()[:SHOWN]}
    assert {rule.phrase for rule in other.rules()[:SHOWN]} == strongest
    assert other.weights != model.weights
    for phrase, (weight,) in other.weights.items():
        assert other.evidence[phrase].support == int(weight)


def test_where_all_is_alike_nothing_can_be_shuffled() -> None:
    leaf = Branch(None, None, None, (0.5, 0.5), 3)
    model = TreeModel(task="classification", classes=("bad", "good"), link="share", trees=((leaf,),))
    assert shuffled(model) is None


def test_only_readable_models_are_shuffled() -> None:
    with pytest.raises(InputError, match="no readable model"):
        shuffled("a model")


def test_leaves_keep_to_leaves() -> None:
    inner = [node.value for node in shuffled(TREE).trees[0] if node.condition is not None]
    assert sorted(inner) == sorted(node.value for node in TREE.trees[0] if node.condition is not None)
