"""Checks of what goes in: containers, texts, targets and weights, and what must be refused."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

from interpllm.testing.toy_rows import (
    UNSEEN,
    assert_same,
    fit_refuses,
    fitted,
    fresh,
    outputs,
    predict_refuses,
    refuses,
    rows_for,
)

MISSING = {"None": None, "NaN": float("nan"), "pandas.NA": pd.NA}


def _containers(texts: list[str]) -> dict[str, Any]:
    """The same texts in everything that holds one column."""
    backwards = range(len(texts), 0, -1)
    return {
        "tuple": tuple(texts),
        "object array": np.array(texts, dtype=object),
        "text array": np.array(texts),
        "2-D array": np.array(texts, dtype=object)[:, None],
        "Series": pd.Series(texts, index=backwards),
        "object Series": pd.Series(texts, dtype=object),
        "categorical Series": pd.Series(texts, dtype="category"),
        "frame": pd.DataFrame({"text": texts}, index=backwards),
    }


def _polars_containers(texts: list[str]) -> dict[str, Any]:
    import polars as pl

    return {"polars Series": pl.Series("text", texts), "polars frame": pl.DataFrame({"text": texts})}


def _predicts_the_same(est: Any, containers: Callable[[list[str]], dict[str, Any]]) -> None:
    # numpy's text arrays cut trailing NULs and nothing else, so none of the texts ends with one.
    model = fitted(est)
    expected = outputs(model, UNSEEN)
    for name, X in containers(UNSEEN).items():
        assert_same(outputs(model, X), expected, f"a {name} must be predicted as the list of its texts.", 0.0)


def _fits_the_same(est: Any, containers: Callable[[list[str]], dict[str, Any]]) -> None:
    rows = rows_for(est)
    expected = outputs(fitted(est), UNSEEN)
    for name, X in containers(rows.texts).items():
        model = fresh(est).fit(X, rows.y)
        assert_same(outputs(model, UNSEEN), expected, f"a {name} must fit as the list of its texts.", 0.0)


def check_containers_at_predict(est: Any) -> None:
    """Lists, tuples, arrays, Series and one-column frames of the same texts are predicted the same."""
    _predicts_the_same(est, _containers)


def check_containers_at_fit(est: Any) -> None:
    """An array, a Series and a one-column frame fit as a list does."""
    _fits_the_same(
        est,
        lambda texts: {k: v for k, v in _containers(texts).items() if k in ("text array", "Series", "frame")},
    )


def check_polars(est: Any) -> None:
    """A polars Series or one-column frame fits and is predicted as a list is."""
    _predicts_the_same(est, _polars_containers)
    _fits_the_same(est, _polars_containers)


def check_target_containers(est: Any) -> None:
    """y as a list or a Series with another index fits as the array does."""
    rows = rows_for(est)
    series = pd.Series(rows.y, index=range(len(rows.y), 0, -1), name="target")
    for name, y in {"list": rows.y.tolist(), "Series": series}.items():
        model = fresh(est).fit(rows.texts, y)
        sentence = f"y as a {name} must fit as the array does."
        assert_same(outputs(model, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)


def check_feature_names(est: Any) -> None:
    """A frame's column is remembered by name; a column of another name is refused, a list never is."""
    rows = rows_for(est)
    model = fresh(est).fit(pd.DataFrame({"text": rows.texts}), rows.y)
    assert getattr(model, "n_features_in_", None) == 1, "n_features_in_ must be 1 after fit."
    names = getattr(model, "feature_names_in_", [])
    assert list(names) == ["text"], "feature_names_in_ must be the column of the frame."
    other = pd.DataFrame({"other": rows.texts})
    refuses("a column of another name", ("feature names",), model.predict, other)
    model.predict(rows.texts)
    model.fit(rows.texts, rows.y)
    assert not hasattr(model, "feature_names_in_"), (
        "a fit on a list must forget the column of an earlier frame."
    )


def check_empty_text(est: Any) -> None:
    """The empty text is a text: at fit and at predict."""
    rows = rows_for(est)
    assert np.isfinite(outputs(fitted(est), [""])).all(), "the empty text must get a finite prediction."
    model = fresh(est).fit(["", *rows.texts], [rows.y[0], *rows.y])
    assert np.isfinite(outputs(model, rows.texts)).all(), (
        "an empty text among the rows must not break the fit."
    )


def check_any_text(est: Any) -> None:
    """Words never seen, other scripts, markup, control characters and long texts get finite predictions."""
    found = outputs(fitted(est), UNSEEN)
    assert len(found) == len(UNSEEN), "there must be one prediction a row."
    for text, row in zip(UNSEEN, found, strict=True):
        assert np.isfinite(row).all(), f"the prediction of {text[:20]!r} is not finite."


def check_missing_text_is_refused(est: Any) -> None:
    """None, NaN and pandas.NA are no texts: the error names the row."""
    rows = rows_for(est)
    for name, value in MISSING.items():
        for X in ([*rows.texts[:3], value, value], pd.Series([*rows.texts[:3], value, value], dtype=object)):
            fit_refuses(est, X, rows.y[:5], f"{name} as a text", "row 3", "X")
            predict_refuses(est, X, f"{name} as a text", "row 3", "X")


def check_non_text_is_refused(est: Any) -> None:
    """Numbers, bytes and lists are no texts: the error names the row and the type."""
    rows = rows_for(est)
    for value in (7, 2.5, b"bytes", ["a", "list"], True):
        X, kind = [*rows.texts[:4], value], type(value).__name__
        fit_refuses(est, X, rows.y[:5], f"a {kind} as a text", "row 4", kind)
        predict_refuses(est, X, f"a {kind} as a text", "row 4", kind)


