"""Results as JSON: what is no number is null, and nothing else changes."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from interpllm.display import as_json


def test_what_is_no_number_is_null() -> None:
    found = as_json(
        {"a": float("nan"), "b": np.float64("inf"), "c": np.array([1, 2]), "d": (np.bool_(True), None)}
    )
    assert json.loads(found) == {"a": None, "b": None, "c": [1, 2], "d": [True, None]}


def test_a_table_is_a_list_of_its_rows() -> None:
    scores = pd.DataFrame({"score": [0.5, np.nan]}, index=["model", "baseline"])
    assert json.loads(as_json(scores)) == [
        {"index": "model", "score": 0.5},
        {"index": "baseline", "score": None},
    ]


def test_what_pandas_does_not_have_is_null() -> None:
    ranks = pd.DataFrame({"rank": [1, None]}).astype({"rank": "Int64"})
    assert json.loads(as_json([ranks.to_dict("records"), pd.NaT])) == [[{"rank": 1}, {"rank": None}], None]
