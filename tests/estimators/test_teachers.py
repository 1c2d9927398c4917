"""Whatever a teacher is, what it says comes in one form, and what it does not say stays missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from interpllm.errors import InputError
from interpllm.estimators.teachers import needs_fitting, needs_labels, soft_labels, soft_values

TEXTS = ["good film", "bad film", "good one", "bad one"] * 5
Y = np.array(["yes", "no"] * 10)


class Memory(ClassifierMixin, BaseEstimator):
    """Knows the texts that it was fitted on by heart, and no others."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.classes_ = np.unique(y)
        self.known_ = dict(zip(X, y, strict=True))
        self.weight_ = sample_weight
        return self

    def predict_proba(self, X: Any) -> Any:
        even = np.full(len(self.classes_), 1 / len(self.classes_))
        return np.array(
            [
                (self.classes_ == self.known_[text]).astype(float) if text in self.known_ else even
                for text in X
            ]
        )

    def predict(self, X: Any) -> Any:
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def pipeline() -> Any:
    return make_pipeline(CountVectorizer(), LogisticRegression())


def test_a_fitted_pipeline_is_asked_for_its_probabilities() -> None:
    teacher = pipeline().fit(TEXTS, Y)
    found = soft_labels(teacher, TEXTS[:3], None)
    assert found.classes.tolist() == ["no", "yes"]
    assert not found.cross_fitted
    np.testing.assert_allclose(found.soft, teacher.predict_proba(TEXTS[:3]))


def test_an_estimator_without_probabilities_gives_labels() -> None:
    teacher = make_pipeline(CountVectorizer(), LinearSVC()).fit(TEXTS, Y)
    assert soft_labels(teacher, TEXTS[:2], None).soft.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_a_teacher_never_answers_a_text_that_it_was_fitted_on() -> None:
    texts = [f"text {i}" for i in range(40)]
    found = soft_labels(Memory(), texts, np.tile(Y, 2))
    assert found.cross_fitted
    assert (found.soft == 0.5).all()


def test_nor_a_near_duplicate_of_one() -> None:
    found = soft_labels(Memory(), TEXTS, Y, groups=np.tile(np.arange(4), 5))
    assert (found.soft == 0.5).all()


def test_cross_fitting_leaves_the_teacher_unfitted() -> None:
    teacher = Memory()
    soft_labels(teacher, TEXTS, Y)
    assert needs_fitting(teacher)


def test_where_there_are_too_few_rows_to_cross_fit_labels_stay_labels() -> None:
    found = soft_labels(Memory(), ["a", "b"], np.array(["x", "y"]))
    assert not found.cross_fitted
    assert found.soft.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_a_class_that_a_part_lacks_has_probability_zero() -> None:
    texts = [f"text {i}" for i in range(41)]
    found = soft_labels(Memory(), texts, np.array([*np.tile(Y, 2), "rare"]), groups=np.arange(41))
    assert found.classes.tolist() == ["no", "rare", "yes"]
    np.testing.assert_allclose(found.soft.sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("said", "classes", "expected"),
    [
        (["b", "a", "b"], None, [[0, 1], [1, 0], [0, 1]]),
        ([True, False, True], None, [[0, 1], [1, 0], [0, 1]]),
        ([[0.2, 0.8], [3, 1], [0, 2]], None, [[0.2, 0.8], [0.75, 0.25], [0, 1]]),
        ([[0.2, 0.8], [0.6, 0.4], [0, 1]], ["z", "a"], [[0.8, 0.2], [0.4, 0.6], [1, 0]]),
        ([0.2, 0.5, 1.0], ["no", "yes"], [[0.8, 0.2], [0.5, 0.5], [0, 1]]),
        (["b", "b", "b"], ["a", "b"], [[0, 1], [0, 1], [0, 1]]),
    ],
    ids=["labels", "booleans", "probabilities", "named columns", "of the second class", "known classes"],
)
def test_what_a_function_may_say(said: Any, classes: Any, expected: Any) -> None:
    found = soft_labels(lambda texts: said, ["a", "b", "c"], None, classes=classes)
    np.testing.assert_allclose(found.soft, expected)
    assert found.classes.tolist() == sorted(found.classes.tolist())


