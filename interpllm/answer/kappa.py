"""Agreement beyond chance, and what known errors do to a share: the figures, on plain numbers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError


def cohen_kappa(one: ArrayLike, other: ArrayLike) -> float:
    """Agreement of two annotators beyond what their own shares of each answer give by chance.

    Parameters
    ----------
    one, other : array-like, (n,)
        Numbers that stand for answers; pairs with NaN are left out.

    Returns
    -------
    float
        1 for perfect agreement, 0 for chance. NaN without pairs, and where both give one and the same answer
        throughout, which chance alone would give too.

    References
    ----------
    Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    table = _table(one, other)
    if not table.sum():
        return math.nan
    shares = table / table.sum()
    return _beyond(float(np.trace(shares)), float(shares.sum(axis=0) @ shares.sum(axis=1)))


def gwet_ac1(one: ArrayLike, other: ArrayLike) -> float:
    """Agreement of two annotators beyond chance, steady where nearly all answers are the same.

    Parameters
    ----------
    one, other : array-like, (n,)
        Numbers that stand for answers; pairs with NaN are left out.

    Returns
    -------
    float
        1 for perfect agreement. NaN without pairs.

    References
    ----------
    Gwet, Computing inter-rater reliability and its variance in the presence of high agreement, 2008.
    """
    table = _table(one, other)
    if not table.sum():
        return math.nan
    shares = table / table.sum()
    # Yes and no are the two answers there are, even where only one of them was given.
    kinds = max(2, len(shares))
    mean = (shares.sum(axis=0) + shares.sum(axis=1)) / 2
    return _beyond(float(np.trace(shares)), float(mean @ (1 - mean)) / (kinds - 1))


def krippendorff_alpha(annotations: ArrayLike) -> float:
    """Agreement of any number of annotators beyond chance, answers taken as names (nominal).

    Parameters
    ----------
    annotations : array-like, (n_annotators, n_units)
        Numbers that stand for answers, NaN where an annotator gave none. Units with fewer than two answers
        are left out.

    Returns
    -------
    float
        1 for perfect agreement, 0 for chance. NaN where fewer than two different answers are there to be
        told apart.

    References
    ----------
    Krippendorff, Computing Krippendorff's alpha-reliability, 2011.
    """
    units = np.asarray(annotations, dtype=np.float64)
    if units.ndim != 2:
        raise InputError(f"annotations must have a row an annotator; got the shape {units.shape}.")
    kinds = np.unique(units[~np.isnan(units)])
    counts = np.stack([(units == kind).sum(axis=0) for kind in kinds]) if len(kinds) else np.zeros((0, 0))
    counts = counts[:, counts.sum(axis=0) >= 2].astype(np.float64)
    per_unit = counts.sum(axis=0)
    # Coincidences: each unit's ordered pairs of answers, so weighted that a unit counts as its answers do.
    pairs = (counts / (per_unit - 1)) @ counts.T - np.diag((counts / (per_unit - 1)).sum(axis=1))
    totals = pairs.sum(axis=1)
    n = totals.sum()
    if n < 2 or (totals > 0).sum() < 2:
        return math.nan
    observed = n - np.trace(pairs)
    expected = (n * n - float(totals @ totals)) / (n - 1)
    return float(1 - observed / expected)


def _table(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """How often each answer of one met each of the other, over the answers of both."""
    a, b = (np.asarray(values, dtype=np.float64) for values in (one, other))
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(f"Two annotators' answers must be two rows of one length; got {a.shape}, {b.shape}.")
    both = ~(np.isnan(a) | np.isnan(b))
    kinds, place = np.unique(np.concatenate([a[both], b[both]]), return_inverse=True)
    table = np.zeros((len(kinds), len(kinds)))
    np.add.at(table, tuple(place.reshape(2, -1)), 1)
    return table


def _beyond(observed: float, chance: float) -> float:
    return (observed - chance) / (1 - chance) if chance < 1 else math.nan


def rogan_gladen(p: float, se: float, sp: float) -> float:
    """Correct a share of yes for the errors of whoever answered.

    Parameters
    ----------
    p : float
        Share of yes as answered.
    se, sp : float
        Sensitivity (share of true yes answered yes) and specificity (share of true no answered no).

    Returns
    -------
    float
        In [0, 1]. NaN where the answers are no better than chance, ``se + sp <= 1``: nothing can be made of
        them.

    References
    ----------
    Rogan and Gladen, Estimating prevalence from the results of a screening test, 1978.
    """
    better = se + sp - 1
    return float(np.clip((p + sp - 1) / better, 0.0, 1.0)) if better > 0 else math.nan


def corrected_effect(difference: float, se: float, sp: float) -> float:
    """Correct a difference between two groups' shares of yes for errors that are alike in both groups.

    Errors shrink such a difference by the factor ``se + sp - 1``; this takes it back. NaN where the answers
    are no better than chance.
    """
    better = se + sp - 1
    return difference / better if better > 0 else math.nan
