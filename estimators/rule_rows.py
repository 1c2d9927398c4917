"""Rows of the rule estimators: texts alone, or a frame with columns, one of which may hold texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import InputError
from interpllm.estimators.base import TextRowsMixin, TrainingRows
from interpllm.propose.rules import Columns
from interpllm.select.inputs import is_missing, weights_of

Row = str | Mapping[str, Any]

AUTO = "auto"
"""A frame of one column of strings holds texts; any other holds none."""


@dataclass(frozen=True)
class Table:
    """Rows with named columns."""

    names: list[str]
    rows: list[dict[str, Any]]


def table_of(X: Any, text: str | None) -> Table | None:
    """A frame as rows with columns; None where X is a container of texts.

    With ``text="auto"`` a frame with one column of strings is a container of texts.

    Raises
    ------
    InputError
        When names repeat or are no strings, or there is no column `text`.
    """
    if hasattr(X, "to_dicts") and hasattr(X, "columns"):  # a frame of polars
        X = pd.DataFrame({name: X[name].to_list() for name in X.columns})
    if not isinstance(X, pd.DataFrame):
        if text not in (None, AUTO):
            raise InputError(
                f"text={text!r} names a column, and X is not a frame; give one, or leave text out."
            )
        return None
    if text == AUTO and X.shape[1] == 1 and not _numbers(X.iloc[:, 0]):
        return None
    names = list(X.columns)
    wrong = next((name for name in names if not isinstance(name, str) or not name), None)
    if wrong is not None:
        raise InputError(f"A column of X is called {wrong!r}; rules need names that are strings.")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"X has two columns called {twice!r}; rename one.")
    if text not in (None, AUTO) and text not in names:
        raise InputError(f"X has no column {text!r} for text=; it has: {', '.join(names):.300}.")
    rows = X.to_dict(orient="records")
    return Table(
        names, [{str(k): None if is_missing(v) else _plain(v) for k, v in row.items()} for row in rows]
    )


def columns_of(rows: Sequence[Row], text: str | None) -> Columns:
    """What the columns of rows hold.

    Raises
    ------
    InputError
        When a column mixes numbers and strings, or holds something else.
    """
    if not rows or isinstance(rows[0], str):
        return Columns({})
    kinds: dict[str, tuple[Any, ...] | None] = {}
    for name in rows[0]:
        cells = [row[name] for row in rows if not isinstance(row, str)]
        known = [cell for cell in cells if cell is not None]
        if name == text:
            wrong = next((i for i, cell in enumerate(cells) if not isinstance(cell, str)), None)
            if wrong is not None:
                raise InputError(f"Row {wrong} of column {name!r} is not a text but {cells[wrong]!r:.60}.")
        elif all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in known):
            kinds[name] = None
        elif all(isinstance(cell, str | bool) for cell in known):
            kinds[name] = tuple(dict.fromkeys(sorted(known, key=lambda cell: (str(type(cell)), cell))))
        else:
            odd = next(cell for cell in known if not isinstance(cell, str | bool))
            raise InputError(
                f"Column {name!r} holds {odd!r:.60} ({type(odd).__name__}) beside {known[0]!r:.60}; a column "
                "holds numbers, or strings and booleans."
            )
    return Columns(kinds, text or "", text is not None)


class TableRowsMixin(TextRowsMixin):
    """Takes frames with columns beside texts; stands left of the other mixins of text estimators."""

    text: str | None

    @property
    def _text(self) -> str | None:
        """The column that holds texts, in a frame with columns."""
        return None if self.text == AUTO else self.text

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        return tags

    def _check_fit(self, X: Any, y: Any, sample_weight: Any = None) -> TrainingRows:
        table = table_of(X, self.text)
        if table is None:
            return super()._check_fit(X, y, sample_weight)
        if not table.rows:
            raise InputError("X has no rows; give at least two.")
        if y is None:
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        weights = weights_of(sample_weight, len(table.rows))
        index = np.arange(len(table.rows)) if weights is None else np.flatnonzero(weights)
        target, name = self._check_target(y, len(table.rows), index)
        columns_of([table.rows[row] for row in index], self._text)
        self._set_target(target)
        self.n_features_in_ = len(table.names)
        self.feature_names_in_ = np.array(table.names, dtype=object)
        self.__dict__.pop(self._fitted, None)
        rows: list[Any] = [table.rows[row] for row in index]
        return TrainingRows(
            rows, self._encode_target(target), None if weights is None else weights[index], index, name
        )

    def _check_predict(self, X: Any) -> list[Any]:
        check_is_fitted(self)
        table = table_of(X, self.text)
        if table is None:
            return super()._check_predict(X)
        fitted = getattr(self, "feature_names_in_", None)
        if fitted is None:
            raise InputError("X is a frame with columns, and the model was fitted on texts alone.")
        missing = [name for name in fitted if name not in table.names]
        if missing:
            raise InputError(
                "The feature names should match those that were passed during fit: X lacks "
                f"{', '.join(map(repr, missing)):.300}."
            )
        return list(table.rows)


def texts_among(rows: Sequence[Row], text: str | None) -> list[str] | None:
    """The texts of rows, if they have any."""
    if rows and not isinstance(rows[0], str):
        return None if text is None else [row[text] for row in rows if not isinstance(row, str)]
    return [row for row in rows if isinstance(row, str)]


def _numbers(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
