"""What is accepted as rows, labels and weights, checked in one place.

Every refusal is an `InputError` that names the first offending row by its position, counted from 0, and
says what to do about it.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning

from interpllm.errors import InputError

_CONTAINERS = "a list, a tuple, a 1-D array, a pandas or polars Series, or a frame or array of one column"


@dataclass(frozen=True)
class Column:
    """One column of values, out of whatever container it came in.

    Parameters
    ----------
    values : list or 1-D ndarray
        The values; an ndarray keeps the dtype that it was given with.
    name : str or None
        Name of the Series or of the frame's column, where it is a str.
    shape : {"1d", "array", "frame"}
        What held them: something 1-D, a 2-D array of one column, or a frame of one column.
    """

    values: list[Any] | NDArray[Any]
    name: str | None
    shape: str

    def __len__(self) -> int:
        return len(self.values)

    def items(self) -> list[Any]:
        """The values as a list of Python objects."""
        if not isinstance(self.values, np.ndarray):
            return self.values
        # tolist() would turn dates of nanoseconds into plain integers, which pass for labels.
        return list(self.values) if self.values.dtype.kind in "mM" else self.values.tolist()


def column_of(data: Any, what: str) -> Column:
    """Take the one column out of a container.

    Parameters
    ----------
    data : list, tuple, 1-D or one-column 2-D ndarray, pandas or polars Series or one-column DataFrame
        The container.
    what : str
        What the message calls it: "X", "y", "sample_weight".

    Raises
    ------
    InputError
        For a bare string, another container, or more than one column.
    """
    if isinstance(data, (str, bytes)):
        raise InputError(f"{what} is one {type(data).__name__}, not a collection of rows: pass [{what}].")
    if isinstance(data, (list, tuple)):
        return Column(list(data), None, "1d")
    if isinstance(data, np.ndarray):
        return _column_of_array(data, what)
    if hasattr(data, "collect"):
        raise InputError(f"{what} is a lazy frame: call .collect() on it first.")
    if hasattr(data, "columns") and hasattr(data, "shape"):
        return _column_of_frame(data, what)
    if hasattr(data, "to_list") and hasattr(data, "dtype"):
        return _column_of_series(data)
    raise InputError(f"{what} is a {type(data).__name__}; pass {_CONTAINERS}.")


def _column_of_array(array: NDArray[Any], what: str) -> Column:
    if array.ndim == 1:
        return Column(array, None, "1d")
    if array.ndim == 2 and array.shape[1] == 1:
        return Column(array[:, 0], None, "array")
    raise InputError(f"{what} is an array of shape {array.shape}; pass {_CONTAINERS}.")


def _column_of_frame(frame: Any, what: str) -> Column:
    names = list(frame.columns)
    if len(names) != 1:
        listed = ", ".join(str(name) for name in names[:5]) + (", ..." if len(names) > 5 else "")
        raise InputError(
            f"{what} is a frame of {len(names)} columns ({listed}); pass one of them, as in {what}['column']."
        )
    inner = frame.iloc[:, 0] if isinstance(frame, pd.DataFrame) else frame.to_series(0)
    return Column(_column_of_series(inner).values, names[0] if isinstance(names[0], str) else None, "frame")


def _column_of_series(series: Any) -> Column:
    name = getattr(series, "name", None)
    name = name if isinstance(name, str) and name else None
    if isinstance(series, (pd.Series, pd.Index)) and isinstance(series.dtype, np.dtype):
        return Column(series.to_numpy(), name, "1d")
    return Column(series.to_list(), name, "1d")


def is_missing(value: Any) -> bool:
    """Whether a single value stands for "no value": None, NaN, pandas.NA or NaT."""
    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def texts_of(column: Column, what: str = "X") -> list[str]:
    """The rows of a column as texts; the empty string is a text.

    Raises
    ------
    InputError
        When there is no row, or a row is missing or not a str.
    """
    texts = column.items()
    if not texts:
        raise InputError(f"{what} holds no rows; pass at least one text.")
    if set(map(type, texts)) == {str}:
        return texts
    for row, text in enumerate(texts):
        if is_missing(text):
            raise InputError(
                f"Row {row} of {what} is missing ({text!r}); drop it, or pass '' if it is an empty text."
            )
        if not isinstance(text, str):
            raise InputError(
                f"Row {row} of {what} is not text but {type(text).__name__} ({_shown(text)}); "
                "convert it with str(), or decode bytes."
            )
    return [str(text) for text in texts]


def _target_column(y: Any, n_rows: int) -> Column:
    column = column_of(y, "y")
    if column.shape != "1d":
        # The category and the wording are scikit-learn's, so that its users' filters work here too.
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to "
            "(n_samples,), for example using ravel().",
            DataConversionWarning,
            stacklevel=4,
        )
    _same_length(column, n_rows, "y")
    return column


def _same_length(column: Column, n_rows: int, what: str) -> None:
    if len(column) != n_rows:
        raise InputError(f"X has {n_rows} rows but {what} has {len(column)}: they must be of equal length.")


def _refuse_missing(values: list[Any], what: str) -> None:
    for row, value in enumerate(values):
        if is_missing(value):
            raise InputError(f"Row {row} of {what} is missing ({value!r}); drop that row or fill it in.")


def labels_of(y: Any, n_rows: int) -> tuple[NDArray[Any], str]:
    """Class labels, one a row, in the dtype that they were given in.

    Parameters
    ----------
    y : container of str, bool, int, or float of integer value
        Labels of one kind; object arrays of text stay object arrays.
    n_rows : int
        How many rows X has.

    Returns
    -------
    labels : ndarray of shape (n_rows,)
    name : str
        Name of the Series or column that they came in, "" without one.

    Raises
    ------
    InputError
        For another length, a missing label, a label of another kind, or labels of several kinds.
    """
    column = _target_column(y, n_rows)
    name = column.name or ""
    if isinstance(column.values, np.ndarray) and column.values.dtype.kind in "biuU":
        return column.values, name
    values = column.items()
    _refuse_missing(values, "y")
    first = _kind(values[0]) if values else ""
    for row, value in enumerate(values):
        kind = _kind(value)
        if kind == "":
            raise InputError(
                f"Row {row} of y is {type(value).__name__} ({_shown(value)}); "
                "labels are text, integers or booleans."
            )
        if kind == "float" and not float(value).is_integer():
            raise InputError(
                f"Unknown label type: continuous. Row {row} of y is {value!r}; "
                "labels are text, integers or booleans, and numbers are for a regressor."
            )
        if kind != first and {kind, first} != {"int", "float"}:
            raise InputError(
                f"Row {row} of y is {kind} ({_shown(value)}) but row 0 is {first} ({_shown(values[0])}); "
                "give all labels as one type."
            )
    if isinstance(column.values, np.ndarray) and (column.values.dtype.kind == "f" or first == "str"):
        return column.values.astype(object) if first == "str" else column.values, name
    return np.asarray(values), name


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "str"
    if isinstance(value, (bool, np.bool_)):
        return "bool"
    if isinstance(value, (int, np.integer)):
        return "int"
    return "float" if isinstance(value, (float, np.floating)) else ""


def numbers_of(y: Any, n_rows: int) -> tuple[NDArray[np.float64], str]:
    """Regression targets, one finite number a row, and the name of the Series or column they came in.

    Raises
    ------
    InputError
        For another length, or a target that is missing, not a number or not finite.
    """
    column = _target_column(y, n_rows)
    return _floats(column, "y"), column.name or ""


def weights_of(sample_weight: Any, n_rows: int) -> NDArray[np.float64] | None:
    """Sample weights, one finite number of at least 0 a row; None stays None, one number counts for all.

    Raises
    ------
    InputError
        For another length, a weight that is missing, not finite or negative, or when all are 0.
    """
    if sample_weight is None:
        return None
    if isinstance(sample_weight, (int, float, np.number)):
        sample_weight = [sample_weight] * n_rows
    column = column_of(sample_weight, "sample_weight")
    _same_length(column, n_rows, "sample_weight")
    weights = _floats(column, "sample_weight")
    negative = np.flatnonzero(weights < 0)
    if negative.size:
        row = int(negative[0])
        raise InputError(f"Row {row} of sample_weight is negative ({weights[row]}); weights are at least 0.")
    if not weights.any():
        raise InputError("All of sample_weight are zero; at least one row must have weight.")
    return weights


def _floats(column: Column, what: str) -> NDArray[np.float64]:
    if isinstance(column.values, np.ndarray) and column.values.dtype.kind in "biuf":
        numbers = column.values.astype(np.float64)
    else:
        values = column.items()
        _refuse_missing(values, what)
        for row, value in enumerate(values):
            if _kind(value) in ("", "str"):
                raise InputError(
                    f"Row {row} of {what} is {type(value).__name__} ({_shown(value)}); pass a number."
                )
        numbers = np.asarray(values, dtype=np.float64)
    _refuse_missing([] if np.isfinite(numbers).all() else numbers.tolist(), what)
    for row, number in enumerate(numbers.tolist()):
        if not math.isfinite(number):
            raise InputError(f"Row {row} of {what} is not finite ({number}); drop that row or correct it.")
    return numbers
