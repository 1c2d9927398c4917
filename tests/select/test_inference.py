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


def test_p_is_even_where_there_is_no_difference() -> None:
    random = np.random.default_rng(0)
    p = [
        inference.permutation_p(random.random(30) < 0.5, random.random(30) < 0.5, 199, seed)
        for seed in range(200)
    ]
    assert np.mean(np.array(p) <= 0.1) <= 0.15


def test_p_is_small_where_there_is_one() -> None:
    assert inference.permutation_p([1] * 18 + [0] * 2, [0] * 18 + [1] * 2) < 0.001


def test_holm_multiplies_the_smallest_by_how_many_there_are() -> None:
    assert inference.holm([0.01, 0.04, float("nan"), 0.03]) == pytest.approx([0.04, 0.09, 1.0, 0.09])
