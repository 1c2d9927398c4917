"""Drop questions that cannot help: repeated, constant, unreliable, or the label in other words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError
from interpllm.runtime.tokens import words

Reason = Literal["wording", "unanswered", "agreement", "constant", "label", "answers"]

MAX_PHI = 0.9
"""Two questions whose answers correlate as much, in either direction, are one."""

RESTATES = 0.9
"""A question whose answers correlate as much with the label predicts nearly all of it alone."""

RARE = 0.02
"""A question is constant when no larger share of rows is answered otherwise than most."""

SAME_ANSWER = 0.05
"""Soft answers so close to each other are the same."""

MIN_KAPPA = 0.4
"""Below it two ways to ask do not agree on what the question means."""

FEW_ROWS = 10
"""With fewer rows that both questions answer, or fewer labels, a correlation tells nothing."""

_ENDINGS = ("ingly", "edly", "ing", "ed", "ly", "es", "s")


class Dropped(NamedTuple):
    """A question that was dropped.

    Parameters
    ----------
    column : int
    reason : str
        "wording" or "answers" (those of `partner`), "unanswered", "agreement", "constant" or "label".
    partner : int or None
        The column that is kept in its place.
    """

    column: int
    reason: Reason
    partner: int | None = None


@dataclass(frozen=True)
class Screening:
    """What is left of the candidates, and why the others are not.

    Parameters
    ----------
    kept : array of int
        Columns, sorted.
    dropped : tuple of Dropped
        By column.
    """

    kept: NDArray[np.intp]
    dropped: tuple[Dropped, ...]


def screen(
    values: ArrayLike,
    questions: Sequence[str],
    y: ArrayLike | None = None,
    *,
    names: Sequence[str] = (),
    preference: ArrayLike | None = None,
    kappa: ArrayLike | None = None,
    min_kappa: float = MIN_KAPPA,
    judged: ArrayLike | None = None,
    max_phi: float = MAX_PHI,
    rare: float = RARE,
    always: Sequence[int] = (),
) -> Screening:
    """Drop candidates that say nothing, the same as another one, or the label.

    Parameters
    ----------
    values : array-like (n_rows, n_candidates)
        Answers from 0 to 1; NaN where one is missing.
    questions : sequence of str (n_candidates,)
        Their wordings.
    y : array-like (n_rows,), optional
        Labels, or values to predict (floats); without them no question is measured against the label.
    names : sequence of str
        The name of the target and those of the classes. A question is dropped for the label when its wording
        has all words of one of them and its answers alone predict nearly all of it (|correlation| ≥ .9): a
        wording alone would drop honest questions, and a correlation alone the best ones.
    preference : array-like (n_candidates,), optional
        Of two questions that are one, that with the higher is kept; the first of them by default.
    kappa : array-like (n_candidates,), optional
        Agreement of two ways to ask; NaN where it was not measured, which drops nothing.
    min_kappa : float
    judged : array-like (n_candidates,), optional
        1 where a language model says that the question restates the label, 0 where it says that it does not,
        NaN where it says nothing. What it says stands in place of the names, and as with these a question
        is only dropped where its answers predict nearly all of the label.
    max_phi : float
        Two questions whose answers correlate as much, in either direction, are one.
    rare : float
        Smallest share of answered rows whose answer must differ from that to most.
    always : sequence of int
        Questions that are kept in any case, as a user wants them; others that are the same as them go.

    Returns
    -------
    Screening

    Raises
    ------
    InputError
        If shapes do not match.
    """
    answers = np.asarray(values, dtype=np.float64)
    p = len(questions)
    if answers.ndim != 2 or answers.shape[1] != p:
        raise InputError(f"{p} questions need a table of {p} columns of answers, not {answers.shape}.")
    reasons: dict[int, Dropped] = {}
    locked = set(always)
    rank = np.zeros(p) if preference is None else np.asarray(preference, dtype=np.float64)
    first = np.array([index not in locked for index in range(p)])
    # Questions that stay in any case come first, then those preferred, then those given first.
    order = [int(index) for index in np.lexsort((np.arange(p), -rank, first))]

    def drop(index: int, reason: Reason, partner: int | None = None) -> None:
        if index not in locked:
            reasons.setdefault(index, Dropped(index, reason, partner))

    known: dict[str, int] = {}
    for index in order:
        wording = " ".join(words(questions[index]))
        if wording in known:
            drop(index, "wording", known[wording])
        known.setdefault(wording, index)
    for index in range(p):
        given = answers[~np.isnan(answers[:, index]), index]
        if not len(given):
            drop(index, "unanswered")
        elif (np.abs(given - np.median(given)) > SAME_ANSWER).mean() < rare:
            drop(index, "constant")
        if kappa is not None and np.asarray(kappa)[index] < min_kappa:
            drop(index, "agreement")
    if y is not None:
        said = np.full(p, np.nan) if judged is None else np.asarray(judged, dtype=np.float64)
        for index in range(p):
            named = any(mentions(questions[index], name) for name in names)
            restated = named if np.isnan(said[index]) else bool(said[index])
            if restated and _alone(answers[:, index], np.asarray(y)) >= RESTATES:
                drop(index, "label")
    left = [index for index in order if index not in reasons]
    alike = np.abs(correlations(answers[:, left])) >= max_phi
    stays: list[int] = []
    for place, index in enumerate(left):
        partner = next((other for other in stays if alike[place, other]), None)
        if partner is not None:
            drop(index, "answers", left[partner])
        if index not in reasons:
            stays.append(place)
    kept = np.array([index for index in range(p) if index not in reasons], dtype=np.intp)
    return Screening(kept, tuple(reasons[index] for index in sorted(reasons)))


def suspects(values: NDArray[np.float64], y: NDArray[np.generic]) -> list[int]:
    """Columns that predict nearly all of the label alone, so that it is worth asking whether they are it.

    Of more than two classes none does: a question that tells one of them from the others leaves most of the
    label open, and is what a good model is made of. There only its wording gives it away.

    Parameters
    ----------
    values : array (n_rows, n_candidates)
    y : array (n_rows,)
        Labels, or values (floats).
    """
    if y.dtype.kind != "f" and len(np.unique(y)) > 2:
        return []
    return [column for column in range(values.shape[1]) if _alone(values[:, column], y) >= RESTATES]


def correlations(answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson correlation of each two columns over the rows that have both: φ where answers are 0 and 1.

    Parameters
    ----------
    answers : array (n_rows, n_columns)
        NaN where one is missing.

    Returns
    -------
    array (n_columns, n_columns)
        NaN where fewer than ten rows have both, or one does not vary on them.
    """
    known = ~np.isnan(answers)
    there = known.astype(np.float64)
    # About the middle of their range, so that sums of squares lose no digits.
    x = np.where(known, answers - 0.5, 0.0)
    n = there.T @ there
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = x.T @ there / n  # of the row's question, over the rows that have both
        variance = (x**2).T @ there / n - mean**2
        covariance = x.T @ x / n - mean * mean.T
        spread = np.sqrt(np.maximum(variance, 0) * np.maximum(variance.T, 0))
        phi = np.where(spread > 1e-12, covariance / spread, np.nan)
    return np.where(n >= FEW_ROWS, np.clip(phi, -1, 1), np.nan)


def mentions(question: str, name: str) -> bool:
    """Whether a wording has all words of a name, whatever their endings; numbers name nothing."""
    wanted = {_stem(word) for word in words(name) if not word.isdigit()}
    return bool(wanted) and wanted <= {_stem(word) for word in words(question)}


def _stem(word: str) -> str:
    """A word without its ending, where enough of it is left."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending)
    return word


def _alone(answers: NDArray[np.float64], y: NDArray[np.generic]) -> float:
    """Largest |correlation| of a question's answers with a class, or with the values."""
    if y.dtype.kind == "f":
        sides = np.asarray(y, dtype=np.float64)[:, None]
    else:
        sides = (y[:, None] == np.unique(y)).astype(np.float64)
    found = np.abs(correlations(np.column_stack([answers, sides]))[0, 1:])
    return float(np.nanmax(found, initial=0.0))
