"""``--html``: what was found as a page that needs nothing else, beside what a command prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interpllm.errors import InputError
from interpllm.runtime.envelope import write_atomically

if TYPE_CHECKING:
    from interpllm.explain import Explanation


def add_page(command: argparse.ArgumentParser) -> None:
    """``--html``: the page, too."""
    command.add_argument("--html", metavar="FILE", help="write a page with everything, too")


def check_page(args: argparse.Namespace) -> None:
    """Check, before anything is asked, that the page can be written.

    Raises
    ------
    InputError
        When there is no such folder, or something else than a file stands there.
    """
    if args.html is None:
        return
    if not Path(args.html).absolute().parent.is_dir():
        raise InputError(f"--html {args.html}: there is no such folder; make it first.")
    if Path(args.html).is_dir():
        raise InputError(f"--html {args.html}: this is a folder; give the name of a file.")


def write_page(args: argparse.Namespace, found: Explanation) -> None:
    """Write the page, where one is wanted."""
    if args.html is not None:
        write_atomically(args.html, found.to_html().encode())
        print(f"{args.html}: written", file=sys.stderr)
