"""Trees of questions: a row is asked only what stands on its path."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from interpllm.errors import InputError
from interpllm.estimators.base import TextRegressorMixin
from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_base import ConceptClassifierMixin, ConceptEstimator, warn_few
from interpllm.estimators.concept_recipe import LLM, Concepts, Prepared
from interpllm.estimators.concept_search import Screened, Task
from interpllm.estimators.question_tree import QuestionTree, tree_of
from interpllm.select.screen import MIN_KAPPA
from interpllm.select.tree import Tree, choose_leaves, grow


class ConceptTreeRecipe(QuestionTree, ConceptEstimator):
    """What the two trees share."""

    max_leaves: int | None
    signs = None

    def _fit_tree(self, prepared: Prepared) -> None:
        """Find the questions, grow the tree, and keep it: sets ``model_`` and ``report_``."""
        most = self.max_leaves
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 2):
            raise InputError(f"max_leaves must be a whole number of at least 2 or None, not {most!r}.")
        task = prepared.task
        found = self._find(prepared)
        warn_few(len(found.questions))
        tree = self._learn(found.values, task, np.arange(len(prepared.rows)), found.how)
        self.model_ = tree_of(tree, found.questions, found.values, task, self._how_made(found.report))
        self.report_ = found.report

    def _choose(self, tried: Screened, seed: int) -> tuple[NDArray[np.intp], Any, dict[str, Any]]:
        task, rows, values = tried.task, tried.rows, tried.values[:, tried.kept]
        shared: dict[str, Any] = {"classifies": bool(task.classes), "weight": task.weight[rows]}
        most = self.max_leaves or int(self.n_concepts) + 1
        n_leaves, scores = choose_leaves(
            values,
            task.y[rows],
            min(most, int(self.n_concepts) + 1),
            groups=task.groups[rows],
            random_state=seed,
            **shared,
        )
        chosen = np.arange(0)
        if n_leaves > 1:
            chosen = grow(values, task.y[rows], n_leaves, random_state=seed, **shared).columns
        columns = tried.kept[np.union1d(chosen, np.array(tried.first, dtype=np.intp)).astype(np.intp)]
        return columns, n_leaves, {"leaves": scores}

    def _learn(self, values: Array, task: Task, rows: NDArray[np.intp], how: Any) -> Tree:
        return grow(values[rows], task.y[rows], how, classifies=bool(task.classes), weight=task.weight[rows])


class ConceptTreeClassifier(ConceptTreeRecipe, ConceptClassifierMixin, BaseEstimator):
    """A tree whose nodes are plain questions; a row is asked only what stands on its path.

    Questions are found as by `ConceptLinearClassifier`; the tree's size is chosen by cross-validation on the
    selecting rows, and its figures come from rows that had no part in either.

    Parameters
    ----------
    llm, concepts, task, n_concepts, n_rounds, bank, second_llm, min_kappa, reliability, gold, soft,
    random_state, cache, verbose
        As for `ConceptLinearClassifier`.
    max_leaves : int, optional
        Leaves at most; by default one more than `n_concepts`.

    Attributes
    ----------
    model_ : interpllm.runtime.ConceptTree
    classes_ : ndarray of shape (n_classes,)
    report_, fidelity_, deployable_
        As for `ConceptLinearClassifier`; ``report_["leaves"]`` has the cross-validated score by size.

    Notes
    -----
    Prompt trees: Morris et al. 2023, "Tree Prompting".

    Examples
    --------
    >>> import pandas as pd
    >>> from interpllm import ConceptTreeClassifier
    >>> answers = pd.DataFrame({"Asks for a refund?": [1, 0, 1, 0] * 15, "Is polite?": [1, 1, 0, 0] * 15})
    >>> model = ConceptTreeClassifier(llm=None).fit(answers, ["billing", "other"] * 30)
    >>> model.model_.n_leaves
    2
    """

    _is_classifier = True

    def __init__(
        self,
        llm: LLM = "local",
        *,
        concepts: Concepts = None,
        task: str | None = None,
        n_concepts: int = 20,
        max_leaves: int | None = None,
        n_rounds: int | Literal["auto"] = "auto",
        bank: bool | int | Literal["auto"] = "auto",
        second_llm: LLM = None,
        min_kappa: float = MIN_KAPPA,
        reliability: float = 0.0,
        gold: Any = None,
        soft: bool | Literal["auto"] = "auto",
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.concepts = concepts
        self.task = task
        self.n_concepts = n_concepts
        self.max_leaves = max_leaves
        self.n_rounds = n_rounds
        self.bank = bank
        self.second_llm = second_llm
        self.min_kappa = min_kappa
        self.reliability = reliability
        self.gold = gold
        self.soft = soft
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, texts: Any = None, groups: Any = None
    ) -> ConceptTreeClassifier:
        """Find the questions and grow the tree.

        Parameters
        ----------
        X, y, sample_weight, texts, groups
            As for `ConceptLinearClassifier`.

        Returns
        -------
        ConceptTreeClassifier
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        """
        self._fit_tree(self._prepare(X, y, texts, groups, sample_weight))
        return self


class ConceptTreeRegressor(ConceptTreeRecipe, TextRegressorMixin, BaseEstimator):
    """A tree of plain questions for a number.

    See `ConceptTreeClassifier`; here splits lower the squared error.

    Parameters
    ----------
    llm, concepts, task, n_concepts, max_leaves, n_rounds, bank, second_llm, min_kappa, reliability, gold
        As for `ConceptTreeClassifier`.
    soft, random_state, cache, verbose
        As for `ConceptTreeClassifier`.

    Attributes
    ----------
    model_, report_, fidelity_, deployable_
        As for `ConceptTreeClassifier`; scores are R squared.
    """

    _is_classifier = False

    def __init__(
        self,
        llm: LLM = "local",
        *,
        concepts: Concepts = None,
        task: str | None = None,
        n_concepts: int = 20,
        max_leaves: int | None = None,
        n_rounds: int | Literal["auto"] = "auto",
        bank: bool | int | Literal["auto"] = "auto",
        second_llm: LLM = None,
        min_kappa: float = MIN_KAPPA,
        reliability: float = 0.0,
        gold: Any = None,
        soft: bool | Literal["auto"] = "auto",
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.concepts = concepts
        self.task = task
        self.n_concepts = n_concepts
        self.max_leaves = max_leaves
        self.n_rounds = n_rounds
        self.bank = bank
        self.second_llm = second_llm
        self.min_kappa = min_kappa
        self.reliability = reliability
        self.gold = gold
        self.soft = soft
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, texts: Any = None, groups: Any = None
    ) -> ConceptTreeRegressor:
        """Find the questions and grow the tree.

        Parameters
        ----------
        X, y, sample_weight, texts, groups
            As for `ConceptLinearRegressor`.

        Returns
        -------
        ConceptTreeRegressor
            The estimator itself.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used; the message names the first offending row.
        """
        self._fit_tree(self._prepare(X, y, texts, groups, sample_weight))
        return self
