"""Many segments in groups: none is lost, and what is strong is opened until it stands alone."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.explain.segment_groups import MOST_PARTS, coarse, finer, most_rounds


@pytest.mark.parametrize("n", [1, 32, 33, 129, 1000])
def test_every_segment_stays_in_one_stretch(n: int) -> None:
    parts, rng = coarse(n), np.random.default_rng(0)
    for _ in range(most_rounds(n)):
        assert (parts.sum(0) == 1).all()
        assert len(parts) <= MOST_PARTS
        # Stretches in order: which part a segment is in never falls.
        assert (np.diff(parts.argmax(0)) >= 0).all()
        parts = finer(parts, rng.normal(size=len(parts)))


@pytest.mark.parametrize("n", [33, 129, 1000, 3000])
def test_what_is_strong_ends_up_alone(n: int) -> None:
    strong = [n // 3, n - 1]
    parts = coarse(n)
    for _ in range(most_rounds(n) - 1):
        parts = finer(parts, parts[:, strong] @ np.ones(2))
    assert parts[parts[:, strong].any(1)].sum(1).tolist() == [1, 1]


def test_up_to_32_there_are_no_groups() -> None:
    assert most_rounds(32) == 1
    assert (coarse(32) == np.eye(32)).all()
