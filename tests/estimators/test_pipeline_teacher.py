"""A text-classification pipeline of transformers teaches a table of n-grams."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

pytest.importorskip("transformers")

from tiny_models import tiny_text_classifier
from transformers import pipeline

from interpllm import DistilledClassifier
from interpllm.estimators.teachers import soft_labels

WORDS = ["bad", "good", "slow", "fine", "loud", "cheap", "late", "warm", "dull", "kind"]
TEXTS = [" ".join(words) for words in itertools.combinations(WORDS, 4)]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Random weights, real classes."""
    folder = str(tiny_text_classifier(tmp_path_factory.mktemp("teacher")))
    return pipeline("text-classification", model=folder, tokenizer=folder, device="cpu")


def test_it_is_asked_for_the_probability_of_each_class(teacher: Any) -> None:
    found = soft_labels(teacher, TEXTS[:4], None)
    assert found.classes.tolist() == ["angry", "calm"]
    for text, row in zip(TEXTS, found.soft, strict=False):
        said = {one["label"]: one["score"] for one in teacher(text, top_k=None)}
        np.testing.assert_allclose(row, [said["angry"], said["calm"]], atol=1e-5)


def test_a_text_longer_than_it_can_read_is_cut(teacher: Any) -> None:
    found = soft_labels(teacher, ["good " * 500, "good"], None)
    assert np.isfinite(found.soft).all()


def test_a_table_of_ngrams_learns_to_answer_as_it_does(teacher: Any, tmp_path: Path) -> None:
    with threadpool_limits(limits=1):
        model = DistilledClassifier(teacher, llm=None, random_state=0).fit(TEXTS)
    assert model.classes_.tolist() == ["angry", "calm"]
    truth = np.array([one["label"] for one in teacher(TEXTS)])
    guess = max(np.mean(truth == label) for label in model.classes_)
    assert guess < 0.8, "the teacher has to tell something apart"
    assert np.mean(model.predict(TEXTS) == truth) > guess + 0.1
    model.export(tmp_path / "model.json")
    assert clone(model).teacher is not None
