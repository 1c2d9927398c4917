"""Which way to fit suits the answers of a question, and how good it is on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.metrics import cohen_kappa_score, roc_auc_score

from interpllm.select.problem import Choice, Fitted, Problem, Rows, divisors, fit
from interpllm.select.search import Search
from interpllm.select.size import shrink

CHOICES = (
    Choice(norm="none", penalty="ridge", C=0.3),
    Choice(norm="none", penalty="ridge", C=1.0),
    Choice(norm="none", penalty="ridge", C=3.0),
    Choice(norm="sqrt", penalty="ridge", C=10.0),
    Choice(norm="sqrt", penalty="ridge", C=100.0),
    Choice(norm="none", penalty="lasso", C=0.6),
    Choice(norm="none", penalty="lasso", C=2.0),
)
"""Ways to fit that are tried without a language model ..."""
SCALES = (0.03, 0.1)
"""... sizes of its vectors that the best ridge is tried with ..."""
MIX = 0.5
"""... and the share of its probe of whole texts in the targets."""


class Choices:
    """Ways to fit that were tried on each fold, so that a fold can be left out when one is chosen.

    What is measured on a fold is a model of the other folds' rows, fitted in the way that did best on the
    other folds: neither has seen the fold's answers, and nothing is fitted twice for it.
    """

    def __init__(self, problem: Problem, max_terms: int | None) -> None:
        self.problem = problem
        self.max_terms = max_terms
        self.tried: dict[Choice, list[tuple[float, float]]] = {}

    def try_all(self, choices: Sequence[Choice]) -> None:
        """Loss and temperature of each choice on each fold."""
        for choice in choices:
            trials = [
                Search(replace(self.problem, folds=[fold])).trial(choice) for fold in self.problem.folds
            ]
            self.tried[choice] = [(trial.loss, trial.temperature) for trial in trials]

    def best(self, on: Sequence[int], penalty: str = "") -> tuple[Choice, float]:
        """The choice of least loss on some folds, and its temperature there."""
        sizes = [len(judge) for _, judge in self.problem.folds]
        allowed = [choice for choice in self.tried if penalty in ("", choice.penalty)]
        choice = min(allowed, key=lambda c: sum(sizes[k] * self.tried[c][k][0] for k in on))
        return choice, float(np.exp(np.mean([np.log(self.tried[choice][k][1]) for k in on])))

    def fit(self, rows: Rows, choice: Choice) -> Fitted:
        """A fit within ``max_terms``."""
        fitted = fit(self.problem, rows, choice)
        if self.max_terms is None or fitted.n_terms <= self.max_terms:
            return fitted
        return shrink(self.problem, rows, choice, choice, self.max_terms)

    def judge(self) -> tuple[NDArray[np.float64], Rows]:
        """Answers of models that have not learned from the rows, and which rows those are."""
        problem, answered = self.problem, []
        for number, fold in enumerate(problem.folds):
            answered.append(
                self.answer(*fold, *self.best([k for k in range(len(problem.folds)) if k != number]))
            )
        return np.concatenate(answered), np.concatenate([judge for _, judge in problem.folds])

    def answer(self, rows: Rows, judge: Rows, choice: Choice, temperature: float) -> NDArray[np.float64]:
        """Probabilities of yes of some rows, by a model of others."""
        fitted = self.fit(rows, choice).times(temperature)
        by = divisors(self.problem.lengths[choice.order][judge], choice.norm)
        return np.asarray(expit(fitted.scores(self.problem.matrix[judge], by)[:, 0]))


def best_shift(answered: NDArray[np.float64], yes: NDArray[np.bool_]) -> float:
    """What, added to their log-odds, makes answers agree best with the true ones when cut at one half.

    Parameters
    ----------
    answered : array (n_rows,)
        Probabilities of yes.
    yes : array of bool (n_rows,)
        True answers.

    Returns
    -------
    float
        The smallest whose Cohen's kappa is within half a standard error of the highest: many texts have no
        n-gram of the table and so one score, which differs a little from fold to fold, and a cut that runs
        among them is worth nothing on others. 0 where nothing is clearly better than none.
    """
    n, n_yes = len(yes), int(np.count_nonzero(yes))
    scores = _log_odds(answered)
    values = np.unique(scores)
    cuts = np.append(0.0, (values[1:] + values[:-1]) / 2)
    order = np.argsort(scores)
    below = np.searchsorted(scores[order], cuts, side="right")
    said = n - below
    right = n_yes - np.append(0, np.cumsum(yes[order]))[below]
    agree = (2 * right + n - n_yes - said) / n
    chance = (said * n_yes + below * (n - n_yes)) / n**2
    kappa = np.divide(agree - chance, 1 - chance, out=np.zeros(len(cuts)), where=chance < 1)
    top = int(kappa.argmax())
    error = 0.5 * np.sqrt(agree[top] * (1 - agree[top]) / n) / max(1 - chance[top], 1e-12)
    best = cuts[kappa >= kappa[top] - error - 1e-9]
    return -float(best[np.abs(best).argmin()])


def decided(
    answered: NDArray[np.float64], yes: NDArray[np.bool_], fold: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Yes or no at the cut that is best on the other folds, so that no answer has a say in its own.

    Parameters
    ----------
    answered, yes
        As for `best_shift`.
    fold : array of int (n_rows,)
        Number of the fold of each row.
    """
    said = np.zeros(len(yes), dtype=bool)
    for number in np.unique(fold):
        here = fold == number
        said[here] = _log_odds(answered[here]) + best_shift(answered[~here], yes[~here]) > 0
    return said


def shifted(answered: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
    """Probabilities with so much added to their log-odds."""
    return np.asarray(expit(_log_odds(answered) + shift))


def _log_odds(answered: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(answered, 1e-12, 1 - 1e-12)))


def agreement(
    said: NDArray[np.bool_], truth: NDArray[np.bool_], soft: NDArray[np.float64]
) -> tuple[float, float, float]:
    """AUC, Cohen's kappa and flip rate of answers against those that they stand for.

    Parameters
    ----------
    said, truth : array of bool (n_rows,)
    soft : array (n_rows,)
        What `said` was made of; the AUC is of this.

    Returns
    -------
    auc, kappa, flip_rate : float
        The AUC is NaN where all of `truth` is the same, kappa where all of both is.
    """
    flips = float(np.mean(said != truth))
    if truth.all() or not truth.any():
        same = said.all() or not said.any()
        return float("nan"), float("nan") if same else 0.0, flips
    return float(roc_auc_score(truth, soft)), float(cohen_kappa_score(truth, said)), flips
