"""``interpllm claims``: sentences about a table, or about a model, and whether the data bear them out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.cli.options import FORMAT_CHOICES, add_json, add_llm, check_folders, model_of
from interpllm.cli.page import add_page, write_page
from interpllm.cli.table import read, typed
from interpllm.errors import InputError

if TYPE_CHECKING:
    from interpllm.audit.claim_base import Claim
    from interpllm.audit.claim_checks import Unreadable

HELP = "check sentences about a table or a model: supported, contradicted or uncheckable, with the figure"
EXAMPLE = """\
  interpllm claims customers.csv claims.txt --llm http://localhost:8000/v1
  interpllm claims customers.csv claims.txt --llm http://localhost:8000/v1 --plan
  interpllm claims reviews.csv claims.txt model.json --llm http://localhost:8000/v1 --write claims.json
  interpllm claims reviews.csv claims.json model.json --html claims.html"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument("data", metavar="DATA", help="rows: .csv, .jsonl, .parquet, or - for standard input")
    command.add_argument(
        "claims",
        metavar="CLAIMS",
        help="a sentence a line (.txt), read by a language model; or claims as --write keeps them (.json)",
    )
    command.add_argument(
        "about", metavar="MODEL", nargs="?", help="model file (.json) that sentences may speak of"
    )
    command.add_argument("--format", choices=FORMAT_CHOICES, help="format of DATA (default: by its suffix)")
    command.add_argument("--write", metavar="FILE", help="keep the claims as they were read, as JSON")
    add_page(command)
    command.add_argument("--plan", action="store_true", help="say what reading would take, and ask nothing")
    add_json(command, "print every claim with its figure as one JSON object")
    add_llm(command, default=None, said="none")


def run(args: argparse.Namespace) -> None:
    """Read, check, print."""
    from interpllm.audit.claim_checks import check_claims
    from interpllm.audit.claim_documents import claims_to_json

    check_folders(args.write, args.html)
    table = read(args.data, args.format)
    data = {name: typed(values) for name, values in table.columns.items()}
    if not len(table):
        raise InputError(f"{table.source} has no rows below its header.")
    model = None if args.about is None else model_of(args.about)
    claims = _claims(args, data, model)
    if claims is None:
        return
    if args.write is not None:
        Path(args.write).write_text(claims_to_json(_typed(claims)) + "\n", encoding="utf-8")
    report = check_claims(claims, data, model)
    write_page(args, report)
    print(report.to_json() if args.json else report)


def _claims(args: argparse.Namespace, data: Any, model: Any) -> Sequence[Claim | Unreadable] | None:
    """The claims of the file; None where only the plan was asked for, and told."""
    from interpllm.audit.claim_documents import claims_from_json
    from interpllm.audit.claim_reader import plan_claims, read_claims
    from interpllm.llm import connect

    path = Path(args.claims)
    if not path.is_file():
        raise InputError(f"there is no file {path} of claims; write one sentence a line.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8. Convert it first.") from error
    if path.suffix.lower() == ".json":
        if args.plan:
            raise InputError("claims in a .json file are read without a language model; leave --plan out.")
        return claims_from_json(text)
    sentences = [line.strip() for line in text.splitlines() if line.strip()]
    if not sentences:
        raise InputError(f"{path} has no sentence; write one a line.")
    if args.llm in (None, "none"):
        raise InputError(
            "a language model has to read sentences: name one with --llm, or give claims as JSON (.json)."
        )
    with connect(args.llm, model=args.llm_model, cache=args.cache) as session:
        if args.plan:
            print(plan_claims(session, sentences, data, model))
            return None
        reading = read_claims(session, sentences, data, model)
    print(f"{reading.requests} requests, {reading.usage.tokens} tokens", file=sys.stderr)
    return reading


def _typed(claims: Sequence[Claim | Unreadable]) -> list[Claim]:
    """Those that can be kept; sentences that could not be read are in the report alone."""
    from interpllm.audit.claim_base import Claim

    return [claim for claim in claims if isinstance(claim, Claim)]
