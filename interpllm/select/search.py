"""Choose how an n-gram model is fitted, by cross-validation on the training rows alone.

The choices are made one after another, each given the ones before it: first for n-grams alone (order,
weighting, norm, penalty), then what an LLM adds (scale of the embedding block, how far the student follows
the teacher). Going without the LLM stays among the choices to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from interpllm.select.sparse import Array, Loss, fit_lasso, fit_ridge, loss_of
from interpllm.select.split import Fold, folds

Rows = NDArray[np.intp]
Weighting = Literal["binary", "idf"]
Norm = Literal["none", "sqrt"]
Penalty = Literal["ridge", "lasso"]
STRENGTHS = {
    # C of the penalty, from strong to weak, by norm: dividing a row by sqrt(n-grams) wants a weaker one
    ("ridge", "none"): (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    ("ridge", "sqrt"): (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
    ("lasso", "none"): (0.1, 0.3, 0.6, 1.0, 2.0, 4.0),
}
FAMILIES: tuple[tuple[Norm, Penalty, float], ...] = (
    # norm, penalty and a first guess at C
    ("sqrt", "ridge", 10.0),
    ("none", "ridge", 0.3),
    ("none", "lasso", 0.6),
)
WEIGHTINGS: tuple[Weighting, ...] = ("binary", "idf")
SCALES = {"ridge": (0.01, 0.03, 0.1), "lasso": (0.03, 0.1, 0.3, 1.0)}
SUMMED_UP_IN = 4
MIXES = (0.3, 0.6, 0.9)


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
        What choices share that differ in C alone, kept by :func:`fit`.
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
            binary = sp.vstack([binary, lesson.more.matrix[:, used]], format="csr")
            lengths = np.concatenate([lengths, lesson.more.lengths[choice.order]])
            targets = np.vstack([targets, lesson.more.soft])
            weight = np.concatenate([weight, np.full(len(lengths) - len(rows), weight.mean())])
            groups = np.concatenate([groups, lesson.more.groups])
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
        linear = fit_ridge(X, targets, C=choice.C, loss=problem.loss, Z=Z, weight=weight)
        dense = linear.dense
    elif Z is None:
        linear = fit_lasso(X, targets, C=choice.C, loss=problem.loss, weight=weight)
    else:
        # A dense block has no place in a sparse model: one column an output sums it up, and competes.
        shared = (rows.tobytes(), *astuple(replace(choice, C=0.0, weighting="binary")))
        if shared not in problem.summed_up:
            problem.summed_up[shared] = _summed_up(Z, targets, weight, problem.loss, groups)
        columns_of, dense = problem.summed_up[shared]
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


@dataclass(frozen=True)
class Trial:
    """How one choice did on rows that it was not fitted on.

    ``score`` is the share of right predictions (regression: R squared), ``loss`` the mean log-loss (half
    the squared error) after calibration by `temperature`; both weighted by the rows' weights.
    """

    choice: Choice
    score: float
    loss: float
    temperature: float
    n_terms: float


class Search:
    """Tries choices by cross-validation, each at most once.

    Parameters
    ----------
    problem : Problem
    n_folds : int, optional
        Only the first so many folds are tried; all by default.
    n_jobs : int, optional
        Folds tried at the same time, in threads.
    progress : callable, optional
        Called with a number of fits after they were done.
    """

    def __init__(
        self,
        problem: Problem,
        n_folds: int | None = None,
        n_jobs: int | None = None,
        progress: Callable[[int], Any] | None = None,
    ) -> None:
        self.problem = problem
        self.folds = problem.folds[:n_folds]
        self.n_jobs = n_jobs
        self.progress = progress
        self.trials: dict[tuple[Choice, int | None], Trial] = {}

    def trial(
        self,
        choice: Choice,
        columns: Callable[[int], NDArray[np.intp]] | None = None,
        size: int | None = None,
    ) -> Trial:
        """Cross-validate a choice.

        Parameters
        ----------
        choice : Choice
        columns : callable, optional
            Number of the fold -> the only n-grams that may have a weight, chosen on that fold's fitting rows.
        size : int, optional
            Names the restriction that `columns` is, to tell trials apart.
        """
        known = self.trials.get((choice, size))
        if known is not None:
            return known
        problem = self.problem

        def one(number: int, rows: Rows, judge: Rows) -> tuple[Array, int]:
            fitted = fit(problem, rows, choice, None if columns is None else columns(number))
            by = divisors(problem.lengths[choice.order][judge], choice.norm)
            return fitted.scores(problem.matrix[judge], by), fitted.n_terms

        jobs = (delayed(one)(number, *fold) for number, fold in enumerate(self.folds))
        scores, sizes = zip(*Parallel(n_jobs=self.n_jobs, prefer="threads")(jobs), strict=True)
        if self.progress is not None:
            self.progress(len(self.folds))
        rows = np.concatenate([judge for _, judge in self.folds])
        result = judge_scores(np.vstack(scores), problem.targets[rows], problem.weight[rows], problem.loss)
        self.trials[choice, size] = Trial(choice, *result, n_terms=float(np.mean(sizes)))
        return self.trials[choice, size]

    def pick(self) -> Trial:
        """The best trial so far; see :func:`pick`."""
        unlimited = [trial for (_, size), trial in self.trials.items() if size is None]
        return pick(unlimited, sum(len(judge) for _, judge in self.folds), self.problem.loss)

    def best_strength(self, choice: Choice) -> Trial:
        """The best penalty strength for a choice, walking uphill from its own C along the grid."""
        grid = STRENGTHS[choice.penalty, choice.norm]
        at = min(range(len(grid)), key=lambda i: abs(np.log(grid[i] / choice.C)))
        best = self.trial(replace(choice, C=grid[at]))
        for step in (1, -1):
            i = at + step
            while 0 <= i < len(grid):
                other = self.trial(replace(choice, C=grid[i]))
                if merit(other) <= merit(best):
                    break
                best, at, i = other, i, i + step
        return best


def merit(trial: Trial) -> float:
    """What is maximised within a family: minus the calibrated loss, which is less noisy than accuracy."""
    return -trial.loss


def pick(trials: Iterable[Trial], n_judged: int, loss: Loss) -> Trial:
    """The trial of least loss among those whose score is within half a standard error of the best score.

    Loss alone would favour families that are better calibrated over ones that are right more often; score
    alone is noise where few rows were judged.
    """
    trials = list(trials)
    if loss == "squared":
        return max(trials, key=merit)
    top = max(trial.score for trial in trials)
    # Sums of uneven weights round: where all is right, top may be a hair above 1.
    error = np.sqrt(max(0.0, top * (1 - top)) / n_judged)
    return max((trial for trial in trials if trial.score >= top - error / 2), key=merit)


def judge_scores(scores: Array, targets: Array, weight: Array, loss: Loss) -> tuple[float, float, float]:
    """Score, calibrated loss and temperature of scores on rows that were not fitted on."""
    total = weight.sum()
    if loss == "squared":
        mean = weight @ targets / total
        spread = float(weight @ ((targets - mean) ** 2).sum(axis=1))
        error = float(weight @ ((targets - scores) ** 2).sum(axis=1))
        return 1 - error / spread if spread > 0 else 0.0, error / total / 2, 1.0
    if loss == "logistic":
        right = (scores[:, 0] > 0) == (targets[:, 0] > 0.5)
    else:
        right = scores.argmax(axis=1) == targets.argmax(axis=1)

    def calibrated(log_factor: float) -> float:
        return float(weight @ loss_of(np.exp(log_factor) * scores, targets, loss) / total)

    found = minimize_scalar(calibrated, bounds=(-3.0, 3.0), method="bounded", options={"xatol": 1e-3})
    return float(weight @ right / total), float(found.fun), float(np.exp(found.x))


def search_plain(search: Search, orders: Sequence[int]) -> Trial:
    """The best choice without an LLM.

    Parameters
    ----------
    search : Search
    orders : sequence of int
        Longest n-grams to choose from.
    """
    order = 2 if 2 in orders else orders[0]
    for weighting in WEIGHTINGS:
        for norm, penalty, C in FAMILIES:
            search.best_strength(Choice(order=order, weighting=weighting, norm=norm, penalty=penalty, C=C))
    leads = [best_of(search.trials.values(), penalty).choice for penalty in ("ridge", "lasso")]
    for other in orders:
        if other != order:
            for lead in leads:
                search.best_strength(replace(lead, order=other))
    return search.pick()


def search_assisted(search: Search) -> Trial:
    """The best choice of all, with an LLM's embedding block and teacher or without.

    The better of the two ridge families (by norm) looks for its scale and its mix, the other one takes them
    over; lasso looks for its own.
    """
    problem, order = search.problem, search.pick().choice.order
    families = [
        max((t for t in search.trials.values() if _family(t.choice) == family), key=merit)
        for family in dict.fromkeys(_family(t.choice) for t in search.trials.values())
        if family[-1] == order
    ]
    families.sort(key=lambda t: (t.choice.penalty == "lasso", t.loss))
    found = Choice()
    for start in families:
        current = start.choice
        if current.penalty == "ridge" and found.uses_llm:
            search.best_strength(replace(current, scale=found.scale, vectors=found.vectors, mix=found.mix))
            continue
        if problem.embed:
            blocks = ((name, s) for name in problem.embed for s in SCALES[current.penalty])
            current = _best(search, (replace(current, vectors=name, scale=s) for name, s in blocks))
        if problem.teach is not None:
            current = _best(search, (replace(current, mix=m) for m in MIXES))
        found = search.best_strength(current).choice
    return search.pick()


def best_of(trials: Iterable[Trial], penalty: Penalty) -> Trial:
    """The trial of least loss with a penalty."""
    return max((trial for trial in trials if trial.choice.penalty == penalty), key=merit)


def _family(choice: Choice) -> tuple[str, str, int]:
    return choice.penalty, choice.norm, choice.order


def _best(search: Search, choices: Iterable[Choice]) -> Choice:
    return max((search.trial(choice) for choice in choices), key=merit).choice
