"""What models over rows share: texts, columns and answers in, and conditions that look at them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan
from types import MappingProxyType
from typing import Any

from interpllm.errors import InputError
from interpllm.runtime import checks
from interpllm.runtime.concept_model import Answers, column_of, known, reasons, same_labels, scorer_of
from interpllm.runtime.conditions import Answered, Condition, Lexicon, TermCompares, columns_of
from interpllm.runtime.evidence import RuleEvidence
from interpllm.runtime.features import Question
from interpllm.runtime.ledger import Ledger, Rule, Step
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.model import ReadableModel, one_or_more
from interpllm.runtime.row_scoring import Row, all_hold, holds, scores_of, shares_of
from interpllm.runtime.scoring import Scorer
from interpllm.runtime.tokens import spans
from interpllm.runtime.vectorizer import Vectorizer

LINKS = ("identity", "share", "clip", "logit")

#: Texts, or rows with columns by name.
Rows = Iterable[str | Mapping[str, Any]]

_ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True, repr=False)
class RowModel(ReadableModel):
    """The parts that models over rows have; each kind documents them with its own."""

    link: str
    text: str = ""
    questions: tuple[Question, ...] = ()
    stand_ins: Mapping[str, LinearModel] = field(default_factory=dict)
    vectorizer: Vectorizer | None = None
    evidence: tuple[RuleEvidence, ...] | None = None

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        links = LINKS[:1] if self.task == "regression" else LINKS[1:]
        checks.require(self.link in links, f"link is one of {links}, not {self.link!r:.40}")
        checks.require(
            self.link != "clip" or len(self.classes) == 2, "the link 'clip' is for two classes; use 'share'"
        )
        checks.require(isinstance(self.text, str), f"text is the name of a column, not {self.text!r:.80}")
        checks.encodable(self.text)
        checks.require(
            self.vectorizer is None or isinstance(self.vectorizer, Vectorizer),
            f"vectorizer is a Vectorizer, not {self.vectorizer!r:.80}",
        )

    def _check_parts(self) -> None:
        """Check what hangs on the conditions; a kind calls it when it has settled its own parts."""
        asked: dict[str, Question] = {}
        for condition in self.conditions():
            if isinstance(condition, Answered):
                known = asked.setdefault(condition.question.id, condition.question)
                checks.require(
                    known == condition.question, f"two questions have the id {condition.question.id}"
                )
            checks.require(
                self.vectorizer is not None or not isinstance(condition, TermCompares),
                f"the condition '{condition}' needs a vectorizer",
            )
        self._settle("questions", tuple(asked.values()))
        for name, model in self.stand_ins.items():
            checks.require(name in asked, f"a stand-in answers no question of the model: {name!r:.80}")
            checks.require(
                isinstance(model, LinearModel) and same_labels(model.classes, (False, True)),
                f"the stand-in of {name!r:.80} is not a LinearModel with the classes (False, True)",
            )
        ordered = {name: self.stand_ins[name] for name in asked if name in self.stand_ins}
        self._settle("stand_ins", MappingProxyType(ordered))

    def _check_evidence(self, n: int) -> None:
        if self.evidence is None:
            return
        checks.require(len(self.evidence) == n, f"{len(self.evidence)} entries of evidence for {n} rules")
        entries = (RuleEvidence(*entry) for entry in self.evidence)
        self._settle("evidence", tuple(e._replace(examples=tuple(e.examples)) for e in entries))

    def _check_value(self, value: Iterable[float], what: str) -> tuple[float, ...]:
        """Check the totals that a leaf or a rule gives by itself."""
        numbers = checks.numbers(value, f"the value of {what}")
        if self.link == "share":
            fits = len(numbers) == len(self.classes) and all(0.0 <= share <= 1.0 for share in numbers)
            checks.require(
                fits and abs(sum(numbers) - 1.0) <= _ROUNDING,
                f"the value of {what} is not the shares of the classes: {numbers}",
            )
        else:
            checks.require(
                len(numbers) == self.n_totals,
                f"the value of {what} has {len(numbers)} numbers where {self.n_totals} belong",
            )
        return numbers

    @property
    def n_totals(self) -> int:
        """Number of totals of a row, of which the link makes scores and probabilities."""
        return len(self.classes) if self.link == "share" else self.n_outputs

    @abstractmethod
    def conditions(self) -> Iterator[Condition]:
        """Go through all conditions."""

    @abstractmethod
    def _totals(self, row: Row) -> list[float]: ...

    @abstractmethod
    def _explain(self, row: Row) -> Ledger: ...

    @abstractmethod
    def rules(self) -> list[Rule]:
        """List what the model decides by."""

    @cached_property
    def columns(self) -> Mapping[str, str]:
        """The columns that the model looks at, the text's apart: name -> "number", or "value" for any."""
        return MappingProxyType(columns_of(list(self.conditions())))

    @cached_property
    def reads_text(self) -> bool:
        """Whether the model looks at the text of a row."""
        looks = any(isinstance(condition, Lexicon | TermCompares) for condition in self.conditions())
        return looks or bool(self.stand_ins)

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Ids of the questions that have no stand-in: their answers have to be given."""
        return tuple(question.id for question in self.questions if question.id not in self.stand_ins)

    @property
    def deployable(self) -> bool:
        """Whether the model predicts without a language model."""
        return not self.unanswered

    # --- predict --------------------------------------------------------------------------------------------

    @cached_property
    def _stand_in_scorers(self) -> dict[str, Scorer]:
        return {name: scorer_of(model) for name, model in self.stand_ins.items()}

    def _rows(self, rows: Rows | None, answers: Answers | None) -> list[Row]:
        """Check rows and the answers that are given."""
        given = {} if answers is None else answers
        names = {question.id for question in self.questions}
        columns = {name: column_of(given[name], name) for name in given if name in names}
        missing = [q for q in self.questions if q.id in self.unanswered and q.id not in columns]
        checks.require(
            not missing,
            "answers are missing for questions that need a language model: "
            + "; ".join(f"{question.id} {question.text!r:.120}" for question in missing[:10])
            + f" ({len(missing)} in all). Give answers={{id: [one a row]}}, or distil them into stand-ins",
        )
        if rows is None:
            alone = bool(columns) and not self.columns and not self.reads_text
            checks.require(alone, "rows are missing; only answers to all questions can do without them")
            rows = [""] * len(next(iter(columns.values())))
        cells = [self._cells(number, row) for number, row in enumerate(_listed(rows))]
        for name, column in columns.items():
            checks.require(
                len(column) == len(cells),
                f"question {name} has {len(column)} answers for {len(cells)} rows; "
                "give one a row, NaN where it is missing",
            )
        values = self.vectorizer.terms if self.vectorizer else None
        return [
            Row(text, cell, {n: c[i] for n, c in columns.items()}, self._stand_in_scorers, values)
            for i, (text, cell) in enumerate(cells)
        ]

    def _cells(self, number: int, row: Any) -> tuple[str, dict[str, Any]]:
        """Check one row: its text, and the values of the columns that the model looks at."""
        if isinstance(row, str):
            checks.require(
                not self.columns,
                f"row {number} is a text, and the model looks at columns: {', '.join(self.columns)!r:.200}; "
                "give a frame, or rows as dictionaries",
            )
            return row, {}
        if not isinstance(row, Mapping):
            raise InputError(
                f"row {number} is neither a text nor a row with columns but {row!r:.60} "
                f"({type(row).__name__}); drop such rows, or replace what is missing by an empty string"
            )
        wanted = [*self.columns, *([self.text] if self.reads_text and self.text else [])]
        for name in wanted:
            checks.require(name in row, f"row {number} has no column {name!r:.80}")
        checks.require(
            bool(self.text) or not self.reads_text,
            f"row {number} has columns, and the model reads texts; give the texts alone",
        )
        text = row[self.text] if self.reads_text else ""
        checks.require(
            isinstance(text, str), f"column {self.text!r:.80} of row {number} is not a text: {text!r:.60}"
        )
        return text, {name: _cell(row[name], kind, name, number) for name, kind in self.columns.items()}

    def decision_function(
        self, rows: Rows | None, answers: Answers | None = None
    ) -> list[float] | list[list[float]]:
        """Score rows.

        Parameters
        ----------
        rows : iterable of str or of mapping of str to value; or a frame
            Texts, or rows with the columns that the model looks at. None will do where answers to all its
            questions are given and it looks at nothing else.
        answers : mapping of str to sequence of float, optional
            Id of a question -> its answer for each row, from 0 (no) to 1 (yes), NaN or None where it is
            missing. Questions that are not named are answered by their stand-ins.

        Returns
        -------
        list of float, or list of list of float
            Regression: the value. Two classes: a number, above 0 for the second. More: one a class.

        Raises
        ------
        InputError
            If a row lacks something, or a question without a stand-in has no answers.
        """
        scores = [scores_of(self._totals(row), self.link) for row in self._rows(rows, answers)]
        return one_or_more(scores, self.n_outputs)

    def predict(self, rows: Rows | None, answers: Answers | None = None) -> list[Any]:
        """Predict the class of rows, or their value.

        Parameters
        ----------
        rows, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list
            One of `classes` a row; regression: one float a row.
        """
        return [self._decide(scores_of(self._totals(row), self.link)) for row in self._rows(rows, answers)]

    def predict_proba(self, rows: Rows | None, answers: Answers | None = None) -> list[list[float]]:
        """Predict the probabilities of the classes of rows.

        Parameters
        ----------
        rows, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of list of float
            One a class and row, in the order of `classes`.

        Raises
        ------
        InputError
            If the model is a regression, too.
        """
        checks.require(bool(self.classes), "a regression model has no probabilities; use predict")
        return [shares_of(self._totals(row), self.link) for row in self._rows(rows, answers)]

    def explain(self, rows: Rows | None, answers: Answers | None = None) -> list[Ledger]:
        """Tell what made each prediction.

        Parameters
        ----------
        rows, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of Ledger
            For each row: base + sum of contributions = decision function, to 1e-9.
        """
        return [self._explain(row) for row in self._rows(rows, answers)]

    def _step(self, condition: Condition, row: Row, part: int) -> Step:
        """Tell what a condition found in a row; `part` is the tree or the rule that looked."""
        held = holds(condition.plain, row)
        if not isinstance(condition, Answered):
            return Step(str(condition), held, self._where([condition], row.text), part)
        name = condition.question.id
        answer = row.answer(name)
        by_words = name in self.stand_ins and name not in row.given
        places = reasons(self.stand_ins[name], row.text, answer) if by_words else ()
        return Step(str(condition), held, places, part, name, known(answer))

    def holding(
        self, conditions: Sequence[Condition], rows: Rows | None, answers: Answers | None = None
    ) -> list[bool]:
        """Tell for each row whether all of some conditions hold."""
        plain = [condition.plain for condition in conditions]
        return [all_hold(plain, row) for row in self._rows(rows, answers)]

    def _where(self, conditions: Iterable[Condition], text: str) -> tuple[tuple[int, int], ...]:
        """Find where a text mentions what conditions look at."""
        wanted = {
            phrase
            for condition in conditions
            for phrase in _phrases(condition)
        }  # fmt: skip
        if not wanted or not text:
            return ()
        sizes = [phrase.count(" ") + 1 for phrase in wanted]
        places = spans(text, min(sizes), max(sizes))
        return tuple(sorted({span for phrase in wanted & set(places) for span in places[phrase]}))


def _phrases(condition: Condition) -> tuple[str, ...]:
    if isinstance(condition, Lexicon):
        return condition.phrases
    return (condition.phrase,) if isinstance(condition, TermCompares) else ()


def _listed(rows: Any) -> list[Any]:
    """List the rows of whatever holds them."""
    if isinstance(rows, str | bytes | Mapping):
        raise InputError("one row was given where a list of rows is expected; put it in a list: [row]")
    if hasattr(rows, "to_dicts"):  # a frame of polars
        return list(rows.to_dicts())
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):  # a frame of pandas
        return list(rows.to_dict(orient="records"))
    return list(rows)


def _cell(value: Any, kind: str, column: str, number: int) -> Any:
    """Check one value of a column; None is missing."""
    plain = value.item() if hasattr(value, "item") else value
    if plain is None or type(plain).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(plain, float) and isnan(plain):
        return None
    if kind == "number":
        checks.require(
            isinstance(plain, int | float),
            f"column {column!r:.80} of row {number} is not a number but {value!r:.60}; "
            "make it one, or leave it empty where it is missing",
        )
        return plain
    checks.require(
        isinstance(plain, str | int | float),
        f"column {column!r:.80} of row {number} is neither text nor number but {value!r:.60}",
    )
    return plain
