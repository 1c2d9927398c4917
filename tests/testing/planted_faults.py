"""Estimators with one fault each, and the check that must find it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from toy_estimators import ToyClassifier, ToyRegressor

from interpllm.estimators.base import TextClassifierMixin
from interpllm.explain import LocalExplanation
from interpllm.runtime import LinearModel
from interpllm.testing.checks_fit import PLANTED_KEY

FAULTS: list[tuple[type, str]] = []


def found_by(name: str) -> Callable[[type], type]:
    def keep(fault: type) -> type:
        FAULTS.append((fault, name))
        return fault

    return keep


def _with(model: LinearModel, **changes: Any) -> LinearModel:
    """A model with other parts; replace() would hand the frozen mappings on."""
    parts = ("task", "target", "classes", "ngram_range", "norm", "intercept", "weights", "evidence", "n_rows")
    return LinearModel(**({name: getattr(model, name) for name in parts} | changes))


# --- before and around fit


@found_by("check_init_only_assigns")
class SetsMoreInInit(ToyClassifier):
    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__(smooth)
        self.cache = {}


@found_by("check_init_only_assigns")
class CopiesInInit(ToyClassifier):
    def __init__(self, smooth: float = 1.0) -> None:
        super().__init__((smooth,))


@found_by("check_parameters_are_explicit")
class TakesAnyArgument(ToyClassifier):
    def __init__(self, smooth: float = 1.0, **more: Any) -> None:
        super().__init__(smooth)


@found_by("check_get_and_set_params")
class SetParamsReturnsNothing(ToyClassifier):
    def set_params(self, **params: Any) -> None:
        super().set_params(**params)


@found_by("check_clone")
class ClonesWithItsModel(ToyClassifier):
    def __sklearn_clone__(self) -> Any:
        copied = type(self)(**self.get_params())
        copied.__dict__.update(self.__dict__)
        return copied


@found_by("check_tags")
class MixinOnTheRight(BaseEstimator, TextClassifierMixin):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return self


@found_by("check_repr")
class ReprWithoutName(ToyClassifier):
    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return "estimator"


@found_by("check_not_fitted")
class OtherErrorBeforeFit(ToyClassifier):
    def get_rules(self) -> pd.DataFrame:
        return pd.DataFrame(self.model_.rules())


@found_by("check_not_fitted")
class GuessesBeforeFit(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(X) if hasattr(self, "model_") else np.zeros(len(X))


@found_by("check_fit_returns_self")
class FitReturnsNothing(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        super().fit(X, y, sample_weight)


class _AfterFit(ToyClassifier):
    """Does something more at the end of fit."""

    def more(self, X: Any, y: Any) -> None: ...

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        super().fit(X, y, sample_weight)
        self.more(X, y)
        return self


@found_by("check_fit_leaves_params")
class WritesParameter(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        self.smooth = self.smooth * 1.0 + 1


@found_by("check_fit_leaves_inputs")
class SortsRows(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        if isinstance(X, list):
            X.sort()


@found_by("check_learned_attributes")
class LearnsWithoutUnderscore(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        self.vocabulary = sorted(X)


@found_by("check_refit")
class KeepsEarlierFit(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        earlier = getattr(self, "model_", None)
        super().fit(X, y, sample_weight)
        if earlier is not None:
            self.model_ = _with(self.model_, intercept=tuple(b + 0.1 for b in earlier.intercept))
        return self


@found_by("check_refused_rows_leave_the_fit")
class ForgetsBeforeItChecks(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if hasattr(self, "model_"):
            self.model_ = _with(self.model_, intercept=(9.0,))
        return super().fit(X, y, sample_weight)


@found_by("check_global_random_state")
class SeedsEverybody(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        random.seed(0)


@found_by("check_silent")
class Talks(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        print("fitted")  # noqa: T201


@found_by("check_pickle")
@found_by("check_joblib")
class PicklesWithoutItsIntercept(ToyClassifier):
    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = _with(state["model_"], intercept=(5.0,) * len(self.model_.intercept))
        return state


@found_by("check_deepcopy")
class SharesOnDeepcopy(ToyClassifier):
    def __deepcopy__(self, memo: Any) -> Any:
        return self


@found_by("check_pickle_holds_no_key")
class KeepsTheKey(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        import os

        self.key_ = os.environ.get("OPENAI_API_KEY")
        assert self.key_ in (None, PLANTED_KEY)


@found_by("check_pickle_holds_no_weights")
class KeepsWeights(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        self.weights_ = np.random.RandomState(0).rand(1_000_000)


class Handle:
    def __reduce__(self) -> Any:
        return threading.Event, ()


@found_by("check_pickle_holds_no_weights")
class KeepsHandle(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        self.handle_ = Handle()


# --- rows


@found_by("check_containers_at_predict")
class ReadsSeriesByLabel(ToyClassifier):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba([X[i + 1] for i in range(len(X))] if isinstance(X, pd.Series) else X)


@found_by("check_containers_at_fit")
@found_by("check_polars")
class FitsFramesBackwards(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X[::-1] if hasattr(X, "columns") else X, y, sample_weight)


@found_by("check_target_containers")
class AlignsByIndex(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y.sort_index() if isinstance(y, pd.Series) else y, sample_weight)


@found_by("check_feature_names")
class TakesAnyColumn(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(list(X.iloc[:, 0]) if isinstance(X, pd.DataFrame) else X)


@found_by("check_empty_text")
class DividesByTheLength(ToyClassifier):
    def decision_function(self, X: Any) -> Any:
        return super().decision_function(X) * [len(text) / len(text) if text else np.nan for text in X]


@found_by("check_any_text")
class FailsOnMarkup(ToyClassifier):
    def predict_proba(self, X: Any) -> Any:
        return np.where(["<" in text for text in X], np.nan, super().predict_proba(X).T).T


class _LooseRows(ToyClassifier):
    """Lets rows through after making something of them."""

    def loose(self, X: Any) -> Any: ...

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(self.loose(X), y, sample_weight)

    def predict(self, X: Any) -> Any:
        return super().predict(self.loose(X))


@found_by("check_missing_text_is_refused")
class MissingIsEmpty(_LooseRows):
    def loose(self, X: Any) -> Any:
        return ["" if text is None else text for text in X]


@found_by("check_non_text_is_refused")
class WritesNumbersOut(_LooseRows):
    def loose(self, X: Any) -> Any:
        return [str(text) for text in X]


@found_by("check_bare_string_is_refused")
class SplitsStrings(_LooseRows):
    def loose(self, X: Any) -> Any:
        return list(X)


@found_by("check_no_rows_are_refused")
class PredictsNothing(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(X) if len(X) else np.array([])


@found_by("check_more_columns_are_refused")
class TakesTheFirstColumn(_LooseRows):
    def loose(self, X: Any) -> Any:
        return X.iloc[:, 0] if isinstance(X, pd.DataFrame) else X


@found_by("check_other_lengths_are_refused")
class CutsToTheShorter(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        size = min(len(X), len(y))
        return super().fit(X[:size], y[:size], sample_weight)


@found_by("check_missing_target_is_refused")
class NamesMissingClass(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y if y is None else [str(label) for label in y], sample_weight)


@found_by("check_bad_target_is_refused")
class WritesLabelsOut(NamesMissingClass):
    pass


@found_by("check_bad_target_is_refused")
class CapsInfinity(ToyRegressor):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, np.clip(np.asarray(y, dtype=object), -9, 9), sample_weight)


@found_by("check_bad_sample_weight_is_refused")
class WeightsWithoutSign(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y, None if sample_weight is None else np.abs(sample_weight))


@found_by("check_zero_weight_drops_rows")
class IgnoresWeights(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y)


@found_by("check_equal_weights_are_no_weights")
class ScalesWeights(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y, None if sample_weight is None else np.asarray(sample_weight) * 3)


@found_by("check_column_vector_y_warns")
class FlattensSilently(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, np.ravel(y), sample_weight)


# --- predictions


@found_by("check_learns")
class LearnsTheOpposite(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        turned = {word: tuple(-w for w in weights) for word, weights in self.model_.weights.items()}
        self.model_ = _with(self.model_, weights=turned)


@found_by("check_predict_shape")
class PredictsColumns(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(X)[:, None]


@found_by("check_row_order_invariance")
class LooksAtThePosition(ToyClassifier):
    def decision_function(self, X: Any) -> Any:
        return super().decision_function(X) + np.arange(len(X)) * 1e-6


@found_by("check_subset_invariance")
class CentresOnTheBatch(ToyClassifier):
    def decision_function(self, X: Any) -> Any:
        found = super().decision_function(X)
        return found - found.mean(axis=0)


@found_by("check_predict_leaves_state")
class CountsItsRows(ToyClassifier):
    def predict(self, X: Any) -> Any:
        self.seen_ = getattr(self, "seen_", 0) + len(X)
        return super().predict(X)


@found_by("check_score")
class ScoresWithoutWeights(ToyClassifier):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return super().score(X, y)


# --- classes


@found_by("check_label_types")
class PredictsText(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return super().predict(X).astype(str)


@found_by("check_class_order")
class ClassesAsTheyCome(ToyClassifier):
    def _set_target(self, target: Any) -> None:
        self.classes_ = np.array(list(dict.fromkeys(target.tolist())))

    def _encode_target(self, target: Any) -> Any:
        return np.array([self.classes_.tolist().index(label) for label in target.tolist()])


@found_by("check_class_order_of_three")
class ColumnsTurned(ToyClassifier):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X)[:, ::-1]


@found_by("check_predict_proba")
class ProbabilitiesWithoutSum(ToyClassifier):
    def predict_proba(self, X: Any) -> Any:
        return super().predict_proba(X) * 0.9


@found_by("check_predict_is_most_probable")
class PredictsAtAnotherThreshold(ToyClassifier):
    def predict(self, X: Any) -> Any:
        return self.classes_[(self.predict_proba(X)[:, -1] > 0.9).astype(int)]


@found_by("check_decision_function_shape")
class TwoScoresForTwoClasses(ToyClassifier):
    def decision_function(self, X: Any) -> Any:
        found = super().decision_function(X)
        return np.column_stack([-found, found]) if found.ndim == 1 else found


@found_by("check_decision_agrees_with_predict")
@found_by("check_decision_orders_as_probability")
class ScoresTheFirstClass(ToyClassifier):
    def decision_function(self, X: Any) -> Any:
        return -super().decision_function(X)


@found_by("check_one_class_is_refused")
class TakesOneClass(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, y, sample_weight) if len(set(np.ravel(y))) > 1 else self


@found_by("check_numbers_as_labels_are_refused")
class RoundsLabels(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        return super().fit(X, np.round(y) if np.asarray(y).dtype.kind == "f" else y, sample_weight)


@found_by("check_class_weight")
class IgnoresClassWeight(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        kept, self.class_weight = self.class_weight, None
        super().fit(X, y, sample_weight)
        self.class_weight = kept
        return self


# --- explanations, rules, exports


class _Explains(ToyClassifier):
    """Explains with a model that is not quite the one that predicts."""

    def told(self) -> LinearModel: ...

    def explain(self, X: Any) -> Any:
        return LocalExplanation(self.told().explain(self._check_predict(X)), self._output_names())


@found_by("check_explain_adds_up")
class LeavesOutTheIntercept(_Explains):
    def told(self) -> LinearModel:
        return _with(self.model_, intercept=tuple(b + 1e-6 for b in self.model_.intercept))


@found_by("check_explain_agrees_with_predict")
class ExplainsAnotherClass(_Explains):
    def told(self) -> LinearModel:
        return _with(self.model_, classes=self.model_.classes[::-1])


@found_by("check_explain_agrees_with_predict")
class ExplainsLowerCase(ToyClassifier):
    def explain(self, X: Any) -> Any:
        return super().explain([text.lower() for text in X])


class _Edits(ToyClassifier):
    """Changes each explanation."""

    def edited(self, explanation: Any) -> dict[str, Any]: ...

    def explain(self, X: Any) -> Any:
        import dataclasses

        found = super().explain(X)
        return LocalExplanation([dataclasses.replace(e, **self.edited(e)) for e in found], found.outputs)


@found_by("check_explain_spans")
class SpansShifted(_Edits):
    def edited(self, explanation: Any) -> dict[str, Any]:
        shifted = [
            c._replace(spans=tuple((a + 1, b + 1) for a, b in c.spans)) for c in explanation.contributions
        ]
        return {"contributions": tuple(shifted)}


@found_by("check_explain_coverage")
class CoverageOfEverything(_Edits):
    def edited(self, explanation: Any) -> dict[str, Any]:
        return {"coverage": 1.0}


class _RawHtml(LocalExplanation):
    def _repr_html_(self) -> str:
        return "".join(explanation.text for explanation in self)


@found_by("check_explain_html_is_escaped")
class ShowsMarkup(ToyClassifier):
    def explain(self, X: Any) -> Any:
        found = super().explain(X)
        return _RawHtml(found, found.outputs)


class _Rules(ToyClassifier):
    """Changes the table of rules."""

    def changed(self, rules: pd.DataFrame) -> pd.DataFrame: ...

    def get_rules(self) -> pd.DataFrame:
        return self.changed(super().get_rules())


@found_by("check_get_rules")
class RulesWithoutSupport(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.drop(columns="support")


@found_by("check_get_rules")
class CoverageOfAnotherCount(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.assign(coverage=rules["coverage"] / 2)


@found_by("check_get_rules_order")
class RulesByName(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.sort_values("rule")


@found_by("check_get_rules_example")
class ExampleOfAnotherRule(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.assign(examples=rules["examples"].to_numpy()[::-1])


@found_by("check_get_rules_evidence")
class RecallOfPrecision(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.assign(recall=rules["precision"])


@found_by("check_get_rules_predictions")
class RulesByPosition(_Rules):
    def changed(self, rules: pd.DataFrame) -> pd.DataFrame:
        return rules.assign(prediction=[self.classes_.tolist().index(p) for p in rules["prediction"]])


class _Exports(ToyClassifier):
    """Exports a model that is not the one that predicts."""

    def written(self) -> LinearModel: ...

    def export(self, path: Any, format: Any = None) -> Path:
        from interpllm.export import export

        self._check_predict([""])
        return export(self.written(), path, format=format)


@found_by("check_export_json")
class ExportsRounded(_Exports):
    def written(self) -> LinearModel:
        rounded = {word: tuple(round(w, 4) for w in weights) for word, weights in self.model_.weights.items()}
        return _with(self.model_, weights=rounded)


@found_by("check_export_python")
class ExportsTurned(_Exports):
    def written(self) -> LinearModel:
        return _with(self.model_, classes=self.model_.classes[::-1])


@found_by("check_export_is_stable")
class ExportsTheTime(_Exports):
    def written(self) -> LinearModel:
        return _with(self.model_, meta={"token": random.random()})


@found_by("check_export_of_an_unknown_format_is_refused")
class ExportsAnything(ToyClassifier):
    def export(self, path: Any, format: Any = None) -> Path:
        return super().export(path, format="json")


# --- scikit-learn's tools


@found_by("check_pipeline")
class FitsOneRowFewerTheFirstTime(ToyClassifier):
    def __sklearn_clone__(self) -> Any:
        return type(self)(**self.get_params())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        import inspect

        inside = any(frame.function == "fit" and "pipeline" in frame.filename for frame in inspect.stack())
        return super().fit(X[1:], y[1:]) if inside else super().fit(X, y, sample_weight)


@found_by("check_column_transformer")
class RefusesArrays(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if isinstance(X, np.ndarray):
            raise AssertionError("no arrays, please")
        return super().fit(X, y, sample_weight)


@found_by("check_grid_search")
class RemembersAnotherFit(ToyClassifier):
    fits = 0

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        type(self).fits += 1
        super().fit(X, y, sample_weight)
        self.model_ = _with(self.model_, intercept=(0.1 * type(self).fits,))
        return self


@found_by("check_cross_validate")
class AnotherInAnotherProcess(ToyClassifier):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        import multiprocessing

        return 0.0 if multiprocessing.parent_process() is not None else 1.0


@found_by("check_cross_val_predict")
class InfiniteOutsideItsRows(ToyClassifier):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        self.texts_ = set(X)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X: Any) -> Any:
        unseen = [text not in self.texts_ for text in X]
        return np.where(unseen, np.nan, super().predict_proba(X).T).T


# --- scikit-learn's own checks


@found_by("sklearn.check_fit_idempotent")
class NeverTheSame(_AfterFit):
    def more(self, X: Any, y: Any) -> None:
        self.model_ = _with(self.model_, intercept=tuple(random.random() for _ in self.model_.intercept))


@found_by("sklearn.check_supervised_y_2d")
class FlattensSilentlyToo(FlattensSilently):
    pass


@found_by("sklearn.check_requires_y_none")
class NeedsNoTarget(ToyClassifier):
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Any:
        if y is None:
            raise ValueError("something is wrong")
        return super().fit(X, y, sample_weight)
