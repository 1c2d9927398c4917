"""What follows of a rule from the few counts that a model keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import some
from scipy.stats import binomtest

from interpllm.runtime.evidence import Evidence, of_class, of_mean, wilson


@some
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    right, n = counts
    expected = binomtest(right, n).proportion_ci(0.95, method="wilson")
    assert wilson(right / n, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_recall_and_lift_follow_from_the_shares_of_the_classes() -> None:
    found = of_class(Evidence(20, 0.75, (3, 5)), base=0.3, n_rows=100, source="bank")
    assert (found.recall, found.lift) == (pytest.approx(15 / 30), pytest.approx(2.5))
    assert (found.source, found.examples) == ("bank", (3, 5))


def test_what_is_not_known_stays_open() -> None:
    assert of_class(Evidence(20, 0.75), None, 100, "data")[2:4] == (None, None)
    assert of_class(Evidence(0, None), 0.3, 100, "llm")[1:6] == (None,) * 5
    assert of_mean(Evidence(4, 2.5), "data")[2:6] == (None,) * 4


def test_a_mean_has_the_interval_that_was_kept() -> None:
    assert of_mean(Evidence(4, 2.5, (), (1.0, 4.0)), "data")[4:6] == (1.0, 4.0)
