"""Whether a model comes out again: its features and its predictions, over seeds, bootstraps and wordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils import resample

from interpllm.audit.base import Finding, Measure
from interpllm.audit.features import Features, features_of
from interpllm.audit.matching import identities, nogueira
from interpllm.audit.subject import Array, Subject, listed
from interpllm.errors import InputError
from interpllm.llm.base import Usage
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.tokens import ngrams
from interpllm.select.inference import mean

if TYPE_CHECKING:
    from interpllm.llm import Session

Fit = Callable[..., Any]
"""(X, y, seed) -> fitted estimator or model; with wordings to try, (X, y, seed, wording)."""

SAME = 0.8
"""Correlation from which on two features count as one."""

_SHOWN = 12
_QUESTION = "Does the same model come out again?"


class _Refit(NamedTuple):
    subject: Subject
    features: Features


def stability(
    fit: Fit,
    X: Any,
    y: Sequence[Any],
    *,
    common: Any = None,
    n_refits: int = 10,
    wordings: Sequence[Any] = (),
    same: float = SAME,
    n_features: int = 100,
    n_candidates: int | None = None,
    llm: Session | None = None,
    random_state: int = 0,
) -> Finding:
    """Fit a model again and again, and hold its features and predictions against each other.

    Features are the same when they give the same values on common rows, whatever they are called.

    Parameters
    ----------
    fit : callable
        (X, y, seed) -> fitted estimator or model of `interpllm.runtime`. X and y are lists.
    X : container of n_rows texts, frame, or rows with columns by name
    y : sequence of n_rows labels or numbers
    common : rows, optional
        On which features and predictions are compared; by default X.
    n_refits : int
        Fits over seeds, and as many over bootstraps of the rows, drawn within classes.
    wordings : sequence, optional
        Paraphrases of a prompt, or whatever else stands in its place: ``fit(X, y, seed, wording)`` is called
        with each.
    same : float
        Absolute correlation from which on two features are one.
    n_features : int
        Strongest features of each model that are compared.
    n_candidates : int, optional
        Features that could have been chosen. By default, for tables of n-grams, the n-grams of the rows; else
        those that any fit chose, which makes features look less stable than they are.
    llm : Session, optional
        The one that `fit` asks, if it asks any: its replies are counted.
    random_state : int

    Returns
    -------
    Finding
        Nogueira's stability of the features, with its interval, and churn: the share of common rows whose
        label differs between two fits (regression: the mean difference, in standard deviations of the
        predictions), with an interval bootstrapped over rows.

    Raises
    ------
    InputError
        If there are fewer than three refits, which give no interval, or what is fitted is no readable model.

    References
    ----------
    Nogueira, Sechidis, Brown: On the stability of feature selection algorithms. JMLR 2018. Milani Fard,
    Cormier, Canini, Gupta: Launch and iterate: reducing prediction churn. NeurIPS 2016.
    """
    rows, target = listed(X, hasattr(X, "columns")), list(y)
    if n_refits < 3 or len(wordings) in (1, 2) or len(rows) != len(target):
        raise InputError("Stability needs three refits, three wordings or none, and a label a row.")
    before = None if llm is None else replace(llm.usage)
    compared = X if common is None else common
    kinds: dict[str, list[tuple[Any, ...]]] = {
        "seeds": [(rows, target, random_state + number) for number in range(n_refits)],
        "bootstraps": [
            (*_drawn(rows, target, random_state + number), random_state) for number in range(n_refits)
        ],
    }
    if wordings:
        kinds["wordings"] = [(rows, target, random_state, wording) for wording in wordings]
    measures: list[Measure] = []
    details: dict[str, pd.DataFrame] = {}
    for kind, calls in kinds.items():
        refits = []
        for call in calls:
            subject = Subject(fit(*call), compared)
            # What is the same on all common rows is like nothing there, not even itself.
            refits.append(_Refit(subject, features_of(subject, n_features).varying()))
        numbers = identities([refit.features.values for refit in refits], same)
        chosen = np.zeros((len(refits), 1 + max((one for row in numbers for one in row), default=-1)))
        for place, row in enumerate(numbers):
            chosen[place, row] = 1
        candidates = _candidates(refits, rows, n_candidates)
        measures += [
            _of_features(kind, chosen, candidates),
            _of_predictions(kind, [refit.subject for refit in refits]),
        ]
        details[f"Features over {kind}"] = _frequencies(refits, numbers, chosen)
    used = Usage() if llm is None or before is None else llm.usage - before
    return Finding(
        name="stability",
        question=_QUESTION,
        measures=measures,
        meaning=(
            f"Two features are one where their values on {len(refits[0].subject.rows)} common rows correlate "
            f"by {same:g} or more, either way (one to one, by the Hungarian method); of each model the "
            f"{n_features} strongest are compared, without those that are the same on all rows. Nogueira's "
            "stability is 1 where each fit chooses the same features, 0 where as many are drawn at random. "
            "Stable features may still be the wrong ones; features that change while predictions stay tell "
            "the same thing in other words. Over seeds alone, 1 and 0 say that fitting uses no chance."
        ),
        details=details,
        requests=used.items + used.cache_hits,
        tokens=used.tokens,
    )


def _drawn(rows: list[Any], target: list[Any], seed: int) -> tuple[list[Any], list[Any]]:
    """Rows drawn with replacement, as many of each class as there are."""
    classes = [str(label) for label in target]
    strata = None if all(isinstance(label, float) for label in target) else classes
    places = resample(np.arange(len(rows)), random_state=seed, stratify=strata)
    return [rows[place] for place in places], [target[place] for place in places]


def _candidates(refits: list[_Refit], rows: list[Any], given: int | None) -> int | None:
    """How many features could have been chosen."""
    models = [refit.subject.model for refit in refits]
    if given is not None or not all(isinstance(model, LinearModel) for model in models):
        return given
    low = min(model.ngram_range[0] for model in models)
    high = max(model.ngram_range[1] for model in models)
    return len({gram for text in rows for gram in ngrams(text, low, high)})


def _of_features(kind: str, chosen: Array, candidates: int | None) -> Measure:
    # A feature of the rows may count twice where its values changed too much to be matched.
    among = None if candidates is None else max(candidates, chosen.shape[1])
    name, n = f"stability of features over {kind}", len(chosen)
    found = nogueira(chosen, among)
    if found.value != found.value:
        return Measure(
            name, found.value, n=n, note="no fit chose any feature, or each chose all that there are"
        )
    of = f"{among} that could have been" if among else f"{chosen.shape[1]} that any fit chose"
    return Measure(
        name, *found, null=0.0, n=n, note=f"{chosen.sum(axis=1).mean():.1f} features a fit, among {of}"
    )


def _of_predictions(kind: str, subjects: list[Subject]) -> Measure:
    """How much predictions differ between two fits, over all pairs."""
    pairs = list(combinations(range(len(subjects)), 2))
    if subjects[0].regression:
        values = np.array([subject.predictions for subject in subjects], dtype=float)
        spread = float(values.std()) or 1.0
        by_row = np.mean([np.abs(values[a] - values[b]) for a, b in pairs], axis=0) / spread
        flat = values.ravel()
        null = float(np.abs(flat[:, None] - flat[None, :]).mean()) / spread
        note = "mean difference of two fits, in standard deviations; the null is between rows at random"
    else:
        labels = np.array([[str(one) for one in subject.predictions] for subject in subjects])
        by_row = np.mean([labels[a] != labels[b] for a, b in pairs], axis=0)
        shares = np.array(list(Counter(labels.ravel().tolist()).values())) / labels.size
        null = float(1 - (shares**2).sum())
        note = "share of rows whose label differs between two fits; the null is between rows at random"
    return Measure(f"churn of predictions over {kind}", *mean(by_row), null=null, n=len(by_row), note=note)


def _frequencies(refits: list[_Refit], numbers: list[list[int]], chosen: Array) -> pd.DataFrame:
    """How many features so many of the fits chose, and the strongest of them."""
    names: dict[int, str] = {}
    strengths = np.zeros(chosen.shape[1])
    for refit, row in zip(refits, numbers, strict=True):
        for number, name, strength in zip(row, refit.features.names, refit.features.strengths, strict=True):
            names.setdefault(number, name)
            strengths[number] = max(strengths[number], strength)
    times = chosen.sum(axis=0).astype(int)
    rows = []
    for n in sorted(set(times.tolist()), reverse=True):
        found = np.flatnonzero(times == n)
        strongest = found[np.argsort(-strengths[found], kind="stable")][:_SHOWN]
        rows.append((n, len(found), "; ".join(names[int(number)] for number in strongest)))
    return pd.DataFrame(rows, columns=["fits that chose them", "features", "the strongest"])
