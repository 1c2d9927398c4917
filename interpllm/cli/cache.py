"""``interpllm cache``: what is kept on this machine and need not be asked, made or downloaded again."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.cli.options import add_json, add_verb
from interpllm.cli.terminal import size, table
from interpllm.errors import InputError

if TYPE_CHECKING:
    from interpllm.llm import Store

HELP = "show, share or empty what is kept on this machine: stored answers, fine-tuned encoders, models"
EXAMPLE = """\
  interpllm cache
  interpllm cache export answers.jsonl"""

_KEPT = ("answers", "finetuned", "models")
_WHAT = {
    "answers": "what language models have answered",
    "finetuned": "encoders fine-tuned by --finetune",
    "models": "downloaded language models",
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the verbs and their options."""
    _add_place(command, default=None)
    add_json(command)
    command.set_defaults(act=_show)
    verbs = command.add_subparsers(
        title="verbs", metavar="VERB", description="without one: folders and sizes"
    )

    def verb(name: str, act: Callable[[argparse.Namespace], None], what: str, example: str) -> Any:
        made = add_verb(verbs, "cache", name, what, example)
        # A default of the verb's own would undo what was said before the verb.
        _add_place(made, default=argparse.SUPPRESS)
        made.set_defaults(act=act)
        return made

    exporting = verb("export", _export, "write the stored answers as JSON Lines", "export answers.jsonl")
    exporting.add_argument("file", metavar="FILE", help="where to")
    importing = verb("import", _import, "add answers that were exported elsewhere", "import answers.jsonl")
    importing.add_argument("file", metavar="FILE", help="what export wrote")
    clearing = verb("clear", _clear, "delete what is kept", "clear answers --yes")
    clearing.add_argument("kept", choices=(*_KEPT, "all"), help="what to delete")
    clearing.add_argument("--yes", action="store_true", help="really delete it")


def _add_place(command: argparse.ArgumentParser, default: str | None) -> None:
    command.add_argument(
        "--cache",
        metavar="PATH",
        default=default,
        help="folder or .sqlite file of stored answers (default: the user's cache folder)",
    )


def run(args: argparse.Namespace) -> None:
    """Run the verb."""
    args.act(args)


def _store(args: argparse.Namespace) -> Store:
    from interpllm.llm import Store
    from interpllm.llm.store import replies_path

    return Store(replies_path(args.cache))


def _found(args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Path, bytes and counts of each thing that is kept; looking makes no file."""
    from interpllm.llm import cache_folder

    store = _store(args)
    answers = store.summary() if store.path.exists() else {"path": str(store.path), "bytes": 0}
    found = {"answers": {"replies": 0, "vectors": 0, **answers}}
    store.close()
    for name in ("finetuned", "models"):
        folder = cache_folder() / name
        files = [file for file in folder.rglob("*") if file.is_file()]
        found[name] = {
            "path": str(folder),
            "bytes": sum(f.stat().st_size for f in files),
            "files": len(files),
        }
    return found


def _show(args: argparse.Namespace) -> None:
    found = _found(args)
    if args.json:
        print(json.dumps(found, indent=2))
        return
    rows = [(name, size(entry["bytes"]), _counts(entry), entry["path"]) for name, entry in found.items()]
    print(table(("kept", "size", "how many", "where"), rows, right=("size",)))


def _counts(entry: dict[str, Any]) -> str:
    return ", ".join(f"{entry[name]:,} {name}" for name in ("replies", "vectors", "files") if name in entry)


def _export(args: argparse.Namespace) -> None:
    from interpllm.llm.jsonl import export_replies

    store = _store(args)
    if not store.path.exists():
        raise InputError(f"there are no stored answers at {store.path}; name another place with --cache.")
    print(f"{args.file}: {export_replies(store, args.file):,} answers")


def _import(args: argparse.Namespace) -> None:
    from interpllm.llm.jsonl import import_replies

    store = _store(args)
    print(f"{store.path}: {import_replies(store, args.file):,} new answers")


def _clear(args: argparse.Namespace) -> None:
    found = _found(args)
    doomed = {name: found[name] for name in (_KEPT if args.kept == "all" else (args.kept,))}
    said = "; ".join(
        f"{_WHAT[name]} ({size(entry['bytes'])}, {entry['path']})" for name, entry in doomed.items()
    )
    if not args.yes:
        raise InputError(f"this would delete {said}. Add --yes to do it.")
    for name, entry in doomed.items():
        path = Path(entry["path"])
        if name == "answers" and path.exists():
            store = _store(args)
            store.clear()
            store.close()
        elif name != "answers":
            shutil.rmtree(path, ignore_errors=True)
    print(f"deleted {said}")
