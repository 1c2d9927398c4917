"""A model as a file that runs elsewhere. An export that would answer otherwise than the model is not written.

Each format is a file here with two functions: ``render(model, request) -> str or bytes`` gives the content,
and ``rerun(path, trial) -> Answers or None`` lets the written file answer rows in its own engine, None where
that is not installed; Markdown, which answers nothing, has the first only. Formats that do not run the
library's own code read the model through :mod:`interpllm.export.walk`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from interpllm.errors import InputError
from interpllm.export import check, to_html, to_javascript, to_json, to_markdown, to_onnx, to_python, to_sql
from interpllm.export.check import Request, Trial
from interpllm.runtime import Model
from interpllm.runtime.envelope import write_atomically

__all__ = ["export"]

_FORMATS: dict[str, ModuleType] = {
    "json": to_json,
    "python": to_python,
    "javascript": to_javascript,
    "sql": to_sql,
    "html": to_html,
    "onnx": to_onnx,
    "markdown": to_markdown,
}
_SUFFIXES = {
    ".json": "json",
    ".py": "python",
    ".mjs": "javascript",
    ".js": "javascript",
    ".sql": "sql",
    ".html": "html",
    ".htm": "html",
    ".onnx": "onnx",
    ".md": "markdown",
}


def export(
    model: Model,
    path: str | os.PathLike[str],
    format: str | None = None,
    sample: Iterable[str | Mapping[str, Any]] = (),
    *,
    dialect: str = "sqlite",
    table: str = "texts",
    text: str = "",
    id: str = "",
) -> Path:
    """Write a model to a file, after the file has shown that it answers as the model does.

    Parameters
    ----------
    model : any kind of model
        One whose questions need a language model goes to JSON and Markdown only.
    path : str or path
        The suffix says the format. .json: the model's document, for :func:`interpllm.runtime.load`. .py: one
        Python file that needs nothing else. .mjs or .js: one module of JavaScript. .sql: one SELECT. .html:
        a page that scores what is typed into it. .onnx: the numeric part as a graph. .md: a model card.
    format : {"json", "python", "javascript", "sql", "html", "onnx", "markdown"}, optional
        Whatever the suffix says.
    sample : iterable of str or of mapping
        Rows to try the file on, besides built-in ones and ones that mention every phrase of the model.
    dialect : {"sqlite", "duckdb", "postgres", "bigquery", "spark"}
        Of SQL. The first two are tried before the file is written.
    table : str
        SQL: the table that holds the rows; dots part schema and table.
    text : str
        SQL: its column of texts; "" is the column that the model was fitted on, or "text".
    id : str
        SQL: its column that tells rows apart; "" adds a column ``row_number``, where the dialect can.

    Returns
    -------
    pathlib.Path
        The path as it was given.

    Raises
    ------
    InputError
        If the format is not known, or the path cannot be a file.
    ExportError
        If a score or a probability differs by more than 1e-9, or a label at all, or the file has to predict
        by itself and the model has questions that need a language model; no file is written then.

    Warns
    -----
    UserWarning
        If the engine that runs the file is not installed, so that it was written without a trial.
    """
    chosen = format or _SUFFIXES.get(Path(path).suffix.lower(), "")
    if chosen not in _FORMATS:
        raise InputError(
            f"cannot tell a format from {os.fspath(path)!r} and format={format!r}; "
            f"use a suffix among {', '.join(_SUFFIXES)}, or a format among {', '.join(_FORMATS)}"
        )
    renderer = _FORMATS[chosen]
    request = Request(Path(path).name, dialect, table, text, id)
    rows = check.trial_rows(model, sample)
    if renderer is to_sql:
        rows = to_sql.fitting(model, request, rows)
    trial = Trial(model, request, rows, check.trial_answers(model, len(rows)))
    content = renderer.render(model, request)

    def accept(written: Path) -> None:
        if renderer is to_markdown:
            return
        got = renderer.rerun(written, trial)
        if got is None:
            warnings.warn(
                f"{path} is written untried, because what runs it is not installed: {renderer.ENGINE}",
                stacklevel=4,
            )
            return
        check.compare(check.answers(model, trial.rows, trial.given), got, trial.rows)

    return write_atomically(path, content if isinstance(content, bytes) else content.encode(), accept)
