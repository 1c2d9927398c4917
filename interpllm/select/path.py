"""The few questions that predict best together, one path from none to as many as are wanted.

A question counts once, however many classes its weights tell apart. Questions join one after another, the
next one being that which lowers the penalised loss the most given those before it (forward stepwise
selection; Hastie, Tibshirani and Tibshirani 2020 compare it with best subset and the lasso). How many are
worth having, and how strongly weights are shrunk, is cross-validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from interpllm.select.sparse import Array, Loss, loss_of
from interpllm.select.split import folds
from interpllm.select.weighing import (
    SEARCHING,
    WEAK,
    Columns,
    Rows,
    Weighed,
    column_means,
    fit_rows,
    lowest_loss,
    refit,
    residuals,
    rows_of,
    targets_of,
)

__all__ = ["Path", "Weighed", "column_means", "refit", "residuals", "sparse_path", "targets_of"]

STRENGTHS = (0.3, 3.0, WEAK)
"""Values of C that are tried, from strong to weak."""

TRIED = 3
"""At each step so many questions, those with the steepest slope, are fitted in full."""


@dataclass(frozen=True)
class Path:
    """Questions in the order in which they join, and how good a model of each size is.

    Parameters
    ----------
    order : array of int (n_terms,)
        Columns of the answers; the first k of them are the model of size k.
    C : float
        Inverse strength of the penalty, chosen by cross-validation.
    losses : array (n_terms + 1,)
        Cross-validated loss of models of 0, 1, ... questions; NaN where there are too few rows for folds.
    best : int
        The size with the lowest cross-validated loss; all questions without cross-validation.
    small : int
        The smallest size whose loss is no more than one standard error of the difference above the lowest.
    """

    order: Columns
    C: float
    losses: Array
    best: int
    small: int

    def columns(self, size: int | None = None) -> Columns:
        """The questions of the model of a size, all by default, in the order in which they join."""
        return self.order[:size]


def sparse_path(
    values: ArrayLike,
    y: ArrayLike,
    n_terms: int,
    loss: Loss,
    weight: ArrayLike | None = None,
    signs: ArrayLike | None = None,
    random_state: int | None = None,
    *,
    groups: ArrayLike | None = None,
    strengths: Sequence[float] = STRENGTHS,
    n_folds: int = 5,
    first: Sequence[int] = (),
    tried: int = TRIED,
) -> Path:
    """Order questions by what they add to those before them.

    Parameters
    ----------
    values : array-like (n_rows, n_candidates)
        Answers from 0 (no) to 1 (yes); NaN, a missing answer, counts as the mean of its question.
    y : array-like (n_rows,)
        Labels, or values with the squared loss.
    n_terms : int
        How many questions; fewer only if fewer have answers that differ, or may have a weight of their sign.
    loss : {"logistic", "multinomial", "squared"}
        Logistic for two classes.
    weight : array-like (n_rows,), optional
    signs : array-like (n_candidates,) or (n_candidates, n_outputs), optional
        1 or -1 where a weight must have that sign (or be 0), 0 where any will do.
    random_state : int, optional
        Seed of the folds.
    groups : array-like (n_rows,), optional
        Rows that no fold divides.
    strengths : sequence of float
        Values of C to choose from; one alone is taken as it is.
    n_folds : int
        Folds of the cross-validation; below 2 there is none, and the last strength is taken.
    first : sequence of int
        Questions that stand at the head of the order in any case, as a user wants them.
    tried : int
        At each step so many questions, those with the steepest slope, are fitted in full.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If there is one class, or shapes do not match.
    """
    rows, _ = rows_of(values, y, loss, weight, signs)
    n = len(rows.answers)
    n_terms = max(n_terms, len(first))
    parts = []
    if n_folds >= 2:
        together = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        parts = folds(
            np.asarray(y), together, n_folds, stratify=loss != "squared", random_state=random_state
        ) or folds(np.asarray(y), together, n_folds, stratify=False, random_state=random_state)
    if not parts:
        order, _ = _order(replace(rows, C=strengths[-1]), n_terms, first, tried)
        unknown = np.full(len(order) + 1, np.nan)
        return Path(order, strengths[-1], unknown, len(order), len(order))
    judged = {C: np.full((n, n_terms + 1), np.nan) for C in strengths}
    for C in strengths:
        for fit, judge in parts:
            part = replace(rows, C=C).of(fit)
            order, fits = _order(part, n_terms, first, tried)
            for size in range(n_terms + 1):
                used = min(size, len(order))  # a fold's order may be at its end
                intercept, table = fits[used]
                scores = intercept + rows.answers[judge][:, order[:used]] @ table
                judged[C][judge, size] = loss_of(scores, rows.targets[judge], loss)
    means = {C: np.average(judged[C], axis=0, weights=rows.weight) for C in strengths}
    C = min(strengths, key=lambda C: means[C].min())
    order, _ = _order(replace(rows, C=C), n_terms, first, tried)
    losses = means[C][: len(order) + 1]
    best = int(losses.argmin())
    excess = (judged[C][:, : len(order) + 1] - judged[C][:, [best]]) * rows.weight[:, None]
    error = excess.std(axis=0) / rows.weight.mean() / np.sqrt(n)
    small = int(np.flatnonzero(losses - losses[best] <= error)[0])
    return Path(order, C, losses, best, small)


def _order(
    rows: Rows, n_terms: int, first: Sequence[int], tried: int
) -> tuple[Columns, list[tuple[Array, Array]]]:
    """Forward stepwise selection: first the given questions, then always the one that helps most.

    Returns
    -------
    order : array of int
    fits : list of (intercept, table)
        Of the first 0, 1, ... questions of the order.
    """
    order = list(first)
    weight = rows.weight[:, None]
    fits = [
        fit_rows(rows, np.asarray(order[:size], dtype=np.intp), SEARCHING) for size in range(len(order) + 1)
    ]
    # Answers less what those to the chosen questions (and the intercept) already tell of them.
    left = rows.answers - np.average(rows.answers, axis=0, weights=rows.weight)
    for column in order:
        left = _without(left, column, weight)
    candidates = np.setdiff1d(np.flatnonzero((weight * left**2).sum(axis=0) > 1e-9), order)
    while len(order) < n_terms and len(candidates):
        intercept, table = fits[-1]
        away = residuals(intercept + rows.answers[:, order] @ table, rows.targets, rows.loss)
        slope = left[:, candidates].T @ (weight * away)
        wrong = slope * rows.signs[candidates] < 0
        # The one-step gain when the curvature is bounded, as Böhning (1992) does for the multinomial loss.
        gain = (np.where(wrong, 0, slope) ** 2).sum(axis=1)
        gain /= (weight * left[:, candidates] ** 2).sum(axis=0) + 1 / rows.C
        steep = np.argsort(-gain, kind="stable")[:tried]
        steep = steep[gain[steep] > 0]
        if not len(steep):
            break
        start = np.vstack([intercept, table, np.zeros_like(intercept)])
        joined = {
            int(column): lowest_loss(rows, np.array([*order, column]), SEARCHING, start)
            for column in candidates[steep]
        }
        best = min(joined, key=lambda column: joined[column][0])
        fits.append(joined[best][1:])
        order.append(best)
        left = _without(left, best, weight)
        spread = (weight * left[:, candidates] ** 2).sum(axis=0)
        candidates = candidates[(candidates != best) & (spread > 1e-9)]
    return np.array(order, dtype=np.intp), fits


def _without(left: Array, column: int, weight: Array) -> Array:
    """What is left of all columns when what one tells of them is taken off."""
    direction = left[:, column]
    size = float(weight[:, 0] @ direction**2)
    if size <= 1e-9:
        return left
    return left - np.outer(direction, (weight[:, 0] * direction) @ left / size)
