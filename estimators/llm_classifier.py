"""A language model that is asked for the class of each text: a teacher for others, and a baseline."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from tqdm import tqdm

from interpllm.errors import InputError, LLMError
from interpllm.estimators.base import LabelledRowsMixin, TrainingRows
from interpllm.llm import LanguageModel, Session, as_session
from interpllm.llm.plan import Plan
from interpllm.propose.class_prompt import CALIBRATED_ON, ClassQuestion, Way, class_prompt, usual
from interpllm.select.inputs import column_of, labels_of, texts_of

LISTED = 10
"""Rows that a message lists."""


class LLMClassifier(LabelledRowsMixin, ClassifierMixin, BaseEstimator):
    """Ask a language model for the class of each text, with a few examples or without.

    Where the model gives log-probabilities, those of the classes' names behind the text are compared; else
    it is asked to name one. A language model likes some names more than others whatever the text is, so what
    it says on average of the training texts, for which it takes no labels, is taken off.

    It is slow, costs a request a text, and cannot be read: it is here to teach readable models and to be
    compared with them.

    Parameters
    ----------
    llm : str, Session or LanguageModel
        What `interpllm.connect` takes ("local", "hf:...", an address), a session, or any object with the
        protocol. A local model that is given as a str is loaded anew by each call; a session keeps it.
    task : str or None
        What the class says of a text, in a few words, such as "sentiment of the film review". None takes the
        name of y, where it is a Series with one.
    classes : sequence of labels or None
        All labels that there are; then `fit` needs no y. None takes those in y.
    names : mapping of label to str, or None
        What the classes are called before the model, where the labels themselves do not say it.
    examples : int
        Training rows of each class that the prompt shows; 0 asks zero-shot.
    ask : {"auto", "score", "complete"}
        Whether log-probabilities are compared or a name is asked for; "auto" prefers the former.
    calibrate : bool
        Whether the average over training texts is taken off log-probabilities.
    fallback : "majority" or None
        What `predict` gives for a text that there is no usable answer for: the most frequent class of y, with
        a warning, or an error that lists the rows.
    max_chars : int
        Longer texts are cut.
    random_state : int or None
        Seed of the examples and of the texts that calibrate; None is 0.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    prompt_ : str
        What the model reads, with ``{text}`` where the text goes.
    classes_ : array (n_classes,)
    names_ : list of str, (n_classes,)
    offset_ : array (n_classes,)
        What is taken off the log-probabilities; zeros without calibration.
    majority_ : label or None
        Most frequent class of y, by weight.
    report_ : dict
        ``examples`` in the prompt; ``calibrated_on``: number of texts that ``offset_`` is of; ``usage`` of
        the session so far.
    n_features_in_ : int
    feature_names_in_ : array of str, for frames

    References
    ----------
    Zhao et al.: Calibrate before use. ICML 2021. Zhou et al.: Batch calibration. ICLR 2024.

    Examples
    --------
    >>> from interpllm import LLMClassifier
    >>> from interpllm.testing import FakeLLM
    >>> likes = FakeLLM(scores=lambda prompt, name: float(("good" in prompt) == (name == " yes")))
    >>> model = LLMClassifier(likes, task="whether the writer liked it", classes=["no", "yes"])
    >>> model.fit(["good film", "bad film"]).predict(["good", "bad"]).tolist()
    ['yes', 'no']
    """

    _fitted = "prompt_"

    classes_: NDArray[Any]

    def __init__(
        self,
        llm: str | Session | LanguageModel = "local",
        *,
        task: str | None = None,
        classes: Sequence[Any] | None = None,
        names: Mapping[Any, str] | None = None,
        examples: int = 0,
        ask: Way = "auto",
        calibrate: bool = True,
        fallback: Literal["majority"] | None = None,
        max_chars: int = 4000,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.classes = classes
        self.names = names
        self.examples = examples
        self.ask = ask
        self.calibrate = calibrate
        self.fallback = fallback
        self.max_chars = max_chars
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> LLMClassifier:
        """Write the prompt, and find out what the model says on average.

        Parameters
        ----------
        X : container of n_rows texts
            A list, 1-D array, pandas or polars Series, or a frame of one column.
        y : container of n_rows labels
            May be left out where ``classes`` are given and neither examples nor a majority are asked for.
        sample_weight : container of n_rows numbers, optional
            Rows of weight 0 are left out; the others count for the majority.

        Returns
        -------
        LLMClassifier
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        LLMError
            When the model cannot be asked at all.
        """
        self._check_parameters()
        session = self._session()
        rows, labelled = self._rows(X, y, sample_weight)
        self.names_ = self._names()
        shown = self._drawn(rows)
        self.majority_ = None
        if labelled:
            self.majority_ = self.classes_[np.bincount(rows.y, weights=rows.sample_weight).argmax()]
        prompt = class_prompt(
            self.task or rows.target, self.names_, [(rows.texts[i], self.names_[rows.y[i]]) for i in shown]
        )
        others = np.setdiff1d(np.arange(len(rows.texts)), shown)
        drawn = np.random.default_rng(self.random_state or 0).permutation(others)[:CALIBRATED_ON]
        sample = [rows.texts[i] for i in np.sort(drawn)] if self.calibrate else []
        self.offset_, usable = self._average(self._question(prompt), session, sample)
        self.report_ = {"examples": len(shown), "calibrated_on": usable, "usage": asdict(session.usage)}
        self.prompt_ = prompt
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each text that the model finds most probable.

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
        LLMError
            When there is no usable answer for some rows, and no fallback; the message lists them.
        """
        said = self._log_probabilities(X)
        failed = np.flatnonzero(np.isnan(said).any(axis=1))
        if not len(failed):
            return np.asarray(self.classes_[said.argmax(axis=1)])
        listed = ", ".join(map(str, failed[:LISTED].tolist())) + (", ..." if len(failed) > LISTED else "")
        what = f"{len(failed)} of {len(said)} texts have no usable answer (rows {listed})"
        if self.fallback is None:
            raise LLMError(
                f"{what}. predict_proba gives them as NaN; fallback='majority' predicts the most frequent "
                "class for them; a further call asks for them again."
            )
        warnings.warn(f"{what}; the most frequent class is predicted for them.", UserWarning, stacklevel=2)
        labels = np.asarray(self.classes_[np.nan_to_num(said).argmax(axis=1)])
        labels[failed] = self.majority_
        return labels

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each class for each text.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Columns in the order of `classes_`; rows sum to 1. NaN where there is no usable answer.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        return np.exp(self._log_probabilities(X))

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Score of each text, in log-odds; NaN where there is no usable answer.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_rows,) for two classes, else (n_rows, n_classes)
            Two classes: log-odds of ``classes_[1]``; else log-probabilities.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        said = self._log_probabilities(X)
        return said[:, 1] - said[:, 0] if said.shape[1] == 2 else said

    def plan(self, X: Any) -> Plan:
        """What `predict` on these texts would ask of the language model; nothing is asked.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        Plan

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        return self._question(self.prompt_).plan(self._session(), self._check_predict(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = self.classes is None
        return tags

    # Steps --------------------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        for name, least in (("examples", 0), ("max_chars", 1)):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if self.ask not in ("auto", "score", "complete"):
            raise InputError(f"ask must be 'auto', 'score' or 'complete', not {self.ask!r}.")
        if self.fallback not in (None, "majority"):
            raise InputError(f"fallback must be 'majority' or None, not {self.fallback!r}.")
        if self.task is not None and not isinstance(self.task, str):
            raise InputError(f"task must be a few words in a str or None, not {self.task!r}.")

    def _session(self) -> Session:
        session = as_session(self.llm, cache=self.cache)
        if session is None:
            raise InputError(
                "LLMClassifier asks a language model; give llm='local', an address or a session."
            )
        return session

    def _rows(self, X: Any, y: Any, sample_weight: Any) -> tuple[TrainingRows, bool]:
        """The training rows and whether they have labels; sets ``classes_``."""
        if y is not None or self.classes is None:
            rows = self._check_fit(X, y, sample_weight)
            if self.classes is None:
                return rows, True
            seen, self.classes_ = self.classes_, self._all_classes()
            strangers = sorted(set(seen.tolist()) - set(self.classes_.tolist()))
            if strangers:
                raise InputError(f"y holds {strangers[0]!r}, which is none of the classes that were given.")
            return rows._replace(y=np.searchsorted(self.classes_, seen)[rows.y]), True
        if self.examples or self.fallback:
            raise InputError("examples and fallback='majority' need labels: give y to fit.")
        column = column_of(X, "X")
        texts, classes = texts_of(column), self._all_classes()
        self._set_feature_names(column)
        self.__dict__.pop(self._fitted, None)
        self.classes_ = classes
        return TrainingRows(texts, np.zeros(0, dtype=np.int64), None, np.arange(len(texts)), ""), False

    def _all_classes(self) -> NDArray[Any]:
        assert self.classes is not None
        classes = np.unique(labels_of(list(self.classes), len(self.classes))[0])
        if len(classes) < 2:
            raise InputError(f"classes holds {len(classes)} label; a classifier needs at least 2.")
        return classes

    def _names(self) -> list[str]:
        said = self.names or {}
        names = [" ".join(str(said.get(label, label)).split()) for label in self.classes_.tolist()]
        for name in names:
            if not name or names.count(name) > 1:
                raise InputError(
                    f"The classes need different names that are not empty; one is {name!r}: give names=."
                )
        return names

    def _drawn(self, rows: TrainingRows) -> NDArray[np.intp]:
        """So many rows of each class, in random order."""
        if not self.examples:
            return np.arange(0)
        random = np.random.default_rng(self.random_state or 0)
        of_class = [
            random.permutation(np.flatnonzero(rows.y == k))[: self.examples] for k in np.unique(rows.y)
        ]
        return np.asarray(random.permutation(np.concatenate(of_class)), dtype=np.intp)

    def _question(self, prompt: str) -> ClassQuestion:
        return ClassQuestion(prompt, self.names_, self.ask, self.max_chars)

    def _average(
        self, question: ClassQuestion, session: Session, texts: list[str]
    ) -> tuple[NDArray[np.float64], int]:
        """Logarithm of the mean probability of each name, and of how many texts; zeros where of none."""
        none = np.zeros(len(self.names_)), 0
        if not texts:
            return none
        with self._bar(texts) as bar:
            said = question.score(session, texts, bar.update)
        if said is None:
            return none
        return usual(said)

    def _log_probabilities(self, X: Any) -> NDArray[np.float64]:
        """Log-probabilities (n_rows, n_classes), NaN where there is no usable answer."""
        texts = self._check_predict(X)
        with self._bar(texts) as bar:
            said = self._question(self.prompt_).ask(self._session(), texts, bar.update)
        return np.asarray(log_softmax(said - self.offset_, axis=1))

    def _bar(self, texts: list[str]) -> tqdm[Any]:
        return tqdm(total=len(set(texts)), desc="asking for classes", disable=not self.verbose, unit="text")
