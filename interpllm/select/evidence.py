"""What rows say about a rule: how many it holds for, and how often it is right on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from interpllm.runtime.evidence import Evidence, RuleEvidence, of_class, of_mean

CONFIDENCE = 0.95

EXAMPLES = 3
"""Rows that are named for each rule."""


def rule_evidence(
    holds: NDArray[np.bool_],
    y: NDArray[Any],
    speaks_for: int | None,
    *,
    source: str = "data",
    positions: NDArray[np.integer] | None = None,
) -> RuleEvidence:
    """Measure a rule on rows.

    Parameters
    ----------
    holds : array of bool (n_rows,)
    y : array (n_rows,)
        Positions of classes, or values.
    speaks_for : int or None
        Position of the rule's class; None for a regression.
    source : {"llm", "bank", "person", "data"}
    positions : array of int (n_rows,), optional
        What the rows are called; by default they are counted from 0.

    Returns
    -------
    RuleEvidence
        The interval of a precision is Wilson's (1927), that of a mean Student's; both at 95 %.
    """
    rows = np.flatnonzero(holds)
    names = np.arange(len(holds)) if positions is None else positions
    good = rows if speaks_for is None else rows[y[rows] == speaks_for]
    # Rows that the rule is right on show what it is about; others stand in where there are too few.
    shown = list(dict.fromkeys([*good[:EXAMPLES].tolist(), *rows[:EXAMPLES].tolist()]))[:EXAMPLES]
    examples = tuple(int(names[row]) for row in shown)
    if speaks_for is None:
        mean = float(y[rows].mean()) if len(rows) else None
        return of_mean(Evidence(len(rows), mean, examples, mean_interval(y[rows])), source)
    precision = len(good) / len(rows) if len(rows) else None
    base = float((y == speaks_for).mean()) if len(y) else None
    return of_class(Evidence(len(rows), precision, examples), base, len(y), source)


def mean_interval(values: NDArray[np.floating]) -> tuple[float, float] | None:
    """The interval of a mean within 95 % (Student's t); None for fewer than two values."""
    n = len(values)
    if n < 2:
        return None
    reach = float(t.ppf((1 + CONFIDENCE) / 2, n - 1) * values.std(ddof=1) / np.sqrt(n))
    return float(values.mean()) - reach, float(values.mean()) + reach
