"""What a teacher of texts says, in one form, whatever kind of thing the teacher is.

A teacher is an estimator of scikit-learn (a pipeline, an `LLMClassifier`), a text-classification pipeline of
Hugging Face, or any function from texts to labels, probabilities or values. One that is not fitted yet is
fitted on some rows and answers the others, because what it says of rows whose labels it has seen is little
more than those labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from interpllm.errors import InputError
from interpllm.estimators.base import TextRowsMixin
from interpllm.select.inputs import is_missing, labels_of
from interpllm.select.split import folds

Array = NDArray[np.float64]
PARTS = 5
"""Parts of a cross-fit."""
_KINDS = (
    "an estimator with fit and predict, a Hugging Face text-classification pipeline, or a function from a "
    "list of texts to labels, probabilities or values"
)


@dataclass(frozen=True)
class SoftLabels:
    """What a teacher says of some texts.

    Parameters
    ----------
    classes : array (n_classes,)
        Sorted.
    soft : array (n_rows, n_classes)
        Probabilities; NaN rows where it says nothing.
    cross_fitted : bool
        Whether each row was answered by a teacher that was fitted on others.
    """

    classes: NDArray[Any]
    soft: Array
    cross_fitted: bool = False


def is_estimator(teacher: Any) -> bool:
    """Whether a teacher is an estimator of scikit-learn."""
    return hasattr(teacher, "fit") and hasattr(teacher, "predict") and not isinstance(teacher, type)


def needs_fitting(teacher: Any) -> bool:
    """Whether a teacher is an estimator that was not fitted yet."""
    if not is_estimator(teacher):
        return False
    try:
        check_is_fitted(teacher)
    except NotFittedError:
        return True
    return False


def needs_labels(teacher: Any) -> bool:
    """Whether a teacher cannot say anything before it has seen labels."""
    # Tags of other libraries' estimators are of no use here: a pipeline never says that it needs y.
    without = isinstance(teacher, TextRowsMixin) and not get_tags(teacher).target_tags.required
    return needs_fitting(teacher) and not without


def soft_labels(
    teacher: Any,
    texts: list[str],
    y: NDArray[Any] | None,
    *,
    classes: Sequence[Any] | None = None,
    weight: Array | None = None,
    groups: NDArray[np.intp] | None = None,
    random_state: int | None = None,
) -> SoftLabels:
    """Probabilities of classes by a teacher.

    Parameters
    ----------
    teacher : estimator, Hugging Face pipeline or callable
    texts : list of str, (n_rows,)
    y : array (n_rows,) or None
        Labels, to fit a teacher on that is not fitted yet.
    classes : sequence, optional
        What the columns of probabilities stand for that a function gives.
    weight : array (n_rows,), optional
        For a teacher that is fitted, where its fit takes weights.
    groups : array of int (n_rows,), optional
        Near-duplicates, which the parts of a cross-fit do not divide.
    random_state : int or None
        Seed of the parts.

    Raises
    ------
    InputError
        When the teacher cannot be asked, or what it says is no such answer; the message says which row.
    """
    if not needs_fitting(teacher):
        return _said(teacher, texts, classes)
    if y is None:
        return _said(_fitted(teacher, texts, None, None), texts, classes)
    labels, codes = np.unique(y, return_inverse=True)
    parts = _parts(codes, groups, random_state, stratify=True)
    answers = []
    for fit, judge in parts:
        one = _fitted(teacher, [texts[i] for i in fit], y[fit], None if weight is None else weight[fit])
        answers.append((judge, _said(one, [texts[i] for i in judge], classes)))
    known = np.unique(np.concatenate([labels, *(answer.classes for _, answer in answers)]))
    soft = _among(known, SoftLabels(labels, np.eye(len(labels))[codes]))  # stays where there are too few rows
    for judge, answer in answers:
        soft[judge] = _among(known, answer)
    return SoftLabels(known, soft, bool(parts))


def soft_values(
    teacher: Any,
    texts: list[str],
    y: Array | None,
    *,
    weight: Array | None = None,
    groups: NDArray[np.intp] | None = None,
    random_state: int | None = None,
) -> tuple[Array, bool]:
    """Values by a teacher, NaN where it says nothing, and whether they are cross-fitted.

    Parameters are those of :func:`soft_labels`.
    """
    if not needs_fitting(teacher):
        return _values(teacher, texts), False
    if y is None:
        return _values(_fitted(teacher, texts, None, None), texts), False
    values = np.array(y, dtype=np.float64)
    parts = _parts(values, groups, random_state, stratify=False)
    for fit, judge in parts:
        one = _fitted(teacher, [texts[i] for i in fit], y[fit], None if weight is None else weight[fit])
        values[judge] = _values(one, [texts[i] for i in judge])
    return values, bool(parts)


def _parts(
    y: NDArray[Any], groups: NDArray[np.intp] | None, random_state: int | None, *, stratify: bool
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    alone = np.arange(len(y)) if groups is None else groups
    return folds(y, alone, PARTS, stratify=stratify, random_state=random_state)


def _fitted(teacher: Any, texts: list[str], y: NDArray[Any] | None, weight: Array | None) -> Any:
    copied = clone(teacher)
    if y is None:
        return copied.fit(texts)
    if weight is not None and has_fit_parameter(copied, "sample_weight"):
        return copied.fit(texts, y, sample_weight=weight)
    return copied.fit(texts, y)


def _said(teacher: Any, texts: list[str], classes: Sequence[Any] | None) -> SoftLabels:
    if is_estimator(teacher):
        if hasattr(teacher, "predict_proba"):
            known = np.asarray(teacher.classes_)
            return _probabilities(teacher.predict_proba(texts), len(texts), known)
        return _parsed(teacher.predict(texts), len(texts), getattr(teacher, "classes_", classes))
    if not callable(teacher):
        raise InputError(f"A teacher is {_KINDS}; got {teacher!r}.")
    if getattr(teacher, "task", None) == "text-classification":
        # A pipeline of Hugging Face, which by default gives the best class alone and fails on long texts.
        return _parsed(teacher(texts, top_k=None, truncation=True, **_limit(teacher)), len(texts), classes)
    return _parsed(teacher(texts), len(texts), classes)


def _limit(pipeline: Any) -> dict[str, int]:
    """Tokens that a pipeline's model reads, where its tokenizer does not say so and would cut nothing."""
    tokenizer, config = (
        getattr(pipeline, "tokenizer", None),
        getattr(getattr(pipeline, "model", None), "config", None),
    )
    most = getattr(config, "max_position_embeddings", None)
    if most is None or getattr(tokenizer, "model_max_length", most) <= most:
        return {}
    # Models such as RoBERTa count positions from two on.
    return {"max_length": most - 2}


