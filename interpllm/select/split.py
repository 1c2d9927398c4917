"""Splits of the rows that keep near-duplicates together, so that a choice is not rewarded for memorising."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from interpllm.runtime.tokens import words

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]

SHARED_WORDS = 5
"""Texts with a run of so many words in common count as near-duplicates."""

COMMON = 200
"""A run that stands in more rows than this is boilerplate (a signature, say) and joins nothing."""


def near_duplicates(texts: Sequence[str], shared_words: int = SHARED_WORDS) -> NDArray[np.intp]:
    """Number the groups of near-duplicate texts.

    Two texts belong together when they share a run of `shared_words` words, or, where they are shorter than
    that, when all their words are the same; belonging is transitive. A phrase cut from a sentence (as in
    SST-2) and a text with one word changed thus stay in one part of any split.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    shared_words : int

    Returns
    -------
    array of int, (n_rows,)
        Group numbers, 0 to n_groups - 1 in order of first row.
    """
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    rows_of: dict[tuple[str, ...], list[int]] = {}
    for row, text in enumerate(texts):
        found = words(text)
        runs = {tuple(found[i : i + shared_words]) for i in range(len(found) - shared_words + 1)}
        for run in runs or {tuple(found)}:
            rows_of.setdefault(run, []).append(row)
    for run, rows in rows_of.items():
        if len(rows) <= COMMON or len(run) < shared_words:
            for row in rows[1:]:
                parent[root(row)] = root(rows[0])
    roots = [root(row) for row in range(len(texts))]
    numbers = {r: i for i, r in enumerate(dict.fromkeys(roots))}
    return np.array([numbers[r] for r in roots], dtype=np.intp)


def folds(
    y: NDArray[np.generic],
    groups: NDArray[np.intp],
    n_folds: int,
    *,
    stratify: bool,
    random_state: int | None = None,
) -> list[Fold]:
    """Folds of rows: (fitting rows, judging rows) pairs, groups never divided, classes balanced if asked for.

    Fewer folds than asked for come back when the rarest class (or the number of groups) allows no more,
    and none when it allows fewer than two.

    Parameters
    ----------
    y : array (n_rows,)
    groups : array of int (n_rows,)
    n_folds : int
    stratify : bool
    random_state : int, optional
        Seed of the shuffle; the same seed gives the same folds.
    """
    seed = 0 if random_state is None else random_state
    possible = len(np.unique(groups))
    if stratify:
        classes = np.unique(y)
        possible = min(len(np.unique(groups[y == c])) for c in classes)
    n_folds = min(n_folds, possible)
    if n_folds < 2:
        return []
    splitter = StratifiedGroupKFold if stratify else GroupKFold
    pairs = splitter(n_folds, shuffle=True, random_state=seed).split(np.zeros(len(y)), y, groups)
    return [(fit, judge) for fit, judge in pairs]
