"""Shapley values from all subsets and from pairs of them, against their definition."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.explain.shapley import (
    attribute,
    cross_fitted,
    design,
    held_out,
    linear_datamodeling_score,
    predicted,
)

Array = NDArray[np.float64]
Game = Callable[[Array], Array]


def by_definition(game: Game, n: int) -> Array:
    """Mean over all orders of what a player adds."""
    added = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        masks = np.zeros((n + 1, n))
        for place, player in enumerate(order):
            masks[place + 1 :, player] = 1
        added[list(order)] += np.diff(game(masks))
    return added / len(orders)


def pairwise_game(n: int, seed: int = 0) -> tuple[Game, Array]:
    """A game in which players count alone and in twos, and its Shapley values."""
    rng = np.random.default_rng(seed)
    alone, twos = rng.normal(size=n), np.triu(rng.normal(size=(n, n)), 1)
    values = alone + (twos.sum(0) + twos.sum(1)) / 2
    return (lambda masks: masks @ alone + np.einsum("mi,ij,mj->m", masks, twos, masks)), values


def rough_game(n: int, seed: int = 0) -> Game:
    """A game in which players count in threes."""
    threes = np.random.default_rng(seed).normal(size=(n, n, n))
    return lambda masks: np.einsum("mi,mj,mk,ijk->m", masks, masks, masks, threes, optimize=True)


def fitted(game: Game, n: int, n_calls: int = 64, seed: int = 0) -> Array:
    plan = design(n, n_calls, seed)
    ends = game(np.array([np.zeros(n), np.ones(n)]))
    return attribute(plan, game(plan.masks.astype(float)), ends[0], ends[1]).values


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_of_all_subsets_they_are_what_the_definition_says(n: int) -> None:
    game = rough_game(n)
    np.testing.assert_allclose(fitted(game, n), by_definition(game, n), atol=1e-9)


@pytest.mark.parametrize("n", [9, 20, 32])
def test_pairs_are_without_error_where_players_count_in_twos(n: int) -> None:
    game, values = pairwise_game(n)
    np.testing.assert_allclose(fitted(game, n), values, atol=1e-8)


def test_more_subsets_come_closer() -> None:
    game = rough_game(10)
    exact = fitted(game, 10, 2**10)
    errors = [
        np.mean([np.abs(fitted(game, 10, calls, seed) - exact).mean() for seed in range(8)])
        for calls in (40, 160, 640)
    ]
    assert errors[0] > 1.3 * errors[1] > 1.3**2 * errors[2]


def test_intervals_cover_the_exact_values() -> None:
    game = rough_game(10)
    exact = fitted(game, 10, 2**10)
    ends = game(np.array([np.zeros(10), np.ones(10)]))
    inside = []
    for seed in range(20):
        plan = design(10, 128, seed)
        found = attribute(plan, game(plan.masks.astype(float)), *ends, random_state=seed)
        inside.append(np.abs(found.values - exact) < 1.96 * found.standard_errors)
    assert 0.85 < np.mean(inside) < 1


def test_they_add_up_though_values_are_missing() -> None:
    plan = design(10)
    values = rough_game(10)(plan.masks.astype(float))
    values[::7] = np.nan
    assert attribute(plan, values, 1.0, 4.0).values.sum() == pytest.approx(3.0)


def test_the_uncertainty_of_values_is_passed_on() -> None:
    # phi = (v(a) - v(empty) + v(both) - v(b)) / 2, and the variance of v(a) and of v(b) is .04
    found = attribute(design(2), [1.0, 2.0], 0.0, 3.0, variances=[0.0, 0.0, 0.04, 0.04])
    np.testing.assert_allclose(found.standard_errors, np.sqrt(0.02))


@pytest.mark.parametrize(("n", "n_calls"), [(9, 64), (12, 100), (32, 64), (10, 10)])
def test_subsets_are_distinct_and_come_with_their_complements(n: int, n_calls: int) -> None:
    plan = design(n, n_calls)
    assert (
        len({row.tobytes() for row in plan.masks}) == len(plan.masks) == max(n_calls - 2, 2 * n + 8) // 2 * 2
    )
    assert (plan.masks[0::2] == ~plan.masks[1::2]).all()
    assert set(range(1, n)) >= set(plan.masks.sum(1).tolist())


def test_held_out_subsets_were_not_valued() -> None:
    plan = design(9)
    rows = {row.tobytes() for row in held_out(9, 16, plan.masks)}
    assert len(rows) == 16
    assert not rows & {row.tobytes() for row in plan.masks}


@pytest.mark.parametrize(
    ("n_calls", "n_held_out", "exact"), [(492, 16, False), (494, 16, True), (492, 18, True)]
)
def test_all_subsets_are_taken_where_too_few_would_be_left(
    n_calls: int, n_held_out: int, exact: bool
) -> None:
    plan = design(9, n_calls, n_held_out=n_held_out)
    assert plan.exact == exact
    assert len(plan.masks) == (510 if exact else n_calls - 2)


def test_more_subsets_than_there_are_left_cannot_be_held_out() -> None:
    taken = design(8).masks[:-4]
    assert len(held_out(8, 4, taken)) == 4
    with pytest.raises(InputError, match="4 subsets are left, and 5"):
        held_out(8, 5, taken)


def test_what_adds_up_is_predicted_and_noise_is_not() -> None:
    plan, rng = design(8), np.random.default_rng(0)
    weights = rng.normal(size=8)
    real = plan.masks @ weights
    known = linear_datamodeling_score(cross_fitted(plan, real, 0.0, weights.sum()), real)
    noise = rng.normal(size=len(real))
    guessed = linear_datamodeling_score(cross_fitted(plan, noise, 0.0, 0.1), noise)
    assert known.value == pytest.approx(1.0)
    assert guessed.value < 0.3


def test_a_score_of_what_never_varies_is_missing() -> None:
    masks = design(5).masks
    assert np.isnan(linear_datamodeling_score(predicted(masks, np.zeros(5), -3.0), np.full(30, -3.0)).value)
