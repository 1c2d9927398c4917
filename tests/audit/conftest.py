"""Small models whose every figure can be worked out."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from interpllm.runtime import (
    Branch,
    Clause,
    Compares,
    ConceptLinear,
    Lexicon,
    LinearModel,
    Question,
    RuleSetModel,
    TreeModel,
)

# For random models, tests/random_rows.py.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

WEIGHTS = {"lovely": 1.5, "great": 1.0, "fine": 0.25, "dull": -1.25, "awful": -2.0, "slow": -0.5}
TEXTS = [
    "a lovely and great film but slow",
    "an awful dull film with one fine scene",
    "great great fun and lovely music",
    "slow awful and dull",
    "a fine and lovely hour",
    "great story dull cast",
    "the awful music of a slow film",
    "lovely great fine",
]


@pytest.fixture
def texts() -> list[str]:
    """Texts with words that the models know and words that they do not."""
    return list(TEXTS)


@pytest.fixture
def unigrams() -> LinearModel:
    """An additive model of single words, without a norm."""
    return LinearModel(
        task="classification",
        target="opinion",
        classes=("bad", "good"),
        intercept=(0.1,),
        weights={word: (weight,) for word, weight in WEIGHTS.items()},
    )


@pytest.fixture
def tree() -> TreeModel:
    """A tree of words."""
    return TreeModel(
        task="classification",
        classes=("bad", "good"),
        link="share",
        trees=(
            (
                Branch(Lexicon(("lovely", "great")), 1, 2, (0.5, 0.5), 8),
                Branch(None, None, None, (0.1, 0.9), 4),
                Branch(Lexicon(("awful",)), 3, 4, (0.9, 0.1), 4),
                Branch(None, None, None, (0.99, 0.01), 3),
                Branch(None, None, None, (0.6, 0.4), 1),
            ),
        ),
        n_rows=8,
    )


@pytest.fixture
def rules_of_columns() -> RuleSetModel:
    """Rules over columns, without a text."""
    return RuleSetModel(
        task="classification",
        classes=("no", "yes"),
        link="logit",
        intercept=(-0.3,),
        clauses=(
            Clause((Compares("age", ">", 40.0),), (1.1,), 5),
            Clause((Compares("income", "<=", 10.0),), (-0.7,), 3),
        ),
        n_rows=10,
    )


@pytest.fixture
def questions() -> ConceptLinear:
    """A model of a question that only a language model answers."""
    return ConceptLinear(
        task="classification",
        classes=("bad", "good"),
        intercept=(0.0,),
        questions=(Question.of("Is it praised?"),),
        weights=((2.0,),),
        means=(0.5,),
    )
