"""From answers to questions to the leaf of a tree; only the questions on a text's path are answered.

Its source is copied as it stands into exported trees, below that of ``concept_scoring``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from interpllm.runtime.concept_scoring import Cut
from interpllm.runtime.scoring import Scorer


class Node(NamedTuple):
    """One node of a tree.

    Attributes
    ----------
    question : int or None
        Number of the question that is asked here; None at a leaf.
    yes, no : int or None
        Numbers of the nodes that the answer leads to; None at a leaf.
    value : tuple of float
        Of the training rows that came here: the shares of the classes; regression: the mean of the targets.
    n_rows : int
        How many came here.
    """

    question: int | None
    yes: int | None
    no: int | None
    value: tuple[float, ...]
    n_rows: int


class TreeScorer:
    """Lead texts through a tree.

    Parameters
    ----------
    nodes : sequence of Node
        The root first.
    stand_ins : sequence of Scorer or None
        What answers each question by the text's n-grams.
    """

    def __init__(self, nodes: Sequence[Node], stand_ins: Sequence[Scorer | None]) -> None:
        self.nodes = nodes
        self.stand_ins = stand_ins

    def next(self, node: Node, answer: float) -> int | None:
        """Give the node that an answer leads to: yes above 1/2; a missing one goes with most rows."""
        if node.yes is None or node.no is None:
            return None
        if answer != answer:
            return node.yes if self.nodes[node.yes].n_rows > self.nodes[node.no].n_rows else node.no
        return node.yes if answer > 0.5 else node.no

    def path(self, answer: Callable[[int], float]) -> list[Node]:
        """List the nodes from the root to the leaf of a text; `answer` is asked by a question's number."""
        node = self.nodes[0]
        passed = [node]
        while node.question is not None and (found := self.next(node, answer(node.question))) is not None:
            node = self.nodes[found]
            passed.append(node)
        return passed

    def leaf(self, text: str) -> Node:
        """Lead a text through the tree by the stand-ins alone."""
        cut = Cut(text)
        return self.path(lambda number: cut.yes(self.stand_ins[number]))[-1]  # type: ignore[arg-type]

    def scores(self, text: str) -> list[float]:
        """Score one text."""
        return decision(self.leaf(text).value)

    def shares(self, text: str) -> list[float]:
        """Give the probabilities of the classes of one text."""
        return list(self.leaf(text).value)


def decision(value: Sequence[float]) -> list[float]:
    """Turn the value of a node into scores: two shares into their difference, anything else as it is."""
    return [value[1] - value[0]] if len(value) == 2 else list(value)
