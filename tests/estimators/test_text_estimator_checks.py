"""Every estimator of texts keeps every promise of `check_text_estimator`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from guessing import WordClassifier, WordRegressor, guesser
from threadpoolctl import threadpool_limits

from interpllm.estimators import (
    AugLinearClassifier,
    AugLinearRegressor,
    AugTreeClassifier,
    AugTreeRegressor,
    DistilledClassifier,
    DistilledRegressor,
    LLMClassifier,
)
from interpllm.testing import check_text_estimator

PLAIN: dict[str, Any] = {"llm": None, "cv": 2, "ngram_range": (1, 1)}

# Of the checks that are ours, how many apply; scikit-learn's depend on the release that is installed.
ESTIMATORS = [
    (AugLinearClassifier(**PLAIN), 75),
    (AugLinearRegressor(**PLAIN), 64),
    (AugTreeClassifier(None, ngram_range=(1, 1)), 75),
    (AugTreeClassifier(None, n_trees=3, ngram_range=(1, 1)), 75),
    (AugTreeRegressor(None, ngram_range=(1, 1)), 64),
    (DistilledClassifier(WordClassifier(), holdout=0, **PLAIN), 74),
    (DistilledRegressor(WordRegressor(), holdout=0, **PLAIN), 64),
    (LLMClassifier(guesser()), 60),
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(("est", "n_checks"), ESTIMATORS, ids=lambda value: type(value).__name__)
def test_an_estimator_keeps_every_promise(est: Any, n_checks: int) -> None:
    with threadpool_limits(limits=1):  # a hundred fits on thirty rows: more threads only wait for each other
        names = check_text_estimator(est)
    assert sum(not name.startswith("sklearn.") for name in names) == n_checks
