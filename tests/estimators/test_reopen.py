"""A saved model in an estimator again asks, answers and distils as the fitted one would."""

from __future__ import annotations

import pandas as pd
import pytest
from concept_oracle import TOPICS, oracle, question, rows, texts_asked

from interpllm.errors import InputError
from interpllm.estimators.reopen import model_inputs, reopen
from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel, Node, Question

TEXTS, LABELS = rows(60)
REFUND, DAMAGE = (Question.of(question(topic)) for topic in ("refund", "damage"))
LINEAR = ConceptLinear(
    task="classification",
    classes=("complaint", "other"),
    intercept=(5.0,),
    questions=(REFUND, DAMAGE),
    weights=((-10.0,), (-10.0,)),
    means=(0.5, 0.5),
)
TREE = ConceptTree(
    task="classification",
    classes=("complaint", "other"),
    questions=(REFUND, DAMAGE),
    means=(0.5, 0.5),
    nodes=(
        Node(0, 1, 2, (0.5, 0.5), 4),
        Node(None, None, None, (1.0, 0.0), 1),
        Node(1, 3, 4, (0.3, 0.7), 3),
        Node(None, None, None, (1.0, 0.0), 1),
        Node(None, None, None, (0.0, 1.0), 2),
    ),
)


@pytest.mark.parametrize("model", [LINEAR, TREE])
def test_it_predicts_texts_by_asking(model: ConceptLinear | ConceptTree, tmp_path: object) -> None:
    estimator = reopen(model, llm=oracle(), soft=False, cache=str(tmp_path))
    assert estimator.predict(TEXTS).tolist() == LABELS


def test_a_tree_asks_only_what_stands_on_the_way(tmp_path: object) -> None:
    estimator = reopen(TREE, llm=oracle(), soft=False, cache=str(tmp_path))
    _, answers = model_inputs(estimator, TEXTS)
    refunds = ["refund" in text.split() for text in TEXTS]
    assert [value != value for value in answers[DAMAGE.id]] == refunds


def test_given_answers_are_not_asked_for(tmp_path: object) -> None:
    fake = oracle()
    given = pd.DataFrame(
        {
            q.text: [float(topic in text.split()) for text in TEXTS]
            for q, topic in ((REFUND, "refund"), (DAMAGE, "damage"))
        }
    )
    texts, answers = model_inputs(reopen(LINEAR, llm=fake, cache=str(tmp_path)), given, TEXTS)
    assert (texts, texts_asked(fake)) == (TEXTS, 0)
    assert LINEAR.predict(texts, answers) == LABELS


def test_a_model_of_ngrams_is_refused() -> None:
    model = LinearModel(task="regression", intercept=(0.0,), weights=dict.fromkeys(TOPICS, (1.0,)))
    with pytest.raises(InputError, match="asks no questions"):
        reopen(model)  # type: ignore[arg-type]
