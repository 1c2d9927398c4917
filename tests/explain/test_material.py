"""Rows are read in an order in which every stretch is like all, and parts lack nothing that is needed."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.explain.material import in_turn, material


def test_groups_take_turns_as_long_as_they_last() -> None:
    y = np.repeat([0, 1], [30, 10])
    order = in_turn(y, 0)
    assert sorted(order.tolist()) == list(range(40))
    assert y[order][:20].sum() == 10
    assert not y[order][20:].any()


def test_the_order_is_drawn_from_the_seed() -> None:
    y = np.repeat([0, 1], 20)
    assert in_turn(y, 3).tolist() == in_turn(y, 3).tolist() != in_turn(y, 4).tolist()


def test_without_proposing_no_row_is_spent_on_it() -> None:
    texts = [f"w{number} x{number} y{number}" for number in range(40)]
    found = material(texts, np.tile([0, 1], 20), ("a", "b"), None, False, 0)
    assert found.counts()["propose"] == {"a": 0, "b": 0}
    assert len(found.parts.select) + len(found.parts.confirm) == 40


def test_a_group_that_a_part_lacks_is_named() -> None:
    texts = [f"w{number} x{number} y{number}" for number in range(40)]
    with pytest.raises(InputError, match="too few of 'b'"):
        material(texts, np.repeat([0, 1], [37, 3]), ("a", "b"), None, True, 0)
