"""What share of a label's variance models explain, on rows that they did not learn from.

The measure is one less the deviance of the model over that of the label's own shares, or mean: McFadden's
R squared (1974) for classes, the usual R squared for values (Cameron and Windmeijer 1997 have both as one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold

from interpllm.select.inference import Estimate
from interpllm.select.sparse import Array

LEAST = 1e-6
"""A class is never given a smaller probability: one row would outweigh all others."""

BATCH = 100


def deviances(predicted: ArrayLike, y: ArrayLike, classes: Sequence[Any] | None) -> Array:
    """What each row adds to the deviance of a model.

    Parameters
    ----------
    predicted : array-like (n_rows, n_classes) or (n_rows,)
        Probabilities in the order of `classes`, or values.
    y : array-like (n_rows,)
    classes : sequence or None
        None for values.

    Returns
    -------
    array (n_rows,)
    """
    given = np.asarray(predicted, dtype=np.float64)
    if classes is None:
        return np.asarray((np.asarray(y, dtype=np.float64) - given) ** 2)
    inside = np.asarray(y)[:, None] == np.asarray(classes)
    return np.asarray(-2 * np.log(np.clip(given, LEAST, 1.0)[inside]))


class Explained:
    """Shares of the deviance that several models explain of the same rows, with bootstrap intervals.

    Parameters
    ----------
    of_models : array-like (n_models, n_rows)
        Their :func:`deviances`.
    y : array-like (n_rows,)
    classes : sequence or None
    n_resamples : int
    confidence : float
    random_state : int
    """

    def __init__(
        self,
        of_models: ArrayLike,
        y: ArrayLike,
        classes: Sequence[Any] | None,
        n_resamples: int = 2000,
        confidence: float = 0.95,
        random_state: int = 0,
    ) -> None:
        models = np.asarray(of_models, dtype=np.float64)
        labels = np.asarray(y)
        n = models.shape[1]
        self._confidence = confidence
        random = np.random.default_rng(random_state)
        self.values = _shares(np.ones((1, n)), models, labels, classes)[:, 0]
        counts = (
            random.multinomial(n, np.full(n, 1 / n), size=min(BATCH, n_resamples - start)).astype(float)
            for start in range(0, n_resamples, BATCH)
        )
        self._draws = np.hstack([_shares(drawn, models, labels, classes) for drawn in counts])

    def share(self, model: int) -> Estimate:
        """What a model explains; 1 is all, below 0 is worse than the label's own shares or mean."""
        return self._estimate(self.values[model], self._draws[model])

    def gain(self, model: int, over: int) -> Estimate:
        """How much more one model explains than another, from the same draws of rows."""
        return self._estimate(self.values[model] - self.values[over], self._draws[model] - self._draws[over])

    def _estimate(self, value: float, draws: Array) -> Estimate:
        tail = (1 - self._confidence) / 2
        # A draw of rows with one label has nothing to explain.
        there = draws[np.isfinite(draws)]
        if not len(there):
            return Estimate(float(value), float("nan"), float("nan"))
        low, high = np.quantile(there, [tail, 1 - tail])
        return Estimate(float(value), float(low), float(high))


def _shares(counts: Array, models: Array, y: NDArray[Any], classes: Sequence[Any] | None) -> Array:
    """Share of each model for each draw of rows, (n_models, n_draws)."""
    n = counts.sum(axis=1)
    if classes is None:
        values = y.astype(np.float64) - y.astype(np.float64).mean()
        null = counts @ values**2 - (counts @ values) ** 2 / n
    else:
        found = counts @ (y[:, None] == np.asarray(classes)).astype(np.float64)
        null = -2 * (found * np.log(np.where(found > 0, found, 1.0) / n[:, None])).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - models @ counts.T / np.where(null > 1e-12, null, np.nan))


def tfidf_predictions(
    seen: Sequence[str],
    y: ArrayLike,
    new: Sequence[str],
    classes: Sequence[Any] | None,
    random_state: int = 0,
) -> Array:
    """What a ridge on TF-IDF of one and two words says of new texts; its strength is cross-validated.

    Parameters
    ----------
    seen : sequence of str (n_seen,)
    y : array-like (n_seen,)
    new : sequence of str (n_new,)
    classes : sequence or None
    random_state : int
        Of the folds.

    Returns
    -------
    array (n_new, n_classes) or (n_new,)
        Probabilities in the order of `classes`, or values.
    """
    labels = np.asarray(y)
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    learned, told = words.fit_transform(seen), words.transform(new)
    if classes is None:
        folds = KFold(min(5, len(labels)), shuffle=True, random_state=random_state)
        search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=folds)
        return np.asarray(search.fit(learned, labels).predict(told))
    rarest = min(int((labels == label).sum()) for label in classes)
    search = GridSearchCV(
        LogisticRegression(max_iter=5000),
        {"C": [0.1, 1.0, 10.0, 100.0]},
        scoring="neg_log_loss",
        cv=StratifiedKFold(min(5, rarest), shuffle=True, random_state=random_state),
    )
    fitted = search.fit(learned, labels)
    order = [fitted.classes_.tolist().index(label) for label in classes]
    return np.asarray(fitted.predict_proba(told)[:, order])
