"""A race finds the best few for a fraction of the answers, and its cost is known before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.select.race import LEAST, Race, race, rounds_of
from interpllm.select.sparse import Array

STACK = (8, 8)


def world(seed: int, n: int = 400, n_candidates: int = 40) -> tuple[Array, Array]:
    """Answers: five candidates are true of 70 % here and 20 % there, the others of as many on both sides."""
    random = np.random.default_rng(seed)
    first = np.tile([True, False], n // 2)
    shares = np.tile(random.uniform(0.05, 0.95, n_candidates), (n, 1))
    shares[:, :5] = np.where(first, 0.7, 0.2)[:, None]
    return (random.random((n, n_candidates)) < shares).astype(float), first


def ahead(values: Array, first: Array) -> Array:
    return values[first].mean(axis=0) - values[~first].mean(axis=0)


def run(values: Array, first: Array, asked: list[int] | None = None, k: int = 5) -> Race:
    def answer(rows: slice, columns: Array) -> Array:
        found = values[rows][:, columns]
        if asked is not None:
            asked.append(-(-len(found) // 8) * -(-len(columns) // 8))
        return found

    return race(
        answer,
        lambda found, rows: ahead(found, first[rows]),
        *values.shape,
        k,
        stack=STACK,
    )


def test_it_agrees_with_all_answers_for_a_fifth_of_the_requests() -> None:
    # The constants of the race were chosen on other seeds.
    agree, spent = 0, []
    for seed in range(1000, 1100):
        values, first = world(seed)
        asked: list[int] = []
        found = run(values, first, asked)
        every = np.argsort(-ahead(values, first), kind="stable")[:5]
        agree += set(found.best.tolist()) == set(every.tolist())
        spent.append(sum(asked) / (50 * 5))
    assert agree >= 90
    assert max(spent) <= 0.2


def test_its_rounds_are_those_that_were_told_before() -> None:
    values, first = world(0)
    asked: list[int] = []
    found = run(values, first, asked)
    told = rounds_of(400, 40, 5, stack=STACK)
    assert found.rounds == told
    assert asked == [-(-(one.stop - one.start) // 8) * -(-one.n_candidates // 8) for one in told]


def test_no_row_is_read_twice_and_the_first_round_is_never_too_short() -> None:
    for n, n_candidates in ((20, 40), (100, 12), (400, 60), (5000, 300)):
        told = rounds_of(n, n_candidates, 5, stack=STACK)
        assert told[0].stop == min(n, max(LEAST, told[0].stop))
        assert all(a.stop == b.start for a, b in pairwise(told))
        assert told[-1].stop <= n


def test_who_is_not_more_than_is_wanted_need_not_run() -> None:
    values, first = world(0)
    asked: list[int] = []
    found = run(values[:, :4], first, asked)
    assert asked == []
    assert found.best.tolist() == [0, 1, 2, 3]


def test_a_candidate_without_answers_loses() -> None:
    values, first = world(0)
    values[:, 0] = np.nan
    found = run(values, first)
    assert 0 not in found.best
    assert found.n_missing[0] == found.n_read[0] > 0
    assert np.isnan(found.scores[0])


@pytest.mark.parametrize("numbers", [(0, 4, 2), (10, 0, 2), (10, 4, 0)])
def test_a_race_of_none_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match="A race needs"):
        rounds_of(*numbers)


def test_more_than_everything_is_not_spent() -> None:
    with pytest.raises(InputError, match="spend"):
        rounds_of(10, 4, 2, spend=1.5)
