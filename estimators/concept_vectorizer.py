"""Texts into answers: a transformer whose columns are plain questions."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import InputError
from interpllm.estimators.concept_recipe import LLM, ConceptRecipe, Concepts, groups_of, loss_for
from interpllm.estimators.concept_rows import concept_rows
from interpllm.estimators.concept_search import Task, candidates
from interpllm.llm import as_session
from interpllm.propose.bank import question_bank
from interpllm.runtime import ConceptSet
from interpllm.select.inputs import labels_of, numbers_of
from interpllm.select.parts import Parts
from interpllm.select.screen import MIN_KAPPA, screen


class ConceptVectorizer(ConceptRecipe, TransformerMixin, BaseEstimator):
    """Answers to questions as columns, for any estimator behind it.

    Questions are those in `concepts`, those that a language model proposes from rows of different labels
    (where `y` is given), and the library's own. Questions that say the same, or are always answered alike,
    are dropped, and the first `n_concepts` of the rest are kept: nothing is chosen by how well it predicts,
    which is left to the estimator behind. `ConceptLinearClassifier` does both.

    Parameters
    ----------
    concepts : ConceptSet, list of str or Question, or None
    llm : {"local", URL, ...}, Session, LanguageModel or None
        Who proposes and answers. None where X is a frame of answers.
    task : str, optional
        What the texts are and what is to be told of them, in a sentence.
    n_concepts : int
        Columns at most.
    n_rounds : int or "auto"
        Rounds of proposals; they need `y`. "auto": 2 where `y` is given and the model is fit for it.
    bank : bool, int or "auto"
        Whether the library's own questions are tried, or how many; "auto": 40 where there are no others, or
        all of them without `y`.
    soft : bool or "auto"
        Whether answers are probabilities; "auto" where a model in process scores them.
    random_state : int, optional
    cache : path, optional
        Folder of stored replies.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    concepts_ : ConceptSet
        The questions, in the order of the columns.
    report_ : dict
        ``proposals``, ``dropped`` (question, why), ``answers`` (what came of asking in `fit`), ``usage``.

    Notes
    -----
    Columns are named by the questions' ids; ``concepts_[id]`` is the question. A missing answer is NaN.
    `set_output` gives pandas or polars frames.

    Examples
    --------
    >>> import pandas as pd
    >>> from interpllm import ConceptVectorizer
    >>> answers = pd.DataFrame({"Is it long?": [1, 0, 1, 0], "Is it polite?": [1, 1, 0, 0]})
    >>> ConceptVectorizer(llm=None).fit_transform(answers).shape
    (4, 2)
    """

    def __init__(
        self,
        concepts: Concepts = None,
        llm: LLM = "local",
        *,
        task: str | None = None,
        n_concepts: int = 20,
        n_rounds: int | Literal["auto"] = "auto",
        bank: bool | int | Literal["auto"] = "auto",
        soft: bool | Literal["auto"] = "auto",
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.concepts = concepts
        self.llm = llm
        self.task = task
        self.n_concepts = n_concepts
        self.n_rounds = n_rounds
        self.bank = bank
        self.soft = soft
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    _is_classifier = True
    # What the search of the predicting estimators has beside this one's.
    signs = None
    second_llm = None
    reliability = 0.0
    min_kappa = MIN_KAPPA
    gold = None

    def fit(self, X: Any, y: Any = None) -> ConceptVectorizer:
        """Find the questions.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
        y : container of n_rows labels or values, optional
            What proposals are contrasted by: strings and few distinct values are labels.

        Returns
        -------
        ConceptVectorizer
            The transformer itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used.
        """
        self._check_parameters()
        rows = concept_rows(X)
        session = as_session(self.llm, cache=self.cache)
        concepts = self._concepts(rows)
        n_rounds, n_bank = self._proposers(session, rows, concepts)
        if y is None and n_bank:
            n_bank = len(question_bank())  # nothing tells which of them have to do with the labels
        if n_rounds and y is None:
            if self.n_rounds != "auto":
                raise InputError(
                    "Questions are proposed from rows of different labels: give y, or n_rounds=0."
                )
            n_rounds = 0
            if self.bank == "auto" and not len(concepts):
                n_bank = len(question_bank())
        answering = self._answering(session, rows)
        every = np.arange(len(rows))
        nothing = np.arange(0)
        task = self._labelled(y, len(rows), groups_of(rows, None))
        questions, proposals = candidates(
            answering,
            concepts,
            Parts(every, every, nothing),
            task,
            session=session,
            n_rounds=n_rounds,
            per_round=self.n_concepts,
            n_bank=n_bank,
            cache=self.cache,
            random_state=0 if self.random_state is None else int(self.random_state),
        )
        dropped: list[tuple[str, str]] = []
        kept = list(range(len(questions)))
        if len(questions) > len(concepts):
            # What people wrote is kept as it is; what others proposed has to say something.
            locked = [k for k, question in enumerate(questions) if question in concepts.questions]
            values = answering.values(questions)
            screening = screen(values, [question.text for question in questions], always=locked)
            kept = screening.kept.tolist()
            dropped = [(questions[drop.column].text, drop.reason) for drop in screening.dropped]
        chosen = [questions[k] for k in kept][: max(int(self.n_concepts), len(concepts))]
        self.concepts_ = ConceptSet(tuple(chosen), concepts.locked, concepts.vetoed)
        self.n_features_in_ = len(rows.columns) or 1
        self.report_ = {
            "proposals": proposals,
            "dropped": dropped,
            "answers": answering.report,
            "usage": None if session is None else asdict(session.usage),
        }
        return self

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Answer the questions about rows.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers

        Returns
        -------
        ndarray of shape (n_rows, n_concepts)
            From 0 (no) to 1 (yes), NaN where there is no answer.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used.
        """
        check_is_fitted(self, "concepts_")
        session = as_session(self.llm, cache=self.cache)
        return self._answering(session, concept_rows(X)).values(list(self.concepts_))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Ids of the questions, in the order of the columns.

        Parameters
        ----------
        input_features : ignored
            Present for scikit-learn.

        Returns
        -------
        ndarray of str, of shape (n_concepts,)
        """
        check_is_fitted(self, "concepts_")
        return np.array([question.id for question in self.concepts_], dtype=object)

    def _labelled(self, y: Any, n_rows: int, groups: NDArray[np.intp]) -> Task:
        """The task that proposals contrast; without y nothing is contrasted."""
        if y is None:
            return Task(np.zeros(n_rows), "squared", np.ones(n_rows), groups, [], "", self.task)
        given = np.asarray(y, dtype=object)
        is_label = any(isinstance(value, (str, bool)) for value in given.tolist()) or len(set(given)) <= 20
        values, name = labels_of(y, n_rows) if is_label else numbers_of(y, n_rows)
        classes = np.unique(values).tolist() if is_label else []
        return Task(values, loss_for(classes), np.ones(n_rows), groups, classes, name, self.task)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.requires_fit = True
        return tags