@pytest.mark.parametrize(
    ("said", "classes"),
    [
        (["b", None, "a"], None),
        ([[0.5, 0.5], [np.nan, np.nan], [1, 0]], None),
        ([0.5, float("nan"), 0.2], ["no", "yes"]),
    ],
    ids=["labels", "probabilities", "of the second class"],
)
def test_what_a_function_does_not_say_is_missing(said: Any, classes: Any) -> None:
    found = soft_labels(lambda texts: said, ["a", "b", "c"], None, classes=classes)
    assert np.isnan(found.soft).all(axis=1).tolist() == [False, True, False]


class HuggingFace:
    """Speaks as a text-classification pipeline does."""

    task = "text-classification"

    def __call__(self, texts: list[str], top_k: Any = 1, truncation: bool = False) -> Any:
        assert truncation, "a pipeline that does not cut fails on long texts"
        p = [0.9 if "good" in text else 0.2 for text in texts]
        listed = [[{"label": "POS", "score": one}, {"label": "NEG", "score": 1 - one}] for one in p]
        return listed if top_k is None else [max(one, key=lambda c: c["score"]) for one in listed]


def test_a_hugging_face_pipeline_is_asked_for_all_its_scores() -> None:
    found = soft_labels(HuggingFace(), TEXTS[:2], None)
    assert found.classes.tolist() == ["NEG", "POS"]
    np.testing.assert_allclose(found.soft, [[0.1, 0.9], [0.8, 0.2]])


def test_scores_of_the_best_class_alone_leave_the_rest_to_the_others() -> None:
    found = soft_labels(lambda texts: HuggingFace()(texts, truncation=True), TEXTS[:2], None)
    np.testing.assert_allclose(found.soft, [[0.1, 0.9], [0.8, 0.2]])


@pytest.mark.parametrize(
    ("teacher", "classes", "said"),
    [
        (7, None, "A teacher is an estimator"),
        (lambda texts: ["a"], None, "gave 1 answers to 2 texts"),
        (lambda texts: [0.2, 0.7], None, "say what of"),
        (lambda texts: ["a", "c"], ["a", "b"], "calls row 1 'c'"),
        (lambda texts: [None, None], None, "answered none"),
        (lambda texts: [[0.5, 0.5], [-1, 2]], None, "answer to row 1"),
        (lambda texts: [[0.5, 0.5], [0, 0]], None, "answer to row 1"),
        (lambda texts: [[0.5, 0.5], [1, 0]], ["a"], "one column a class"),
    ],
)
def test_what_is_no_answer_is_refused(teacher: Any, classes: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        soft_labels(teacher, ["a", "b"], None, classes=classes)


def test_values_are_cross_fitted_too() -> None:
    y = np.array([2.0, 1.0] * 10)
    values, cross_fitted = soft_values(make_pipeline(CountVectorizer(), Ridge()), TEXTS, y)
    assert cross_fitted
    assert np.corrcoef(values, y)[0, 1] > 0.9
    assert (values != y).all()


def test_values_that_are_missing_stay_so() -> None:
    values, _ = soft_values(lambda texts: [1, None, "3"], ["a", "b", "c"], None)
    np.testing.assert_array_equal(values, [1.0, np.nan, 3.0])


@pytest.mark.parametrize(
    ("said", "expected"),
    [(["x", 1], "row 0 is 'x'"), ([1, float("inf")], "row 1 is not finite"), ([1], "gave 1 answers")],
)
def test_values_that_are_none_are_refused(said: Any, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        soft_values(lambda texts: said, ["a", "b"], None)


def test_only_an_unfitted_estimator_needs_labels() -> None:
    assert needs_labels(pipeline())
    assert not needs_labels(pipeline().fit(TEXTS, Y))
    assert not needs_labels(len)
