"""The verbs of an exported model: what it has below the source of the tokenizer and the scorer.

Here the names in capitals are placeholders; the exported file goes on to assign its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from interpllm.runtime.scoring import Scorer, winner

CLASSES: tuple[Any, ...] = ()
COLUMNS: dict[str, str] = {}
SCORER = Scorer({}, (0.0,), (1, 1), "none")


def listed(rows: Iterable[Any]) -> Iterable[Any]:
    """Refuse one row in place of a list, of a text each character would be a row."""
    if isinstance(rows, str | Mapping):
        raise TypeError("one row was given where a list of rows is expected; put it in a list: [row]")
    return rows


def scores(rows: Iterable[Any]) -> list[list[float]]:
    """Score rows: one number each for a regression and for two classes, else one a class."""
    return [SCORER.scores(row) for row in listed(rows)]


def decision_function(rows: Iterable[Any]) -> list[Any]:
    """Score rows: a number each (two classes: above 0 is the second), or a list with one a class."""
    return [found[0] if len(found) == 1 else found for found in scores(rows)]


def predict(rows: Iterable[Any]) -> list[Any]:
    """Predict the class of each row; for a regression its value."""
    return [CLASSES[winner(found)] if CLASSES else found[0] for found in scores(rows)]


def predict_proba(rows: Iterable[Any]) -> list[list[float]]:
    """Predict the probability of each class, in the order of CLASSES, for each row."""
    if not CLASSES:
        raise ValueError("a regression model has no probabilities; use predict")
    return [SCORER.shares(row) for row in listed(rows)]


def read_table(table: str) -> dict[str, tuple[float, ...]]:
    """Read lines of weights, a tab, an n-gram."""
    pairs = (line.split("\t") for line in table.splitlines() if line)
    return {gram: tuple(map(float, weights.split())) for weights, gram in pairs}


def main() -> None:
    """Read a row a line from standard input (a text, or JSON where there are columns), write predictions."""
    for line in sys.stdin.buffer:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        row = json.loads(text) if COLUMNS else text
        sys.stdout.buffer.write(f"{predict([row])[0]}\n".encode())
