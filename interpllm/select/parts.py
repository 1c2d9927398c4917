"""Which rows questions are proposed from, chosen on and confirmed on: parts that share no near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from interpllm.errors import InputError
from interpllm.runtime.tokens import words
from interpllm.select.split import near_duplicates

SIZES = (0.3, 0.4, 0.3)
LARGEST = 0.1
"""Near-duplicates that make up a larger share of the rows are a chain, as in texts made from templates, where
each shares a phrase with the next: there only texts of the same words are kept together."""

BINS = 10
"""Values to predict are put into so many equally full bins, and parts are balanced by these."""


@dataclass(frozen=True)
class Parts:
    """Positions of rows, each array sorted; no row stands in two parts.

    Parameters
    ----------
    propose : array of int
        The only rows that what writes questions may see.
    select : array of int
        The rows on which questions are chosen and weights fitted.
    confirm : array of int
        The rows of the report's figures: nothing is chosen or fitted on them.
    n_chained : int
        Rows that may have near-duplicates in other parts: too many hang together to be kept in one.

    Raises
    ------
    InputError
        When a row that confirms stands in another part, too.
    """

    propose: NDArray[np.intp]
    select: NDArray[np.intp]
    confirm: NDArray[np.intp]
    n_chained: int = 0

    def __post_init__(self) -> None:
        for name in ("propose", "select"):
            both = np.intersect1d(getattr(self, name), self.confirm)
            if len(both):
                raise InputError(
                    f"Row {both[0]} is to {name} and to confirm (and {len(both) - 1} more): what is told of "
                    "such rows is no confirmation. Let split_rows make the parts, or take it out of one."
                )


def split_rows(
    y: ArrayLike,
    texts: Sequence[str] | None = None,
    groups: ArrayLike | None = None,
    sizes: tuple[float, float, float] = SIZES,
    stratify: bool = True,
    random_state: int | None = None,
) -> Parts:
    """Split rows into the parts that propose, select and confirm.

    Groups are handed out in random order, the largest first, each to the part that lacks the most of its
    classes for its size. A class too rare for all parts goes to the selecting one first, as a model cannot be
    fitted without it.

    Parameters
    ----------
    y : array-like (n_rows,)
        Labels, or values to predict (floats), which are balanced by their quantiles.
    texts : sequence of str (n_rows,), optional
        Near-duplicates among them are kept together, unless a tenth of all rows would hang together so.
    groups : array-like (n_rows,), optional
        Rows of a group (of one author, say) are kept together.
    sizes : tuple of three floats
        Shares of the rows, which sum to 1; a part of size 0 stays empty.
    stratify : bool
        Whether the parts are balanced by `y`.
    random_state : int, optional
        Seed; the same seed gives the same parts.

    Returns
    -------
    Parts

    Raises
    ------
    InputError
        If sizes are no shares, if all labels are one, or if there are fewer groups than parts.
    """
    target = np.asarray(y)
    n = len(target)
    share = np.asarray(sizes, dtype=np.float64)
    if share.shape != (3,) or (share < 0).any() or not np.isclose(share.sum(), 1):
        raise InputError(f"sizes must be three shares that sum to 1, not {sizes}.")
    for name, given in (("texts", texts), ("groups", groups)):
        if given is not None and len(np.asarray(given, dtype=object)) != n:
            raise InputError(f"{name} and y must have one entry a row, but y has {n}.")
    strata = _strata(target, stratify)
    group, n_chained = grouped(n, texts, groups)
    n_groups = int(group.max()) + 1 if n else 0
    used = np.flatnonzero(share > 0)
    if n_groups < len(used):
        raise InputError(
            f"{n_groups} groups of rows (near-duplicates count as one) cannot be split into "
            f"{len(used)} parts: give more rows, or a size of 0 for a part that is not needed."
        )
    of_group = np.zeros((n_groups, int(strata.max()) + 1))
    np.add.at(of_group, (group, strata), 1)
    wanted = share[used, None] * of_group.sum(axis=0)
    have = np.zeros_like(wanted)
    # Where two parts lack as much, the selecting one (1) comes first.
    ties = -1e-9 * np.abs(used - 1)
    random = np.random.default_rng(0 if random_state is None else random_state)
    shuffled = random.permutation(n_groups)
    part_of = np.empty(n_groups, dtype=np.intp)
    for number in shuffled[np.argsort(-of_group[shuffled].sum(axis=1), kind="stable")]:
        lacks = (1 - have / wanted) @ of_group[number] / of_group[number].sum()
        best = int(np.argmax(lacks + ties))
        have[best] += of_group[number]
        part_of[number] = used[best]
    propose, select, confirm = (np.flatnonzero(part_of[group] == part) for part in range(3))
    return Parts(propose, select, confirm, n_chained)


def _strata(y: NDArray[np.generic], stratify: bool) -> NDArray[np.intp]:
    """A number from 0 for each row: its class, or the bin of its value."""
    if y.dtype.kind == "f":
        cuts = np.quantile(y.astype(np.float64), np.linspace(0, 1, BINS + 1)[1:-1])
        numbers = np.searchsorted(cuts, y, side="right")
        numbers = np.unique(numbers, return_inverse=True)[1]
    else:
        classes, numbers = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise InputError(
                f"All {len(y)} rows have the same label {classes.tolist()}: no question can tell "
                "classes apart. Give rows of at least two classes."
            )
    return np.asarray(numbers if stratify else np.zeros(len(y)), dtype=np.intp)


def grouped(n: int, texts: Sequence[str] | None, groups: ArrayLike | None) -> tuple[NDArray[np.intp], int]:
    """Number what may not be divided: rows of near-duplicate texts, of a given group, or both.

    Parameters
    ----------
    n : int
        Rows.
    texts : sequence of str (n,), or None
    groups : array-like (n,), or None

    Returns
    -------
    group : array of int (n,)
        From 0 on.
    n_chained : int
        Rows of chains of near-duplicates too long to be kept together.
    """
    joined = np.arange(n, dtype=np.intp)
    if groups is not None:
        joined = np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.intp)
    if texts is None or not n:
        return joined, 0
    alike = near_duplicates(texts)
    chained = np.bincount(alike)[alike] > max(LARGEST * n, 2)
    same: dict[tuple[str, ...], int] = {}
    for row in np.flatnonzero(chained):
        alike[row] = n + same.setdefault(tuple(words(texts[int(row)])), len(same))
    alike = np.unique(alike, return_inverse=True)[1]
    size = int(max(joined.max(), alike.max())) + 1
    edges = sp.coo_array((np.ones(n), (joined, alike + size)), shape=(2 * size, 2 * size))
    of_row = connected_components(edges, directed=False)[1][joined]
    return np.unique(of_row, return_inverse=True)[1], int(chained.sum())
