"""Which features of several models are the same, by their values on common rows, and how stable sets are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

from interpllm.audit.subject import Array
from interpllm.errors import InputError
from interpllm.select.inference import Estimate


def correlations(one: ArrayLike, other: ArrayLike) -> Array:
    """Correlate the columns of two tables over their common rows.

    Parameters
    ----------
    one : array-like (n_rows, n)
    other : array-like (n_rows, m)

    Returns
    -------
    array (n, m)
        0 for a column that is the same on all rows; missing values count as the column's mean.
    """
    first, second = (_standard(np.asarray(table, dtype=float)) for table in (one, other))
    return np.asarray(first.T @ second / max(1, len(first)))


def _standard(table: Array) -> Array:
    known = np.isfinite(table)
    n = np.maximum(known.sum(axis=0), 1)
    center = np.where(known, table, 0.0).sum(axis=0) / n
    about = np.where(known, table - center, 0.0)
    spread = np.sqrt((about**2).mean(axis=0))
    # Rounding leaves a constant column a spread that is not quite nothing.
    flat = spread <= 1e-12 * np.maximum(1.0, np.abs(center))
    return np.where(flat, 0.0, about / np.where(flat, 1.0, spread))


def matched(one: ArrayLike, other: ArrayLike, threshold: float) -> list[tuple[int, int, float]]:
    """Pair the columns of two tables one to one, so that their correlations sum to the most.

    Parameters
    ----------
    one : array-like (n_rows, n)
    other : array-like (n_rows, m)
    threshold : float
        Pairs below it are none; the sign does not matter, as a question and its opposite tell the same.

    Returns
    -------
    list of (int, int, float)
        Column of the first, of the second, and their correlation.

    References
    ----------
    Kuhn: The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 1955.
    """
    found = correlations(one, other)
    pairs = zip(*linear_sum_assignment(np.abs(found), maximize=True), strict=True)
    return [(int(a), int(b), float(found[a, b])) for a, b in pairs if abs(found[a, b]) >= threshold]


def identities(tables: Sequence[Array], threshold: float) -> list[list[int]]:
    """Number the features of several models, the same ones alike.

    Parameters
    ----------
    tables : sequence of array (n_rows, n_features of the model)
        Values on common rows.
    threshold : float
        Correlation, of either sign, from which on two features are one.

    Returns
    -------
    list of list of int
        A number a feature, model by model; each model is matched with all features before it, of which the
        first of its kind stands for the others.
    """
    known: Array | None = None
    numbers: list[list[int]] = []
    for table in tables:
        if known is None:
            numbers.append(list(range(table.shape[1])))
            known = table
            continue
        same = {own: number for number, own, _ in matched(known, table, threshold)}
        fresh = [own for own in range(table.shape[1]) if own not in same]
        same |= {own: known.shape[1] + place for place, own in enumerate(fresh)}
        known = np.hstack([known, table[:, fresh]])
        numbers.append([same[own] for own in range(table.shape[1])])
    return numbers


def nogueira(chosen: ArrayLike, n_candidates: int | None = None, confidence: float = 0.95) -> Estimate:
    """How stable a choice of features is, with the interval of its estimator.

    Parameters
    ----------
    chosen : array-like of bool (n_choices, n_features)
        Whether each choice took each feature.
    n_candidates : int, optional
        Features that could have been chosen, where not all of them have a column.
    confidence : float

    Returns
    -------
    Estimate
        1 where every choice is the same, 0 on average where each takes so many at random; it can be below.
        NaN where nothing, or everything, is always taken.

    Raises
    ------
    InputError
        If there are fewer than two choices, or fewer candidates than columns.

    References
    ----------
    Nogueira, Sechidis, Brown: On the stability of feature selection algorithms. JMLR 2018, Theorems 4 and 7.
    """
    table: NDArray[np.float64] = np.asarray(chosen, dtype=float)
    m, columns = table.shape
    d = columns if n_candidates is None else n_candidates
    if m < 2 or d < columns:
        raise InputError(
            f"{m} choices of {columns} features among {d}: give two at least, of all candidates."
        )
    sizes = table.sum(axis=1)
    mean_size = sizes.mean()
    by_chance = mean_size / d * (1 - mean_size / d) if d else 0.0
    if by_chance <= 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    shares = table.mean(axis=0)
    value = 1 - (m / (m - 1) * shares * (1 - shares)).sum() / d / by_chance
    each = (
        table @ shares / d
        - sizes * mean_size / d**2
        + value / 2 * (2 * mean_size * sizes / d**2 - sizes / d - mean_size / d + 1)
    ) / by_chance
    variance = 4 / m**2 * ((each - each.mean()) ** 2).sum()
    reach = NormalDist().inv_cdf((1 + confidence) / 2) * np.sqrt(variance)
    return Estimate(float(value), float(value - reach), float(value + reach))
