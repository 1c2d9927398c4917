"""Any classifier or regressor of texts, made into a table of n-grams that predicts as it does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.metrics import cohen_kappa_score, r2_score, roc_auc_score

from interpllm.errors import InputError
from interpllm.estimators.aug_linear import AugLinearClassifier, AugLinearRegressor
from interpllm.estimators.aug_linear_recipe import LLM
from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin, TextRowsMixin, TrainingRows
from interpllm.estimators.llm_classifier import LLMClassifier
from interpllm.estimators.teachers import needs_labels, soft_labels, soft_values
from interpllm.runtime import LinearModel
from interpllm.select.inputs import column_of, texts_of, weights_of
from interpllm.select.split import Fold, folds, near_duplicates

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
_SHARED = (
    "llm",
    "task",
    "ngram_range",
    "max_terms",
    "vocabulary",
    "cv",
    "random_state",
    "n_jobs",
    "cache",
    "verbose",
)
"""Parameters of the student, which are handed on to it."""


class _Distilled(TextRowsMixin):
    """The recipe that both share: ask, split, learn from some and measure, learn from all."""

    teacher: Any
    llm: LLM
    task: str | None
    ngram_range: Literal["auto"] | tuple[int, int]
    max_terms: int | None
    vocabulary: Sequence[str] | None
    holdout: float
    cv: int
    random_state: int | None
    n_jobs: int | None
    cache: str | os.PathLike[str] | None
    verbose: int

    _student: ClassVar[type[AugLinearClassifier] | type[AugLinearRegressor]]

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Ask the teacher, measure a student of some texts, and fit the student of all.

        Parameters
        ----------
        X : container of n_rows texts
            A list, 1-D array, pandas or polars Series, or a frame of one column.
        y : container of n_rows labels or finite numbers
            Needed where the teacher is not fitted; else it only tells how right teacher and student are.
        sample_weight : container of n_rows numbers, optional
            Rows of weight 0 are left out.

        Returns
        -------
        estimator
            Itself.

        Raises
        ------
        InputError
            When X, y, a parameter or what the teacher says cannot be used.
        """
        if not (isinstance(self.holdout, Real) and 0 <= self.holdout <= 0.5):
            raise InputError(f"holdout must be a share of the rows from 0 to 0.5, not {self.holdout!r}.")
        names = (
            "llm",
            "task",
            "ngram_range",
            "max_terms",
            "vocabulary",
            "cv",
            "random_state",
            "n_jobs",
            "cache",
        )
        student = self._student(**{name: getattr(self, name) for name in (*names, "verbose")})
        student._check_parameters()
        given, truth = self._given(X, y, sample_weight)
        groups = near_duplicates(given.texts)
        soft, cross_fitted = self._ask(given, truth, groups)
        answered = np.flatnonzero(~np.isnan(soft).any(axis=1))
        if not len(answered):
            raise InputError("The teacher answered none of the texts, so there is nothing to learn from.")
        rows, soft = _some(given, answered), soft[answered]
        parts = self._parts(soft, groups[answered])
        self.fidelity_ = None
        if parts:
            learn, judge = parts[0]
            self._learn(student, _some(rows, learn), soft[learn])
            known = None if truth is None else truth[answered][judge]
            self.fidelity_ = self._fidelity(student.model_, _some(rows, judge).texts, soft[judge], known)
        self._learn(student, rows, soft)
        counts = {"answered": len(answered), "unanswered": len(given.texts) - len(answered)}
        self.report_ = student.report_ | {"teacher": {**counts, "cross_fitted": cross_fitted}}
        # JSON has no NaN; what could not be measured is null.
        fidelity = {name: None if np.isnan(x) else x for name, x in (self.fidelity_ or {}).items()}
        about = {"estimator": type(self).__name__, "fidelity": fidelity}
        self.model_ = replace(student.model_, meta={**student.model_.meta, **about})
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self._needs_labels()
        return tags

    def _needs_labels(self) -> bool:
        return self.teacher is None or needs_labels(self.teacher)

    def _given(self, X: Any, y: Any, sample_weight: Any) -> tuple[TrainingRows, NDArray[Any] | None]:
        """The training rows, and their labels or values where they have any."""
        if y is not None:
            rows = self._check_fit(X, y, sample_weight)
            return rows, self._truth(rows)
        column = column_of(X, "X")
        texts = texts_of(column)
        if self._needs_labels():
            # scikit-learn's first sentence, which its own checks look for.
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None. "
                "The teacher is not fitted: give y, which it is cross-fitted on, or a fitted teacher."
            )
        weights = weights_of(sample_weight, len(texts))
        self._set_feature_names(column)
        self.__dict__.pop("model_", None)
        index = np.arange(len(texts))
        rows = TrainingRows(texts, np.zeros(len(texts)), weights, index, "")
        return (rows if weights is None else _some(rows, np.flatnonzero(weights))), None

    def _parts(self, soft: Array, groups: Rows) -> list[Fold]:
        """Ways to keep a share of the rows from the student; none where it cannot be, or is not asked for."""
        if not self.holdout:
            return []
        classes = soft.argmax(axis=1) if soft.shape[1] > 1 else np.zeros(len(soft))
        stratify, n_parts = soft.shape[1] > 1, round(1 / self.holdout)
        return folds(classes, groups, n_parts, stratify=stratify, random_state=self.random_state)


