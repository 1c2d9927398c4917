"""The figures of agreement, beside other libraries and by hand."""

from __future__ import annotations

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from interpllm.answer import cohen_kappa, corrected_effect, gwet_ac1, krippendorff_alpha, rogan_gladen
from interpllm.errors import InputError

MARKS = st.sampled_from([0.0, 1.0, 2.0, math.nan])


@given(st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(MARKS, min_size=n, max_size=n), min_size=3)))
def test_alpha_is_that_of_the_krippendorff_package(units: list[list[float]]) -> None:
    data = np.array(units).T
    try:
        with np.errstate(all="ignore"):
            known = krippendorff.alpha(data, level_of_measurement="nominal")
    except (AssertionError, ValueError):  # there is nothing to be told apart
        known = math.nan
    ours = krippendorff_alpha(data)
    assert math.isnan(known) or ours == pytest.approx(known, abs=1e-9)


def test_alpha_of_krippendorffs_own_example() -> None:
    # Krippendorff (2011), section C: four observers, nominal data with missing values, alpha .743.
    nan = math.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    assert krippendorff_alpha(observers) == pytest.approx(0.743, abs=5e-4)


def test_kappa_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 3, (2, 200))
    assert cohen_kappa(one, other) == pytest.approx(cohen_kappa_score(one, other), abs=1e-12)


def test_pairs_with_nan_are_left_out() -> None:
    one, other = [1, 0, 1, math.nan, 1], [1, 0, 0, 1, math.nan]
    assert cohen_kappa(one, other) == cohen_kappa(one[:3], other[:3])
    assert gwet_ac1(one, other) == gwet_ac1(one[:3], other[:3])


def test_ac1_by_hand() -> None:
    # 118 of 125 alike as yes, 2 + 5 differ: chance agreement 2 q (1 - q) with q the mean share of yes.
    one, other = [1] * 118 + [1] * 5 + [0] * 2, [1] * 118 + [0] * 5 + [1] * 2
    q = (123 + 120) / 250
    chance = 2 * q * (1 - q)
    assert gwet_ac1(one, other) == pytest.approx((118 / 125 - chance) / (1 - chance))


def test_ac1_stays_high_where_kappa_falls_for_want_of_one_answer() -> None:
    one, other = [1] * 48 + [0, 1], [1] * 48 + [1, 0]
    assert cohen_kappa(one, other) < 0 < 0.9 < gwet_ac1(one, other)


@pytest.mark.parametrize("figure", [cohen_kappa, gwet_ac1])
def test_without_pairs_there_is_no_figure(figure) -> None:  # type: ignore[no-untyped-def]
    assert math.isnan(figure([math.nan, 1], [1, math.nan]))


def test_kappa_and_alpha_of_one_answer_throughout_are_unknown() -> None:
    assert math.isnan(cohen_kappa([1, 1, 1], [1, 1, 1]))
    assert math.isnan(krippendorff_alpha([[1, 1, 1], [1, 1, 1]]))


def test_rows_of_two_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="one length"):
        cohen_kappa([1, 0], [1])


def test_rogan_gladen_undoes_known_errors() -> None:
    true, se, sp = 0.3, 0.8, 0.9
    assert rogan_gladen(true * se + (1 - true) * (1 - sp), se, sp) == pytest.approx(true)


def test_rogan_gladen_stays_a_share() -> None:
    assert (rogan_gladen(0.02, 0.9, 0.9), rogan_gladen(0.99, 0.9, 0.9)) == (0.0, 1.0)


def test_answers_no_better_than_chance_cannot_be_corrected() -> None:
    assert math.isnan(rogan_gladen(0.5, 0.5, 0.5))
    assert math.isnan(corrected_effect(0.2, 0.4, 0.6))


def test_a_corrected_difference_is_the_true_one() -> None:
    se, sp = 0.85, 0.7
    seen = [p * se + (1 - p) * (1 - sp) for p in (0.6, 0.2)]
    assert corrected_effect(seen[0] - seen[1], se, sp) == pytest.approx(0.4)
