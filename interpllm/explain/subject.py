"""What an explanation is of: a readable model and rows, from an estimator or from the model itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interpllm.errors import InputError
from interpllm.explain.ledgers import LocalExplanation
from interpllm.runtime import LinearModel
from interpllm.runtime.ledger import Label
from interpllm.runtime.model import ReadableModel


@dataclass(frozen=True)
class Subject:
    """A readable model and the rows that it is explained on.

    Parameters
    ----------
    model : ReadableModel
    inputs : tuple
        What its verbs take: texts or rows, and answers to its questions.
    """

    model: Any
    inputs: tuple[Any, ...]

    def ledgers(self) -> LocalExplanation:
        """Why the model predicts as it does on each row."""
        return LocalExplanation(self.model.explain(*self.inputs), outputs_of(self.model))

    def place(self, label: Any) -> int:
        """The position of a class.

        Raises
        ------
        InputError
            When the model has no such class.
        """
        if label not in self.model.classes:
            listed = ", ".join(repr(name) for name in self.model.classes)
            raise InputError(f"{label!r:.80} is no class of the model; its classes are {listed:.300}.")
        return self.model.classes.index(label)


def subject_of(model: Any, X: Any, answers: Mapping[str, Sequence[float | None]] | None = None) -> Subject:
    """The readable model of an estimator, or the model that was given, with its rows.

    Parameters
    ----------
    model : fitted estimator or model of the runtime
    X : container of n_rows texts, or rows with columns
        As its `predict` takes them.
    answers : mapping of str to sequence of float, optional
        Id of a question -> its answer for each row; of an estimator, in place of those that it would ask for.

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    InputError
        When there is no readable model in what was given.
    """
    if isinstance(model, ReadableModel):
        if answers is not None and isinstance(model, LinearModel):
            raise InputError("A table of n-grams asks no questions; leave answers out.")
        rows = X if X is None or hasattr(X, "__len__") else list(X)  # they are read more than once
        return Subject(model, (rows,) if answers is None else (rows, answers))
    if not hasattr(model, "_inputs"):
        raise InputError(
            f"{type(model).__name__} is neither a fitted estimator of interpllm nor a model of its runtime. "
            "from_sklearn and from_imodels make one of scikit-learn's and imodels' models."
        )
    inputs = model._inputs(X)
    return Subject(model.model_, inputs if answers is None else (inputs[0], answers))


def classifying(subject: Subject, what: str) -> None:
    """Refuse a regression model.

    Raises
    ------
    InputError
        When the model has no classes.
    """
    if not subject.model.classes:
        raise InputError(f"A regression model has no classes {what}; explain() tells what moved its value.")


def outputs_of(model: Any) -> tuple[Label, ...]:
    """What each output of a model stands for: the second class of two, every class, or the target."""
    if not model.classes:
        return (model.target or "value",)
    return tuple(model.classes[1:] if len(model.classes) == 2 else model.classes)


def gap(values: Sequence[float], a: int, b: int) -> float:
    """What values, one an output, say for class `a` less what they say for class `b`.

    Of two classes there is one output, which is the score of the second less that of the first.
    """
    if len(values) == 1:
        return values[0] * (a - b)
    return values[a] - values[b]
