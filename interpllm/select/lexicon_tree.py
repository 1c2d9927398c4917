"""A tree of lexicons, grown best split first and pruned by cost and complexity (CART: Breiman et al. 1984).

Each row goes through the tree twice. Held back, it is led by lexicons that were learned without it: these
rows choose the bounds, say what a leaf is worth, and say which widening phrases are kept. Seen, it is led
by the lexicons that the tree ends up with, as a new text is: these rows are counted.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from interpllm.select.lexicon import Chooser, Columns, Ground, Positions, Split
from interpllm.select.sparse import Array

DRAWN = 1.0
"""Weight with which the root's mean stands among the rows of a node, where the mean weight of rows is 1."""

Proposer = Callable[[Split, Positions], Sequence[tuple[int, str]]]
"""A split and its held-back rows -> columns to widen the lexicon by, each with who proposes it."""


@dataclass(frozen=True)
class Limits:
    """How large a tree may grow; see `interpllm.estimators.AugTreeClassifier`."""

    max_depth: int | None = None
    max_leaf_nodes: int | None = None
    min_rows: int = 1
    max_phrases: int | None = None
    ccp_alpha: float = 0.0


@dataclass
class Node:
    """One node; a leaf has no columns.

    Parameters
    ----------
    value : array (n_outputs,)
        Weighted mean target of the judged rows that came here held back, and of `DRAWN` rows of the root's
        mean: what few rows say is not certain.
    n_rows : int
        Rows that came here by the lexicons themselves.
    n_held : int
        Judged rows that came here held back.
    impurity : float
        Weighted squared deviation of those from their mean, as a share of the weight of all.
    depth : int
    columns : array of int or None
        The lexicon, the strongest phrase first, those that widened it last.
    yes, no : int or None
        Numbers of the nodes that follow.
    proposed : dict of int to str
        Column of each phrase that widened the lexicon -> who proposed it.
    n_refused : int
        Proposed phrases that did not lower the impurity.
    """

    value: Array
    n_rows: int
    n_held: int
    impurity: float
    depth: int
    columns: Columns | None = None
    yes: int | None = None
    no: int | None = None
    proposed: dict[int, str] = field(default_factory=dict)
    n_refused: int = 0


@dataclass(frozen=True)
class _Place:
    """A node that may still be split."""

    held: Positions
    seen: Positions
    barred: NDArray[np.bool_]
    split: Split


def grow(
    ground: Ground,
    limits: Limits,
    *,
    propose: Proposer | None = None,
    veil: Callable[[], NDArray[np.bool_]] | None = None,
) -> list[Node]:
    """Grow one tree.

    Parameters
    ----------
    ground : Ground
        Rows of weight 0 are left out.
    limits : Limits
    propose : callable, optional
        Who widens lexicons.
    veil : callable, optional
        Gives the phrases that the next node does not look at, (n_phrases,): what makes the trees of a forest
        differ.

    Returns
    -------
    list of Node
        The root first, each node before those that it leads to.
    """
    chooser = Chooser(ground, limits.max_phrases, limits.min_rows)
    total = float(ground.weight[ground.judged].sum())
    root = np.average(ground.targets[ground.judged], axis=0, weights=ground.weight[ground.judged])
    every = np.flatnonzero(ground.weight > 0)
    nodes: list[Node] = []
    heap: list[tuple[float, int, _Place]] = []

    def add(held: Positions, seen: Positions, barred: NDArray[np.bool_], depth: int) -> int:
        number = len(nodes)
        nodes.append(_node(ground, held, seen, depth, total, root))
        if limits.max_depth is None or depth < limits.max_depth:
            hidden = barred if veil is None else barred | veil()
            split = chooser.best(held, seen, hidden)
            if split is not None:
                heapq.heappush(heap, (-split.gain, number, _Place(held, seen, barred, split)))
        return number

    add(every, every, np.zeros(ground.priors.shape[:2], dtype=bool), 0)
    leaves = 1
    while heap and (limits.max_leaf_nodes is None or leaves < limits.max_leaf_nodes):
        _, number, place = heapq.heappop(heap)
        node, split = nodes[number], place.split
        if propose is not None:
            room = None if limits.max_phrases is None else limits.max_phrases - len(split.columns)
            proposed = list(propose(split, place.held))
            split, node.proposed = widened(ground, place.held, place.seen, split, proposed, room)
            node.n_refused = len(proposed) - len(node.proposed)
        node.columns = split.columns
        node.yes = add(place.held[split.held], place.seen[split.seen], place.barred, node.depth + 1)
        barred = _ruled_out(ground, place.barred, split.inside)
        node.no = add(place.held[~split.held], place.seen[~split.seen], barred, node.depth + 1)
        leaves += 1
    return prune(nodes, limits.ccp_alpha)


