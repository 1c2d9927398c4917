"""From grown trees of lexicons to the readable model, and to the report of how they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from interpllm.estimators.lexicon_widening import SOURCES
from interpllm.runtime import Branch, Lexicon
from interpllm.select.lexicon_tree import Node
from interpllm.select.sparse import Array

SHOWN = 10
"""Phrases of a lexicon that the report shows."""


def trees_of(
    forest: Sequence[Sequence[Node]], phrases: Sequence[str], n_classes: int
) -> tuple[tuple[Branch, ...], ...]:
    """The trees as the runtime reads them.

    Parameters
    ----------
    forest : sequence of sequence of Node
    phrases : sequence of str, (n_phrases,)
    n_classes : int
        0 for regression.
    """
    return tuple(
        tuple(
            Branch(
                None if node.columns is None else Lexicon(tuple(phrases[column] for column in node.columns)),
                node.yes,
                node.no,
                shares(node.value, n_classes),
                node.n_rows,
                "no",
            )
            for node in tree
        )
        for tree in forest
    )


def shares(value: Array, n_classes: int) -> tuple[float, ...]:
    """A node's value as the runtime wants it: one share a class, which sum to 1, or the mean."""
    if n_classes == 0:
        return tuple(float(f"{mean:.12g}") for mean in value)
    each = np.array([1 - value[0], value[0]]) if n_classes == 2 else np.asarray(value)
    each = np.clip(each, 0.0, 1.0)
    return tuple((each / each.sum()).round(9).tolist())


def held_back(tree: Sequence[Node], n_classes: int) -> float:
    """How one tree did on rows held back: the share that is of the class of its leaf, or R squared.

    Slightly too good, as the same rows say what a leaf is worth.
    """
    leaves = [node for node in tree if node.columns is None]
    if n_classes == 0:
        whole = tree[0].impurity
        return 1 - sum(node.impurity for node in leaves) / whole if whole > 0 else 0.0
    right = sum(node.n_held * max(shares(node.value, n_classes)) for node in leaves)
    return float(right / sum(node.n_held for node in leaves))


def report_of(forest: Sequence[Sequence[Node]], phrases: Sequence[str], n_classes: int) -> dict[str, Any]:
    """Sizes, held-back scores, and which phrases of each lexicon came from whom, as plain data."""
    inner = [(t, n, node) for t, tree in enumerate(forest) for n, node in enumerate(tree)]
    lexicons = []
    kept: Counter[str] = Counter()
    for t, n, node in inner:
        if node.columns is None:
            continue
        kept.update(node.proposed.values())
        by_source = {
            source: [phrases[column] for column, who in node.proposed.items() if who == source]
            for source in SOURCES
        }
        lexicons.append(
            {
                "tree": t,
                "node": n,
                "n_phrases": len(node.columns),
                "strongest": [phrases[column] for column in node.columns[:SHOWN]],
                "n_from_rows": len(node.columns) - len(node.proposed),
                "widened_by": {source: found for source, found in by_source.items() if found},
                "n_refused": node.n_refused,
                "rows_held_back": node.n_held,
            }
        )
    return {
        "n_leaves": [sum(node.columns is None for node in tree) for tree in forest],
        "depth": [max(node.depth for node in tree) for tree in forest],
        "n_phrases": len(
            {column for _, _, node in inner if node.columns is not None for column in node.columns}
        ),
        "held_back_score": [round(held_back(tree, n_classes), 6) for tree in forest],
        "widened": {source: kept[source] for source in SOURCES},
        "refused": sum(node.n_refused for _, _, node in inner),
        "lexicons": lexicons,
    }
