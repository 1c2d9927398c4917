"""``interpllm diff``: what changed from one model file to another, and which predictions with it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any

from interpllm.cli.answering import add_answering, inputs_of
from interpllm.cli.options import FORMAT_CHOICES, add_json, at_least_one, model_of
from interpllm.cli.table import read
from interpllm.cli.terminal import safe, table
from interpllm.runtime.difference import Difference, Values, difference

HELP = "compare two model files: features added, dropped, reworded, weights moved, predictions flipped"
EXAMPLE = """\
  interpllm diff old.json new.json
  interpllm diff old.json new.json rows.csv --text text
  interpllm diff old.json new.json rows.csv --json"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("before", metavar="OLD", help="model file (.json)")
    command.add_argument("after", metavar="NEW", help="model file to compare with it (.json)")
    command.add_argument(
        "data",
        metavar="DATA",
        nargs="?",
        help="rows to predict with both: .csv, .jsonl, .parquet, .txt, or - for standard input",
    )
    command.add_argument("--format", choices=FORMAT_CHOICES, help="format of DATA (default: by its suffix)")
    command.add_argument(
        "--text", metavar="COLUMN", help="column of texts (default: text, or the only column there is)"
    )
    command.add_argument(
        "--top", type=at_least_one, default=20, metavar="N", help="entries a list (default: 20)"
    )
    add_json(command, "print everything as one JSON object")
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Compare and print."""
    before, after = model_of(args.before), model_of(args.after)
    inputs = None
    if args.data is not None:
        data = read(args.data, args.format)
        inputs = (inputs_of(args, before, data), inputs_of(args, after, data))
    found = difference(before, after, inputs)
    print(json.dumps(as_json(found), ensure_ascii=False) if args.json else drawn(found, args.top))


def as_json(found: Difference) -> dict[str, Any]:
    """Everything that differs."""
    flipped = None
    if found.flipped is not None:
        flipped = {"n_rows": found.n_rows, "rows": [flip._asdict() for flip in found.flipped]}
    return {
        "settings": {name: list(pair) for name, pair in found.settings.items()},
        "added": dict(found.added),
        "dropped": dict(found.dropped),
        "reworded": [pair._asdict() for pair in found.reworded],
        "moved": [move._asdict() for move in found.moved],
        "flipped": flipped,
    }


def drawn(found: Difference, top: int) -> str:
    """What differs as short lists, the largest first."""
    parts = []
    if found.settings:
        rows = [(name, said(old), said(new)) for name, (old, new) in found.settings.items()]
        parts.append(table(("setting", "old", "new"), rows))
    if found.reworded:
        words = [(pair.before, pair.after) for pair in found.reworded]
        parts.append(_listed("reworded", ("old", "new"), words, top))
    for name, features in (("added", found.added), ("dropped", found.dropped)):
        if features:
            parts.append(_listed(name, ("weight", "feature"), _weighed(features), top))
    if found.moved:
        moves = [(said(move.before), said(move.after), move.feature) for move in found.moved]
        parts.append(_listed("moved", ("old", "new", "feature"), moves, top))
    if found.flipped:
        flips = [(str(row), said(old), said(new)) for row, old, new in found.flipped]
        title = f"flipped, of {found.n_rows} rows"
        parts.append(_listed(title, ("row", "old", "new"), flips, top))
    elif found.flipped is not None:
        parts.append(f"all {found.n_rows} rows are predicted the same")
    return "\n\n".join(parts) or "the models read the same"


def said(value: Any) -> str:
    """A value of a model in short: numbers to four digits."""
    if isinstance(value, list | tuple):
        return ", ".join(map(said, value))
    return f"{value:.4g}" if isinstance(value, float) else safe("-" if value is None else value)


def _weighed(features: Mapping[str, Values]) -> list[tuple[str, str]]:
    strongest = sorted(features.items(), key=lambda entry: (-max(map(abs, entry[1])), entry[0]))
    return [(said(value), name) for name, value in strongest]


def _listed(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], top: int) -> str:
    more = f"\n({len(rows) - top} more)" if len(rows) > top else ""
    return f"{title}: {len(rows)}\n{table(header, rows[:top])}{more}"
