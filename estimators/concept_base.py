"""What the concept estimators share beside the search and the answers: what rows say of questions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from interpllm.estimators.base import TextClassifierMixin
from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_recipe import ConceptRecipe
from interpllm.estimators.concept_search import Task
from interpllm.estimators.question_base import Beside, QuestionEstimator
from interpllm.runtime import ConceptSet, Evidence, Question
from interpllm.select.evidence import rule_evidence


class ConceptEstimator(ConceptRecipe, QuestionEstimator):
    """A fitted model of questions that were found by search; stands left of the text mixins."""

    @property
    def concepts_(self) -> ConceptSet:
        """The questions of the model as a `ConceptSet`, to lock, veto, edit, and fit again."""
        check_is_fitted(self, "model_")
        given = ConceptSet.of(self.concepts) if self.concepts is not None else ConceptSet()
        ids = {question.id for question in self.model_.questions}
        return ConceptSet(self.model_.questions, given.locked & ids, given.vetoed)


class ConceptClassifierMixin(TextClassifierMixin):
    """Probabilities and scores of a classifier of questions; stands right of `ConceptEstimator`."""

    def predict_proba(self, X: Any, texts: Any = None) -> NDArray[np.float64]:
        """Probability of each class for each row.

        Parameters
        ----------
        X, texts
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_rows, n_classes)
            Columns in the order of `classes_`; rows sum to 1. Of a tree: the shares at the row's leaf.
        """
        return super().predict_proba(Beside(X, texts))

    def decision_function(self, X: Any, texts: Any = None) -> NDArray[np.float64]:
        """Score of each row.

        Parameters
        ----------
        X, texts
            As for `predict`.

        Returns
        -------
        ndarray of shape (n_rows,) for two classes, else (n_rows, n_classes)
            Log-odds; of a tree's two classes the probability of the second less that of the first.
        """
        return super().decision_function(Beside(X, texts))


def evidence_of(
    questions: list[Question],
    values: Array,
    task: Task,
    leaning: NDArray[np.intp],
    positions: NDArray[np.int64],
) -> dict[str, Evidence]:
    """What the training rows say about each question.

    Parameters
    ----------
    questions : list of Question
    values : array (n_rows, n_questions)
    task : Task
    leaning : array (n_questions,)
        Position of the class that a yes speaks for; of no use in regression.
    positions : array (n_rows,)
        Which row of X each one is.
    """
    found = {}
    y, n_classes = positions_of(task), len(task.classes)
    for column, question in enumerate(questions):
        speaks_for = int(leaning[column]) if n_classes else None
        told = rule_evidence(values[:, column] > 0.5, y, speaks_for, positions=positions)
        interval = None
        if not n_classes and told.low is not None and told.high is not None:
            interval = (told.low, told.high)
        found[question.id] = Evidence(told.support, told.precision, told.examples, interval)
    return found


def positions_of(task: Task) -> NDArray[Any]:
    """What is predicted, as positions of classes; of a regression the values."""
    return np.searchsorted(np.asarray(task.classes), task.y) if task.classes else task.y


def warn_few(n: int) -> None:
    """Say that fewer questions were chosen than one might expect: none at all."""
    if not n:
        warnings.warn(
            "No question tells more of the label than its overall shares, so the model asks none. Give more "
            "rows, other questions in concepts=, or a language model that can propose.",
            UserWarning,
            stacklevel=4,
        )
