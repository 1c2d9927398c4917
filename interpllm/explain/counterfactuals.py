"""What is the least that would have to be otherwise for a model to predict something else?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, Marked, Note, Section, Table
from interpllm.display.axes import bars
from interpllm.errors import InputError
from interpllm.explain.base import Explanation
from interpllm.explain.changes import Change, Found, smallest
from interpllm.explain.subject import Subject, classifying, subject_of
from interpllm.runtime import LinearModel
from interpllm.runtime.ledger import Label, printable
from interpllm.runtime.row_model import RowModel

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

_ROWS = 10

WHAT_IT_MEANS = (
    "A change is made to what the model sees: a phrase is taken out of the n-grams that it looks up (and out "
    "of the count that a norm divides by), an answer is turned, a condition is taken to hold or not. It is "
    "the smallest such change for this model. It does not say what would have to be otherwise in the world, "
    "nor what a writer could do. Where phrases go, their words were also cut out of the text and the rest "
    "was predicted anew: that cuts other phrases, too, and joins words that stood apart, so it can differ."
)


@dataclass(frozen=True)
class Counterfactual:
    """The smallest change for one row.

    Parameters
    ----------
    text : str
    prediction : label
    target : label or None
        What the prediction was to become; None for anything else.
    status : {"found", "there already", "none", "search stopped"}
        "none": no set of such changes leads there. "search stopped": none was found among the sets that were
        tried.
    changes : tuple of Change
    new_prediction : label or None
        With the changes; None without.
    cut_text : str or None
        The text without the words of the phrases; None where changes are not all of words that go.
    cut_prediction : label or None
        Of the cut text.
    """

    text: str
    prediction: Label
    target: Label | None
    status: str
    changes: tuple[Change, ...] = ()
    new_prediction: Label | None = None
    cut_text: str | None = None
    cut_prediction: Label | None = None

    @property
    def holds_on_text(self) -> bool | None:
        """Whether the cut text, too, gets the target (without one: another prediction)."""
        if self.cut_text is None:
            return None
        if self.target is None:
            return self.cut_prediction != self.prediction
        return self.cut_prediction == self.target

    def __str__(self) -> str:
        wanted = "another prediction" if self.target is None else f"the prediction {self.target}"
        if self.status == "there already":
            return f"The prediction is {self.target} already."
        if self.status == "none":
            return f"No set of such changes leads from {self.prediction} to {wanted}."
        if self.status == "search stopped":
            return f"No change that leads to {wanted} was found before the search was stopped."
        said = " and ".join(change.said for change in self.changes)
        cut = {
            None: "",
            True: " The text with these words cut out gets it, too.",
            False: f" But the text with these words cut out is still predicted {self.cut_prediction}.",
        }[self.holds_on_text]
        return f"{said}: the prediction would be {self.new_prediction} instead of {self.prediction}.{cut}"


class CounterfactualExplanation(Explanation):
    """The least that would have to be otherwise for another prediction.

    Parameters
    ----------
    found : iterable of Counterfactual
        One a row, in order.
    """

    def __init__(self, found: Iterable[Counterfactual]) -> None:
        self.found = tuple(found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, row: int) -> Counterfactual:
        return self.found[row]

    def frame(self) -> pd.DataFrame:
        """One row a row of X.

        Returns
        -------
        pandas.DataFrame
            row : position in X; prediction; target : None for anything else; status : "found", "there
            already", "none" (no set of changes leads there), "search stopped" (none was found among those
            tried); n_changes : of the smallest set; changes : in words; new_prediction : with them;
            cut_text : the text with the words of the phrases cut out, None where there are none to cut;
            cut_prediction : of that text; holds_on_text : whether it changes as was found.
        """
        import pandas as pd

        rows = [
            (
                *(row, one.prediction, one.target, one.status),
                *(len(one.changes) if one.changes else None, tuple(change.said for change in one.changes)),
                *(one.new_prediction, one.cut_text, one.cut_prediction, one.holds_on_text),
            )
            for row, one in enumerate(self.found)
        ]
        columns = [
            *("row", "prediction", "target", "status", "n_changes", "changes", "new_prediction"),
            *("cut_text", "cut_prediction", "holds_on_text"),
        ]
        return pd.DataFrame(rows, columns=columns).astype({"n_changes": "Int64"})

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw how many rows take how many changes."""
        sizes = Counter(len(one.changes) for one in self.found if one.status == "found")
        others = Counter(one.status for one in self.found if one.status != "found")
        labels = [f"{n} change{'s' * (n != 1)}" for n in sorted(sizes)]
        counts = [sizes[n] for n in sorted(sizes)]
        labels += sorted(others)
        counts += [others[status] for status in sorted(others)]
        return bars(labels, counts, xlabel="rows", ax=ax)

    def blocks(self) -> list[Block]:
        """A sentence a row, with the words that would have to go marked in the text."""
        shown: list[Block] = [Note(WHAT_IT_MEANS), Note(self.summary())]
        for row, one in enumerate(self.found[:_ROWS]):
            inner: list[Block] = [Note(str(one))]
            if one.text:
                inner.insert(0, Marked(one.text, [(a, b, 1.0) for a, b in _merged(one.changes)]))
            shown.append(Section(f"row {row}: {one.prediction}", inner))
        if len(self.found) > _ROWS:
            table = self.frame().iloc[_ROWS:].drop(columns="cut_text")
            shown.append(Table(table.assign(changes=table["changes"].map(" and ".join)), "The other rows"))
        return shown

    def summary(self) -> str:
        """How many rows have a change, and for how many of them it holds on the text."""
        n = sum(one.status == "found" for one in self.found)
        cut = [one.holds_on_text for one in self.found if one.holds_on_text is not None]
        said = f"A smallest change was found for {n} of {len(self.found)} rows."
        return said + (f" On the cut text it held for {sum(cut)} of {len(cut)}." if cut else "")

    def as_dict(self) -> dict[str, Any]:
        """The rows of the frame, with the texts."""
        return {
            "rows": [
                {
                    "text": one.text,
                    "prediction": one.prediction,
                    "target": one.target,
                    "status": one.status,
                    "changes": [change._asdict() for change in one.changes],
                    "new_prediction": one.new_prediction,
                    "cut_text": one.cut_text,
                    "cut_prediction": one.cut_prediction,
                    "holds_on_text": one.holds_on_text,
                }
                for one in self.found
            ]
        }

    def __str__(self) -> str:
        lines = [f"row {row}: {printable(str(one))}" for row, one in enumerate(self.found[:_ROWS])]
        if len(self.found) > _ROWS:
            lines.append(f"... and {len(self.found) - _ROWS} more rows")
        return "\n".join([*lines, self.summary()])


