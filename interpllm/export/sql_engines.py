"""Databases in which queries are tried: SQLite, which comes with Python, and DuckDB, if installed."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from interpllm.errors import ExportError
from interpllm.export.check import Answers, Trial, restored, text_column
from interpllm.export.sql_dialects import Dialect, DuckDB
from interpllm.export.sql_sqlite import SQLite

#: A column of the table of rows, by which answers are put in their order.
_ORDER = "ipl_order"


def table_of(
    trial: Trial, kinds: Mapping[str, str], dialect: Dialect, types: Mapping[str, str]
) -> tuple[str, str, list[str], list[list[Any]]]:
    """Describe the table of rows: its name, how its columns are declared, their types, what is in them."""
    request = trial.request
    text = request.text_of(trial.model)
    own = text_column(trial.model)
    columns = {_ORDER: "order"}
    if request.id:
        columns[request.id] = "order"
    columns[text] = "text"
    columns |= kinds
    names = ", ".join(f"{dialect.identifier(name)} {types[kind]}" for name, kind in columns.items())
    table = ".".join(map(dialect.identifier, request.table.split(".")))
    cells: list[list[Any]] = []
    for name, kind in columns.items():
        if kind == "order":
            cells.append(list(range(len(trial.rows))))
        elif name == text and name not in kinds:
            cells.append([row if isinstance(row, str) else row.get(own, "") for row in trial.rows])
        else:
            cells.append([row[name] for row in trial.rows])
    return table, names, [types[kind] for kind in columns.values()], cells


def sqlite(query: str, trial: Trial, kinds: Mapping[str, str], names: list[str]) -> Answers:
    """Let SQLite answer rows."""
    types = {"order": "INTEGER", "text": "TEXT", "number": "REAL", "truth": "INTEGER"}
    table, described, columns, cells = table_of(trial, kinds, SQLite(), types)
    marks = ", ".join("?" * len(columns))
    connection = sqlite3.connect(":memory:")
    try:
        for schema in trial.request.table.split(".")[:-1]:
            if schema.lower() not in ("main", "temp"):
                connection.execute(f"ATTACH ':memory:' AS {SQLite().identifier(schema)}")
        connection.execute(f"CREATE TABLE {table} ({described})")
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", zip(*cells, strict=True))
        cursor = connection.execute(query)
        found = [
            dict(zip([part[0] for part in cursor.description], row, strict=True)) for row in cursor.fetchall()
        ]
    except sqlite3.Error as error:
        raise ExportError(f"SQLite does not run the query ({error!s:.300}); nothing was written") from error
    finally:
        connection.close()
    return answers_of(found, trial, names)


def duckdb(query: str, trial: Trial, kinds: Mapping[str, str], names: list[str]) -> Answers | None:
    """Let DuckDB answer rows; None where it is not installed."""
    if find_spec("duckdb") is None:
        return None
    import duckdb

    types = {"order": "BIGINT", "text": "VARCHAR", "number": "DOUBLE", "truth": "BOOLEAN"}
    table, described, columns, cells = table_of(trial, kinds, DuckDB(), types)
    with duckdb.connect() as connection:
        try:
            connection.execute("SET threads = 2")
            for schema in trial.request.table.split(".")[:-1]:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {DuckDB().identifier(schema)}")
            connection.execute(f"CREATE TABLE {table} ({described})")
            lists = ", ".join(f"unnest(CAST(? AS {kind}[]))" for kind in columns)
            connection.execute(f"INSERT INTO {table} SELECT {lists}", cells)
            cursor = connection.execute(query)
            heads = [part[0] for part in cursor.description or []]
            found = [dict(zip(heads, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            raise ExportError(
                f"DuckDB does not run the query ({error!s:.300}); nothing was written"
            ) from error
    return answers_of(found, trial, names)


def answers_of(found: list[dict[str, Any]], trial: Trial, names: list[str]) -> Answers:
    """Read the answers of a database, in the order of the rows."""
    rows = sorted(found, key=lambda row: row[_ORDER])
    several = len(names) > 2

    def score(row: dict[str, Any]) -> Any:
        return [_float(row[f"score_{name}"]) for name in names] if several else _float(row["score"])

    classes = trial.model.classes
    return Answers(
        scores=[score(row) for row in rows],
        probabilities=[[_float(row[f"probability_{name}"]) for name in names] for row in rows]
        if names
        else [],
        predictions=[restored(row["prediction"], classes) for row in rows],
    )


def _float(value: Any) -> float:
    return math.nan if value is None else float(value)
