"""What every claim is: something said, as plain data that can be computed; and how its parts are worded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from interpllm.audit.where import Where
from interpllm.errors import InputError

COMPARISONS = ("above", "at least", "below", "at most", "about")


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What can be computed, and then is supported, contradicted or uncheckable.

    Parameters
    ----------
    sentence : str
        What was said, in the words in which it was said.
    """

    kind: ClassVar[str] = ""
    sentence: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.sentence, str):
            raise InputError(f"The sentence of a claim is a string, not {self.sentence!r:.80}.")

    def words(self) -> str:
        """What is checked, in words."""
        raise NotImplementedError

    def _one_of(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise InputError(
                f"{name} of a claim of {self.kind} is one of {', '.join(choices)}; "
                f"got {getattr(self, name)!r:.80}."
            )

    def _named(self, *names: str) -> None:
        for name in names:
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise InputError(
                    f"{name} of a claim of {self.kind} is a name, not {getattr(self, name)!r:.80}."
                )

    def _compares(self, value: Any, tolerance: Any) -> None:
        for name, number in (("value", value), ("tolerance", tolerance)):
            if number is None and name == "tolerance":
                continue
            if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
                raise InputError(f"{name} of a claim of {self.kind} is a number, not {number!r:.80}.")
        if tolerance is not None and tolerance < 0:
            raise InputError(f"tolerance of a claim of {self.kind} is not below 0; got {tolerance!r}.")


def joined(conditions: Sequence[Where]) -> str:
    """Conditions in words."""
    return " and ".join(map(str, conditions))


def quantity(column: str | None, which: Sequence[Where]) -> str:
    """What is averaged, in words; the number of rows where neither is given."""
    if column is None and not which:
        return "number of rows"
    return f"share where {joined(which)}" if column is None else f"mean {column}"


def compared(relation: str, value: float, tolerance: float | None) -> str:
    """A comparison in words."""
    within = f" (within {tolerance:g})" if relation == "about" and tolerance is not None else ""
    return f"{relation} {value:g}{within}"
