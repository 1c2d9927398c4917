"""Models whose parts were dealt out anew: the same words and numbers, and none where it belongs.

Printed, such a model looks like the one that it was made of; whoever predicts as well from it has learned
nothing from what is told of the parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from interpllm.errors import InputError
from interpllm.runtime import (
    ConceptLinear,
    ConceptTree,
    LinearModel,
    RuleListModel,
    RuleSetModel,
    TreeModel,
    printed,
)

Item = TypeVar("Item")
Deal = Callable[[Sequence[Any]], list[Any]]

SHOWN = 20
"""Of a table of n-grams the strongest are printed; these keep their place, and change their weights. Where
the whole table is printed, all do."""

_TRIES = 100


def shuffled(model: Any, random_state: int = 0, *, whole: bool = False) -> Any | None:
    """Deal the weights of a model out anew over its phrases, or the decisions over its rules or leaves.

    Parameters
    ----------
    model : readable model
    random_state : int
    whole : bool
        Whether all n-grams of a table are dealt out, and not only those that ``str(model)`` prints.

    Returns
    -------
    readable model or None
        Of the same kind; None where there are no two parts that differ.

    Raises
    ------
    InputError
        When it is no readable model.
    """
    deals: dict[type[Any], Callable[[Any, Deal], Any]] = {
        LinearModel: partial(_linear, shown=None if whole else SHOWN),
        ConceptLinear: _concept_linear,
        ConceptTree: _concept_tree,
        TreeModel: _tree,
        RuleListModel: _rule_list,
        RuleSetModel: _rule_set,
    }
    if type(model) not in deals:
        raise InputError(f"{model!r:.80} is no readable model; give an estimator's model_.")
    random = np.random.default_rng(random_state)

    def deal(items: Sequence[Any]) -> list[Any]:
        return [items[place] for place in random.permutation(len(items))]

    for _ in range(_TRIES):
        found = deals[type(model)](model, deal)
        if printed(found) != printed(model) if whole else str(found) != str(model):
            return found
    return None


def _linear(model: LinearModel, deal: Deal, shown: int | None) -> LinearModel:
    phrases = [rule.phrase for rule in model.rules()[:shown]]
    source = dict(zip(phrases, deal(phrases), strict=True))
    weights = {phrase: model.weights[source.get(phrase, phrase)] for phrase in model.weights}
    evidence = None
    if model.evidence is not None:  # it goes with the weight, or it would tell what the weight was
        moved = {phrase: model.evidence.get(source.get(phrase, phrase)) for phrase in model.weights}
        evidence = {phrase: found for phrase, found in moved.items() if found is not None}
    return replace(model, weights=weights, evidence=evidence)


def _concept_linear(model: ConceptLinear, deal: Deal) -> ConceptLinear:
    places = deal(range(len(model.questions)))
    evidence = None
    if model.evidence is not None:
        found = {
            question.id: model.evidence.get(model.questions[place].id)
            for question, place in zip(model.questions, places, strict=True)
        }
        evidence = {name: one for name, one in found.items() if one is not None}
    return replace(model, weights=tuple(model.weights[place] for place in places), evidence=evidence)


def _concept_tree(model: ConceptTree, deal: Deal) -> ConceptTree:
    values = _by_kind([node.question is None for node in model.nodes], [n.value for n in model.nodes], deal)
    nodes = tuple(node._replace(value=value) for node, value in zip(model.nodes, values, strict=True))
    return replace(model, nodes=nodes)


def _tree(model: TreeModel, deal: Deal) -> TreeModel:
    flat = [node for tree in model.trees for node in tree]
    values = iter(_by_kind([node.condition is None for node in flat], [node.value for node in flat], deal))
    trees = tuple(tuple(node._replace(value=next(values)) for node in tree) for tree in model.trees)
    return replace(model, trees=trees, evidence=None)


def _rule_list(model: RuleListModel, deal: Deal) -> RuleListModel:
    *values, otherwise = deal([*(clause.value for clause in model.clauses), model.otherwise])
    clauses = tuple(clause._replace(value=v) for clause, v in zip(model.clauses, values, strict=True))
    return replace(model, clauses=clauses, otherwise=otherwise, evidence=None)


def _rule_set(model: RuleSetModel, deal: Deal) -> RuleSetModel:
    values = deal([clause.value for clause in model.clauses])
    slopes = deal([slope.value for slope in model.slopes])
    terms = deal([*model.term_weights.values()])
    return replace(
        model,
        clauses=tuple(clause._replace(value=v) for clause, v in zip(model.clauses, values, strict=True)),
        slopes=tuple(slope._replace(value=v) for slope, v in zip(model.slopes, slopes, strict=True)),
        term_weights=dict(zip(model.term_weights, terms, strict=True)),
        evidence=None,
    )


def _by_kind(is_leaf: Sequence[bool], values: Sequence[Item], deal: Deal) -> list[Item]:
    """Values of leaves dealt to leaves, and those of inner nodes to inner nodes."""
    dealt = {
        kind: iter(deal([value for leaf, value in zip(is_leaf, values, strict=True) if leaf is kind]))
        for kind in (True, False)
    }
    return [next(dealt[leaf]) for leaf in is_leaf]
