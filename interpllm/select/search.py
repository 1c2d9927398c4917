"""Choose how an n-gram model is fitted, by cross-validation on the training rows alone.

The choices are made one after another, each given the ones before it: first for n-grams alone (order,
weighting, norm, penalty), then what an LLM adds (scale of the embedding block, how far the student follows
the teacher). Going without the LLM stays among the choices to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from interpllm.select.problem import Choice, Norm, Penalty, Problem, Rows, Weighting, divisors, fit
from interpllm.select.sparse import Array, Loss, loss_of

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
HOPELESS = 2.5
"""Standard errors behind the best family at which a family is no longer tried."""
MIXES = (0.3, 0.6, 0.9)


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
        return pick(unlimited, self.n_judged, self.problem.loss)

    @property
    def n_judged(self) -> int:
        """Number of rows that choices are judged on."""
        return sum(len(judge) for _, judge in self.folds)

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
    error = standard_error(top, n_judged)
    return max((trial for trial in trials if trial.score >= top - error / 2), key=merit)


def standard_error(share: float, n_rows: int) -> float:
    """Standard error of a share of rows."""
    # Sums of uneven weights round: where all is right, the share may be a hair above 1.
    return float(np.sqrt(max(0.0, share * (1 - share)) / n_rows))


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

    Families that stand far behind without help are left there, because help is what takes the time. The
    better of the two ridge families (by norm) looks for its scale and its mix, the other one takes them
    over; lasso looks for its own.
    """
    problem, lead = search.problem, search.pick()
    order = lead.choice.order
    families = [
        max((t for t in search.trials.values() if _family(t.choice) == family), key=merit)
        for family in dict.fromkeys(_family(t.choice) for t in search.trials.values())
        if family[-1] == order
    ]
    behind = HOPELESS * standard_error(lead.score, search.n_judged)
    families = [
        family for family in families if problem.loss == "squared" or family.score >= lead.score - behind
    ]
    families.sort(key=lambda t: (t.choice.penalty == "lasso", t.loss))
    found = Choice()
    for start in families:
        current = start.choice
        if current.penalty == "ridge" and found.uses_llm:
            search.best_strength(replace(current, scale=found.scale, vectors=found.vectors, mix=found.mix))
            continue
        steps = [_best_vectors, _best_mix]
        if problem.teach is not None and problem.teach(search.folds[0][0]).more is not None:
            # With many further texts a dense block is slow, so what can be chosen without it comes first.
            steps.reverse()
        for step in steps:
            current = step(search, current)
        found = search.best_strength(current).choice
    return search.pick()


def best_of(trials: Iterable[Trial], penalty: Penalty) -> Trial:
    """The trial of least loss with a penalty."""
    return max((trial for trial in trials if trial.choice.penalty == penalty), key=merit)


def _family(choice: Choice) -> tuple[str, str, int]:
    return choice.penalty, choice.norm, choice.order


def _best_vectors(search: Search, choice: Choice) -> Choice:
    """The choice with the vectors and the scale that help most; as it is where there are none."""
    tried = [
        replace(choice, vectors=name, scale=scale)
        for name in search.problem.embed
        for scale in SCALES[choice.penalty]
    ]
    return _best(search, tried) if tried else choice


def _best_mix(search: Search, choice: Choice) -> Choice:
    """The choice with the share of the teacher that helps most; as it is where there is no teacher."""
    if search.problem.teach is None:
        return choice
    return _best(search, (replace(choice, mix=mix) for mix in MIXES))


def _best(search: Search, choices: Iterable[Choice]) -> Choice:
    return max((search.trial(choice) for choice in choices), key=merit).choice
