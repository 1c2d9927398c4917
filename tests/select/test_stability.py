"""How often questions are chosen again on complementary halves of the rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.select.stability import selection_frequency

Y = np.arange(60) % 2
RANDOM = np.random.default_rng(0)
ANSWERS = np.column_stack([Y, (RANDOM.random((60, 9)) < 0.5)]).astype(float)


def two_closest(rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The two questions whose answers differ the most between the labels."""
    means = [ANSWERS[rows][Y[rows] == label].mean(axis=0) for label in (0, 1)]
    return np.argsort(-np.abs(means[1] - means[0]), kind="stable")[:2]


def test_what_is_always_chosen_has_frequency_one() -> None:
    found = selection_frequency(two_closest, 10, Y, n_pairs=10, random_state=0)
    assert found.frequency[0] == found.both[0] == 1
    assert found.stable(0.9).tolist() == [0]


def test_frequencies_sum_to_the_number_chosen() -> None:
    found = selection_frequency(two_closest, 10, Y, n_pairs=10, random_state=0)
    assert found.n_chosen == 2
    assert np.isclose(found.frequency.sum(), 2)


def test_halves_are_complementary_and_balanced() -> None:
    seen: list[NDArray[np.intp]] = []

    def choose(rows: NDArray[np.intp]) -> list[int]:
        seen.append(rows)
        return []

    selection_frequency(choose, 10, Y, n_pairs=3, random_state=0)
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert sorted([*first, *second]) == list(range(60))
        assert Y[first].sum() == Y[second].sum() == 15
    assert seen[0].tolist() != seen[2].tolist()


def test_groups_are_not_divided_by_halves() -> None:
    groups = np.arange(60) // 4
    both: list[set[int]] = []
    selection_frequency(lambda rows: both.append(set(groups[rows])) or [], 1, Y, groups=groups, n_pairs=2)
    assert not both[0] & both[1] | both[2] & both[3]


def test_both_counts_the_pairs_whose_two_halves_agree() -> None:
    # Chosen only on the half that holds row 0: on one half of each pair, never on both.
    found = selection_frequency(lambda rows: [0] if 0 in rows else [], 2, Y, n_pairs=4)
    assert found.frequency.tolist() == [0.5, 0]
    assert found.both.tolist() == [0, 0]


def test_the_bound_is_that_of_the_paper() -> None:
    found = selection_frequency(two_closest, 10, Y, n_pairs=5)
    assert np.isclose(found.false_at(0.75), 2**2 / 10 / (2 * 0.75 - 1))


def test_a_threshold_of_one_half_bounds_nothing_and_is_refused() -> None:
    with pytest.raises(InputError, match=r"above \.5"):
        selection_frequency(two_closest, 10, Y, n_pairs=1).false_at(0.5)


def test_a_class_of_one_row_does_not_stop_the_halving() -> None:
    y = Y.copy()
    y[0] = 2
    assert selection_frequency(lambda rows: [0], 1, y, n_pairs=2).frequency[0] == 1


def test_rows_of_one_group_cannot_be_halved() -> None:
    with pytest.raises(InputError, match="one group"):
        selection_frequency(two_closest, 10, Y, groups=np.zeros(60))
