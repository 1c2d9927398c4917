"""What every readable model is: a frozen record of checked parts, with a task, classes and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import fsum
from types import MappingProxyType
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.evidence import Evidence, of_class, of_mean
from interpllm.runtime.ledger import Label, Rule, printable
from interpllm.runtime.scoring import winner

TASKS = ("classification", "regression")


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadableModel:
    """The parts that all kinds of models have; each kind documents them with its own."""

    task: str
    target: str = ""
    classes: tuple[Label, ...] = ()
    n_rows: int = 0
    base: tuple[float, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)

    __hash__ = None  # type: ignore[assignment]  # compared by what they hold, which cannot be hashed

    def __post_init__(self) -> None:
        checks.require(self.task in TASKS, f"task is one of {TASKS}, not {self.task!r}")
        checks.require(isinstance(self.target, str), f"target is the name of a label, not {self.target!r}")
        self._settle("n_rows", checks.whole(self.n_rows, "n_rows"))
        self._settle("classes", checks.labels(self.classes, self.task))
        self._settle("base", checks.numbers(self.base, "base"))
        n_base = len(self.classes) or 1
        checks.require(
            len(self.base) in (0, n_base), f"base has {len(self.base)} numbers where {n_base} belong"
        )
        self._settle("meta", MappingProxyType(checks.metadata(self.meta)))
        checks.encodable(self.target, *(label for label in self.classes if isinstance(label, str)))

    def _settle(self, name: str, value: Any) -> None:
        """Keep a part that was brought to one form; a frozen dataclass leaves no other way."""
        object.__setattr__(self, name, value)

    @property
    def n_outputs(self) -> int:
        """Number of scores of a text."""
        return len(self.classes) if len(self.classes) > 2 else 1

    def _decide(self, scores: list[float]) -> Label:
        return self.classes[winner(scores)] if self.classes else scores[0]

    def _lean(self, row: Sequence[float]) -> tuple[Label, float]:
        """Tell what a row of values, one an output, speaks for, and how strongly."""
        if not self.classes:
            return "+" if row[0] > 0 else "-", row[0]
        if len(row) == 1:
            return self.classes[row[0] > 0], abs(row[0])
        best = winner(row)
        return self.classes[best], row[best] - fsum(row) / len(row)

    def _told(
        self,
        rule: str,
        phrase: str,
        leaning: tuple[Label, float],
        evidence: Evidence | None,
        source: str,
    ) -> Rule:
        """Say a rule with what the training rows say of it.

        `leaning` is what it speaks for and how strongly; `evidence` is None where the model keeps none.
        """
        if evidence is None:
            return Rule(rule, phrase, *leaning, None, None, None, source=source)
        if self.classes:
            base = self.base[self.classes.index(leaning[0])] if self.base else None
            found = of_class(evidence, base, self.n_rows, source)
        else:
            found = of_mean(evidence, source)
        coverage = found.support / self.n_rows if self.n_rows else None
        return Rule(rule, phrase, *leaning, found.support, coverage, *found.rest)

    def _title(self) -> str:
        outputs = f" of {printable(self.target)}" if self.target else ""
        names = f" into {', '.join(printable(str(label)) for label in self.classes)}" if self.classes else ""
        return f"{type(self).__name__}: {self.task}{outputs}{names}"

    def __reduce__(self) -> tuple[Any, ...]:
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        # Read-only views cannot be pickled; what stands behind them can.
        plain = {
            name: dict(part) if isinstance(part, MappingProxyType) else part for name, part in parts.items()
        }
        return _rebuild, (type(self), plain)


def _rebuild(kind: type[ReadableModel], parts: dict[str, Any]) -> ReadableModel:
    return kind(**parts)


def one_or_more(scores: list[list[float]], n_outputs: int) -> list[float] | list[list[float]]:
    """Give a number a text where there is one output, else a list a text."""
    return scores if n_outputs > 1 else [row[0] for row in scores]


def or_dash(value: float | None, form: str) -> str:
    """Format a number of a table; "-" where there is none."""
    return "-" if value is None else format(value, form)
