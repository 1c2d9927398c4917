"""An ordered list of rules: which come first, and how many are worth having.

The next rule is the one that, of the rows that no earlier rule holds for, those it holds for differ most from
all: by the likelihood ratio of their classes, as in CN2 (Clark and Niblett, 1989), or by their mean. How long
the list is, is cross-validated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interpllm.select.split import folds

Array = NDArray[np.float64]
Masks = NDArray[np.bool_]

DOUBT = 2.0
"""So many rows like all that are left are added to those of a rule that is to join."""

PRIOR = 1.0
"""So many rows of the overall shares are added to those of a rule, so that no share is 0 or 1."""


@dataclass(frozen=True)
class RuleList:
    """A list of rules.

    Parameters
    ----------
    rules : list of int
        Columns of the masks, in order.
    values : array (n_rules + 1, n_targets)
        Shares of the classes, or means, of the rows that come to each rule and that it holds for; the last of
        those that no rule holds for.
    n_rows : array of int (n_rules + 1,)
        How many those are.
    losses : array (longest + 1,)
        Cross-validated loss of lists of 0, 1, ... rules; NaN where there are too few rows for folds.
    """

    rules: list[int]
    values: Array
    n_rows: NDArray[np.intp]
    losses: Array

    def predict(self, masks: Masks) -> Array:
        """Values (n_rows, n_targets) of rows; `masks` (n_rows, n_candidates) says which rules hold."""
        return self.values[first_of(masks, self.rules)]

    def again(self, masks: Masks, targets: Array, weight: Array) -> RuleList:
        """The same rules in the same order with the values of other rows."""
        return _filled(self.rules, masks, targets, weight, self.losses)


def choose_list(
    masks: Masks,
    targets: Array,
    weight: Array,
    groups: NDArray[np.intp],
    strata: NDArray[np.generic],
    *,
    classifies: bool,
    max_rules: int,
    min_support: int,
    first: Sequence[int] = (),
    n_folds: int = 5,
    random_state: int | None = None,
) -> RuleList:
    """Choose and order rules.

    Parameters
    ----------
    masks : array of bool (n_rows, n_candidates)
        Which rule holds for which row.
    targets : array (n_rows, n_targets)
        One column a class, 1 for the row's; or the values of a regression.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
        Rows that no fold divides.
    strata : array (n_rows,)
        What folds are balanced by.
    classifies : bool
    max_rules : int
    min_support : int
        Rows that a rule has to hold for, of those that come to it.
    first : sequence of int
        Rules that stand at the head of the list in any case.
    n_folds : int
    random_state : int, optional

    Returns
    -------
    RuleList
        The shortest whose cross-validated loss is within half a standard error of the least.
    """
    every = np.arange(len(masks))
    longest = max(max_rules, len(first))
    order = _ordered(masks, targets, weight, longest, min_support, first, classifies)
    parts = folds(strata, groups, n_folds, stratify=classifies, random_state=random_state) if order else []
    if not parts:
        return _filled(order, masks, targets, weight, np.full(len(order) + 1, np.nan))
    losses = np.full((len(every), longest + 1), np.nan)
    for learn, judge in parts:
        found = _ordered(masks[learn], targets[learn], weight[learn], longest, min_support, first, classifies)
        for size in range(longest + 1):
            if size > len(found):
                losses[judge, size] = losses[judge, size - 1]
                continue
            fitted = _filled(found[:size], masks[learn], targets[learn], weight[learn], np.empty(0))
            losses[judge, size] = _loss(fitted.predict(masks[judge]), targets[judge], classifies)
    seen = ~np.isnan(losses[:, 0])
    losses, shares = losses[seen], weight[seen] / weight[seen].sum()
    means = shares @ losses
    best = int(np.argmin(means))
    excess = losses - losses[:, [best]]
    spread = np.sqrt(shares @ (excess - shares @ excess) ** 2 / len(losses))
    size = int(np.flatnonzero(means - means[best] <= 0.5 * spread + 1e-12)[0])
    size = min(max(size, len(first)), len(order))
    return _filled(order[:size], masks, targets, weight, means[: len(order) + 1])


def first_of(masks: Masks, rules: Sequence[int]) -> NDArray[np.intp]:
    """Place of the first rule that holds for each row; ``len(rules)`` where none does."""
    if not len(rules):
        return np.zeros(len(masks), dtype=np.intp)
    chosen = masks[:, list(rules)]
    return np.where(chosen.any(axis=1), chosen.argmax(axis=1), len(rules))


def _ordered(
    masks: Masks,
    targets: Array,
    weight: Array,
    longest: int,
    min_support: int,
    first: Sequence[int],
    classifies: bool,
) -> list[int]:
    """Rules in the order in which they join."""
    left = np.ones(len(masks), dtype=bool)
    order: list[int] = []
    for place in range(longest):
        if place < len(first):
            chosen = first[place]
        elif not masks.shape[1]:
            break
        else:
            here = masks & left[:, None]
            support = here.sum(axis=0)
            gain = _gain(here * weight[:, None], targets, weight * left, classifies)
            gain[(support < min_support) | (left.sum() - support < 1)] = -1.0
            gain[order] = -1.0
            chosen = int(np.argmax(gain))
            if gain[chosen] <= 1e-12:
                break
        order.append(chosen)
        left &= ~masks[:, chosen]
    return order


def _gain(covered: Array, targets: Array, weight: Array, classifies: bool) -> Array:
    """How far the rows of each rule stand from all that are left, times how many they are."""
    n, base = covered.sum(axis=0), weight @ targets / max(weight.sum(), 1e-300)
    values = (covered.T @ targets + DOUBT * base) / (n + DOUBT)[:, None]
    if not classifies:
        return np.asarray(n * ((values - base) ** 2).sum(axis=1))
    ratio = np.log(np.maximum(values, 1e-12) / np.maximum(base, 1e-12))
    return np.asarray(n * (values * ratio).sum(axis=1))


def _filled(order: Sequence[int], masks: Masks, targets: Array, weight: Array, losses: Array) -> RuleList:
    """The list with the values of its rules."""
    place = first_of(masks, order)
    base = (weight @ targets) / weight.sum()
    values, counts = [], []
    for number in range(len(order) + 1):
        of = place == number
        summed = weight[of] @ targets[of] + PRIOR * base
        values.append(summed / (weight[of].sum() + PRIOR))
        counts.append(int(of.sum()))
    return RuleList(list(order), np.array(values), np.array(counts, dtype=np.intp), losses)


def _loss(predicted: Array, targets: Array, classifies: bool) -> Array:
    if classifies:
        return -np.log(np.clip((predicted * targets).sum(axis=1), 1e-12, None))
    return ((predicted - targets) ** 2).sum(axis=1)
