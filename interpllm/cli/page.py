"""``--html``: what was found as a page that needs nothing else, beside what a command prints."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from interpllm.runtime.envelope import write_atomically

if TYPE_CHECKING:
    from interpllm.audit import AuditReport, ClaimsReport
    from interpllm.explain import Explanation


def add_page(command: argparse.ArgumentParser) -> None:
    """``--html``: the page, too."""
    command.add_argument("--html", metavar="FILE", help="write a page with everything, too")


def write_page(args: argparse.Namespace, found: Explanation | AuditReport | ClaimsReport) -> None:
    """Write the page, where one is wanted."""
    if args.html is not None:
        write_atomically(args.html, found.to_html().encode(errors="backslashreplace"))
        print(f"{args.html}: written", file=sys.stderr)
