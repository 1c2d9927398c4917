"""``interpllm explain terms``: what a model goes by, over many rows."""

from __future__ import annotations

import argparse
import json
import sys

from interpllm.cli.answering import add_answering, inputs_of
from interpllm.cli.explain import show
from interpllm.cli.options import add_json, add_model, add_rows, at_least_one, check_folders, llm_of, model_of
from interpllm.cli.page import add_page
from interpllm.cli.table import read

HELP = "show what a model goes by over many rows: its terms, what they do, and groups of them"
EXAMPLE = """\
  interpllm explain terms model.json held_out.csv --label label
  interpllm explain terms model.json held_out.csv --llm http://localhost:8000/v1 --embedder minilm"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    add_rows(command, "texts", label="column of labels: how they differ where a term is present")
    command.add_argument(
        "--terms", type=at_least_one, default=60, metavar="N", help="terms to tell (default: 60)"
    )
    command.add_argument(
        "--groups", type=at_least_one, default=8, metavar="N", help="groups of terms, with --llm (default: 8)"
    )
    command.add_argument(
        "--embedder", metavar="SPEC", help="what groups terms by meaning (default: the model of --llm)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default: 0)")
    command.add_argument(
        "--plan", action="store_true", help="print what the language model would be sent, and send nothing"
    )
    add_page(command)
    add_json(command)
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Tell the terms."""
    from interpllm.explain import explain_terms, plan_terms
    from interpllm.llm import as_session

    check_folders(args.html)
    model = model_of(args.model)
    data = read(args.data, args.format)
    rows, answers = (*inputs_of(args, model, data), None)[:2]
    session, embedder = (as_session(one, cache=args.cache) for one in (llm_of(args), args.embedder))
    sizes = {"n_terms": args.terms, "n_groups": args.groups, "random_state": args.seed}
    asking = {"llm": session, "embedder": embedder, "answers": answers}
    if args.plan:
        plan = plan_terms(model, rows, **asking, **sizes)
        print(json.dumps(plan.as_dict()) if args.json else plan)
        return
    y = None
    if args.label is not None:
        y = data.labels(args.label) if model.classes else data.numbers(args.label)
    found = explain_terms(model, rows, y, **asking, **sizes)
    show(args, found)
    if session is not None:
        print(f"{found.usage.requests} requests, {found.usage.tokens} tokens", file=sys.stderr)
