"""Rules that can be chosen, measured on rows, and what they are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.runtime import Condition
from interpllm.runtime.rule_book import WrittenRule

Array = NDArray[np.float64]
Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Candidates:
    """Rules that can be chosen, and which rows they hold for.

    Parameters
    ----------
    rules : list of WrittenRule
    masks : array of bool (n_rows, n_rules)
    first : list of int
        Positions of the rules that must stay.
    conditions : list of Condition
        The distinct single conditions of the rules.
    told : array (n_rows, n_conditions)
        1 where a condition holds, 0 where not, NaN where it cannot be told.
    """

    rules: list[WrittenRule]
    masks: Masks
    first: list[int]
    conditions: list[Condition]
    told: Array


@dataclass(frozen=True)
class Judged:
    """What is learned from, in the forms that learners take.

    Parameters
    ----------
    y : array (n_rows,)
        Positions of classes, or values.
    targets : array (n_rows, n_targets)
        One column a class, or the values.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
    classes : list
    """

    y: NDArray[Any]
    targets: Array
    weight: Array
    groups: NDArray[np.intp]
    classes: list[Any]

    @property
    def labels(self) -> NDArray[Any]:
        """What the sparse set is fitted to: positions of classes as whole numbers, or values."""
        return self.y.astype(np.int64) if self.classes else self.y.astype(np.float64)
