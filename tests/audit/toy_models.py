"""Models of words that were chosen, and texts of them, for the tests of this folder."""

from __future__ import annotations

import numpy as np

from interpllm.runtime import Branch, Clause, Lexicon, LinearModel, RuleListModel, RuleSetModel, TreeModel

WORDS = ["great", "awful", "fine", "slow", "broken", "lovely", "late", "cheap", "red", "blue"]


def texts_of(n: int, seed: int = 0) -> list[str]:
    """Texts of four different words each."""
    random = np.random.default_rng(seed)
    return [" ".join(random.choice(WORDS, 4, replace=False)) for _ in range(n)]


LINEAR = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.1,),
    weights={
        "great": (2.0,),
        "lovely": (1.5,),
        "fine": (0.7,),
        "cheap": (-0.4,),
        "awful": (-2.2,),
        "broken": (-1.4,),
        "late": (-0.8,),
    },
)
RULE_LIST = RuleListModel(
    task="classification",
    classes=("bad", "good"),
    link="share",
    clauses=(
        Clause((Lexicon(("awful", "broken")),), (0.9, 0.1), 30),
        Clause((Lexicon(("great",)),), (0.2, 0.8), 30),
        Clause((Lexicon(("late",)),), (0.7, 0.3), 30),
    ),
    otherwise=(0.3, 0.7),
    otherwise_rows=10,
    n_rows=100,
)
RULE_SET = RuleSetModel(
    task="classification",
    classes=("bad", "good"),
    link="logit",
    intercept=(0.2,),
    clauses=(
        Clause((Lexicon(("awful", "slow")),), (-1.3,), 30),
        Clause((Lexicon(("great",)),), (1.1,), 30),
        Clause((Lexicon(("lovely",)),), (0.6,), 30),
    ),
)
TREE = TreeModel(
    task="classification",
    classes=("bad", "good"),
    link="share",
    trees=(
        (
            Branch(Lexicon(("awful",)), 1, 2, (0.5, 0.5), 100),
            Branch(None, None, None, (0.9, 0.1), 40),
            Branch(Lexicon(("great", "fine")), 3, 4, (0.3, 0.7), 60),
            Branch(None, None, None, (0.1, 0.9), 40),
            Branch(None, None, None, (0.6, 0.4), 20),
        ),
    ),
)
