"""A proposer is shown rows of each class in turn, hard ones first, and none outside what it was given."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.propose.contrast import MOST_GROUPS, Contrast

TEXTS = [f"text {row}" for row in range(40)]


def test_each_class_is_shown_with_rows_of_its_own() -> None:
    y = np.arange(40) % 2
    shown = Contrast(TEXTS, y, ["bad", "good"], rows_per_group=5).draw()
    assert list(shown) == ["bad", "good"]
    assert [len(rows) for rows in shown.values()] == [5, 5]
    assert all(y[row.row] == position for position, name in enumerate(shown) for row in shown[name])


def test_no_row_is_shown_twice_before_all_were() -> None:
    contrast = Contrast(TEXTS, np.arange(40) % 2, ["bad", "good"], rows_per_group=5)
    shown = [row.row for _ in range(4) for rows in contrast.draw().values() for row in rows]
    assert sorted(shown) == list(range(40))


def test_equal_texts_are_shown_once() -> None:
    contrast = Contrast(["same", "same ", "other", "good"], [0, 0, 0, 1], ["bad", "good"], rows_per_group=5)
    assert len(contrast.draw()["bad"]) == 2


def test_low_and_high_values_are_contrasted() -> None:
    shown = Contrast(TEXTS, np.arange(40.0), None, rows_per_group=8).draw()
    assert list(shown) == ["low values", "high values"]
    assert max(row.row for row in shown["low values"]) < 20 <= min(row.row for row in shown["high values"])


def test_values_that_are_mostly_the_same_are_still_contrasted() -> None:
    shown = Contrast(TEXTS, [3.0] * 38 + [1.0, 5.0], None).draw()
    assert [row.row for row in shown["high values"]] == [39]


def test_many_classes_take_turns() -> None:
    names = [f"class {letter}" for letter in "abcdefghij"]
    contrast = Contrast(TEXTS, np.arange(40) % 10, names, rows_per_group=2)
    shown = [list(contrast.draw()) for _ in range(5)]
    assert {len(groups) for groups in shown} == {MOST_GROUPS}
    counts = [sum(name in groups for groups in shown) for name in names]
    assert set(counts) == {MOST_GROUPS * 5 // 10}


def test_hard_rows_are_shown_first_and_marked_beside_others() -> None:
    residual = [31, 1, 3, 5, 7, 9, 11]
    shown = Contrast(TEXTS, np.arange(40) % 2, ["bad", "good"], residual, rows_per_group=6).draw()
    assert [row.row for row in shown["good"] if row.hard] == [31, 1, 3]
    assert not any(row.hard for row in shown["bad"])
    assert len(shown["good"]) == len(shown["bad"]) == 6


def test_hard_rows_fill_up_where_a_class_has_no_others() -> None:
    shown = Contrast(TEXTS[:6], [0, 0, 0, 0, 1, 1], ["bad", "good"], [0, 1, 2, 3], rows_per_group=4).draw()
    assert [row.hard for row in shown["bad"]] == [True] * 4


def test_the_seed_decides_the_order() -> None:
    y = np.arange(40) % 2
    draws = [Contrast(TEXTS, y, ["bad", "good"], random_state=seed).draw() for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(
    ("y", "classes", "message"),
    [
        ([1] * 40, ["bad", "good"], "all 40 rows are of 'good'"),
        ([2.5] * 40, None, "same value"),
        ([0, 1] * 10, ["bad", "good"], "40 texts but 20 labels"),
        ([0, 2] * 20, ["bad", "good"], "positions in the 2 classes"),
        ([0, 1] * 20, ["good", "good"], "same name"),
    ],
)
def test_labels_that_contrast_nothing_are_refused(
    y: list[float], classes: list[str] | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Contrast(TEXTS, y, classes)


def test_a_hard_row_that_is_none_of_the_rows_is_refused() -> None:
    with pytest.raises(InputError, match="positions of the 40 rows"):
        Contrast(TEXTS, np.arange(40) % 2, ["bad", "good"], residual=[40])
