"""``interpllm plan``: what a fit would ask of the language model, before it asks."""

from __future__ import annotations

import argparse
import json

from interpllm.cli import estimator as making
from interpllm.cli.kinds import AUG_TREE
from interpllm.cli.options import add_json

HELP = "say what a fit would take (requests, tokens, seconds) without asking anything"
EXAMPLE = """\
  interpllm plan reviews.csv --text text --label label
  interpllm plan reviews.csv --llm http://localhost:8000/v1 --model NAME --json
  interpllm plan reviews.csv --estimator concepts --llm http://localhost:8000/v1 --rounds 0 --bank"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options: those of fit."""
    making.add_training(command)
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Count, and tell."""
    training = making.training_of(args)
    estimator = making.estimator_of(args, training.regression)
    labels = () if args.estimator == AUG_TREE else (training.y,)
    plan = estimator.plan(training.X, *labels)
    print(json.dumps(plan.as_dict()) if args.json else plan)
