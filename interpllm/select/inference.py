"""Intervals, nulls and corrections for figures that are told of rows which nothing was chosen on.

Established procedures, by scipy, scikit-learn and statsmodels; here they get one form, and their names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, permutation_test, rankdata

Array = NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure and its interval.

    Attributes
    ----------
    value : float
        NaN where rows do not give it.
    low, high : float
        NaN where rows do not give an interval.
    """

    value: float
    low: float
    high: float


NONE = Estimate(float("nan"), float("nan"), float("nan"))


def share(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """A share, with Wilson's interval (1927).

    Parameters
    ----------
    successes, n : int
    confidence : float
    """
    if not n:
        return NONE
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(successes, n, alpha=1 - confidence, method="wilson")
    return Estimate(successes / n, float(low), float(high))


def difference_of_shares(a: tuple[int, int], b: tuple[int, int], confidence: float = 0.95) -> Estimate:
    """Share of the first less that of the second, with Newcombe's interval (1998, method 10).

    Parameters
    ----------
    a, b : (int, int)
        Successes, and how many there are.
    confidence : float
    """
    if not a[1] or not b[1]:
        return NONE
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(*a, *b, compare="diff", method="newcomb", alpha=1 - confidence)
    return Estimate(a[0] / a[1] - b[0] / b[1], float(low), float(high))


def auroc(a: ArrayLike, b: ArrayLike, confidence: float = 0.95, random_state: int = 0) -> Estimate:
    """Chance that a value of the first is above one of the second, ties counted half; bootstrap interval.

    The area under the curve of the receiver operating characteristic (Hanley and McNeil 1982).

    Parameters
    ----------
    a, b : array-like
    confidence : float
    random_state : int
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(first) or not len(second):
        return NONE

    def area(x: Array, y: Array, axis: int = -1) -> Any:
        n, m = x.shape[axis], y.shape[axis]
        ranks = rankdata(np.concatenate([x, y], axis=axis), axis=axis)
        return (np.take(ranks, range(n), axis=axis).sum(axis=axis) - n * (n + 1) / 2) / (n * m)

    return _bootstrapped((first, second), area, confidence, random_state)


def mean(values: ArrayLike, confidence: float = 0.95, random_state: int = 0) -> Estimate:
    """A mean, with a percentile bootstrap interval.

    Parameters
    ----------
    values : array-like (n,)
    confidence : float
    random_state : int
    """
    found = np.asarray(values, dtype=float)
    return _bootstrapped((found,), np.mean, confidence, random_state) if len(found) else NONE


def _bootstrapped(
    samples: tuple[Array, ...], statistic: Callable[..., Any], confidence: float, random_state: int
) -> Estimate:
    value = float(statistic(*samples))
    if min(map(len, samples)) < 2:
        return Estimate(value, float("nan"), float("nan"))
    found = bootstrap(
        samples,
        statistic,
        n_resamples=2000,
        vectorized=True,
        confidence_level=confidence,
        method="percentile",
        random_state=np.random.default_rng(random_state),
    ).confidence_interval
    return Estimate(value, float(found.low), float(found.high))


def permutation_p(a: ArrayLike, b: ArrayLike, n_resamples: int = 9999, random_state: int = 0) -> float:
    """p of a difference of means, either way, when it does not matter which values belong to which sample.

    Parameters
    ----------
    a, b : array-like
    n_resamples : int
    random_state : int

    Returns
    -------
    float
        NaN where a sample is empty; 1 where all values are one.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(first) or not len(second):
        return float("nan")
    if np.ptp(np.concatenate([first, second])) == 0:
        return 1.0

    def difference(x: Array, y: Array, axis: int = -1) -> Any:
        return np.mean(x, axis=axis) - np.mean(y, axis=axis)

    return float(
        permutation_test(
            (first, second),
            difference,
            vectorized=True,
            n_resamples=n_resamples,
            batch=500,
            random_state=np.random.default_rng(random_state),
        ).pvalue
    )


def holm(p_values: ArrayLike) -> Array:
    """p adjusted so that the chance of a single false find among all stays below the level (Holm 1979).

    Parameters
    ----------
    p_values : array-like (n,)
        NaN, where there was nothing to test, counts as 1.

    Returns
    -------
    array (n,)
    """
    p = np.nan_to_num(np.asarray(p_values, dtype=float), nan=1.0)
    if not len(p):
        return p
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p, method="holm")[1])
