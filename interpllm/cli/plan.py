"""``interpllm plan``: what a fit would ask of the language model, before it asks."""

from __future__ import annotations

import argparse
import json

from interpllm.cli.options import add_estimator, add_json, add_llm, add_rows, estimator_of, training_rows
from interpllm.cli.table import read

HELP = "say what a fit would take (n-grams, requests, tokens, seconds) without asking anything"
EXAMPLE = """\
  interpllm plan reviews.csv --text text --label label
  interpllm plan reviews.csv --llm http://localhost:8000/v1 --model NAME --json"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options: those of fit."""
    add_rows(command, "texts with labels", label="column of labels (default: label)")
    add_llm(command, default="local")
    add_estimator(command)
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Count, and tell."""
    texts, _, regression = training_rows(args, read(args.data, args.format))
    plan = estimator_of(args, regression).plan(texts)
    if args.json:
        print(json.dumps(plan.as_dict()))
    else:
        print(plan)
