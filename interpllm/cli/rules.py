"""``interpllm rules``: the whole model, as a table to read."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from interpllm import runtime
from interpllm.cli.options import add_json, add_model, at_least_one, model_of
from interpllm.cli.table import write_jsonl
from interpllm.cli.terminal import safe, table

HELP = "print the model: its strongest n-grams or questions a class, with what the training rows say of them"
EXAMPLE = """\
  interpllm rules model.json --top 20
  interpllm rules model.json --json > rules.jsonl"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    command.add_argument(
        "--top",
        type=at_least_one,
        default=20,
        metavar="N",
        help="n-grams, questions or paths a class (default: 20)",
    )
    add_json(command, "print every rule, one JSON object a line")


def run(args: argparse.Namespace) -> None:
    """Print the rules."""
    model = model_of(args.model)
    rules = model.rules()
    if args.json:
        write_jsonl(sys.stdout, (rule._asdict() for rule in rules))
        return
    print("\n\n".join(drawn(group) for group in by_prediction(model, rules, args.top)))


def by_prediction(model: runtime.Model, rules: Sequence[runtime.Rule], top: int) -> list[list[runtime.Rule]]:
    """The strongest rules of each class (regression: up, then down), strongest first."""
    predictions = model.classes if model.task == "classification" else ("+", "-")
    groups = ([rule for rule in rules if rule.prediction == prediction][:top] for prediction in predictions)
    return [group for group in groups if group]


def drawn(rules: Sequence[runtime.Rule]) -> str:
    """Rules of one class as a table."""
    header = (f"-> {safe(rules[0].prediction)}", "weight", "support", "precision")
    rows = [
        (
            rule.rule,
            f"{rule.weight:+.3f}",
            "" if rule.support is None else str(rule.support),
            "" if rule.precision is None or not rule.support else f"{rule.precision:.2f}",
        )
        for rule in rules
    ]
    return table(header, rows, right=header[1:])
