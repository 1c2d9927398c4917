"""``interpllm export``: the model in another form, checked against the original before it is written."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from interpllm.cli.options import add_json, add_model, model_of
from interpllm.cli.table import read
from interpllm.cli.terminal import size

HELP = "write the model as JSON or as one Python file that needs nothing else"
EXAMPLE = """\
  interpllm export model.json model.py
  python model.py < texts.txt"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    command.add_argument("out", metavar="OUT", help="file to write: .py or .json")
    command.add_argument(
        "--as", dest="kind", choices=("json", "python"), help="what to write (default: by suffix)"
    )
    command.add_argument(
        "--sample",
        metavar="DATA",
        help="texts on which the export must agree with the model, beside built-in ones",
    )
    command.add_argument("--text", metavar="COLUMN", help="column of texts in DATA (default: text)")
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Export, or refuse when the result would predict otherwise."""
    from interpllm.export import export

    sample = read(args.sample).texts(args.text) if args.sample else ()
    export(model_of(args.model), args.out, format=args.kind, sample=sample)
    n_bytes = Path(args.out).stat().st_size
    if args.json:
        print(json.dumps({"path": args.out, "bytes": n_bytes}))
    else:
        print(f"{args.out}  {size(n_bytes)}, predicts as {args.model} does")
