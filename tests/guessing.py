"""Who answers in the checks: a language model that knows a few words, and teachers that learn words."""

from __future__ import annotations

import re
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge

from interpllm.testing import FakeLLM

_LISTED = re.compile(r"\A[^\n]*: (.*) or (.*)\?\n")
_SAID = (
    {"awful", "terrible", "dull", "hate", "cold", "slow", "silly"},
    {"lovely", "wonderful", "great", "love", "warm", "funny", "wise"},
    {"parcel", "invoice", "courier", "order", "ordered", "address", "delivery"},
)


def guess(prompt: str, option: str) -> float:
    """Log-probability of a name by its place among those that the prompt lists, and the words of the text."""
    found = _LISTED.search(prompt)
    if found is None:
        return 0.0
    names = [*found[1].split(", "), found[2]]
    said = re.findall(r"\w+", prompt.rpartition("Text: ")[2].rpartition("\n")[0].lower())
    place = names.index(option.strip())
    hits = sum(word in _SAID[place] for word in said) if place < len(_SAID) else 0
    # Words that say nothing still make a difference, or all texts without the others would be one class.
    return 3.0 * hits + 0.001 * (sum(map(len, said)) * (place + 1) % 7)


def guesser() -> FakeLLM:
    """The same model each time it is made."""
    return FakeLLM(scores=guess, batch_size=256, name="guesses by words")


class WordClassifier(ClassifierMixin, BaseEstimator):
    """A teacher that is quick to fit: logistic regression on words."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.words_ = CountVectorizer(token_pattern=r"\w+").fit(X)
        self.model_ = LogisticRegression().fit(self.words_.transform(X), y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.model_.predict_proba(self.words_.transform(X))

    def predict(self, X: Any) -> Any:
        return self.model_.predict(self.words_.transform(X))


class WordRegressor(RegressorMixin, BaseEstimator):
    """A teacher of numbers that is quick to fit."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.words_ = CountVectorizer(token_pattern=r"\w+").fit(X)
        self.model_ = Ridge(alpha=0.3).fit(self.words_.transform(X), y, sample_weight)
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(self.words_.transform(X))
