"""Explanations of several texts at once: one table, or the texts with their words coloured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any, overload

import pandas as pd

from interpllm.runtime import Ledger

_SHOWN = 10


class Explanations(Sequence[Ledger]):
    """One explanation a row of X, in order.

    Parameters
    ----------
    explanations : iterable of Ledger
        One a row.
    outputs : tuple
        What each output of the model stands for: the second class of two, every class of three or more, or
        the name of the target.
    """

    def __init__(self, explanations: Iterable[Ledger], outputs: tuple[Any, ...]) -> None:
        self._explanations = tuple(explanations)
        self.outputs = outputs

    def __len__(self) -> int:
        return len(self._explanations)

    @overload
    def __getitem__(self, index: int) -> Ledger: ...

    @overload
    def __getitem__(self, index: slice) -> Explanations: ...

    def __getitem__(self, index: int | slice) -> Ledger | Explanations:
        if isinstance(index, slice):
            return Explanations(self._explanations[index], self.outputs)
        return self._explanations[index]

    def __iter__(self) -> Iterator[Ledger]:
        return iter(self._explanations)

    def frame(self) -> pd.DataFrame:
        """Every contribution as a row of one table.

        Returns
        -------
        pandas.DataFrame
            row : position in X; phrase : the n-gram; spans : its (start, end) character offsets in the text;
            output : what it speaks for; contribution : what it adds to that output's decision function.
        """
        return pd.DataFrame(
            [
                (row, part.phrase, part.spans, output, value)
                for row, explanation in enumerate(self)
                for part in explanation.contributions
                for output, value in zip(self.outputs, part.values, strict=True)
            ],
            columns=["row", "phrase", "spans", "output", "contribution"],
        )

    def __repr__(self) -> str:
        blocks = [f"row {row}\n{self[row]}" for row in range(min(len(self), _SHOWN))]
        if len(self) > _SHOWN:
            blocks.append(f"... and {len(self) - _SHOWN} more rows")
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        rows = "".join(_paragraph(explanation) for explanation in self[:_SHOWN])
        more = f"<p>... and {len(self) - _SHOWN} more rows</p>" if len(self) > _SHOWN else ""
        return f"<div>{rows}{more}</div>"


def _paragraph(explanation: Ledger) -> str:
    segments = list(explanation.segments())
    strongest = max((abs(segment.strength) for segment in segments), default=0.0)
    pieces = "".join(_piece(segment.text, segment.strength, strongest) for segment in segments)
    return f"<p>{pieces}<br><small>&rarr; {escape(str(explanation.prediction))}</small></p>"


def _piece(text: str, strength: float, strongest: float) -> str:
    if not strength:
        return escape(text)
    colour = "30,110,200" if strength > 0 else "214,120,20"  # blue and orange, for colour-blind readers too
    style = f"background:rgba({colour},{0.7 * abs(strength) / strongest:.2f})"
    return f'<span style="{style}" title="{strength:+.3f}">{escape(text)}</span>'
