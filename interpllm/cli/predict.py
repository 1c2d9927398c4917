"""``interpllm predict``: labels for new texts, with the runtime alone where the model can."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from typing import Any

from interpllm.cli.answering import add_answering, inputs_of
from interpllm.cli.measure import measure, sentence
from interpllm.cli.options import add_json, add_model, add_rows, model_of
from interpllm.cli.table import Table, read, write_csv, write_jsonl
from interpllm.errors import InputError
from interpllm.runtime.envelope import write_atomically

HELP = "label new texts with a model file; a language model is asked only by questions without stand-ins"
EXAMPLE = """\
  interpllm predict model.json new.csv > labelled.csv
  echo "would not buy again" | interpllm predict model.json - --format txt
  interpllm predict questions.json new.csv --llm http://localhost:8000/v1"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    add_rows(
        command, "texts", label="column of true labels: print how many predictions agree, on standard error"
    )
    command.add_argument("--out", metavar="FILE", help="where to (default: standard output)")
    command.add_argument("--proba", action="store_true", help="a column with the probability of each class")
    add_json(command, "write JSON Lines instead of CSV")
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Read, predict, write the rows with their predictions."""
    model = model_of(args.model)
    data = read(args.data, args.format)
    inputs = inputs_of(args, model, data)
    predictions = model.predict(*inputs)
    columns: dict[str, Sequence[Any]] = {"prediction": predictions}
    if model.task == "classification":
        probabilities = model.predict_proba(*inputs)
        columns["probability"] = [max(row) for row in probabilities]
        if args.proba:
            for label, column in zip(model.classes, zip(*probabilities, strict=True), strict=True):
                columns[f"probability of {label}"] = column
    columns = beside(data, columns)
    draft = io.StringIO(newline="")
    if args.json:
        write_jsonl(
            draft, (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
        )
    else:
        write_csv(draft, columns)
    if args.out is None:
        sys.stdout.write(draft.getvalue())
    else:
        write_atomically(args.out, draft.getvalue().encode(errors="backslashreplace"))
    if args.label is not None:
        regression = model.task == "regression"
        truth = data.numbers(args.label) if regression else data.labels(args.label)
        print(sentence(measure(truth, predictions, regression)), file=sys.stderr)


def beside(data: Table, columns: dict[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The data's columns and new ones, none of which may hide one of the data's."""
    if taken := data.columns.keys() & columns.keys():
        raise InputError(f"{data.source} has a column {min(taken)!r} already; rename it before predicting.")
    return {**data.columns, **columns}
