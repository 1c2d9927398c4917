"""A probe teaches about a row from other rows alone."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.propose.teacher import Probe


def grouped(n_groups: int = 40, size: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Groups of rows of one label, and a state column for each group that is the label and 0 elsewhere."""
    groups = np.repeat(np.arange(n_groups), size)
    y = np.random.default_rng(0).permutation(n_groups) % 2
    own = np.zeros((len(groups), n_groups), dtype=np.float32)
    own[np.arange(len(groups)), groups] = 10 * (2 * y[groups] - 1)
    return groups, y[groups], own  # type: ignore[return-value]


def test_a_label_that_leaks_within_a_group_is_not_passed_on() -> None:
    groups, y, own = grouped()
    rows = np.arange(len(y))
    honest = Probe(own, y, np.ones(len(y)), groups, 2).soft(rows)[:, 0]
    leaking = Probe(own, y, np.ones(len(y)), np.arange(len(y)), 2).soft(rows)[:, 0]
    assert ((leaking > 0.5) == y).mean() > 0.9, "the plant is what a probe could use"
    assert abs(((honest > 0.5) == y).mean() - 0.5) < 0.25
    assert np.ptp(honest) < 0.3


def test_what_holds_across_groups_is_taught() -> None:
    groups, y, _ = grouped()
    states = (y[:, None] + 0.3 * np.random.default_rng(0).normal(size=(len(y), 5))).astype(np.float32)
    soft = Probe(states, y, np.ones(len(y)), groups, 2).soft(np.arange(len(y)))
    assert soft.shape == (len(y), 1)
    assert ((soft[:, 0] > 0.5) == y).mean() > 0.95


def test_rows_that_were_not_given_are_not_learned_from() -> None:
    states = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y = (states[:, 0] > 0).astype(int)
    rows, other = np.arange(20), y.copy()
    other[20:] = 1 - other[20:]
    soft = [Probe(states, labels, np.ones(40), np.arange(40), 2).soft(rows) for labels in (y, other)]
    np.testing.assert_array_equal(*soft)


def test_the_penalty_is_chosen_once() -> None:
    states = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    probe = Probe(states, (states[:, 0] > 0).astype(int), np.ones(60), np.arange(60), 2)
    probe.soft(np.arange(40))
    strength = probe._strength
    probe.y = np.random.default_rng(0).permutation(probe.y)
    probe.soft(np.arange(60))
    assert probe._strength == strength


def test_many_classes_have_a_probability_each() -> None:
    y = np.arange(60) % 3
    states = (np.eye(3)[y] + 0.2 * np.random.default_rng(0).normal(size=(60, 3))).astype(np.float32)
    soft = Probe(states, y, np.ones(60), np.arange(60), 3).soft(np.arange(60))
    np.testing.assert_allclose(soft.sum(axis=1), 1, rtol=1e-6)
    assert (soft.argmax(axis=1) == y).mean() > 0.95


def test_values_are_taught_in_a_regression() -> None:
    states = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    y = 3 * states[:, 0].astype(float) + 5
    soft = Probe(states, y, np.ones(80), np.arange(80), 0).soft(np.arange(80))
    assert soft.shape == (80, 1)
    assert np.corrcoef(soft[:, 0], y)[0, 1] > 0.99


@pytest.mark.parametrize(("n_classes", "y", "prior"), [(2, [0, 1, 1], [2 / 3]), (0, [1.0, 2.0, 6.0], [3.0])])
def test_one_group_alone_is_told_the_mean(n_classes: int, y: list[float], prior: list[float]) -> None:
    states = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    probe = Probe(states, np.array(y), np.ones(3), np.zeros(3, dtype=int), n_classes)
    np.testing.assert_allclose(probe.soft(np.arange(3)), [prior] * 3)
