"""From a claim about rows to its figure and verdict: one function a kind of claim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interpllm.audit import estimates
from interpllm.audit.claims import (
    DataClaim,
    Extreme,
    MeanDifference,
    Monotone,
    Share,
    Sign,
    Threshold,
)
from interpllm.audit.verdicts import CONTRADICTED, SUPPORTED, Found, judged
from interpllm.audit.where import Uncheckable, Where, alike, all_hold, cells, missing, numbers
from interpllm.select.inference import holm

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Checked = tuple[str, Found]

BINS = 5
"""A trend is looked at in so many equally full bins; a number of fewer values has a bin for each."""


class Rows:
    """The rows that a claim is about; conditions are looked up in all rows, so that they know every value.

    Parameters
    ----------
    frame : DataFrame
    among : sequence of Where
    """

    def __init__(self, frame: pd.DataFrame, among: Sequence[Where]) -> None:
        self.frame = frame
        self.kept = all_hold(among, frame) == 1

    def __len__(self) -> int:
        return int(self.kept.sum())

    def hold(self, conditions: Sequence[Where]) -> Array:
        """1 where all conditions hold, 0 where not, NaN where it cannot be told."""
        return all_hold(conditions, self.frame)[self.kept]

    def numbers(self, column: str) -> Array:
        """A column of numbers."""
        return numbers(self.frame, column)[self.kept]

    def keys(self, column: str) -> list[str | None]:
        """A column in the form in which values are compared; None where a cell is missing."""
        found = zip(cells(self.frame, column), self.kept, strict=True)
        return [None if missing(cell) else alike(cell) for cell, kept in found if kept]

    def values(self, column: str | None, which: Sequence[Where]) -> Array:
        """What is averaged: a column, or whether conditions hold."""
        return self.hold(which) if column is None else self.numbers(column)


def check_data_claim(claim: DataClaim, frame: pd.DataFrame) -> Checked:
    """Compute a claim on rows.

    Parameters
    ----------
    claim : DataClaim
    frame : DataFrame

    Returns
    -------
    verdict : {"supported", "contradicted"}
    found : Found

    Raises
    ------
    Uncheckable
        When these rows cannot decide it.
    """
    rows = Rows(frame, claim.among)
    if not len(rows):
        raise Uncheckable("no row is one of those that it is about")
    return _CHECKS[type(claim)](claim, rows)


def _mean_difference(claim: MeanDifference, rows: Rows) -> Checked:
    values = rows.values(claim.column, claim.which)
    group = rows.hold(claim.group)
    other = rows.hold(claim.other) if claim.other else 1.0 - group
    if (group * other == 1).any():
        raise Uncheckable("a row stands in both groups")
    if not (group == 1).any() or not (other == 1).any():
        raise Uncheckable("one of the groups has no rows")
    a, b = (_present(values[members == 1]) for members in (group, other))
    exact = Found(float(a.mean() - b.mean()), n=len(a) + len(b))
    found = exact if claim.scope == "rows" else estimates.difference(a, b, claim.value)
    return _compared(claim, found, not claim.column)


def _share(claim: Share, rows: Rows) -> Checked:
    values = _present(rows.hold(claim.which))
    return _concluded(claim, _mean(claim, values), "about", claim.value, claim.tolerance, True)


def _threshold(claim: Threshold, rows: Rows) -> Checked:
    if claim.statistic == "count" and not claim.which:
        values = np.ones(len(rows))
    else:
        values = _present(rows.values(claim.column, claim.which))
    if claim.statistic in ("mean", "share"):
        return _compared(claim, _mean(claim, values), claim.statistic == "share")
    exact: dict[str, Callable[[Array], Any]] = {
        "median": np.median,
        "count": np.sum,
        "largest": np.max,
        "smallest": np.min,
    }
    if claim.scope == "rows":
        found = Found(float(exact[claim.statistic](values)), n=len(values))
    elif claim.statistic == "median":
        found = estimates.median(values, claim.value)
    else:
        raise Uncheckable(
            f"a sample does not tell the {claim.statistic} of a population; claim it of the rows"
        )
    return _compared(claim, found, False)


def _sign(claim: Sign, rows: Rows) -> Checked:
    x, y = _pairs(rows.numbers(claim.column), rows.numbers(claim.with_column))
    if claim.scope == "rows":
        if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
            raise Uncheckable("a column does not vary, so there is no correlation")
        found = Found(float(np.corrcoef(x, y)[0, 1]), n=len(x))
    else:
        found = estimates.correlation(x, y)
    return _concluded(claim, found, _side(claim.direction == "positive"), 0.0, None, False)


def _extreme(claim: Extreme, rows: Rows) -> Checked:
    counts = claim.column is None and not claim.which
    values = np.ones(len(rows)) if counts else rows.values(claim.column, claim.which)
    rows.hold([Where(claim.by, "is", claim.group)])  # says which values there are, where this is none of them
    keys, wanted = rows.keys(claim.by), alike(claim.group)
    members: dict[str, list[float]] = {}
    for key, value in zip(keys, values, strict=True):
        if key is not None and value == value:
            members.setdefault(key, []).append(float(value))
    groups = {key: np.array(of) for key, of in members.items()}
    if wanted not in groups or len(groups) < 2:
        raise Uncheckable("there are no other groups with values to compare it with")
    sign = 1.0 if claim.direction == "largest" else -1.0
    if claim.scope == "rows":
        figures = {key: float(of.sum() if counts else of.mean()) for key, of in groups.items()}
        best = max(sign * figure for key, figure in figures.items() if key != wanted)
        lead = Found(sign * figures[wanted] - best, n=int(sum(map(len, groups.values()))))
        return (SUPPORTED if lead.value > 0 else CONTRADICTED), lead
    return _extreme_in_population(groups, wanted, sign, counts)


def _extreme_in_population(groups: dict[str, Array], wanted: str, sign: float, counts: bool) -> Checked:
    """It must be ahead of every other group; it is contradicted by any that is ahead of it, Bonferroni's way.

    Groups of too few rows are left out, and counted in the note.
    """
    n = int(sum(map(len, groups.values())))
    large = {key: of for key, of in groups.items() if counts or len(of) >= estimates.MIN_ROWS}
    if wanted not in large or len(large) < 2:
        raise Uncheckable(
            f"too few rows: fewer than two groups, this one among them, of {estimates.MIN_ROWS}"
        )
    others = [of for key, of in large.items() if key != wanted]
    stricter = 1 - 0.05 / len(others)

    def lead(other: Array, confidence: float) -> Found:
        a, b = (large[wanted], other) if sign > 0 else (other, large[wanted])
        if counts:
            return estimates.difference_of_counts(len(a), len(b), n, confidence)
        return estimates.difference(a, b, 0.0, confidence)

    leads = [lead(other, 0.95) for other in others]
    left_out = len(groups) - len(large)
    note = f"{left_out} groups of fewer than {estimates.MIN_ROWS} rows left out" if left_out else ""
    nearest = min(leads, key=lambda one: one.value)._replace(n=n, note=note)
    if all(one.low is not None and one.low > 0 for one in leads):
        return SUPPORTED, nearest
    if any((high := lead(other, stricter).high) is not None and high < 0 for other in others):
        return CONTRADICTED, nearest
    raise Uncheckable(f"within the noise: its lead over the nearest other is {nearest.value:.4g}", nearest)


def _monotone(claim: Monotone, rows: Rows) -> Checked:
    x, y = _pairs(rows.numbers(claim.x), rows.values(claim.column, claim.which))
    sign = 1.0 if claim.direction == "rising" else -1.0
    bins = _binned(x)
    steps = [(y[bins == k], y[bins == k + 1]) for k in range(int(bins.max(initial=0)))]
    if not steps:
        raise Uncheckable(f"{claim.x} does not vary")
    changes = [sign * float(after.mean() - before.mean()) for before, after in steps]
    if claim.scope == "rows":
        total = sign * float(steps[-1][1].mean() - steps[0][0].mean())
        found = Found(sign * total, n=len(x), note=f"from the first to the last of {len(steps) + 1} bins")
        return (SUPPORTED if min(changes) >= 0 and total > 0 else CONTRADICTED), found
    found = estimates.rank_correlation(x, y)
    against = [estimates.difference(after, before, 0.0) for before, after in _usable(steps)]
    p = holm([1.0 if one.p_value is None or sign * one.value >= 0 else one.p_value for one in against])
    if len(p) and p.min() < 0.05:
        return CONTRADICTED, found._replace(note="a step between neighbouring bins goes the other way")
    verdict, found = _concluded(claim, found, _side(sign > 0), 0.0, None, False)
    if verdict == SUPPORTED and min(changes) < 0:
        # A correlation of ranks alone is clear of 0 where most of a curve rises and its end falls, too.
        raise Uncheckable("not steady in these rows: a step between neighbouring bins goes back", found)
    return verdict, found


def _usable(steps: list[tuple[Array, Array]]) -> list[tuple[Array, Array]]:
    """Steps that can be tested: enough rows on either side, and values that vary."""
    return [
        (before, after)
        for before, after in steps
        if min(len(before), len(after)) >= estimates.MIN_ROWS and np.ptp(before) + np.ptp(after) > 0
    ]


def _binned(x: Array) -> NDArray[np.intp]:
    """The bin of each value, from 0 on, none of them empty."""
    distinct = np.unique(x)
    if len(distinct) <= BINS:
        return np.searchsorted(distinct, x)
    cuts = np.unique(np.quantile(x, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.unique(np.searchsorted(cuts, x, side="right"), return_inverse=True)[1]


def _mean(claim: Share | Threshold, values: Array) -> Found:
    if claim.scope == "rows":
        return Found(float(values.mean()), n=len(values))
    return estimates.mean(values, claim.value)


def _compared(claim: MeanDifference | Threshold, found: Found, is_share: bool) -> Checked:
    return _concluded(claim, found, claim.relation, claim.value, claim.tolerance, is_share)


def _concluded(
    claim: DataClaim, found: Found, relation: str, value: float, tolerance: float | None, is_share: bool
) -> Checked:
    if relation == "about":  # that it is not just the number speaks neither for nor against the claim
        found = found._replace(p_value=None)
    return judged(found, relation, value, tolerance, claim.scope, is_share), found


def _present(values: Array) -> Array:
    found = values[~np.isnan(values)]
    if not len(found):
        raise Uncheckable("all cells are missing")
    return found


def _pairs(x: Array, y: Array) -> tuple[Array, Array]:
    both = ~np.isnan(x) & ~np.isnan(y)
    if not both.any():
        raise Uncheckable("no row has both values")
    return x[both], y[both]


def _side(up: bool) -> str:
    return "above" if up else "below"


_CHECKS: dict[type[DataClaim], Callable[[Any, Any], Checked]] = {
    MeanDifference: _mean_difference,
    Share: _share,
    Threshold: _threshold,
    Sign: _sign,
    Extreme: _extreme,
    Monotone: _monotone,
}
