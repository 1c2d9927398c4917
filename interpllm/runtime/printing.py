"""What the printed forms of models have in common; :mod:`interpllm.runtime.parsing` reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from interpllm.runtime.features import Question
from interpllm.runtime.literals import literal
from interpllm.runtime.row_scoring import scores_of
from interpllm.runtime.vectorizer import Vectorizer

if TYPE_CHECKING:
    from interpllm.runtime.model import ReadableModel
    from interpllm.runtime.row_model import RowModel


def header(model: RowModel, more: Sequence[str] = ()) -> list[str]:
    """Give the lines above the rules: what is predicted, and how totals are read."""
    lines = [f"{title(model)}; link: {model.link}", *training(model)]
    if model.text:
        lines.append(f"text: {literal(model.text)}")
    lines += [question_line(question, question.id in model.stand_ins) for question in model.questions]
    if model.vectorizer is not None:
        lines.append(f"vectorizer: {_vectorizer(model.vectorizer)}")
    return [*lines, *more]


def title(model: ReadableModel) -> str:
    """Say the kind of a model and what it predicts."""
    of = f" of {literal(model.target)}" if model.target else ""
    into = f" into {', '.join(map(literal, model.classes))}" if model.classes else ""
    return f"{type(model).__name__}: {model.task}{of}{into}"


def training(model: ReadableModel) -> list[str]:
    """Say what the training rows were, if that is known."""
    if not model.n_rows and not model.base:
        return []
    base = f"; base: {numbers(model.base)}" if model.base else ""
    return [f"training: {model.n_rows} rows{base}"]


def question_line(question: Question, has_stand_in: bool) -> str:
    """Say all of a question."""
    counts = f"; counts: {literal(question.counts)}" if question.counts else ""
    answered = "stand-in" if has_stand_in else "needs a language model"
    return f"question: {question.id} {literal(question.text)}{counts}; source: {question.source}; {answered}"


def branches(nodes: Sequence[Any], line: Callable[[Any], str]) -> Iterator[str]:
    """Draw the nodes of a tree: the yes branch below its node, the no branch below an else."""
    ahead = [(0, "")]  # the nodes still to draw with their indent; -1 draws an "else"
    while ahead:
        number, indent = ahead.pop()
        if number < 0:
            yield f"{indent}else"
            continue
        node = nodes[number]
        yield indent + line(node)
        if node.yes is not None:
            ahead += [(node.no, indent + "  "), (-1, indent), (node.yes, indent + "  ")]


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
