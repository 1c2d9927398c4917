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

MOSTLY_CUT = 0.5
"""Share of fragments above which a set of texts counts as cut from longer ones."""

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


def fragments(texts: Sequence[str], groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which texts are no more than a part of a longer one, where all their words stand in a row.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    groups : array of int (n_rows,)
        From :func:`near_duplicates`.

    Returns
    -------
    array of bool, (n_rows,)
    """
    found = [tuple(words(text)) for text in texts]
    part = np.zeros(len(texts), dtype=bool)
    # Texts shorter than a run are grouped with their equals only, so they are looked for everywhere.
    short: dict[tuple[str, ...], list[int]] = {}
    for row, of_row in enumerate(found):
        if len(of_row) < SHARED_WORDS:
            short.setdefault(of_row, []).append(row)
    for of_row in found:
        for size in range(1, SHARED_WORDS):
            for start in range(len(of_row) - size + 1 if len(of_row) > size else 0):
                part[short.get(of_row[start : start + size], [])] = True
    members: dict[int, list[int]] = {}
    for row, group in enumerate(groups):
        if len(found[row]) >= SHARED_WORDS:
            members.setdefault(group, []).append(row)
    for rows in members.values():
        whole: list[str] = []
        for row in sorted(rows, key=lambda row: -len(found[row])):
            spaced = f" {' '.join(found[row])} "
            part[row] = any(spaced in longer and spaced != longer for longer in whole)
            if not part[row]:
                whole.append(spaced)
    return part


def uncut(texts: Sequence[str], groups: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which texts are like new ones: all of them, unless most were cut from others; then those others.

    The training texts of SST-2 are phrases cut from sentences, and sentences are what is to be predicted.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    groups : array of int (n_rows,)
        From :func:`near_duplicates`.

    Returns
    -------
    array of bool, (n_rows,)
    """
    part = fragments(texts, groups)
    return ~part if part.mean() > MOSTLY_CUT else np.ones(len(texts), dtype=bool)


def folds(
    y: NDArray[np.generic],
    groups: NDArray[np.intp],
    n_folds: int,
    *,
    stratify: bool,
    random_state: int | None = None,
    judged: NDArray[np.bool_] | None = None,
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
    judged : array of bool (n_rows,), optional
        The only rows that may judge.
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
    if judged is None:
        return list(pairs)
    return [(fit, judge[judged[judge]]) for fit, judge in pairs]
