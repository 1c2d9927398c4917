"""What can be chosen about an n-gram model, what a fit may use, and one fit of one choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from interpllm.select.sparse import Array, Loss, fit_lasso, fit_ridge
from interpllm.select.split import Fold, folds

Rows = NDArray[np.intp]
Weighting = Literal["binary", "idf"]
Norm = Literal["none", "sqrt"]
Penalty = Literal["ridge", "lasso"]
SUMMED_UP_IN = 4
"""Parts of the cross-fit that sums a dense block up."""


@dataclass(frozen=True)
class Choice:
    """One way to fit the model.

    Parameters
    ----------
    order : int
        Longest n-grams, in words.
    weighting : {"binary", "idf"}
        Whether rare n-grams count more (by their inverse document frequency) before the penalty.
    norm : {"none", "sqrt"}
        Whether a text's sum is divided by the square root of its number of n-grams.
    penalty : {"ridge", "lasso"}
    C : float
        Inverse strength of the penalty.
    scale : float
        Size of a standardised embedding dimension beside an n-gram's 1; 0 leaves embeddings out. Lasso takes
        the block summed up by a ridge (at C = 1) into one column an output.
    vectors : str
        Which vectors of n-grams the embedding block is made of; "" with scale 0.
    mix : float
        Share of the teacher in the target; 0 learns from labels alone.
    """

    order: int = 2
    weighting: Weighting = "binary"
    norm: Norm = "sqrt"
    penalty: Penalty = "ridge"
    C: float = 10.0
    scale: float = 0.0
    vectors: str = ""
    mix: float = 0.0

    @property
    def uses_llm(self) -> bool:
        """Whether a language model has a part in it."""
        return self.scale > 0 or self.mix > 0


@dataclass(frozen=True)
class Unlabelled:
    """Further texts that only a teacher has answered.

    Parameters
    ----------
    matrix : sparse matrix (n_more, n_phrases), 0 and 1
    lengths : dict of int to array (n_more,)
        Longest n-gram order -> number of distinct n-grams of each.
    soft : array (n_more, n_outputs)
        The teacher's probabilities or values.
    groups : array of int (n_more,)
        Which group of near-duplicates each was made from.
    """

    matrix: sp.csr_matrix
    lengths: dict[int, Array]
    soft: Array
    groups: NDArray[np.intp]


@dataclass(frozen=True)
class Lesson:
    """What a teacher says to the students of some rows; it has not seen the labels of any other row.

    Parameters
    ----------
    soft : array (n_rows, n_outputs)
        Its probabilities or values of the rows themselves; NaN where it has none, and labels must do.
    more : Unlabelled or None
    """

    soft: Array
    more: Unlabelled | None = None


@dataclass(frozen=True)
class Problem:
    """The training rows, and all that a fit may use.

    Parameters
    ----------
    matrix : sparse matrix (n_rows, n_phrases), 0 and 1
    lengths : dict of int to array (n_rows,)
        Longest n-gram order -> number of distinct n-grams of each text up to it.
    words : array of int (n_phrases,)
        Number of words of each n-gram.
    targets : array (n_rows, n_outputs)
    weight : array (n_rows,)
    loss : {"logistic", "multinomial", "squared"}
    folds : list of (fitting rows, judging rows)
    groups : array of int (n_rows,)
        Near-duplicates, which no split divides.
    embed : mapping of str to callable
        Name of vectors -> (fitting rows -> array (n_phrases, n_dims)): one vector an n-gram, zeros for those
        that have none. They depend on the rows where the embedding model was fine-tuned on them.
    teach : callable or None
        Fitting rows -> `Lesson`.
    summed_up : dict
        What sparse choices share that differ in C alone, kept by :func:`fit`.
    blocks : dict
        What ridges of the same rows and columns share, those fitted last on each rows, kept by :func:`fit`.
    """

    matrix: sp.csr_matrix
    lengths: dict[int, Array]
    words: NDArray[np.int64]
    targets: Array
    weight: Array
    loss: Loss
    folds: list[Fold]
    groups: NDArray[np.intp]
    embed: Mapping[str, Callable[[Rows], NDArray[np.float32]]] = field(default_factory=dict)
    teach: Callable[[Rows], Lesson] | None = None
    summed_up: dict[tuple[Any, ...], tuple[Array, Array]] = field(default_factory=dict)
    blocks: dict[bytes, tuple[tuple[Any, ...], dict[str, tuple[Array, Array]]]] = field(default_factory=dict)

    def helped(
        self,
        embed: Mapping[str, Callable[[Rows], NDArray[np.float32]]],
        teach: Callable[[Rows], Lesson] | None = None,
    ) -> Problem:
        """The problem with a language model's help among what a fit may use."""
        return replace(self, embed=embed, teach=teach, summed_up={}, blocks={})


@dataclass(frozen=True)
class Fitted:
    """A fit on some rows, as a plain table: ``score = intercept + sum(table) / norm``.

    Parameters
    ----------
    intercept : array (n_outputs,)
    table : array (n_phrases, n_outputs)
    slope : array (n_dims, n_outputs) or None
        What an embedding adds to its n-gram's weight: also for n-grams that are not in the table.
    """

    intercept: Array
    table: Array
    slope: Array | None = None

    @property
    def n_terms(self) -> int:
        """Number of n-grams with a weight."""
        return int(np.count_nonzero(np.any(self.table != 0, axis=1)))

    def times(self, factor: float, center: float = 0.0) -> Fitted:
        """The same fit in other units: every score times a factor, plus a center."""
        slope = None if self.slope is None else self.slope * factor
        return Fitted(self.intercept * factor + center, self.table * factor, slope)

    def scores(self, matrix: sp.csr_matrix, divisors: Array) -> Array:
        """Scores of rows, (n_rows, n_outputs)."""
        return np.asarray(matrix @ self.table / divisors[:, None] + self.intercept)


