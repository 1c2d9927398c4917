"""Explanations of several texts at once: one table, or the texts with their words coloured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Any, overload

import numpy as np
import pandas as pd

from interpllm.runtime import Explanation

_SHOWN = 10


class Explanations(Sequence[Explanation]):
    """One explanation a row of X, in order.

    Parameters
    ----------
    explanations : iterable of Explanation
        One a row.
    outputs : tuple
        What each output of the model stands for: the second class of two, every class of three or more, or
        the name of the target.
    """

    def __init__(self, explanations: Iterable[Explanation], outputs: tuple[Any, ...]) -> None:
        self._explanations = tuple(explanations)
        self.outputs = outputs

    def __len__(self) -> int:
        return len(self._explanations)

    @overload
    def __getitem__(self, index: int) -> Explanation: ...

    @overload
    def __getitem__(self, index: slice) -> Explanations: ...

    def __getitem__(self, index: int | slice) -> Explanation | Explanations:
        if isinstance(index, slice):
            return Explanations(self._explanations[index], self.outputs)
        return self._explanations[index]

    def __iter__(self) -> Iterator[Explanation]:
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
        blocks = [self._text_of(row) for row in range(min(len(self), _SHOWN))]
        if len(self) > _SHOWN:
            blocks.append(f"... and {len(self) - _SHOWN} more rows")
        return "\n\n".join(blocks)

    def _text_of(self, row: int) -> str:
        explanation = self[row]
        output = self._shown_output(explanation)
        lines = [f"row {row}: {explanation.text[:80]!r} -> {explanation.prediction}"]
        lines.append(f"  {explanation.base[output]:+8.3f}  base, for {self.outputs[output]}")
        parts = sorted(explanation.contributions, key=lambda part: -abs(part.values[output]))
        lines += [f"  {part.values[output]:+8.3f}  {part.phrase}" for part in parts[:_SHOWN]]
        if len(parts) > _SHOWN:
            rest = sum(part.values[output] for part in parts[_SHOWN:])
            lines.append(f"  {rest:+8.3f}  {len(parts) - _SHOWN} more phrases")
        lines.append(
            f"  {explanation.decision[output]:+8.3f}  decision; {explanation.coverage:.0%} of n-grams known"
        )
        return "\n".join(lines)

    def _shown_output(self, explanation: Explanation) -> int:
        """The output that is shown where there is room for one: the predicted class of three or more."""
        return self.outputs.index(explanation.prediction) if len(self.outputs) > 1 else 0

    def _repr_html_(self) -> str:
        strongest = max(
            (abs(value) for row in self for part in row.contributions for value in part.values), default=1.0
        )
        rows = [self._html_of(row, strongest or 1.0) for row in range(min(len(self), _SHOWN))]
        more = f"<p>... and {len(self) - _SHOWN} more rows</p>" if len(self) > _SHOWN else ""
        return f"<div>{''.join(rows)}{more}</div>"

    def _html_of(self, row: int, strongest: float) -> str:
        explanation = self[row]
        output = self._shown_output(explanation)
        marked = "".join(_marked(piece, value / strongest) for piece, value in shaded(explanation, output))
        verdict = f"{explanation.prediction} ({explanation.decision[output]:+.3f} for {self.outputs[output]})"
        return f"<p>{marked}<br><small>&rarr; {escape(verdict)}</small></p>"


def _marked(piece: str, strength: float) -> str:
    if not strength:
        return escape(piece)
    colour = "214,120,20" if strength < 0 else "30,110,200"  # told apart by colour-blind readers too
    opacity = min(1.0, abs(strength)) * 0.7
    style = f"background:rgba({colour},{opacity:.2f})"
    return f'<span style="{style}" title="{strength:+.3f}">{escape(piece)}</span>'


def shaded(explanation: Explanation, output: int = 0) -> list[tuple[str, float]]:
    """Cut a text into pieces with the contribution that falls on each; the pieces add up to the whole.

    A phrase's contribution is spread evenly over the characters that it stands on, so that the values of all
    pieces sum to decision - base and overlapping phrases add.

    Parameters
    ----------
    explanation : Explanation
        Of one text.
    output : int
        Which output of the model.

    Returns
    -------
    list of (str, float)
        The pieces in order, which joined are the text.
    """
    text = explanation.text
    shade = np.zeros(len(text))
    for part in explanation.contributions:
        size = sum(end - start for start, end in part.spans)
        for start, end in part.spans:
            shade[start:end] += part.values[output] / size
    edges = [0, *(np.flatnonzero(np.diff(shade)) + 1).tolist(), len(text)]
    return [(text[start:end], float(shade[start:end].sum())) for start, end in pairwise(edges) if end > start]
