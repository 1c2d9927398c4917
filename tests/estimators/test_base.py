"""What every text estimator inherits, tried on the smallest one that can be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError

from interpllm.errors import InputError
from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin, TrainingRows
from interpllm.runtime import LinearModel, load

TEXTS = ["good film", "bad film", "good", "bad"]


class Classifier(TextClassifierMixin, BaseEstimator):
    rows: TrainingRows

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.rows = self._check_fit(X, y, sample_weight)
        if self.fails:
            raise RuntimeError("the language model is down")
        classes = self.classes_.tolist()
        n_outputs = len(classes) if len(classes) > 2 else 1
        self.model_ = LinearModel(
            task="classification",
            classes=classes,
            target=self.rows.target,
            intercept=(0.0,) * n_outputs,
            weights={"bad": (-1.0,) * n_outputs, "good": (2.0,) * n_outputs},
            evidence={"bad": (2, 1.0, (1,))},
            n_rows=len(self.rows.texts),
        )
        return self


class Regressor(TextRegressorMixin, BaseEstimator):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        rows = self._check_fit(X, y, sample_weight)
        self.model_ = LinearModel(
            task="regression",
            target=rows.target,
            intercept=(rows.y.mean(),),
            weights={"good": (2.0,), "bad": (-1.0,)},
        )
        return self


def test_rows_of_weight_zero_are_left_out_and_positions_tell_which() -> None:
    rows = Classifier().fit(TEXTS, list("yxyx"), [1, 0, 2, 3]).rows
    assert rows.texts == ["good film", "good", "bad"]
    assert rows.y.tolist() == [1, 1, 0]
    assert rows.sample_weight is not None
    assert rows.sample_weight.tolist() == [1.0, 2.0, 3.0]
    assert rows.positions.tolist() == [0, 2, 3]


def test_a_class_without_weight_is_no_class() -> None:
    model = Classifier().fit(TEXTS, list("xyzx"), [1, 1, 0, 1])
    assert model.classes_.tolist() == ["x", "y"]


def test_one_class_of_weight_is_refused() -> None:
    with pytest.raises(InputError, match=r"one class \('x'\) among the rows of non-zero sample_weight"):
        Classifier().fit(TEXTS, list("xxyy"), [1, 1, 0, 0])


def test_a_fit_that_fails_half_way_is_not_fitted() -> None:
    model = Classifier().fit(TEXTS, list("yxyx"))
    with pytest.raises(RuntimeError):
        model.set_params(fails=True).fit(TEXTS, list("zxzx"))
    with pytest.raises(NotFittedError):
        model.predict(TEXTS)


def test_a_fit_that_is_refused_leaves_the_model() -> None:
    model = Classifier().fit(pd.DataFrame({"text": TEXTS}), list("yxyx"))
    with pytest.raises(InputError):
        model.fit([*TEXTS, None], list("zxzxz"))
    assert model.predict(pd.DataFrame({"text": TEXTS})).tolist() == list("yxyx")
    assert model.feature_names_in_.tolist() == ["text"]


def test_the_target_is_named_after_the_series() -> None:
    assert Classifier().fit(TEXTS, pd.Series(list("yxyx"), name="mood")).model_.target == "mood"


@pytest.mark.parametrize(
    "labels",
    [np.array(["no", "yes"], dtype=object), np.array([0, 1], dtype=np.int8), np.array([False, True])],
)
def test_predictions_have_the_dtype_of_the_labels(labels: Any) -> None:
    found = Classifier().fit(TEXTS, labels[[1, 0, 1, 0]]).predict(["so bad", "so good"])
    assert found.dtype == labels.dtype
    assert found.tolist() == labels.tolist()


def test_a_list_after_a_frame_does_not_warn_but_a_nameless_matrix_does() -> None:
    model = Classifier().fit(pd.DataFrame({"text": TEXTS}), list("yxyx"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(TEXTS)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(np.array(TEXTS)[:, None])


def test_a_frame_with_another_column_is_refused() -> None:
    model = Classifier().fit(pd.DataFrame({"text": TEXTS}), list("yxyx"))
    with pytest.raises(InputError, match="'body', the model was fitted on 'text'"):
        model.predict(pd.DataFrame({"body": TEXTS}))


def test_a_frame_whose_column_is_numbered_has_no_feature_name() -> None:
    model = Classifier().fit(pd.DataFrame({0: TEXTS}), list("yxyx"))
    assert not hasattr(model, "feature_names_in_")


def test_rules_tell_what_the_training_rows_say_of_them() -> None:
    rules = Classifier().fit(TEXTS, list("yxyx")).get_rules()
    assert rules["rule"].tolist() == ['mentions "good"', 'mentions "bad"']
    assert rules["prediction"].tolist() == ["y", "x"]
    assert rules["examples"].tolist() == [[], [1]]
    assert rules["source"].tolist() == ["llm", "data"]
    assert rules["n_train"].tolist() == [4, 4]
    assert rules["low"].isna().tolist() == [True, False]


def test_export_gives_the_path_and_a_file_that_predicts(tmp_path: Path) -> None:
    path = Classifier().fit(TEXTS, list("yxyx")).export(tmp_path / "model.json")
    assert path == tmp_path / "model.json"
    assert load(path).predict(["so bad"]) == ["x"]


def test_a_regressor_predicts_numbers_and_explains_its_target() -> None:
    model = Regressor().fit(TEXTS, pd.Series([1, 2, 3, 4], name="stars"))
    assert model.predict(["good", ""]).tolist() == [4.5, 2.5]
    assert model.explain(["good"]).frame()["output"].tolist() == ["stars"]


def test_a_regressor_has_no_decision_function() -> None:
    assert not hasattr(Regressor(), "decision_function")