def check_bare_string_is_refused(est: Any) -> None:
    """A bare string is not a collection of texts: its letters are never taken for rows."""
    fit_refuses(est, "ab", rows_for(est).y[:2], "one string as X", "X")
    predict_refuses(est, "a lovely film", "one string as X", "X")


def check_no_rows_are_refused(est: Any) -> None:
    """Without rows there is nothing to fit or predict."""
    nothing: list[Any] = [[], np.array([], dtype=object), pd.Series([], dtype=object)]
    for X in nothing:
        fit_refuses(est, X, [], "X without rows", "X")
        predict_refuses(est, X, "X without rows", "X")


def check_more_columns_are_refused(est: Any) -> None:
    """Two columns are refused: which holds the texts is the user's to say."""
    rows = rows_for(est)
    for X in (
        pd.DataFrame({"a": rows.texts, "b": rows.texts}),
        np.array([rows.texts, rows.texts], dtype=object).T,
    ):
        fit_refuses(est, X, rows.y, "X of two columns", "2")
        predict_refuses(est, X, "X of two columns", "2")


def check_other_lengths_are_refused(est: Any) -> None:
    """X and y, and X and sample_weight, have the same number of rows; the error says both."""
    rows = rows_for(est)
    n = len(rows.texts)
    fit_refuses(est, rows.texts, rows.y[:-1], "a y too short", str(n), str(n - 1))
    fit_refuses(est, rows.texts[:-1], rows.y, "a y too long", str(n), str(n - 1))
    weight = np.ones(n - 1)
    fit_refuses(
        est, rows.texts, rows.y, "a sample_weight too short", str(n), str(n - 1), sample_weight=weight
    )


def check_missing_target_is_refused(est: Any) -> None:
    """None and NaN are no targets: the error names the row; y itself cannot be left out."""
    rows = rows_for(est)
    for name, value in MISSING.items():
        y = [*rows.y[:3].tolist(), value, *rows.y[4:].tolist()]
        fit_refuses(est, rows.texts, y, f"{name} as a target", "row 3", "y")
    fit_refuses(est, rows.texts, None, "y=None", "y")


def check_bad_target_is_refused(est: Any) -> None:
    """Labels of two types, or targets that are not finite numbers: the error names the row."""
    rows = rows_for(est)
    good = rows.y.tolist()
    bad = [3, 0.5, object()] if is_classifier(est) else [float("inf"), "four", object()]
    for value in bad:
        y = [*good[:5], value, *good[6:]]
        fit_refuses(est, rows.texts, y, f"{value!r} as a target", "row 5", "y")


def check_bad_sample_weight_is_refused(est: Any) -> None:
    """Negative and non-finite weights are refused by row, and so are weights that are all zero."""
    rows = rows_for(est)
    for value in (-1.0, float("nan"), float("inf")):
        weight = np.ones(len(rows.y))
        weight[2] = value
        fit_refuses(
            est,
            rows.texts,
            rows.y,
            f"a sample_weight of {value}",
            "row 2",
            "sample_weight",
            sample_weight=weight,
        )
    zeros = np.zeros(len(rows.y))
    fit_refuses(est, rows.texts, rows.y, "all weights zero", "zero", sample_weight=zeros)


def check_zero_weight_drops_rows(est: Any) -> None:
    """Rows of weight zero change nothing: the fit is the one without them."""
    rows = rows_for(est)
    wrong = rows.y[::-1]
    weight = np.r_[np.ones(len(rows.y)), np.zeros(len(wrong))]
    model = fresh(est).fit(rows.texts + rows.texts, np.r_[rows.y, wrong], sample_weight=weight)
    plain = fresh(est).fit(rows.texts, rows.y, sample_weight=np.ones(len(rows.y)))
    sentence = "rows of weight zero must not change the fit."
    assert_same(outputs(model, UNSEEN), outputs(plain, UNSEEN), sentence, 1e-6)


def check_equal_weights_are_no_weights(est: Any) -> None:
    """A weight of 1 for each row is the same as no weights."""
    rows = rows_for(est)
    model = fresh(est).fit(rows.texts, rows.y, sample_weight=np.ones(len(rows.y)))
    sentence = "weights that are all 1 must fit as no weights do."
    assert_same(outputs(model, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 1e-6)


def check_column_vector_y_warns(est: Any) -> None:
    """y as an array of one column fits, with scikit-learn's warning."""
    rows = rows_for(est)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fresh(est).fit(rows.texts, rows.y[:, None])
    assert any("column-vector y" in str(warning.message) for warning in caught), (
        "a column-vector y must warn."
    )
    sentence = "y as one column must fit as the 1-D array does."
    assert_same(outputs(model, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)


CHECKS = [
    check_containers_at_predict,
    check_containers_at_fit,
    check_target_containers,
    check_feature_names,
    check_empty_text,
    check_any_text,
    check_missing_text_is_refused,
    check_non_text_is_refused,
    check_bare_string_is_refused,
    check_no_rows_are_refused,
    check_other_lengths_are_refused,
    check_missing_target_is_refused,
    check_bad_target_is_refused,
    check_bad_sample_weight_is_refused,
    check_zero_weight_drops_rows,
    check_equal_weights_are_no_weights,
    check_column_vector_y_warns,
]
#: For estimators that take no frames with several columns, as their tags say.
ONE_COLUMN_CHECKS = [check_more_columns_are_refused]
POLARS_CHECKS = [check_polars] if importlib.util.find_spec("polars") else []
