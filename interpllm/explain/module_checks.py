"""What an explanation of a module is held against: written texts, texts of the corpus, other modules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from interpllm.explain.module_responses import Array, Module, respond, strong_from
from interpllm.runtime.tokens import words
from interpllm.select.inference import NONE, Estimate, area, area_p, auroc, holm, mean, paired_p

Rows = NDArray[np.intp]

CHOOSES = 3
"""Every so-manieth pair chooses among candidates; the others tell of them, and choose nothing."""
FEWEST = 8
"""Pairs of texts that are needed, so that five of them tell."""
_TELLING, _CHOOSING = 5, 2


@dataclass(frozen=True)
class Contrast:
    """Texts of the corpus to which a module responds strongly, and texts near to them to which it does not.

    Attributes
    ----------
    high, low : array of int
        Positions; equally many, the strongest response first, each beside its neighbour. Empty where fewer
        than `FEWEST` texts respond strongly.
    """

    high: Rows
    low: Rows


def contrast(texts: Sequence[str], values: Array, most: int) -> Contrast:
    """Choose texts with strong responses, and hard negatives.

    A negative responds no more than the median, and among such texts it is the one whose words are nearest to
    its neighbour's (TF-IDF, cosine).

    Parameters
    ----------
    texts : sequence of str, (n_texts,)
    values : array (n_texts,)
        Responses; NaN is neither strong nor weak.
    most : int
        Texts of either side.
    """
    there = np.flatnonzero(~np.isnan(values))
    spread = float(np.std(values[there])) if len(there) else 0.0
    none = np.zeros(0, dtype=np.intp)
    if spread == 0:
        return Contrast(none, none)
    rounded = np.round(values / spread, 6)  # the same order on machines that differ in the last bits
    order = there[np.lexsort((there, -rounded[there]))]
    cut = strong_from(rounded)
    pool = there[(rounded[there] <= np.median(rounded[there])) & (rounded[there] < cut)]
    high = np.array([row for row in order if rounded[row] >= cut][: min(most, len(pool))], dtype=np.intp)
    if len(high) < FEWEST:
        return Contrast(none, none)
    # A text without words has the word "", so that there is a vocabulary in any case.
    vectorizer = TfidfVectorizer(analyzer=lambda text: words(text) or [""], sublinear_tf=True)
    vectors = vectorizer.fit_transform(texts)
    near = (vectors[high] @ vectors[pool].T).toarray()
    low: list[int] = []
    for similar in np.round(near, 6):
        similar[np.isin(pool, low)] = -1.0
        low.append(int(pool[int(np.argmax(similar))]))
    return Contrast(high, np.array(low, dtype=np.intp))


@dataclass(frozen=True)
class Checked:
    """The figures of one candidate.

    Attributes
    ----------
    choosing : float
        Of the pairs that choose, the mean of two areas: how well responses tell texts written with the
        property from those without, and how well answers tell texts with strong responses from their hard
        negatives. The first shows that the property moves the module, the second that it is general enough.
        NaN where there are too few.
    score : Estimate
        Mean difference of responses to texts written with and without the property, in standard deviations of
        responses to the corpus; of the pairs that tell, as all that follows.
    score_p : float
        p of its being above 0: signs of the differences are flipped by chance.
    auroc : Estimate
        Chance that the property is affirmed of a text with a strong response rather than of its hard
        negative.
    auroc_p : float
        p of its being above one half, by permutation.
    p : float
        Of both together: the larger of the two (an intersection-union test, Berger 1982); NaN where either
        could not be had.
    n_pairs, n_answers : int
        Telling pairs with responses, and texts with an answer.
    """

    choosing: float
    score: Estimate
    score_p: float
    auroc: Estimate
    auroc_p: float
    p: float
    n_pairs: int
    n_answers: int


def tells(n_pairs: int) -> NDArray[np.bool_]:
    """Which of some pairs tell; the others choose."""
    return np.arange(n_pairs) % CHOOSES != 0


def check(
    having: Array, lacking: Array, yes_high: Array, yes_low: Array, sigma: float, random_state: int = 0
) -> Checked:
    """Figures of one candidate.

    Parameters
    ----------
    having, lacking : array (n_pairs,)
        Responses to the written texts.
    yes_high, yes_low : array (n_contrasts,)
        Answers to whether the property holds, of texts with strong responses and of hard negatives; NaN where
        there is none.
    sigma : float
        Standard deviation of the responses to the corpus.
    random_state : int
    """
    differences = (having - lacking) / sigma
    there, telling = ~np.isnan(differences), tells(len(differences))
    told, chosen = there & telling, there & ~telling
    score, score_p = NONE, float("nan")
    if told.sum() >= _TELLING:
        score = mean(differences[told], random_state=random_state)
        score_p = paired_p(differences[told], "greater", random_state=random_state)
    telling = tells(len(yes_high))
    high, low = _answered(yes_high[telling]), _answered(yes_low[telling])
    told_apart, apart_p = NONE, float("nan")
    if min(len(high), len(low)) >= _TELLING:
        told_apart = auroc(high, low, random_state=random_state)
        apart_p = area_p(high, low, random_state=random_state)
    p = float(np.max([score_p, apart_p]))  # NaN if either is
    areas = [
        _choosing(having[chosen], lacking[chosen]),
        _choosing(_answered(yes_high[~telling]), _answered(yes_low[~telling])),
    ]
    return Checked(
        float(np.mean(areas)), score, score_p, told_apart, apart_p, p, int(told.sum()), len(high) + len(low)
    )


def _answered(answers: Array) -> Array:
    return answers[~np.isnan(answers)]


def _choosing(a: Array, b: Array) -> float:
    return area(a, b) if min(len(a), len(b)) >= _CHOOSING else float("nan")


def ranked(properties: Sequence[str], checked: Sequence[Checked], level: float) -> pd.DataFrame:
    """One row a candidate, those that hold first, then by what chooses; columns as `Checked`."""
    adjusted = holm([one.p for one in checked])
    rows = [
        {
            "candidate": said,
            "choosing": one.choosing,
            "score": one.score.value,
            "score_low": one.score.low,
            "score_high": one.score.high,
            "score_p": one.score_p,
            "auroc": one.auroc.value,
            "auroc_low": one.auroc.low,
            "auroc_high": one.auroc.high,
            "auroc_p": one.auroc_p,
            "p": one.p,
            "p_holm": float("nan") if np.isnan(one.p) else float(p),
            "holds": bool(one.p == one.p and p <= level),
            "n_pairs": one.n_pairs,
            "n_answers": one.n_answers,
        }
        for said, one, p in zip(properties, checked, adjusted, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.sort_values(["holds", "choosing"], ascending=False, kind="stable", ignore_index=True)


COLUMNS = [
    "candidate",
    "choosing",
    "score",
    "score_low",
    "score_high",
    "score_p",
    "auroc",
    "auroc_low",
    "auroc_high",
    "auroc_p",
    "p",
    "p_holm",
    "holds",
    "n_pairs",
    "n_answers",
]


def identify(modules: Mapping[str, Module], having: Sequence[str], lacking: Sequence[str]) -> pd.DataFrame:
    """How well an explanation tells the responses of each module.

    Parameters
    ----------
    modules : mapping of str to callable
    having, lacking : sequence of str
        Texts written for the explanation, which chose nothing.

    Returns
    -------
    DataFrame
        ``module`` and ``correlation``, that of its responses with whether a text was written to have the
        property: NaN where responses do not differ. The highest first.
    """
    truth = np.repeat([1.0, 0.0], [len(having), len(lacking)])
    rows = []
    for name, f in modules.items():
        values = respond(f, [*having, *lacking], name)
        there = ~np.isnan(values)
        differ = len(np.unique(values[there])) > 1 and len(np.unique(truth[there])) > 1
        found = float(np.corrcoef(values[there], truth[there])[0, 1]) if differ else float("nan")
        rows.append({"module": name, "correlation": found})
    frame = pd.DataFrame(rows, columns=["module", "correlation"])
    return frame.sort_values("correlation", ascending=False, kind="stable", ignore_index=True)
