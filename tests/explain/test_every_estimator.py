"""The ledgers of every estimator: on a thousand rows they add up to what the model decides by."""

from __future__ import annotations

from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from concept_oracle import TOPICS, rows
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from interpllm import estimators
from interpllm.estimators import (
    AugLinearClassifier,
    AugLinearRegressor,
    AugTreeClassifier,
    AugTreeRegressor,
    ConceptLinearClassifier,
    ConceptLinearRegressor,
    ConceptTreeClassifier,
    ConceptTreeRegressor,
    DistilledClassifier,
    DistilledRegressor,
    PromptTreeClassifier,
    RuleListClassifier,
    RuleSetClassifier,
    RuleSetRegressor,
    from_sklearn,
)
from interpllm.explain import LocalExplanation
from interpllm.explain.subject import outputs_of
from interpllm.testing import FakeLLM

N = 1000


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def is_complaint(texts: list[str]) -> list[str]:
    return ["complaint" if {"refund", "damage"} & set(text.split()) else "other" for text in texts]


def how_many(texts: list[str]) -> list[float]:
    return [float(len(set(text.split()) & set(TOPICS))) for text in texts]


def answered(texts: list[str]) -> pd.DataFrame:
    """Answers to a question a topic, some of them missing."""
    cells = {f"Does it speak of {topic}?": [float(topic in t.split()) for t in texts] for topic in TOPICS}
    frame = pd.DataFrame(cells)
    return frame.mask(np.random.default_rng(0).random(frame.shape) < 0.05)


def likes(prompt: str, option: str) -> float:
    return -1.0 - (("damage" in prompt) == (option == " other"))


def tree_of_words(texts: list[str], y: list[str]) -> Any:
    fitted = make_pipeline(CountVectorizer(), DecisionTreeClassifier(max_depth=4, random_state=0)).fit(
        texts, y
    )
    return from_sklearn(fitted)


WITH_TEXTS = {
    AugLinearClassifier: lambda: AugLinearClassifier(None),
    AugLinearRegressor: lambda: AugLinearRegressor(None),
    AugTreeClassifier: lambda: AugTreeClassifier(None, random_state=0),
    AugTreeRegressor: lambda: AugTreeRegressor(None, random_state=0),
    DistilledClassifier: lambda: DistilledClassifier(is_complaint, llm=None, cv=2, ngram_range=(1, 1)),
    DistilledRegressor: lambda: DistilledRegressor(how_many, llm=None, cv=2, ngram_range=(1, 1)),
    PromptTreeClassifier: lambda: PromptTreeClassifier(
        FakeLLM(scores=likes, batch_size=64, name="likes"), prompts=["{text}\nThis is"]
    ),
    RuleListClassifier: lambda: RuleListClassifier(None, random_state=0),
    RuleSetClassifier: lambda: RuleSetClassifier(None, random_state=0),
    RuleSetRegressor: lambda: RuleSetRegressor(None, random_state=0),
}
WITH_ANSWERS = {
    ConceptLinearClassifier: lambda: ConceptLinearClassifier(None, random_state=0),
    ConceptLinearRegressor: lambda: ConceptLinearRegressor(None, random_state=0),
    ConceptTreeClassifier: lambda: ConceptTreeClassifier(None, random_state=0),
    ConceptTreeRegressor: lambda: ConceptTreeRegressor(None, random_state=0),
}


def adds_up(model: Any, X: Any) -> None:
    """Base + contributions are the decision function, output by output, to 1e-9."""
    explained = model.explain(X)
    if not isinstance(explained, LocalExplanation):  # of the runtime
        explained = LocalExplanation(explained, outputs_of(model))
    assert len(explained) == N
    decided = getattr(model, "decision_function", model.predict)(X)
    for ledger, scores in zip(explained, np.reshape(decided, (N, -1)), strict=True):
        columns = zip(ledger.base, *(part.values for part in ledger.contributions), strict=True)
        assert [*map(fsum, columns)] == pytest.approx(scores.tolist(), abs=1e-9)
    frame = explained.frame()
    totals = frame.groupby("row")["contribution"].sum()
    if len(explained.outputs) == 1:
        bases = np.array([ledger.base[0] for ledger in explained])
        np.testing.assert_allclose(
            bases + totals.reindex(range(N), fill_value=0.0), np.ravel(decided), atol=1e-9
        )


def test_every_estimator_that_explains_is_here() -> None:
    known = {getattr(estimators, name) for name in estimators.__all__}
    assert {kind for kind in known if hasattr(kind, "explain")} == {*WITH_TEXTS, *WITH_ANSWERS}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", WITH_TEXTS, ids=lambda kind: kind.__name__)
def test_the_ledgers_of_texts_add_up(kind: Any) -> None:
    texts, _ = rows(160)
    y: Any = how_many(texts) if kind.__name__.endswith("Regressor") else is_complaint(texts)
    model = WITH_TEXTS[kind]()
    model = model.fit(texts) if kind in (DistilledClassifier, DistilledRegressor) else model.fit(texts, y)
    adds_up(model, rows(N, seed=1)[0])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", WITH_ANSWERS, ids=lambda kind: kind.__name__)
def test_the_ledgers_of_answers_add_up(kind: Any) -> None:
    texts, _ = rows(240)
    y: Any = how_many(texts) if kind.__name__.endswith("Regressor") else is_complaint(texts)
    adds_up(WITH_ANSWERS[kind]().fit(answered(texts), y), answered(rows(N, seed=1)[0]))


def test_the_ledgers_of_a_converted_tree_add_up() -> None:
    texts, _ = rows(160)
    adds_up(tree_of_words(texts, is_complaint(texts)), rows(N, seed=1)[0])


def test_a_tree_quotes_the_words_that_fulfilled_a_condition() -> None:
    texts, _ = rows(160)
    model = AugTreeClassifier(None, random_state=0).fit(texts, is_complaint(texts))
    paths = model.explain(["w1 DAMAGE w2", "w1 w2"]).paths()
    said = paths[paths["condition"].str.contains("damage")]
    assert said["held"].tolist() == [True, False]
    assert said["evidence"].tolist() == [("DAMAGE",), ()]
