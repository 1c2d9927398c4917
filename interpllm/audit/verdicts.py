"""What a figure with its interval says of a claim: one rule for all kinds of claims."""

from __future__ import annotations

from typing import NamedTuple

from interpllm.audit.where import Uncheckable

SUPPORTED, CONTRADICTED, UNCHECKABLE = "supported", "contradicted", "uncheckable"
SHARE_TOLERANCE = 0.05
"""How far off a share may be that is "about" a number, unless the claim says."""

RELATIVE_TOLERANCE = 0.1
"""How far off another figure may be, as a part of the number that it is said to be about."""

_ROUNDING = 1e-9


class Found(NamedTuple):
    """A figure that was computed for a claim.

    Attributes
    ----------
    value : float
    low, high : float or None
        Its interval at 95 %; None for what is exact.
    p_value : float or None
        Two-sided, of the figure being just what the claim compares it with.
    n : int
        Rows, or terms, that it rests on.
    note : str
    """

    value: float
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    n: int = 0
    note: str = ""


def judged(
    found: Found, relation: str, value: float, tolerance: float | None, scope: str, is_share: bool
) -> str:
    """Compare a figure with what is claimed of it.

    Parameters
    ----------
    found : Found
    relation : {"above", "at least", "below", "at most", "about"}
    value : float
    tolerance : float or None
        For "about"; None takes `SHARE_TOLERANCE`, or `RELATIVE_TOLERANCE` of the value.
    scope : {"population", "rows"}
        "rows": the figure itself decides. "population": supported where the whole interval satisfies the
        claim, contradicted where none of it does.
    is_share : bool

    Returns
    -------
    {"supported", "contradicted"}

    Raises
    ------
    Uncheckable
        When the interval reaches to either side.
    """
    low, high = found.value, found.value
    if scope == "population":
        if found.low is None or found.high is None or found.low != found.low:
            raise Uncheckable("these rows give no interval for it", found)
        low, high = found.low, found.high
    room = max(abs(value), 1.0) * _ROUNDING
    first, last = float("-inf"), float("inf")
    if relation == "about":
        if tolerance is None:
            tolerance = SHARE_TOLERANCE if is_share else RELATIVE_TOLERANCE * abs(value)
        first, last = value - tolerance - room, value + tolerance + room
    elif relation in ("above", "at least"):
        first = value + room if relation == "above" else value - room
    else:
        last = value - room if relation == "below" else value + room
    if first <= low and high <= last:
        return SUPPORTED
    if high < first or low > last:
        return CONTRADICTED
    raise Uncheckable(f"within the noise: the interval {low:.4g} to {high:.4g} reaches to either side", found)
