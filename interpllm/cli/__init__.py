"""The command line: one file a command; libraries are loaded when a command runs, so that help is instant."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from interpllm import __version__
from interpllm.errors import InterpLLMError

COMMANDS = (
    "demo",
    "models",
    "fit",
    "predict",
    "explain",
    "explain terms",
    "explain difference",
    "explain target",
    "explain generation",
    "explain module",
    "rules",
    "diff",
    "claims",
    "audit",
    "export",
    "concepts",
    "distill",
    "plan",
    "batch",
    "doctor",
    "cache",
)

DONE, SAID_ERROR, USAGE, BROKEN_PIPE, INTERRUPTED = 0, 1, 2, 141, 130

_EPILOG = """\
example:
  interpllm fit reviews.csv --text text --label label --out model.json
  interpllm predict model.json new.csv

exit status: 0 done; 1 it could not be done (one line on standard error says why and what to do next);
2 the command was not understood; 130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """The whole command line's grammar."""
    top = argparse.ArgumentParser(
        prog="interpllm",
        description="Readable text models, written with a language model and run without one.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"interpllm {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"interpllm.cli.{name.replace(' ', '_')}")
        command = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP[0].upper() + module.HELP[1:] + ".",
            epilog=f"example:\n{module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str or None
        Arguments; None takes those of the process.

    Returns
    -------
    int
        Exit status: 0 done, 1 an error of ours, said in one line on standard error, 130 interrupted, 141 the
        reader of standard output went away. Usage errors leave by ``SystemExit(2)``.
    """
    for stream in (sys.stdout, sys.stderr):
        if not stream.isatty() and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    args = parser().parse_args(_named(sys.argv[1:] if argv is None else argv))
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            args.run(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interpllm: interrupted; what a language model has answered so far is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more; without this the interpreter would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except (InterpLLMError, OSError) as error:
        print(f"interpllm {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return SAID_ERROR
    return DONE


def _named(argv: Sequence[str]) -> list[str]:
    """The arguments, with a command of two words as one."""
    two = " ".join(argv[:2])
    return [two, *argv[2:]] if two in COMMANDS else list(argv)


def _warned(message: Warning | str, *where: Any, **further: Any) -> None:
    """Say a warning as errors are said: in one line, without the place in the code."""
    print(f"interpllm: {' '.join(str(message).split())}", file=sys.stderr)
