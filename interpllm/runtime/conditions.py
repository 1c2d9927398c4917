"""What a rule or a node of a tree looks at: frozen, printing themselves, and going into JSON as lists.

What is printed is read back by :mod:`interpllm.runtime.grammar`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.features import Question
from interpllm.runtime.literals import literal
from interpllm.runtime.tokens import runs, words

SIGNS = ("<=", ">", "<", ">=")

#: Words of the grammar, which cannot stand for a column by themselves.
KEYWORDS = frozenset(
    {
        *("if", "then", "else", "otherwise", "and", "or", "not", "is", "does", "do", "mention", "mentions"),
        *("any", "none", "one", "of", "column", "value", "yes", "no", "to", "each", "every"),
    }
)

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Lexicon:
    """The text mentions any of some phrases; negated, none of them.

    Parameters
    ----------
    phrases : sequence of str
        Lower-case words joined by single spaces, as :func:`interpllm.runtime.tokens.ngrams` gives them.
    negated : bool
    """

    phrases: tuple[str, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        phrases = tuple(self.phrases)
        checks.require(bool(phrases), "a lexicon has no phrase; give one at least")
        checks.require(len(set(phrases)) == len(phrases), f"a lexicon gives a phrase twice: {phrases!r:.200}")
        checks.table(dict.fromkeys(phrases, (0.0,)), 1, (1, checks.MAX_ORDER))
        object.__setattr__(self, "phrases", phrases)
        object.__setattr__(self, "negated", _truth(self.negated))

    @cached_property
    def plain(self) -> tuple[Any, ...]:
        """The condition as the scorers read it."""
        sizes = [phrase.count(" ") + 1 for phrase in self.phrases]
        return ("mentions", frozenset(self.phrases), min(sizes), max(sizes), self.negated)

    @property
    def json(self) -> list[Any]:
        """The condition as a list for JSON."""
        return ["mentions", list(self.phrases), self.negated]

    def __str__(self) -> str:
        shown = ", ".join(map(literal, self.phrases))
        if len(self.phrases) == 1:
            return f"does not mention {shown}" if self.negated else f"mentions {shown}"
        return f"mentions none of: {shown}" if self.negated else f"mentions any of: {shown}"


@dataclass(frozen=True)
class Compares:
    """A column is at most, above, below or at least a number; missing values are neither.

    Parameters
    ----------
    column : str
    sign : {"<=", ">", "<", ">="}
    bound : float
    """

    column: str
    sign: str
    bound: float

    def __post_init__(self) -> None:
        _named(self.column)
        _signed(self)

    @cached_property
    def plain(self) -> tuple[Any, ...]:
        """The condition as the scorers read it."""
        return ("column", self.column, self.sign, self.bound)

    @property
    def json(self) -> list[Any]:
        """The condition as a list for JSON."""
        return list(self.plain)

    def __str__(self) -> str:
        return f"{column_name(self.column)} {self.sign} {self.bound!r}"


@dataclass(frozen=True)
class TermCompares:
    """The number that a vectorizer gives a phrase of the text, compared with another.

    Parameters
    ----------
    phrase : str
    sign : {"<=", ">", "<", ">="}
    bound : float
    """

    phrase: str
    sign: str
    bound: float

    def __post_init__(self) -> None:
        cut = self.phrase.split(" ") if isinstance(self.phrase, str) else []
        fits = bool(cut) and all(words(word) == [word] or runs(word) == [word] for word in cut)
        checks.require(
            fits, f"phrase {self.phrase!r:.200} is found in no text: it is not words as texts are cut"
        )
        _signed(self)

    @cached_property
    def plain(self) -> tuple[Any, ...]:
        """The condition as the scorers read it."""
        return ("term", self.phrase, self.sign, self.bound)

    @property
    def json(self) -> list[Any]:
        """The condition as a list for JSON."""
        return list(self.plain)

    def __str__(self) -> str:
        return f"value of {literal(self.phrase)} {self.sign} {self.bound!r}"


@dataclass(frozen=True)
class Is:
    """A column has one of some values; negated, another one. Missing values are neither.

    Parameters
    ----------
    column : str
    values : sequence of str, int, float or bool
    negated : bool
    """

    column: str
    values: tuple[Any, ...]
    negated: bool = False

    def __post_init__(self) -> None:
        _named(self.column)
        values = tuple(checks.label(value) for value in self.values)
        checks.require(bool(values), f"the values of {self.column!r} are missing; give one at least")
        checks.require(len(set(values)) == len(values), f"a value is given twice: {values!r:.200}")
        checks.encodable(*(value for value in values if isinstance(value, str)))
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "negated", _truth(self.negated))

    @cached_property
    def plain(self) -> tuple[Any, ...]:
        """The condition as the scorers read it."""
        return ("is", self.column, self.values, self.negated)

    @property
    def json(self) -> list[Any]:
        """The condition as a list for JSON."""
        return ["is", self.column, list(self.values), self.negated]

    def __str__(self) -> str:
        shown = ", ".join(map(literal, self.values))
        if len(self.values) == 1:
            return f"{column_name(self.column)} is {'not ' if self.negated else ''}{shown}"
        return f"{column_name(self.column)} is {'none' if self.negated else 'one'} of: {shown}"


@dataclass(frozen=True)
class Answered:
    """A question is answered yes (above 1/2); negated, no. Missing answers are neither.

    Parameters
    ----------
    question : Question
    negated : bool
    """

    question: Question
    negated: bool = False

    def __post_init__(self) -> None:
        checks.require(
            isinstance(self.question, Question),
            f"{self.question!r:.80} is not a Question; Question.of(text) makes one",
        )
        object.__setattr__(self, "negated", _truth(self.negated))

    @cached_property
    def plain(self) -> tuple[Any, ...]:
        """The condition as the scorers read it."""
        return ("answer", self.question.id, self.negated)

    @property
    def json(self) -> list[Any]:
        """The condition as a list for JSON; the question itself stands once in the document."""
        return list(self.plain)

    def __str__(self) -> str:
        return f"{'no' if self.negated else 'yes'} to {literal(self.question.text)}"


Condition = Lexicon | Compares | TermCompares | Is | Answered


def from_json(value: Any, questions: dict[str, Question]) -> Condition:
    """Make a condition of its list.

    Raises
    ------
    InputError
        If it is none, or names a question that is not among `questions`.
    """
    checks.require(
        isinstance(value, list) and bool(value) and isinstance(value[0], str),
        f"{value!r:.80} is not a condition",
    )
    kind, parts = value[0], value[1:]
    lengths = {"mentions": 2, "column": 3, "term": 3, "is": 3, "answer": 2}
    checks.require(kind in lengths, f"conditions of kind {kind!r:.40} are not known here; update interpllm")
    checks.require(len(parts) == lengths[kind], f"{value!r:.200} does not have the parts of a condition")
    if kind == "mentions":
        return Lexicon(_strings(parts[0]), parts[1])
    if kind == "is":
        checks.require(isinstance(parts[1], list), f"{value!r:.200} does not list values")
        return Is(parts[0], tuple(parts[1]), parts[2])
    if kind == "answer":
        checks.require(
            isinstance(parts[0], str) and parts[0] in questions, f"question {parts[0]!r:.80} is missing"
        )
        return Answered(questions[parts[0]], parts[1])
    return (Compares if kind == "column" else TermCompares)(*parts)


def column_name(name: str) -> str:
    """Print the name of a column so that it can be read back."""
    bare = _BARE.fullmatch(name) and name.lower() not in KEYWORDS
    return name if bare else f"column {literal(name)}"


def columns_of(conditions: Sequence[Condition]) -> dict[str, str]:
    """List the columns that conditions look at: name -> "number", or "value" where any will do."""
    found: dict[str, str] = {}
    for condition in conditions:
        if isinstance(condition, Compares):
            found[condition.column] = "number"
        elif isinstance(condition, Is):
            found.setdefault(condition.column, "value")
    return found


def _strings(values: Any) -> tuple[str, ...]:
    checks.require(
        isinstance(values, list) and all(isinstance(value, str) for value in values),
        f"{values!r:.200} is not a list of phrases",
    )
    return tuple(values)


def _truth(value: Any) -> bool:
    checks.require(value in (True, False), f"negated is true or false, not {value!r:.80}")
    return bool(value)


def _named(column: Any) -> None:
    checks.require(isinstance(column, str) and bool(column), f"a column is a name, not {column!r:.80}")
    checks.encodable(column)


def _signed(condition: Compares | TermCompares) -> None:
    sign, bound = condition.sign, condition.bound
    checks.require(sign in SIGNS, f"a number is compared by one of {SIGNS}, not {sign!r:.40}")
    checks.require(
        isinstance(bound, int | float) or hasattr(bound, "item"),
        f"{bound!r:.80} is not a number",
    )
    object.__setattr__(condition, "bound", checks.numbers([bound], "the number compared with")[0])
