"""Intervals, nulls and corrections, beside cases that can be worked out by hand or with other functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from interpllm.select import inference


def test_the_interval_of_a_share_is_wilsons() -> None:
    found = inference.share(7, 20)
    other = binomtest(7, 20).proportion_ci(method="wilson")
    assert found == pytest.approx((0.35, other.low, other.high))


def test_no_row_gives_no_figure() -> None:
    assert np.isnan(
        [*inference.share(0, 0), *inference.auroc([], [1.0]), inference.permutation_p([], [1])]
    ).all()


def test_newcombes_interval_is_that_of_his_table() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table II, case (a), method 10: 56/70 - 48/80.
    found = inference.difference_of_shares((56, 70), (48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_area_is_that_of_scikit_learn_and_lies_in_its_interval() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(1, 1, 60).round(1), random.normal(0, 1, 40).round(1)
    found = inference.auroc(a, b)
    assert found.value == pytest.approx(roc_auc_score([1] * 60 + [0] * 40, np.concatenate([a, b])))
    assert found.low < found.value < found.high
    assert inference.area(a, b) == found.value


def test_p_is_even_where_there_is_no_difference() -> None:
    random = np.random.default_rng(0)
    p = [
        inference.permutation_p(random.random(30) < 0.5, random.random(30) < 0.5, 199, seed)
        for seed in range(200)
    ]
    assert np.mean(np.array(p) <= 0.1) <= 0.15


def test_p_is_small_where_there_is_one() -> None:
    assert inference.permutation_p([1] * 18 + [0] * 2, [0] * 18 + [1] * 2) < 0.001


def test_p_of_pairs_and_of_areas_is_small_for_nothing_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    pairs = [inference.paired_p(random.normal(size=16), "greater", 199, seed) for seed in range(100)]
    either = [inference.paired_p(random.normal(size=16), n_resamples=199) for _ in range(100)]
    sides = [random.integers(0, 2, (2, 21)) for _ in range(100)]
    areas = [inference.area_p(*both, 199, seed) for seed, both in enumerate(sides)]
    for p in (pairs, either, areas):
        assert 0.02 <= np.mean(np.array(p) <= 0.2) <= 0.32  # of 100, three standard errors


def test_p_of_pairs_is_exact_where_there_are_few() -> None:
    assert inference.paired_p([1, 1, 1, 1]) == pytest.approx(2 / 2**4)
    assert inference.paired_p([1, 1, 1, 1], "greater") == pytest.approx(1 / 2**4)
    assert inference.paired_p([0, 0]) == 1
    assert np.isnan([inference.paired_p([]), inference.area_p([], [1]), inference.area([1], [])]).all()


def test_the_interval_of_a_difference_of_shares_put_together_is_newcombes() -> None:
    found = inference.difference_of(inference.share(56, 70), inference.share(48, 80))
    assert found == pytest.approx(inference.difference_of_shares((56, 70), (48, 80)))


def test_a_mean_of_figures_is_surer_than_each() -> None:
    one = inference.share(5, 10)
    found = inference.mean_of([one] * 4)
    assert (found.value, found.high - found.value) == pytest.approx((0.5, (one.high - 0.5) / 2))
    assert np.isnan(inference.mean_of([])).all()


def test_holm_multiplies_the_smallest_by_how_many_there_are() -> None:
    assert inference.holm([0.01, 0.04, float("nan"), 0.03]) == pytest.approx([0.04, 0.09, 1.0, 0.09])
