"""Every estimator of texts keeps every promise of `check_text_estimator`."""

from __future__ import annotations

from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from interpllm.estimators import AugLinearClassifier, AugLinearRegressor
from interpllm.testing import check_text_estimator

# Of the checks that are ours, how many apply; scikit-learn's depend on the release that is installed.
ESTIMATORS = [
    (AugLinearClassifier(llm=None, cv=2, ngram_range=(1, 1)), 74),
    (AugLinearRegressor(llm=None, cv=2, ngram_range=(1, 1)), 63),
]


@pytest.mark.parametrize(("est", "n_checks"), ESTIMATORS, ids=lambda value: type(value).__name__)
def test_an_estimator_keeps_every_promise(est: Any, n_checks: int) -> None:
    with threadpool_limits(limits=1):  # a hundred fits on thirty rows: more threads only wait for each other
        names = check_text_estimator(est)
    assert sum(not name.startswith("sklearn.") for name in names) == n_checks
