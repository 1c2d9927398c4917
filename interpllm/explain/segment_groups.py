"""Many segments as a few parts: groups of neighbours first, of which the strongest are opened."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import numpy as np
from numpy.typing import NDArray

Parts = NDArray[np.bool_]
"""(n_parts, n_segments): which segments each part has; every segment is in one, and parts are stretches."""

MOST_PARTS = 32
_COARSE = 16
_OPENED = 2
_INTO = 8


def coarse(n: int) -> Parts:
    """Each segment by itself, or above 32 segments sixteen groups of neighbours.

    Parameters
    ----------
    n : int
    """
    return _parts(np.array_split(np.arange(n), n if n <= MOST_PARTS else _COARSE), n)


def finer(parts: Parts, values: NDArray[np.float64]) -> Parts:
    """The two strongest groups opened into at most eight parts each.

    Where there are more than 32 parts then, the weakest neighbours that were not opened become one.

    Parameters
    ----------
    parts : Parts
    values : array (n_parts,)
    """
    strength = np.abs(values)
    groups = [place for place in np.argsort(-strength, kind="stable") if parts[place].sum() > 1]
    opened = set(groups[:_OPENED])
    pieces: list[tuple[NDArray[np.intp], float]] = []
    for place, members in enumerate(parts):
        inside = np.flatnonzero(members)
        if place in opened:
            # What was opened is to be told apart, not merged.
            pieces += [(one, np.inf) for one in np.array_split(inside, min(_INTO, len(inside)))]
        else:
            pieces.append((inside, float(strength[place])))
    while len(pieces) > MOST_PARTS:
        sums = [one[1] + other[1] for one, other in pairwise(pieces)]
        at = int(np.argmin(sums))
        pieces[at : at + 2] = [(np.concatenate([pieces[at][0], pieces[at + 1][0]]), sums[at])]
    return _parts([members for members, _ in pieces], parts.shape[1])


def most_rounds(n: int) -> int:
    """How often parts are valued until the strongest are single segments.

    Parameters
    ----------
    n : int
    """
    size, rounds = 1 if n <= MOST_PARTS else ceil(n / _COARSE), 1
    while size > 1:
        size, rounds = ceil(size / _INTO), rounds + 1
    return rounds


def _parts(groups: list[NDArray[np.intp]], n: int) -> Parts:
    parts = np.zeros((len(groups), n), dtype=bool)
    for place, members in enumerate(groups):
        parts[place, members] = True
    return parts
