"""`check_text_estimator`: does an estimator of texts keep the promises of scikit-learn's estimators?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.base import is_classifier
from sklearn.utils import get_tags

from interpllm.testing import checks_classes, checks_fit, checks_rows, checks_tools, checks_verbs
from interpllm.testing.checks_sklearn import sklearn_checks
from interpllm.testing.toy_rows import forget


def checks_of(est: Any) -> dict[str, Callable[[Any], None]]:
    """The checks that apply to an estimator, by name.

    Parameters
    ----------
    est : estimator
        A text classifier or regressor.

    Returns
    -------
    dict of str to callable
        Each takes the estimator, and raises AssertionError with a sentence when it does not hold.
    """
    checks = [*checks_fit.CHECKS, *checks_rows.CHECKS, *checks_rows.POLARS_CHECKS, *checks_verbs.CHECKS]
    if not get_tags(est).input_tags.categorical:
        checks += checks_rows.ONE_COLUMN_CHECKS
    if is_classifier(est):
        checks += checks_classes.CHECKS
        if "class_weight" in est.get_params():
            checks += checks_classes.CLASS_WEIGHT_CHECKS
    for verb, verb_checks in checks_verbs.VERB_CHECKS.items():
        if hasattr(est, verb):
            checks += verb_checks
    checks += checks_tools.CHECKS
    return {check.__name__: check for check in checks} | sklearn_checks(est)


def check_text_estimator(est: Any) -> list[str]:
    """Run every check that applies to a classifier or regressor of texts.

    The text counterpart of `sklearn.utils.estimator_checks.check_estimator`: parameters and state;
    containers, texts, targets and weights that must be taken or refused; predictions, explanations, rules and
    exports; use in scikit-learn's tools; and those of scikit-learn's checks that are not about numbers in X.

    Parameters
    ----------
    est : estimator
        An instance, which is never fitted itself. It is fitted some hundred times on thirty rows: give it
        parameters that make that cheap, and a fake language model where it needs one.

    Returns
    -------
    list of str
        Names of the checks that ran, all of which hold.

    Raises
    ------
    AssertionError
        At the first check that does not hold; the message is its name and what is wrong.

    Examples
    --------
    >>> from interpllm import AugLinearClassifier
    >>> from interpllm.testing import check_text_estimator
    >>> names = check_text_estimator(AugLinearClassifier(llm=None, cv=2))  # doctest: +SKIP
    """
    forget(est)
    checks = checks_of(est)
    for name, check in checks.items():
        try:
            check(est)
        except Exception as error:
            kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
            raise AssertionError(f"{name}: {kind}{error}") from error
    return list(checks)
