"""A saved model of questions back in an estimator, for what the model alone cannot do: ask, and distil."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np

from interpllm.errors import InputError
from interpllm.estimators.concept_recipe import LLM
from interpllm.estimators.concept_trees import ConceptTreeClassifier, ConceptTreeRegressor
from interpllm.estimators.concepts import ConceptLinearClassifier, ConceptLinearRegressor
from interpllm.estimators.prompt_tree import PromptTreeClassifier
from interpllm.estimators.question_base import QuestionEstimator
from interpllm.runtime import ConceptLinear, ConceptTree


def reopen(
    model: ConceptLinear | ConceptTree,
    *,
    llm: LLM = None,
    task: str | None = None,
    soft: bool | Literal["auto"] = "auto",
    random_state: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    verbose: int = 0,
) -> QuestionEstimator:
    """An estimator that holds a model, as after the fit that made it, but for its report.

    Parameters
    ----------
    model : ConceptLinear or ConceptTree
    llm, soft, random_state, cache, verbose
        As for `ConceptLinearClassifier`.
    task : str, optional
        What the language model is told that texts are read for. Stored answers are found again only under
        the sentence of the fit.

    Returns
    -------
    ConceptLinearClassifier, ConceptLinearRegressor, ConceptTreeClassifier, ConceptTreeRegressor or
    PromptTreeClassifier

    Raises
    ------
    InputError
        When it is no model of questions.
    """
    kinds: dict[tuple[type, str], Any] = {
        (ConceptLinear, "classification"): ConceptLinearClassifier,
        (ConceptLinear, "regression"): ConceptLinearRegressor,
        (ConceptTree, "classification"): ConceptTreeClassifier,
        (ConceptTree, "regression"): ConceptTreeRegressor,
    }
    kind = kinds.get((type(model), getattr(model, "task", "")))
    settings: dict[str, Any] = {"soft": soft}
    if isinstance(model, ConceptTree) and model.meta.get("estimator") == PromptTreeClassifier.__name__:
        kind, settings = PromptTreeClassifier, {}
    if kind is None:
        raise InputError(
            f"A {type(model).__name__} asks no questions; a ConceptLinear or ConceptTree model does."
        )
    estimator: QuestionEstimator = kind(
        llm=llm, task=task, random_state=random_state, cache=cache, verbose=verbose, **settings
    )
    estimator.model_ = model
    estimator.n_features_in_ = 1
    if model.classes:
        same = len({type(label) for label in model.classes}) == 1
        estimator.classes_ = np.array(model.classes, dtype=None if same else object)
    return estimator


def model_inputs(
    estimator: QuestionEstimator, X: Any, texts: Any = None
) -> tuple[list[str] | None, dict[str, list[float]]]:
    """What the verbs of a fitted estimator's model take of rows, once every question is answered.

    Parameters
    ----------
    estimator : a fitted concept estimator
    X : container of n_rows texts, or frame of answers
    texts : container of n_rows texts, optional
        Beside a frame of answers.

    Returns
    -------
    texts : list of str or None
    answers : dict of str to list of float
        Of the questions that no stand-in answers: the user's, or the language model's. A tree's questions
        are asked only of the rows that come to them.
    """
    rows = estimator._read(X, texts)
    return rows.texts, estimator._answers(rows)
