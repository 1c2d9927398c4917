"""The few questions that predict best together, one path from none to as many as are wanted.

A question counts once, however many classes its weights tell apart. Questions join one after another, the
next one being that which lowers the penalised loss the most given those before it (forward stepwise
selection; Hastie, Tibshirani and Tibshirani 2020 compare it with best subset and the lasso). How many are
worth having, and how strongly weights are shrunk, is cross-validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from interpllm.errors import InputError
from interpllm.select.sparse import Array, Loss, loss_of, probabilities
from interpllm.select.split import folds

Columns = NDArray[np.intp]

STRENGTHS = (0.3, 3.0, 30.0)
"""Values of C that are tried, from strong to weak."""

TRIED = 3
"""At each step so many questions, those with the steepest slope, are fitted in full."""

SEARCHING, EXACT = 1e-7, 1e-12
"""Tolerance of a fit (relative change of its loss) among many, and of the last one."""

INTERCEPT_C = 1e4
"""Keeps the intercept of a class finite that no row of a fold has."""


@dataclass(frozen=True)
class Weighed:
    """Weights of a few questions: ``scores = intercept + answers[:, columns] @ weights``.

    Parameters
    ----------
    columns : array of int (n_questions,)
        Which columns of the answers have a weight.
    intercept : array (n_outputs,)
    weights : array (n_questions, n_outputs)
        One output for two classes (log-odds of the second) and for values, else one a class.
    means : array (n_questions,)
        What stands for a missing answer.
    classes : array (n_classes,) or None
        Labels in the order of the outputs; None for values.
    loss : {"logistic", "multinomial", "squared"}
    """

    columns: Columns
    intercept: Array
    weights: Array
    means: Array
    classes: NDArray[Any] | None
    loss: Loss

    def scores(self, values: Array) -> Array:
        """Scores (n_rows, n_outputs) of answers (n_rows, n_candidates)."""
        chosen = values[:, self.columns]
        return np.where(np.isnan(chosen), self.means, chosen) @ self.weights + self.intercept

    def predict_proba(self, values: Array) -> Array:
        """Class probabilities (n_rows, n_classes)."""
        return probabilities(self.scores(values))

    def predict(self, values: Array) -> NDArray[Any]:
        """Labels or values (n_rows,)."""
        scores = self.scores(values)
        if self.classes is None:
            return scores[:, 0]
        return self.classes[probabilities(scores).argmax(axis=1)]


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


@dataclass(frozen=True)
class _Rows:
    """What one fit is made of."""

    answers: Array  # (n_rows, n_candidates), without NaN
    targets: Array  # (n_rows, n_outputs)
    weight: Array  # (n_rows,)
    loss: Loss
    signs: Array  # (n_candidates, n_outputs): 1, -1, or 0 where any sign will do
    C: float

    def of(self, rows: NDArray[np.intp]) -> _Rows:
        return replace(self, answers=self.answers[rows], targets=self.targets[rows], weight=self.weight[rows])


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
    rows, _ = _rows(values, y, loss, weight, signs)
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


def refit(
    values: ArrayLike,
    y: ArrayLike,
    columns: ArrayLike,
    *,
    loss: Loss,
    C: float = STRENGTHS[-1],
    weight: ArrayLike | None = None,
    signs: ArrayLike | None = None,
) -> Weighed:
    """Weigh the chosen questions: a ridge, or with ``C=inf`` plain maximum likelihood.

    Parameters
    ----------
    values, y, loss, weight, signs
        As for :func:`sparse_path`.
    columns : array-like of int
        The chosen questions.
    C : float
        Inverse strength of the penalty on weights; the intercept has none to speak of.

    Returns
    -------
    Weighed

    Raises
    ------
    InputError
        If there is one class, or shapes do not match.
    """
    rows, classes = _rows(values, y, loss, weight, signs)
    chosen = np.asarray(columns, dtype=np.intp)
    intercept, table = _fit(replace(rows, C=C), chosen, EXACT)
    return Weighed(chosen, intercept, table, column_means(values)[chosen], classes, loss)


def column_means(values: ArrayLike) -> Array:
    """The mean answer to each question (n_candidates,), in place of missing ones; .5 if all are missing."""
    given = np.asarray(values, dtype=np.float64)
    known = ~np.isnan(given)
    count = known.sum(axis=0)
    total = np.where(known, given, 0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), 0.5)


def residuals(scores: Array, targets: Array, loss: Loss) -> Array:
    """Targets less what scores predict, (n_rows, n_outputs): the slope by which a question could help."""
    if loss == "squared":
        return targets - scores
    return np.asarray(targets - (expit(scores) if loss == "logistic" else probabilities(scores)))


def targets_of(y: ArrayLike, loss: Loss) -> tuple[Array, NDArray[Any] | None]:
    """Labels as targets (n_rows, n_outputs) of 0 and 1, with their classes; values as they are, with None.

    Raises
    ------
    InputError
        If there is one class, or more than two for the logistic loss.
    """
    given = np.asarray(y)
    if loss == "squared":
        return given.astype(np.float64)[:, None], None
    classes, numbers = np.unique(given, return_inverse=True)
    if len(classes) < 2:
        raise InputError(
            f"All {len(given)} rows have the same label {classes.tolist()}: no question can tell "
            "classes apart. Give rows of at least two classes."
        )
    if loss == "logistic":
        if len(classes) > 2:
            raise InputError(f'{len(classes)} classes need the "multinomial" loss, not "logistic".')
        return numbers[:, None].astype(np.float64), classes
    return np.eye(len(classes))[numbers], classes


def _rows(
    values: ArrayLike, y: ArrayLike, loss: Loss, weight: ArrayLike | None, signs: ArrayLike | None
) -> tuple[_Rows, NDArray[Any] | None]:
    answers = np.asarray(values, dtype=np.float64)
    if answers.ndim != 2 or len(answers) != len(np.asarray(y)):
        raise InputError(
            f"Answers must be a table of one row for each of the {len(np.asarray(y))} labels, "
            f"but have the shape {answers.shape}."
        )
    targets, classes = targets_of(y, loss)
    shape = (answers.shape[1], targets.shape[1])
    wanted = np.zeros(shape)
    if signs is not None:
        given = np.asarray(signs, dtype=np.float64)
        if given.shape not in (shape, shape[:1]) or not np.isin(given, (-1, 0, 1)).all():
            raise InputError(
                f"signs must be 1, -1 or 0, one for each of {shape[0]} questions or {shape} with outputs."
            )
        if given.ndim == 1 and shape[1] > 1 and given.any():
            raise InputError(
                f"With {shape[1]} classes a question has a weight for each: give signs of the shape {shape}."
            )
        wanted = np.broadcast_to(given.reshape(shape[0], -1), shape)
    weights = np.ones(len(answers)) if weight is None else np.asarray(weight, dtype=np.float64)
    filled = np.where(np.isnan(answers), column_means(answers), answers)
    return _Rows(filled, targets, weights, loss, wanted, STRENGTHS[-1]), classes


def _order(
    rows: _Rows, n_terms: int, first: Sequence[int], tried: int
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
    fits = [_fit(rows, np.asarray(order[:size], dtype=np.intp), SEARCHING) for size in range(len(order) + 1)]
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
            int(column): _fit_loss(rows, np.array([*order, column]), SEARCHING, start)
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


def _fit(rows: _Rows, columns: Columns, tolerance: float) -> tuple[Array, Array]:
    """Intercept (n_outputs,) and weights (n_columns, n_outputs) with the lowest penalised loss."""
    _, intercept, table = _fit_loss(rows, columns, tolerance)
    return intercept, table


def _fit_loss(
    rows: _Rows, columns: Columns, tolerance: float, start: Array | None = None
) -> tuple[float, Array, Array]:
    """The lowest penalised loss, with the intercept and weights that reach it, by L-BFGS-B."""
    answers, targets, weight = rows.answers[:, columns], rows.targets, rows.weight[:, None]
    shape = (1 + len(columns), targets.shape[1])
    total = weight.sum()
    shrink = np.full((shape[0], 1), 1 / rows.C)
    shrink[0] = 1 / INTERCEPT_C if rows.loss != "squared" else 0.0

    def objective(theta: Array) -> tuple[float, Array]:
        table = theta.reshape(shape)
        losses, away = _loss_and_residuals(table[0] + answers @ table[1:], targets, rows.loss)
        away = weight * away
        value = weight[:, 0] @ losses + (shrink * table**2).sum() / 2
        gradient = shrink * table
        gradient[0] -= away.sum(axis=0)
        gradient[1:] -= answers.T @ away
        return float(value / total), gradient.ravel() / total

    signs = np.vstack([np.zeros(shape[1]), rows.signs[columns]]).ravel()
    bounds = [(0 if sign > 0 else None, 0 if sign < 0 else None) for sign in signs]
    solution = minimize(
        objective,
        np.zeros(shape).ravel() if start is None else start.ravel(),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds if signs.any() else None,
        options={"maxiter": 500, "gtol": tolerance**0.5 / 10, "ftol": tolerance},
    )
    table = solution.x.reshape(shape)
    return float(solution.fun), table[0], table[1:]


def _loss_and_residuals(scores: Array, targets: Array, loss: Loss) -> tuple[Array, Array]:
    """Loss of each row, and the targets less what scores predict: exponentials are taken once for both."""
    if loss != "multinomial":
        return loss_of(scores, targets, loss), residuals(scores, targets, loss)
    top = scores.max(axis=1, keepdims=True)
    share = np.exp(scores - top)
    total = share.sum(axis=1, keepdims=True)
    losses = (np.log(total) + top)[:, 0] - (targets * scores).sum(axis=1)
    return losses, targets - share / total
