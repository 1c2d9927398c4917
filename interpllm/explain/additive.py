"""The fewest parts of a sum to change so that another class wins: an exact search.

The scores are ``base + (sum of the parts) * scale(k)``, where k is how many parts were changed: taking k
phrases out of a text changes what its sum is divided by. For a given k the scale is a number, and the lead
of class j over class i is largest when the k parts with the largest gains of j over i are changed (a part
that was passed over for one of smaller gain could take its place, and the lead would grow). The prediction
leaves class i if any class overtakes it, so it is enough to look at the best k for each j, for k = 1, 2,
...; every k has to be looked at, as the lead need not grow with k. That a given one of three classes or
more wins asks it to lead over all others at once; there the same bounds cut a search over sets of k.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_SETS = 20_000
"""Partial sets that the search for a given class tries before it gives up, and says so."""

_ROUNDING = 1e-9


class Part(NamedTuple):
    """One way to change a part.

    Attributes
    ----------
    name : int
        Of the part; it may be changed in several ways, of which one is chosen.
    gain : tuple of float
        What the change adds to the sum of each class.
    """

    name: int
    gain: tuple[float, ...]


@dataclass(frozen=True)
class Sum:
    """Scores as a function of which parts are changed.

    Parameters
    ----------
    base, total : sequence of float
        One a class: what is not scaled, and the sum of the parts as they are.
    ways : sequence of Part
    scale : callable
        From how many parts are changed to what the sum is multiplied by.
    decide : callable
        From the numbers of the chosen ways to the class that then wins, by the model's own scorer.
    """

    base: Sequence[float]
    total: Sequence[float]
    ways: Sequence[Part]
    scale: Callable[[int], float]
    decide: Callable[[Sequence[int]], int]


class Changed(NamedTuple):
    """What a search found: the ways that were chosen, None if none were; and whether it is complete."""

    chosen: tuple[int, ...] | None
    complete: bool


def fewest_changes(sum_: Sum, now: int, target: int | None) -> Changed:
    """The smallest set of parts to change so that the class `now` no longer wins, or `target` does."""
    gains = np.array([way.gain for way in sum_.ways], dtype=np.float64).reshape(-1, len(sum_.base))
    names = np.array([way.name for way in sum_.ways], dtype=np.intp)
    n_classes = len(sum_.base)
    if target is None or n_classes == 2:
        others = [j for j in range(n_classes) if j != now and target in (None, j)]
        return _any_overtakes(sum_, gains, names, now, others)
    return _one_wins(sum_, gains, names, target)


def _any_overtakes(sum_: Sum, gains: Array, names: NDArray[np.intp], now: int, others: list[int]) -> Changed:
    best = {j: _best_first(gains[:, j] - gains[:, now], names) for j in others}
    for k in range(1, len(set(names.tolist())) + 1):
        trials = []
        for j, order in best.items():
            chosen = order[:k]
            moved = sum_.total[j] - sum_.total[now] + float((gains[chosen, j] - gains[chosen, now]).sum())
            trials.append((sum_.base[j] - sum_.base[now] + moved * sum_.scale(k), tuple(chosen.tolist())))
        for lead, ways in sorted(trials, reverse=True):
            if lead > -_ROUNDING and sum_.decide(ways) != now:
                return Changed(ways, True)
    return Changed(None, True)


def _best_first(gain: Array, names: NDArray[np.intp]) -> NDArray[np.intp]:
    """Numbers of the ways, the best of each part only, the largest gain first."""
    order = np.argsort(-gain, kind="stable")
    _, first = np.unique(names[order], return_index=True)
    return order[np.sort(first)]


def _one_wins(sum_: Sum, gains: Array, names: NDArray[np.intp], target: int) -> Changed:
    others = [j for j in range(len(sum_.base)) if j != target]
    lead = gains[:, [target]] - gains[:, others]
    order = np.argsort(-lead.min(axis=1), kind="stable")
    lead, names = lead[order], names[order]
    head = np.array([sum_.base[target] - sum_.base[j] for j in others])
    start = np.array([sum_.total[target] - sum_.total[j] for j in others])
    tried = 0
    for k in range(1, len(set(names.tolist())) + 1):
        scale = sum_.scale(k)
        ahead: list[tuple[int, tuple[int, ...], Array]] = [(0, (), start)]
        while ahead:
            at, chosen, moved = ahead.pop()
            left = k - len(chosen)
            if not left:
                if (head + moved * scale > -_ROUNDING).all():
                    ways = tuple(order[list(chosen)].tolist())
                    if sum_.decide(ways) == target:
                        return Changed(ways, True)
                continue
            rest = lead[at:]
            if len(rest) < left:
                continue
            # No choice of so many of the rest leads over a class by more than its own best ones do.
            most = np.partition(rest, len(rest) - left, axis=0)[len(rest) - left :].sum(axis=0)
            if (head + (moved + most) * scale < -_ROUNDING).any():
                continue
            tried += 1
            if tried > MOST_SETS:
                return Changed(None, False)
            ahead.append((at + 1, chosen, moved))
            if names[at] not in names[list(chosen)]:
                ahead.append((at + 1, (*chosen, at), moved + lead[at]))
    return Changed(None, True)
