"""The closed grammar of rules: what a model prints, or a person or a language model writes, read as data.

    condition :=  mentions "a"  |  mentions any of: "a", "b"  |  does not mention "a"  |  mentions none of: ..
               |  NAME <= 5  (also <, >, >=)  |  NAME is "a"  |  NAME is not "a"  |  NAME is one of: "a", 3
               |  NAME is none of: ...  |  yes to "question"  |  no to "question"  |  value of "a" <= 0.5
    NAME      :=  letters, digits, "_", "." and "-", a letter first  |  column "any name"
    rule      :=  if condition and condition ... then OUTCOME

Strings are those of JSON, in double quotes. Nothing else is understood, and nothing is executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, NamedTuple, TypeVar

from interpllm.errors import InputError
from interpllm.runtime.conditions import (
    KEYWORDS,
    SIGNS,
    Answered,
    Compares,
    Condition,
    Is,
    Lexicon,
    TermCompares,
)
from interpllm.runtime.features import Question, wording
from interpllm.runtime.tokens import words

#: No rule is longer.
MAX_CHARACTERS = 100_000

_TOKEN = re.compile(
    r'\s*+(?:(?P<string>"(?:[^"\\]|\\.)*+")'
    r"|(?P<number>[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![A-Za-z_]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.-]*+)"
    r"|(?P<sign>->|<=|>=|==|!=|[<>=(),:;{}\[\]\u2264\u2265]))"
)
_SAME_SIGN = {"\u2264": "<=", "\u2265": ">="}

Found = TypeVar("Found")


class ParsedRule(NamedTuple):
    """A rule that was read.

    Attributes
    ----------
    conditions : tuple of Condition
    outcome : str, int, float, bool or None
        What follows, as it was written; None where nothing is said.
    """

    conditions: tuple[Condition, ...]
    outcome: Any


def parse_rule(text: str, questions: Sequence[Question] = ()) -> ParsedRule:
    """Read a rule that a person or a language model wrote.

    Parameters
    ----------
    text : str
        ``if <conditions> then <outcome>``; "if" and the outcome may be left out.
    questions : sequence of Question
        Those that are known; a question of the rule with the wording of one of them is that one.

    Returns
    -------
    ParsedRule

    Raises
    ------
    InputError
        If the grammar has no such rule; the message shows where it stopped.
    """
    if isinstance(text, str) and len(text) > MAX_CHARACTERS:
        raise InputError(f"a rule has {len(text)} characters; {MAX_CHARACTERS} are enough")
    reader = Reader(text, questions)
    reader.maybe("if")
    conditions = reader.conditions()
    outcome = None
    if reader.maybe("then") or reader.maybe("->"):
        outcome = reader.outcome()
    reader.end()
    return ParsedRule(conditions, outcome)


class Reader:
    """Tokens of one text, read from left to right."""

    def __init__(self, text: str, questions: Sequence[Question] = ()) -> None:
        if not isinstance(text, str):
            raise InputError(f"a rule is a string, not {text!r:.80}")
        self.text = text
        self.known = {wording(question.text): question for question in questions}
        self.exact = {question.text: question for question in questions}
        self.tokens: list[tuple[str, str, int]] = []
        self.place = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise InputError(f"{text[at : at + 40]!r} is not understood in the rule {text!r:.300}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            at = match.end()

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        """The kind and the text of a token to come; empty at the end."""
        place = self.place + ahead
        return self.tokens[place][:2] if place < len(self.tokens) else ("end", "")

    def maybe(self, *expected: str) -> bool:
        """Read these words or signs if they come next."""
        for ahead, one in enumerate(expected):
            kind, found = self.peek(ahead)
            if kind not in ("word", "sign") or found.lower() != one:
                return False
        self.place += len(expected)
        return True

    def need(self, *expected: str) -> None:
        """Read these words or signs."""
        if not self.maybe(*expected):
            self.fail(" ".join(expected))

    def fail(self, wanted: str) -> None:
        """Say what should stand here."""
        at = self.tokens[self.place][2] if self.place < len(self.tokens) else len(self.text)
        rest = self.text[at : at + 40]
        raise InputError(
            f"expected {wanted} where {rest!r} stands, in {self.text!r:.300}"
            if rest
            else f"expected {wanted} at the end of {self.text!r:.300}"
        )

    def end(self) -> None:
        """Nothing more."""
        if self.place < len(self.tokens):
            self.fail("the end")

    def string(self) -> str:
        """Read a string of JSON."""
        kind, found = self.peek()
        if kind != "string":
            self.fail("a string in double quotes")
        self.place += 1
        try:
            return str(json.loads(found))
        except ValueError:
            raise InputError(f"{found!r:.200} is not a string of JSON") from None

    def number(self) -> float:
        """Read a number."""
        kind, found = self.peek()
        if kind != "number":
            self.fail("a number")
        if not isfinite(float(found)):
            self.fail("a finite number")
        self.place += 1
        return float(found)

    def whole(self) -> int:
        """Read a whole number, by its digits: a float would round a long one."""
        kind, found = self.peek()
        if kind != "number" or not re.fullmatch(r"\d{1,20}", found):
            self.fail("a whole number")
        self.place += 1
        return int(found)

    def numbers(self) -> tuple[float, ...]:
        """Read numbers with commas between."""
        return self.several(self.number)

    def value(self) -> Any:
        """Read a string, a number or a boolean."""
        kind, found = self.peek()
        if kind == "string":
            return self.string()
        if kind == "number":
            self.place += 1
            return int(found) if re.fullmatch(r"[-+]?\d{1,20}", found) else float(found)
        if self.maybe("true"):
            return True
        if self.maybe("false"):
            return False
        return self.fail("a string in double quotes, a number, true or false")

    def several(self, read: Callable[[], Found]) -> tuple[Found, ...]:
        """Read one or more with commas between."""
        found = [read()]
        while self.maybe(","):
            found.append(read())
        return tuple(found)

    def outcome(self) -> Any:
        """Read what a rule leads to: a value, or the words to the end as they stand."""
        kind, _ = self.peek()
        if kind in ("string", "number") and self.peek(1)[0] == "end":
            return self.value()
        if self.peek()[1].lower() in ("true", "false") and self.peek(1)[0] == "end":
            return self.value()
        if kind == "end":
            self.fail("a class")
        at = self.tokens[self.place][2]
        self.place = len(self.tokens)
        return self.text[at:].strip()

    def conditions(self) -> tuple[Condition, ...]:
        """Read conditions with "and" between, or "every row"."""
        if self.maybe("every", "row"):
            return ()
        found = [self.condition()]
        while self.maybe("and"):
            found.append(self.condition())
        return tuple(found)

    def condition(self) -> Condition:
        """Read one condition."""
        if self.maybe("mentions"):
            if self.maybe("any", "of"):
                return self.mentions(many=True)
            if self.maybe("none", "of"):
                return self.mentions(many=True, negated=True)
            return self.mentions()
        if self.maybe("does", "not", "mention"):
            return self.mentions(negated=True, many=self.maybe("any", "of"))
        for word, negated in (("yes", False), ("no", True)):
            if self.maybe(word, "to"):
                self.maybe(":")
                return Answered(self.question(), negated)
        if self.maybe("value", "of"):
            return TermCompares(self.string(), *self.bound())
        column = self.column()
        if self.maybe("is"):
            negated = self.maybe("not")
            if self.maybe("one", "of"):
                self.maybe(":")
                return Is(column, self.several(self.value), negated)
            if not negated and self.maybe("none", "of"):
                self.maybe(":")
                return Is(column, self.several(self.value), True)
            return Is(column, (self.value(),), negated)
        for sign, negated in (("==", False), ("=", False), ("!=", True)):
            if self.maybe(sign):
                return Is(column, (self.value(),), negated)
        return Compares(column, *self.bound())

    def mentions(self, many: bool = False, negated: bool = False) -> Lexicon:
        """Read the phrases of a lexicon, as texts are cut."""
        if many:
            self.maybe(":")
        found = self.several(self.string) if many else (self.string(),)
        return Lexicon(tuple(dict.fromkeys(map(_cut, found))), negated)

    def question(self) -> Question:
        """Read a question: one that is known by its wording, or a new one."""
        text = self.string()
        return self.exact.get(text) or self.known.get(wording(text)) or Question.of(text)

    def column(self) -> str:
        """Read the name of a column."""
        if self.maybe("column"):
            return self.string()
        kind, found = self.peek()
        if kind != "word" or found.lower() in KEYWORDS:
            self.fail("a condition")
        self.place += 1
        return found

    def bound(self) -> tuple[str, float]:
        """Read a sign and a number."""
        sign = _SAME_SIGN.get(self.peek()[1], self.peek()[1])
        if sign not in SIGNS:
            self.fail(f"one of {' '.join(SIGNS)} or is")
        self.place += 1
        return sign, self.number()


def _cut(phrase: str) -> str:
    """Bring a phrase to the form in which texts have it."""
    found = " ".join(words(phrase))
    if not found:
        raise InputError(f"the phrase {phrase!r:.80} has no word")
    return found
