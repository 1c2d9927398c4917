"""From a fit to the readable model: rounded weights, evidence from the training rows, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.stats import t

from interpllm.propose.ngrams import NgramRows
from interpllm.runtime import Evidence, LinearModel
from interpllm.select.evidence import CONFIDENCE, EXAMPLES
from interpllm.select.problem import Fitted
from interpllm.select.sparse import Array

DIGITS = 6
"""Significant digits of a weight: more would only make the file longer."""


def linear_model(
    fitted: Fitted,
    ngrams: NgramRows,
    *,
    y: NDArray[Any],
    index: NDArray[np.int64],
    classes: Sequence[Any],
    target: str,
    order: int,
    norm: str,
    extra: Mapping[str, Array],
    meta: Mapping[str, Any],
) -> LinearModel:
    """The runtime model of a fit.

    Parameters
    ----------
    fitted : Fitted
        Already calibrated, in units of y.
    ngrams : NgramRows
        Of the training rows.
    y : array (n_rows,)
        Positions of classes, or values.
    index : array (n_rows,)
        Which row of the user's X each training row is.
    classes : sequence
        Labels; empty for regression.
    target : str
        Name of what is predicted.
    order : int
        Longest n-grams that were used.
    norm : {"none", "sqrt"}
    extra : mapping of str to array (n_outputs,)
        Weights of n-grams that no training row has.
    meta : mapping
        How the model was made, as JSON values.
    """
    kept = np.flatnonzero(np.any(fitted.table != 0, axis=1))
    table = _rounded(fitted.table[kept])
    phrases = [ngrams.phrases[i] for i in kept]
    columns = sp.csc_matrix(ngrams.matrix[:, kept])
    support = np.diff(columns.indptr)
    examples = [
        tuple(index[columns.indices[start : min(start + EXAMPLES, end)]].tolist())
        for start, end in pairwise(columns.indptr)
    ]
    precision = _precision(columns, support, table, y, len(classes))
    return LinearModel(
        task="classification" if classes else "regression",
        target=target,
        classes=tuple(classes),
        ngram_range=(ngrams.orders[0], order),
        norm=norm,
        intercept=tuple(_rounded(fitted.intercept).tolist()),
        weights={
            **dict(zip(phrases, map(tuple, table.tolist()), strict=True)),
            **{phrase: tuple(_rounded(weight).tolist()) for phrase, weight in extra.items()},
        },
        evidence={
            phrase: Evidence(int(n), round(float(share), DIGITS), rows, interval)
            for phrase, n, share, rows, interval in zip(
                phrases,
                support,
                precision,
                examples,
                _intervals(columns, support, y, len(classes)),
                strict=True,
            )
            if n  # the others come from a vocabulary without labels
        },
        n_rows=len(y),
        base=base_of(y, len(classes)),
        meta=meta,
    )


def _precision(
    columns: sp.csc_matrix, support: NDArray[np.int64], table: Array, y: NDArray[Any], n_classes: int
) -> Array:
    """Share of the rows of each n-gram that are of its class; regression: the mean of their targets."""
    if not n_classes:
        return np.asarray(columns.T @ y / np.maximum(support, 1))
    per_class = columns.T @ np.eye(n_classes)[y]  # (n_kept, n_classes)
    if n_classes == 2:
        speaks_for = (table[:, 0] > 0).astype(int)
    else:
        speaks_for = (table - table.mean(axis=1, keepdims=True)).argmax(axis=1)
    return np.asarray(per_class[np.arange(len(support)), speaks_for] / np.maximum(support, 1))


def _intervals(
    columns: sp.csc_matrix, support: NDArray[np.int64], y: NDArray[Any], n_classes: int
) -> list[tuple[float, float] | None]:
    """Of the mean of the targets of each n-gram; None for classes, and where one row is all there is."""
    if n_classes:
        return [None] * len(support)
    n = np.maximum(support, 2)
    centred = y - y.mean()  # so that squares do not cancel
    means = columns.T @ centred / np.maximum(support, 1)
    squares = columns.T @ centred**2 - support * means**2
    reach = t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.sqrt(np.maximum(squares, 0.0) / (n - 1) / n)
    ends = _rounded(np.column_stack([means + y.mean() - reach, means + y.mean() + reach])).tolist()
    return [(low, high) if k > 1 else None for (low, high), k in zip(ends, support, strict=True)]


def base_of(y: NDArray[Any], n_classes: int) -> tuple[float, ...]:
    """The shares of the classes among the training rows; regression: the mean of the targets.

    Parameters
    ----------
    y : array (n_rows,)
        Positions of classes, or values.
    n_classes : int
        0 for a regression.
    """
    if not n_classes:
        return (float(np.mean(y)),)
    return tuple((np.bincount(y, minlength=n_classes) / len(y)).tolist())


def _rounded(numbers: Array) -> Array:
    """Numbers with so many significant digits, as short as JSON can write them."""
    flat = [float(f"{number:.{DIGITS}g}") for number in np.ravel(numbers)]
    return np.array(flat).reshape(np.shape(numbers))
