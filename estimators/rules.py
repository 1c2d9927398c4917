"""Rules that a language model or a person writes, and data weigh: an ordered list, and a set that adds up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.class_weight import compute_sample_weight

from interpllm.estimators.base import TextClassifierMixin, TextRegressorMixin, TrainingRows
from interpllm.estimators.concept_recipe import LLM
from interpllm.estimators.rule_candidates import Candidates, Judged
from interpllm.estimators.rule_learners import Learned, OtherLearner, SparseSet, learner_of
from interpllm.estimators.rule_recipe import RuleRecipe
from interpllm.runtime import Clause, RuleListModel
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.rule_book import RuleBook, WrittenRule
from interpllm.select.rule_list import RuleList, choose_list, first_of


class RuleListClassifier(RuleRecipe, TextClassifierMixin, BaseEstimator):
    """An ordered list of rules, "if <conditions> then <class>": the first that holds decides.

    A language model, people, or the rows themselves propose rules; which of them stand in the list, in what
    order and with what probabilities, rows decide; others, that nothing was chosen on, say how good it is.

    Parameters
    ----------
    llm : str, Session, LanguageModel or None
        Who proposes rules, and answers the questions that they ask. None: nobody.
    task : str or None
        What the rows are and what is predicted, in a few words.
    rules : iterable of str or WrittenRule, RuleBook, or None
        Rules that people wrote; see :mod:`interpllm.runtime.grammar`. A :class:`RuleBook` also says which
        must stay (``lock``) and which must not come back (``veto``).
    text : str or None
        The column of X that holds texts, where X is a frame with columns; None: none does. "auto": a frame of
        one column of strings holds texts, one of more columns does not.
    n_rules : int
        Rules in the list at most; cross-validation decides how many.
    n_proposals : int
        Rules that the language model is asked for in all.
    n_rounds : "auto" or int
        Rounds of proposals; from the second on, rows are shown that the rules so far get wrong or do not
        cover. 0: none. "auto": none by the embedded model, which writes poor rules.
    min_support : int
        Rows that a rule has to hold for, and not to hold for.
    class_weight : dict, "balanced" or None
        As in scikit-learn.
    cv : int
        Folds of the inner cross-validation.
    random_state : int or None
        Seed of splits and of the order in which rows are shown; None is 0.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    model_ : interpllm.runtime.RuleListModel
    rules_ : RuleBook
        All rules that were considered; edit it and hand it in again as ``rules=``.
    report_ : dict
        candidates : what became of each rule; unparsed : what the language model wrote that is no rule, and
        why; confirm : accuracy with interval on rows that nothing was chosen on; usage, n_rows.
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    Clark and Niblett (1989), "The CN2 induction algorithm". With neither a language model nor rules,
    conditions on single columns and phrases are tried.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [20, 25, 30, 35, 60, 65, 70, 75] * 5, "sex": ["f", "m"] * 20})
    >>> y = ["young"] * 4 + ["old"] * 4
    >>> model = RuleListClassifier(llm=None, rules=["if age > 50 then old"]).fit(X, y * 5)
    >>> model.predict(X)[3:5]
    array(['young', 'old'], dtype='<U5')
    """

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        rules: Iterable[str | WrittenRule] | RuleBook | None = None,
        text: str | None = "auto",
        n_rules: int = 10,
        n_proposals: int = 24,
        n_rounds: Any = "auto",
        min_support: int = 3,
        class_weight: Any = None,
        cv: int = 5,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.rules = rules
        self.text = text
        self.n_rules = n_rules
        self.n_proposals = n_proposals
        self.n_rounds = n_rounds
        self.min_support = min_support
        self.class_weight = class_weight
        self.cv = cv
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RuleListClassifier:
        """Propose, measure, choose and order rules.

        Parameters
        ----------
        X : container of n_rows texts, or frame with columns
            Numbers, strings and booleans; missing values are allowed, and no condition on them holds.
        y : container of n_rows labels
        sample_weight : container of n_rows numbers, optional

        Returns
        -------
        RuleListClassifier

        Raises
        ------
        InputError
            When something cannot be used; the message names the first offending row or rule.
        CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded
            As the language model's session; replies that came are in the store.
        """
        self._fit_rules(_weighted(self._check_fit(X, y, sample_weight), self.class_weight, self.classes_))
        return self

    def _choose(self, found: Candidates, judged: Judged, rows: NDArray[np.intp]) -> RuleList:
        return choose_list(
            found.masks[rows],
            judged.targets[rows],
            judged.weight[rows],
            judged.groups[rows],
            judged.y[rows],
            classifies=True,
            max_rules=self.n_rules,
            min_support=self.min_support,
            first=found.first,
            n_folds=self.cv,
            random_state=0 if self.random_state is None else int(self.random_state),
        )

    def _scored(
        self, choice: RuleList, found: Candidates, judged: Judged, rows: NDArray[np.intp]
    ) -> NDArray[Any]:
        return choice.predict(found.masks[rows]).argmax(axis=1)

    def _model(
        self, choice: RuleList, found: Candidates, judged: Judged, parts: dict[str, Any], at: Any
    ) -> RowModel:
        fitted = choice.again(found.masks, judged.targets, judged.weight)
        values = [_normal(value) for value in fitted.values]
        place = first_of(found.masks, fitted.rules)
        masks = place[:, None] == np.arange(len(fitted.rules) + 1)
        sources = [*(found.rules[rule].source for rule in fitted.rules), "data"]
        return RuleListModel(
            **parts,
            link="share",
            clauses=tuple(
                Clause(found.rules[rule].conditions, value, int(n))
                for rule, value, n in zip(fitted.rules, values, fitted.n_rows, strict=False)
            ),
            otherwise=values[-1],
            otherwise_rows=int(fitted.n_rows[-1]),
            evidence=self._evidence(masks, [int(np.argmax(value)) for value in values], sources, judged, at),
        )


class _RuleSet(RuleRecipe):
    """What both rule sets share."""

    learner: Any

    def _choose(self, found: Candidates, judged: Judged, rows: NDArray[np.intp]) -> Learned:
        seed = 0 if self.random_state is None else int(self.random_state)
        if isinstance(self.learner, str) and self.learner == "sparse":
            return SparseSet.chosen(found, judged, rows, self.n_rules, self.cv, seed)
        return OtherLearner.fitted(
            learner_of(self.learner, bool(judged.classes), self.n_rules, seed), found, judged, rows
        )

    def _scored(
        self, choice: Learned, found: Candidates, judged: Judged, rows: NDArray[np.intp]
    ) -> NDArray[Any]:
        return choice.predict(found, rows)

    def _model(
        self, choice: Learned, found: Candidates, judged: Judged, parts: dict[str, Any], at: Any
    ) -> RowModel:
        model = choice.again(found, judged).model(found, judged, parts)
        masks, speaks_for, sources = choice.held(model, found, judged)
        return replace(model, evidence=self._evidence(masks, speaks_for, sources, judged, at))


class RuleSetClassifier(_RuleSet, TextClassifierMixin, BaseEstimator):
    """Rules that add up: each that holds adds its weight to the log-odds of a class.

    Parameters
    ----------
    llm, task, rules, text, n_proposals, n_rounds, min_support, class_weight, cv, random_state, cache, verbose
        As for :class:`RuleListClassifier`.
    n_rules : int
        Rules in the set at most; cross-validation decides how many. Another learner: rules or splits at most.
    learner : {"sparse", "figs", "rulefit", "skope", "greedy", "hstree"} or estimator
        "sparse" weighs the rules in a logistic regression, one joining after another. The others are those of
        imodels; they, or any rule or tree model of scikit-learn or imodels, learn from which single
        conditions of the rules hold, and what they learn is the model.

    Attributes
    ----------
    model_ : interpllm.runtime.RuleSetModel
        Of another learner: what it becomes, a TreeModel, RuleListModel or RuleSetModel.
    rules_, report_, classes_
        As for :class:`RuleListClassifier`.

    Notes
    -----
    Forward stepwise selection (Hastie, Tibshirani and Tibshirani, 2020) of rules as in RuleFit (Friedman and
    Popescu, 2008).
    """

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        rules: Iterable[str | WrittenRule] | RuleBook | None = None,
        text: str | None = "auto",
        learner: Any = "sparse",
        n_rules: int = 20,
        n_proposals: int = 24,
        n_rounds: Any = "auto",
        min_support: int = 3,
        class_weight: Any = None,
        cv: int = 5,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.rules = rules
        self.text = text
        self.learner = learner
        self.n_rules = n_rules
        self.n_proposals = n_proposals
        self.n_rounds = n_rounds
        self.min_support = min_support
        self.class_weight = class_weight
        self.cv = cv
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RuleSetClassifier:
        """Propose, measure, choose and weigh rules; see :meth:`RuleListClassifier.fit`."""
        self._fit_rules(_weighted(self._check_fit(X, y, sample_weight), self.class_weight, self.classes_))
        return self


class RuleSetRegressor(_RuleSet, TextRegressorMixin, BaseEstimator):
    """Rules that add up: each that holds adds its weight to the prediction.

    Parameters
    ----------
    llm, task, rules, text, learner, n_rules, n_proposals, n_rounds, min_support, cv, random_state, cache, \
    verbose
        As for :class:`RuleSetClassifier`. The outcome of a rule is "high" or "low", or left out; rows decide.

    Attributes
    ----------
    model_ : interpllm.runtime.RuleSetModel
        Of another learner: what it becomes, a TreeModel or RuleSetModel.
    rules_, report_
        As for :class:`RuleListClassifier`.
    """

    def __init__(
        self,
        llm: LLM = "local",
        *,
        task: str | None = None,
        rules: Iterable[str | WrittenRule] | RuleBook | None = None,
        text: str | None = "auto",
        learner: Any = "sparse",
        n_rules: int = 20,
        n_proposals: int = 24,
        n_rounds: Any = "auto",
        min_support: int = 3,
        cv: int = 5,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.task = task
        self.rules = rules
        self.text = text
        self.learner = learner
        self.n_rules = n_rules
        self.n_proposals = n_proposals
        self.n_rounds = n_rounds
        self.min_support = min_support
        self.cv = cv
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> RuleSetRegressor:
        """Propose, measure, choose and weigh rules; see :meth:`RuleListClassifier.fit`. y holds numbers."""
        self._fit_rules(self._check_fit(X, y, sample_weight))
        return self


def _weighted(training: TrainingRows, class_weight: Any, classes: NDArray[Any]) -> TrainingRows:
    """The rows with the weights of their classes."""
    if class_weight is None:
        return training
    balance = compute_sample_weight(class_weight, classes[training.y])
    weight = balance if training.sample_weight is None else balance * training.sample_weight
    return training._replace(sample_weight=weight)


def _normal(value: NDArray[np.float64]) -> tuple[float, ...]:
    """Shares that read well and sum to 1."""
    first = [round(float(share), 6) for share in value[:-1] / value.sum()]
    return (*first, max(0.0, round(1.0 - sum(first), 6)))
