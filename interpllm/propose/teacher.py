"""A teacher for the table: a linear probe on an LLM's states of whole texts, cross-fitted.

The probe reads what a sum of n-grams cannot (word order, negation far away). Its probabilities of a row come
from a probe that was fitted on other rows, so that a student who learns from them is not handed the row's
label a second time. Singh et al. 2023 fit on labels alone; the teacher is knowledge distillation
(Hinton et al. 2015).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold

Array = NDArray[np.float64]
STRENGTHS = (1e-4, 1e-3, 1e-2)
PARTS = 4


class Probe:
    """Cross-fitted linear probe.

    Parameters
    ----------
    states : array (n_rows, n_dims)
        The LLM's state of each text.
    y : array (n_rows,)
        Positions of classes, or values.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
        Rows of one group are near-duplicates and never teach about each other.
    n_classes : int
        0 for regression.
    """

    def __init__(
        self, states: NDArray[np.float32], y: NDArray[np.generic], weight: Array, groups: NDArray[np.intp], n_classes: int
    ) -> None:
        self.states, self.y, self.weight, self.groups = states, y, weight, groups
        self.n_classes = n_classes
        self._strength: float | None = None

    def soft(self, rows: NDArray[np.intp]) -> Array:
        """Probabilities (n_rows, n_outputs) of rows, each from a probe fitted on others of them.

        One output is the probability of the second class; regression: the predicted value. The penalty's
        strength is chosen by the loss of these very predictions the first time, and kept.
        """
        candidates = STRENGTHS if self._strength is None else (self._strength,)
        predicted = {C: self._cross_fitted(rows, C) for C in candidates}
        self._strength = min(predicted, key=lambda C: self._loss(rows, predicted[C]))
        soft = predicted[self._strength]
        return soft[:, 1:] if self.n_classes == 2 else soft

    def _cross_fitted(self, rows: NDArray[np.intp], C: float) -> Array:
        outputs = max(self.n_classes, 1)
        soft = np.empty((len(rows), outputs))
        groups = self.groups[rows]
        parts = min(PARTS, len(np.unique(groups)))
        prior = self._prior(rows)
        if parts < 2:
            return np.tile(prior, (len(rows), 1))
        for train, judge in GroupKFold(parts).split(rows, groups=groups):
            soft[judge] = self._predict(rows[train], rows[judge], C, prior)
        return soft

    def _predict(self, train: NDArray[np.intp], judge: NDArray[np.intp], C: float, prior: Array) -> Array:
        center = self.states[train].mean(axis=0)
        spread = self.states[train].std(axis=0) + 1e-6
        seen, new = (self.states[train] - center) / spread, (self.states[judge] - center) / spread
        y, weight = self.y[train], self.weight[train]
        if not self.n_classes:
            return Ridge(alpha=1 / (2 * C)).fit(seen, y, sample_weight=weight).predict(new)[:, None]
        present = np.unique(y)
        if len(present) < 2:
            return np.tile(prior, (len(judge), 1))
        model = LogisticRegression(C=C, max_iter=300, tol=1e-3).fit(seen, y, sample_weight=weight)
        soft = np.zeros((len(judge), self.n_classes))
        soft[:, present.astype(int)] = model.predict_proba(new)
        return soft

    def _prior(self, rows: NDArray[np.intp]) -> Array:
        weight = self.weight[rows]
        if not self.n_classes:
            return np.array([weight @ self.y[rows] / weight.sum()])
        counts = np.bincount(self.y[rows].astype(int), weights=weight, minlength=self.n_classes)
        return counts / counts.sum()

    def _loss(self, rows: NDArray[np.intp], soft: Array) -> float:
        weight = self.weight[rows]
        if not self.n_classes:
            return float(weight @ (soft[:, 0] - self.y[rows]) ** 2)
        right = soft[np.arange(len(rows)), self.y[rows].astype(int)]
        return float(-weight @ np.log(np.clip(right, 1e-12, None)))
