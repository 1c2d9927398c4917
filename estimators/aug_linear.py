"""Aug-Linear: a table of n-gram weights that a language model helps to write."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_sample_weight

from interpllm.errors import InputError
from interpllm.estimators.aug_linear_recipe import LLM, AugLinearRecipe
from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin, TrainingRows


class AugLinearClassifier(TextClassifierMixin, AugLinearRecipe, BaseEstimator):
    """A table of n-gram weights that a language model helps to write and that predicts without it.

    The score of a class is ``intercept + (sum of the weights of the text's n-grams) / norm``. A weight is
    ``u + e @ beta``: a part that is learned for the n-gram itself and a part that follows from the language
    model's vector ``e`` of it, so that n-grams with few rows, or none, borrow from those of like meaning.
    Whether that helps, and whether a teacher that reads whole texts does, is decided by cross-validation on
    the training rows; the plain table stays among the choices.

    Parameters
    ----------
    llm : str, Session, LanguageModel or None
        What `interpllm.connect` takes ("local", "minilm", "hf:...", an address), a session, or any object
        with the protocol. None fits plain n-grams.
    task : str or None
        What the labels mean, in a few words; put before the language model.
    ngram_range : "auto" or (int, int)
        Smallest and largest number of words of an n-gram; "auto" chooses the largest among 1, 2 and 3.
    max_terms : int or None
        The best model with at most so many n-grams.
    vocabulary : container of texts or words, or None
        Without labels. Their n-grams that no training row has enter the table with the weight that their
        vectors give them; none do where cross-validation chose a table without vectors, or ``llm`` is None.
        Texts (of four words or more) are also answered by the teacher, and the table learns from its
        answers: with few labels that is most of what there is to learn.
    distill : "auto", True or False
        Whether a teacher that reads whole texts is tried: its share in the targets is chosen by
        cross-validation, none among the choices. True is the same as "auto".
    finetune : bool
        Fine-tune the local encoder ("minilm") on the training rows, and let it be teacher and embedding: it
        takes minutes. Its weights are kept by content in the cache folder.
    class_weight : "balanced", dict of label to weight, or None
        As in scikit-learn.
    cv : int
        Folds of the inner cross-validation. Large sets are judged on as many of them as hold 2,000 rows.
    random_state : int or None
        Seed of folds, variants and fine-tuning. None is 0: a fit is always reproducible.
    n_jobs : int or None
        Folds tried at the same time, in threads; None is 1.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    model_ : interpllm.runtime.LinearModel
        The fitted table, which all verbs read.
    classes_ : array (n_classes,)
    report_ : dict
        ``plain`` and ``chosen``: the best choice without and with the language model, with cross-validated
        score and loss. ``curve``: score and loss by number of n-grams. ``trials``: all that was tried.
        ``templates``, ``usage``, ``n_terms``, ``n_terms_beyond_training``.
    n_features_in_ : int
    feature_names_in_ : array of str, for frames

    References
    ----------
    Singh, Askari, Caruana, Gao: Augmenting interpretable models with large language models during training.
    Nature Communications 14 (2023). The published weight is ``beta @ e`` alone.

    Examples
    --------
    >>> from interpllm import AugLinearClassifier
    >>> texts = ["good film", "a good one", "bad film", "a bad one"] * 5
    >>> model = AugLinearClassifier(llm=None).fit(texts, ["yes", "yes", "no", "no"] * 5)
    >>> model.predict(["good", "bad"]).tolist()
    ['yes', 'no']
    """

    _some_classes = ("one class", "another")

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        ngram_range: Literal["auto"] | tuple[int, int] = "auto",
        max_terms: int | None = None,
        vocabulary: Sequence[str] | None = None,
        distill: Literal["auto"] | bool = "auto",
        finetune: bool = False,
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        cv: int = 5,
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.ngram_range = ngram_range
        self.max_terms = max_terms
        self.vocabulary = vocabulary
        self.distill = distill
        self.finetune = finetune
        self.class_weight = class_weight
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AugLinearClassifier:
        """Fit the table.

        Parameters
        ----------
        X : container of n_rows texts
            A list, 1-D array, pandas or polars Series, or a frame of one column.
        y : container of n_rows labels
        sample_weight : container of n_rows numbers, optional
            Rows of weight 0 are left out.

        Returns
        -------
        AugLinearClassifier
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        ModelNotFoundError
            When a local model was not pulled; the message names the command.
        """
        self._check_parameters()
        rows = self._check_fit(X, y, sample_weight)
        return self._fit_soft(rows, np.eye(len(self.classes_))[rows.y])

    def _fit_soft(self, rows: TrainingRows, soft: NDArray[np.float64]) -> AugLinearClassifier:
        """Fit the table to probabilities (n_rows, n_classes), once ``classes_`` are set."""
        weight = np.ones(len(rows.texts)) if rows.sample_weight is None else rows.sample_weight
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, self.classes_[rows.y])
            wrong = ~(np.isfinite(by_class) & (by_class > 0))
            if wrong.any():
                name = self.classes_[rows.y[wrong][0]]
                raise InputError(
                    f"class_weight must be above 0 for every class, and is not for {name!r}; leave out the "
                    "rows of a class that is not to count."
                )
            weight = weight * by_class
        loss: Literal["logistic", "multinomial"] = "multinomial"
        if len(self.classes_) == 2:
            loss, soft = "logistic", soft[:, 1:]
        self._fit_table(rows, soft, weight / weight.mean(), loss, self.classes_.tolist())
        return self


class AugLinearRegressor(TextRegressorMixin, AugLinearRecipe, BaseEstimator):
    """A table of n-gram weights for a number, that a language model helps to write.

    See `AugLinearClassifier` for the method; here the loss is the squared error.

    Parameters
    ----------
    llm, task, ngram_range, max_terms, vocabulary, distill, finetune, cv, random_state, n_jobs, cache, verbose
        As for `AugLinearClassifier`.

    Attributes
    ----------
    model_, report_, n_features_in_, feature_names_in_
        As for `AugLinearClassifier`; scores are R squared.

    Examples
    --------
    >>> from interpllm import AugLinearRegressor
    >>> texts = ["good film", "a good one", "bad film", "a bad one"] * 5
    >>> model = AugLinearRegressor(llm=None).fit(texts, [2.0, 2.0, 1.0, 1.0] * 5)
    >>> bool(model.predict(["good"])[0] > model.predict(["bad"])[0])
    True
    """

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        ngram_range: Literal["auto"] | tuple[int, int] = "auto",
        max_terms: int | None = None,
        vocabulary: Sequence[str] | None = None,
        distill: Literal["auto"] | bool = "auto",
        finetune: bool = False,
        cv: int = 5,
        random_state: int | None = None,
        n_jobs: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.ngram_range = ngram_range
        self.max_terms = max_terms
        self.vocabulary = vocabulary
        self.distill = distill
        self.finetune = finetune
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AugLinearRegressor:
        """Fit the table.

        Parameters
        ----------
        X : container of n_rows texts
        y : container of n_rows finite numbers
        sample_weight : container of n_rows numbers, optional

        Returns
        -------
        AugLinearRegressor
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        ModelNotFoundError
            When a local model was not pulled; the message names the command.
        """
        self._check_parameters()
        return self._fit_values(self._check_fit(X, y, sample_weight))

    def _fit_values(self, rows: TrainingRows) -> AugLinearRegressor:
        weight = np.ones(len(rows.texts)) if rows.sample_weight is None else rows.sample_weight
        weight = weight / weight.mean()
        # Fitted in standard units, so that the same penalties serve targets of any size.
        center = np.average(rows.y, weights=weight)
        scale = np.sqrt(np.average((rows.y - center) ** 2, weights=weight)) or 1.0
        standard = rows._replace(y=(rows.y - center) / scale)
        self._fit_table(standard, standard.y[:, None], weight, "squared", [], (float(center), float(scale)))
        return self
