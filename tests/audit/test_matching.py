"""Features are the same by their values, and sets of them are stable or not."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.audit.matching import identities, matched, nogueira
from interpllm.errors import InputError

N_CANDIDATES, SIZE, FITS = 200, 20, 10


def random_sets(seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    table = np.zeros((FITS, N_CANDIDATES))
    for row in table:
        row[random.choice(N_CANDIDATES, SIZE, replace=False)] = 1
    return table


def test_identical_sets_have_stability_one() -> None:
    table = np.zeros((FITS, N_CANDIDATES))
    table[:, :SIZE] = 1
    assert nogueira(table) == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("seed", range(10))
def test_random_sets_have_stability_zero(seed: int) -> None:
    assert abs(nogueira(random_sets(seed)).value) <= 0.05


def test_its_interval_holds_what_random_sets_have() -> None:
    found = [nogueira(random_sets(seed)) for seed in range(200)]
    held = np.mean([one.low <= 0 <= one.high for one in found])
    assert 0.88 <= held <= 0.99


def test_it_is_the_published_formula() -> None:
    table = np.array([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 1, 0, 0, 0]])
    shares = np.array([1, 2 / 3, 1 / 3, 0, 0])
    expected = 1 - np.mean(3 / 2 * shares * (1 - shares)) / (2 / 5 * 3 / 5)
    assert nogueira(table).value == pytest.approx(expected)


def test_candidates_that_nobody_chose_count() -> None:
    table = random_sets(0)
    seen = table[:, table.any(axis=0)]
    assert nogueira(seen, N_CANDIDATES) == pytest.approx(nogueira(table))
    assert nogueira(seen).value < nogueira(table).value


def test_a_single_choice_is_refused() -> None:
    with pytest.raises(InputError, match="give two"):
        nogueira(np.ones((1, 3)))


def test_features_are_matched_by_their_values_in_whatever_order() -> None:
    table = np.random.default_rng(0).random((50, 6))
    order = [3, 1, 5, 0, 2, 4]
    assert identities([table, table[:, order]], 0.8) == [list(range(6)), order]


def test_a_feature_and_its_opposite_are_one() -> None:
    table = np.random.default_rng(0).random((50, 3))
    assert identities([table, 1 - table], 0.8) == [[0, 1, 2], [0, 1, 2]]


def test_features_below_the_threshold_are_new() -> None:
    random = np.random.default_rng(0)
    assert identities([random.random((50, 3)), random.random((50, 3))], 0.8) == [[0, 1, 2], [3, 4, 5]]


def test_pairs_are_one_to_one_and_sum_to_the_most() -> None:
    # Greedy pairing would take the first two, and leave the others a poor pair.
    random = np.random.default_rng(1)
    base = random.normal(size=(400, 2))
    one = base
    other = np.column_stack([base[:, 0] + 0.3 * base[:, 1], base[:, 0]])
    pairs = matched(one, other, 0.0)
    assert {(a, b) for a, b, _ in pairs} == {(0, 1), (1, 0)}


def test_a_constant_feature_is_like_no_other() -> None:
    values = np.column_stack([np.full(20, 0.1), np.arange(20)])
    assert [pair[:2] for pair in matched(values, values, 0.5)] == [(1, 1)]
