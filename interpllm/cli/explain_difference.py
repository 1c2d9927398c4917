"""``interpllm explain difference``: what is truer of the texts in one file than of those in another."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.cli.options import (
    FORMAT_CHOICES,
    add_json,
    add_llm,
    at_least_one,
    check_folders,
    llm_of,
    verbose,
)
from interpllm.cli.page import add_page, write_page
from interpllm.cli.questions import question_file
from interpllm.cli.table import read
from interpllm.cli.terminal import safe, table

if TYPE_CHECKING:
    from interpllm.explain import DifferenceExplanation, Explanation

HELP = "tell in a few checked statements what is truer of the texts in A than of those in B"
EXAMPLE = """\
  interpllm explain difference refunds.csv others.csv --goal "what customers tell of" --llm URL --model NAME
  interpllm explain difference this_month.csv last_month.csv --llm URL --model NAME --plan
  interpllm explain difference a.csv b.csv --candidates own.txt --n-candidates 0 --html difference.html"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kinds = ".csv, .jsonl, .parquet or .txt"
    command.add_argument("a", metavar="A", help=f"texts: {kinds}")
    command.add_argument("b", metavar="B", help=f"texts that they are held against: {kinds}")
    command.add_argument("--format", choices=FORMAT_CHOICES, help="format of both (default: by suffix)")
    command.add_argument(
        "--text", metavar="COLUMN", help="column of texts (default: text, or the only column there is)"
    )
    command.add_argument(
        "--names", nargs=2, metavar="NAME", help="what the two are called (default: the files' names)"
    )
    add_statements(command)
    add_llm(command, default="local")


def add_statements(command: argparse.ArgumentParser) -> None:
    """Which statements are tried, how many are told of, and how."""
    command.add_argument(
        "--goal", metavar="SENTENCE", help="what statements are to be about, told to the language model"
    )
    command.add_argument(
        "--candidates",
        metavar="FILE",
        help="statements of your own to try: lines of a .txt, or questions (.json)",
    )
    command.add_argument(
        "--n-candidates", type=int, default=40, metavar="N", help="statements to be written (default: 40)"
    )
    command.add_argument(
        "--statements", type=at_least_one, default=5, metavar="N", help="statements to confirm (default: 5)"
    )
    command.add_argument(
        "--propose",
        choices=("auto", "llm", "bank"),
        default="auto",
        help="who writes: the language model, or the library, whose statements are chosen by likeness "
        "(default: auto, the language model where it is behind a server)",
    )
    command.add_argument("--plan", action="store_true", help="only say what it would take; send nothing")
    add_page(command)
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    add_json(command, "print everything as one JSON object")


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments that both explanations and their plans share.

    Raises
    ------
    InputError
        When a file is not there, or cannot be written.
    """
    check_folders(args.html)
    return {
        "goal": args.goal,
        "llm": llm_of(args),
        "candidates": list(question_file(args.candidates)) if args.candidates else (),
        "n_candidates": args.n_candidates,
        "n_statements": args.statements,
        "propose": args.propose,
        "random_state": args.seed,
        "cache": args.cache,
    }


def run(args: argparse.Namespace) -> None:
    """Explain, or plan it."""
    from interpllm.explain import explain_difference, plan_difference

    settings = settings_of(args)
    settings["names"] = tuple(args.names or (Path(args.a).stem, Path(args.b).stem))
    A, B = (read(path, args.format).texts(args.text) for path in (args.a, args.b))
    if args.plan:
        plan = plan_difference(A, B, **settings)
        print(json.dumps(plan.as_dict()) if args.json else plan)
        return
    found = explain_difference(A, B, verbose=verbose(args), **settings)
    tell(args, found, drawn(found))


def tell(args: argparse.Namespace, found: Explanation, lines: str) -> None:
    """Print what was found, and write its page where one is wanted."""
    write_page(args, found)
    print(found.to_json() if args.json else lines)


def drawn(found: DifferenceExplanation) -> str:
    """What was found, for people."""
    a, b = found.names
    header = ("holds", f"share of {safe(a)}", f"share of {safe(b)}", "difference", "p (Holm)", "statement")
    rows = [
        (
            "yes" if row["holds"] else "no",
            f"{row['share_a']:.0%} of {row['n_a']}",
            f"{row['share_b']:.0%} of {row['n_b']}",
            f"{row['difference']:+.2f} ({row['difference_low']:+.2f} to {row['difference_high']:+.2f})",
            f"{row['p_holm']:.4f}",
            row["statement"],
        )
        for row in found.statements.to_dict("records")
    ]
    head = f"{safe(found.title)}; of {len(found.candidates)} statements the best, by other rows than these"
    return "\n".join([head, table(header, rows, right=header[1:5]), *notes(found.answers, found.n_chained)])


def notes(answers: Mapping[str, int], n_chained: int) -> list[str]:
    """What a reader must not miss."""
    from interpllm.explain.difference_figures import warnings_of

    return [f"note: {note.text}" for note in warnings_of(answers, n_chained)]
