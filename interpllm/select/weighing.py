"""Weigh the answers to a few questions: logistic, multinomial or squared loss, with signs if wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from interpllm.errors import InputError
from interpllm.select.sparse import Array, Loss, loss_of, probabilities

Columns = NDArray[np.intp]

WEAK = 30.0
"""C of a fit for which none was chosen; it keeps the weight finite of a question that no row contradicts."""

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
class Rows:
    """What one fit is made of."""

    answers: Array  # (n_rows, n_candidates), without NaN
    targets: Array  # (n_rows, n_outputs)
    weight: Array  # (n_rows,)
    loss: Loss
    signs: Array  # (n_candidates, n_outputs): 1, -1, or 0 where any sign will do
    C: float

    def of(self, rows: NDArray[np.intp]) -> Rows:
        return replace(self, answers=self.answers[rows], targets=self.targets[rows], weight=self.weight[rows])


def refit(
    values: ArrayLike,
    y: ArrayLike,
    columns: ArrayLike,
    *,
    loss: Loss,
    C: float = WEAK,
    weight: ArrayLike | None = None,
    signs: ArrayLike | None = None,
) -> Weighed:
    """Weigh the chosen questions: a ridge, or with ``C=inf`` plain maximum likelihood.

    Parameters
    ----------
    values, y, loss, weight, signs
        As for :func:`interpllm.select.path.sparse_path`.
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
    rows, classes = rows_of(values, y, loss, weight, signs)
    chosen = np.asarray(columns, dtype=np.intp)
    intercept, table = fit_rows(replace(rows, C=C), chosen, EXACT)
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


def rows_of(
    values: ArrayLike, y: ArrayLike, loss: Loss, weight: ArrayLike | None, signs: ArrayLike | None
) -> tuple[Rows, NDArray[Any] | None]:
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
    return Rows(filled, targets, weights, loss, wanted, WEAK), classes


def fit_rows(rows: Rows, columns: Columns, tolerance: float) -> tuple[Array, Array]:
    """Intercept (n_outputs,) and weights (n_columns, n_outputs) with the lowest penalised loss."""
    _, intercept, table = lowest_loss(rows, columns, tolerance)
    return intercept, table


def lowest_loss(
    rows: Rows, columns: Columns, tolerance: float, start: Array | None = None
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
