"""The best model with at most so many n-grams, and how good a model of each size is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from interpllm.select.problem import Choice, Fitted, Problem, Rows, fit
from interpllm.select.search import Search, Trial, merit

SIZES = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000)


def strongest(fitted: Fitted, support: NDArray[np.float64], size: int) -> NDArray[np.intp]:
    """The n-grams that move the most rows the farthest: largest |weight| * sqrt(support).

    Parameters
    ----------
    fitted : Fitted
    support : array (n_phrases,)
        Number of the rows that have each n-gram.
    size : int
        How many at most.

    Returns
    -------
    array of int
        Positions of n-grams, sorted.
    """
    # What all classes share moves no decision: with several outputs only the differences count.
    table = (
        fitted.table - fitted.table.mean(axis=1, keepdims=True) if fitted.table.shape[1] > 1 else fitted.table
    )
    importance = np.abs(table).max(axis=1) * np.sqrt(support)
    largest = np.argsort(-importance, kind="stable")[:size]
    return np.sort(largest[importance[largest] > 0])


class Shrinker:
    """Refits a choice on its strongest n-grams, chosen anew on the fitting rows of each fold.

    Parameters
    ----------
    search : Search
        Whose folds judge.
    choice : Choice
        The best choice without a limit.
    """

    def __init__(self, search: Search, choice: Choice) -> None:
        self.search, self.choice = search, choice
        self._full: dict[int, Fitted] = {}

    def columns(self, fold: int, size: int) -> NDArray[np.intp]:
        """The strongest n-grams of one fold's fitting rows."""
        problem, rows = self.search.problem, self.search.folds[fold][0]
        if fold not in self._full:
            self._full[fold] = fit(problem, rows, self.choice)
        return strongest(self._full[fold], _support(problem, rows), size)

    def trial(self, size: int, *, dense: bool = True) -> Trial:
        """The best refit with at most `size` n-grams.

        A few n-grams need less of a penalty than many, so ridge at several strengths is tried, with the
        embedding block (if `dense`, and the choice has one) and without.
        """
        choice = replace(self.choice, penalty="ridge")
        if self.choice.penalty == "lasso":
            choice = replace(choice, C=10.0 if choice.norm == "none" else 100.0)
        scales = {0.0, choice.scale} if dense else {0.0}
        tried = [replace(choice, C=choice.C * f, scale=s) for s in sorted(scales) for f in (0.1, 1.0, 10.0)]
        return max(
            (self.search.trial(c, lambda fold: self.columns(fold, size), size) for c in tried), key=merit
        )

    def curve_point(self, size: int) -> dict[str, float]:
        """Cross-validated score and loss of a model with at most `size` n-grams."""
        trial = self.trial(size, dense=False)
        return {"score": trial.score, "loss": trial.loss}


def shrink(problem: Problem, rows: Rows, full: Choice, small: Choice, size: int) -> Fitted:
    """Fit `full` on the rows, keep its strongest n-grams, and refit them with `small`."""
    columns = strongest(fit(problem, rows, full), _support(problem, rows), size)
    return fit(problem, rows, small, columns)


def _support(problem: Problem, rows: Rows) -> NDArray[np.float64]:
    return np.asarray(problem.matrix[rows].sum(axis=0)).ravel()
