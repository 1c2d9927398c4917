"""A small tree of yes/no answers, its size chosen by cross-validation (CART: Breiman et al. 1984)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from interpllm.select.sparse import Array
from interpllm.select.split import folds

LEAVES = (2, 3, 4, 6, 8, 12, 16, 24, 32)
"""Numbers of leaves that are tried."""
MIN_ROWS = 5
"""Rows of a leaf at least."""


@dataclass(frozen=True)
class Branch:
    """One node of a tree: a question with two ways on, or a leaf.

    Parameters
    ----------
    column : int or None
        Column of the answers; None at a leaf.
    yes, no : int or None
        Numbers of the nodes that follow an answer above one half, and any other.
    value : array (n_classes,) or (1,)
        Shares of the classes, or the mean, of the rows that came here.
    n_rows : int
    """

    column: int | None
    yes: int | None
    no: int | None
    value: Array
    n_rows: int


@dataclass(frozen=True)
class Tree:
    """A fitted tree.

    Parameters
    ----------
    branches : list of Branch
        The root first, each node before those that it leads to.
    classes : array or None
        Labels in the order of the values; None for numbers.
    """

    branches: list[Branch]
    classes: NDArray[Any] | None

    @property
    def columns(self) -> NDArray[np.intp]:
        """Columns that are asked, sorted."""
        return np.array(sorted({b.column for b in self.branches if b.column is not None}), dtype=np.intp)

    def predict(self, values: Array) -> NDArray[Any]:
        """Labels or numbers (n_rows,); a missing answer goes the way of most training rows."""
        found = self.values(values)
        return found[:, 0] if self.classes is None else self.classes[found.argmax(axis=1)]

    def values(self, values: Array) -> Array:
        """Shares of the classes, or the mean, at the leaf of each row."""
        found = np.empty((len(values), len(self.branches[0].value)))
        for number, rows in enumerate(_routed(self.branches, values)):
            if self.branches[number].column is None:
                found[rows] = self.branches[number].value
        return found


def grow(
    values: ArrayLike,
    y: ArrayLike,
    n_leaves: int,
    *,
    classifies: bool,
    weight: ArrayLike | None = None,
    max_depth: int | None = None,
    random_state: int | None = None,
) -> Tree:
    """Grow a tree of at most so many leaves, the best split first.

    Parameters
    ----------
    values : array-like (n_rows, n_candidates)
        Answers from 0 to 1; above one half is yes, NaN goes the way of most rows.
    y : array-like (n_rows,)
    n_leaves : int
    classifies : bool
        Whether y holds labels.
    weight : array-like (n_rows,), optional
    max_depth : int, optional
        Questions that a row is asked at most.
    random_state : int, optional
        Of equally good splits, which is taken.
    """
    answers = np.asarray(values, dtype=np.float64)
    target = np.asarray(y)
    given = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=np.float64)
    classes: NDArray[Any] | None = None
    if classifies:
        classes = np.unique(target)
        targets = np.eye(len(classes))[np.searchsorted(classes, target)]
    else:
        targets = target[:, None].astype(np.float64)
    if n_leaves < 2 or not answers.shape[1]:
        leaf = [Branch(None, None, None, np.zeros(1), 0)]
        return Tree(_counted(leaf, answers, targets, given), classes)
    filled = np.where(np.isnan(answers), _majority(answers), answers > 0.5).astype(np.float32)
    kind = DecisionTreeClassifier if classifies else DecisionTreeRegressor
    seed = 0 if random_state is None else random_state
    inner = (
        kind(max_leaf_nodes=n_leaves, max_depth=max_depth, min_samples_leaf=MIN_ROWS, random_state=seed)
        .fit(filled, target, sample_weight=given)
        .tree_
    )
    bare = [
        Branch(int(column), int(right), int(left), np.zeros(1), 0)
        if left >= 0
        else Branch(None, None, None, np.zeros(1), 0)
        for column, left, right in zip(inner.feature, inner.children_left, inner.children_right, strict=True)
    ]
    return Tree(_counted(bare, answers, targets, given), classes)


def counted(
    branches: Sequence[Branch], values: Array, y: NDArray[Any], classes: Sequence[Any], weight: Array
) -> Tree:
    """The same tree with the shares (or means) of other rows, or of other answers, at its nodes.

    A node that fewer rows come to than a leaf must have takes them from the node above it.

    Parameters
    ----------
    branches : sequence of Branch
        Their values and numbers of rows do not count, but for which way a missing answer goes.
    values : array (n_rows, n_questions)
    y : array (n_rows,)
    classes : sequence
        In the order of the nodes' values; empty for numbers.
    weight : array (n_rows,)
    """
    targets = y[:, None] == np.asarray(classes) if len(classes) else y[:, None]
    targets = targets.astype(np.float64)
    anew = _counted(branches, values, targets, weight)
    for above in range(len(anew)):
        for number in (anew[above].yes, anew[above].no):
            if number is not None and anew[number].n_rows < MIN_ROWS:
                anew[number] = replace(anew[number], value=anew[above].value)
    return Tree(anew, np.asarray(classes) if len(classes) else None)


def choose_leaves(
    values: ArrayLike,
    y: ArrayLike,
    most: int,
    *,
    classifies: bool,
    groups: ArrayLike,
    weight: ArrayLike | None = None,
    n_folds: int = 5,
    max_depth: int | None = None,
    random_state: int | None = None,
) -> tuple[int, dict[int, float]]:
    """The number of leaves that predicts best, and the cross-validated score of each that was tried.

    The smallest within one standard error of the best is taken.

    Parameters
    ----------
    values, y, classifies, weight, max_depth, random_state
        As for :func:`grow`.
    most : int
        Leaves at most.
    groups : array-like (n_rows,)
        Rows that no fold divides.
    n_folds : int

    Returns
    -------
    n_leaves : int
        1 where no split helps.
    scores : dict of int to float
        Leaves -> accuracy, or minus the squared error.
    """
    answers, target = np.asarray(values, dtype=np.float64), np.asarray(y)
    given = np.ones(len(target)) if weight is None else np.asarray(weight, dtype=np.float64)
    together = np.unique(np.asarray(groups), return_inverse=True)[1]
    seed = 0 if random_state is None else random_state
    parts = folds(target, together, n_folds, stratify=classifies, random_state=seed) or folds(
        target, together, n_folds, stratify=False, random_state=seed
    )
    sizes = [size for size in LEAVES if size <= most] or [2]
    if not parts:
        return sizes[-1], {}
    right: dict[int, Array] = {size: np.empty(len(target)) for size in (1, *sizes)}
    for seen, new in parts:
        for size in sizes:
            tree = grow(
                answers[seen],
                target[seen],
                size,
                classifies=classifies,
                weight=given[seen],
                max_depth=max_depth,
                random_state=random_state,
            )
            right[size][new] = _right(tree.predict(answers[new]), target[new], classifies)
        right[1][new] = _right(_constant(target[seen], classifies), target[new], classifies)
    scores = {size: float(np.average(row, weights=given)) for size, row in right.items()}
    best = max(scores, key=lambda size: scores[size])
    for size in sorted(scores):
        behind = right[best] - right[size]
        if scores[best] - scores[size] <= behind.std() / np.sqrt(len(target)):
            return size, scores
    return best, scores


def _majority(answers: Array) -> NDArray[np.bool_]:
    """Whether most answers to each question are yes."""
    return (answers > 0.5).sum(axis=0) * 2 > (~np.isnan(answers)).sum(axis=0)


def _right(predicted: Any, true: NDArray[Any], classifies: bool) -> Array:
    if classifies:
        return np.asarray(predicted == true, dtype=np.float64)
    return -((np.asarray(predicted, dtype=np.float64) - true) ** 2)


def _constant(target: NDArray[Any], classifies: bool) -> Any:
    if not classifies:
        return float(target.mean())
    labels, counts = np.unique(target, return_counts=True)
    return labels[counts.argmax()]


def _routed(branches: Sequence[Branch], values: Array) -> list[NDArray[np.intp]]:
    """The rows that come to each node."""
    rows: list[NDArray[np.intp]] = [np.arange(len(values)), *[np.arange(0)] * (len(branches) - 1)]
    for number, branch in enumerate(branches):
        if branch.column is None or branch.yes is None or branch.no is None:
            continue
        here = rows[number]
        answer = values[here, branch.column]
        missing = np.isnan(answer)
        known_yes, known_no = int((answer > 0.5).sum()), int((answer <= 0.5).sum())
        if any(branches[way].n_rows for way in (branch.yes, branch.no)):
            known_yes, known_no = branches[branch.yes].n_rows, branches[branch.no].n_rows
        goes = np.where(missing, known_yes > known_no, answer > 0.5)
        rows[branch.yes], rows[branch.no] = here[goes], here[~goes]
    return rows


def _counted(branches: Sequence[Branch], values: Array, targets: Array, weight: Array) -> list[Branch]:
    """The nodes with the rows that come to them, missing answers gone the way of most."""
    counted = []
    for branch, rows in zip(branches, _routed(branches, values), strict=True):
        heavy = weight[rows] if weight[rows].sum() > 0 else np.ones(len(rows))
        value = np.average(targets[rows], axis=0, weights=heavy) if len(rows) else targets.mean(axis=0)
        counted.append(Branch(branch.column, branch.yes, branch.no, value, len(rows)))
    return counted
