"""Shapley values from the values of subsets: from all of them, or from pairs of a subset and its complement.

A game gives every subset of n players a value; here players are segments of a prompt. Shapley values are the
weighted least-squares fit of an additive game that meets the values of the empty and of the full subset
(Charnes et al. 1988; Lundberg and Lee 2017). Fitted to every subset it is exact. Otherwise subsets come with
their complements, which takes away the error of interactions of two players (Covert and Lee 2021); sizes that
the budget covers are taken whole, as in the ``shap`` library, and of the others distinct pairs are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from interpllm.errors import InputError
from interpllm.select.inference import NONE, Estimate

Masks = NDArray[np.bool_]
Array = NDArray[np.float64]

EXACT = 8
"""Players up to which all subsets are taken."""

PAIRS = 3
"""Of the strongest three players every two are left out together, beside the subsets that are held out."""

_LEAST_DRAWN = 4
_RESAMPLES = 200
_FOLDS = 10


@dataclass(frozen=True)
class Design:
    """Subsets to be valued, beside the empty and the full one.

    Parameters
    ----------
    masks : array of bool, (m, n)
        Rows 2i and 2i + 1 are complements.
    weights : array (m,)
        Of the least-squares fit.
    drawn : array of int
        Numbers of the pairs that were drawn; the others are all that there are of their sizes.
    """

    masks: Masks
    weights: Array
    drawn: NDArray[np.intp]

    @property
    def exact(self) -> bool:
        """Whether it holds all subsets."""
        return len(self.masks) == 2 ** self.masks.shape[1] - 2


@dataclass(frozen=True)
class Attribution:
    """Shapley values.

    Parameters
    ----------
    values : array (n,)
    standard_errors : array (n,)
        Of drawing subsets (bootstrap over the drawn pairs) and of the uncertainty of the values themselves.
        NaN where all subsets were wanted and some have no value.
    """

    values: Array
    standard_errors: Array


def design(n: int, n_calls: int = 64, random_state: int = 0, n_held_out: int = 16) -> Design:
    """Subsets to be valued so that Shapley values can be told.

    Parameters
    ----------
    n : int
        Players, at least 1.
    n_calls : int
        Values wanted, those of the empty and the full subset included; at least 2 n + 10 are taken, so that
        each player is left out once and stands alone once, and a few pairs tell the error. Up to 8 players
        all subsets are taken, as where fewer than are needed to check the estimate would be left.
    random_state : int
    n_held_out : int
        Further subsets that the estimate is to be checked on.

    Returns
    -------
    Design
    """
    left = max(n_calls - 2, 2 * n + 2 * _LEAST_DRAWN) // 2
    if n <= EXACT or 2**n - 2 - 2 * left < n_held_out + PAIRS:
        pairs = np.array([[int(bit) for bit in f"{k:0{n}b}"] for k in range(1, 2 ** (n - 1))], dtype=bool)
        masks = _with_complements(pairs.reshape(-1, n))
        sizes = masks.sum(1)
        weights = np.array([(n - 1) / (comb(n, s) * s * (n - s)) for s in sizes.tolist()])
        return Design(masks, weights, np.zeros(0, dtype=np.intp))
    mass = {k: (n - 1) / (k * (n - k)) * (2 if 2 * k < n else 1) for k in range(1, n // 2 + 1)}
    found: list[Masks] = []
    weights_of: list[float] = []
    for k in list(mass):
        of_size = comb(n, k) if 2 * k < n else comb(n, k) // 2
        # Leaving each player out, and each alone, is worth its price whatever the budget.
        if k > 1 and left * mass[k] / sum(mass.values()) < of_size:
            break
        found += [_subset(n, members) for members in _combinations(n, k)][:of_size]
        weights_of += [mass.pop(k) / (2 * of_size)] * of_size
        left -= of_size
    whole = len(found)
    found += _drawn(n, left, mass, np.random.default_rng(random_state))
    weights_of += [sum(mass.values()) / (2 * left)] * left
    masks = _with_complements(np.array(found))
    return Design(masks, np.repeat(weights_of, 2), np.arange(whole, whole + left))


def attribute(
    plan: Design,
    values: ArrayLike,
    empty: float,
    full: float,
    variances: ArrayLike | None = None,
    random_state: int = 0,
) -> Attribution:
    """Shapley values, estimated from the values of a design.

    Parameters
    ----------
    plan : Design
    values : array-like (m,)
        NaN where a subset has none; it is left out.
    empty, full : float
    variances : array-like (m + 2,), optional
        Of the values of the empty subset, of the full one and of the design; 0 by default.
    random_state : int

    Returns
    -------
    Attribution
        They add up to ``full - empty``.
    """
    known = np.asarray(values, dtype=float)
    have = ~np.isnan(known)
    game = np.concatenate([[empty, full], np.where(have, known, 0.0)])
    solution = _solution(plan.masks, plan.weights * have)
    noise = np.zeros(len(game)) if variances is None else np.nan_to_num(np.asarray(variances, dtype=float))
    spread = solution**2 @ noise
    if plan.exact and not have.all():
        spread = np.full(len(spread), np.nan)  # what is missing has an error that nothing tells
    if len(plan.drawn):
        rng = np.random.default_rng(random_state)
        again = []
        for _ in range(_RESAMPLES):
            counts = np.ones(len(plan.masks) // 2)
            drawn = rng.choice(plan.drawn, len(plan.drawn))
            counts[plan.drawn] = np.bincount(drawn, minlength=len(counts))[plan.drawn]
            again.append(_solution(plan.masks, plan.weights * have * np.repeat(counts, 2)) @ game)
        spread = spread + np.var(again, axis=0, ddof=1)
    return Attribution(solution @ game, np.sqrt(spread))


def predicted(masks: Masks, values: ArrayLike, empty: float) -> Array:
    """What Shapley values say that subsets are worth.

    Parameters
    ----------
    masks : array of bool, (m, n)
    values : array-like (n,)
    empty : float
    """
    return np.asarray(empty + masks @ np.asarray(values, dtype=float))


def cross_fitted(plan: Design, values: ArrayLike, empty: float, full: float, random_state: int = 0) -> Array:
    """What is predicted of each subset of a design from fits that saw neither it nor its complement.

    Parameters
    ----------
    plan, values, empty, full
        As of `attribute`.
    random_state : int

    Returns
    -------
    array (m,)
    """
    known = np.asarray(values, dtype=float)
    have = ~np.isnan(known)
    game = np.concatenate([[empty, full], np.where(have, known, 0.0)])
    pairs = len(known) // 2
    fold = np.random.default_rng(random_state).permutation(pairs) % _FOLDS
    out = np.full(len(known), np.nan)
    for number in range(min(_FOLDS, pairs)):
        held = np.repeat(fold == number, 2)
        fitted = _solution(plan.masks, plan.weights * have * ~held) @ game
        out[held] = predicted(plan.masks[held], fitted, empty)
    return out


def held_out(n: int, how_many: int, taken: Masks, random_state: int = 0) -> Masks:
    """Subsets that were not valued yet, each player in it with probability one half.

    Parameters
    ----------
    n, how_many : int
    taken : array of bool, (m, n)
    random_state : int

    Returns
    -------
    array of bool, (how_many, n)
        Distinct, neither empty nor full.

    Raises
    ------
    InputError
        When there are not so many.
    """
    seen = {row.tobytes() for row in taken} | {bytes(n), bytes([1] * n)}
    if 2**n - len(seen) < how_many:
        raise InputError(
            f"Of {n} players {2**n - len(seen)} subsets are left, and {how_many} are to be held out; "
            "take fewer, or value all subsets."
        )
    rng = np.random.default_rng([random_state, n])
    found: list[Masks] = []
    while len(found) < how_many:
        row = rng.random(n) < 0.5
        if row.tobytes() not in seen:
            seen.add(row.tobytes())
            found.append(row)
    return np.array(found, dtype=bool).reshape(-1, n)


def linear_datamodeling_score(expected: ArrayLike, real: ArrayLike, random_state: int = 0) -> Estimate:
    """Rank correlation of predicted and real values of subsets, with a bootstrap interval.

    The linear datamodeling score (Park et al. 2023), as Cohen-Wang et al. (2024) use it for contexts.

    Parameters
    ----------
    expected, real : array-like (m,)
        Pairs in which one is NaN are left out.
    random_state : int

    Returns
    -------
    Estimate
        NaN where fewer than three pairs are left, or all are alike.
    """
    a, b = np.asarray(expected, dtype=float), np.asarray(real, dtype=float)
    have = ~(np.isnan(a) | np.isnan(b))
    # What rounding alone tells apart is alike.
    a, b = np.round(a[have], 9), np.round(b[have], 9)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return NONE
    rows = np.random.default_rng(random_state).integers(len(a), size=(2000, len(a)))
    again = _spearman(a[rows], b[rows])
    low, high = np.percentile(again[~np.isnan(again)], [2.5, 97.5])
    return Estimate(float(_spearman(a[None], b[None])[0]), float(low), float(high))


def _spearman(a: Array, b: Array) -> Array:
    x, y = rankdata(a, axis=1), rankdata(b, axis=1)
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((x * y).sum(1) / np.sqrt((x**2).sum(1) * (y**2).sum(1)))


def _solution(masks: Masks, weights: Array) -> Array:
    """The map from the values of empty, full and masks to Shapley values, (n, m + 2).

    The last player's value is what the others leave over of ``full - empty``, so the fit is one of n - 1
    free numbers: ``v(S) - v(empty) - [last in S] (full - empty) = sum over others (z_i - z_last) phi_i``.
    """
    last = masks[:, -1].astype(float)
    others = masks[:, :-1] - last[:, None]
    weighted = others.T * weights
    part = np.linalg.pinv(weighted @ others, hermitian=True) @ weighted
    rows = np.column_stack([part @ (last - 1), -part @ last, part])
    whole = np.zeros(rows.shape[1])
    whole[:2] = -1, 1
    return np.vstack([rows, whole - rows.sum(0)])


def _with_complements(masks: Masks) -> Masks:
    return np.stack([masks, ~masks], axis=1).reshape(-1, masks.shape[1])


def _combinations(n: int, k: int) -> Iterator[tuple[int, ...]]:
    from itertools import combinations

    return combinations(range(n), k)


def _subset(n: int, members: ArrayLike) -> Masks:
    mask = np.zeros(n, dtype=bool)
    mask[np.asarray(members)] = True
    return mask


def _drawn(n: int, wanted: int, mass: dict[int, float], rng: np.random.Generator) -> list[Masks]:
    """Distinct subsets of the sizes that are left, no two of them complements."""
    found: list[Masks] = []
    seen: set[bytes] = set()
    chances = np.array(list(mass.values())) / sum(mass.values())
    while len(found) < wanted:
        size = int(rng.choice(list(mass), p=chances))
        mask = _subset(n, rng.choice(n, size, replace=False))
        if mask.tobytes() not in seen:
            seen |= {mask.tobytes(), (~mask).tobytes()}
            found.append(mask)
    return found