def _parsed(said: Any, n_rows: int, classes: Sequence[Any] | None) -> SoftLabels:
    """Labels, probabilities, or what a Hugging Face pipeline gives, as soft labels."""
    given = list(said)
    if len(given) != n_rows:
        raise InputError(f"The teacher gave {len(given)} answers to {n_rows} texts; it takes one a text.")
    if all(isinstance(one, dict) or (isinstance(one, list) and _dicts(one)) for one in given):
        return _of_dicts([[one] if isinstance(one, dict) else one for one in given])
    if np.ndim(given[0]) == 1:
        columns = np.asarray(range(len(given[0])) if classes is None else classes)
        return _probabilities(np.array(given, dtype=np.float64), n_rows, columns)
    answered = [row for row, one in enumerate(given) if not is_missing(one)]
    if not answered:
        raise InputError("The teacher answered none of the texts, so there is nothing to learn from.")
    found = [given[row] for row in answered]
    if all(isinstance(one, (float, np.floating)) for one in found) and any(one % 1 for one in found):
        if classes is None or len(classes) != 2:
            raise InputError(
                "The teacher gives one probability a text; say what of: classes=[what 0 means, what 1 means]."
            )
        second = np.full(n_rows, np.nan)
        second[answered] = found
        return _probabilities(np.column_stack([1 - second, second]), n_rows, np.asarray(classes))
    labels = labels_of(found, len(found))[0]
    known = np.unique(labels if classes is None else np.asarray(classes))
    strange = np.flatnonzero(~np.isin(labels, known))
    if len(strange):
        row = answered[strange[0]]
        raise InputError(f"The teacher calls row {row} {given[row]!r}, which is none of its classes.")
    soft = np.full((n_rows, len(known)), np.nan)
    soft[answered] = np.eye(len(known))[np.searchsorted(known, labels)]
    return SoftLabels(known, soft)