def counterfactual(
    model: Any,
    X: Any,
    target: Any = None,
    *,
    answers: Mapping[str, Sequence[float | None]] | None = None,
) -> CounterfactualExplanation:
    """Find for each row the smallest change that leads to another prediction.

    What can change depends on the form of the model: of a table of n-grams, phrases are taken out; of a sum
    of answers and a tree of questions, answers are turned (a sum's to a plain yes or no); of trees and rules,
    conditions come to hold or cease to, as far as they can hold together. What else there is (a residual's
    n-grams, columns that add in proportion) stays as it is.

    Parameters
    ----------
    model : fitted classifier or model of the runtime
    X : container of n_rows texts, or rows with columns
        As its `predict` takes them.
    target : class, optional
        What the prediction is to become; by default anything else.
    answers : mapping of str to sequence of float, optional
        Id of a question -> its answer for each row; as the verbs of the runtime's models take it.

    Returns
    -------
    CounterfactualExplanation
        The sets are the smallest there are, by search that tries every set that could be smaller. It gives up
        after 20,000 sets a row, which sums of many trees and long sets of rules can reach, and three classes
        or more with a target; then the status says so.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    InputError
        When the model is a regression, has no such class, or X cannot be used.

    Notes
    -----
    Wachter, Mittelstadt and Russell (2018) introduced counterfactual explanations; for texts, Martens and
    Provost (2014) the smallest set of words whose removal changes the class.
    """
    subject = subject_of(model, X, answers)
    classifying(subject, "to change to")
    place = None if target is None else subject.place(target)
    wanted = None if place is None else subject.model.classes[place]
    ledgers = list(subject.ledgers())
    found = list(smallest(subject, ledgers, place))
    texts = [_cut(ledger.text, one) for ledger, one in zip(ledgers, found, strict=True)]
    cut = _predicted(subject, texts)
    status = {True: "none", False: "search stopped"}
    return CounterfactualExplanation(
        Counterfactual(ledger.text, ledger.prediction, wanted, "there already")
        if one is None
        else Counterfactual(ledger.text, ledger.prediction, wanted, status[one.complete])
        if one.changes is None
        else Counterfactual(
            ledger.text, ledger.prediction, wanted, "found", one.changes, one.prediction, text, again
        )
        for ledger, one, text, again in zip(ledgers, found, texts, cut, strict=True)
    )


def _cut(text: str, found: Found | None) -> str | None:
    """The text without the words that would have to go; None unless every change is of such words."""
    if found is None or not found.changes or not all(change.spans for change in found.changes):
        return None
    left, at = "", 0
    for start, end in _merged(found.changes):
        left += text[at:start]
        at = end
    return left + text[at:]


def _merged(changes: Sequence[Change]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for change in changes for span in change.spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged


def _predicted(subject: Subject, texts: list[str | None]) -> list[Label | None]:
    """What the model predicts for the texts that were cut, their columns and given answers as they were."""
    model, places = subject.model, [row for row, text in enumerate(texts) if text is not None]
    again: list[Label | None] = [None] * len(texts)
    if not places:
        return again
    rows: Any = [texts[row] for row in places]
    if isinstance(model, LinearModel):
        inputs: tuple[Any, ...] = (rows,)
    elif isinstance(model, RowModel):
        given = (*subject.inputs, None)[1]
        if model.text or model.columns:
            known = model._rows(subject.inputs[0], given)
            rows = [{**known[row].columns, model.text: texts[row]} for row in places]
        chosen = {name: [list(column)[row] for row in places] for name, column in (given or {}).items()}
        inputs = (rows, chosen)
    else:
        raise InputError(f"{type(model).__name__} has no words to cut.")
    for row, label in zip(places, model.predict(*inputs), strict=True):
        again[row] = label
    return again
