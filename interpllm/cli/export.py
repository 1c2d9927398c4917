"""``interpllm export``: the model in another form, checked against the original before it is written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interpllm.cli.options import add_json, add_model, model_of
from interpllm.cli.table import read
from interpllm.cli.terminal import size

HELP = "write the model for another engine: Python, SQL, JavaScript, a web page, ONNX, a model card"
EXAMPLE = """\
  interpllm export model.json model.py
  python model.py < texts.txt
  interpllm export model.json --to sql --dialect duckdb --table reviews --text-column body"""

_SUFFIXES = {
    "json": ".json",
    "python": ".py",
    "javascript": ".mjs",
    "sql": ".sql",
    "html": ".html",
    "onnx": ".onnx",
    "markdown": ".md",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    command.add_argument(
        "out",
        metavar="OUT",
        nargs="?",
        help=f"file to write: {', '.join(_SUFFIXES.values())} (default: named as the model, by --to)",
    )
    command.add_argument(
        "--to", "--as", dest="kind", choices=tuple(_SUFFIXES), help="what to write (default: by suffix)"
    )
    command.add_argument(
        "--sample",
        metavar="DATA",
        help="texts on which the export must agree with the model, beside built-in ones",
    )
    command.add_argument("--text", metavar="COLUMN", help="column of texts in DATA (default: text)")
    query = command.add_argument_group("SQL")
    query.add_argument(
        "--dialect", choices=("sqlite", "duckdb", "postgres", "bigquery", "spark"), default="sqlite"
    )
    query.add_argument("--table", metavar="NAME", default="texts", help="table of the rows (default: texts)")
    query.add_argument("--text-column", metavar="NAME", default="", help="its column of texts")
    query.add_argument("--id", metavar="NAME", default="", help="its column that tells rows apart")
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Export, or refuse when the result would predict otherwise."""
    from interpllm.errors import InputError
    from interpllm.export import export

    if not (args.out or args.kind):
        raise InputError("say what to write: a file (model.py), or --to sql")
    out = args.out or str(Path(args.model).with_suffix(_SUFFIXES[args.kind]))
    if Path(out).resolve() == Path(args.model).resolve():
        raise InputError(f"{out} is the model itself; name another file")
    sample = read(args.sample).texts(args.text) if args.sample else ()
    export(
        model_of(args.model),
        out,
        format=args.kind,
        sample=sample,
        dialect=args.dialect,
        table=args.table,
        text=args.text_column,
        id=args.id,
    )
    n_bytes = Path(out).stat().st_size
    if args.json:
        print(json.dumps({"path": out, "bytes": n_bytes}))
    else:
        card = args.kind == "markdown" or out.endswith(".md")
        told = f"the model card of {args.model}" if card else f"predicts as {args.model} does"
        print(f"{out}  {size(n_bytes)}, {told}")
