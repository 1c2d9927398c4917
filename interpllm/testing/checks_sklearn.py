"""scikit-learn's own checks of estimators, where they say something about an estimator of texts.

Most of them make up numbers for X. `worded` gives them a subclass of the estimator that turns each number
into a word before it fits or predicts, so that what they check of y, of weights, of parameters and of state
is checked here too. Left out is what is about numbers in X (dtypes, NaN and infinity, sparse and
memory-mapped arrays, the number of columns), which is not for texts; they have checks of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import estimator_checks, get_tags

# Names in several releases: a name that the installed one does not have is passed over.
WITHOUT_ROWS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
]
WITH_ROWS = [
    "check_fit_score_takes_y",
    "check_estimators_overwrite_params",
    "check_dont_overwrite_attributes",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_estimators_unfitted",
    "check_fit_check_is_fitted",
    "check_requires_y_none",
    "check_supervised_y_no_nan",
    "check_supervised_y_2d",
    "check_sample_weights_pandas_series",
    "check_sample_weights_list",
    "check_sample_weights_not_overwritten",
    "check_all_zero_sample_weights_error",
    "check_pipeline_consistency",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
]
FOR_CLASSIFIERS = [
    "check_classifiers_classes",
    "check_classifiers_regression_target",
    "check_decision_proba_consistency",
]
FOR_REGRESSORS = ["check_regressors_int", "check_regressors_no_decision_function"]


def _as_texts(X: Any) -> Any:
    """Each row of numbers as a text of one word a number; what is no matrix of numbers passes unchanged."""
    numbers = X if isinstance(X, np.ndarray) else np.asarray(X) if hasattr(X, "shape") else None
    if numbers is None or numbers.dtype.kind not in "iufb" or numbers.ndim != 2:
        return X
    return [" ".join(f"c{column}v{value:.0f}" for column, value in enumerate(row)) for row in numbers * 2]


def worded(est: Any) -> Any:
    """A copy of the estimator, of a subclass of its class that takes rows of numbers."""
    kind = type(est)

    class Worded(kind):  # type: ignore[misc, valid-type]
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
            return super().fit(_as_texts(X), y, sample_weight=sample_weight)

        def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
            return float(super().score(_as_texts(X), y, sample_weight=sample_weight))

        def predict(self, X: Any) -> Any:
            return super().predict(_as_texts(X))

        if hasattr(kind, "predict_proba"):

            def predict_proba(self, X: Any) -> Any:
                return super().predict_proba(_as_texts(X))

        if hasattr(kind, "decision_function"):

            def decision_function(self, X: Any) -> Any:
                return super().decision_function(_as_texts(X))

        def __sklearn_tags__(self) -> Any:
            tags = super().__sklearn_tags__()
            tags.input_tags.two_d_array, tags.input_tags.one_d_array = True, False
            return tags

    Worded.__name__ = Worded.__qualname__ = kind.__name__
    copied = Worded(**clone(est).get_params(deep=False))
    assert get_tags(copied).input_tags.two_d_array
    return copied


def _run(check: Callable[[str, Any], None], adapt: Callable[[Any], Any], est: Any) -> None:
    check(type(est).__name__, adapt(est))


def sklearn_checks(est: Any) -> dict[str, Callable[[Any], None]]:
    """scikit-learn's checks that the installed release has and that apply, by name."""
    # A language model counts what it is asked, which scikit-learn takes for a parameter that fit has changed.
    counting = any(hasattr(value, "identity") for value in est.get_params(deep=False).values())
    by_kind = FOR_CLASSIFIERS if is_classifier(est) else FOR_REGRESSORS
    adapters = dict.fromkeys(WITHOUT_ROWS, clone) | dict.fromkeys(WITH_ROWS + by_kind, worded)
    return {
        f"sklearn.{name}": partial(_run, getattr(estimator_checks, name), adapt)
        for name, adapt in adapters.items()
        if hasattr(estimator_checks, name) and not (counting and name == "check_estimators_overwrite_params")
    }
