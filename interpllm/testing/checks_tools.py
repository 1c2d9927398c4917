"""Checks that an estimator works inside scikit-learn's tools."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from interpllm.testing.toy_rows import UNSEEN, assert_same, fitted, fresh, outputs, rows_for


def _unchanged(X: Any) -> Any:
    return X


def check_pipeline(est: Any) -> None:
    """As last step of a Pipeline it predicts as alone."""
    rows = rows_for(est)
    pipe = make_pipeline(FunctionTransformer(_unchanged), fresh(est)).fit(rows.texts, rows.y)
    sentence = "in a Pipeline it must predict as alone."
    assert_same(outputs(pipe, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)


def check_column_transformer(est: Any) -> None:
    """After a ColumnTransformer that passes on one column of a frame, it predicts as alone."""
    rows = rows_for(est)
    frame = pd.DataFrame({"stars": np.arange(len(rows.y)), "text": rows.texts})
    unseen = pd.DataFrame({"stars": 0, "text": UNSEEN})
    expected = outputs(fitted(est), UNSEEN)
    for container in ("default", "pandas"):
        select = ColumnTransformer([("text", "passthrough", ["text"])], verbose_feature_names_out=False)
        pipe = make_pipeline(select.set_output(transform=container), fresh(est)).fit(frame, rows.y)
        sentence = f"after a ColumnTransformer (output {container}) it must predict as alone."
        assert_same(outputs(pipe, unseen), expected, sentence, 0.0)


def check_grid_search(est: Any) -> None:
    """GridSearchCV fits it with other parameters, refits the best, and predicts with it."""
    rows, params = rows_for(est), fresh(est).get_params(deep=False)
    name = "random_state" if "random_state" in params else next(iter(params), None)
    grid: dict[str, list[Any]] = {} if name is None else {name: [params[name]]}
    search = GridSearchCV(fresh(est), grid, cv=2, error_score="raise").fit(rows.texts, rows.y)
    sentence = "the best estimator of GridSearchCV must be the fit on all rows."
    assert_same(outputs(search, UNSEEN), outputs(fitted(est), UNSEEN), sentence, 0.0)


def check_cross_validate(est: Any) -> None:
    """cross_validate gives the same scores in two processes as in one."""
    rows = rows_for(est)
    one, two = (
        cross_validate(fresh(est), rows.texts, rows.y, cv=2, n_jobs=n_jobs, error_score="raise")["test_score"]
        for n_jobs in (1, 2)
    )
    assert_same(two, one, "cross_validate(n_jobs=2) must give the scores of n_jobs=1.")


def check_cross_val_predict(est: Any) -> None:
    """cross_val_predict gives one prediction a row, by models that have not seen it."""
    rows = rows_for(est)
    method = "predict_proba" if is_classifier(est) else "predict"
    found = cross_val_predict(fresh(est), np.array(rows.texts), rows.y, cv=2, method=method)
    assert len(found) == len(rows.y), "cross_val_predict must give one prediction a row."
    assert np.isfinite(found).all(), "cross_val_predict must give finite numbers."


CHECKS = [
    check_pipeline,
    check_column_transformer,
    check_grid_search,
    check_cross_validate,
    check_cross_val_predict,
]
