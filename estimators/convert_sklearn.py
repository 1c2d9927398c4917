"""Fitted models of scikit-learn as readable models that predict the same without scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sklearn
from sklearn import ensemble, linear_model, svm, tree
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import InputError
from interpllm.estimators.convert_linear import NO_PROBABILITIES, linear
from interpllm.estimators.convert_trees import averaged, boosted, histogram_boosted, voted
from interpllm.estimators.convert_vectorizer import Looks, looks_of
from interpllm.runtime import LinearModel, RuleSetModel, TreeModel

Readable = LinearModel | RuleSetModel | TreeModel

_TREES: dict[type, Callable[..., TreeModel]] = {
    tree.DecisionTreeClassifier: averaged,
    tree.DecisionTreeRegressor: averaged,
    tree.ExtraTreeClassifier: averaged,
    tree.ExtraTreeRegressor: averaged,
    ensemble.RandomForestClassifier: averaged,
    ensemble.RandomForestRegressor: averaged,
    ensemble.ExtraTreesClassifier: averaged,
    ensemble.ExtraTreesRegressor: averaged,
    ensemble.GradientBoostingClassifier: boosted,
    ensemble.GradientBoostingRegressor: boosted,
    ensemble.HistGradientBoostingClassifier: histogram_boosted,
    ensemble.HistGradientBoostingRegressor: histogram_boosted,
    ensemble.AdaBoostClassifier: voted,
}

_WITHOUT_PROBABILITIES = (
    linear_model.Perceptron,
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
    svm.LinearSVC,
)

_LINEAR = (
    *_WITHOUT_PROBABILITIES,
    linear_model.LogisticRegression,
    linear_model.LogisticRegressionCV,
    linear_model.SGDClassifier,
    linear_model.ARDRegression,
    linear_model.BayesianRidge,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.HuberRegressor,
    linear_model.Lars,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.LassoLars,
    linear_model.LinearRegression,
    linear_model.QuantileRegressor,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.SGDRegressor,
    linear_model.TheilSenRegressor,
    svm.LinearSVR,
)


def from_sklearn(
    fitted: Any,
    vectorizer: Any = None,
    *,
    feature_names: Sequence[str] | None = None,
    target: str = "",
    text: str = "",
) -> Readable:
    """Make a readable model of a fitted tree, forest or linear model of scikit-learn.

    It predicts what the original predicts, in standard-library Python, and is printed, saved, explained and
    exported as any other. It needs neither a language model nor the training data.

    Parameters
    ----------
    fitted : estimator, or Pipeline of a vectorizer and an estimator
        DecisionTree, ExtraTree, RandomForest, ExtraTrees, GradientBoosting and HistGradientBoosting, both
        classifiers and regressors; AdaBoostClassifier of trees; LogisticRegression, LinearSVC, SGD, Ridge,
        Lasso, ElasticNet, LinearRegression and other linear models.
    vectorizer : fitted CountVectorizer, TfidfVectorizer, (CountVectorizer, TfidfTransformer), or None
        What made the columns from texts; rows of the readable model are texts then.
    feature_names : sequence of str, optional
        Names of the columns, where there is no vectorizer; by default those of the frame that was fitted,
        else x0, x1, ...
    target : str
        Name of what is predicted.
    text : str
        Name of the column of texts, where rows are to have columns.

    Returns
    -------
    TreeModel, RuleSetModel or LinearModel

    Raises
    ------
    InputError
        If the model, or a setting of the vectorizer, cannot be had in a readable model; the message says
        what can.
    NotFittedError
        If it is not fitted.

    Notes
    -----
    Probabilities and values agree to 1e-9, classes except where two have the same score but for rounding.
    Trees of scikit-learn round values to 32 bits before they compare them; the bounds of the readable model
    are moved so that every value goes the same way. LinearSVC and others without probabilities get the
    logistic function of their scores, which ``meta`` says.

    Examples
    --------
    >>> from interpllm import from_sklearn
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> fitted = DecisionTreeClassifier().fit([[20], [30], [40], [50]], ["young", "young", "old", "old"])
    >>> print(from_sklearn(fitted, feature_names=["age"], target="group"))
    TreeModel: classification of "group" into "old", "young"; link: share
    training: 4 rows
    <BLANKLINE>
    if age <= 35.00000190734863 (0.5, 0.5; 4 rows)
      -> "young" (0.0, 1.0; 2 rows)
    else
      -> "old" (1.0, 0.0; 2 rows)
    """
    if isinstance(fitted, Pipeline):
        if vectorizer is not None:
            raise InputError("A Pipeline brings its vectorizer; leave vectorizer out.")
        *before, (_, fitted) = [step for step in fitted.steps if step[1] not in (None, "passthrough")]
        vectorizer = [step for _, step in before] or None
    check_is_fitted(fitted)
    looks = looks_of(fitted, vectorizer, feature_names)
    return converted(
        fitted, looks, classes_of(fitted), told(fitted, "scikit-learn", sklearn.__version__), target, text
    )


def converted(
    fitted: Any, looks: Looks, classes: tuple[Any, ...], meta: dict[str, Any], target: str, text: str = ""
) -> Readable:
    """Make a readable model of a fitted one, whose columns are known, under labels that may be others.

    Parameters
    ----------
    fitted : estimator
    looks : Looks
    classes : tuple
        Labels, in the order of the fitted model's; empty for regression.
    meta : dict
    target, text : str

    Returns
    -------
    TreeModel, RuleSetModel or LinearModel

    Raises
    ------
    InputError
        If it cannot be converted.
    """
    if classes and len(classes) < 2:
        raise InputError(
            f"The {type(fitted).__name__} has seen one class, {classes[0]!r:.80}; fit it on two."
        )
    parts: dict[str, Any] = {
        "task": "classification" if classes else "regression",
        "target": target,
        "meta": meta,
    }
    read = _TREES.get(type(fitted))
    if read is not None:
        return read(fitted, looks, classes, {**parts, "vectorizer": looks.vectorizer, "text": text})
    if type(fitted) not in _LINEAR:
        known = ", ".join(sorted({kind.__name__ for kind in (*_TREES, *_LINEAR)}))
        raise InputError(
            f"A {type(fitted).__name__} cannot be made readable with equal predictions; these can: {known}."
        )
    link, more = _link(fitted, classes)
    parts["meta"] = {**meta, **more}
    coef, intercept = fitted.coef_, fitted.intercept_
    return linear(coef, intercept, looks, classes=classes, link=link, parts=parts, text=text)


def classes_of(fitted: Any) -> tuple[Any, ...]:
    """Give the labels of a classifier as plain values; none of a regressor."""
    found = getattr(fitted, "classes_", None)
    return () if found is None else tuple(np.asarray(found).tolist())


def told(fitted: Any, library: str, version: str) -> dict[str, Any]:
    """Say where a model comes from."""
    return {"estimator": type(fitted).__name__, "library": f"{library} {version}"}


def _link(fitted: Any, classes: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
    """Tell what the scores of a linear model are, and what is to be said of them."""
    if not classes:
        return "identity", {}
    if isinstance(fitted, _WITHOUT_PROBABILITIES):
        return "logit", {"probabilities": NO_PROBABILITIES}
    more_than_two = len(classes) > 2
    if isinstance(fitted, linear_model.SGDClassifier):
        if fitted.loss == "modified_huber" and not more_than_two:
            return "clip", {}
        if fitted.loss not in ("log_loss", "modified_huber"):
            return "logit", {"probabilities": NO_PROBABILITIES}
        if more_than_two:
            raise InputError(
                f"SGDClassifier(loss={fitted.loss!r}) of {len(classes)} classes makes its probabilities one "
                "class against the rest, which a readable model does not; fit a LogisticRegression, or "
                "loss='hinge'."
            )
    elif more_than_two and (getattr(fitted, "multi_class", "auto") == "ovr" or fitted.solver == "liblinear"):
        raise InputError(
            f"The {type(fitted).__name__} of {len(classes)} classes makes its probabilities one class "
            "against the rest, which a readable model does not; fit it with another solver."
        )
    return "logit", {}
