"""A model as a card for people: what it predicts, what it decides by, how it was made, where it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interpllm.export.check import Request
from interpllm.runtime import LinearModel, Model
from interpllm.runtime.ledger import Rule
from interpllm.runtime.literals import literal
from interpllm.runtime.row_model import RowModel

#: Whatever Markdown or HTML would take for markup.
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>])")

_MOST_RULES = 200


def render(model: Model, request: Request) -> str:
    """Write a model card.

    Parameters
    ----------
    model : any kind of model
        Also one that needs a language model; the card says so.
    request : Request

    Returns
    -------
    str
    """
    parts = [
        _head(model),
        _table("Decides by", ("rule", *_HEADS), _rules(model)),
        _questions(model),
        _made(model),
        _failures(model),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(value: Any) -> str:
    """Write a value so that no part of it is taken for markup: one line, nothing unseen."""
    shown = literal(value)[1:-1].replace('\\"', '"') if isinstance(value, str) else str(value)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;")
    return _MARKUP.sub(r"\\\1", shown) if isinstance(value, str) else shown


def _head(model: Model) -> str:
    title = f"Model card: {plain(model.target)}" if model.target else "Model card"
    classes = ", ".join(map(plain, model.classes))
    needs = [] if isinstance(model, LinearModel) else list(model.unanswered)
    rows = [
        ("kind", type(model).__name__),
        ("task", model.task + (f" into {classes}" if classes else "")),
        ("training rows", f"{model.n_rows:,}" if model.n_rows else "not known"),
        ("terms", f"{model.n_terms:,}"),
        ("needs a language model", ", ".join(map(plain, needs)) or "no"),
    ]
    if model.base:
        shares = ", ".join(f"{share:.3f}" for share in model.base)
        rows.append(("shares of the classes" if model.classes else "mean of the training rows", shares))
    if isinstance(model, RowModel) and model.columns:
        looked = ", ".join(f"{plain(name)} ({kind})" for name, kind in model.columns.items())
        rows.append(("columns", looked))
    return f"# {title}\n\n" + _rows(("", ""), rows)


_HEADS = ("speaks for", "weight", "rows", "share of rows", "precision", "95 % interval", "from")


def _rules(model: Model) -> list[tuple[str, ...]]:
    rules = model.rules()
    rows = [_rule(rule) for rule in rules[:_MOST_RULES]]
    left = len(rules) - len(rows)
    return [*rows, (f"and {left:,} weaker ones", *[""] * len(_HEADS))] if left else rows


def _rule(rule: Rule) -> tuple[str, ...]:
    low, high = getattr(rule, "low", None), getattr(rule, "high", None)
    return (
        plain(rule.rule),
        plain(rule.prediction),
        f"{rule.weight:+.4g}",
        "" if rule.support is None else f"{rule.support:,}",
        "" if rule.coverage is None else f"{rule.coverage:.3f}",
        "" if rule.precision is None else f"{rule.precision:.3f}",
        "" if low is None or high is None else f"{low:.3f} to {high:.3f}",
        plain(getattr(rule, "source", "") or ""),
    )


def _questions(model: Model) -> str:
    if isinstance(model, LinearModel) or not model.questions:
        return ""
    rows = []
    for question in model.questions:
        stand_in = model.stand_ins.get(question.id)
        by = f"{stand_in.n_terms:,} phrases" if stand_in else "a language model"
        rows.append((question.id, plain(question.text), plain(question.counts), question.source, by))
    return _table("Questions", ("id", "question", "what counts", "worded by", "answered by"), rows)


def _made(model: Model) -> str:
    """Write the metadata: data, language model, prompts, reliability of answers, figures."""
    if not model.meta:
        return ""
    return _table("How it was made", ("", ""), [(plain(name), value) for name, value in _flat(model.meta)])


def _flat(meta: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, str]]:
    """List nested metadata, a line a value."""
    for name, value in meta.items():
        path = f"{above} / {name}" if above else name
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        elif isinstance(value, list):
            parts = [plain(part) if not isinstance(part, list | dict) else plain(str(part)) for part in value]
            yield path, "; ".join(parts)
        else:
            yield path, f"{value:.6g}" if isinstance(value, float) else plain(value)


def _failures(model: Model) -> str:
    lines = ["It knows nothing but the rules above: what they do not mention it cannot see."]
    if isinstance(model, LinearModel):
        base = ", ".join(f"{value:.4g}" for value in model.intercept)
        lines.append(f"A text without any phrase of the table gets the intercept ({base}), whatever it says.")
        lines.append("Phrases are matched as words: no other spelling, no irony, no negation out of reach.")
    elif model.questions:
        lines.append("Stand-ins answer questions by phrases; they err where a reader would not.")
    if isinstance(model, RowModel) and model.columns:
        lines.append("A condition on a missing value does not hold; in a tree the node says which way to go.")
    if not model.n_rows:
        lines.append("How many rows it was fitted on is not known, and so not how sure its figures are.")
    return "## Known failures\n\n" + "\n".join(f"- {line}" for line in lines)


def _table(title: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return f"## {title}\n\n" + (_rows(heads, rows) if rows else "Nothing.")


def _rows(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
