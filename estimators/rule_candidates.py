"""Rules that can be chosen, measured on rows, and what they are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.answer.conditions import measure
from interpllm.errors import InputError
from interpllm.estimators.concept_answers import Answering
from interpllm.estimators.rule_rows import Row
from interpllm.runtime import Condition
from interpllm.runtime.rule_book import RuleBook, WrittenRule, questions_of

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


def holding(
    rules: Sequence[WrittenRule],
    rows: Sequence[Row],
    index: NDArray[np.intp],
    answering: Answering,
    text: str | None,
) -> tuple[Masks, list[Condition], Array]:
    """Which rules hold for some rows (what cannot be told does not), and which single conditions."""
    conditions = list(dict.fromkeys(c for rule in rules for c in rule.conditions))
    questions = questions_of(conditions)
    answers: dict[str, list[float | None]] = {}
    if questions:
        if answering.rows.texts is None:
            raise InputError(f"The rule asks {questions[0].text!r:.100}, and the rows have no text.")
        values = answering.values(list(questions), index)
        answers = {
            q.id: [None if np.isnan(v) else float(v) for v in values[:, k]] for k, q in enumerate(questions)
        }
    told = measure(conditions, rows, answers, text)
    place = {condition: k for k, condition in enumerate(conditions)}
    yes = told == 1.0
    masks = np.column_stack([yes[:, [place[c] for c in rule.conditions]].all(axis=1) for rule in rules])
    return masks, conditions, told


def measured(
    book: RuleBook,
    rows: list[Row],
    learn: NDArray[np.intp],
    answering: Answering,
    text: str | None,
    min_support: int,
) -> tuple[Candidates, pd.DataFrame]:
    """Which rules can be chosen: they hold for enough rows, and for other ones than those before them."""
    rules = list(book)
    if not rules:
        raise InputError(
            "There is no rule to choose from: no column and no phrase is in enough rows. Give rules=, a "
            "language model in llm=, or more rows."
        )
    masks, conditions, told = holding(rules, rows, np.arange(len(rows)), answering, text)
    shares = dict(zip(conditions, (told == 1.0).mean(axis=0), strict=True))
    of_rows: dict[bytes, WrittenRule] = {}
    for column, rule in enumerate(rules):
        key = masks[:, column].tobytes()
        of_rows[key] = min(of_rows.get(key, rule), rule, key=lambda r: _caution(r, book, shares))
    dropped: list[str | None] = []
    for column, rule in enumerate(rules):
        support, kept_rule = int(masks[learn, column].sum()), of_rows[masks[:, column].tobytes()]
        reason = None
        if rule.id not in book.locked:
            if min(support, len(learn) - support) < min_support:
                reason = f"holds for {support} of {len(learn)} rows"
            elif rule is not kept_rule:
                reason = f"holds for the same rows as '{kept_rule}'"
        dropped.append(reason)
    kept = [k for k, reason in enumerate(dropped) if reason is None]
    first = [place for place, k in enumerate(kept) if rules[k].id in book.locked]
    table = pd.DataFrame(
        {
            "id": [rule.id for rule in rules],
            "rule": [" and ".join(map(str, rule.conditions)) for rule in rules],
            "outcome": [rule.outcome for rule in rules],
            "source": [rule.source for rule in rules],
            "locked": [rule.id in book.locked for rule in rules],
            "support": masks[learn].sum(axis=0),
            "dropped": dropped,
        }
    )
    return Candidates([rules[k] for k in kept], masks[:, kept], first, conditions, told), table


def _caution(rule: WrittenRule, book: RuleBook, shares: dict[Condition, Any]) -> tuple[Any, ...]:
    """Order rules that hold for the same rows: those of people first, then the one that claims least.

    That is the one whose conditions hold most rarely; of new rows it will hold for the fewest. A condition
    that holds for every row is none.
    """
    together = float(np.prod([shares[condition] for condition in rule.conditions]))
    return rule.id not in book.locked, rule.source != "person", round(together, 12), len(rule.conditions)
