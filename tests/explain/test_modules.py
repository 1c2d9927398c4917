"""Ready-made modules: one number a text, from a session, a model or a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from interpllm.errors import InputError
from interpllm.explain.modules import class_score, embedding_dimension, phrase_weights, question_answers
from interpllm.llm import Reply, Session
from interpllm.runtime import LinearModel, Phrase
from interpllm.testing import FakeLLM

TEXTS = ["good and great", "bad", "awful and bad", "great", "so so", "good"]
TWO = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.0,),
    weights={"great": (2.0,), "bad": (-1.0,)},
)


def test_a_dimension_is_that_of_the_embedding() -> None:
    session = Session(FakeLLM(name="vectors"))
    assert np.array_equal(embedding_dimension(session, 3)(TEXTS), session.embed(TEXTS)[:, 3])


def test_a_dimension_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="0 to 7"):
        embedding_dimension(Session(FakeLLM(name="vectors")), 8)(TEXTS)


def test_the_score_of_the_second_of_two_classes_is_the_decision() -> None:
    assert class_score(TWO)(TEXTS).tolist() == [2, -1, -1, 2, 0, 0]


def test_the_score_of_the_first_class_is_turned_round() -> None:
    assert np.array_equal(class_score(TWO, "bad")(TEXTS), -class_score(TWO, "good")(TEXTS))


def test_the_score_of_one_of_three_classes_is_its_column() -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, [0, 1, 1, 0, 2, 0])
    assert np.array_equal(class_score(model, 2)(TEXTS), model.decision_function(TEXTS)[:, 2])


def test_a_number_that_is_predicted_needs_no_class() -> None:
    model = make_pipeline(CountVectorizer(), Ridge()).fit(TEXTS, [1.0, 0.0, 0.0, 1.0, 0.5, 1.0])
    assert np.array_equal(class_score(model)(TEXTS), model.predict(TEXTS))


@pytest.mark.parametrize("label", [None, "none"])
def test_a_class_that_is_not_there_is_refused(label: Any) -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(TEXTS, [0, 1, 1, 0, 2, 0])
    with pytest.raises(InputError, match="one of the model's classes"):
        class_score(model, label)


def test_weights_of_phrases_are_summed() -> None:
    weighted = phrase_weights({"good": 1, Phrase("and bad"): -2})
    assert weighted(TEXTS).tolist() == [1, 0, -2, 0, 0, 1]


def test_an_answer_that_is_missing_is_no_number() -> None:
    declining = FakeLLM(lambda request: Reply(None, refusal="no", finish="stop"))
    assert np.isnan(question_answers(Session(declining), "Is it good?")(TEXTS)).all()
