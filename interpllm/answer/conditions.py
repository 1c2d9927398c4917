"""Which conditions hold for which rows, as the runtime would tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.runtime.conditions import Condition
from interpllm.runtime.row_scoring import Row, holds


def measure(
    conditions: Sequence[Condition],
    rows: Sequence[str | Mapping[str, Any]],
    answers: Mapping[str, Sequence[float | None]] | None = None,
    text: str | None = None,
) -> NDArray[np.float64]:
    """Tell which conditions hold for which rows.

    Parameters
    ----------
    conditions : sequence of Condition
        Of other kinds than those that compare a vectorizer's numbers.
    rows : sequence of str or of mapping (n_rows,)
        Texts, or checked rows with columns; None is missing.
    answers : mapping of str to sequence (n_rows,)
        Id of a question -> its answers; None is missing.
    text : str, optional
        The column that holds the text.

    Returns
    -------
    array (n_rows, n_conditions)
        1 where a condition holds, 0 where not, NaN where it cannot be told.
    """
    found = np.full((len(rows), len(conditions)), np.nan)
    plain = [condition.plain for condition in conditions]
    given = answers or {}
    for number, cells in enumerate(rows):
        said = cells if isinstance(cells, str) else str(cells[text]) if text is not None else ""
        columns = {} if isinstance(cells, str) else cells
        own = {
            name: float("nan") if v[number] is None else float(v[number] or 0.0) for name, v in given.items()
        }
        row = Row(said, columns, own, {})
        for place, condition in enumerate(plain):
            told = holds(condition, row)
            if told is not None:
                found[number, place] = told
    return found
