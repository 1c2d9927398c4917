"""How often a question is chosen again on halves of the rows: what is chosen by chance seldom is.

Complementary pairs stability selection of Shah and Samworth (Variable selection with error control: another
look at stability selection, JRSS B 2013), after Meinshausen and Bühlmann (2010).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError

PAIRS = 25
"""Complementary pairs of halves; Shah and Samworth advise 50, and find little change from 25 on."""


@dataclass(frozen=True)
class Stability:
    """Selection frequencies over complementary halves of the rows.

    Parameters
    ----------
    frequency : array (n_candidates,)
        Share of the halves on which each question is chosen.
    both : array (n_candidates,)
        Share of the pairs on both halves of which it is chosen.
    n_chosen : float
        Mean number of questions chosen on a half.
    n_pairs : int
    """

    frequency: NDArray[np.float64]
    both: NDArray[np.float64]
    n_chosen: float
    n_pairs: int

    def stable(self, threshold: float = 0.6) -> NDArray[np.intp]:
        """Questions chosen on at least such a share of the halves."""
        return np.flatnonzero(self.frequency >= threshold)

    def false_at(self, threshold: float = 0.6) -> float:
        """Bound on the expected number of questions that are stable by chance.

        By Theorem 1 of Shah and Samworth, for questions that one half chooses with a probability of no more
        than q/p, where q of p are chosen on average: q²/p / (2·threshold - 1).

        Raises
        ------
        InputError
            If the threshold is not above one half.
        """
        if not 0.5 < threshold <= 1:
            raise InputError(f"A threshold must be above .5 and at most 1, not {threshold}.")
        return self.n_chosen**2 / len(self.frequency) / (2 * threshold - 1)


def selection_frequency(
    choose: Callable[[NDArray[np.intp]], ArrayLike],
    n_candidates: int,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    n_pairs: int = PAIRS,
    random_state: int | None = None,
    n_jobs: int | None = None,
) -> Stability:
    """Choose questions anew on complementary halves of the rows.

    Parameters
    ----------
    choose : callable
        Positions of rows -> columns of the questions chosen on them.
    n_candidates : int
    y : array-like (n_rows,)
        Labels, by which halves are balanced, or values (floats).
    groups : array-like (n_rows,), optional
        Rows that stay in one half.
    n_pairs : int
    random_state : int, optional
        Seed; the same seed gives the same halves.
    n_jobs : int, optional
        Halves at the same time, in threads.

    Returns
    -------
    Stability

    Raises
    ------
    InputError
        If the rows cannot be halved.
    """
    target = np.asarray(y)
    together = (
        np.arange(len(target)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    )
    if len(target) == 0 or together.max() == 0:
        raise InputError("All rows are in one group, so there are no halves: give more rows.")
    random = np.random.default_rng(0 if random_state is None else random_state)
    halves: list[NDArray[np.intp]] = []
    for _ in range(n_pairs):
        halves += _halves(target, together, random)
    chosen = np.zeros((len(halves), n_candidates), dtype=bool)
    for half, columns in enumerate(
        Parallel(n_jobs=n_jobs, prefer="threads")(delayed(choose)(h) for h in halves)
    ):
        chosen[half, np.asarray(columns, dtype=np.intp)] = True
    return Stability(
        chosen.mean(axis=0),
        (chosen[::2] & chosen[1::2]).mean(axis=0),
        float(chosen.sum(axis=1).mean()),
        n_pairs,
    )


def _halves(
    y: NDArray[Any], groups: NDArray[np.intp], random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Two complementary halves: groups of each label take turns, in random order."""
    _, first = np.unique(groups, return_index=True)
    # A group goes by the label of its first row; values have no labels to balance.
    label = np.zeros(len(first)) if y.dtype.kind == "f" else np.unique(y, return_inverse=True)[1][first]
    turns = np.lexsort((random.permutation(len(first)), label))
    in_first = np.zeros(len(first), dtype=bool)
    in_first[turns[random.integers(2) :: 2]] = True
    return np.flatnonzero(in_first[groups]), np.flatnonzero(~in_first[groups])