def divisors(lengths: Array, norm: str) -> Array:
    """What the sums of texts are divided by, from their numbers of n-grams."""
    return np.sqrt(lengths) if norm == "sqrt" else np.ones(len(lengths))


def fit(problem: Problem, rows: Rows, choice: Choice, columns: NDArray[np.intp] | None = None) -> Fitted:
    """Fit one choice on some rows.

    Parameters
    ----------
    problem : Problem
    rows : array of int
        Positions of the rows to fit on.
    choice : Choice
    columns : array of int, optional
        The only n-grams that may have a weight.
    """
    p, outputs = problem.matrix.shape[1], problem.targets.shape[1]
    used = np.flatnonzero(problem.words <= choice.order)
    if columns is not None:
        used = np.intersect1d(used, columns)
    binary, groups = problem.matrix[rows][:, used], problem.groups[rows]
    lengths, targets, weight = (
        problem.lengths[choice.order][rows],
        problem.targets[rows],
        problem.weight[rows],
    )
    if choice.mix > 0 and problem.teach is not None:
        lesson = problem.teach(rows)
        taught = np.where(np.isnan(lesson.soft), targets, lesson.soft)
        targets = (1 - choice.mix) * targets + choice.mix * taught
        if lesson.more is not None:
            # A further text that is nearly the same as a row to be judged would tell its n-grams' weights.
            judged = np.setdiff1d(problem.groups, groups)
            more = np.flatnonzero(~np.isin(lesson.more.groups, judged))
            binary = sp.vstack([binary, lesson.more.matrix[more][:, used]], format="csr")
            lengths = np.concatenate([lengths, lesson.more.lengths[choice.order][more]])
            targets = np.vstack([targets, lesson.more.soft[more]])
            weight = np.concatenate([weight, np.full(len(more), weight.mean())])
            groups = np.concatenate([groups, lesson.more.groups[more]])
    inverse = sp.diags_array(1 / divisors(lengths, choice.norm))
    slope: Array | None = None
    importance = np.ones(len(used))
    if choice.weighting == "idf":
        support = np.asarray(binary[: len(rows)].sum(axis=0)).ravel()
        importance = np.log((1 + len(rows)) / (1 + support)) + 1
        importance /= importance.mean()
    X = sp.csr_matrix(inverse @ binary @ sp.diags_array(importance))
    Z = None
    if choice.scale > 0:
        E = problem.embed[choice.vectors](rows)[used]
        Z = np.asarray(inverse.astype(np.float32) @ (binary.astype(np.float32) @ E))
        center, spread = Z.mean(axis=0), Z.std(axis=0) + 1e-6
        Z = (Z - center) * (choice.scale / spread)
    if choice.penalty == "ridge":
        block = (
            replace(choice, C=0.0, mix=0.0),
            len(targets),
            None if columns is None else columns.tobytes(),
        )
        if problem.blocks.get(rows.tobytes(), (None,))[0] != block:
            problem.blocks[rows.tobytes()] = block, {}
        shared = problem.blocks[rows.tobytes()][1]
        linear = fit_ridge(X, targets, C=choice.C, loss=problem.loss, Z=Z, weight=weight, shared=shared)
        dense = linear.dense
    elif Z is None:
        linear = fit_lasso(X, targets, C=choice.C, loss=problem.loss, weight=weight)
    else:
        # A dense block has no place in a sparse model: one column an output sums it up, and competes.
        name = (rows.tobytes(), used.tobytes(), *astuple(replace(choice, C=0.0, weighting="binary")))
        if name not in problem.summed_up:
            problem.summed_up[name] = _summed_up(Z, targets, weight, problem.loss, groups)
        columns_of, dense = problem.summed_up[name]
        both = sp.hstack([X, sp.csr_matrix(columns_of)], format="csr")
        linear = fit_lasso(both, targets, C=choice.C, loss=problem.loss, weight=weight)
        dense = dense @ linear.sparse[len(used) :]
    table = importance[:, None] * linear.sparse[: len(used)]
    intercept = linear.intercept
    if Z is not None:
        slope = dense * (choice.scale / spread)[:, None]
        table = table + E @ slope
        intercept = intercept - center @ slope
    whole = np.zeros((p, outputs))
    whole[used] = table
    return Fitted(np.asarray(intercept, dtype=np.float64), whole, slope)


def _summed_up(
    Z: NDArray[np.float32], targets: Array, weight: Array, loss: Loss, groups: NDArray[np.intp]
) -> tuple[Array, Array]:
    """A dense block as one score an output, (n_rows, n_outputs), and the weights that make it.

    The scores of a row come from a ridge that was fitted on other rows, as they will for a new text.
    """
    nothing = sp.csr_matrix((len(Z), 0))
    scores = np.zeros_like(targets)
    for seen, new in folds(targets, groups, SUMMED_UP_IN, stratify=False):
        part = fit_ridge(nothing[seen], targets[seen], C=1.0, loss=loss, Z=Z[seen], weight=weight[seen])
        scores[new] = Z[new] @ part.dense
    return scores, fit_ridge(nothing, targets, C=1.0, loss=loss, Z=Z, weight=weight).dense
