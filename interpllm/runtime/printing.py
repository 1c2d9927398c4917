"""What the printed forms of models over rows have in common; :mod:`interpllm.runtime.printed` reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from interpllm.runtime.literals import literal
from interpllm.runtime.row_scoring import scores_of
from interpllm.runtime.vectorizer import Vectorizer

if TYPE_CHECKING:
    from interpllm.runtime.row_model import RowModel


def header(model: RowModel, more: Sequence[str] = ()) -> list[str]:
    """Give the lines above the rules: what is predicted, and how totals are read."""
    of = f" of {literal(model.target)}" if model.target else ""
    into = f" into {', '.join(map(literal, model.classes))}" if model.classes else ""
    lines = [f"{type(model).__name__}: {model.task}{of}{into}; link: {model.link}"]
    if model.n_rows or model.base:
        base = f"; base: {numbers(model.base)}" if model.base else ""
        lines.append(f"training: {model.n_rows} rows{base}")
    if model.text:
        lines.append(f"text: {literal(model.text)}")
    for question in model.questions:
        counts = f"; counts: {literal(question.counts)}" if question.counts else ""
        answered = "stand-in" if question.id in model.stand_ins else "needs a language model"
        lines.append(
            f"question: {question.id} {literal(question.text)}{counts}; source: {question.source}; {answered}"
        )
    if model.vectorizer is not None:
        lines.append(f"vectorizer: {_vectorizer(model.vectorizer)}")
    return [*lines, *more]


def numbers(values: Iterable[float]) -> str:
    """Write numbers so that they can be read back to the last bit."""
    return ", ".join(map(repr, values))


def outcome(model: RowModel, value: Sequence[float]) -> str:
    """Say what a total speaks for."""
    if model.link in ("share", "clip"):
        return literal(model._decide(scores_of(value, model.link)))
    prediction, _ = model._lean(value)
    if model.link == "identity":
        return repr(value[0])
    return literal(prediction)


def _vectorizer(vectorizer: Vectorizer) -> str:
    parts: dict[str, Any] = {
        "cut": vectorizer.cut,
        "ngram_range": list(vectorizer.ngram_range),
        "stop_words": list(vectorizer.stop_words),
        "count": vectorizer.count,
        "norm": vectorizer.norm,
        "idf": dict(vectorizer.idf),
    }
    return json.dumps(parts, ensure_ascii=True)
