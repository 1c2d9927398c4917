"""One lexicon: the phrases of which a text mentions any, found on some rows and judged on others.

Each phrase gets a weight, what mentioning it adds to the target, and a lexicon is all phrases above a bound
(or below one, with signs turned). Weights are cross-fitted: a row is judged by weights learned without it,
so that a phrase which few rows have is not taken for telling because these rows are the ones it was learned
from. The bound is the one that lowers the impurity of the judged rows most (CART: Breiman et al. 1984).

A weight is ``(sum of residuals of the rows at the node that have the phrase + STRENGTH * prior) / (their
number + STRENGTH)``: what the rows at hand say, shrunk to a prior that was learned on all rows. The prior
comes from a ridge on n-grams and, where a language model gave vectors of them, on these too, so that rare
n-grams borrow from those of like meaning (Singh et al. 2023; see `interpllm.select.problem`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from interpllm.select.sparse import Array, Loss, fit_ridge
from interpllm.select.split import Fold

Columns = NDArray[np.intp]
Positions = NDArray[np.intp]

STRENGTH = 5.0
"""Rows that the prior of a phrase counts for at a node."""
PRIOR_C: dict[Loss, float] = {"logistic": 10.0, "multinomial": 10.0, "squared": 2.5}
"""Inverse strength of the prior's ridge. A squared loss of shares is a quarter as steep in the same unit."""
SCALE = 0.1
"""Size of a standardised dimension of the vectors beside an n-gram's 1 in that ridge."""
DIMS = 64
"""Principal dimensions of the vectors that the ridge reads: more cost time and tell no more."""


@dataclass(frozen=True)
class Ground:
    """The rows, and what all nodes share.

    Parameters
    ----------
    matrix : sparse matrix (n_rows, n_phrases), 0 and 1
    targets : array (n_rows, n_outputs)
        Values, the second of two classes as 0 and 1, or one such column a class.
    weight : array (n_rows,)
    judged : array of bool (n_rows,)
        The rows that bounds are judged on and leaves are valued by.
    fold : array of int (n_rows,)
        Which part of the cross-fit each row is in; -1 for all where there are too few rows for parts.
    priors : array (n_parts + 1, n_phrases, n_outputs)
        Weights learned without each part, and on all rows, in units of the targets.
    inside : array of int (n_pairs, 2)
        From :func:`contained`.
    """

    matrix: sp.csr_matrix
    targets: Array
    weight: Array
    judged: NDArray[np.bool_]
    fold: NDArray[np.intp]
    priors: Array
    inside: NDArray[np.intp]

    @cached_property
    def n_parts(self) -> int:
        """Parts of the cross-fit."""
        return len(self.priors) - 1


@dataclass(frozen=True)
class Split:
    """A lexicon, and which rows of a node mention any of its phrases.

    Parameters
    ----------
    columns : array of int (n_in_lexicon,)
        The strongest phrase first.
    inside : array of bool (n_parts + 1, n_phrases)
        What is in the lexicon by the weights learned without each part, and on all rows.
    output : int
        The output that it tells of.
    sign : int
        1 where mentioning speaks for that output, -1 where against it.
    gain : float
        By how much it lowers the squared deviations of the judged rows from their means, weighted.
    held : array of bool
        For the rows that came to the node held back: whether a lexicon learned without them says yes.
    seen : array of bool
        For those that came by the lexicons themselves: whether this one says yes.
    """

    columns: Columns
    inside: NDArray[np.bool_]
    output: int
    sign: int
    gain: float
    held: NDArray[np.bool_]
    seen: NDArray[np.bool_]


