"""Figures with intervals for claims about a population; shares by Wilson and Newcombe, means by Welch's t.

Deterministic: nothing is resampled, so that a claim is judged alike whenever it is checked.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from interpllm.audit.verdicts import Found
from interpllm.audit.where import Uncheckable
from interpllm.select import inference

Array = NDArray[np.float64]

MIN_ROWS = 5
"""Fewer rows of a group carry no claim about a population."""

_TWO = 2.0


def mean(values: Array, null: float, confidence: float = 0.95) -> Found:
    """A mean, or the share of ones among values of 0 and 1.

    Parameters
    ----------
    values : array (n,)
    null : float
        What the p-value compares it with.
    confidence : float
    """
    _enough(len(values))
    if _binary(values):
        k, n = int(values.sum()), len(values)
        found = inference.share(k, n, confidence)
        p = float(stats.binomtest(k, n, null).pvalue) if 0 <= null <= 1 else 0.0
        return Found(*found, p, n)
    se = float(values.std(ddof=1)) / math.sqrt(len(values))
    return _by_t(float(values.mean()), se, len(values) - 1, null, confidence, len(values))


def difference(a: Array, b: Array, null: float, confidence: float = 0.95) -> Found:
    """Mean of the first less mean of the second: Welch (1947); of values of 0 and 1: Newcombe (1998).

    Parameters
    ----------
    a, b : array
    null : float
        What the p-value, Welch's or Fisher's, compares it with; Fisher's is of 0 alone.
    confidence : float
    """
    _enough(min(len(a), len(b)))
    n = len(a) + len(b)
    if _binary(a) and _binary(b):
        first, second = (int(a.sum()), len(a)), (int(b.sum()), len(b))
        found = inference.difference_of_shares(first, second, confidence)
        table = [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]
        p = float(stats.fisher_exact(table)[1]) if null == 0 else None
        return Found(*found, p, n)
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1)) if va + vb else 0.0
    return _by_t(float(a.mean() - b.mean()), math.sqrt(va + vb), df, null, confidence, n)


def difference_of_counts(a: int, b: int, n: int, confidence: float = 0.95) -> Found:
    """How much larger a share of all rows the first of two groups is than the second.

    Both are shares of one sample, so that their difference has the variance of a multinomial's. The p-value
    is the binomial one of either group being as likely (the sign test).
    """
    _enough(n)
    lead = (a - b) / n
    reach = float(stats.norm.ppf((1 + confidence) / _TWO)) * math.sqrt(((a + b) / n - lead**2) / n)
    p = float(stats.binomtest(a, a + b).pvalue) if a + b else 1.0
    return Found(lead, lead - reach, lead + reach, p, n)


def median(values: Array, null: float) -> Found:
    """A median, with the interval of the order statistics (the sign test's; Conover 1999, 3.2)."""
    _enough(len(values))
    tested = stats.quantile_test(values, q=null, p=0.5)
    interval = tested.confidence_interval(0.95)
    p = min(1.0, float(tested.pvalue))
    return Found(float(np.median(values)), float(interval.low), float(interval.high), p, len(values))


def correlation(x: Array, y: Array) -> Found:
    """Pearson's correlation, with Fisher's interval."""
    _enough(len(x))
    _vary(x, y)
    found = stats.pearsonr(x, y)
    interval = found.confidence_interval(0.95)
    return Found(
        float(found.statistic), float(interval.low), float(interval.high), float(found.pvalue), len(x)
    )


def rank_correlation(x: Array, y: Array) -> Found:
    """Spearman's correlation, with the interval of Bonett and Wright (2000)."""
    _enough(len(x))
    _vary(x, y)
    found = stats.spearmanr(x, y)
    rho, n = float(found.statistic), len(x)
    if abs(rho) > 1 - 1e-12:
        return Found(rho, rho, rho, 0.0, n)
    reach = 1.959964 * math.sqrt((1 + rho**2 / 2) / (n - 3))
    centre = math.atanh(rho)
    return Found(rho, math.tanh(centre - reach), math.tanh(centre + reach), float(found.pvalue), n)


def _by_t(value: float, se: float, df: float, null: float, confidence: float, n: int) -> Found:
    if not se:
        raise Uncheckable("the values do not vary, so there is no interval")
    reach = float(stats.t.ppf((1 + confidence) / _TWO, df)) * se
    p = float(2 * stats.t.sf(abs(value - null) / se, df))
    return Found(value, value - reach, value + reach, p, n)


def _enough(n: int) -> None:
    if n < MIN_ROWS:
        raise Uncheckable(
            f"too few rows: {n}, where a claim about a population needs {MIN_ROWS} in each group"
        )


def _vary(*columns: Array) -> None:
    if any(np.ptp(column) == 0 for column in columns):
        raise Uncheckable("a column does not vary, so there is no correlation")


def _binary(values: Array) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())
