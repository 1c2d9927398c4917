"""The verbs of an exported model: what it has below the source of the tokenizer and the scorer.

Here the names in capitals are placeholders; the exported file goes on to assign its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from interpllm.runtime.scoring import Scorer, winner

CLASSES: tuple[Any, ...] = ()
SCORER = Scorer({}, (0.0,), (1, 1), "none")


def rows(texts: Iterable[str]) -> Iterable[str]:
    """Refuse one text in place of a list, of which each character would be a text."""
    if isinstance(texts, str):
        raise TypeError("one text was given where a list of texts is expected; put it in a list: [text]")
    return texts


def scores(texts: Iterable[str]) -> list[list[float]]:
    """Score texts: one number each for a regression and for two classes, else one a class."""
    return [SCORER.scores(text) for text in rows(texts)]


def decision_function(texts: Iterable[str]) -> list[Any]:
    """Score texts: a number each (two classes: above 0 is the second), or a list with one a class."""
    return [row[0] if len(row) == 1 else row for row in scores(texts)]


def predict(texts: Iterable[str]) -> list[Any]:
    """Predict the class of each text; for a regression its value."""
    return [CLASSES[winner(row)] if CLASSES else row[0] for row in scores(texts)]


def predict_proba(texts: Iterable[str]) -> list[list[float]]:
    """Predict the probability of each class, in the order of CLASSES, for each text."""
    if not CLASSES:
        raise ValueError("a regression model has no probabilities; use predict")
    return [SCORER.shares(text) for text in rows(texts)]


def read_table(table: str) -> dict[str, tuple[float, ...]]:
    """Read lines of weights, a tab, an n-gram."""
    pairs = (line.split("\t") for line in table.splitlines() if line)
    return {gram: tuple(map(float, weights.split())) for weights, gram in pairs}


def main() -> None:
    """Read one text a line from standard input, write one prediction a line to standard output."""
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        sys.stdout.buffer.write(f"{predict([text])[0]}\n".encode())