def contained(phrases: Sequence[str]) -> NDArray[np.intp]:
    """Which phrases stand inside which others.

    Parameters
    ----------
    phrases : sequence of str, (n_phrases,)

    Returns
    -------
    array of int, (n_pairs, 2)
        Position of a phrase, and of one that has all its words in a row, and more.
    """
    place = {phrase: i for i, phrase in enumerate(phrases)}
    pairs = set()
    for outer, phrase in enumerate(phrases):
        words = phrase.split(" ")
        for size in range(1, len(words)):
            for start in range(len(words) - size + 1):
                inner = place.get(" ".join(words[start : start + size]))
                if inner is not None:
                    pairs.add((inner, outer))
    return np.array(sorted(pairs), dtype=np.intp).reshape(-1, 2)


def principal(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The vectors along their `DIMS` principal axes; vectors of zeros, which stand for none, stay zeros."""
    known = np.any(vectors != 0, axis=1)
    centred = vectors[known].astype(np.float32)
    centred -= centred.mean(axis=0, dtype=np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :DIMS]
    found = np.zeros((len(vectors), axes.shape[1]), dtype=np.float32)
    found[known] = centred @ axes
    return found


def priors(
    matrix: sp.csr_matrix,
    lengths: Array,
    targets: Array,
    weight: Array,
    parts: Sequence[Fold],
    loss: Loss,
    vectors: NDArray[np.floating] | None = None,
) -> Array:
    """Weights of phrases by a ridge on all rows but those of each part, and on all.

    Parameters
    ----------
    matrix : sparse matrix (n_rows, n_phrases), 0 and 1
    lengths : array (n_rows,)
        Number of n-grams of each row; a row is divided by the root of it.
    targets : array (n_rows, n_outputs)
    weight : array (n_rows,)
    parts : sequence of (fitting rows, judging rows)
    loss : {"logistic", "multinomial", "squared"}
    vectors : array (n_phrases, n_dims), optional
        Of few dimensions; zeros for phrases that have none.

    Returns
    -------
    array (n_parts + 1, n_phrases, n_outputs)
        What mentioning a phrase adds to the target of a text of usual length.
    """
    inverse = 1 / np.sqrt(lengths)
    X = sp.csr_matrix(sp.diags_array(inverse) @ matrix)
    Z = None if vectors is None else np.asarray(X.astype(np.float32) @ vectors)
    spread = np.ones(0)
    if Z is not None:
        spread = Z.std(axis=0, dtype=np.float64) + 1e-9
        Z = (Z - Z.mean(axis=0, dtype=np.float64)) * (SCALE / spread).astype(np.float32)
    found = np.empty((len(parts) + 1, matrix.shape[1], targets.shape[1]))
    for number, rows in enumerate([*(fit for fit, _ in parts), np.arange(matrix.shape[0])]):
        fitted = fit_ridge(
            X[rows],
            targets[rows],
            C=PRIOR_C[loss],
            loss=loss,
            Z=None if Z is None else Z[rows],
            weight=weight[rows],
        )
        table = fitted.sparse
        if vectors is not None:
            table = table + vectors @ (fitted.dense * (SCALE / spread)[:, None])
        found[number] = table
    if loss != "squared":
        # Log-odds are turned into shares by the slope where a text is of each class as often as all are.
        share = np.average(targets, axis=0, weights=weight)
        found *= share * (1 - share)
    return found * inverse.mean()


def foresight(
    matrix: sp.csr_matrix, lengths: Array, targets: Array, weight: Array, parts: Sequence[Fold], found: Array
) -> float:
    """How much of the targets the priors tell of rows that they were learned without.

    Parameters
    ----------
    matrix, lengths, targets, weight, parts
        As for :func:`priors`, with judging rows only among those that judge.
    found : array (n_parts + 1, n_phrases, n_outputs)
        The priors.

    Returns
    -------
    float
        Mean over outputs of the squared correlation of scores and targets; 0 without parts.
    """
    if not parts:
        return 0.0
    scores = np.vstack(
        [matrix[new] @ found[k] / np.sqrt(lengths[new])[:, None] for k, (_, new) in enumerate(parts)]
    )
    judged = np.concatenate([new for _, new in parts])
    heavy, true = weight[judged], targets[judged]
    s, t = (a - np.average(a, axis=0, weights=heavy) for a in (scores, true))
    together = (heavy[:, None] * s * t).sum(axis=0)
    alone = (heavy[:, None] * s**2).sum(axis=0) * (heavy[:, None] * t**2).sum(axis=0)
    # Scores that run against the targets tell nothing, however closely they do.
    told = np.maximum(together, 0) ** 2 / np.where(alone > 0, alone, 1.0)
    return float(told.mean())


@dataclass(frozen=True)
class _View:
    """The rows held back at a node, and some of the phrases."""

    matrix: sp.csr_matrix
    part: Columns
    weight: Array
    away: Array
    priors: Array
    barred: NDArray[np.bool_]
    inside: NDArray[np.intp]

    @classmethod
    def of(cls, ground: Ground, held: Positions, columns: Columns, barred: NDArray[np.bool_]) -> _View:
        place = np.full(ground.matrix.shape[1], -1, dtype=np.intp)
        place[columns] = np.arange(len(columns))
        pairs = place[ground.inside]
        judged, weight, targets = ground.judged[held], ground.weight[held], ground.targets[held]
        mean = np.average(targets[judged], axis=0, weights=weight[judged])
        return cls(
            ground.matrix[held][:, columns],
            ground.fold[held] % (ground.n_parts + 1),  # -1 is the last: learned on all rows
            weight,
            weight[:, None] * (targets - mean),
            ground.priors[:, columns],
            barred[:, columns],
            pairs[(pairs >= 0).all(axis=1)],
        )

    def weights(self) -> Array:
        """Weights of the phrases at the node without each part, and by all its rows, as `Ground.priors`."""
        n_parts, p = len(self.priors) - 1, self.matrix.shape[1]
        size = np.diff(self.matrix.indptr)
        cells = np.repeat(self.part, size) * p + self.matrix.indices

        def sums(of_rows: Array) -> Array:
            of_part = np.bincount(cells, np.repeat(of_rows, size), (n_parts + 1) * p).reshape(n_parts + 1, p)
            total = of_part.sum(axis=0)
            return np.vstack([total - of_part[:n_parts], total[None]])

        rows = sums(self.weight) + STRENGTH
        return np.stack(
            [
                (sums(self.away[:, k]) + STRENGTH * self.priors[:, :, k]) / rows
                for k in range(self.away.shape[1])
            ],
            axis=2,
        )


class Chooser:
    """Finds the lexicon that splits the rows of a node best.

    Parameters
    ----------
    ground : Ground
    most : int or None
        Phrases of a lexicon at most.
    min_rows : int
        Judged rows on either side at least.
    """

    def __init__(self, ground: Ground, most: int | None, min_rows: int) -> None:
        self.ground, self.most, self.min_rows = ground, most, min_rows

    def best(self, held: Positions, seen: Positions, barred: NDArray[np.bool_]) -> Split | None:
        """The best split of a node, or None where none helps.

        Parameters
        ----------
        held : array of int
            Rows that came here held back, by lexicons learned without them.
        seen : array of int
            Rows that came here by the lexicons themselves, as new texts would.
        barred : array of bool (n_parts + 1, n_phrases)
            Phrases that the lexicon may not hold, by part.
        """
        ground = self.ground
        # Only phrases of these rows can split them: deep in a tree that is few of all.
        columns = np.union1d(ground.matrix[held].indices, ground.matrix[seen].indices)
        near = _View.of(ground, held, columns, barred)
        there = ground.matrix[seen][:, columns]
        judged, weight, away = ground.judged[held], near.weight, near.away
        best: tuple[float, float, bool, int, int, Array, Array, Array] | None = None
        for at_node in (True, False):
            weights = near.weights() if at_node else near.priors
            for output in range(away.shape[1]):
                for sign in (1, -1):
                    signed = self._allowed(near, sign * weights[:, :, output])
                    tops, seen_tops = _tops(near.matrix, signed, near.part), _tops(there, signed[-1:], None)
                    speaks = sign * away[:, output]
                    gain, bound = self._bound(
                        tops[judged], away[judged], weight[judged], speaks[judged], seen_tops
                    )
                    if gain > 1e-9 and (best is None or gain > best[0] * (1 + 1e-9)):
                        best = (gain, bound, at_node, output, sign, tops, seen_tops, signed)
        if best is None:
            return None
        gain, bound, at_node, output, sign, tops, seen_tops, signed = best
        if self.most is None:
            # New texts may have phrases that none of these rows has: those that weigh enough belong to it.
            columns = np.arange(ground.matrix.shape[1])
            far = _View.of(ground, held, columns, barred)
            weights = far.weights() if at_node else far.priors
            signed = self._allowed(far, sign * weights[:, :, output])
        within = np.zeros(ground.priors.shape[:2], dtype=bool)
        within[:, columns] = signed >= bound
        strongest = np.argsort(-signed[-1], kind="stable")
        chosen = columns[strongest[: int((signed[-1] >= bound).sum())]]
        yes, seen_yes = tops >= bound, seen_tops >= bound
        return Split(self.distinct(chosen), within, output, sign, gain, yes, seen_yes)

    def distinct(self, columns: Columns) -> Columns:
        """Leave out phrases that say nothing new, as another of the lexicon stands inside them."""
        chosen = np.zeros(self.ground.matrix.shape[1], dtype=bool)
        chosen[columns] = True
        inner, outer = self.ground.inside.T
        chosen[outer[chosen[inner]]] = False
        return columns[chosen[columns]]

    def _allowed(self, view: _View, weights: Array) -> Array:
        """Weights of what may be in the lexicon, minus infinity for the rest; (n_parts + 1, n_columns)."""
        allowed = np.where((weights > 0) & ~view.barred, weights, -np.inf)
        inner, outer = view.inside.T
        for row in allowed:
            # Where a phrase is in the lexicon, those around it that weigh no more add nothing.
            row[outer[row[inner] >= row[outer]]] = -np.inf
            if self.most is not None and self.most < len(row):
                order = np.argsort(-row, kind="stable")
                row[order[self.most :]] = -np.inf
        return allowed

    def _bound(
        self, tops: Array, away: Array, weight: Array, speaks: Array, seen: Array
    ) -> tuple[float, float]:
        """The weight from which on phrases are in the lexicon, and the gain that it brings.

        Rows held back that say yes must be on the side that the phrases speak for: the opposite happens by
        chance where there are few rows, and would turn around for new texts.
        """
        order = np.argsort(-tops, kind="stable")
        sorted_tops = tops[order]
        n = np.arange(1, len(order) + 1)
        ends = np.append(sorted_tops[1:] < sorted_tops[:-1], True) & np.isfinite(sorted_tops)
        seen_yes = len(seen) - np.searchsorted(np.sort(seen), sorted_tops)
        for yes, total in ((n, len(order)), (seen_yes, len(seen))):
            ends &= (yes >= self.min_rows) & (total - yes >= self.min_rows)
        ends &= np.cumsum(speaks[order]) > 0
        if not ends.any():
            return 0.0, np.inf
        yes = np.cumsum(weight[order])
        no = weight.sum() - yes
        moved = np.cumsum(away[order], axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            gains = np.where(ends, (moved**2).sum(axis=1) * (1 / yes + 1 / no), 0.0)
        place = int(gains.argmax())
        return float(gains[place]), float(sorted_tops[place])


def _tops(matrix: sp.csr_matrix, weights: Array, part: Columns | None) -> Array:
    """The largest weight of a phrase of each row, by the weights of the row's part."""
    found = np.full(matrix.shape[0], -np.inf)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        if part is None:
            values = weights[0][matrix.indices]
        else:
            values = weights[np.repeat(part, np.diff(matrix.indptr)), matrix.indices]
        found[filled] = np.maximum.reduceat(values, matrix.indptr[:-1][filled])
    return found
