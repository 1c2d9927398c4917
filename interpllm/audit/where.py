"""Conditions on rows of a table, by which claims say what they are about: plain data, never executed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.runtime import Phrase
from interpllm.runtime.tokens import words

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.audit.verdicts import Found

Array = NDArray[np.float64]
Value = str | float | int | bool

RELATIONS = ("is", "is not", "above", "at least", "below", "at most", "mentions", "does not mention")
_SHOWN = 8


class Uncheckable(Exception):
    """Rows cannot decide a claim; the message says why.

    Attributes
    ----------
    found : Found or None
        The figure that leaves it open, where there is one.
    """

    def __init__(self, why: str, found: Found | None = None) -> None:
        super().__init__(why)
        self.found = found


@dataclass(frozen=True)
class Where:
    """One condition on a row.

    Parameters
    ----------
    column : str
    relation : {"is", "is not", "above", "at least", "below", "at most", "mentions", "does not mention"}
    value : str, int, float or bool
        For the last two a phrase, which is found as whole words, whatever their case. "is" does not mind case
        either, and takes "3" and 3 for the same.

    Raises
    ------
    InputError
        When a part cannot be used.
    """

    column: str
    relation: str
    value: Value

    def __post_init__(self) -> None:
        if not isinstance(self.column, str):
            raise InputError(f"The column of a condition is a string, not {self.column!r:.80}.")
        if self.relation not in RELATIONS:
            raise InputError(f"A relation is one of {', '.join(RELATIONS)}; got {self.relation!r:.80}.")
        if not isinstance(self.value, str | int | float) or self.value != self.value:
            raise InputError(
                f"The value of a condition is a text, a number or a bool, not {self.value!r:.80}."
            )
        if self.relation.endswith(("mentions", "mention")) and not words(str(self.value)):
            raise InputError(f"The condition on {self.column!r:.80} mentions no word: {self.value!r:.80}.")
        if self.relation in ("above", "at least", "below", "at most") and _number(self.value) is None:
            raise InputError(f"{self.column!r:.80} is compared with {self.value!r:.80}, which is no number.")

    def __str__(self) -> str:
        value = f'"{self.value}"' if isinstance(self.value, str) else f"{self.value}"
        is_ = "is " if self.relation in ("above", "at least", "below", "at most") else ""
        return f"{self.column} {is_}{self.relation} {value}"

    def holds(self, frame: pd.DataFrame) -> Array:
        """Tell for each row whether it holds.

        Parameters
        ----------
        frame : DataFrame

        Returns
        -------
        array (n_rows,)
            1 or 0; NaN where the cell is missing.

        Raises
        ------
        Uncheckable
            When there is no such column, or nothing in it that could be compared.
        """
        column = cells(frame, self.column)
        if self.relation in ("above", "at least", "below", "at most"):
            values, bound = numbers(frame, self.column), float(self.value)
            compared = {
                "above": values > bound,
                "at least": values >= bound,
                "below": values < bound,
                "at most": values <= bound,
            }[self.relation]
            return np.where(np.isnan(values), np.nan, compared)
        if self.relation in ("is", "is not"):
            found = self._same(column)
        else:
            phrase = Phrase(" ".join(words(str(self.value))))
            found = np.array([np.nan if missing(cell) else phrase.value(str(cell)) for cell in column], float)
        return 1.0 - found if "not" in self.relation else found

    def _same(self, column: list[Any]) -> Array:
        wanted = alike(self.value)
        distinct = {cell for cell in column if not missing(cell)}
        if wanted not in map(alike, distinct):
            shown = ", ".join(repr(cell)[:40] for cell in sorted(distinct, key=str)[:_SHOWN])
            more = f" and {len(distinct) - _SHOWN} more" if len(distinct) > _SHOWN else ""
            raise Uncheckable(
                f"column {self.column!r:.80} has no value {self.value!r:.80}, only {shown}{more}"
            )
        return np.array([np.nan if missing(cell) else alike(cell) == wanted for cell in column], float)


def all_hold(conditions: Iterable[Where], frame: pd.DataFrame) -> Array:
    """Tell for each row whether all conditions hold: 1 or 0; NaN where missing cells leave it open."""
    found = np.ones(len(frame))
    for condition in conditions:
        one = condition.holds(frame)
        found = np.where((found == 0) | (one == 0), 0.0, found * one)
    return found


def cells(frame: pd.DataFrame, name: str) -> list[Any]:
    """The cells of a column; Uncheckable when there is none of that name."""
    if name not in frame.columns:
        shown = ", ".join(repr(str(known))[:60] for known in frame.columns[:20])
        more = f" and {len(frame.columns) - 20} more" if len(frame.columns) > 20 else ""
        raise Uncheckable(f"there is no column {name!r:.80}, only {shown}{more}")
    return [_plain(cell) for cell in frame[name].tolist()]


def numbers(frame: pd.DataFrame, name: str) -> Array:
    """A column as numbers, NaN where a cell is missing; Uncheckable when it holds something else."""
    found = [(cell, None if missing(cell) else _number(cell)) for cell in cells(frame, name)]
    wrong = next((cell for cell, number in found if number is None and not missing(cell)), None)
    if wrong is not None:
        raise Uncheckable(f"column {name!r:.80} holds no numbers but such as {wrong!r:.60}")
    return np.array([math.nan if number is None else number for _, number in found], dtype=float)


def _plain(cell: Any) -> Any:
    """A cell as a text, a number or nothing; dates and the like as they are written."""
    if type(cell).__name__ in ("NAType", "NaTType"):
        return None
    return cell if cell is None or isinstance(cell, str | int | float) else str(cell)


def missing(cell: Any) -> bool:
    """Whether a cell is empty."""
    return cell is None or cell == "" or (isinstance(cell, float) and cell != cell)


def alike(value: Any) -> str:
    """A form that is equal for values that people take for the same: 3, 3.0 and "3"; "Yes" and "yes"."""
    number = _number(value)
    return str(value).strip().casefold() if number is None else repr(number)


def _number(value: Any) -> float | None:
    """A cell as a number; true is 1 and false 0."""
    if isinstance(value, str) and value.strip().casefold() in ("true", "false"):
        return float(value.strip().casefold() == "true")
    try:
        found = float(value.replace("_", "?") if isinstance(value, str) else value)  # "2024_01" is a name
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None
