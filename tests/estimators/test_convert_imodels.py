"""What imodels fitted predicts the same as a readable model, number for number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from interpllm import from_imodels
from interpllm.errors import InputError
from interpllm.runtime import TreeModel, dumps, loads, parse

imodels = pytest.importorskip("imodels")

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # imodels warns of its optional libraries, and of what it calls
]

N = 6

TWO = {
    "BoostedRulesClassifier": {},
    "C45TreeClassifier": {"max_rules": 5},
    "DecisionTreeCCPClassifier": {"estimator_": DecisionTreeClassifier(), "desired_complexity": 5},
    "FIGSClassifier": {"max_rules": 6},
    "FIGSClassifierCV": {"n_rules_list": [3, 5], "n_trees_list": [2], "depth_list": [3]},
    "FastFrugalTreeClassifier": {},
    "GreedyRuleListClassifier": {},
    "GreedyTreeClassifier": {"max_depth": 4},
    "HSDecisionTreeCCPClassifierCV": {"estimator_": DecisionTreeClassifier(), "desired_complexity": 5},
    "HSTreeClassifier": {},
    "HSTreeClassifierCV": {"reg_param_list": [1, 10]},
    "IRFClassifier": {"n_estimators": 5, "n_iterations": 2, "n_bootstraps": 0},
    "OneRClassifier": {},
    "RuleFitClassifier": {"n_estimators": 10, "cv": False},
    "SLIMClassifier": {},
    "SkopeRulesClassifier": {"random_state": 0},
    "TaoTreeClassifier": {},
    "TreeGAMClassifier": {"n_boosting_rounds": 5},
}
THREE = (
    *("BoostedRulesClassifier", "C45TreeClassifier", "FIGSClassifier", "GreedyTreeClassifier"),
    *("HSTreeClassifier", "IRFClassifier", "TaoTreeClassifier"),
)
BITS = {
    "BayesianRuleListClassifier": {"max_iter": 300, "n_chains": 1},
    "FPLassoClassifier": {"max_rules": 8, "cv": False},
    "FPSkopeClassifier": {"precision_min": 0.2, "recall_min": 0.01},
}
REGRESSORS = {
    "DecisionTreeCCPRegressor": {"estimator_": DecisionTreeRegressor(), "desired_complexity": 5},
    "FIGSRegressor": {"max_rules": 9},
    "FIGSRegressorCV": {"n_rules_list": [3, 5], "n_trees_list": [2], "depth_list": [3]},
    "GreedyTreeRegressor": {"max_depth": 4},
    "HSDecisionTreeCCPRegressorCV": {"estimator_": DecisionTreeRegressor(), "desired_complexity": 5},
    "HSTreeRegressor": {"estimator_": RandomForestRegressor(4, max_depth=4, random_state=0)},
    "HSTreeRegressorCV": {"reg_param_list": [1, 10]},
    "IRFRegressor": {"n_estimators": 5, "n_iterations": 2, "n_bootstraps": 0},
    "RuleFitRegressor": {"n_estimators": 10, "cv": False},
    "SLIMRegressor": {},
    "TaoTreeRegressor": {},
    "TreeGAMRegressor": {
        "n_boosting_rounds": 5,
        "n_boosting_rounds_marginal": 3,
        "decay_rate_towards_marginal": 0.9,
    },
}


def data_of(kind: str) -> tuple[Any, Any]:
    if kind == "regression":
        X, y = load_diabetes(return_X_y=True)
        return X[:200, :N], y[:200]
    if kind == "three":
        return load_iris(return_X_y=True)
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:250, 2 : 2 + N], y[:250]
    return ((np.median(X, axis=0) < X).astype(float) if kind == "bits" else X), y


def fitted_on(name: str, kind: str, options: Any, labels: Any = None) -> tuple[Any, Any]:
    X, y = data_of(kind)
    return getattr(imodels, name)(**options).fit(X, y if labels is None else labels[y]), X


def agrees(fitted: Any, kind: str, X: Any, names: Any = None) -> None:
    model = from_imodels(fitted, names)
    names = names or [f"X{i}" for i in range(X.shape[1])]
    rng = np.random.default_rng(0)
    tried = [X[:60], rng.uniform(X.min(0), X.max(0), (60, X.shape[1])).round(0 if kind == "bits" else 9)]
    bounds = [c for c in model.conditions() if hasattr(c, "bound") and kind != "bits"]
    for condition in bounds[:60]:
        for beside in (-np.inf, condition.bound, np.inf):
            row = X[rng.integers(len(X))].copy()
            row[names.index(condition.column)] = np.nextafter(condition.bound, beside)
            tried.append(row[None])
    Q = np.vstack(tried)
    rows = [dict(zip(names, row, strict=True)) for row in Q.tolist()]
    for form in (model, parse(str(model)), loads(dumps(model))):
        if not model.classes:
            np.testing.assert_allclose(form.predict(rows), fitted.predict(Q), rtol=1e-9, atol=1e-9)
            continue
        shares = fitted.predict_proba(Q)
        np.testing.assert_allclose(form.predict_proba(rows), shares, atol=1e-9)
        top = np.sort(shares, axis=1)
        clear = (top[:, -1] - top[:, -2] > 1e-12) | (top[:, -1] == top[:, -2])
        assert (np.array(form.predict(rows))[clear] == fitted.predict(Q)[clear]).all()


@pytest.mark.parametrize("name", TWO)
def test_two_classes_are_told_apart_as_by_the_original(name: str) -> None:
    labels = None if name == "BoostedRulesClassifier" else np.array(["malignant", "benign"])
    fitted, X = fitted_on(name, "two", TWO[name], labels)
    agrees(fitted, "two", X)


@pytest.mark.parametrize("name", THREE)
def test_three_classes_are_told_apart_as_by_the_original(name: str) -> None:
    fitted, X = fitted_on(name, "three", TWO[name])
    agrees(fitted, "three", X)


@pytest.mark.parametrize("name", BITS)
def test_rules_of_columns_that_are_0_or_1_hold_as_in_the_original(name: str) -> None:
    fitted, X = fitted_on(name, "bits", BITS[name])
    agrees(fitted, "bits", X, [f"is {i}" for i in range(N)])


@pytest.mark.parametrize("name", REGRESSORS)
def test_values_are_predicted_as_by_the_original(name: str) -> None:
    fitted, X = fitted_on(name, "regression", REGRESSORS[name])
    agrees(fitted, "regression", X)


def test_shrunk_boosted_trees_are_read() -> None:
    options = {"estimator_": GradientBoostingClassifier(n_estimators=4)}
    fitted, X = fitted_on("HSTreeClassifier", "two", options, np.array(["malignant", "benign"]))
    agrees(fitted, "two", X)


def test_columns_are_named_as_they_were_fitted() -> None:
    X, y = load_iris(return_X_y=True, as_frame=True)
    fitted = imodels.FIGSClassifier(max_rules=3).fit(X, y)
    model = from_imodels(fitted, target="species")
    assert set(model.columns) <= set(X.columns)
    assert (model.target, model.n_rows, model.trees[0][0].n_rows) == ("species", 150, 150)
    assert model.predict(X) == fitted.predict(X).tolist()


def test_linear_terms_of_rulefit_are_kept_within_what_was_seen() -> None:
    fitted, X = fitted_on("RuleFitRegressor", "regression", {"n_estimators": 10, "cv": False})
    model = from_imodels(fitted)
    far = X[:1] + 1e6
    assert model.slopes
    assert model.predict([{f"X{i}": v for i, v in enumerate(far[0])}]) == pytest.approx(fitted.predict(far))


def test_a_model_without_any_rule_takes_any_row() -> None:
    fitted = imodels.GreedyTreeRegressor().fit(np.ones((5, 2)), np.arange(5.0))
    model = from_imodels(fitted)
    assert isinstance(model, TreeModel)
    assert model.predict([{"X0": 3.0, "X1": None}]) == [2.0]


def test_what_cannot_be_had_is_refused_by_name() -> None:
    X, y = data_of("two")
    with pytest.raises(InputError, match=r"BoostedRulesRegressor .*weighted median.*FIGSRegressor"):
        from_imodels(imodels.BoostedRulesRegressor().fit(X, y.astype(float)))
    with pytest.raises(InputError, match=r"BoostedRulesClassifier .*one class only.*fit it on 0, 1"):
        from_imodels(imodels.BoostedRulesClassifier().fit(X, np.array(["a", "b"])[y]))
    with pytest.raises(InputError, match=r"BayesianRuleSetClassifier .*no probabilities"):
        from_imodels(imodels.BayesianRuleSetClassifier())
    with pytest.raises(InputError, match="from_sklearn reads models of scikit-learn"):
        from_imodels(DecisionTreeClassifier().fit(X, y))
    with pytest.raises(InputError, match="FIGSClassifier is not fitted"):
        from_imodels(imodels.FIGSClassifier())
    frame = pd.DataFrame({"n": X[:, 0], "kind": np.where(X[:, 1] > 90, "a", "b")})
    with pytest.raises(InputError, match="categorical_features"):
        from_imodels(imodels.FIGSClassifier(max_rules=3).fit(frame, y, categorical_features=["kind"]))


@pytest.mark.shared
@pytest.mark.parametrize("table", ["breast_cancer", "credit_g", "heart"])
@pytest.mark.parametrize(
    "name", ["FIGSClassifier", "SkopeRulesClassifier", "RuleFitClassifier", "HSTreeClassifierCV"]
)
def test_tables_are_predicted_from_as_by_the_original(shared_data: Path, table: str, name: str) -> None:
    frame = pd.read_csv(shared_data / "tables" / f"{table}.csv").sample(200, random_state=0)
    X, y = frame.iloc[:, :-1].astype(float), frame.iloc[:, -1]
    fitted = getattr(imodels, name)(**TWO[name]).fit(X, y)
    model = from_imodels(fitted)
    np.testing.assert_allclose(model.predict_proba(X), fitted.predict_proba(X.to_numpy()), atol=1e-9)
    assert model.predict(X) == fitted.predict(X.to_numpy()).tolist()
