"""Is `check_text_estimator` as strict as it says? Sound estimators pass, and each planted fault is found."""

from __future__ import annotations

from typing import Any

import pytest
from planted_faults import FAULTS
from sklearn.utils import estimator_checks
from toy_estimators import ToyClassifier, ToyRegressor

from interpllm.testing import check_text_estimator
from interpllm.testing.check_estimator import checks_of
from interpllm.testing.checks_sklearn import FOR_CLASSIFIERS, FOR_REGRESSORS, WITH_ROWS, WITHOUT_ROWS
from interpllm.testing.fake_llm import FakeLLM

N_CHECKS = {ToyClassifier: 75, ToyRegressor: 64}


@pytest.mark.parametrize("kind", [ToyClassifier, ToyRegressor])
def test_a_sound_estimator_passes_every_check(kind: type) -> None:
    names = check_text_estimator(kind())
    own = [name for name in names if not name.startswith("sklearn.")]
    by_kind = FOR_CLASSIFIERS if kind is ToyClassifier else FOR_REGRESSORS
    of_sklearn = [n for n in WITHOUT_ROWS + WITH_ROWS + by_kind if hasattr(estimator_checks, n)]
    assert len(own) == N_CHECKS[kind]
    assert [name for name in names if name.startswith("sklearn.")] == [f"sklearn.{n}" for n in of_sklearn]
    assert len(of_sklearn) >= 25


@pytest.mark.parametrize(("fault", "name"), FAULTS, ids=[f"{f.__name__}-{n}" for f, n in FAULTS])
def test_a_planted_fault_is_found_by_the_check_named_for_it(fault: type, name: str) -> None:
    est = fault()
    # Ours say what is wrong; scikit-learn's may also let the estimator's own error through.
    with pytest.raises(Exception if name.startswith("sklearn.") else AssertionError):
        checks_of(est)[name](est)


def test_every_check_of_ours_has_a_planted_fault() -> None:
    ours = {name for est in (ToyClassifier(), ToyRegressor()) for name in checks_of(est)}
    assert {name for name in ours if not name.startswith("sklearn.")} <= {name for _, name in FAULTS}


def test_every_check_says_what_it_checks() -> None:
    undocumented = [
        name
        for name, check in checks_of(ToyClassifier()).items()
        if not name.startswith("sklearn.") and not (check.__doc__ or "").endswith(".")
    ]
    assert not undocumented


def test_a_failure_begins_with_the_name_of_the_check() -> None:
    class Broken(ToyClassifier):
        def get_rules(self) -> Any:
            raise RuntimeError("out of order")

    with pytest.raises(AssertionError, match=r"^check_not_fitted: .*out of order"):
        check_text_estimator(Broken())


def test_an_estimator_without_our_verbs_is_checked_without_them() -> None:
    class Hidden:
        def __get__(self, instance: Any, owner: type) -> Any:
            raise AttributeError("not here")

    class Plain(ToyClassifier):
        explain = get_rules = export = Hidden()

    names = set(checks_of(Plain()))
    assert not [name for name in names if "explain" in name or "rules" in name or "export" in name]


def test_parameters_that_change_between_runs_are_seen() -> None:
    est = ToyClassifier()
    checks = checks_of(est)
    checks["check_learns"](est)
    est.set_params(smooth="nonsense")
    with pytest.raises(AssertionError):
        check_text_estimator(est)


class TakesLanguageModel(ToyClassifier):
    """Asks its language model at fit; the model counts what it is asked."""

    def __init__(self, llm: Any = None) -> None:
        super().__init__()
        self.llm = llm

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        self.llm.embed(list(self.model_.weights))
        return self


def test_a_language_model_that_counts_is_no_parameter_that_fit_has_changed() -> None:
    est = TakesLanguageModel(FakeLLM())
    checks = checks_of(est)
    checks["check_fit_leaves_params"](est)
    assert "sklearn.check_estimators_overwrite_params" not in checks
