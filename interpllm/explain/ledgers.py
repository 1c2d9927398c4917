"""Why a model predicted as it did, row by row: the ledgers of several rows as one explanation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from interpllm.display import Block, Marked, Note, Section, Table
from interpllm.display.axes import bars
from interpllm.explain.base import Explanation
from interpllm.runtime import Contribution, Ledger, Step

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

_ROWS = 10
"""Rows that are printed, and shown on a page."""
_BARS = 15
"""Contributions of a row that a plot shows, the strongest."""


class LocalExplanation(Explanation, Sequence[Ledger]):
    """Why a model predicted as it did, row by row.

    For each row, base + the sum of the contributions is the decision function, to 1e-9: nothing that moved
    the prediction is left out, and nothing is estimated. It tells what the model did, not what is so in the
    world.

    Parameters
    ----------
    ledgers : iterable of Ledger
        One a row, in order.
    outputs : sequence
        What each output of the model stands for: the second class of two, every class of three or more, or
        the name of the target.
    """

    def __init__(self, ledgers: Iterable[Ledger], outputs: Sequence[Any]) -> None:
        self._ledgers = tuple(ledgers)
        self.outputs = tuple(outputs)

    def __len__(self) -> int:
        return len(self._ledgers)

    @overload
    def __getitem__(self, index: int) -> Ledger: ...

    @overload
    def __getitem__(self, index: slice) -> LocalExplanation: ...

    def __getitem__(self, index: int | slice) -> Ledger | LocalExplanation:
        if isinstance(index, slice):
            return type(self)(self._ledgers[index], self.outputs)
        return self._ledgers[index]

    def __iter__(self) -> Iterator[Ledger]:
        return iter(self._ledgers)

    def frame(self) -> pd.DataFrame:
        """Every contribution as a row of one table.

        Returns
        -------
        pandas.DataFrame
            row : position in X; phrase : the n-gram, condition or question; spans : its (start, end)
            character offsets in the text; output : what it speaks for; contribution : what it adds to that
            output's decision function; question : id of the question, None without one; answer : its answer,
            0 (no) to 1 (yes), NaN where it is missing and where none is asked; evidence : the words of the
            text at the spans, as they are written there.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                (
                    *(row, part.phrase, part.spans, output, value),
                    *(part.question, _number(part.answer), quotes(ledger.text, part.spans)),
                )
                for row, ledger in enumerate(self)
                for part in ledger.contributions
                for output, value in zip(self.outputs, part.values, strict=True)
            ],
            columns=["row", "phrase", "spans", "output", "contribution", "question", "answer", "evidence"],
        )

    def paths(self) -> pd.DataFrame:
        """What trees and rules looked at, in order; empty for other models.

        Returns
        -------
        pandas.DataFrame
            row : position in X; step : counted from 1; part : the tree or the rule, counted from 1;
            condition : in words; held : True, False, or None where it cannot be told; question, answer,
            evidence : as in :meth:`frame`.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                (
                    *(row, number, step.part + 1, step.condition, step.held),
                    *(step.question, _number(step.answer), quotes(ledger.text, step.spans)),
                )
                for row, ledger in enumerate(self)
                for number, step in enumerate(ledger.path, start=1)
            ],
            columns=["row", "step", "part", "condition", "held", "question", "answer", "evidence"],
        )

    def plot(self, ax: Axes | None = None, row: int = 0) -> Axes:
        """Draw the contributions to one row's prediction, the strongest on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        row : int
            Position in X.

        Returns
        -------
        matplotlib Axes
            Bars to the right speak for the prediction (regression: up).
        """
        ledger = self[row]
        parts = _strongest(ledger)[:_BARS]
        towards = f"towards {ledger.prediction}" if ledger.classes else "added to the prediction"
        return bars(
            [str(c) for c in parts], [ledger.strength(c.values) for c in parts], xlabel=towards, ax=ax
        )

    def blocks(self) -> list[Block]:
        """The texts with their words coloured, and what each condition, question or phrase added."""
        found: list[Block] = [
            Section(f"row {row}: {ledger.prediction}", list(ledger_blocks(ledger)))
            for row, ledger in enumerate(self[:_ROWS])
        ]
        more = len(self) - _ROWS
        return [*found, Note(f"... and {more} more rows")] if more > 0 else found

    def as_dict(self) -> dict[str, Any]:
        """The ledgers, with the names of their outputs."""
        return {"outputs": self.outputs, "rows": [ledger_dict(ledger) for ledger in self]}

    def __str__(self) -> str:
        shown = [f"row {row}\n{self[row]}" for row in range(min(len(self), _ROWS))]
        if len(self) > _ROWS:
            shown.append(f"... and {len(self) - _ROWS} more rows")
        return "\n\n".join(shown)


def ledger_dict(ledger: Ledger) -> dict[str, Any]:
    """A ledger as plain data; base + the sum of values is the decision, output by output."""
    return {
        "text": ledger.text,
        "prediction": ledger.prediction,
        "decision": ledger.decision,
        "base": ledger.base,
        "coverage": ledger.coverage,
        "contributions": [part._asdict() for part in ledger.contributions],
        "path": [step._asdict() for step in ledger.path],
    }


def ledger_blocks(ledger: Ledger) -> Iterator[Block]:
    """What a page shows of one row: its text with the evidence marked, the sum, and the path."""
    if ledger.text:
        marked = [(part.start, part.end, part.strength) for part in ledger.segments() if part.strength]
        yield Marked(ledger.text, marked)
    yield Table(_sum(ledger), f"What adds up {_towards(ledger)}", {"adds": "+.3f"})
    if ledger.path:
        yield Table(_steps(ledger.path, ledger.text), "What was looked at, in order")


def quotes(text: str, spans: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """The words of a text at some spans, each wording once."""
    return tuple(dict.fromkeys(text[start:end] for start, end in spans))


def _sum(ledger: Ledger) -> pd.DataFrame:
    import pandas as pd

    rows = [
        *[("(every row)", "", ledger.strength(ledger.base))],
        *[
            (str(c), _quoted(ledger.text, c.spans), ledger.strength(c.values))
            for c in _strongest(ledger)[:_BARS]
        ],
    ]
    rest = [ledger.strength(c.values) for c in _strongest(ledger)[_BARS:]]
    if rest:
        rows.append((f"({len(rest)} more)", "", sum(rest)))
    rows.append(("= decision", "", ledger.strength(ledger.decision)))
    return pd.DataFrame(rows, columns=["what", "evidence", "adds"])


def _steps(path: Iterable[Step], text: str) -> pd.DataFrame:
    import pandas as pd

    said = {True: "yes", False: "no", None: "not known"}
    rows = [(step.part + 1, step.condition, said[step.held], _quoted(text, step.spans)) for step in path]
    return pd.DataFrame(rows, columns=["part", "condition", "holds", "evidence"])


def _strongest(ledger: Ledger) -> list[Contribution]:
    return sorted(ledger.contributions, key=lambda c: -abs(ledger.strength(c.values)))


def _towards(ledger: Ledger) -> str:
    return f"towards {ledger.prediction}" if ledger.classes else "to the prediction"


def _quoted(text: str, spans: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"“{quote}”" for quote in quotes(text, spans))


def _number(answer: float | None) -> float:
    return float("nan") if answer is None else answer