def widened(
    ground: Ground,
    held: Positions,
    seen: Positions,
    split: Split,
    proposed: Sequence[tuple[int, str]],
    room: int | None = None,
) -> tuple[Split, dict[int, str]]:
    """Widen a lexicon by those of the proposed phrases that lower the impurity of rows held back.

    A row held back in one part is asked whether it mentions a phrase only where the rows of the other parts
    would have kept that phrase, so that what a leaf is worth is not told by the rows that chose its phrases;
    and all is left as it was where that does not lower the impurity of the rows of all parts together.

    Parameters
    ----------
    ground : Ground
    held, seen : array of int
        Rows of the node.
    split : Split
    proposed : sequence of (column, who proposes it)
        Tried in this order.
    room : int, optional
        Phrases that may be added at most.

    Returns
    -------
    split : Split
    kept : dict of int to str
        Column -> who proposed it.
    """
    if not proposed or (room is not None and room <= 0):
        return split, {}
    columns = np.array([column for column, _ in proposed], dtype=np.intp)
    having = ground.matrix[held][:, columns].tocsc()
    weight = np.where(ground.judged[held], ground.weight[held], 0.0)
    mean = np.average(ground.targets[held], axis=0, weights=weight)
    away = weight[:, None] * (ground.targets[held] - mean)
    part = ground.fold[held]

    def kept_by(asked: NDArray[np.bool_]) -> tuple[list[int], NDArray[np.bool_]]:
        """Which phrases these rows keep, and who then says yes."""
        yes, kept = split.held.copy(), []
        heavy = np.where(asked, weight, 0.0)
        total, moved = heavy.sum(), away[asked].sum(axis=0)
        n_yes, s_yes = heavy[yes].sum(), away[asked & yes].sum(axis=0)
        for place in range(len(columns)):
            rows = having.indices[having.indptr[place] : having.indptr[place + 1]]
            new = rows[~yes[rows] & asked[rows]]
            n, s = n_yes + heavy[new].sum(), s_yes + away[new].sum(axis=0)
            if len(new) and _explained(n, s, total, moved) > _explained(n_yes, s_yes, total, moved) + 1e-12:
                kept.append(place)
                yes[rows] = True
                n_yes, s_yes = n, s
                if len(kept) == room:
                    break
        return kept, yes

    chosen, _ = kept_by(weight > 0)
    if not chosen:
        return split, {}
    then = split.held.copy()
    for number in np.unique(part):
        inside = part == number
        _, yes = kept_by((weight > 0) & (~inside if number >= 0 else inside))
        then[inside] = yes[inside]
    moved = away.sum(axis=0)
    gain = _explained(weight[then].sum(), away[then].sum(axis=0), weight.sum(), moved)
    if gain <= split.gain + 1e-12:
        return split, {}
    added = columns[chosen]
    mentions = np.asarray(ground.matrix[seen][:, added].sum(axis=1)).ravel() > 0
    names = dict(proposed)
    inside = split.inside.copy()
    inside[-1, added] = True
    wider = replace(
        split,
        columns=np.concatenate([split.columns, added]),
        inside=inside,
        gain=gain,
        held=then,
        seen=split.seen | mentions,
    )
    return wider, {int(column): names[int(column)] for column in added}


def _explained(n_yes: float, s_yes: Array, total: float, moved: Array) -> float:
    """Squared deviations that a split takes away, from weights and sums of residuals."""
    n_no = total - n_yes
    if n_yes <= 0 or n_no <= 0:
        return 0.0
    whole = float((moved**2).sum()) / total
    return float((s_yes**2).sum() / n_yes + ((moved - s_yes) ** 2).sum() / n_no) - whole


def prune(nodes: list[Node], alpha: float) -> list[Node]:
    """Take back the splits that lower the impurity by less than `alpha` a leaf, the weakest first.

    Parameters
    ----------
    nodes : list of Node
        The root first, each node before those that it leads to.
    alpha : float
        In the unit of `Node.impurity`; 0 takes back those that do not lower it at all.

    Returns
    -------
    list of Node
    """
    kept = [replace(node) for node in nodes]
    while True:
        below: dict[int, tuple[float, int]] = {}
        for number in range(len(kept) - 1, -1, -1):
            node = kept[number]
            if node.yes is None or node.no is None:
                below[number] = (node.impurity, 1)
            else:
                parts = [below[node.yes], below[node.no]]
                below[number] = (sum(p[0] for p in parts), sum(p[1] for p in parts))
        links = {
            number: (node.impurity - below[number][0]) / (below[number][1] - 1)
            for number, node in enumerate(kept)
            if node.yes is not None
        }
        weakest = min(links, key=lambda number: links[number], default=None)
        if weakest is None or links[weakest] > alpha:
            return _renumbered(kept)
        kept[weakest] = replace(kept[weakest], columns=None, yes=None, no=None, proposed={}, n_refused=0)
        kept = _renumbered(kept)


def _renumbered(nodes: list[Node]) -> list[Node]:
    """The nodes that can still be reached."""
    reached = [0]
    for number in reached:
        node = nodes[number]
        reached += [child for child in (node.yes, node.no) if child is not None]
    place: dict[int | None, int | None] = {number: i for i, number in enumerate(sorted(reached))}
    place[None] = None
    return [
        replace(nodes[number], yes=place[nodes[number].yes], no=place[nodes[number].no])
        for number in sorted(reached)
    ]


def _node(ground: Ground, held: Positions, seen: Positions, depth: int, total: float, root: Array) -> Node:
    judged = held[ground.judged[held]]
    weight, targets = ground.weight[judged], ground.targets[judged]
    mean = np.average(targets, axis=0, weights=weight)
    impurity = float((weight[:, None] * (targets - mean) ** 2).sum()) / total
    value = (weight.sum() * mean + DRAWN * root) / (weight.sum() + DRAWN)
    return Node(value, len(seen), len(judged), impurity, depth)


def _ruled_out(ground: Ground, barred: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What no row has that mentions none of a lexicon: its phrases, and those around them; part by part."""
    out = barred | inside
    inner, outer = ground.inside.T
    for row in out:
        row[outer[row[inner]]] = True
    return out
