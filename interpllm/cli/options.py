"""Options that several commands have."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.errors import InputError
from interpllm.runtime import Model, load

if TYPE_CHECKING:
    from interpllm.llm import Session

FORMAT_CHOICES = ("csv", "jsonl", "parquet", "txt")


def add_verb(verbs: Any, command: str, name: str, what: str, example: str) -> argparse.ArgumentParser:
    """A verb of a command, whose help ends in an example.

    Parameters
    ----------
    verbs : what add_subparsers returned
    command, name : str
        What both are called.
    what : str
        What the verb does, in half a sentence.
    example : str
        What may stand after the command's name.
    """
    made: argparse.ArgumentParser = verbs.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=f"example:\n  interpllm {command} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return made


def add_rows(command: argparse.ArgumentParser, what: str, label: str | None) -> None:
    """The file of rows, its format, its text column and, where ``label`` says what for, its label column."""
    command.add_argument(
        "data", metavar="DATA", help=f"{what}: .csv, .jsonl, .parquet, .txt, or - for standard input"
    )
    command.add_argument("--format", choices=FORMAT_CHOICES, help="format of DATA (default: by its suffix)")
    command.add_argument(
        "--text", metavar="COLUMN", help="column of texts (default: text, or the only column there is)"
    )
    if label is not None:
        command.add_argument("--label", metavar="COLUMN", help=label)


def add_llm(command: Any, default: str | None, said: str | None = None, none: bool = True) -> None:
    """Which language model to ask, and where its answers are kept.

    Parameters
    ----------
    command : ArgumentParser or a group of its arguments
    default : str or None
    said : str or None
        What help calls the default, where it depends on other options.
    none : bool, optional
        Whether the command can do without one.
    """
    told = said or default
    command.add_argument(
        "--llm",
        metavar="SPEC",
        default=default,
        help=f"local, minilm, {'none, ' if none else ''}openai, an http(s)://.../v1 URL, hf:FOLDER or "
        "hf:OWNER/NAME" + ("" if told is None else f" (default: {told})"),
    )
    command.add_argument("--model", dest="llm_model", metavar="NAME", help="model to ask for at a server")
    command.add_argument(
        "--cache", metavar="PATH", help="where answers are kept (default: see interpllm cache)"
    )


def add_model(command: argparse.ArgumentParser) -> None:
    """The model file that a command reads."""
    command.add_argument("model", metavar="MODEL", help="model file that fit made (.json)")


def add_json(command: argparse.ArgumentParser, what: str = "print JSON") -> None:
    """``--json``: the same, for programs."""
    command.add_argument("--json", action="store_true", help=what)


def add_color(command: argparse.ArgumentParser) -> None:
    """``--color``: whether words are coloured."""
    command.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour words (default: auto, on a terminal unless NO_COLOR is set)",
    )


def model_of(path: str) -> Model:
    """The model in a file.

    Raises
    ------
    InputError
        When there is no such file, or it is a Python export.
    DocumentError
        When it holds no model.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no model file {path}; make one with: interpllm fit DATA --out {path}")
    if Path(path).suffix == ".py":
        raise InputError(
            f"{path} is a model's Python export, which runs by itself; give the .json model file that it was "
            "made from."
        )
    return load(path)


def check_folders(*paths: str | None) -> None:
    """Refuse files that could not be written, before anything is asked.

    Parameters
    ----------
    *paths : str or None
        None is not written, and - is standard output.

    Raises
    ------
    InputError
        When the folder of one is not there, or it is a folder itself.
    """
    for path in paths:
        if path in (None, "-"):
            continue
        if not Path(path).absolute().parent.is_dir():
            raise InputError(f"{path}: there is no such folder; make it first.")
        if Path(path).is_dir():
            raise InputError(f"{path}: this is a folder; give the name of a file.")


def llm_of(args: argparse.Namespace) -> Session | str | None:
    """What an estimator's ``llm`` is: None for ``--llm none``, the spec, or a session of ``--model``.

    Raises
    ------
    InputError
        When ``--model`` names a model, and no server is named.
    """
    if args.llm_model is None:
        return None if args.llm == "none" else args.llm
    if args.llm in (None, "none"):
        raise InputError("--model is the name of a model at a server: give its address in --llm, too.")
    from interpllm.llm import connect

    return connect(args.llm, model=args.llm_model, cache=args.cache)


def verbose(args: argparse.Namespace) -> int:
    """1 where somebody sees progress on standard error, and wants to."""
    return int(sys.stderr.isatty() and not args.quiet)


def jobs(text: str) -> int:
    """A number of threads as joblib counts them, for argparse: -1 is one a core, and 0 says nothing."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number other than 0 (-1: one a core)")
    return number


def at_least_one(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
