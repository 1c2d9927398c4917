"""The smallest estimators of texts that keep every promise: counts of words, and a ridge on words."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator

from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin, TrainingRows
from interpllm.runtime import LinearModel
from interpllm.runtime.tokens import ngrams


def _table(rows: TrainingRows) -> tuple[list[str], np.ndarray, dict[str, Any]]:
    bags = [ngrams(text, 1, 1) for text in rows.texts]
    vocabulary = sorted({word for bag in bags for word in bag})
    matrix = np.array([[word in bag for word in vocabulary] for bag in bags], dtype=float)
    return vocabulary, matrix, {"ngram_range": (1, 1), "n_rows": len(bags), "target": rows.target}


def _evidence(
    vocabulary: list[str], matrix: np.ndarray, values: np.ndarray, index: np.ndarray
) -> dict[str, Any]:
    """Support, mean of one column of values per word, and the first row that has it."""
    has = matrix > 0
    return {
        word: (int(has[:, j].sum()), float(values[has[:, j], j].mean()), (int(index[has[:, j].argmax()]),))
        for j, word in enumerate(vocabulary)
    }


class ToyClassifier(TextClassifierMixin, BaseEstimator):
    """Log-odds of smoothed word counts."""

    def __init__(self, smooth: float = 1.0, *, class_weight: Any = None, random_state: Any = None) -> None:
        self.smooth = smooth
        self.class_weight = class_weight
        self.random_state = random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        rows = self._check_fit(X, y, sample_weight)
        vocabulary, matrix, known = _table(rows)
        weight = np.ones(len(rows.y)) if rows.sample_weight is None else rows.sample_weight
        member = (rows.y[:, None] == np.arange(len(self.classes_))) * weight[:, None]
        prior = member.sum(axis=0) * [(self.class_weight or {}).get(c, 1.0) for c in self.classes_.tolist()]
        share = (
            np.log(member.T @ matrix + self.smooth) - np.log(member.sum(axis=0) + 2 * self.smooth)[:, None]
        )
        scores, bias = (share - share.mean(axis=0)).T, np.log(prior)
        if len(self.classes_) == 2:
            scores, bias = scores[:, [1]] - scores[:, [0]], bias[[1]] - bias[[0]]
            spoken_for = (scores[:, 0] > 0).astype(int)
        else:
            spoken_for = scores.argmax(axis=1)
        right = rows.y[:, None] == spoken_for[None, :]
        self.model_ = LinearModel(
            task="classification",
            classes=tuple(self.classes_.tolist()),
            intercept=tuple(bias.tolist()),
            weights=dict(zip(vocabulary, map(tuple, scores.tolist()), strict=True)),
            evidence=_evidence(vocabulary, matrix, right, rows.positions),
            base=tuple((np.bincount(rows.y, minlength=len(self.classes_)) / len(rows.y)).tolist()),
            **known,
        )
        return self


class ToyRegressor(TextRegressorMixin, BaseEstimator):
    """Ridge on word indicators."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        rows = self._check_fit(X, y, sample_weight)
        vocabulary, matrix, known = _table(rows)
        weight = np.ones(len(rows.y)) if rows.sample_weight is None else rows.sample_weight
        mean = float(np.average(rows.y, weights=weight))
        gram = (matrix.T * weight) @ matrix + self.alpha * np.eye(len(vocabulary))
        solved = np.linalg.solve(gram, (matrix.T * weight) @ (rows.y - mean))
        values = np.repeat(rows.y[:, None], len(vocabulary), axis=1)
        self.model_ = LinearModel(
            task="regression",
            intercept=(mean,),
            weights={word: (value,) for word, value in zip(vocabulary, solved.tolist(), strict=True)},
            evidence=_evidence(vocabulary, matrix, values, rows.positions),
            **known,
        )
        return self
