"""What rows say about a rule: how many it holds for, and how often it is right on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, t

from interpllm.runtime import RuleEvidence

CONFIDENCE = 0.95

EXAMPLES = 3
"""Rows that are named for each rule."""


def rule_evidence(
    holds: NDArray[np.bool_],
    y: NDArray[Any],
    speaks_for: int | None,
    *,
    n_classes: int,
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
    n_classes : int
        0 for a regression.
    source : {"llm", "bank", "person", "data"}
    positions : array of int (n_rows,), optional
        What the rows are called; by default they are counted from 0.

    Returns
    -------
    RuleEvidence
        The interval of a precision is Wilson's (1927), that of a mean Student's; both at 95 %.
    """
    rows = np.flatnonzero(holds)
    support = len(rows)
    precision = recall = lift = low = high = None
    if n_classes and speaks_for is not None:
        of_class = y == speaks_for
        right = int(of_class[rows].sum())
        good = rows[of_class[rows]]
        base = float(of_class.mean()) if len(y) else 0.0
        recall = right / int(of_class.sum()) if of_class.any() else None
        if support:
            precision = right / support
            lift = precision / base if base else None
            interval = binomtest(right, support).proportion_ci(CONFIDENCE, method="wilson")
            low, high = float(interval.low), float(interval.high)
    else:
        good = rows
        if support:
            precision = float(y[rows].mean())
        if support > 1:
            spread = float(y[rows].std(ddof=1)) / np.sqrt(support)
            reach = float(t.ppf((1 + CONFIDENCE) / 2, support - 1)) * spread
            low, high = float(precision or 0.0) - reach, float(precision or 0.0) + reach
    names = np.arange(len(holds)) if positions is None else positions
    # Rows that the rule is right on show what it is about; others stand in where there are too few.
    shown = list(dict.fromkeys([*good[:EXAMPLES].tolist(), *rows[:EXAMPLES].tolist()]))[:EXAMPLES]
    return RuleEvidence(
        support, precision, recall, lift, low, high, source, tuple(int(names[row]) for row in shown)
    )