def _dicts(listed: list[Any]) -> bool:
    return bool(listed) and all(isinstance(one, dict) for one in listed)


def _of_dicts(given: list[list[dict[str, Any]]]) -> SoftLabels:
    """``[{"label": ..., "score": ...}, ...]`` a text; a class that is not listed shares what is left over."""
    classes = np.array(sorted({one["label"] for listed in given for one in listed}), dtype=object)
    soft = np.full((len(given), len(classes)), np.nan)
    for row, listed in enumerate(given):
        scores = {one["label"]: float(one["score"]) for one in listed}
        others = len(classes) - len(scores)
        left = max(0.0, 1 - sum(scores.values())) / others if others else 0.0
        soft[row] = [scores.get(name, left) for name in classes]
    return _probabilities(soft, len(given), classes)


def _probabilities(said: Any, n_rows: int, classes: NDArray[Any]) -> SoftLabels:
    soft = np.asarray(said, dtype=np.float64)
    if soft.shape != (n_rows, len(classes)) or len(np.unique(classes)) != len(classes):
        raise InputError(
            f"The teacher gives probabilities of shape {soft.shape} for {n_rows} texts and the classes "
            f"{classes.tolist()}; it takes one row a text and one column a class."
        )
    silent = np.asarray(np.isnan(soft).any(axis=1))
    total = soft.sum(axis=1, keepdims=True)
    summed = np.isfinite(total[:, 0]) & (total[:, 0] > 0)
    wrong = np.flatnonzero(~silent & ~(summed & np.all(soft >= 0, axis=1)))
    if len(wrong):
        raise InputError(
            f"The teacher's answer to row {wrong[0]} is {soft[wrong[0]].tolist()}: no probabilities."
        )
    soft = soft / np.where(silent[:, None], 1.0, total)
    soft[silent] = np.nan
    order = np.argsort(classes)
    return SoftLabels(classes[order], soft[:, order])


def _among(classes: NDArray[Any], answer: SoftLabels) -> Array:
    """The columns of an answer in the places of more classes; what it does not know has probability 0."""
    soft = np.zeros((len(answer.soft), len(classes)))
    soft[:, np.searchsorted(classes, answer.classes)] = answer.soft
    soft[np.isnan(answer.soft).any(axis=1)] = np.nan
    return soft


def _values(teacher: Any, texts: list[str]) -> Array:
    if not is_estimator(teacher) and not callable(teacher):
        raise InputError(f"A teacher is {_KINDS}; got {teacher!r}.")
    said = list(teacher.predict(texts) if is_estimator(teacher) else teacher(texts))
    if len(said) != len(texts):
        raise InputError(f"The teacher gave {len(said)} answers to {len(texts)} texts; it takes one a text.")
    values = np.full(len(texts), np.nan)
    for row, value in enumerate(said):
        if is_missing(value):
            continue
        try:
            values[row] = float(value)
        except (TypeError, ValueError):
            raise InputError(f"The teacher's answer to row {row} is {value!r}, which is no number.") from None
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise InputError(f"The teacher's answer to row {infinite[0]} is not finite.")
    return values
