"""Results as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def as_json(value: Any, indent: int | None = None) -> str:
    """Data as JSON, where figures that there are not, NaN and pandas' NA and NaT, are null.

    Parameters
    ----------
    value : Any
    indent : int, optional

    Returns
    -------
    str
        The same data give the same bytes.
    """
    return json.dumps(plain(value), ensure_ascii=False, indent=indent, allow_nan=False)


def plain(value: Any) -> Any:
    """Data of numpy, pandas and tuples as what JSON knows; what is no number is None.

    Parameters
    ----------
    value : Any
        A table becomes a list of its rows, each with its index.

    Returns
    -------
    dict, list, str, int, float, bool or None
    """
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if hasattr(value, "to_json") and hasattr(value, "index"):
        return json.loads(value.to_json(orient="table"))["data"]
    if missing(value):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | int | bool):
        return value
    return str(value)


def missing(value: Any) -> bool:
    """Whether a value stands for one that there is not: None, NaN, pandas' NA and NaT.

    Parameters
    ----------
    value : Any
    """
    if value is None or isinstance(value, str | int | bool):
        return value is None
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    import pandas as pd

    return value is pd.NA or value is pd.NaT
