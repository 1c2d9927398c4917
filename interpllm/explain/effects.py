"""What each term of a model adds over many rows, from their ledgers: prevalence and effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interpllm.runtime import ConceptLinear, Ledger, LinearModel, RuleListModel, RuleSetModel, TreeModel
from interpllm.runtime.row_scoring import scores_of
from interpllm.runtime.rule_models import said
from interpllm.runtime.scoring import winner
from interpllm.select.inference import NONE, Estimate, difference_of_shares, share

Array = NDArray[np.float64]

RESAMPLES = 1000


class Key(NamedTuple):
    """A phrase, condition or rule; or a question, by its id."""

    phrase: str
    question: str | None


@dataclass
class Term:
    """What a model looks at, and the rows of which it is known whether it is there.

    Parameters
    ----------
    key : Key
    rows : dict of int to (bool, tuple of float)
        Row -> whether it is present, and what it adds to each output.
    """

    key: Key
    rows: dict[int, tuple[bool, tuple[float, ...]]] = field(default_factory=dict)


class Effect(NamedTuple):
    """What a term does over the rows.

    Attributes
    ----------
    term : Key
    prediction : label
        The class it speaks for; regression: "+" or "-".
    weight : float
        Towards the prediction; NaN where the form of the model has none (trees).
    n : int
        Rows of which it is known whether it is present. Of trees: whose path looks at it.
    n_present : int
    prevalence : Estimate
        Share of them in which it is present, with Wilson's interval.
    effect : Estimate
        Mean of what it adds where it is present less where it is not, towards the prediction, with a
        bootstrap interval over rows.
    importance : float
        Mean over all rows of the size of what it adds, less its mean.
    label : Estimate
        Share of the rows with the label `prediction` where it is present less where it is not, by Newcombe's
        interval; regression: mean of the label, bootstrap. NaN without labels.
    """

    term: Key
    prediction: Any
    weight: float
    n: int
    n_present: int
    prevalence: Estimate
    effect: Estimate
    importance: float
    label: Estimate


def effects(
    model: Any, ledgers: Sequence[Ledger], y: Sequence[Any] | None, n_terms: int, random_state: int
) -> list[Effect]:
    """The terms that move the decisions of some rows most, the strongest first."""
    n = len(ledgers)
    terms = terms_of(model, ledgers)
    spread = {key: _spread(term, n, bool(model.classes)) for key, term in terms.items()}
    ranked = sorted(terms, key=lambda key: (-spread[key], key.phrase))[:n_terms]
    present, absent = np.zeros((2, len(ranked), n))
    added = np.zeros((len(ranked), n, model.n_outputs))
    for number, key in enumerate(ranked):
        for row, (there, values) in terms[key].rows.items():
            (present if there else absent)[number, row] = 1.0
            added[number, row] = values
        if key.question is None and not isinstance(model, TreeModel):
            absent[number] = 1.0 - present[number]  # what a ledger does not list is not there
    weights = _weights(model)
    leanings, towards = [], np.zeros((len(ranked), n))
    for number, key in enumerate(ranked):
        values = weights.get(key) or tuple(
            _mean(added[number, :, k], present[number]) - _mean(added[number, :, k], absent[number])
            for k in range(model.n_outputs)
        )
        label, turn = _leaning(model, values)
        leanings.append((label, float(turn @ np.array(values)) if key in weights else float("nan")))
        towards[number] = added[number] @ turn
    counts = _resampled(n, random_state)
    low, high = _intervals(towards, present, absent, counts)
    labels = _labels(model, y, leanings, present, absent, counts)
    found = []
    for number, key in enumerate(ranked):
        n_there, known = int(present[number].sum()), int((present[number] + absent[number]).sum())
        effect = _mean(towards[number], present[number]) - _mean(towards[number], absent[number])
        label, weight = leanings[number]
        estimate = Estimate(effect, float(low[number]), float(high[number]))
        prevalence = share(n_there, known)
        found.append(
            Effect(key, label, weight, known, n_there, prevalence, estimate, spread[key], labels[number])
        )
    return found


def terms_of(model: Any, ledgers: Sequence[Ledger]) -> dict[Key, Term]:
    """The terms that occur in some rows.

    A phrase or rule is present where a ledger lists it; a question where it is answered yes; a condition of a
    tree where it holds. Missing answers are neither.
    """
    found: dict[Key, Term] = {}
    for row, ledger in enumerate(ledgers):
        held = {(step.condition, step.question): step.held for step in ledger.path}
        for part in ledger.contributions:
            if part.phrase == "kept within 0 and 1" and part.question is None:
                continue
            key = Key(part.phrase, part.question)
            there: bool | None = True
            if key in held:
                there = held[key]
            elif part.question is not None:
                there = None if part.answer is None else part.answer > 0.5
            if there is not None:
                found.setdefault(key, Term(key)).rows[row] = there, part.values
    return found


def _spread(term: Term, n: int, classifies: bool) -> float:
    """Mean over all rows of the distance of what a term adds from its mean over them."""
    values = np.zeros((n, len(next(iter(term.rows.values()))[1])))
    for row, (_, added) in term.rows.items():
        values[row] = added
    if values.shape[1] > 1 and classifies:
        values -= values.mean(axis=1, keepdims=True)
    return float(np.abs(values - values.mean(axis=0)).max(axis=1).mean())


def _weights(model: Any) -> dict[Key, tuple[float, ...]]:
    """What one unit of a term adds to each output, before norms; trees have no such weights."""
    if isinstance(model, LinearModel):
        return {Key(phrase, None): row for phrase, row in model.weights.items()}
    if isinstance(model, ConceptLinear):
        rest = _weights(model.residual) if model.residual else {}
        own = zip(model.questions, model.weights, strict=True)
        return rest | {Key(question.text, question.id): row for question, row in own}
    if isinstance(model, RuleListModel):
        last = scores_of(model.otherwise, model.link)
        rules = [(said(c.conditions), scores_of(c.value, model.link)) for c in reversed(model.clauses)]
        return {Key(name, None): tuple(v - w for v, w in zip(s, last, strict=True)) for name, s in rules}
    if isinstance(model, RuleSetModel):
        factor = 2.0 if model.link == "clip" else 1.0
        named = [(slope.column, slope.value) for slope in model.slopes]
        named += [*model.term_weights.items(), *((said(c.conditions), c.value) for c in model.clauses)]
        return {Key(name, None): tuple(factor * v for v in row) for name, row in named}
    return {}


def _leaning(model: Any, row: Sequence[float]) -> tuple[Any, Array]:
    """The class that values, one an output, speak for, and what turns values into what they say for it."""
    n = model.n_outputs
    if not model.classes:
        return ("+" if row[0] > 0 else "-"), np.ones(1)
    if n == 1:
        up = row[0] > 0
        return model.classes[up], np.array([1.0 if up else -1.0])
    best = winner(row)
    turn = np.full(n, -1.0 / n)
    turn[best] += 1.0
    return model.classes[best], turn


def _mean(values: Array, where: Array) -> float:
    total = where.sum()
    return fsum((values * where).tolist()) / float(total) if total else float("nan")


def _resampled(n: int, random_state: int) -> Array:
    """How often each row is drawn, resample by resample."""
    random = np.random.default_rng(random_state)
    return random.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)


def _intervals(values: Array, present: Array, absent: Array, counts: Array) -> tuple[Array, Array]:
    """Percentile bootstrap over rows (Efron 1979), of all terms at once: from (n_terms, n_rows)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        there = (counts @ (values * present).T) / (counts @ present.T)
        not_there = (counts @ (values * absent).T) / (counts @ absent.T)
    differences = there - not_there  # NaN where a resample has no row with the term, or none without
    low, high = np.full((2, len(values)), np.nan)
    usable = (present.sum(axis=1) > 1) & (absent.sum(axis=1) > 1)
    if usable.any():
        low[usable], high[usable] = np.nanquantile(differences[:, usable], [0.025, 0.975], axis=0)
    return low, high


def _labels(
    model: Any,
    y: Sequence[Any] | None,
    leanings: Sequence[tuple[Any, float]],
    present: Array,
    absent: Array,
    counts: Array,
) -> list[Estimate]:
    if y is None:
        return [NONE] * len(leanings)
    if model.classes:
        found = []
        for number, (label, _) in enumerate(leanings):
            of = np.array([one == label for one in y])
            there, gone = ((int(of @ where[number]), int(where[number].sum())) for where in (present, absent))
            found.append(difference_of_shares(there, gone))
        return found
    target = np.tile(np.asarray(y, dtype=np.float64), (len(leanings), 1))
    low, high = _intervals(target, present, absent, counts)
    return [
        Estimate(_mean(row, there) - _mean(row, gone), float(a), float(b))
        for row, there, gone, a, b in zip(target, present, absent, low, high, strict=True)
    ]
