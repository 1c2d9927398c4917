"""``interpllm explain target``: which statements about texts tell of their label, or of a number."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from interpllm.cli.explain_difference import add_statements, notes, settings_of, tell
from interpllm.cli.options import add_llm, add_rows, verbose
from interpllm.cli.table import read
from interpllm.cli.terminal import safe, table

if TYPE_CHECKING:
    from interpllm.explain import TargetExplanation

HELP = "tell in a few checked statements what goes with a label or a number, and how much each adds"
EXAMPLE = """\
  interpllm explain target tickets.csv --label label --llm URL --model NAME
  interpllm explain target reviews.csv --label stars --regression --goal "how it was" --html stars.html"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_rows(command, "texts with labels", label="column of labels or numbers (default: label)")
    command.add_argument(
        "--regression",
        action=argparse.BooleanOptionalAction,
        help="labels are numbers (default: where they have fractions, or more than twenty values)",
    )
    add_statements(command)
    add_llm(command, default="local")


def run(args: argparse.Namespace) -> None:
    """Explain, or plan it."""
    from interpllm.explain import explain_target, plan_target

    data = read(args.data, args.format)
    texts, y = data.texts(args.text), data.labels(args.label)
    if args.regression:
        y = data.numbers(args.label)
    settings = settings_of(args) | {"target": args.label or "label", "regression": args.regression}
    if args.plan:
        plan = plan_target(texts, y, **settings)
        print(json.dumps(plan.as_dict()) if args.json else plan)
        return
    found = explain_target(texts, y, verbose=verbose(args), **settings)
    tell(args, found, drawn(found))


def drawn(found: TargetExplanation) -> str:
    """What was found, for people."""
    header = ("holds", "speaks for", "difference", "p (Holm)", "adds", "statement")
    rows = [
        (
            "yes" if row["holds"] else "no",
            row["speaks_for"],
            f"{row['difference']:+.3g}",
            f"{row['p_holm']:.4f}",
            f"{row['added']:+.2f} ({row['added_low']:+.2f} to {row['added_high']:+.2f})",
            row["statement"],
        )
        for row in found.statements.to_dict("records")
    ]
    shares = [
        f"  {row['model']}: {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"
        for row in found.total.to_dict("records")
    ]
    head = f"{safe(found.title)}; {len(found.candidates)} were tried, on other rows than these figures are of"
    lines = [head, table(header, rows, right=header[2:5]), f"explained ({found.measure})", *shares]
    return "\n".join([*lines, *notes(found.answers, found.n_chained)])
