"""How fast does an exported query score short texts in DuckDB, beside the Python runtime?

Fits a table of one- and two-word phrases on rotten_tomatoes, repeats sentences of the test set (each with a
number, so that no two are equal) until there are as many texts as wanted, and scores them all: the query in
DuckDB, from a table in memory into another one; the runtime in one process, on --python of them.

    python benchmarks/sql_speed.py [--texts 1000000] [--python 50000] [--threads 2]
"""

from __future__ import annotations

import argparse
import platform
import time

import duckdb
from exports_agree import linear, texts_of

from interpllm.export import to_sql
from interpllm.export.check import Request


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--python", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    train, labels = texts_of("rotten_tomatoes", "train")
    sentences = texts_of("rotten_tomatoes", "test")[0]
    print(f"DuckDB {duckdb.__version__}, {args.threads} threads; Python {platform.python_version()}")
    for norm in ("none", "sqrt"):
        model = linear(train, labels, sorted(set(labels)), norm)
        connection = duckdb.connect()
        connection.execute(f"SET threads = {args.threads}")
        connection.execute("CREATE TABLE sentences AS SELECT unnest(?) AS text", [sentences])
        connection.execute(
            "CREATE TABLE texts AS SELECT r.i AS id, s.text || ' ' || r.i AS text FROM range(?) AS r(i) "
            "JOIN (SELECT text, row_number() OVER () - 1 AS n FROM sentences) AS s ON s.n = r.i % ?",
            [args.texts, len(sentences)],
        )
        query = (
            to_sql.render(model, Request("model.sql", "duckdb", "texts", "text", "id")).rstrip().rstrip(";")
        )
        start = time.perf_counter()
        connection.execute(f"CREATE TABLE answers AS {query}")
        in_database = time.perf_counter() - start
        rows = connection.execute(
            "SELECT text, score FROM answers ORDER BY id LIMIT ?", [args.python]
        ).fetchall()
        start = time.perf_counter()
        scores = model.decision_function([text for text, _ in rows])
        in_python = time.perf_counter() - start
        most = max(abs(mine - theirs) for mine, (_, theirs) in zip(scores, rows, strict=True))
        print(
            f"norm {norm}, {model.n_terms:,} phrases: DuckDB {args.texts:,} texts in {in_database:.1f} s, "
            f"{args.texts / in_database:,.0f} a second; Python {args.python / in_python:,.0f} a second; "
            f"largest difference {most:.1e}"
        )


if __name__ == "__main__":
    main()
