"""What estimators of questions share: rows in, answers where they are needed, stand-ins for these."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import InputError
from interpllm.estimators.base import TextEstimatorMixin
from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_recipe import LLM, Prepared, groups_of, loss_for
from interpllm.estimators.concept_rows import ConceptRows, concept_rows
from interpllm.estimators.concept_search import Task
from interpllm.estimators.stand_ins import StandIns
from interpllm.llm import Session, as_session
from interpllm.runtime import Question
from interpllm.select.inputs import column_of, weights_of


class Beside(NamedTuple):
    """X, and the texts that stand beside it."""

    X: Any
    texts: Any


class Answers(Protocol):
    """Who answers questions about rows."""

    def values(self, questions: list[Question], index: NDArray[np.intp] | None = None) -> Array:
        """Answers (n, n_questions) from 0 to 1 of some rows (all by default), NaN where one is missing."""


KEPT_KAPPA = 0.6
"""Agreement with the answers from which on a stand-in may answer in their place."""


class QuestionEstimator(TextEstimatorMixin):
    """Rows, answers and stand-ins of a fitted model of questions; stands left of the text mixins."""

    classes_: NDArray[Any]
    model_: Any
    report_: dict[str, Any]

    llm: LLM
    task: str | None
    random_state: int | None
    cache: str | os.PathLike[str] | None
    verbose: int
    _is_classifier: bool

    def _check_parameters(self) -> None:
        raise NotImplementedError

    def _answering(self, session: Session | None, rows: ConceptRows) -> Answers:
        """Who answers questions about these rows."""
        raise NotImplementedError

    def _read(self, X: Any, texts: Any) -> ConceptRows:
        """The rows of X."""
        return concept_rows(X, texts)

    # Rows in ----------------------------------------------------------------------------------------------

    def _prepare(self, X: Any, y: Any, texts: Any, groups: Any, sample_weight: Any) -> Prepared:
        """Check the arguments of `fit`, and set what they decide."""
        self._check_parameters()
        self._check_given(y)
        return self._prepare_rows(self._read(X, texts), X, y, groups, sample_weight)

    def _check_given(self, y: Any) -> None:
        if y is None:
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )

    def _prepare_rows(self, rows: ConceptRows, X: Any, y: Any, groups: Any, sample_weight: Any) -> Prepared:
        """Check what goes with rows that were read, and set what it decides."""
        given = weights_of(sample_weight, len(rows))
        index = np.arange(len(rows)) if given is None else np.flatnonzero(given)
        target, name = self._check_target(y, len(rows), index)
        together = groups_of(rows, groups)[index]
        self._set_target(target)
        self._set_names(X, rows)
        self.__dict__.pop("model_", None)
        rows = rows.take(index)
        weight = np.ones(len(rows)) if given is None else given[index] / given[index].mean()
        classes = self.classes_.tolist() if self._is_classifier else []
        task = Task(target, loss_for(classes), weight, together, classes, name, self.task)
        return Prepared(rows, task, index)

    def _set_names(self, X: Any, rows: ConceptRows) -> None:
        if rows.answers is None:
            self._set_feature_names(column_of(X, "X"))
        else:
            self.n_features_in_ = len(rows.columns)
            self.feature_names_in_ = np.array(rows.columns, dtype=object)

    # Answers ----------------------------------------------------------------------------------------------

    def _inputs(self, X: Any) -> tuple[Any, ...]:
        """The texts, and the answers that no stand-in gives: the user's, or the language model's."""
        check_is_fitted(self, "model_")
        X, texts = X if isinstance(X, Beside) else (X, None)
        rows = self._read(X, texts)
        if rows.answers is None:
            rows = ConceptRows(self._check_predict(X), None, [])
        return rows.texts, self._answers(rows)

    def _answers(self, rows: ConceptRows) -> dict[str, list[float]]:
        questions = self.model_.questions
        if rows.texts is None:
            return rows.answered(questions)
        named = set(rows.columns)
        answers = rows.answered([q for q in questions if {q.id, q.text} & named])
        open_ = [q for q in questions if q.id in self.model_.unanswered and q.id not in answers]
        if open_ and len(rows):
            session = as_session(self.llm, cache=self.cache)
            values = self._answering(session, rows).values(open_)
            answers |= {question.id: values[:, k].tolist() for k, question in enumerate(open_)}
        return answers

    def explain(self, X: Any, texts: Any = None) -> Any:
        """Say for each row which answers and n-grams speak for what, and how strongly.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
        texts : container of n_rows texts, optional
            Beside a frame of answers.

        Returns
        -------
        LocalExplanation
            For each row, base + the sum of contributions is the decision function (to 1e-9).
        """
        return super().explain(Beside(X, texts))

    def predict(self, X: Any, texts: Any = None) -> NDArray[Any]:
        """Predict rows; questions without a stand-in are answered by the language model.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
        texts : container of n_rows texts, optional
            Beside a frame of answers: where stand-ins or n-grams read them.

        Returns
        -------
        ndarray of shape (n_rows,)
            Labels, or values.

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When X cannot be used, or a question has no answer.
        """
        return super().predict(Beside(X, texts))

    def _how_made(self, report: dict[str, Any]) -> dict[str, Any]:
        """For the document: the estimator, the task that questions are asked under, the confirmed figures."""
        scores = report["confirm"].loc["model"]
        figures = {name: float(scores[name]) for name in ("score", "low", "high", "n_rows")}
        return {
            "estimator": type(self).__name__,
            "task": self.task,
            "confirmed": {name: x if np.isfinite(x) else None for name, x in figures.items()},
        }

    # Stand-ins --------------------------------------------------------------------------------------------

    def distill(
        self,
        X: Any,
        y: Any = None,
        *,
        texts: Any = None,
        min_kappa: float = KEPT_KAPPA,
        llm: Any = "same",
        groups: Any = None,
    ) -> Any:
        """Let a table of n-grams answer each question in place of the language model.

        A stand-in is an Aug-Linear model of the question's answers on these rows. It takes the question over
        only if it agrees with answers that it did not learn from.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
            Questions without an answer are asked (those of `fit` are stored).
        y : container of n_rows labels or values, optional
            With them the model is weighed anew by what the stand-ins answer (on rows that they did not learn
            from), so that what answers badly counts less; no weight changes its sign. `signs`, `points` and
            `residual` hold as in `fit`, and a tree keeps its questions, with other shares at its leaves.
            Answers that are given to `predict` in place of the stand-ins' then get the stand-ins' weights.
        texts : container of n_rows texts, optional
            Beside a frame of answers.
        min_kappa : float
            Cohen's kappa, on rows that a stand-in did not learn from, from which on it is kept.
        llm : str, Session, LanguageModel or None
            Whose embeddings help the stand-ins; "same" is that of the estimator, if it can embed.
        groups : container of n_rows values, optional
            Rows of one group never judge what was learned from another one of it.

        Returns
        -------
        The estimator itself, with ``fidelity_``: a table with the AUC, kappa and flip rate of each question's
        stand-in on rows that it did not learn from, and whether it was kept; and ``deployable_``. With y and
        a stand-in that was kept, ``report_["distilled"]`` has the cross-validated score of the model with
        stand-ins under weights for the language model's answers (``score_before``) and under those for the
        stand-ins' (``score``).

        Raises
        ------
        NotFittedError
            Before `fit`.
        InputError
            When there are no texts to learn from, or y has other classes than at `fit`.

        Notes
        -----
        Kappa is that of yes and no, at the cut that agrees best on other rows than those judged. A tree's
        stand-ins are moved so that this cut is at one half. A linear model takes their probabilities as they
        are: on few rows these keep away from 0 and 1, and so does what they add to the score.
        """
        check_is_fitted(self, "model_")
        rows = self._read(X, texts)
        if rows.texts is None:
            raise InputError("Stand-ins read texts: give them in texts=, beside the answers.")
        task = None if y is None else self._task_of(rows, y, groups)
        session = as_session(self.llm, cache=self.cache)
        values = self._answering(session, rows).values(list(self.model_.questions))
        helper = session if llm == "same" else as_session(llm, cache=self.cache)
        learn = StandIns(
            rows.texts,
            llm=helper,
            cache=self.cache,
            random_state=self.random_state,
            groups=groups,
            every_row=y is not None,
            verbose=self.verbose,
        )
        kept, table, answered = {}, [], values.copy()
        for column, question in enumerate(self.model_.questions):
            found = learn.learn(values[:, column], question.text)
            good = found.model is not None and found.kappa >= min_kappa
            if good:
                found = found.deciding() if self._decides else found
                kept[question.id] = found.model
                answered[:, column] = found.answers
            table.append(
                {
                    "question": question.text,
                    "auc": found.auc,
                    "kappa": found.kappa,
                    "flip_rate": found.flip_rate,
                    "n_rows": found.n_rows,
                    "kept": good,
                    "reason": found.reason or ("" if good else f"kappa below {min_kappa:g}"),
                }
            )
        ids = [question.id for question in self.model_.questions]
        self.fidelity_ = pd.DataFrame(table, index=pd.Index(ids, name="id"))
        model = replace(self.model_, stand_ins=kept)
        if task is not None and kept:
            model, figures = self._weighed_anew(model, answered, values, task, rows.texts)
            self.report_ = {**getattr(self, "report_", {}), "distilled": figures}
        self.model_ = model
        return self

    _decides = False
    """Whether an answer is yes or no to the model, and not a probability."""

    def _weighed_anew(
        self, model: Any, answered: Array, values: Array, task: Task, texts: list[str]
    ) -> tuple[Any, dict[str, float]]:
        """The model with weights for the stand-ins' answers, and its scores before and after.

        Parameters
        ----------
        model : ConceptLinear or ConceptTree
        answered : array (n_rows, n_questions)
            By stand-ins that did not learn from the row; the language model's where there is none.
        values : array (n_rows, n_questions)
            The language model's answers.
        task : Task
        texts : list of str
        """
        raise NotImplementedError

    def _task_of(self, rows: ConceptRows, y: Any, groups: Any) -> Task:
        """What is predicted of other rows than those of `fit`, in the same way.

        Raises
        ------
        InputError
            When y does not have the classes of the model.
        """
        classes = list(self.model_.classes)
        target, _ = self._check_target(y, len(rows), np.arange(len(rows)))
        if classes and np.unique(target).tolist() != classes:
            raise InputError(
                f"y has the classes {np.unique(target).tolist()!s:.200}, the model {classes!s:.200}: weights "
                "need rows of each class. Give such rows, or leave y out."
            )
        together = groups_of(rows, groups)
        weight = np.ones(len(rows))
        return Task(target, loss_for(classes), weight, together, classes, self.model_.target, self.task)

    @property
    def deployable_(self) -> bool:
        """Whether the model predicts texts without a language model."""
        check_is_fitted(self, "model_")
        return bool(self.model_.deployable)
