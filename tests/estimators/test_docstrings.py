"""The examples in the estimators' docstrings do what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import interpllm

ESTIMATORS = [
    "AugLinearClassifier",
    "AugLinearRegressor",
    "ConceptLinearClassifier",
    "ConceptLinearRegressor",
    "ConceptTreeClassifier",
    "ConceptVectorizer",
    "DistilledClassifier",
    "DistilledRegressor",
    "LLMClassifier",
    "from_imodels",
    "from_sklearn",
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_example_of_a_docstring_runs(name: str) -> None:
    found = doctest.DocTestFinder(recurse=False).find(getattr(interpllm, name), name)
    runner = doctest.DocTestRunner()
    results = [runner.run(test) for test in found]
    assert sum(result.attempted for result in results) >= 4
    assert not any(result.failed for result in results)
