"""``interpllm rules``: the whole model, as a table to read."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from interpllm import runtime
from interpllm.cli.options import add_model, at_least_one, model_of
from interpllm.cli.table import write_jsonl
from interpllm.cli.terminal import safe, table

HELP = "print the model: its strongest n-grams or questions a class, with what the training rows say of them"
EXAMPLE = """\
  interpllm rules model.json --top 20
  interpllm rules model.json --format md >> report.md
  interpllm rules model.json --json > rules.jsonl
  interpllm rules model.json --format whole > model.txt"""


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
    forms = command.add_mutually_exclusive_group()
    forms.add_argument(
        "--format",
        choices=("text", "md", "json", "whole"),
        default="text",
        help="text: a table a class; md: the same in Markdown, with recall, lift, interval and source; "
        "json: every rule, one object a line; whole: all that predicts, every number to the last digit, as "
        "interpllm.runtime.parse reads it",
    )
    forms.add_argument(
        "--json", dest="format", action="store_const", const="json", help="the same as --format json"
    )


def run(args: argparse.Namespace) -> None:
    """Print the rules."""
    model = model_of(args.model)
    if args.format == "whole":
        print(runtime.printed(model))
        return
    rules = model.rules()
    if args.format == "json":
        write_jsonl(sys.stdout, ({**rule._asdict(), "n_train": model.n_rows} for rule in rules))
        return
    draw = drawn if args.format == "text" else markdown
    print("\n\n".join(draw(group) for group in by_prediction(model, rules, args.top)))


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


def markdown(rules: Sequence[runtime.Rule]) -> str:
    """Rules of one class as a table of Markdown."""
    header = [
        f"-> {rules[0].prediction}",
        "weight",
        "support",
        "precision",
        "95 %",
        "recall",
        "lift",
        "source",
    ]
    lines = [_row(header), _row(["---", *["---:"] * 6, "---"])]
    for rule in rules:
        interval = "" if rule.low is None or rule.high is None else f"{rule.low:.2f} to {rule.high:.2f}"
        support = "" if rule.support is None else str(rule.support)
        shares = [
            "" if share is None else f"{share:.2f}" for share in (rule.precision, rule.recall, rule.lift)
        ]
        cells = [rule.rule, f"{rule.weight:+.3f}", support, shares[0], interval, *shares[1:], rule.source]
        lines.append(_row(cells))
    return "\n".join(lines)


#: What ends a cell of a table, or is markup in it.
_MARKUP = re.compile(r"[\\`*_\[\]<>|&~#]")


def _row(cells: Sequence[str]) -> str:
    plain = (_MARKUP.sub(lambda match: f"\\{match.group()}", safe(cell)) for cell in cells)
    return f"| {' | '.join(plain)} |"
