"""What goes to a terminal: colour where it is wanted, texts without control characters, aligned tables."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Sequence
from typing import IO

from interpllm.runtime.ledger import printable


def wants_color(choice: str = "auto", stream: IO[str] | None = None) -> bool:
    """Whether to colour: as chosen, else only on a terminal, and not where NO_COLOR is set (no-color.org)."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return (stream or sys.stdout).isatty()


def bold(text: str, color: bool) -> str:
    """The text in bold, or as it is."""
    return f"\x1b[1m{text}\x1b[0m" if color else text


def safe(text: object) -> str:
    """A text on one line, without the characters that a terminal would obey."""
    return " ".join(printable(str(text)).split())


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Rows as aligned columns.

    Parameters
    ----------
    header : sequence of str
        Column names.
    rows : sequence of sequence of str
        Cells, already written.
    right : sequence of str
        Names of the columns that stand to the right.
    """
    cells = [list(header), *(list(map(safe, row)) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*cells, strict=True)]
    to_right = [name in right for name in header]
    lines = []
    for row in cells:
        padded = [
            " " * (room - width(cell)) + cell if pushed else cell + " " * (room - width(cell))
            for cell, room, pushed in zip(row, widths, to_right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def size(n_bytes: float) -> str:
    """A number of bytes for people: 812 B, 56 kB, 1.2 MB."""
    for unit in ("B", "kB", "MB"):
        if n_bytes < 1000:
            return f"{n_bytes:.0f} {unit}" if n_bytes >= 10 or unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"
