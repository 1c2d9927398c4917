"""Texts in three parts: statements are written from one, chosen on the second and told of the third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError
from interpllm.select.parts import SIZES, Parts, grouped, split_rows

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Material:
    """Texts, what is known of each, and the parts that they are in.

    Parameters
    ----------
    texts : list of str (n_rows,)
    y : array (n_rows,)
        Positions in `names`, or values.
    names : tuple of str
        What the groups are called; none where `y` holds values.
    parts : Parts
    """

    texts: list[str]
    y: NDArray[Any]
    names: tuple[str, ...]
    parts: Parts

    def of(self, rows: Rows) -> list[str]:
        """The texts of some rows."""
        return [self.texts[row] for row in rows]

    def counts(self) -> dict[str, Any]:
        """How many rows each part has; of each group, where there are groups."""
        found: dict[str, Any] = {}
        for name in ("propose", "select", "confirm"):
            y = self.y[getattr(self.parts, name)]
            found[name] = {group: int((y == k).sum()) for k, group in enumerate(self.names)} or len(y)
        return found


def material(
    texts: list[str],
    y: NDArray[Any],
    names: Sequence[str],
    parts: Parts | None,
    proposing: bool,
    random_state: int,
) -> Material:
    """Texts in parts: those given, or parts that share no near-duplicates and are balanced by `y`.

    Raises
    ------
    InputError
        When given parts have rows that are not there, or near-duplicates on both sides; when a part that is
        needed lacks a group.
    """
    if parts is None:
        rest = SIZES[1] + SIZES[2]
        sizes = SIZES if proposing else (0.0, SIZES[1] / rest, SIZES[2] / rest)
        parts = split_rows(y, texts, sizes=sizes, random_state=random_state)
    else:
        check_parts(parts, texts)
    for name in ("propose", "select", "confirm")[0 if proposing else 1 :]:
        there = y[getattr(parts, name)]
        lacking = [group for k, group in enumerate(names) if (there == k).sum() < 2]
        if lacking or len(there) < 4:
            raise InputError(
                f"The part that is to {name} has {len(there)} rows, and too few of "
                f"{lacking[0] if lacking else 'any'!r}: give more texts, some twenty of each at least."
            )
    return Material(texts, y, tuple(names), parts)


def check_parts(parts: Parts, texts: list[str]) -> None:
    """Check parts that were given.

    Raises
    ------
    InputError
        When they have rows that are not there, or a row that confirms is nearly the same text as one that
        does not.
    """
    rows = np.concatenate([parts.propose, parts.select, parts.confirm])
    if len(rows) and not (rows.min() >= 0 and rows.max() < len(texts)):
        raise InputError(f"parts holds positions of the {len(texts)} texts, 0 to {len(texts) - 1}.")
    together = grouped(len(texts), texts, None)[0]
    seen = np.concatenate([parts.propose, parts.select])
    for row in parts.confirm:
        if len(same := seen[together[seen] == together[row]]):
            raise InputError(
                f"Row {row}, which confirms, is nearly the same text as row {same[0]}, which does not: what "
                "is told of it is no confirmation. Leave parts out, or take one of the two out of them."
            )


def in_turn(strata: ArrayLike, random_state: int) -> Rows:
    """An order of rows in which the strata take turns, as long as they last: each stretch is like all."""
    number = np.asarray(strata)
    shuffled = np.random.default_rng(random_state).permutation(len(number))
    turn = np.empty(len(number), dtype=np.intp)
    for stratum in np.unique(number):
        own = shuffled[number[shuffled] == stratum]
        turn[own] = np.arange(len(own))
    return np.lexsort((number, turn)).astype(np.intp)
