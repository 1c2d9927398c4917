"""What every part of an audit gives: figures, each with an interval, a null, or both, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, Figure, Note, Section, Table
from interpllm.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measure:
    """One figure.

    Parameters
    ----------
    name : str
        What was measured, in words that stand by themselves.
    value : float
        NaN where it could not be measured; then `note` says why.
    low, high : float, optional
        Its interval at 95 %.
    null : float, optional
        What it would be if there were nothing to find: by chance, in random order, with what is shuffled.
    p_value : float, optional
        Of the null.
    n : int, optional
        Rows, pairs or refits that it rests on.
    passed : bool, optional
        For what can pass or fail; None for what is only told.
    note : str
        What the reader must know to read it right.

    Raises
    ------
    InputError
        When there is neither an interval nor a null beside a figure that is told.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    null: float | None = None
    p_value: float | None = None
    n: int | None = None
    passed: bool | None = None
    note: str = ""

    def __post_init__(self) -> None:
        alone = self.low is None and self.null is None and self.p_value is None
        if alone and self.value == self.value:
            raise InputError(f"The figure {self.name!r} stands alone; give an interval or a null beside it.")


def interval(measure: Measure) -> str:
    """The interval of a figure in words; "" where there is none."""
    if measure.low is None or measure.high is None or measure.low != measure.low:
        return ""
    return f"{measure.low:.3g} to {measure.high:.3g}"


@dataclass(frozen=True)
class Finding:
    """What one part of an audit found.

    Parameters
    ----------
    name : str
        Of the part, such as "faithfulness".
    question : str
        What it answers, as a reader would ask it.
    measures : sequence of Measure
    meaning : str
        What the figures mean, and what they do not.
    details : mapping of str to DataFrame
        Tables behind the figures, by caption.
    figures : sequence of Figure
        Plots for the page.
    error : str or None
        Why it could not be carried out, such as a language model that did not answer; then it has no figures.
    requests, tokens : int
        Replies of a language model that it rests on, stored ones included, and tokens sent and received.
    """

    name: str
    question: str
    measures: Sequence[Measure] = ()
    meaning: str = ""
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Sequence[Figure] = ()
    error: str | None = None
    requests: int = 0
    tokens: int = 0

    def frame(self) -> pd.DataFrame:
        """One row a figure; columns as the fields of `Measure`."""
        import pandas as pd

        return pd.DataFrame(
            [asdict(measure) for measure in self.measures], columns=list(Measure.__annotations__)
        )

    def _shown(self) -> pd.DataFrame:
        """The figures as a page shows them: intervals in one column, notes last, no empty column."""
        import pandas as pd

        rows = [
            {
                "figure": measure.name,
                "value": measure.value,
                "95 %": interval(measure),
                "null": measure.null,
                "p": measure.p_value,
                "n": measure.n,
                "judged": {None: "", True: "passed", False: "not passed"}[measure.passed],
                "what it is": measure.note,
            }
            for measure in self.measures
        ]
        table = pd.DataFrame(rows, dtype=object)
        return table.loc[:, [not all(one is None or one == "" for one in table[name]) for name in table]]

    def as_dict(self) -> dict[str, Any]:
        """Plain data; the same replies give the same data."""
        return {
            "name": self.name,
            "question": self.question,
            "error": self.error,
            "measures": [asdict(measure) for measure in self.measures],
            "meaning": self.meaning,
            "details": {caption: table.to_dict("records") for caption, table in self.details.items()},
            "requests": self.requests,
        }

    def section(self) -> Section:
        """What a page shows of it."""
        blocks: list[Block] = [Note(self.question)] if self.question else []
        if self.error is not None:
            blocks.append(Note(f"Not carried out: {self.error}", "warning"))
        if self.measures:
            blocks.append(Table(self._shown()))
        if self.meaning:
            blocks.append(Note(self.meaning))
        blocks += [*self.figures, *(Table(table, caption) for caption, table in self.details.items())]
        return Section(self.name[:1].upper() + self.name[1:], blocks)
