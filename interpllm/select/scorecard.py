"""Weights as small whole points that can be added up on paper.

Points are the weights times a factor, rounded; the factor is looked for where the loss of the rounded card is
lowest, as Ustun and Rudin (RiskSLIM, JMLR 2019) and Liu et al. (FasterRisk, NeurIPS 2022) advise against one
fixed in advance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from interpllm.errors import InputError
from interpllm.select.sparse import Array, loss_of, probabilities
from interpllm.select.weighing import Weighed, residuals, targets_of

MAX_POINTS = 5
FACTORS = 60
"""Factors that are tried between all weights rounded to nothing and the largest at the limit."""


@dataclass(frozen=True)
class Scorecard:
    """Whole points a question, and how a sum of points is read.

    Parameters
    ----------
    columns : array of int (n_questions,)
        Columns of the answers.
    points : array of int (n_questions, n_outputs)
        A yes adds them; a half-hearted answer adds as large a share of them.
    scale : float
        What one point adds to a score.
    model : Weighed
        The card as weights: ``points * scale``, with the intercept that goes with them.
    auc : float
        Area under the ROC curve of the card on the given rows; several classes: the mean of each
        against the rest. NaN for values.
    auc_before : float
        The same of the weights that it was made from.
    loss, loss_before : float
        Mean loss on the given rows, of the card and of the weights.
    """

    columns: NDArray[np.intp]
    points: NDArray[np.int64]
    scale: float
    model: Weighed
    auc: float
    auc_before: float
    loss: float
    loss_before: float


def scorecard(weighed: Weighed, values: ArrayLike, y: ArrayLike, max_points: int = MAX_POINTS) -> Scorecard:
    """Round weights to points of at most `max_points`, in the way that costs the least.

    Parameters
    ----------
    weighed : Weighed
        From :func:`interpllm.select.path.refit`.
    values : array-like (n_rows, n_candidates)
        Answers of the rows that the weights were fitted on.
    y : array-like (n_rows,)
        Their labels or values. All classes must be among them.
    max_points : int
        Largest absolute number of points.

    Returns
    -------
    Scorecard

    Raises
    ------
    InputError
        If no point is allowed, no question has a weight, or labels are not those of the weights.
    """
    if max_points < 1:
        raise InputError(f"max_points must be at least 1, not {max_points}.")
    targets, classes = targets_of(y, weighed.loss)
    if classes is not None and classes.tolist() != np.asarray(weighed.classes).tolist():
        raise InputError(
            f"The weights tell {weighed.classes} apart, but the labels are {classes}: "
            "give rows of all classes."
        )
    answers = np.asarray(values, dtype=np.float64)
    # What all classes share moves no decision, and would eat up points.
    weights = weighed.weights
    if weights.shape[1] > 1:
        weights = weights - weights.mean(axis=1, keepdims=True)
    largest = float(np.abs(weights).max(initial=0.0))
    if not largest:
        raise InputError("No question has a weight, so there is nothing to give points for.")
    best: tuple[float, Weighed, NDArray[np.int64], float] | None = None
    tried: set[bytes] = set()
    for factor in np.linspace(0.5, max_points, FACTORS) / largest:
        points = np.rint(weights * factor).astype(np.int64)
        if points.tobytes() in tried or not points.any():
            continue
        tried.add(points.tobytes())
        card, scale = _read(replace(weighed, weights=points.astype(np.float64)), answers, targets, 1 / factor)
        loss = float(loss_of(card.scores(answers), targets, weighed.loss).mean())
        # Larger points must earn their place.
        if best is None or loss < best[0] * (1 - 1e-3):
            best = loss, card, points, scale
    assert best is not None, "the largest weight times the largest factor is max_points"
    loss, card, points, scale = best
    before = loss_of(weighed.scores(answers), targets, weighed.loss).mean()
    return Scorecard(
        weighed.columns,
        points,
        scale,
        card,
        _auc(card.scores(answers), targets, weighed),
        _auc(weighed.scores(answers), targets, weighed),
        loss,
        float(before),
    )


def _read(card: Weighed, answers: Array, targets: Array, scale: float) -> tuple[Weighed, float]:
    """The intercept and the size of a point that make sums of points fit best."""
    sums = replace(card, intercept=np.zeros_like(card.intercept)).scores(answers)

    def objective(theta: Array) -> tuple[float, Array]:
        scores = theta[:-1] + theta[-1] * sums
        away = residuals(scores, targets, card.loss)
        # A touch of a penalty keeps the size finite where points tell all rows apart.
        value = loss_of(scores, targets, card.loss).mean() + 1e-4 * theta[-1] ** 2
        slope = -np.append(away.mean(axis=0), (away * sums).sum(axis=1).mean())
        slope[-1] += 2e-4 * theta[-1]
        return float(value), slope

    start = np.append(card.intercept, scale)
    bounds = [(None, None)] * len(card.intercept) + [(1e-6, None)]
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return replace(card, intercept=found[:-1], weights=card.weights * found[-1]), float(found[-1])


def _auc(scores: Array, targets: Array, weighed: Weighed) -> float:
    if weighed.loss == "squared":
        return float("nan")
    return float(roc_auc_score(targets, scores if scores.shape[1] == 1 else probabilities(scores)))
