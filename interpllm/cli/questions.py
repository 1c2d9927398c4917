"""Questions in files, and tables whose columns answer them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interpllm.cli.table import Table, read
from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, ConceptSet, ConceptTree, load

if TYPE_CHECKING:
    import pandas as pd

_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_MISSING = ("", "na", "nan", "none", "null", "?")


def opened(path: str) -> ConceptSet | ConceptLinear | ConceptTree:
    """The set, or the model of questions, in a file.

    Raises
    ------
    InputError
        When there is no such file, or its model asks no questions.
    DocumentError
        When it is neither.
    """
    if not Path(path).is_file():
        raise InputError(
            f"there is no file {path}; interpllm fit --estimator concepts makes a model of questions, and "
            "interpllm concepts add a file of questions."
        )
    try:
        is_set = json.loads(Path(path).read_bytes())["kind"] == "concept_set"
    except (ValueError, TypeError, KeyError, RecursionError):
        is_set = False  # the strict reader below says what is wrong with it
    if is_set:
        return ConceptSet.load(path)
    model = load(path)
    if not isinstance(model, ConceptLinear | ConceptTree):
        raise InputError(f"{path}: this model asks no questions of its own; see: interpllm rules {path}")
    return model


def question_file(path: str) -> ConceptSet:
    """The questions in a file: a set, those of a model, or the lines of a .txt file."""
    if Path(path).suffix.lower() == ".txt":
        return ConceptSet.of([line for line in read(path).texts(None) if line.strip()])
    found = opened(path)
    return found if isinstance(found, ConceptSet) else ConceptSet(found.questions)


def answers_in(table: Table, name: str) -> list[float]:
    """A column as answers from 0 (no) to 1 (yes), NaN where there is none.

    Raises
    ------
    InputError
        When a value is no answer; the message names the row.
    """
    found = []
    for row, value in enumerate(table.columns[name], start=1):
        answer = _answer(value)
        if answer is None:
            raise InputError(
                f"{table.source}, row {row} (the first is 1): {str(value)!r:.80} in column {name!r:.200} is "
                "no answer; write 0 to 1, yes, no, or nothing. With --answers every column but the label and "
                "the text is a question."
            )
        found.append(answer)
    return found


def _answer(value: object) -> float | None:
    if value is None:
        return math.nan
    if isinstance(value, str):
        word = value.strip().casefold()
        if word in _MISSING:
            return math.nan
        if word in _WORDS:
            return _WORDS[word]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isnan(number) or 0 <= number <= 1 else None


def frame_of(table: Table, names: Sequence[str]) -> pd.DataFrame:
    """Columns of answers as a frame.

    Raises
    ------
    InputError
        When there is none, or a value is no answer.
    """
    import pandas as pd

    if not names:
        raise InputError(f"{table.source} has no columns of answers beside the label and the text.")
    if not len(table):
        raise InputError(f"{table.source} has no rows below its header.")
    return pd.DataFrame({name: answers_in(table, name) for name in names})
