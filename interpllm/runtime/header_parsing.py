"""The first lines of a printed model, up to the first empty one: what is predicted, and how."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from interpllm.errors import InputError
from interpllm.runtime import checks
from interpllm.runtime.features import Question
from interpllm.runtime.grammar import Reader
from interpllm.runtime.model import TASKS
from interpllm.runtime.vectorizer import Vectorizer
from interpllm.runtime.whole import AND_GRAMS, ANSWERS, BRANCHES, gram_sum, outputs

#: Lines with their places in the printed model.
Lines = Sequence[tuple[int, str]]

#: Parts of a model that is being read, by name; a name that starts with "_" is to be compared with the rest.
Parts = dict[str, Any]


class At(InputError):
    """What is wrong with a line."""

    def __init__(self, line: int, error: Exception | str) -> None:
        super().__init__(str(error))
        self.line = line


def read_header(
    lines: Lines, linked: bool, needs: Sequence[str], may: Sequence[str]
) -> tuple[Parts, list[Question], Lines]:
    """Read the lines up to the first empty one.

    Parameters
    ----------
    lines : sequence of (int, str)
    linked : bool
        Whether the first line tells a link, as those of models over rows do; else questions tell their means.
    needs, may : sequence of str
        Lines that have to be there, and that can.

    Returns
    -------
    (dict, list of Question, lines)
        Parts of the model, its questions, and the lines that follow.
    """
    parts: Parts = {}
    questions: list[Question] = []
    told: set[str] = set()
    texts: set[str] = set()
    end = next((place for place, (_, line) in enumerate(lines) if not line.strip()), len(lines))
    for number, line in lines[:end]:
        try:
            if not parts:
                parts = _title(line, linked)
                continue
            name, colon, rest = line.partition(": ")
            if not colon or name not in (*needs, *may):
                raise InputError(f"{line!r:.80} is not understood")
            if name in told and name != "question":
                raise InputError(f"the line {name!r} stands twice")
            told.add(name)
            if name == "question":
                question = _question(Reader(rest), None if linked else parts)
                if linked and question.text in texts:  # rules name a question by its text alone
                    raise InputError(f"two questions have the text {question.text!r:.200}")
                texts.add(question.text)
                questions.append(question)
            else:
                _LINES[name](rest, parts)
        except InputError as error:
            raise At(number, error) from None
    if missing := [name for name in needs if name not in told]:
        raise At(lines[end - 1][0] if end else 0, f"there is no line {missing[0]!r} up to here")
    return parts, questions, lines[end:]


def _title(line: str, linked: bool) -> Parts:
    reader = Reader(line.partition(": ")[2])
    parts: Parts = {"task": _word(reader)}
    checks.require(parts["task"] in TASKS, f"the task is one of {TASKS}, not {parts['task']!r:.80}")
    if reader.maybe("of"):
        parts["target"] = reader.string()
    if reader.maybe("into"):
        parts["classes"] = reader.several(reader.value)
    if linked:
        reader.need(";", "link", ":")
        parts["link"] = _word(reader)
    reader.end()
    checks.labels(parts.get("classes", ()), parts["task"])
    return parts


def _word(reader: Reader) -> str:
    found = reader.peek()[1]
    reader.place += 1
    return found


def _training(rest: str, parts: Parts) -> None:
    reader = Reader(rest)
    parts["n_rows"] = reader.whole()
    reader.need("rows")
    if reader.maybe(";", "base", ":"):
        parts["base"] = reader.numbers()
    reader.end()


def _text(rest: str, parts: Parts) -> None:
    reader = Reader(rest)
    parts["text"] = reader.string()
    reader.end()


def _question(reader: Reader, parts: Parts | None) -> Question:
    """Read a question; its mean, too, where there are `parts` to put it into."""
    name = _word(reader)
    text, counts = reader.string(), ""
    if reader.maybe(";", "counts", ":"):
        counts = reader.string()
    reader.need(";", "source", ":")
    source = _word(reader)
    reader.need(";")
    if not reader.maybe("stand-in"):
        reader.need("needs", "a", "language", "model")
    if parts is not None:
        reader.need(";", "mean", ":")
        mean = reader.number()
        checks.require(0.0 <= mean <= 1.0, f"the mean of answers is from 0 to 1, not {mean}")
        parts.setdefault("means", []).append(mean)
    reader.end()
    return Question(name, text, counts, source)


def _vectorizer(rest: str, parts: Parts) -> None:
    try:
        found = json.loads(rest)
        parts["vectorizer"] = Vectorizer(**{**found, "ngram_range": tuple(found["ngram_range"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError("the vectorizer is not understood") from None


def _trees(rest: str, parts: Parts) -> None:
    reader = Reader(rest)
    parts["combine"] = _word(reader)
    if reader.maybe(";", "intercept", ":"):
        parts["intercept"] = reader.numbers()
    reader.end()


def _intercept(rest: str, parts: Parts) -> None:
    reader = Reader(rest)
    parts["intercept"] = reader.numbers()
    reader.end()


def _score(rest: str, parts: Parts) -> None:
    start, _, how = rest.partition(" plus ")
    _intercept(start, parts)
    n = n_outputs(parts)
    checks.require(
        len(parts["intercept"]) == n, f"the intercept has {len(parts['intercept'])} numbers where {n} belong"
    )
    if how in (ANSWERS, AND_GRAMS):
        parts["_gram_lines"] = how == AND_GRAMS
        return
    orders = re.search(r" ([0-9]{1,2}) to ([0-9]{1,2}) ", how)
    if orders is not None:
        lo, hi = checks.orders([*map(int, orders.groups())])
        for norm in ("none", "sqrt"):
            if how == gram_sum(lo, hi, norm):
                parts.update(ngram_range=(lo, hi), norm=norm)
                return
    raise InputError(f"{how!r:.200} is no way to make a score")


def _weights(rest: str, parts: Parts) -> None:
    expected = outputs(parts.get("classes", ()))
    checks.require(rest == expected, f"expected {expected!r:.400} where {rest!r:.200} stands")


def _n_grams(rest: str, parts: Parts) -> None:
    reader = Reader(rest)
    parts["_n_grams"] = reader.whole()
    reader.end()


def _answers(rest: str, parts: Parts) -> None:
    checks.require(rest == BRANCHES, f"expected {BRANCHES!r} where {rest!r:.200} stands")


def n_outputs(parts: Parts) -> int:
    """Give the number of scores of a model that is being read."""
    n = len(parts.get("classes", ()))
    return n if n > 2 else 1


_LINES: Mapping[str, Callable[[str, Parts], None]] = {
    "training": _training,
    "text": _text,
    "vectorizer": _vectorizer,
    "trees": _trees,
    "intercept": _intercept,
    "score": _score,
    "weights": _weights,
    "n-grams": _n_grams,
    "answers": _answers,
}
