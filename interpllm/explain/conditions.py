"""Conditions that can be flipped: one name for a condition and its opposite, and which may hold together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from interpllm.runtime import Answered, Compares, Condition, Is, Lexicon, TermCompares
from interpllm.runtime.row_scoring import compared

_OPPOSITE = {">": "<=", ">=": "<", "<=": ">", "<": ">="}


@dataclass(frozen=True)
class Atom:
    """A condition that is not negated.

    Parameters
    ----------
    condition : Condition
    """

    condition: Condition

    def said(self, held: bool) -> str:
        """The condition in words, or its opposite."""
        return str(self.condition if held else opposite(self.condition))


def opposite(condition: Condition) -> Condition:
    """The condition that holds where this one does not, missing values apart."""
    if isinstance(condition, Compares | TermCompares):
        return replace(condition, sign=_OPPOSITE[condition.sign])
    return replace(condition, negated=not condition.negated)


def atom_of(condition: Condition) -> tuple[Atom, bool]:
    """The atom of a condition, and whether the condition is its opposite."""
    if isinstance(condition, Compares | TermCompares):
        negated = condition.sign in (">", ">=")
    else:
        negated = condition.negated
    plain = opposite(condition) if negated else condition
    if isinstance(plain, Lexicon):
        plain = Lexicon(tuple(sorted(plain.phrases)))
    return Atom(plain), negated


def possible(truth: Mapping[Atom, bool | None]) -> bool:
    """Tell whether a row can be such that conditions hold as they are said to.

    Conditions on one column, on one phrase's number, or on the words of the text are held against each other;
    those on different things are taken to be free of each other.

    Parameters
    ----------
    truth : mapping of Atom to bool or None
        None cannot be told: what it looks at is missing.
    """
    groups: dict[Any, list[tuple[Any, bool | None]]] = {}
    for atom, held in truth.items():
        groups.setdefault(_about(atom.condition), []).append((atom.condition, held))
    return all(_together(kind, found) for (kind, _), found in groups.items())


def _about(condition: Condition) -> tuple[str, str]:
    """What a condition looks at."""
    if isinstance(condition, Lexicon):
        return "words", ""
    if isinstance(condition, TermCompares):
        return "number", condition.phrase
    if isinstance(condition, Answered):
        return "question", condition.question.id
    return "column", condition.column


def _together(kind: str, found: list[tuple[Any, bool | None]]) -> bool:
    if any(held is None for _, held in found):  # missing is missing for all of them
        return all(held is None for _, held in found)
    if kind == "question":
        return True
    if kind == "words":
        without = [phrase for lexicon, held in found if not held for phrase in lexicon.phrases]
        return all(
            any(not any(_within(other, phrase) for other in without) for phrase in lexicon.phrases)
            for lexicon, held in found
            if held
        )
    compares: list[Any] = [c if held else opposite(c) for c, held in found if not isinstance(c, Is)]
    values = [(c.values, held) for c, held in found if isinstance(c, Is)]
    if any(held for _, held in values):
        allowed = set.intersection(*(set(some) for some, held in values if held))
        allowed -= {value for some, held in values if not held for value in some}
        return any(_fits(value, compares) for value in allowed)
    low, low_open, high, high_open = -inf, False, inf, False
    for c in compares:
        if c.sign in (">", ">=") and (c.bound, c.sign == ">") > (low, low_open):
            low, low_open = c.bound, c.sign == ">"
        if c.sign in ("<", "<=") and (-c.bound, c.sign == "<") > (-high, high_open):
            high, high_open = c.bound, c.sign == "<"
    return low < high or (low == high and not low_open and not high_open)


def _fits(value: Any, compares: list[Any]) -> bool:
    if not compares:
        return True
    return isinstance(value, int | float) and all(compared(value, c.sign, c.bound) for c in compares)


def _within(inner: str, outer: str) -> bool:
    """Tell whether a text that mentions the outer phrase mentions the inner one, too."""
    return f" {inner} " in f" {outer} "
