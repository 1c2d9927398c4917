"""What the estimators take for texts, labels, numbers and weights, and what each refusal says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_array

from interpllm.errors import InputError
from interpllm.select.inputs import column_of, labels_of, numbers_of, texts_of, weights_of

TEXTS = ["one", "", "three"]


@pytest.mark.parametrize(
    "X",
    [
        TEXTS,
        tuple(TEXTS),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS).reshape(-1, 1),
        [np.str_(text) for text in TEXTS],
        pd.Series(TEXTS, index=[7, 7, 1]),
        pd.Series(TEXTS, dtype="string"),
        pd.Series(TEXTS, dtype=object),
        pd.Series(TEXTS, dtype="category"),
        pd.Index(TEXTS),
        pd.DataFrame({"text": TEXTS}),
        pl.Series(TEXTS),
        pl.DataFrame({"text": TEXTS}),
    ],
    ids=lambda X: f"{type(X).__module__.split('.')[0]}-{type(X).__name__}",
)
def test_a_column_of_texts_is_read_from_any_container(X: Any) -> None:
    texts = texts_of(column_of(X, "X"))
    assert texts == TEXTS
    assert {type(text) for text in texts} == {str}


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ("text", r"X is one str, not a collection of rows: pass \[X\]"),
        (b"text", "X is one bytes"),
        ({"a": "b"}, "X is a dict; pass a list"),
        ({"a", "b"}, "X is a set; pass a list"),
        ((text for text in TEXTS), "X is a generator; pass a list"),
        (None, "X is a NoneType; pass a list"),
        (csr_array((2, 2)), "X is a csr_array; pass a list"),
        (np.array("text"), r"X is an array of shape \(\)"),
        (np.array([TEXTS, TEXTS]), r"X is an array of shape \(2, 3\)"),
        (pd.DataFrame({"a": TEXTS, "b": TEXTS}), r"X is a frame of 2 columns \(a, b\)"),
        (pl.DataFrame({"a": TEXTS, "b": TEXTS}), r"X is a frame of 2 columns \(a, b\)"),
        (pd.DataFrame(index=range(3)), "X is a frame of 0 columns"),
        (pl.LazyFrame({"a": TEXTS}), r"call \.collect\(\)"),
        ([], "X holds no rows"),
        (["a", None], r"Row 1 of X is missing \(None\); drop it, or pass ''"),
        (["a", float("nan")], r"Row 1 of X is missing \(nan\)"),
        (pd.Series(["a", pd.NA], dtype="string"), "Row 1 of X is missing"),
        (pd.Series(["a", None], dtype="str"), "Row 1 of X is missing"),
        (pl.Series(["a", None]), "Row 1 of X is missing"),
        (np.ma.array(["a", "b"], mask=[False, True]), "Row 1 of X is missing"),
        (["a", "b", 3], r"Row 2 of X is not text but int \(3\)"),
        (["a", b"b"], "Row 1 of X is not text but bytes"),
        ([["a"], ["b"]], "Row 0 of X is not text but list"),
        ([1.5, "b"], "Row 0 of X is not text but float"),
        (np.arange(3), "Row 0 of X is not text but int"),
        (["a", "x" * 9, list(range(99))], r"\.\.\."),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_holds_no_texts_is_refused_with_its_reason(X: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        texts_of(column_of(X, "X"))


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (["b", "a"], np.dtype("<U1")),
        (np.array(["b", "a"], dtype=object), np.dtype(object)),
        (pd.Series(["b", "a"], dtype=object), np.dtype(object)),
        (pd.Series(["b", "a"], dtype="category"), np.dtype("<U1")),
        (pl.Series(["b", "a"]), np.dtype("<U1")),
        ([True, False], np.dtype(bool)),
        (np.array([True, False], dtype=object), np.dtype(bool)),
        (pd.Series([True, False], dtype="boolean"), np.dtype(bool)),
        (pd.Series([1, 0], dtype="Int64"), np.dtype(np.int64)),
        (np.array([1, 0], dtype=np.int8), np.dtype(np.int8)),
        ([np.int16(1), 0], np.dtype(np.int64)),
        ([1.0, 0.0], np.dtype(np.float64)),
        ([1, 2.0], np.dtype(np.float64)),
        (np.array([1, 0], dtype=np.float32), np.dtype(np.float32)),
    ],
    ids=lambda value: (
        "" if isinstance(value, np.dtype) else f"{type(value).__name__}-{getattr(value, 'dtype', '')}"
    ),
)
def test_labels_keep_their_type(y: Any, dtype: np.dtype) -> None:
    labels, _ = labels_of(y, 2)
    assert labels.dtype == dtype
    assert labels.tolist() == list(y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a", "b"], "X has 3 rows but y has 2"),
        (["a", None, "b"], r"Row 1 of y is missing \(None\)"),
        (pd.Series([1, None, 2], dtype="Int64"), "Row 1 of y is missing"),
        ([0.0, 1.0, float("nan")], "Row 2 of y is missing"),
        ([0.0, 1.0, float("inf")], r"Unknown label type: continuous\. Row 2 of y is inf"),
        ([0, 1, 0.5], "Unknown label type: continuous.* regressor"),
        (["a", "b", 1], r"Row 2 of y is int \(1\) but row 0 is str \('a'\)"),
        ([0, True, 1], "Row 1 of y is bool"),
        ([("a",), ("b",), ("a",)], "Row 0 of y is tuple"),
        (np.array(["2020-01-01"] * 3, dtype="datetime64[ns]"), "Row 0 of y is datetime64"),
        (pd.Series(pd.to_datetime(["2020-01-01"] * 3)), "Row 0 of y is datetime64"),
        (np.zeros((3, 2)), r"y is an array of shape \(3, 2\)"),
        ("abc", "y is one str"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_is_no_column_of_labels_is_refused_with_its_reason(y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labels_of(y, 3)


def test_the_name_of_the_target_is_kept() -> None:
    assert labels_of(pd.Series(["a", "b"], name="stars"), 2)[1] == "stars"
    assert numbers_of(pl.Series("stars", [1, 2]), 2)[1] == "stars"
    assert numbers_of([1, 2], 2)[1] == ""


@pytest.mark.parametrize(
    "y", [[1, 2.5], (True, 2.5), np.array([1, 2.5], dtype=object), pd.Series([1, 2.5]), pl.Series([1.0, 2.5])]
)
def test_targets_become_floats(y: Any) -> None:
    numbers, _ = numbers_of(y, 2)
    assert numbers.dtype == np.float64
    assert numbers.tolist() == [1.0, 2.5]


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0], "X has 2 rows but y has 1"),
        ([1.0, None], "Row 1 of y is missing"),
        ([float("nan"), 1.0], "Row 0 of y is missing"),
        (np.array([1.0, -np.inf]), r"Row 1 of y is not finite \(-inf\)"),
        ([1.0, "two"], r"Row 1 of y is str \('two'\); pass a number"),
        ([1.0, 2j], "Row 1 of y is complex"),
    ],
)
def test_what_is_no_column_of_numbers_is_refused_with_its_reason(y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        numbers_of(y, 2)


@pytest.mark.parametrize("weight", [3, 3.0, [3, 3], (3.0, 3.0), pd.Series([3, 3]), np.full((2, 1), 3)])
def test_weights_become_floats(weight: Any) -> None:
    found = weights_of(weight, 2)
    assert found is not None
    assert found.tolist() == [3.0, 3.0]


def test_no_weights_stay_none() -> None:
    assert weights_of(None, 2) is None


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0], "X has 2 rows but sample_weight has 1"),
        ([1.0, -0.5], r"Row 1 of sample_weight is negative \(-0\.5\)"),
        ([float("nan"), 1.0], "Row 0 of sample_weight is missing"),
        ([1.0, float("inf")], "Row 1 of sample_weight is not finite"),
        ([0, 0], "All of sample_weight are zero"),
        (["a", 1], "Row 0 of sample_weight is str"),
        (np.ones((2, 2)), r"sample_weight is an array of shape \(2, 2\)"),
    ],
)
def test_what_is_no_column_of_weights_is_refused_with_its_reason(weight: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        weights_of(weight, 2)
