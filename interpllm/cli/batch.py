"""``interpllm batch``: the requests of a fit as a file, for a provider's batch service or any workers."""

from __future__ import annotations

import argparse
import json

from interpllm.cli import estimator as making
from interpllm.cli.fit import fitted, said, writable
from interpllm.cli.kinds import LINEAR, TREE
from interpllm.cli.options import add_json
from interpllm.errors import InputError, RequestsPending

HELP = "fit by files of requests and replies (OpenAI batch format) instead of asking a server"
EXAMPLE = """\
  interpllm batch export reviews.csv --task SENTENCE --llm openai --model NAME --requests ask.jsonl
  interpllm batch import replies.jsonl
  (again, until export has nothing left to ask and writes the model)"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the verbs and their options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    exporting = verbs.add_parser(
        "export",
        help="write the requests that a fit needs next; once none is left, write the model",
        description="Takes the options of fit, and sends nothing. A fit takes several rounds of export and "
        "import: which questions are asked depends on what was proposed.",
        epilog="example:\n  interpllm batch export reviews.csv --llm openai --model NAME",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Aug-linear embeds, and a batch holds completions only.
    making.add_training(exporting, (LINEAR, TREE))
    exporting.set_defaults(act=_export)
    exporting.add_argument(
        "--requests", metavar="FILE", default="requests.jsonl", help="where to (default: requests.jsonl)"
    )
    exporting.add_argument(
        "--schema",
        choices=("json_schema", "json_object", "prompt"),
        default="json_schema",
        help="how the service is told the form of a reply (default: json_schema)",
    )
    exporting.add_argument(
        "--out", metavar="FILE", default="model.json", help="model file, once nothing is missing (.json)"
    )
    add_json(exporting, "print what was done as JSON")
    importing = verbs.add_parser(
        "import",
        help="store the replies to exported requests",
        epilog="example:\n  interpllm batch import replies.jsonl",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    importing.add_argument("file", metavar="FILE", help="what the batch service gave back (.jsonl)")
    importing.add_argument(
        "--cache", metavar="PATH", help="the --cache of export (default: see interpllm cache)"
    )
    add_json(importing)
    importing.set_defaults(act=_import)


def run(args: argparse.Namespace) -> None:
    """Run the verb."""
    args.act(args)


def _export(args: argparse.Namespace) -> None:
    if args.second_llm is not None:
        raise InputError("--second-llm would be asked at once; leave it out of a batch.")
    if args.llm in (None, "none", "local", "minilm") or args.llm_model is None:
        raise InputError("say whom the batch is for, by its address and name: --llm openai --model NAME.")
    writable(args.out)
    training = making.training_of(args)
    from interpllm.llm import connect
    from interpllm.llm.batch import BatchSession

    session = BatchSession(connect(args.llm, model=args.llm_model, cache=args.cache))
    estimator = making.estimator_of(args, training.regression, llm=session)
    try:
        made = fitted(args, estimator, training, None)
    except RequestsPending:
        n = session.export_requests(args.requests, schema=args.schema)
        if args.json:
            print(json.dumps({"requests": n, "file": args.requests, "model": None}))
        else:
            print(
                f"{args.requests}: {n:,} requests. Have them answered, then: interpllm batch import REPLIES, "
                "and this command again"
            )
        return
    if args.json:
        from interpllm.display import as_json

        print(as_json({"requests": 0, "file": None, **made}))
    else:
        print(said(made, args))


def _import(args: argparse.Namespace) -> None:
    from interpllm.llm import Store
    from interpllm.llm.batch import import_replies
    from interpllm.llm.store import replies_path

    store = Store(replies_path(args.cache))
    found = import_replies(args.file, store)
    if args.json:
        print(json.dumps({"added": found.added, "failed": found.failed, "unknown": found.unknown}))
        return
    print(f"{store.path}: {found.added:,} new replies")
    if found.failed:
        print(f"  {found.failed:,} requests could not be answered; the next export asks them again")
    if found.unknown:
        print(f"  {found.unknown:,} replies are to requests that were not exported from here, or are known")
