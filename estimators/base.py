"""What all text estimators share: checked rows on the way in, and verbs that read the one fitted `model_`."""

from __future__ import annotations

import warnings
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import InputError
from interpllm.explain import LocalExplanation
from interpllm.export import export
from interpllm.runtime import LinearModel
from interpllm.select.inputs import Column, column_of, labels_of, numbers_of, texts_of, weights_of


def check_jobs(n_jobs: Any) -> None:
    """Check a number of threads.

    Raises
    ------
    InputError
        When it is neither None nor a whole number other than 0.
    """
    if n_jobs is not None and not (isinstance(n_jobs, Integral) and n_jobs != 0):
        raise InputError(f"n_jobs must be a whole number other than 0, or None, not {n_jobs!r}.")


class TrainingRows(NamedTuple):
    """Checked training rows; rows of weight zero are already left out, as if they had not been given.

    Attributes
    ----------
    texts : list of str, length n
        The texts.
    y : ndarray of shape (n,)
        Classification: positions in `classes_` (int64). Regression: the targets (float64).
    sample_weight : ndarray of shape (n,) or None
        Positive weights; None when none were given.
    positions : ndarray of shape (n,)
        Which row of the X that was given each one is, counted from 0.
    target : str
        Name of the Series or column that y came in, "" without one.
    """

    texts: list[str]
    y: NDArray[Any]
    sample_weight: NDArray[np.float64] | None
    positions: NDArray[np.int64]
    target: str


