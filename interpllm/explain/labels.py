"""Texts with the labels or numbers that are to be told of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.explain.material import Material, material
from interpllm.select.inputs import column_of, labels_of, numbers_of, texts_of
from interpllm.select.parts import Parts
from interpllm.select.sparse import Loss

MOST_CLASSES = 20
"""More different numbers than these are values, and not names of classes."""


@dataclass(frozen=True)
class Task:
    """Texts, and the labels or numbers that are to be told of.

    Parameters
    ----------
    texts : list of str (n_rows,)
    y : array (n_rows,)
        Positions in `names`, or numbers.
    names : list of str
        The classes; none where `y` holds numbers.
    target : str
        What the label or number is called.
    """

    texts: list[str]
    y: NDArray[Any]
    names: list[str]
    target: str

    @property
    def loss(self) -> Loss:
        """The loss of a model of it."""
        if not self.names:
            return "squared"
        return "logistic" if len(self.names) == 2 else "multinomial"

    def material(self, parts: Parts | None, proposing: bool, random_state: int) -> Material:
        """The texts in parts; InputError where a part has no two labels, or numbers, that differ."""
        found = material(self.texts, self.y, self.names, parts, proposing, random_state)
        for name in ("select", "confirm"):
            if not self.names and np.ptp(self.y[getattr(found.parts, name)]) == 0:
                raise InputError(f"All values of the rows that {name} are one: there is nothing to explain.")
        return found


def task_of(X: Any, y: Any, target: str | None, regression: bool | None) -> Task:
    """Check texts and their labels or numbers; without `regression` the values say which they are.

    Raises
    ------
    InputError
        When they cannot be used; the message names the first offending row.
    """
    texts = texts_of(column_of(X, "X"))
    if regression is None:
        values = column_of(y, "y").items()
        regression = _many_numbers(values)
    if regression:
        numbers, name = numbers_of(y, len(texts))
        return Task(texts, numbers, [], target or name or "the value")
    labels, name = labels_of(y, len(texts))
    classes, positions = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        only = str(classes[0])
        raise InputError(f"All {len(labels)} rows have the label {only!r:.80}; give rows of two at least.")
    return Task(texts, positions, [str(label) for label in classes], target or name or "the label")


def _many_numbers(values: list[Any]) -> bool:
    """Whether labels are numbers with fractions, or so many different ones that they name no classes."""
    if not all(isinstance(value, int | float | np.number) for value in values):
        return False
    return len(set(values)) > MOST_CLASSES or any(value % 1 for value in values)
