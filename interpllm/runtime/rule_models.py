"""Rules as models: a list of which the first that holds decides, and a set of which all that hold add up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from interpllm.runtime import checks
from interpllm.runtime.conditions import Condition, column_name
from interpllm.runtime.ledger import Contribution, Ledger, Rule, Step
from interpllm.runtime.literals import literal
from interpllm.runtime.printing import header, numbers, outcome
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_scoring import ListScorer, Row, SetScorer, scores_of
from interpllm.runtime.tokens import spans


class Clause(NamedTuple):
    """A rule: conditions that hold together, and what follows.

    Attributes
    ----------
    conditions : tuple of Condition
        Without any it holds for every row.
    value : tuple of float
        Of a rule list: shares of the classes, or the mean. Of a rule set: what it adds to each output.
    n_rows : int
        Training rows that it was fitted on; in a list, those that no earlier rule holds for.
    """

    conditions: tuple[Condition, ...]
    value: tuple[float, ...]
    n_rows: int = 0


class Slope(NamedTuple):
    """A column that adds to the score in proportion to its value.

    Attributes
    ----------
    column : str
    low, high : float
        The value is kept within these.
    missing : float
        What stands for a missing value.
    value : tuple of float
        What one unit adds to each output.
    """

    column: str
    low: float
    high: float
    missing: float
    value: tuple[float, ...]


def said(conditions: Sequence[Condition]) -> str:
    """Print conditions that hold together."""
    return " and ".join(map(str, conditions)) or "every row"


@dataclass(frozen=True, kw_only=True, repr=False)
class RuleModel(RowModel):
    """The parts that both kinds of rule models have."""

    clauses: tuple[Clause, ...]

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        clauses = tuple(self._clause(number, entry) for number, entry in enumerate(self.clauses, start=1))
        self._settle("clauses", clauses)

    def _clause(self, number: int, entry: Sequence[Any]) -> Clause:
        checks.require(len(entry) in (2, 3), f"rule {number} is not (conditions, value, n_rows)")
        conditions, value, n_rows = Clause(*entry)
        for condition in conditions:
            checks.require(
                isinstance(condition, Condition), f"rule {number} has {condition!r:.80} for a condition"
            )
        return Clause(
            tuple(conditions),
            self._check_value(value, f"rule {number}"),
            checks.whole(n_rows, f"n_rows of rule {number}"),
        )

    def conditions(self) -> Iterator[Condition]:
        """Go through the conditions of all rules."""
        return (condition for clause in self.clauses for condition in clause.conditions)

    @property
    def n_terms(self) -> int:
        """Number of rules."""
        return len(self.clauses)

    def _looked(self, clause: Clause, row: Row, part: int) -> Iterator[Step]:
        """Tell what the conditions of a rule found, up to the first that does not hold."""
        for condition in clause.conditions:
            step = self._step(condition, row, part)
            yield step
            if step.held is not True:
                return

    def _evident(self, number: int, clause: Clause) -> tuple[Any, ...]:
        """Give support, coverage, precision and the rest, as `Rule` has them."""
        if self.evidence is None:
            support = clause.n_rows if self.n_rows else None
            return support, support / self.n_rows if support is not None else None, None
        found = self.evidence[number]
        coverage = found.support / self.n_rows if self.n_rows else None
        return found.support, coverage, *found.rest


@dataclass(frozen=True, kw_only=True, repr=False)
class RuleListModel(RuleModel):
    """An ordered list of rules: the first that holds decides, else the last line.

    Parameters
    ----------
    task, target, classes, text, stand_ins, vectorizer, base, n_rows, meta
        As for :class:`interpllm.runtime.TreeModel`.
    clauses : sequence of Clause
        In order; a value is the shares of the classes, or the mean, of the rows that come so far.
    otherwise : sequence of float
        The value where no rule holds.
    otherwise_rows : int
        Training rows that no rule holds for.
    link : {"share", "identity"}
        Classification, regression.
    evidence : sequence of RuleEvidence, optional
        One a rule, on the rows that no earlier rule holds for; the last is of the last line.

    Raises
    ------
    InputError
        If the parts do not make a model; the message names the first that does not fit.
    """

    otherwise: tuple[float, ...]
    otherwise_rows: int = 0

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.require(self.link in ("share", "identity"), f"a rule list has no link {self.link!r}")
        self._settle("otherwise", self._check_value(self.otherwise, "the last line"))
        self._settle("otherwise_rows", checks.whole(self.otherwise_rows, "otherwise_rows"))
        self._check_parts()
        self._check_evidence(len(self.clauses) + 1)

    @cached_property
    def _scorer(self) -> ListScorer:
        plain = [([c.plain for c in clause.conditions], clause.value) for clause in self.clauses]
        return ListScorer(plain, self.otherwise)

    def _totals(self, row: Row) -> list[float]:
        return self._scorer.totals(row)

    def _explain(self, row: Row) -> Ledger:
        found = self._scorer.first(row)
        scores, base = scores_of(self._totals(row), self.link), scores_of(self.otherwise, self.link)
        contributions: tuple[Contribution, ...] = ()
        if found is not None:
            conditions = self.clauses[found].conditions
            step = tuple(b - a for a, b in zip(base, scores, strict=True))
            contributions = (Contribution(said(conditions), self._where(conditions, row.text), step),)
        tried = self.clauses if found is None else self.clauses[: found + 1]
        return Ledger(
            text=row.text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=tuple(base),
            contributions=contributions,
            coverage=float(found is not None),
            classes=self.classes,
            path=tuple(step for part, clause in enumerate(tried) for step in self._looked(clause, row, part)),
        )

    def rules(self) -> list[Rule]:
        """List the rules in their order, the last line last.

        Returns
        -------
        list of Rule
            The weight is the probability of `prediction`; regression: the mean less that of all rows.
        """
        last = Clause((), self.otherwise, self.otherwise_rows)
        found = []
        for number, clause in enumerate([*self.clauses, last]):
            support, coverage, precision, *rest = self._evident(number, clause)
            prediction: Any
            if self.classes:
                prediction = self._decide(scores_of(clause.value, self.link))
                weight = clause.value[self.classes.index(prediction)]
            else:
                prediction, weight = self._lean([clause.value[0] - (self.base[0] if self.base else 0.0)])
            name = said(clause.conditions) if number < len(self.clauses) else "otherwise"
            shown = weight if precision is None and self.classes else precision
            found.append(Rule(name, name, prediction, weight, support, coverage, shown, *rest))
        return found

    def __str__(self) -> str:
        lines = [*header(self), ""]
        for number, (conditions, value, n_rows) in enumerate(self.clauses):
            word = "else if" if number else "if"
            lines.append(f"{word} {said(conditions)}")
            lines.append(f"  -> {outcome(self, value)} ({numbers(value)}; {n_rows} rows)")
        lines.append("otherwise")
        lines.append(
            f"  -> {outcome(self, self.otherwise)} ({numbers(self.otherwise)}; {self.otherwise_rows} rows)"
        )
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<RuleListModel: {self.task}, {self.n_terms} rules>"


@dataclass(frozen=True, kw_only=True, repr=False)
class RuleSetModel(RuleModel):
    """Weighted rules: the score of a row is the intercept plus the weights of all rules that hold.

    Parameters
    ----------
    task, target, classes, text, stand_ins, vectorizer, base, n_rows, meta
        As for :class:`interpllm.runtime.TreeModel`.
    clauses : sequence of Clause
        A value is what the rule adds to each output.
    slopes : sequence of Slope
        Columns that add in proportion.
    term_weights : mapping of str to sequence of float
        Phrase of the `vectorizer` -> what its number in a text is multiplied by, once an output.
    intercept : sequence of float
        One an output.
    link : {"logit", "clip", "identity"}
        What the score is: log-odds (of the second of two classes, or one a class), the probability of the
        second class kept within 0 and 1, the value.
    evidence : sequence of RuleEvidence, optional
        One a rule.

    Raises
    ------
    InputError
        If the parts do not make a model; the message names the first that does not fit.
    """

    intercept: tuple[float, ...]
    slopes: tuple[Slope, ...] = ()
    term_weights: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.require(self.link != "share", "weights do not add up to shares; use the link 'logit'")
        self._settle("intercept", self._check_value(self.intercept, "the intercept"))
        self._settle("slopes", tuple(self._slope(Slope(*slope)) for slope in self.slopes))
        names = [slope.column for slope in self.slopes]
        checks.require(len(set(names)) == len(names), "a column has two slopes; add them up")
        self._settle("term_weights", MappingProxyType(self._weighed(self.term_weights)))
        self._check_parts()
        self._check_evidence(len(self.clauses))

    def _slope(self, slope: Slope) -> Slope:
        checks.require(
            isinstance(slope.column, str) and bool(slope.column),
            f"a slope has no column: {slope!r:.80}",
        )
        checks.encodable(slope.column)
        what = f"the slope of {slope.column!r:.80}"
        low, high, missing = checks.numbers(slope[1:4], what)
        checks.require(low <= high, f"{what} is kept within nothing")
        return Slope(slope.column, low, high, missing, self._check_value(slope.value, what))

    def _weighed(self, term_weights: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, ...]]:
        known = self.vectorizer.idf if self.vectorizer is not None else {}
        for phrase in term_weights:
            checks.require(phrase in known, f"the vectorizer gives {phrase!r:.200} no number to weigh")
        return {
            phrase: self._check_value(term_weights[phrase], f"the phrase {phrase!r:.200}")
            for phrase in sorted(term_weights)
        }

    @property
    def n_terms(self) -> int:
        """Number of rules, columns and phrases that add."""
        return len(self.clauses) + len(self.slopes) + len(self.term_weights)

    @cached_property
    def reads_text(self) -> bool:
        """Whether the model looks at the text of a row."""
        return bool(self.term_weights) or super().reads_text

    @cached_property
    def columns(self) -> Any:
        """The columns that the model looks at, those with a slope among them."""
        return {**super().columns, **{slope.column: "number" for slope in self.slopes}}

    @cached_property
    def _scorer(self) -> SetScorer:
        plain = [([c.plain for c in clause.conditions], clause.value) for clause in self.clauses]
        return SetScorer(plain, self.slopes, self.term_weights, self.intercept)

    def _totals(self, row: Row) -> list[float]:
        return self._scorer.totals(row)

    def _explain(self, row: Row) -> Ledger:
        factor = 2.0 if self.link == "clip" else 1.0
        scores = scores_of(self._totals(row), self.link)
        base = [2.0 * self.intercept[0] - 1.0] if self.link == "clip" else list(self.intercept)
        parts = self._scorer.parts(row)
        places = spans(row.text, *self.vectorizer.ngram_range) if self.vectorizer else {}
        contributions = [
            Contribution(part, tuple(places.get(part, ())), tuple(factor * value for value in added))
            if isinstance(part, str)
            else self._contribution(part, [factor * value for value in added], row)
            for part, added in parts
        ]
        if self.link == "clip":  # what keeping the score within 0 and 1 takes away has to stand somewhere
            rest = scores[0] - base[0] - sum(c.values[0] for c in contributions)
            if abs(rest) > 1e-12:
                contributions.append(Contribution("kept within 0 and 1", (), (rest,)))
        contributions.sort(key=lambda c: -max(map(abs, c.values)))
        n = len(self.clauses) + len(self.slopes) + (len(row.terms()) if self.term_weights else 0)
        return Ledger(
            text=row.text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=tuple(base),
            contributions=tuple(contributions),
            coverage=len(parts) / n if n else 0.0,
            classes=self.classes,
            path=tuple(
                step
                for part, _ in parts
                if isinstance(part, int) and part < len(self.clauses)
                for step in self._looked(self.clauses[part], row, part)
            ),
        )

    def _contribution(self, number: int, added: list[float], row: Row) -> Contribution:
        if number >= len(self.clauses):
            return Contribution(self.slopes[number - len(self.clauses)].column, (), tuple(added))
        conditions = self.clauses[number].conditions
        return Contribution(said(conditions), self._where(conditions, row.text), tuple(added))

    def rules(self) -> list[Rule]:
        """List the rules, strongest first, and after them the columns and phrases that add in proportion.

        Returns
        -------
        list of Rule
            The weight is what the rule adds towards `prediction` (regression: with its sign); more than two
            classes: its weight for `prediction` less its mean over classes. Of a column or a phrase: for one
            unit.
        """
        found = []
        for number, clause in enumerate(self.clauses):
            prediction, weight = self._lean(clause.value)
            name = said(clause.conditions)
            found.append(Rule(name, name, prediction, weight, *self._evident(number, clause)))
        found.sort(key=lambda rule: (-abs(rule.weight), rule.phrase))
        units = [(f"each unit of {column_name(slope.column)}", slope.value) for slope in self.slopes]
        units += [(f"each unit of {_value_of(phrase)}", value) for phrase, value in self.term_weights.items()]
        proportional = [Rule(name, name, *self._lean(value), None, None, None) for name, value in units]
        return [*found, *sorted(proportional, key=lambda rule: (-abs(rule.weight), rule.phrase))]

    def __str__(self) -> str:
        lines = [*header(self), f"intercept: {numbers(self.intercept)}", ""]
        for conditions, value, n_rows in self.clauses:
            lines.append(f"if {said(conditions)}")
            lines.append(f"  add {numbers(value)} ({outcome(self, value)}; {n_rows} rows)")
        for column, low, high, missing, value in self.slopes:
            lines.append(
                f"each unit of {column_name(column)} adds {numbers(value)} "
                f"(within {low!r} to {high!r}; missing: {missing!r})"
            )
        for phrase, value in self.term_weights.items():
            lines.append(f"each unit of {_value_of(phrase)} adds {numbers(value)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        weighed = f", {len(self.term_weights)} weighed phrases" if self.term_weights else ""
        return f"<RuleSetModel: {self.task}, {len(self.clauses)} rules{weighed}>"


def _value_of(phrase: str) -> str:
    return f"value of {literal(phrase)}"
