"""The examples in the estimators' docstrings do what they say."""

from __future__ import annotations

import doctest

import pytest

import interpllm


@pytest.mark.parametrize("name", ["AugLinearClassifier", "AugLinearRegressor"])
def test_the_example_of_a_docstring_runs(name: str) -> None:
    found = doctest.DocTestFinder(recurse=False).find(getattr(interpllm, name), name)
    runner = doctest.DocTestRunner()
    results = [runner.run(test) for test in found]
    assert sum(result.attempted for result in results) >= 4
    assert not any(result.failed for result in results)
