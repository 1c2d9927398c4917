"""Which few of many candidates are best, without putting every candidate to every row.

Sequential halving (Karnin, Koren and Somekh 2013, "Almost optimal exploration in multi-armed bandits"):
rounds share what may be spent; after each the better half stays, and what is saved on the others buys the
next round more rows. How many requests that takes is known before the first one, which a race by confidence
bounds cannot tell; and bounds that hold for all candidates at once need hundreds of rows to drop any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.select.sparse import Array

Columns = NDArray[np.intp]

SPEND = 0.2
"""Share of the requests for every candidate and row that a race may spend."""

LEAST = 32
"""Rows of the first round at least: fewer say too little of a candidate to drop it. Where rows are few, a
race therefore spends more than its share."""


@dataclass(frozen=True)
class Round:
    """What one round reads.

    Parameters
    ----------
    start, stop : int
        Its rows, the last one exclusive.
    n_candidates : int
        How many candidates are put to them.
    """

    start: int
    stop: int
    n_candidates: int


@dataclass(frozen=True)
class Race:
    """How a race went.

    Parameters
    ----------
    best : array of int (k,)
        The candidates that are left, the best first.
    scores : array (n_candidates,)
        Of all rows that a candidate was put to; NaN where there is none.
    n_read : array of int (n_candidates,)
        How many rows it was put to.
    n_missing : array of int (n_candidates,)
        How many of them have no answer.
    rounds : tuple of Round
    """

    best: Columns
    scores: Array
    n_read: NDArray[np.int64]
    n_missing: NDArray[np.int64]
    rounds: tuple[Round, ...]


def rounds_of(
    n_rows: int, n_candidates: int, k: int, *, spend: float = SPEND, stack: tuple[int, int] = (1, 1)
) -> tuple[Round, ...]:
    """What each round of a race reads, known before any answer.

    Parameters
    ----------
    n_rows, n_candidates, k : int
        Rows at hand, candidates, and how many of them are wanted.
    spend : float
        Share of the requests for every candidate and row.
    stack : (int, int)
        Rows and candidates that go into one request.

    Returns
    -------
    tuple of Round
        None where no more candidates run than are wanted.

    Raises
    ------
    InputError
        When a number cannot be used.
    """
    if min(n_rows, n_candidates, k, *stack) < 1 or not 0 < spend <= 1:
        raise InputError("A race needs rows, candidates and a place to win, and spend above 0, at most 1.")
    rows, columns = stack
    sizes = [n_candidates]
    while sizes[-1] > k:
        sizes.append(max(k, math.ceil(sizes[-1] / 2)))
    sizes.pop()
    left = spend * math.ceil(n_candidates / columns) * n_rows / rows
    rounds: list[Round] = []
    for number, size in enumerate(sizes):
        price = math.ceil(size / columns)
        blocks = max(int(left / (len(sizes) - number) / price), 1)
        if number == 0:
            blocks = max(blocks, math.ceil(LEAST / rows))
        start = rounds[-1].stop if rounds else 0
        stop = min(start + blocks * rows, n_rows)
        left -= price * (stop - start) / rows
        rounds.append(Round(start, stop, size))
    return tuple(rounds)


def race(
    answer: Callable[[slice, Columns], Array],
    score: Callable[[Array, slice], Array],
    n_rows: int,
    n_candidates: int,
    k: int,
    *,
    spend: float = SPEND,
    stack: tuple[int, int] = (1, 1),
) -> Race:
    """Find the best few candidates.

    Parameters
    ----------
    answer : callable
        ``answer(rows, candidates)`` gives their answers, (n_rows, n_candidates), NaN where one is missing.
    score : callable
        ``score(answers, rows)`` gives a number for each candidate that is better when larger, from the
        answers to the rows read so far; NaN where answers give none, which loses.
    n_rows, n_candidates, k : int
        Rows at hand, in the order in which they are read: each stretch of them should be like all.
    spend, stack
        As for :func:`rounds_of`.

    Returns
    -------
    Race

    Raises
    ------
    InputError
        When a number cannot be used.
    """
    rounds = rounds_of(n_rows, n_candidates, k, spend=spend, stack=stack)
    values = np.full((n_rows, n_candidates), np.nan)
    scores = np.full(n_candidates, np.nan)
    n_read = np.zeros(n_candidates, dtype=np.int64)
    running = np.arange(n_candidates)
    for one in rounds:
        # In the order given, so that what is asked together does not hang on how close a race is.
        running = np.sort(running[: one.n_candidates])
        rows = slice(one.start, one.stop)
        values[rows, running] = answer(rows, running) if one.stop > one.start else np.nan
        n_read[running] = one.stop
        scores[running] = score(values[: one.stop, running], slice(0, one.stop))
        running = running[np.argsort(-np.nan_to_num(scores[running], nan=-np.inf), kind="stable")]
    n_missing = np.array(
        [np.isnan(values[:n, column]).sum() for column, n in enumerate(n_read)], dtype=np.int64
    )
    return Race(running[:k], scores, n_read, n_missing, rounds)
