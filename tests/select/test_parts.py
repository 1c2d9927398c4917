"""Rows are split into parts that propose, select and confirm; what belongs together stays together."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.select.parts import Parts, split_rows

LABELS = np.array(["a", "b", "c"])[np.random.default_rng(0).choice(3, 400, p=[0.6, 0.3, 0.1])]


def test_every_row_is_in_one_part() -> None:
    parts = split_rows(LABELS, random_state=0)
    together = np.concatenate([parts.propose, parts.select, parts.confirm])
    assert sorted(together) == list(range(400))


def test_parts_have_the_sizes_asked_for() -> None:
    parts = split_rows(LABELS, sizes=(0.1, 0.6, 0.3), random_state=1)
    assert np.allclose([len(parts.propose), len(parts.select), len(parts.confirm)], [40, 240, 120], atol=3)


def test_classes_are_balanced_between_parts() -> None:
    parts = split_rows(LABELS, random_state=2)
    whole = (LABELS == "c").mean()
    for rows in (parts.propose, parts.select, parts.confirm):
        assert abs((LABELS[rows] == "c").mean() - whole) < 0.02


def test_values_are_balanced_by_their_quantiles() -> None:
    y = np.random.default_rng(3).lognormal(size=300)
    parts = split_rows(y, random_state=0)
    top = y > np.quantile(y, 0.9)
    assert [int(top[rows].sum()) for rows in (parts.propose, parts.select, parts.confirm)] == [9, 12, 9]


def test_groups_are_not_divided() -> None:
    groups = np.random.default_rng(4).integers(0, 60, 400)
    parts = split_rows(LABELS, groups=groups, random_state=0)
    of = [set(groups[rows]) for rows in (parts.propose, parts.select, parts.confirm)]
    assert not of[0] & of[1] | of[0] & of[2] | of[1] & of[2]


def test_near_duplicate_texts_are_not_divided() -> None:
    texts = [
        f"w{row // 2}a w{row // 2}b w{row // 2}c w{row // 2}d w{row // 2}e end{row}" for row in range(400)
    ]
    parts = split_rows(LABELS, texts, random_state=0)
    of = [set(rows // 2) for rows in (parts.propose, parts.select, parts.confirm)]
    assert not of[0] & of[1] | of[0] & of[2] | of[1] & of[2]


def test_a_group_and_a_near_duplicate_of_one_of_its_rows_stay_together() -> None:
    texts = [f"text number {row}" for row in range(400)]
    texts[7] = texts[8]
    groups = np.arange(400)
    groups[8] = groups[9]
    for seed in range(10):
        parts = split_rows(LABELS, texts, groups, random_state=seed)
        assert {7, 8, 9} & set(parts.select) in (set(), {7, 8, 9})


def test_texts_that_all_hang_together_are_still_split_and_counted() -> None:
    texts = [f"a b c d e f{row // 2} g h i j k" for row in range(40)]
    parts = split_rows(np.arange(40) % 2, texts, random_state=0)
    assert parts.n_chained == 40
    assert len(parts.select) == 16
    of = [set(rows // 2) for rows in (parts.propose, parts.select, parts.confirm)]
    assert not of[0] & of[1] | of[0] & of[2] | of[1] & of[2], "equal texts stay together"


def test_a_size_of_zero_leaves_a_part_empty() -> None:
    parts = split_rows(LABELS, sizes=(0, 0.5, 0.5), random_state=0)
    assert len(parts.propose) == 0
    assert abs(len(parts.select) - 200) <= 2


def test_a_class_of_one_row_goes_to_the_selecting_part() -> None:
    y = np.array(["common"] * 99 + ["rare"])
    assert all(99 in split_rows(y, random_state=seed).select for seed in range(10))


def test_the_same_seed_gives_the_same_parts() -> None:
    first, second, other = (split_rows(LABELS, random_state=seed).select.tolist() for seed in (5, 5, 6))
    assert first == second != other


def test_one_class_alone_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"same label.*republican"):
        split_rows(["republican"] * 20)


@pytest.mark.parametrize("sizes", [(0.5, 0.5, 0.5), (1.2, -0.2, 0.0), (0.5, 0.5)])
def test_sizes_that_are_no_shares_are_refused(sizes: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="sum to 1"):
        split_rows(LABELS, sizes=sizes)


def test_fewer_groups_than_parts_are_refused() -> None:
    with pytest.raises(InputError, match="2 groups of rows"):
        split_rows(["a", "b"] * 5, groups=[0] * 5 + [1] * 5)


def test_texts_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="texts and y"):
        split_rows(["a", "b", "a"], ["x", "y"])


@pytest.mark.parametrize("part", ["propose", "select"])
def test_a_row_that_confirms_does_nothing_else(part: str) -> None:
    rows = {"propose": np.array([0, 1]), "select": np.array([2, 3]), "confirm": np.array([4, 5])}
    rows[part] = np.append(rows[part], 5)
    with pytest.raises(InputError, match=f"Row 5 is to {part} and to confirm"):
        Parts(**rows)