class TextRowsMixin:
    """Checked rows on the way in, at `fit` and at `predict`.

    `_check_fit` checks before it sets anything: arguments that are refused leave an earlier fit as it was.
    Then it sets ``n_features_in_``, ``feature_names_in_`` (frames with a str column name only) and, for
    classifiers, ``classes_``, and forgets what was fitted before, so that a fit that fails half-way leaves
    an estimator that says it is not fitted.
    """

    _fitted: ClassVar[str] = "model_"
    """The attribute that `fit` sets last."""

    n_features_in_: int
    feature_names_in_: NDArray[Any]

    def _check_fit(self, X: Any, y: Any, sample_weight: Any = None) -> TrainingRows:
        """Check the arguments of `fit`, set what they decide, and hand back the rows to train on.

        Raises
        ------
        InputError
            When X, y or sample_weight cannot be used; the message names the first offending row.
        """
        column = column_of(X, "X")
        texts = texts_of(column)
        if y is None:
            # scikit-learn's sentence, which its own checks look for.
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        weights = weights_of(sample_weight, len(texts))
        index = np.arange(len(texts)) if weights is None else np.flatnonzero(weights)
        target, name = self._check_target(y, len(texts), index)
        self._set_target(target)
        self._set_feature_names(column)
        self.__dict__.pop(self._fitted, None)
        return TrainingRows(
            [texts[row] for row in index.tolist()],
            self._encode_target(target),
            None if weights is None else weights[index],
            index,
            name,
        )

    def _check_target(self, y: Any, n_rows: int, index: NDArray[np.int64]) -> tuple[NDArray[Any], str]:
        raise NotImplementedError

    def _set_target(self, target: NDArray[Any]) -> None:
        """Keep what the targets decide about the predictions."""

    def _encode_target(self, target: NDArray[Any]) -> NDArray[Any]:
        return target

    def _set_feature_names(self, column: Column) -> None:
        self.n_features_in_ = 1
        if column.shape == "frame" and column.name is not None:
            self.feature_names_in_ = np.array([column.name], dtype=object)
        else:
            self.__dict__.pop("feature_names_in_", None)

    def _check_predict(self, X: Any) -> list[str]:
        """The rows of X as texts, once the estimator is fitted and a frame's column is the one fitted on.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used, or is a frame whose column has another name than at `fit`.
        """
        check_is_fitted(self)
        column = column_of(X, "X")
        fitted_names = getattr(self, "feature_names_in_", None)
        if fitted_names is not None:
            if column.shape == "frame" and column.name is not None and column.name != fitted_names[0]:
                raise InputError(
                    "The feature names should match those that were passed during fit: X has the column "
                    f"{column.name!r}, the model was fitted on {fitted_names[0]!r}."
                )
            if column.shape == "array":
                warnings.warn(
                    f"X does not have valid feature names, but {type(self).__name__} was fitted "
                    "with feature names",
                    UserWarning,
                    stacklevel=3,
                )
        return texts_of(column)

    def __sklearn_is_fitted__(self) -> bool:
        return self._fitted in vars(self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.sparse = False
        tags.target_tags.required = True
        return tags


class TextEstimatorMixin(TextRowsMixin):
    """The verbs that every fitted, readable text model has.

    A subclass is ``class X(TextClassifierMixin, BaseEstimator)`` (or `TextRegressorMixin`) whose `fit` is ::

        rows = self._check_fit(X, y, sample_weight)
        ...
        self.model_ = LinearModel(...)
        return self
    """

    model_: LinearModel

    def _inputs(self, X: Any) -> tuple[Any, ...]:
        """What the verbs of the model are handed of X: the texts."""
        return (self._check_predict(X),)

    def explain(self, X: Any) -> LocalExplanation:
        """Say for each text which phrases speak for what, and how strongly.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        LocalExplanation
            One `interpllm.runtime.Ledger` a row; for each, base + the sum of contributions is the
            decision function (to 1e-9). `.frame()` gives them as one table; notebooks show coloured texts.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        inputs = self._inputs(X)
        return LocalExplanation(self.model_.explain(*inputs), self._output_names())

    def _output_names(self) -> tuple[Any, ...]:
        return (self.model_.target or "value",)

    def get_rules(self) -> pd.DataFrame:
        """The whole fitted model as a table, strongest rule first.

        Returns
        -------
        pandas.DataFrame
            rule : what is looked at, as a sentence; prediction : the class it speaks for (regression: "+" or
            "-"); weight : log-odds towards that class (regression: signed, in units of y); support : training
            rows that it holds for; coverage : their share of all training rows; precision : share of them
            that are of the predicted class (regression: mean of y); recall : share of the rows of that class
            that it holds for; lift : precision over the share of that class among all rows; low, high : of
            the precision within 95 % (Wilson; regression: of the mean, Student's t); n_train : training rows;
            source : who proposed it ("llm", "bank", "person" or "data"); examples : a list of rows of X,
            counted from 0, that it holds for. What is not known is missing.

        Raises
        ------
        NotFittedError
            Before `fit`.
        """
        check_is_fitted(self)
        rules = self.model_.rules()
        types: dict[str, Any] = {
            **{"rule": object, "prediction": object, "weight": float, "support": "Int64", "coverage": float},
            **dict.fromkeys(["precision", "recall", "lift", "low", "high"], float),
            **{"n_train": "Int64", "source": object, "examples": object},
        }
        rows = [
            {**rule._asdict(), "n_train": self.model_.n_rows, "examples": list(rule.examples)}
            for rule in rules
        ]
        return pd.DataFrame(rows, columns=list(types)).astype(types)

    def export(self, path: str | PathLike[str], format: str | None = None, **options: Any) -> Path:
        """Write the model to one file that another engine runs.

        Parameters
        ----------
        path : str or path
            Where to; the suffix says the format: ``.json``, ``.py``, ``.mjs``, ``.sql``, ``.html``,
            ``.onnx``, ``.md``. See :func:`interpllm.export.export`.
        format : {"json", "python", "javascript", "sql", "html", "onnx", "markdown"} or None
            None decides by the suffix.
        **options
            `sample`, and for SQL `dialect`, `table`, `text` and `id`, as for that function.

        Returns
        -------
        pathlib.Path
            The file that was written.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ExportError
            When the file would not predict as the model does; then nothing is written.
        """
        check_is_fitted(self)
        return export(self.model_, path, format=format, **options)


class LabelledRowsMixin(TextRowsMixin):
    """Rows whose targets are the labels of classes."""

    classes_: NDArray[Any]

    def _check_target(self, y: Any, n_rows: int, index: NDArray[np.int64]) -> tuple[NDArray[Any], str]:
        labels, name = labels_of(y, n_rows)
        labels = labels[index]
        classes = np.unique(labels)
        if len(classes) < 2:
            weighted = "" if len(index) == n_rows else " among the rows of non-zero sample_weight"
            raise InputError(
                f"y holds one class ({classes.tolist()[0]!r}){weighted}; a classifier needs at least 2."
            )
        return labels, name

    def _set_target(self, target: NDArray[Any]) -> None:
        self.classes_ = np.unique(target)

    def _encode_target(self, target: NDArray[Any]) -> NDArray[Any]:
        return np.searchsorted(self.classes_, target)


class TextClassifierMixin(LabelledRowsMixin, TextEstimatorMixin, ClassifierMixin):
    """Verbs of a text classifier over its fitted `model_`; stands left of `BaseEstimator`."""

    def _output_names(self) -> tuple[Any, ...]:
        names = tuple(self.model_.classes)
        return names[1:] if len(names) == 2 else names

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable class of each text.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels in the dtype of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        inputs = self._inputs(X)
        return np.asarray(self.model_.predict(*inputs), dtype=self.classes_.dtype)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class for each text; `predict` gives the class of the largest.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Columns in the order of `classes_`; rows sum to 1.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        inputs = self._inputs(X)
        return np.asarray(self.model_.predict_proba(*inputs), dtype=np.float64)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score of each text, in log-odds.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows,) for two classes, else (n_rows, n_classes)
            Two classes: log-odds of ``classes_[1]``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        inputs = self._inputs(X)
        return np.asarray(self.model_.decision_function(*inputs), dtype=np.float64)


class TextRegressorMixin(TextEstimatorMixin, RegressorMixin):
    """Verbs of a text regressor over its fitted `model_`; stands left of `BaseEstimator`."""

    def _check_target(self, y: Any, n_rows: int, index: NDArray[np.int64]) -> tuple[NDArray[Any], str]:
        numbers, name = numbers_of(y, n_rows)
        return numbers[index], name

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The predicted value of each text.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows,)
            In units of y.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        inputs = self._inputs(X)
        return np.asarray(self.model_.predict(*inputs), dtype=np.float64)
