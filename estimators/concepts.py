"""Sparse linear models of questions that a language model asks and answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from interpllm.errors import InputError
from interpllm.estimators.base import TextRegressorMixin
from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_base import (
    ConceptClassifierMixin,
    ConceptEstimator,
    evidence_of,
    positions_of,
    warn_few,
)
from interpllm.estimators.concept_recipe import LLM, Concepts, Prepared
from interpllm.estimators.concept_reweighing import crossed_scores
from interpllm.estimators.concept_search import Screened, Task, choose_path, fitted
from interpllm.estimators.residual import fit_residual, mixed
from interpllm.estimators.table import base_of
from interpllm.runtime import ConceptLinear, LinearModel, Question
from interpllm.select.path import Weighed
from interpllm.select.scorecard import scorecard
from interpllm.select.screen import MIN_KAPPA


class ConceptLinearRecipe(ConceptEstimator):
    """What the two linear estimators share."""

    residual: Literal["ngrams"] | None
    points: int | None

    def _fit_linear(self, prepared: Prepared) -> None:
        """Find the questions, weigh them, and keep them: sets ``model_`` and ``report_``."""
        if self.residual not in (None, "ngrams"):
            raise InputError(f"residual must be 'ngrams' or None, not {self.residual!r}.")
        if self.residual and prepared.rows.texts is None:
            raise InputError("residual='ngrams' reads texts: give them in texts=, beside the answers.")
        if self.residual and self.points is not None:
            raise InputError("A scorecard has no n-grams: set points=None or residual=None.")
        task, rows = prepared.task, np.arange(len(prepared.rows))
        found = self._find(prepared)
        warn_few(len(found.questions))
        weighed = self._learn(found.values, task, rows, found.how)
        weighed, table, told = self._rounded_or_mixed(
            weighed, found.values, task, found.how, prepared.rows.texts, prepared.positions
        )
        found.report.update(told)
        self.model_ = ConceptLinear(
            task="classification" if task.classes else "regression",
            target=task.target,
            classes=tuple(task.classes),
            questions=tuple(found.questions),
            **_parts(weighed),
            residual=table,
            evidence=evidence_of(found.questions, found.values, task, _leaning(weighed), prepared.positions),
            n_rows=len(rows),
            base=base_of(positions_of(task), len(task.classes)),
            meta={**self._how_made(found.report), "C": float(found.how[0])},
        )
        self.report_ = found.report

    def _rounded_or_mixed(
        self,
        weighed: Weighed,
        values: Array,
        task: Task,
        how: Any,
        texts: list[str] | None,
        positions: NDArray[np.int64],
    ) -> tuple[Weighed, LinearModel | None, dict[str, Any]]:
        """Weights as points or beside n-grams where these are wanted, the n-grams, and what to report."""
        if self.points is not None and len(weighed.columns):
            card = scorecard(weighed, values, task.y, int(self.points))
            weighed = replace(weighed, weights=card.model.weights, intercept=card.model.intercept)
            told = {
                name: getattr(card, name) for name in ("scale", "auc", "auc_before", "loss", "loss_before")
            }
            return weighed, None, {"scorecard": told | {"points": card.points.tolist()}}
        if not self.residual:
            return weighed, None, {}
        assert texts is not None, "refused where there are none"
        seed = 0 if self.random_state is None else int(self.random_state)
        left = fit_residual(texts, values, task, *how, positions, seed)
        intercept, weights = mixed(weighed, left)
        return replace(weighed, intercept=intercept, weights=weights), left.table, {"residual": left.report}

    def _weighed_anew(
        self, model: ConceptLinear, answered: Array, values: Array, task: Task, texts: list[str]
    ) -> tuple[ConceptLinear, dict[str, float]]:
        every = np.arange(len(texts))
        C, wanted = model.meta["C"], self._signs_of(model.questions)
        own = np.sign(self._learn(values, task, every, (C, wanted)).weights)
        # A stand-in that answers badly may lean the wrong way by chance: no question changes sides for that.
        how = C, own if wanted is None else np.where(own == 0, wanted[:, None], own)

        def learn(seen: NDArray[np.intp], of: Array) -> Any:
            return self._learn(of, task, seen, how).predict

        figures = crossed_scores(learn, answered, values, task, self.random_state)
        weighed = self._learn(answered, task, every, how)
        weighed, table, told = self._rounded_or_mixed(weighed, answered, task, how, texts, every)
        return replace(model, residual=table, **_parts(weighed)), figures | told

    def _signs_of(self, questions: Sequence[Question]) -> NDArray[np.int64] | None:
        """The sign that each weight must have, 0 for any; None where none is asked for."""
        wanted = self.signs or {}
        signs = [wanted.get(question.text, wanted.get(question.id, 0)) for question in questions]
        return np.array(signs, dtype=np.int64) if any(signs) else None

    def _choose(self, tried: Screened, seed: int) -> tuple[NDArray[np.intp], Any, dict[str, Any]]:
        columns, path = choose_path(tried, int(self.n_concepts), seed)
        signs = None
        if tried.signs is not None:
            signs = np.array([tried.signs[np.flatnonzero(tried.kept == column)[0]] for column in columns])
        return columns, (path.C, signs), {"losses": path.losses.tolist(), "C": path.C}

    def _learn(self, values: Array, task: Task, rows: NDArray[np.intp], how: Any) -> Weighed:
        return fitted(values, task, rows, *how)


class ConceptLinearClassifier(ConceptLinearRecipe, ConceptClassifierMixin, BaseEstimator):
    """A few plain questions, each with a weight, that a language model asks and answers.

    Rows are split into three parts. On the first a language model proposes yes/no questions (or people write
    them, or the library's own are taken); on the second the answers choose at most `n_concepts` of them by
    sparse logistic regression; the third, which neither saw, says how good the model is and what each
    question adds. `distill` then lets tables of n-grams answer in place of the language model.

    Parameters
    ----------
    llm : {"local", URL, ...}, Session, LanguageModel or None
        Who proposes and answers; see `interpllm.connect`. None where X is a frame of answers.
    concepts : ConceptSet, list of str or Question, or None
        Questions to begin with. Locked ones are kept in any case, vetoed ones do not come back.
    task : str, optional
        What the texts are and what is to be told of them, in a sentence; told to the language model.
    n_concepts : int
        Questions at most.
    n_rounds : int or "auto"
        Rounds of proposals; from the second on the proposer sees the rows that the questions so far get most
        wrong. 0 asks nothing but `concepts` (and the bank). "auto": 2 where the model is fit for it.
    bank : bool, int or "auto"
        Whether the library's own general questions are tried, too, or how many of them: those most like the
        texts in a way that goes with the labels, which the embedding model "minilm" tells. "auto": 40 where
        there are no others.
    second_llm : as `llm`, optional
        Answers the selecting rows, too; questions on which the two disagree are dropped.
    min_kappa : float
        Cohen's kappa below which a question is dropped, of two models or (with `reliability`) two wordings.
    reliability : float
        Share of the selecting texts about which every question is asked again in other words, with the
        options swapped; 0 is none.
    gold : frame of answers, optional
        True answers, a column a question and a row for each of X, NaN where there is none.
    soft : bool or "auto"
        Whether answers are probabilities; "auto" where a model in process scores them.
    residual : {"ngrams"} or None
        Whether n-grams tell what the questions leave over; ``report_["residual"]`` says what each part
        carries.
    signs : mapping of question to 1 or -1, optional
        Questions whose weight must have that sign (towards the second class), or none.
    points : int, optional
        Makes the weights whole points of at most so many: a scorecard.
    random_state : int, optional
        Seed of all splits; None is 0, so that a fit can be replayed.
    cache : path, optional
        Folder of stored replies; the user's cache folder by default.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    model_ : interpllm.runtime.ConceptLinear
    classes_ : ndarray of shape (n_classes,)
    report_ : dict
        ``rows`` (of each part), ``candidates`` (a table of all questions tried: where each came from, why it
        was dropped, how often it was chosen on halves of the rows, its effect, p and q on confirming rows),
        ``confirm`` (accuracy with interval, beside majority, TF-IDF and Aug-Linear on the same rows: plain,
        and with the vectors of `llm` where it runs in process and can embed),
        ``losses`` (cross-validated, by number of questions), ``restated`` (questions that predict nearly all
        of the label alone, and how many the language model says restate it), ``agreement``, ``gold``,
        ``answers``, ``usage``.
    fidelity_ : DataFrame
        After `distill`: how well each stand-in answers.
    deployable_ : bool
        Whether it predicts without a language model.

    Notes
    -----
    The family of CHiLL, QA-Emb, Text Bottleneck Models, BC-LLM and HypotheSAEs. The figures of ``confirm``
    are those of the chosen questions weighed without the confirming rows; the model that is kept has its
    weights from all rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from interpllm import ConceptLinearClassifier
    >>> answers = pd.DataFrame({"Asks for a refund?": [1, 0, 1, 0] * 15, "Is polite?": [1, 1, 0, 0] * 15})
    >>> model = ConceptLinearClassifier(llm=None).fit(answers, ["billing", "other"] * 30)
    >>> [question.text for question in model.model_.questions]
    ['Asks for a refund?']
    """

    _is_classifier = True

    def __init__(
        self,
        llm: LLM = "local",
        *,
        concepts: Concepts = None,
        task: str | None = None,
        n_concepts: int = 20,
        n_rounds: int | Literal["auto"] = "auto",
        bank: bool | int | Literal["auto"] = "auto",
        second_llm: LLM = None,
        min_kappa: float = MIN_KAPPA,
        reliability: float = 0.0,
        gold: Any = None,
        soft: bool | Literal["auto"] = "auto",
        residual: Literal["ngrams"] | None = None,
        signs: Mapping[str, int] | None = None,
        points: int | None = None,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.concepts = concepts
        self.task = task
        self.n_concepts = n_concepts
        self.n_rounds = n_rounds
        self.bank = bank
        self.second_llm = second_llm
        self.min_kappa = min_kappa
        self.reliability = reliability
        self.gold = gold
        self.soft = soft
        self.residual = residual
        self.signs = signs
        self.points = points
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, texts: Any = None, groups: Any = None
    ) -> ConceptLinearClassifier:
        """Find the questions and weigh them.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
            A frame whose columns are questions (0 and 1, probabilities, NaN) needs no language model.
        y : container of n_rows labels
        sample_weight : container of n_rows numbers, optional
        texts : container of n_rows texts, optional
            Beside a frame of answers.
        groups : container of n_rows values, optional
            Rows of one group (of one author, say) stand in one part; by default near-duplicates do.

        Returns
        -------
        ConceptLinearClassifier
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        BudgetExceeded
            When the session's budget is spent; what was answered is stored, and the same fit goes on from it.
        """
        self._fit_linear(self._prepare(X, y, texts, groups, sample_weight))
        return self


class ConceptLinearRegressor(ConceptLinearRecipe, TextRegressorMixin, BaseEstimator):
    """A few plain questions, each with a weight, for a number.

    See `ConceptLinearClassifier` for the method; here the loss is the squared error, and the proposer is
    shown rows of high and low values.

    Parameters
    ----------
    llm, concepts, task, n_concepts, n_rounds, bank, second_llm, min_kappa, reliability, gold, soft, residual,
    signs, random_state, cache, verbose
        As for `ConceptLinearClassifier`.

    Attributes
    ----------
    model_, report_, fidelity_, deployable_
        As for `ConceptLinearClassifier`; scores are R squared.

    Examples
    --------
    >>> import pandas as pd
    >>> from interpllm import ConceptLinearRegressor
    >>> answers = pd.DataFrame({"Is it long?": [1, 0] * 30, "Is it polite?": [1, 1, 0, 0] * 15})
    >>> model = ConceptLinearRegressor(llm=None).fit(answers, [3.0, 1.0] * 30)
    >>> [question.text for question in model.model_.questions]
    ['Is it long?']
    """

    _is_classifier = False
    points = None

    def __init__(
        self,
        llm: LLM = "local",
        *,
        concepts: Concepts = None,
        task: str | None = None,
        n_concepts: int = 20,
        n_rounds: int | Literal["auto"] = "auto",
        bank: bool | int | Literal["auto"] = "auto",
        second_llm: LLM = None,
        min_kappa: float = MIN_KAPPA,
        reliability: float = 0.0,
        gold: Any = None,
        soft: bool | Literal["auto"] = "auto",
        residual: Literal["ngrams"] | None = None,
        signs: Mapping[str, int] | None = None,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.concepts = concepts
        self.task = task
        self.n_concepts = n_concepts
        self.n_rounds = n_rounds
        self.bank = bank
        self.second_llm = second_llm
        self.min_kappa = min_kappa
        self.reliability = reliability
        self.gold = gold
        self.soft = soft
        self.residual = residual
        self.signs = signs
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, texts: Any = None, groups: Any = None
    ) -> ConceptLinearRegressor:
        """Find the questions and weigh them.

        Parameters
        ----------
        X, sample_weight, texts, groups
            As for `ConceptLinearClassifier`.
        y : container of n_rows finite numbers

        Returns
        -------
        ConceptLinearRegressor
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        BudgetExceeded
            When the session's budget is spent; what was answered is stored, and the same fit goes on from it.
        """
        self._fit_linear(self._prepare(X, y, texts, groups, sample_weight))
        return self


def _parts(weighed: Weighed) -> dict[str, Any]:
    """What a document takes of weights."""
    return {
        "intercept": tuple(map(float, weighed.intercept)),
        "weights": tuple(tuple(map(float, row)) for row in weighed.weights),
        "means": tuple(map(float, weighed.means)),
    }


def _leaning(weighed: Weighed) -> NDArray[np.intp]:
    """Position of the class that a yes speaks for, for each question."""
    weights = weighed.weights
    if weights.shape[1] == 1:
        return (weights[:, 0] > 0).astype(np.intp)
    return np.asarray((weights - weights.mean(axis=1, keepdims=True)).argmax(axis=1), dtype=np.intp)
