"""``interpllm explain module``: to which texts a module responds more strongly, in words that were tested."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from interpllm.cli.options import add_json, add_llm, add_rows, at_least_one, check_folders, llm_of, model_of
from interpllm.cli.page import add_page, write_page
from interpllm.cli.table import read
from interpllm.cli.terminal import safe, table
from interpllm.errors import InputError

HELP = "say to which texts a module (an embedding dimension, a model's score) responds, and test what is said"
EXAMPLE = """\
  interpllm explain module texts.csv --score model.json --class billing --llm http://localhost:8000/v1
  interpllm explain module texts.csv --dimension 37 --of minilm --llm openai --model NAME --html found.html
  interpllm explain module texts.csv --score model.json --llm openai --model NAME --plan"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_rows(command, "texts of the kind that the module is for", label=None)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--score", metavar="MODEL", help="the module is the score of this model file (.json)")
    which.add_argument(
        "--dimension", type=int, metavar="N", help="the module is an embedding's dimension, from 0"
    )
    command.add_argument(
        "--class", dest="label", metavar="LABEL", help="class whose score it is, with --score"
    )
    command.add_argument(
        "--of", metavar="SPEC", default="minilm", help="what embeds, with --dimension (default: minilm)"
    )
    add_llm(command, default=None, none=False)
    command.add_argument(
        "--n-candidates", type=at_least_one, default=5, metavar="N", help="properties to test (default: 5)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")
    command.add_argument("--plan", action="store_true", help="say what it would take, and ask nothing")
    add_page(command)
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    add_json(command)


def run(args: argparse.Namespace) -> None:
    """Explain, and tell."""
    from interpllm.explain import explain_module, plan_module
    from interpllm.llm import as_session

    check_folders(args.html)
    if args.label is not None and args.score is None:
        raise InputError("--class is the class of a model: give its file with --score, too.")
    session = as_session(llm_of(args), args.cache)
    if session is None:
        raise InputError("to explain a module takes a language model: name one with --llm SPEC.")
    texts = read(args.data, args.format).texts(args.text)
    if args.plan:
        plan = plan_module(texts, llm=session, n_candidates=args.n_candidates, random_state=args.seed)
        print(json.dumps(plan.as_dict()) if args.json else plan)
        return
    found = explain_module(
        _module(args),
        texts,
        llm=session,
        name=_name(args),
        n_candidates=args.n_candidates,
        random_state=args.seed,
        progress=None if args.quiet else _tell,
    )
    write_page(args, found)
    if args.json:
        print(found.to_json(indent=2))
        return
    print(safe(found.statement))
    for problem in found.problems:
        print(f"note: {safe(problem)}")
    if len(found.candidates):
        header = ("candidate", "score", "auroc", "p (Holm)", "holds")
        shown = found.candidates[["candidate", "score", "auroc", "p_holm", "holds"]].values.tolist()
        print(f"\n{table(header, [_cells(*row) for row in shown], right=header[1:4])}")
    used = found.usage
    print(f"\n{used.requests} requests, {used.tokens} tokens", file=sys.stderr)


def _module(args: argparse.Namespace) -> Any:
    from interpllm.explain.modules import class_score, embedding_dimension
    from interpllm.llm import connect

    if args.score is None:
        return embedding_dimension(connect(args.of, cache=args.cache), args.dimension)
    model = model_of(args.score)
    # Labels of a model may be numbers; what a command is told is text.
    named = {str(label): label for label in getattr(model, "classes", ())}
    return class_score(model, named.get(args.label, args.label))


def _name(args: argparse.Namespace) -> str:
    if args.score is None:
        return f"dimension {args.dimension} of {args.of}"
    return f"the score of {Path(args.score).name}" + ("" if args.label is None else f" for {args.label}")


def _tell(what: str) -> None:
    print(f"{what} ...", file=sys.stderr)


def _cells(candidate: str, *figures_and_holds: Any) -> tuple[str, ...]:
    *figures, holds = figures_and_holds
    shown = ("-" if value != value else f"{value:.3g}" for value in figures)
    return (candidate, *shown, "yes" if holds else "no")