class DistilledClassifier(_Distilled, TextClassifierMixin, BaseEstimator):
    """A table of n-grams that predicts as a teacher does, whatever the teacher is.

    The teacher answers the training texts with probabilities, and an `AugLinearClassifier` learns those. A
    teacher that is not fitted yet is cross-fitted on y: it answers each text after it has seen others only.

    Parameters
    ----------
    teacher : estimator, Hugging Face pipeline, callable or None
        An estimator of texts with ``predict_proba`` or ``predict``; a text-classification pipeline, given
        texts cut to what it reads; a function from a list of texts to labels, to probabilities (n_rows,
        n_classes), or to the probability of the second class, None and NaN being answers that it does not
        have. Without a teacher `llm` itself is asked for the class, by an `LLMClassifier`.
    llm : str, Session, LanguageModel or None
        Helps to write the table, as in `AugLinearClassifier`.
    classes : sequence of labels or None
        What a function's columns of probabilities stand for; None counts them from 0.
    task, ngram_range, max_terms, vocabulary
        As for `AugLinearClassifier`.
    holdout : float
        Share of the texts that ``fidelity_`` is measured on, by a student of the others; then a student of
        all takes its place. 0 measures nothing, in half the time.
    cv, random_state, n_jobs, cache, verbose
        As for `AugLinearClassifier`.

    Attributes
    ----------
    model_ : interpllm.runtime.LinearModel
        The fitted table, which all verbs read.
    classes_ : array (n_classes,)
    fidelity_ : dict or None
        On ``n_rows`` texts that the student had not seen: ``agreement`` (share of texts that both call the
        same), ``kappa``, ``auc`` (two classes: of the student's probability for the teacher's label; else
        missing), ``probability_error`` (mean absolute difference), and with y the accuracies
        ``teacher_score`` and ``score``. None where nothing was measured.
    report_ : dict
        As that of `AugLinearClassifier`, where scores are agreement with the teacher; and ``teacher``: how
        many texts were ``answered``, how many not, and whether by ``cross_fitted`` teachers.
    n_features_in_ : int
    feature_names_in_ : array of str, for frames

    Notes
    -----
    A fitted teacher is used as it is. If it has learned from these very texts it knows their labels, so give
    an unfitted one and y, or other texts. ``clone`` makes an unfitted copy of it, as of any parameter;
    wrapped in `sklearn.frozen.FrozenEstimator` it stays fitted.

    References
    ----------
    Hinton, Vinyals, Dean: Distilling the knowledge in a neural network. 2015.

    Examples
    --------
    >>> from interpllm import DistilledClassifier
    >>> texts = ["good film", "a good one", "bad film", "a bad one"] * 5
    >>> model = DistilledClassifier(lambda texts: ["good" in text for text in texts], llm=None).fit(texts)
    >>> model.predict(["good", "bad"]).tolist()
    [True, False]
    """

    _student = AugLinearClassifier

    def __init__(
        self,
        teacher: Any = None,
        *,
        llm: LLM = "local",
        classes: Sequence[Any] | None = None,
        task: str | None = None,
        ngram_range: Literal["auto"] | tuple[int, int] = "auto",
        max_terms: int | None = None,
        vocabulary: Sequence[str] | None = None,
        holdout: float = 0.2,
        cv: int = 5,
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.teacher = teacher
        self.llm = llm
        self.classes = classes
        self.task = task
        self.ngram_range = ngram_range
        self.max_terms = max_terms
        self.vocabulary = vocabulary
        self.holdout = holdout
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def _truth(self, rows: TrainingRows) -> NDArray[Any]:
        return np.asarray(self.classes_[rows.y])

    def _ask(self, rows: TrainingRows, truth: NDArray[Any] | None, groups: Rows) -> tuple[Array, bool]:
        teacher = self.teacher
        if teacher is None:
            about = {"random_state": self.random_state, "cache": self.cache, "verbose": self.verbose}
            teacher = LLMClassifier(self.llm, task=self.task, **about)
        taught = soft_labels(
            teacher,
            rows.texts,
            truth,
            classes=self.classes,
            weight=rows.sample_weight,
            groups=groups,
            random_state=self.random_state,
        )
        if len(taught.classes) < 2:
            raise InputError(f"The teacher knows {len(taught.classes)} class; a classifier needs at least 2.")
        self.classes_ = taught.classes
        return taught.soft, taught.cross_fitted

    def _learn(self, student: AugLinearClassifier, rows: TrainingRows, soft: Array) -> None:
        student.classes_ = self.classes_
        student._fit_soft(rows._replace(y=soft.argmax(axis=1)), soft)

    def _fidelity(
        self, student: LinearModel, texts: list[str], soft: Array, truth: NDArray[Any] | None
    ) -> dict[str, float]:
        proba = np.array(student.predict_proba(texts))
        theirs, ours = soft.argmax(axis=1), proba.argmax(axis=1)
        both, missing = len(np.unique(theirs)) > 1, float("nan")
        found = {
            "n_rows": len(soft),
            "agreement": float(np.mean(theirs == ours)),
            "kappa": float(cohen_kappa_score(theirs, ours)) if both else missing,
            "auc": float(roc_auc_score(theirs, proba[:, 1])) if both and soft.shape[1] == 2 else missing,
            "probability_error": float(np.abs(soft - proba).mean()),
        }
        if truth is not None:
            found["teacher_score"] = float(np.mean(self.classes_[theirs] == truth))
            found["score"] = float(np.mean(self.classes_[ours] == truth))
        return found


class DistilledRegressor(_Distilled, TextRegressorMixin, BaseEstimator):
    """A table of n-grams for a number that predicts as a teacher does.

    See `DistilledClassifier`; here the teacher gives one number a text.

    Parameters
    ----------
    teacher : estimator or callable
        An estimator of texts with ``predict``, or a function from a list of texts to numbers; None and NaN
        are answers that it does not have.
    llm, task, ngram_range, max_terms, vocabulary, holdout, cv, random_state, n_jobs, cache, verbose
        As for `DistilledClassifier`.

    Attributes
    ----------
    model_, report_, n_features_in_, feature_names_in_
        As for `DistilledClassifier`.
    fidelity_ : dict or None
        On ``n_rows`` texts that the student had not seen: ``r2`` and ``correlation`` of its values with the
        teacher's, ``mean_absolute_error`` in units of y, and with y the R squared of both, ``teacher_score``
        and ``score``. None where nothing was measured.

    Examples
    --------
    >>> from interpllm import DistilledRegressor
    >>> texts = ["good film", "a good one", "bad film", "a bad one"] * 5
    >>> model = DistilledRegressor(lambda texts: [len(t) for t in texts], llm=None).fit(texts)
    >>> bool(model.predict(["a good one"])[0] > model.predict(["bad film"])[0])
    True
    """

    _student = AugLinearRegressor

    def __init__(
        self,
        teacher: Any,
        *,
        llm: LLM = "local",
        task: str | None = None,
        ngram_range: Literal["auto"] | tuple[int, int] = "auto",
        max_terms: int | None = None,
        vocabulary: Sequence[str] | None = None,
        holdout: float = 0.2,
        cv: int = 5,
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.teacher = teacher
        self.llm = llm
        self.task = task
        self.ngram_range = ngram_range
        self.max_terms = max_terms
        self.vocabulary = vocabulary
        self.holdout = holdout
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def _truth(self, rows: TrainingRows) -> NDArray[Any]:
        return rows.y

    def _ask(self, rows: TrainingRows, truth: NDArray[Any] | None, groups: Rows) -> tuple[Array, bool]:
        values, cross_fitted = soft_values(
            self.teacher,
            rows.texts,
            truth,
            weight=rows.sample_weight,
            groups=groups,
            random_state=self.random_state,
        )
        return values[:, None], cross_fitted

    def _learn(self, student: AugLinearRegressor, rows: TrainingRows, soft: Array) -> None:
        student._fit_values(rows._replace(y=soft[:, 0]))

    def _fidelity(
        self, student: LinearModel, texts: list[str], soft: Array, truth: NDArray[Any] | None
    ) -> dict[str, float]:
        theirs, ours = soft[:, 0], np.array(student.predict(texts))
        several = len(soft) > 1 and bool(np.ptp(theirs)) and bool(np.ptp(ours))
        found = {
            "n_rows": len(soft),
            "r2": _r2(theirs, ours),
            "correlation": float(np.corrcoef(theirs, ours)[0, 1]) if several else float("nan"),
            "mean_absolute_error": float(np.abs(theirs - ours).mean()),
        }
        if truth is not None:
            found["teacher_score"], found["score"] = _r2(truth, theirs), _r2(truth, ours)
        return found


def _r2(truth: Array, predicted: Array) -> float:
    return float(r2_score(truth, predicted)) if len(truth) > 1 else float("nan")


def _some(rows: TrainingRows, which: Rows) -> TrainingRows:
    """Some of the rows."""
    weight = None if rows.sample_weight is None else rows.sample_weight[which]
    texts = [rows.texts[i] for i in which]
    return TrainingRows(texts, rows.y[which], weight, rows.positions[which], rows.target)
