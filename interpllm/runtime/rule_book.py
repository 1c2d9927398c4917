"""A set of written rules that people and language models edit: what must stay, what must not return."""

from __future__ import annotations

import html
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import strict_json
from interpllm.runtime.checks import encodable, label, require
from interpllm.runtime.concept_set import read_questions, write_question
from interpllm.runtime.conditions import Answered, Compares, Condition, from_json
from interpllm.runtime.envelope import open_envelope, read_file, write_atomically, write_envelope
from interpllm.runtime.features import Question
from interpllm.runtime.grammar import parse_rule
from interpllm.runtime.ledger import printable
from interpllm.runtime.literals import literal
from interpllm.runtime.strict_json import check_column, check_fields, expect

SOURCES = ("person", "llm", "data")

_KIND = "rule_book"
_FIELDS: dict[str, tuple[type, ...]] = {
    "rules": (list,), "questions": (list,), "locked": (list,), "vetoed": (list,)
}  # fmt: skip


@dataclass(frozen=True)
class WrittenRule:
    """A rule as it was written: conditions that hold together, and what is said to follow.

    Parameters
    ----------
    conditions : tuple of Condition
        One at least. A bound that another one of the same column implies is left out.
    outcome : str, int, float, bool or None
        What the writer says follows; data decide what does.
    source : {"person", "llm", "data"}
        Who wrote it.
    """

    conditions: tuple[Condition, ...]
    outcome: Any = None
    source: str = "person"

    def __post_init__(self) -> None:
        conditions = tuple(dict.fromkeys(self.conditions))
        require(bool(conditions), "a rule has no condition; give one at least")
        for condition in conditions:
            require(isinstance(condition, Condition), f"{condition!r:.80} is not a condition")
        require(self.source in SOURCES, f"the source of a rule is one of {SOURCES}, not {self.source!r:.40}")
        if self.outcome is not None:
            object.__setattr__(self, "outcome", label(self.outcome))
            encodable(str(self.outcome))
        object.__setattr__(self, "conditions", tuple(c for c in conditions if not _implied(c, conditions)))

    @property
    def when(self) -> str:
        """The conditions in one order whoever wrote them: equal for rules that hold for the same reason."""
        return " and ".join(sorted(map(str, self.conditions)))

    @property
    def id(self) -> str:
        """Short and stable; follows from the conditions."""
        return "r" + sha256(self.when.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        then = "" if self.outcome is None else f" then {literal(self.outcome)}"
        return f"if {' and '.join(map(str, self.conditions))}{then}"


@dataclass(frozen=True, repr=False)
class RuleBook:
    """An ordered set of written rules that cannot be changed; every edit gives a new one.

    Parameters
    ----------
    rules : iterable of WrittenRule
        Their conditions are distinct.
    locked : iterable of str
        Ids of the rules that a fit has to keep.
    vetoed : iterable of str
        Ids of the rules that a proposal may not bring back.

    Raises
    ------
    InputError
        If a rule is given twice, a locked one is not held, or a held one is vetoed.

    See Also
    --------
    RuleBook.of : From strings, which is what people write.
    """

    rules: tuple[WrittenRule, ...] = ()
    locked: frozenset[str] = frozenset()
    vetoed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        rules = tuple(self.rules)
        for rule in rules:
            require(isinstance(rule, WrittenRule), f"{rule!r:.80} is not a rule; RuleBook.of takes strings")
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "locked", frozenset(self.locked))
        object.__setattr__(self, "vetoed", frozenset(self.vetoed))
        ids = [rule.id for rule in rules]
        twice = [str(rule) for rule in rules if ids.count(rule.id) > 1]
        require(not twice, f"two rules have the same conditions: {twice[:1]}; keep one of them")
        unknown = ", ".join(sorted(self.locked - set(ids)))
        require(not unknown, f"locked rules are not in the book: {unknown:.200}")
        for rule in rules:
            require(rule.id not in self.vetoed, f"'{rule}' is both held and vetoed; choose one")

    @classmethod
    def of(
        cls, rules: Iterable[str | WrittenRule] | RuleBook, questions: Sequence[Question] = ()
    ) -> RuleBook:
        """Make a book of strings and rules; a book is given back as it is.

        Parameters
        ----------
        rules : iterable of str or WrittenRule, or RuleBook
            ``if <conditions> then <outcome>``; see :mod:`interpllm.runtime.grammar`. Of rules with the same
            conditions the first stays.
        questions : sequence of Question
            What questions in the strings are looked up in.

        Returns
        -------
        RuleBook

        Raises
        ------
        InputError
            If a string is not a rule of the grammar.
        """
        if isinstance(rules, RuleBook):
            return rules
        require(
            not isinstance(rules, str | bytes),
            "one string was given where a list of rules is expected; put it in a list: [rule]",
        )
        return cls().add(*rules, questions=questions)

    def __len__(self) -> int:
        return len(self.rules)

    def __iter__(self) -> Iterator[WrittenRule]:
        return iter(self.rules)

    def __getitem__(self, which: str | WrittenRule) -> WrittenRule:
        """Give the rule of an id or a wording; InputError lists what is held if there is none."""
        for rule in self.rules:
            if which in (rule, rule.id, rule.when, str(rule)):
                return rule
        if isinstance(which, str) and " " in which.strip():
            wanted = _written(which, (), "person").id
            for rule in self.rules:
                if rule.id == wanted:
                    return rule
        held = "; ".join(f"{rule.id} {rule}" for rule in self.rules[:5])
        raise InputError(f"no rule has the id or the conditions {str(which)!r:.200}; held are: {held:.600}")

    def allows(self, rule: WrittenRule) -> bool:
        """Tell whether a proposal may bring a rule."""
        return rule.id not in self.vetoed

    def lock(self, *which: str | WrittenRule) -> RuleBook:
        """Give a book in which these rules (by id or as written) have to stay."""
        return replace(self, locked=self.locked | {self[name].id for name in which})

    def veto(self, *which: str | WrittenRule) -> RuleBook:
        """Give a book without these rules, into which no proposal may bring them back."""
        out = {self[name].id for name in which}
        kept = tuple(rule for rule in self.rules if rule.id not in out)
        return RuleBook(kept, self.locked - out, self.vetoed | out)

    def edit(self, which: str | WrittenRule, text: str) -> RuleBook:
        """Give a book with a rule written anew, in the same place; a locked one stays locked.

        The new one has the source "person", and a veto on it is lifted: who writes it wants it.
        """
        old, new = self[which], _written(text, self.questions, "person")
        return RuleBook(
            tuple(new if rule.id == old.id else rule for rule in self.rules),
            frozenset(new.id if locked == old.id else locked for locked in self.locked),
            self.vetoed - {new.id},
        )

    def add(self, *rules: str | WrittenRule, questions: Sequence[Question] = ()) -> RuleBook:
        """Give a book with further rules at the end; one whose conditions are held already is left out.

        A rule of source "person" stands for a held one, in its place, and lifts a veto; any other vetoed rule
        is an InputError.
        """
        held, vetoed = {rule.id: rule for rule in self.rules}, self.vetoed
        for given in rules:
            require(isinstance(given, str | WrittenRule), f"a rule is a string, not {given!r:.80}")
            known = [*questions, *self.questions]
            rule = given if isinstance(given, WrittenRule) else _written(given, known, "person")
            if rule.source == "person":
                vetoed -= {rule.id}
            require(rule.id not in vetoed, f"'{rule}' was vetoed; leave out what allows(rule) refuses")
            if rule.source == "person" or rule.id not in held:
                held[rule.id] = rule
        return RuleBook(tuple(held.values()), self.locked, vetoed)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The distinct questions of the rules."""
        return questions_of(condition for rule in self.rules for condition in rule.conditions)

    def to_json(self) -> str:
        """Write the book as JSON: the same book always gives the same bytes."""
        return write_envelope(
            _KIND,
            {
                "rules": [
                    [[c.json for c in rule.conditions], rule.outcome, rule.source] for rule in self.rules
                ],
                "questions": [write_question(question) for question in self.questions],
                "locked": sorted(self.locked),
                "vetoed": sorted(self.vetoed),
            },
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> RuleBook:
        """Read a book from JSON; DocumentError if it is not a whole one that this library knows."""
        try:
            document = strict_json.parse(text)
            open_envelope(document, [_KIND])
            check_fields(document, _FIELDS)
            names = {
                name: frozenset(check_column(document[name], {str}, len(document[name]), name))
                for name in ("locked", "vetoed")
            }
            questions = {question.id: question for question in read_questions(document["questions"])}
            rules = []
            for entry in check_column(document["rules"], {list}, len(document["rules"]), "rules"):
                expect(
                    len(entry) == 3 and isinstance(entry[0], list),
                    "a rule is not (conditions, outcome, source)",
                )
                conditions = tuple(from_json(value, questions) for value in entry[0])
                rules.append(WrittenRule(conditions, entry[1], entry[2]))
            return cls(tuple(rules), **names)
        except InputError as error:
            raise DocumentError(str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the book to a JSON file; the file is whole or not there."""
        return write_atomically(path, self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RuleBook:
        """Read a book from a JSON file; DocumentError if it is not one."""
        return read_file(path, cls.from_json)

    def _notes(self, rule: WrittenRule) -> str:
        return f"{rule.source}, locked" if rule.id in self.locked else rule.source

    def __repr__(self) -> str:
        counts = f"{len(self)} rules, {len(self.locked)} locked, {len(self.vetoed)} vetoed"
        rules = [f"  {rule.id}  {printable(str(rule))} ({self._notes(rule)})" for rule in self.rules]
        return "\n".join([f"RuleBook: {counts}", *rules])

    def _repr_html_(self) -> str:
        """Draw the book as a table for notebooks; what people and models wrote is escaped."""
        rows = "".join(
            f"<tr><td>{rule.id}</td><td>{html.escape(printable(str(rule)))}</td><td>{self._notes(rule)}</td></tr>"
            for rule in self.rules
        )
        return f"<table><tr><th>id</th><th>rule</th><th>source</th></tr>{rows}</table>"


def _implied(condition: Condition, others: Sequence[Condition]) -> bool:
    """Tell whether a bound holds wherever a tighter one of the same column does."""
    if not isinstance(condition, Compares):
        return False
    upward = condition.sign in (">", ">=")
    strict = condition.sign in ("<", ">")
    for other in others:
        if not isinstance(other, Compares) or other.column != condition.column or other == condition:
            continue
        if (other.sign in (">", ">=")) is upward:
            further = other.bound > condition.bound if upward else other.bound < condition.bound
            if further or (other.bound == condition.bound and not strict):
                return True
    return False


def questions_of(conditions: Iterable[Condition]) -> tuple[Question, ...]:
    """List the distinct questions that conditions ask."""
    asked = (condition.question for condition in conditions if isinstance(condition, Answered))
    return tuple({question.id: question for question in asked}.values())


def _written(text: str, questions: Sequence[Question], source: str) -> WrittenRule:
    conditions, outcome = parse_rule(text, questions)
    return WrittenRule(conditions, outcome, source)
