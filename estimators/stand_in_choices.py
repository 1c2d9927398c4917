"""Which way to fit suits the answers of a question, and how good it is on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
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
        for number, (rows, judge) in enumerate(problem.folds):
            choice, temperature = self.best([k for k in range(len(problem.folds)) if k != number])
            fitted = self.fit(rows, choice).times(temperature)
            by = divisors(problem.lengths[choice.order][judge], choice.norm)
            answered.append(expit(fitted.scores(problem.matrix[judge], by)[:, 0]))
        return np.concatenate(answered), np.concatenate([judge for _, judge in problem.folds])


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
