"""Intervals, nulls and corrections for figures that are told of rows which nothing was chosen on.

Established procedures, by scipy, scikit-learn and statsmodels; here they get one form, and their names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot, sqrt
from typing import Any, Literal, NamedTuple

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

    return _bootstrapped((first, second), _area, confidence, random_state)


def area(a: ArrayLike, b: ArrayLike) -> float:
    """The value of `auroc` by itself; NaN where a sample is empty.

    Parameters
    ----------
    a, b : array-like
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return float(_area(first, second)) if len(first) and len(second) else float("nan")


def area_p(a: ArrayLike, b: ArrayLike, n_resamples: int = 9999, random_state: int = 0) -> float:
    """p of an area above one half (Mann and Whitney 1947), when it does not matter which values belong where.

    Parameters
    ----------
    a, b : array-like
    n_resamples : int
    random_state : int

    Returns
    -------
    float
        NaN where a sample is empty.
    """
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if not len(first) or not len(second):
        return float("nan")
    return float(
        permutation_test(
            (first, second),
            _area,
            vectorized=True,
            n_resamples=n_resamples,
            batch=500,
            alternative="greater",
            random_state=np.random.default_rng(random_state),
        ).pvalue
    )


def _area(x: Array, y: Array, axis: int = -1) -> Any:
    n, m = x.shape[axis], y.shape[axis]
    ranks = rankdata(np.concatenate([x, y], axis=axis), axis=axis)
    return (np.take(ranks, range(n), axis=axis).sum(axis=axis) - n * (n + 1) / 2) / (n * m)


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


def paired_p(
    differences: ArrayLike,
    alternative: Literal["two-sided", "greater"] = "two-sided",
    n_resamples: int = 9999,
    random_state: int = 0,
) -> float:
    """p of a mean difference of pairs, when it does not matter which of a pair is which (Fisher 1935).

    Parameters
    ----------
    differences : array-like (n_pairs,)
    alternative : {"two-sided", "greater"}
        Whether a mean below 0 counts against chance, too.
    n_resamples : int
        Times that signs are flipped, where there are not fewer ways to flip them.
    random_state : int

    Returns
    -------
    float
        NaN without pairs; 1 where no pair differs.
    """
    found = np.asarray(differences, dtype=float)
    if not found.any():
        return 1.0 if len(found) else float("nan")
    return float(
        permutation_test(
            (found,),
            np.mean,
            permutation_type="samples",
            vectorized=True,
            n_resamples=n_resamples,
            alternative=alternative,
            random_state=np.random.default_rng(random_state),
        ).pvalue
    )


def mean_of(estimates: Sequence[Estimate]) -> Estimate:
    """The mean of independent figures, its interval put together from theirs (Zou and Donner 2008).

    Parameters
    ----------
    estimates : sequence of Estimate
    """
    if not estimates:
        return NONE
    n, value = len(estimates), sum(one.value for one in estimates) / len(estimates)
    below = sqrt(sum((one.value - one.low) ** 2 for one in estimates)) / n
    above = sqrt(sum((one.high - one.value) ** 2 for one in estimates)) / n
    return Estimate(value, value - below, value + above)


def difference_of(a: Estimate, b: Estimate) -> Estimate:
    """The first of two independent figures less the second, the interval as of `mean_of`.

    Parameters
    ----------
    a, b : Estimate
    """
    value = a.value - b.value
    return Estimate(
        value,
        value - hypot(a.value - a.low, b.high - b.value),
        value + hypot(a.high - a.value, b.value - b.low),
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
