"""Blocks of a page, plain data until they are rendered.

Texts, labels and what a language model wrote are not trusted: the templates escape every one of them, and a
page loads nothing and runs nothing. A fragment is put inside a notebook's page, so its styles are its own.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from interpllm.display.data import missing

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

    from interpllm.display.axes import Axes

MISSING = "–"  # noqa: RUF001 - a dash, not a minus
"""What is shown of a figure that there is not."""

MOST_ROWS = 50
"""Rows of a table that are shown; the frame that it is made of has them all."""


@dataclass(frozen=True)
class Note:
    """A sentence or two.

    Parameters
    ----------
    text : str
    kind : {"plain", "warning"}
        A warning is something that the reader must not miss.
    """

    text: str
    kind: str = "plain"


@dataclass(frozen=True)
class Marked:
    """A text with stretches of it on coloured ground.

    Parameters
    ----------
    text : str
    spans : sequence of (int, int, float)
        Offset of the first character, offset after the last, and a strength: above 0 speaks for what is
        explained, below 0 against it. They do not overlap.
    caption : str
        Above the text.
    """

    text: str
    spans: Sequence[tuple[int, int, float]] = ()
    caption: str = ""

    def pieces(self) -> Iterator[tuple[str, float]]:
        """Stretches of the text in order, each with its strength, -1 to 1; 0 where nothing is marked."""
        strongest = max((abs(strength) for *_, strength in self.spans), default=0.0) or 1.0
        at = 0
        for start, end, strength in sorted(self.spans):
            yield self.text[at:start], 0.0
            yield self.text[start:end], strength / strongest
            at = end
        yield self.text[at:], 0.0


@dataclass(frozen=True)
class Table:
    """A table, of which the first rows are shown.

    Parameters
    ----------
    frame : DataFrame
        Its index is not shown.
    caption : str
    formats : mapping of str to str
        Column -> format specification of its numbers, such as ``".3f"``; by default four digits that count.
    """

    frame: pd.DataFrame
    caption: str = ""
    formats: Mapping[str, str] = field(default_factory=dict)

    def head(self) -> list[str]:
        """Names of the columns, as they are shown."""
        return [name.replace("_", " ") for name, _ in self._columns()]

    def rows(self) -> list[list[tuple[str, bool]]]:
        """The cells that are shown, each with whether it is a number."""
        columns = [cells for _, cells in self._columns()]
        return [list(row) for row in zip(*columns, strict=True)]

    def _columns(self) -> Iterator[tuple[str, list[tuple[str, bool]]]]:
        """The columns that are shown; both ends of an interval make one."""
        shown = self.frame.head(MOST_ROWS)
        cells = {
            str(name): [_cell(value, self.formats.get(str(name), "")) for value in shown.iloc[:, place]]
            for place, name in enumerate(shown.columns)
        }
        for name, column in cells.items():
            of, _, end = name.rpartition("_")
            prefix = f"{of}_" if of else ""
            if end == "low" and f"{prefix}high" in cells:
                high = cells[f"{prefix}high"]
                joined = [
                    low if low[0] == MISSING else (f"{low[0]} to {top[0]}", True)
                    for low, top in zip(column, high, strict=True)
                ]
                yield f"{prefix}95_%", joined
            elif not (end == "high" and f"{prefix}low" in cells):
                yield name, column

    def more(self) -> int:
        """Rows that are not shown."""
        return max(0, len(self.frame) - MOST_ROWS)


@dataclass(frozen=True)
class Figure:
    """A plot.

    Parameters
    ----------
    axes : matplotlib Axes
    alt : str
        What is to be seen, for those who cannot see it.
    """

    axes: Axes
    alt: str

    def source(self) -> str:
        """The plot as an address that holds it whole."""
        from interpllm.display.axes import svg

        return "data:image/svg+xml;base64," + base64.b64encode(svg(self.axes)).decode("ascii")


@dataclass(frozen=True)
class Section:
    """Blocks under a heading.

    Parameters
    ----------
    title : str
    blocks : sequence of Block
    """

    title: str
    blocks: Sequence[Block]


Block = Note | Marked | Table | Figure | Section


def fragment(title: str, blocks: Sequence[Block]) -> str:
    """HTML for a notebook, or for a part of somebody's page.

    Parameters
    ----------
    title : str
    blocks : sequence of Block

    Returns
    -------
    str
        Self-contained; it needs no JavaScript.
    """
    return _templates().get_template("fragment.html").render(title=title, blocks=blocks)


def page(title: str, blocks: Sequence[Block]) -> str:
    """A whole page, to be kept as a file.

    Parameters
    ----------
    title : str
    blocks : sequence of Block

    Returns
    -------
    str
        Self-contained: it loads nothing, and its policy forbids it to.
    """
    return _templates().get_template("page.html").render(title=title, blocks=blocks)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("interpllm.display"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["kind"] = lambda block: type(block).__name__
    return templates


def _cell(value: Any, how: str) -> tuple[str, bool]:
    """A value as it is shown, and whether it is a number."""
    import numpy as np

    if missing(value):
        return MISSING, True
    if isinstance(value, bool | np.bool_):
        return ("yes" if value else "no"), False
    if isinstance(value, float | np.floating):
        return format(float(value), how or ".4g"), True
    if isinstance(value, int | np.integer):
        return format(int(value), how or "d"), True
    return str(value), False
