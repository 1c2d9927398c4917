"""Whether the answer is given away: by words that name it, by one feature, or by rows seen in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from interpllm.audit.base import Finding, Measure
from interpllm.audit.features import Features, features_of
from interpllm.audit.matching import correlations
from interpllm.audit.subject import Array, Subject, listed, reads_columns
from interpllm.audit.words import Words
from interpllm.errors import InputError
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.tokens import words
from interpllm.select.inference import share
from interpllm.select.split import SHARED_WORDS

PERFECT = 0.98
"""Area under the curve of one feature, or precision of one phrase, that is too good not to be looked at."""

_PERMUTATIONS = 50
_SHORTEST = 3
_QUESTION = "Is the label given away by something that will not be there when the model is used?"


def leakage(
    model: Any,
    X: Any,
    y: Sequence[Any],
    *,
    train: Any = None,
    n_features: int = 1000,
    perfect: float = PERFECT,
    random_state: int = 0,
) -> Finding:
    """Look for what tells the label too well.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
    X : container of n_rows texts, frame, or rows with columns by name
    y : sequence of n_rows labels or numbers
    train : rows, optional
        Those that the model was fitted on: rows of X that are among them, or nearly, are counted.
    n_features : int
        Strongest features that are tried each by itself.
    perfect : float
        Area under the curve from which on one feature tells a class too well.
    random_state : int

    Returns
    -------
    Finding
        The strongest single feature beside the strongest with shuffled labels; features that are nearly only
        found in one class; words, and questions, that name a label; near-duplicates of training rows.

    Raises
    ------
    InputError
        If there is not a label for each row, or all are one.

    References
    ----------
    Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance. TKDD
    2012.
    """
    subject = Subject(model, X)
    if len(y) != len(subject.rows):
        raise InputError(f"{len(y)} labels for {len(subject.rows)} rows: give one for each.")
    labels = _numbers(y) if subject.regression else np.array([str(one) for one in y])
    if len(np.unique(labels)) < 2:
        raise InputError(
            "All rows have one label, so nothing can be seen to tell it; give rows of others, too."
        )
    features = features_of(subject, n_features)
    classes = [str(one) for one in subject.model.classes]
    random = np.random.default_rng(random_state)
    measures, table = _single(features, labels, subject.regression, perfect, random)
    measures += _naming(subject, labels, classes, random)
    measures += _asked(subject, [*classes, subject.model.target])
    details = {"Features that tell most by themselves": table}
    if train is not None:
        twins, details["Rows that resemble training rows"] = _twins(subject, train)
        measures += twins
    return Finding(
        name="leakage",
        question=_QUESTION,
        measures=measures,
        meaning=(
            f"One feature that tells a class with an area under the curve of {perfect:g} or more is a reason "
            "to look, not a proof: it may be a good feature. What is looked at is in these rows; a leak that "
            "training and test rows share, such as a word that the annotators' tool wrote, is seen, one that "
            "has no word is not."
        ),
        details=details,
    )


def _single(
    features: Features, labels: Any, regression: bool, perfect: float, random: np.random.Generator
) -> tuple[list[Measure], pd.DataFrame]:
    """How well the best feature tells the label by itself."""
    if not features.names:
        nothing = Measure("strongest single feature", float("nan"), n=0, note="the model has no feature")
        return [nothing], pd.DataFrame()
    values = _filled(features.values)
    ranks = rankdata(values, axis=0)
    told = _strength_regression if regression else _strength
    strength, of = told(ranks, labels)
    nulls = [told(ranks, random.permutation(labels))[0].max() for _ in range(_PERMUTATIONS)]
    best = int(strength.argmax())
    # No interval: that of the feature that was picked as the strongest would lie too high.
    p = float((1 + sum(null >= strength[best] for null in nulls)) / (1 + len(nulls)))
    table = pd.DataFrame({"feature": features.names, "strength": strength, "tells": of})
    note = f"{features.names[best]!r:.80}; the null is the strongest of {len(strength)} with shuffled labels"
    measure = Measure(
        f"strongest single feature, {'rank correlation' if regression else 'area under the curve'}",
        float(strength[best]),
        null=float(np.mean(nulls)),
        p_value=p,
        n=len(labels),
        passed=bool(strength[best] < perfect),
        note=note,
    )
    if regression:
        return [measure], _top(table)
    return [measure, _only_one_class(values, labels, perfect, random)], _top(table)


def _numbers(y: Sequence[Any]) -> Array:
    """The values to predict as numbers."""
    try:
        found = np.asarray(y, dtype=float)
    except (TypeError, ValueError):
        raise InputError(
            "The model predicts a number, and not all labels are numbers: give numbers."
        ) from None
    if not np.isfinite(found).all():
        raise InputError("A value to predict is missing or infinite; drop such rows.")
    return found


def _filled(values: Array) -> Array:
    """Values, those that are missing as the mean of their column."""
    known = np.isfinite(values)
    means = np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known, values, means)


def _top(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("strength", ascending=False, kind="stable").head(20).reset_index(drop=True)


def _strength(ranks: Array, labels: Any) -> tuple[Array, Any]:
    """Area under the curve of each feature for the class that it tells best, either way."""
    n = len(labels)
    classes = np.unique(labels)
    inside = (labels[:, None] == classes).astype(float)
    sizes = inside.sum(axis=0)
    areas = (inside.T @ ranks - (sizes * (sizes + 1) / 2)[:, None]) / (sizes * (n - sizes))[:, None]
    strength = np.abs(areas - 0.5) + 0.5
    return strength.max(axis=0), classes[strength.argmax(axis=0)]


def _strength_regression(ranks: Array, values: Any) -> tuple[Array, Any]:
    """Rank correlation of each feature with the value, by size."""
    return np.abs(correlations(ranks, rankdata(values)[:, None])[:, 0]), "the value"


def _only_one_class(values: Array, labels: Any, perfect: float, random: np.random.Generator) -> Measure:
    """Share of frequent features, numbers of columns apart, that are found in nearly one class alone."""
    present = (values > 0.5)[:, (values.min(axis=0) >= 0) & (values.max(axis=0) <= 1)]
    support = present.sum(axis=0)
    frequent = present[:, support >= max(10, 0.02 * len(labels))].astype(float)
    name, n = "frequent features of one class alone", frequent.shape[1]
    if not n:
        return Measure(name, float("nan"), n=0, note="no feature holds for a fiftieth of the rows, and ten")

    def pure(given: Any) -> int:
        counts = (given[:, None] == np.unique(given)).astype(float).T @ frequent
        return int((counts.max(axis=0) >= perfect * frequent.sum(axis=0)).sum())

    null = float(np.mean([pure(random.permutation(labels)) for _ in range(_PERMUTATIONS)])) / n
    note = f"precision of {perfect:g} or more; the null has labels shuffled"
    return Measure(name, *share(pure(labels), n), null=null, n=n, note=note)


def _naming(subject: Subject, labels: Any, classes: list[str], random: np.random.Generator) -> list[Measure]:
    """Whether rows, and what holds predictions in them, name the label."""
    if subject.regression or (isinstance(subject.model, RowModel) and not subject.model.reads_text):
        return []
    names = {one: _words_of(one) for one in classes}
    texts = [set(words(text)) for text in subject.texts("leakage")]

    def naming(given: Any) -> int:
        return sum(bool(names.get(one, set()) & text) for one, text in zip(given, texts, strict=True))

    null = float(np.mean([naming(random.permutation(labels)) for _ in range(_PERMUTATIONS)])) / len(texts)
    rows = Measure(
        "rows that name their label",
        *share(naming(labels), len(texts)),
        null=null,
        n=len(texts),
        note="a word of the label stands in the text; the null has labels shuffled",
    )
    every = set().union(*names.values())
    held, total = 0.0, 0.0
    n_words, n_naming = 0, 0
    for ledger in subject.explain():
        strengths = Words(ledger.text).strengths(ledger, total=True)
        total += sum(strengths.values())
        held += sum(strength for word, strength in strengths.items() if word in every)
        n_words += len(strengths)
        n_naming += len(every & set(strengths))
    strength = Measure(
        "strength on words that name a label",
        held / total if total else float("nan"),
        null=n_naming / n_words if n_words else None,
        n=len(texts),
        note="share of the ledgers' strength; the null is the share of such words in the texts",
    )
    return [rows, strength]


def _asked(subject: Subject, names: list[str]) -> list[Measure]:
    """Share of the questions that name a label or what is predicted."""
    questions = getattr(subject.model, "questions", ())
    if not questions:
        return []
    every = set().union(*map(_words_of, names))
    telling = [one.text for one in questions if every & set(words(one.text))]
    note = f"such as {telling[0]!r:.120}" if telling else "a word of a label, or of what is predicted"
    found = share(len(telling), len(questions))
    return [Measure("questions that name a label", *found, n=len(questions), passed=not telling, note=note)]


def _words_of(name: str) -> set[str]:
    return {word for word in words(name.replace("_", " ")) if len(word) >= _SHORTEST}


def _twins(subject: Subject, train: Any) -> tuple[list[Measure], pd.DataFrame]:
    """Share of rows that are training rows word for word, and of those that share a run of words with one."""
    own = [_as_text(row) for row in subject.rows]
    others = [_as_text(row) for row in listed(train, reads_columns(subject.model))]
    same: dict[tuple[str, ...], int] = {}
    alike: dict[tuple[str, ...], int] = {}
    for place, text in enumerate(others):
        found = words(text)
        same.setdefault(tuple(found), place)
        for run in _runs(found):
            alike.setdefault(run, place)
    pairs = []
    for row, text in enumerate(own):
        found = words(text)
        twin = same.get(tuple(found))
        near = next((alike[run] for run in _runs(found) if run in alike), None)
        if twin is not None or near is not None:
            pairs.append((row, twin is not None, text, others[near if twin is None else twin]))  # type: ignore[index]
    table = pd.DataFrame(pairs, columns=["row", "word for word", "text", "training text"])
    n_same = int(table["word for word"].sum())
    measures = [
        Measure(
            "rows that are training rows",
            *share(n_same, len(own)),
            n=len(own),
            passed=not n_same,
            note="word for word; figures on such rows tell of memory",
        ),
        Measure(
            "rows that resemble training rows",
            *share(len(pairs), len(own)),
            n=len(own),
            note=f"they share {SHARED_WORDS} words in a row, or are the same; templates do so, too",
        ),
    ]
    return measures, table.sort_values("word for word", ascending=False, kind="stable")


def _runs(found: list[str]) -> list[tuple[str, ...]]:
    return [tuple(found[at : at + SHARED_WORDS]) for at in range(len(found) - SHARED_WORDS + 1)]


def _as_text(row: Any) -> str:
    return row if isinstance(row, str) else " ".join(f"{name} {value}" for name, value in row.items())
