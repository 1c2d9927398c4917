"""Why one class and not another: what speaks for the one less what speaks for the other, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from interpllm.display import Block, Marked, Note, Section, Table
from interpllm.display.axes import bars
from interpllm.errors import InputError
from interpllm.explain.base import Explanation
from interpllm.explain.changes import Change, smallest
from interpllm.explain.ledgers import quotes
from interpllm.explain.subject import classifying, gap, subject_of
from interpllm.runtime import ConceptTree, Ledger, RuleListModel, TreeModel
from interpllm.runtime.ledger import Label, printable

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

_ROWS = 10
_SHOWN = 15


class Lead(NamedTuple):
    """What one contribution says for the one class less what it says for the other.

    Attributes
    ----------
    phrase : str
        The n-gram, condition or question.
    value : float
        Above 0 for the one.
    spans : tuple of (int, int)
        Where it stands in the text.
    question : str or None
    answer : float or None
        As in a `Contribution` of the ledger.
    """

    phrase: str
    value: float
    spans: tuple[tuple[int, int], ...]
    question: str | None
    answer: float | None


@dataclass(frozen=True)
class Contrast:
    """One row: ``base + sum of the values of the leads == difference``.

    Parameters
    ----------
    ledger : Ledger
    base, difference : float
        Score of the one class less that of the other, of a row about which nothing is known, and of this row.
        Two classes: the log-odds of the one, or (trees, rule lists, clipped sums) the probability of the one
        less that of the other. More classes: the same of their scores.
    leads : tuple of Lead
        Strongest first.
    parting : tuple of Change or None
        Of a single tree and a rule list, where the one class is predicted: the fewest conditions that would
        have to be otherwise for the other; at the first of them the path to the other parts from the row's.
        Empty where no path leads to the other; None where the model has no single path, or the one class is
        not predicted.
    """

    ledger: Ledger
    base: float
    difference: float
    leads: tuple[Lead, ...]
    parting: tuple[Change, ...] | None = None


class ContrastExplanation(Explanation):
    """Why one class and not another.

    Parameters
    ----------
    a, b : label
        The one class, and the other.
    rows : iterable of Contrast
    """

    def __init__(self, a: Label, b: Label, rows: Iterable[Contrast]) -> None:
        self.a = a
        self.b = b
        self.rows = tuple(rows)

    @property
    def title(self) -> str:
        """What a page is headed by."""
        return f"Why {self.a} and not {self.b}"

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, row: int) -> Contrast:
        return self.rows[row]

    def frame(self) -> pd.DataFrame:
        """One row a contribution, strongest first within a row of X; the base comes first.

        Returns
        -------
        pandas.DataFrame
            row : position in X; prediction; phrase : the n-gram, condition or question, "(every row)" for the
            base; difference : what it says for `a` less what it says for `b`, which add up to the difference
            of the scores; question, answer : as in the ledger; evidence : the words of the text.
        """
        import pandas as pd

        rows: list[tuple[Any, ...]] = []
        for number, one in enumerate(self.rows):
            label = one.ledger.prediction
            rows.append((number, label, "(every row)", one.base, None, float("nan"), ()))
            for lead in one.leads:
                answer = float("nan") if lead.answer is None else lead.answer
                words = quotes(one.ledger.text, lead.spans)
                rows.append((number, label, lead.phrase, lead.value, lead.question, answer, words))
        columns = ["row", "prediction", "phrase", "difference", "question", "answer", "evidence"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self, ax: Axes | None = None, row: int = 0) -> Axes:
        """Draw what speaks for either class in one row, the strongest on top.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        row : int
            Position in X.

        Returns
        -------
        matplotlib Axes
            Bars to the right speak for `a`, to the left for `b`.
        """
        leads = self.rows[row].leads[:_SHOWN]
        labels, values = [lead.phrase for lead in leads], [lead.value for lead in leads]
        return bars(labels, values, xlabel=f"for {self.a} rather than {self.b}", ax=ax)

    def blocks(self) -> list[Block]:
        """The texts with the words of either side marked, the sums, and where paths part."""
        import pandas as pd

        shown: list[Block] = [
            Note(f"Blue speaks for {self.a}, orange for {self.b}; what is listed adds up to the difference.")
        ]
        for number, one in enumerate(self.rows[:_ROWS]):
            inner: list[Block] = []
            if one.ledger.text:
                inner.append(Marked(one.ledger.text, self._spans(one)))
            inner.append(Note(_sentence(self, one)))
            listed = [("(every row)", one.base), *((lead.phrase, lead.value) for lead in one.leads[:_SHOWN])]
            if rest := one.leads[_SHOWN:]:
                listed.append((f"({len(rest)} more)", fsum(lead.value for lead in rest)))
            table = pd.DataFrame([*listed, ("= difference", one.difference)], columns=["what", "difference"])
            inner.append(Table(table, formats={"difference": "+.3f"}))
            shown.append(Section(f"row {number}: {one.ledger.prediction}", inner))
        more = len(self.rows) - _ROWS
        return [*shown, Note(f"... and {more} more rows")] if more > 0 else shown

    def _spans(self, one: Contrast) -> list[tuple[int, int, float]]:
        """Stretches of the text with the sum of the leads that cover them."""
        edges = sorted({edge for lead in one.leads for span in lead.spans for edge in span})
        found = []
        for start, end in pairwise(edges):
            over = [lead.value for lead in one.leads if any(a <= start and end <= b for a, b in lead.spans)]
            if over and (strength := fsum(over)):
                found.append((start, end, strength))
        return found

    def as_dict(self) -> dict[str, Any]:
        """The two classes, and each row with its sum."""
        return {
            "a": self.a,
            "b": self.b,
            "rows": [
                {
                    "text": one.ledger.text,
                    "prediction": one.ledger.prediction,
                    "base": one.base,
                    "difference": one.difference,
                    "leads": [lead._asdict() for lead in one.leads],
                    "parting": None if one.parting is None else [part._asdict() for part in one.parting],
                }
                for one in self.rows
            ],
        }

    def __str__(self) -> str:
        shown = []
        for number, one in enumerate(self.rows[:_ROWS]):
            lines = [f"row {number}: {_sentence(self, one)}", f"{one.base:+9.4f}  (every row)"]
            lines += [f"{lead.value:+9.4f}  {lead.phrase}" for lead in one.leads]
            shown.append("\n".join(printable(line) for line in lines))
        if len(self.rows) > _ROWS:
            shown.append(f"... and {len(self.rows) - _ROWS} more rows")
        return "\n\n".join(shown)


def _sentence(contrast: ContrastExplanation, one: Contrast) -> str:
    said = (
        f"The prediction is {one.ledger.prediction}; {contrast.a} less {contrast.b} is {one.difference:+.3f}."
    )
    if one.parting is None:
        return said
    if not one.parting:
        return f"{said} No path leads to {contrast.b}."
    needed = " and ".join(change.said for change in one.parting)
    return f"{said} The nearest path to {contrast.b} would take: {needed}."


def contrast(
    model: Any,
    X: Any,
    a: Any,
    b: Any,
    *,
    answers: Mapping[str, Sequence[float | None]] | None = None,
) -> ContrastExplanation:
    """Tell for each row what speaks for class `a` rather than for class `b`.

    Parameters
    ----------
    model : fitted classifier or model of the runtime
    X : container of n_rows texts, or rows with columns
        As its `predict` takes them.
    a, b : class
        The one, and the other.
    answers : mapping of str to sequence of float, optional
        Id of a question -> its answer for each row; as the verbs of the runtime's models take it.

    Returns
    -------
    ContrastExplanation
        Exact: the base and the leads add up to the difference of the two scores, to 1e-9. Of a single tree, a
        tree of questions and a rule list it also tells the conditions at which the nearest path to `b` parts;
        sums of trees and of rules have no such path.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    InputError
        When the model is a regression, has no such classes, or X cannot be used.
    """
    subject = subject_of(model, X, answers)
    classifying(subject, "to hold against each other")
    one, other = subject.place(a), subject.place(b)
    if one == other:
        raise InputError(f"{a!r:.80} was given twice; give the class that it is held against.")
    first, second = subject.model.classes[one], subject.model.classes[other]
    ledgers = list(subject.ledgers())
    partings: list[tuple[Change, ...] | None] = [None] * len(ledgers)
    if _single_path(subject.model):
        found = smallest(subject, ledgers, other)
        for row, (ledger, step) in enumerate(zip(ledgers, found, strict=True)):
            if ledger.prediction == first and step is not None and step.complete:
                partings[row] = step.changes or ()
    return ContrastExplanation(
        first,
        second,
        [_contrasted(ledger, one, other, parting) for ledger, parting in zip(ledgers, partings, strict=True)],
    )


def _single_path(model: Any) -> bool:
    if isinstance(model, TreeModel):
        return len(model.trees) == 1
    return isinstance(model, ConceptTree | RuleListModel)


def _contrasted(ledger: Ledger, a: int, b: int, parting: tuple[Change, ...] | None) -> Contrast:
    leads = [
        Lead(part.phrase, gap(part.values, a, b), part.spans, part.question, part.answer)
        for part in ledger.contributions
    ]
    leads.sort(key=lambda lead: (-abs(lead.value), lead.phrase))
    return Contrast(ledger, gap(ledger.base, a, b), gap(ledger.decision, a, b), tuple(leads), parting)
