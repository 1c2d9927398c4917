"""A model as one SELECT over a table of rows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from interpllm.errors import InputError
from interpllm.export import sql_engines
from interpllm.export.check import Answers, Request, Trial
from interpllm.export.sql_dialects import BigQuery, Dialect, DuckDB, Postgres, Spark
from interpllm.export.sql_query import Query, column_names, kind_of
from interpllm.export.sql_sqlite import SQLite
from interpllm.export.walk import (
    Plan,
    lower,
    require_plain_labels,
)
from interpllm.runtime import Model

DIALECTS: dict[str, Dialect] = {d.name: d for d in (SQLite(), DuckDB(), Postgres(), BigQuery(), Spark())}

ENGINE = "duckdb (pip install duckdb); of postgres, bigquery and spark no trial is made: try it yourself"

_HALF = re.compile("[\ud800-\udfff]")


def render(model: Model, request: Request) -> str:
    """Write a model as a query.

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
        If a question of the model needs a language model, or the dialect cannot hold a part of it.
    InputError
        If the dialect is not known, or needs a column that tells rows apart.
    """
    if request.dialect not in DIALECTS:
        raise InputError(f"dialect is one of {', '.join(DIALECTS)}, not {request.dialect!r:.40}")
    dialect = DIALECTS[request.dialect]
    if not (request.id or dialect.numbers_rows):
        raise InputError(f"{dialect.name} cannot number rows: name a column that tells them apart, id='...'")
    plan = lower(model)
    require_plain_labels(plan, "SQL")
    return Query(plan, dialect, request, request.text_of(model), model.target).written()


def rerun(path: Path, trial: Trial) -> Answers | None:
    """Let the database answer rows; None where it is not installed or not one that can be tried here.

    Raises
    ------
    ExportError
        If it does not run the query.
    """
    run = {"sqlite": sql_engines.sqlite, "duckdb": sql_engines.duckdb}.get(trial.request.dialect)
    if run is None:
        return None
    plan = lower(trial.model)
    return run(path.read_text(encoding="utf-8"), trial, _column_kinds(plan), column_names(plan))


def _column_kinds(plan: Plan) -> dict[str, str]:
    """Tell what the columns hold: "number", "text" or "truth"."""
    kinds = {}
    for name, kind in plan.columns.items():
        values = [value for c in plan.conditions() if c[:2] == ("is", name) for value in c[2]]
        of = "numbers" if kind == "number" else kind_of(values[0]) if values else "strings"
        kinds[name] = {"strings": "text", "truth values": "truth", "numbers": "number"}[of]
    return kinds


def fitting(model: Model, request: Request, rows: list[Any]) -> list[Any]:
    """Leave out rows that a database cannot hold.

    These are halves of characters, NUL (but for DuckDB), and values of another kind than their column has.
    """
    kinds = _column_kinds(lower(model))
    unheld = "" if request.dialect == "duckdb" else "\x00"

    def fits(row: Any) -> bool:
        values = [row] if isinstance(row, str) else list(row.values())
        texts = [value for value in values if isinstance(value, str)]
        if any(_HALF.search(text) or (unheld and unheld in text) for text in texts):
            return False
        cells = [] if isinstance(row, str) else [(kinds[name], row[name]) for name in kinds]
        return all(
            value is None
            or isinstance(value, str if kind == "text" else bool if kind == "truth" else float | int)
            for kind, value in cells
        )

    return [row for row in rows if fits(row)]
