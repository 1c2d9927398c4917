"""A set of questions that people and language models edit together: what must stay, what must not return."""

from __future__ import annotations

import difflib
import html
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import strict_json
from interpllm.runtime.checks import require
from interpllm.runtime.envelope import open_envelope, read_file, write_atomically, write_envelope
from interpllm.runtime.features import Question, wording
from interpllm.runtime.ledger import printable
from interpllm.runtime.strict_json import check_column, check_fields

_KIND = "concept_set"
_FIELDS: dict[str, tuple[type, ...]] = {"questions": (list,), "locked": (list,), "vetoed": (list,)}
_QUESTION_FIELDS: dict[str, tuple[type, ...]] = dict.fromkeys(("id", "text", "counts", "source"), (str,))


@dataclass(frozen=True, repr=False)
class ConceptSet:
    """An ordered set of questions that cannot be changed; every edit gives a new one.

    Parameters
    ----------
    questions : iterable of Question
        Their ids and their wordings are distinct.
    locked : iterable of str
        Ids of the questions that a fit has to keep.
    vetoed : iterable of str
        Wordings that a proposal may not bring back, in any case and punctuation.

    Raises
    ------
    InputError
        If ids or wordings are given twice, a locked id is not held, or a held question is vetoed.

    See Also
    --------
    ConceptSet.of : From strings, which is what people write.
    """

    questions: tuple[Question, ...] = ()
    locked: frozenset[str] = frozenset()
    vetoed: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        questions = tuple(self.questions)
        for question in questions:
            require(
                isinstance(question, Question),
                f"{question!r:.80} is not a Question; ConceptSet.of takes strings",
            )
        for name, values in (("locked", self.locked), ("vetoed", self.vetoed)):
            require(
                not isinstance(values, str) and all(isinstance(value, str) for value in values),
                f"{name} is a collection of strings, not {values!r:.80}",
            )
        object.__setattr__(self, "questions", questions)
        object.__setattr__(self, "locked", frozenset(self.locked))
        object.__setattr__(self, "vetoed", frozenset(map(wording, self.vetoed)))
        for what, keys in (("id", self.ids), ("wording", tuple(question.wording for question in questions))):
            twice = ", ".join(sorted({key for key in keys if keys.count(key) > 1}))
            require(not twice, f"two questions have the same {what}: {twice:.200}; keep one of them")
        unknown = ", ".join(sorted(self.locked - set(self.ids)))
        require(not unknown, f"locked questions are not in the set: {unknown:.200}")
        for question in questions:
            require(self.allows(question), f"{question.text!r:.200} is both held and vetoed; choose one")

    @classmethod
    def of(cls, questions: Iterable[str | Question] | ConceptSet) -> ConceptSet:
        """Make a set of strings and questions; a set is given back as it is.

        Parameters
        ----------
        questions : iterable of str or Question, or ConceptSet
            Where wordings repeat, the first stays.

        Returns
        -------
        ConceptSet
        """
        if isinstance(questions, ConceptSet):
            return questions
        require(
            not isinstance(questions, str | bytes),
            "one string was given where a list of questions is expected; put it in a list: [question]",
        )
        return cls().add(*questions)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the questions, in order."""
        return tuple(question.id for question in self.questions)

    def __len__(self) -> int:
        return len(self.questions)

    def __iter__(self) -> Iterator[Question]:
        return iter(self.questions)

    def __contains__(self, which: object) -> bool:
        return any(which in (question, question.id, question.text) for question in self.questions)

    def __getitem__(self, which: str | Question) -> Question:
        """Give the question of an id or an exact text; InputError names near ones if there is none."""
        for question in self.questions:
            if which in (question, question.id, question.text):
                return question
        texts = {question.text: question for question in self.questions}
        asked = str(which)
        near = difflib.get_close_matches(asked, [*self.ids, *texts], n=3, cutoff=0.4)
        known = [self[name] for name in near] or self.questions[:3]
        listed = "; ".join(dict.fromkeys(f"{question.id} {question.text!r:.120}" for question in known))
        raise InputError(
            f"no question has the id or the text {asked!r:.200}; "
            + (f"near ones are: {listed}" if known else "the set is empty, add(...) questions first")
        )

    def allows(self, question: str | Question) -> bool:
        """Tell whether a proposal may bring a question: whether its wording is not vetoed."""
        return wording(str(question)) not in self.vetoed

    # --- edit -----------------------------------------------------------------------------------------------

    def lock(self, *which: str | Question) -> ConceptSet:
        """Give a set in which these questions have to stay.

        Parameters
        ----------
        *which : str or Question
            Ids or exact texts.

        Returns
        -------
        ConceptSet

        Raises
        ------
        InputError
            If one is not in the set; the message lists near ones. The same holds for every edit.
        """
        return replace(self, locked=self.locked | {self[name].id for name in which})

    def veto(self, *which: str | Question) -> ConceptSet:
        """Give a set without these questions, into which no proposal may bring their wordings back.

        Parameters
        ----------
        *which : str or Question
            Ids or exact texts.

        Returns
        -------
        ConceptSet
        """
        out = [self[name] for name in which]
        return ConceptSet(
            tuple(question for question in self.questions if question not in out),
            self.locked - {question.id for question in out},
            self.vetoed | {question.wording for question in out},
        )

    def edit(self, which: str | Question, text: str, counts: str | None = None) -> ConceptSet:
        """Give a set with a question worded anew, in the same place; a locked one stays locked.

        Parameters
        ----------
        which : str or Question
            Id or exact text.
        text : str
            The new wording; the question gets the id that follows from it, and the source "user".
        counts : str, optional
            The new line of what counts; None keeps the old one.

        Returns
        -------
        ConceptSet
            A veto on the new wording is lifted: who writes it wants it.
        """
        old = self[which]
        new = Question.of(text, old.counts if counts is None else counts)
        return ConceptSet(
            tuple(new if question == old else question for question in self.questions),
            frozenset(new.id if locked == old.id else locked for locked in self.locked),
            self.vetoed - {new.wording},
        )

    def add(self, *questions: str | Question) -> ConceptSet:
        """Give a set with further questions at the end.

        Parameters
        ----------
        *questions : str or Question
            One whose wording is held already is left out; :meth:`edit` changes what is held.

        Returns
        -------
        ConceptSet
            A veto is lifted by a question of source "user".

        Raises
        ------
        InputError
            If a question that no user wrote is vetoed; ask :meth:`allows` first.
        """
        held = {question.wording: question for question in self.questions}
        vetoed = self.vetoed
        for given in questions:
            require(
                isinstance(given, str | Question), f"a question is a string or a Question, not {given!r:.80}"
            )
            question = given if isinstance(given, Question) else Question.of(given)
            if question.source == "user":
                vetoed -= {question.wording}
            require(
                question.wording not in vetoed,
                f"the question {question.text!r:.200} was vetoed; leave out what allows(question) refuses",
            )
            held.setdefault(question.wording, question)
        return ConceptSet(tuple(held.values()), self.locked, vetoed)

    # --- file -----------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """Write the set as JSON: the same set always gives the same bytes."""
        return write_envelope(
            _KIND,
            {
                "questions": [write_question(question) for question in self.questions],
                "locked": sorted(self.locked),
                "vetoed": sorted(self.vetoed),
            },
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> ConceptSet:
        """Read a set from JSON.

        Parameters
        ----------
        text : str or bytes

        Returns
        -------
        ConceptSet

        Raises
        ------
        DocumentError
            If it is not a whole set of a version that this library knows.
        """
        try:
            document = strict_json.parse(text)
            open_envelope(document, [_KIND])
            check_fields(document, _FIELDS)
            names = {
                name: check_column(document[name], {str}, len(document[name]), name)
                for name in ("locked", "vetoed")
            }
            return cls(read_questions(document["questions"]), **{n: frozenset(v) for n, v in names.items()})
        except InputError as error:
            raise DocumentError(str(error)) from error

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the set to a JSON file; the file is whole or not there."""
        return write_atomically(path, self.to_json().encode())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ConceptSet:
        """Read a set from a JSON file; DocumentError if it is not one."""
        return read_file(path, cls.from_json)

    # --- read -----------------------------------------------------------------------------------------------

    def _notes(self, question: Question) -> str:
        return f"{question.source}, locked" if question.id in self.locked else question.source

    def _summary(self) -> str:
        parts = [f"{len(self)} question{'' if len(self) == 1 else 's'}"]
        parts += [f"{len(self.locked)} locked"] if self.locked else []
        parts += [f"{len(self.vetoed)} vetoed"] if self.vetoed else []
        return f"ConceptSet: {', '.join(parts)}"

    def __repr__(self) -> str:
        lines = [self._summary()]
        for question in self.questions:
            lines.append(f"  {question.id}  {printable(question.text)} ({self._notes(question)})")
            if question.counts:
                lines.append(f"  {'':{len(question.id)}}  counts: {printable(question.counts)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Draw the set as a table for notebooks; what people and models wrote is escaped."""
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td>{html.escape(printable(cell))}</td>"
                for cell in (question.id, question.text, question.counts, self._notes(question))
            )
            + "</tr>"
            for question in self.questions
        )
        head = "".join(f"<th>{name}</th>" for name in ("id", "question", "what counts", "source"))
        return f"<table><caption>{self._summary()}</caption><tr>{head}</tr>{rows}</table>"


def write_question(question: Question) -> dict[str, str]:
    """Give the fields of a question for a document."""
    return {name: getattr(question, name) for name in _QUESTION_FIELDS}


def read_questions(values: list[object]) -> tuple[Question, ...]:
    """Read the questions of a document, each with exactly its fields."""
    found = []
    for fields in check_column(values, {dict}, len(values), "questions"):
        check_fields(fields, _QUESTION_FIELDS)
        found.append(Question(**fields))
    return tuple(found)
