"""What a model keeps of its training rows, and what follows from that about each of its rules.

Of each n-gram and question a model keeps a few counts; recall, lift and intervals are worked out of them
when they are asked for, so that files stay small.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import Any, NamedTuple

#: Of a two-sided interval at 95 %.
_Z = NormalDist().inv_cdf(0.975)

#: Who a question's `source` is to the reader of a rule.
PROPOSER = {"user": "person"}


class Evidence(NamedTuple):
    """What the training rows say about a phrase or a question.

    Attributes
    ----------
    support : int
        Number of training rows that have the phrase, or of which the answer is above 1/2.
    precision : float or None
        Share of those rows that are of the class it speaks for; regression: the mean of their targets.
    examples : tuple of int
        Positions of some of those rows in the data that was given to fit, counted from 0.
    interval : (float, float) or None
        Regression: of the mean, within 95 %, by Student's t; None for classification, where it follows from
        the rest.
    """

    support: int
    precision: float | None
    examples: tuple[int, ...] = ()
    interval: tuple[float, float] | None = None


#: What is said of a phrase or a question that no training row has.
UNSEEN = Evidence(0, None)


class RuleEvidence(NamedTuple):
    """What the rows that a rule was measured on say about it.

    Attributes
    ----------
    support : int
        Number of rows that it holds for.
    precision : float or None
        Share of those rows that are of the class it speaks for; regression: the mean of their targets.
    recall : float or None
        Share of the rows of that class that it holds for; None for regression.
    lift : float or None
        Precision over the share of that class among all rows; None for regression.
    low, high : float or None
        Of the precision, within 95 %: Wilson's interval; regression: the mean's, by Student's t.
    source : {"llm", "bank", "person", "data"}
        Who proposed the rule.
    examples : tuple of int
        Positions of some of those rows in the data that was given to fit, counted from 0.
    """

    support: int
    precision: float | None
    recall: float | None = None
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = "data"
    examples: tuple[int, ...] = ()

    @property
    def rest(self) -> tuple[Any, ...]:
        """All but the support, in the order in which a `Rule` has it."""
        return self[1:]


def of_class(entry: Evidence, base: float | None, n_rows: int, source: str) -> RuleEvidence:
    """Work out what follows for a rule that speaks for a class.

    Parameters
    ----------
    entry : Evidence
    base : float or None
        Share of the class among the training rows; None where it is not known.
    n_rows : int
        Number of training rows.
    source : str
        Who proposed the rule.

    Returns
    -------
    RuleEvidence
    """
    support, precision, examples, _ = entry
    if precision is None or not support:
        return RuleEvidence(support, precision, source=source, examples=examples)
    recall = min(support * precision / (n_rows * base), 1.0) if base and n_rows else None
    lift = precision / base if base else None
    return RuleEvidence(
        support, precision, recall, lift, *wilson(precision, support), source=source, examples=examples
    )


def of_mean(entry: Evidence, source: str) -> RuleEvidence:
    """Say the same of a regression, where only the mean has an interval."""
    low, high = entry.interval or (None, None)
    support, precision, examples, _ = entry
    return RuleEvidence(support, precision, low=low, high=high, source=source, examples=examples)


def wilson(share: float, n: int) -> tuple[float, float]:
    """Give the interval of a share within 95 % (Wilson 1927).

    Parameters
    ----------
    share : float
        From 0 to 1.
    n : int
        What it is a share of, above 0.

    Returns
    -------
    low, high : float
    """
    scale = 1.0 + _Z * _Z / n
    middle = (share + _Z * _Z / (2.0 * n)) / scale
    reach = _Z * sqrt(share * (1.0 - share) / n + _Z * _Z / (4.0 * n * n)) / scale
    # At a share of 0 or 1 one end is exact, and rounding must not move it.
    low = 0.0 if share <= 0.0 else max(middle - reach, 0.0)
    return low, 1.0 if share >= 1.0 else min(middle + reach, 1.0)
