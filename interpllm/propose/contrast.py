"""Which rows a proposer is shown: some of each class, or of low and high values, others in each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError
from interpllm.runtime.features import one_line

MOST_GROUPS = 6
"""Groups that one request shows at most; with more classes the requests take turns."""

TAIL = 0.3
"""Share of the rows that counts as low, and as high, where values are predicted."""


@dataclass(frozen=True)
class Shown:
    """One row as a proposer reads it.

    Parameters
    ----------
    row : int
        Its position.
    hard : bool
        Whether it is one that the present model gets wrong.
    """

    row: int
    hard: bool


class Contrast:
    """Rows of different classes, or of low and high values, for any number of requests.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
        Rows that may be proposed from, and no others. Equal texts are shown once a group.
    y : array-like (n_rows,)
        Positions in `classes`; values where `classes` is None.
    classes : sequence of str or None
        What the classes are called.
    residual : sequence of int
        Positions of the rows that the present model gets most wrong, the worst first. They are half of what
        is shown of a group, where there are so many.
    rows_per_group : int
        Rows of each class in a request.
    random_state : int
        Seed of the order in which rows are shown.

    Raises
    ------
    InputError
        When the rows are of one class, or of one value: there is nothing to contrast.
    """

    def __init__(
        self,
        texts: Sequence[str],
        y: ArrayLike,
        classes: Sequence[str] | None,
        residual: Sequence[int] = (),
        rows_per_group: int = 8,
        random_state: int = 0,
    ) -> None:
        self.rows_per_group = rows_per_group
        random = np.random.default_rng(random_state)
        values = np.asarray(y)
        if len(values) != len(texts):
            raise InputError(f"There are {len(texts)} texts but {len(values)} labels; give one label a text.")
        groups = _tails(values) if classes is None else _classes(values, classes)
        hard = list(dict.fromkeys(int(row) for row in residual))
        if hard and not (min(hard) >= 0 and max(hard) < len(texts)):
            raise InputError(f"residual must hold positions of the {len(texts)} rows; got {hard[:5]}.")
        self.names = list(groups)
        self._turn = 0
        self._hard: dict[str, Iterator[int]] = {}
        self._other: dict[str, Iterator[int]] = {}
        self._n_hard: dict[str, int] = {}
        self._size: dict[str, int] = {}
        for name, rows in groups.items():
            own = set(rows.tolist())
            shuffled = _distinct(random.permutation(rows).tolist(), texts)
            worst = _distinct([row for row in hard if row in own], texts)
            known = {one_line(texts[row]) for row in worst}
            others = [row for row in shuffled if one_line(texts[row]) not in known]
            self._n_hard[name] = min(len(worst), max(rows_per_group // 2, rows_per_group - len(others)))
            self._size[name] = min(rows_per_group, self._n_hard[name] + len(others))
            self._hard[name], self._other[name] = _round(worst), _round(others)

    def draw(self) -> dict[str, list[Shown]]:
        """The rows of the next request: name of a group -> rows, none twice before all had their turn."""
        shown = {}
        for _ in range(min(MOST_GROUPS, len(self.names))):
            name = self.names[self._turn % len(self.names)]
            self._turn += 1
            n_hard = self._n_hard[name]
            drawn = [Shown(row, True) for row in islice(self._hard[name], n_hard)]
            drawn += [Shown(row, False) for row in islice(self._other[name], self._size[name] - n_hard)]
            shown[name] = drawn
        return {name: shown[name] for name in self.names if name in shown}


def _classes(y: NDArray[np.generic], classes: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    names = [str(name) for name in classes]
    if len(set(names)) < len(names):
        raise InputError(f"Two classes have the same name: {names}.")
    if not np.issubdtype(y.dtype, np.integer) or (len(y) and not (y.min() >= 0 and y.max() < len(names))):
        raise InputError(f"y must hold positions in the {len(names)} classes (0 to {len(names) - 1}).")
    groups = {name: np.flatnonzero(y == position) for position, name in enumerate(names)}
    groups = {name: rows for name, rows in groups.items() if len(rows)}
    if len(groups) < 2:
        raise InputError(
            f"Questions are proposed from rows of different classes, but all {len(y)} rows are of "
            f"{next(iter(groups), 'no class')!r}. Give rows of at least two classes."
        )
    return groups


def _tails(y: NDArray[np.generic]) -> dict[str, NDArray[np.intp]]:
    values = y.astype(np.float64)
    low, high = (np.quantile(values, share) if len(values) else np.nan for share in (TAIL, 1 - TAIL))
    if not low < high:  # most values are the same: what lies below or above them is the contrast
        low, high = (np.min(values), np.max(values)) if len(values) else (np.nan, np.nan)
    if not low < high:
        raise InputError(
            f"Questions are proposed from rows of low and of high values, but all {len(values)} rows have "
            "the same value. Give rows whose values differ."
        )
    return {"low values": np.flatnonzero(values <= low), "high values": np.flatnonzero(values >= high)}


def _distinct(rows: list[int], texts: Sequence[str]) -> list[int]:
    """The first row of each text."""
    return list({one_line(texts[row]): row for row in reversed(rows)}.values())[::-1]


def _round(rows: list[int]) -> Iterator[int]:
    """The rows over and over again."""
    while rows:
        yield from rows
