"""What weighs rules: our sparse set, or a learner of imodels or scikit-learn on the matrix of conditions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.utils.validation import has_fit_parameter

from interpllm.errors import InputError
from interpllm.estimators.concept_recipe import loss_for
from interpllm.estimators.rule_candidates import Candidates, Judged, Masks
from interpllm.runtime import (
    Answered,
    Branch,
    Clause,
    Compares,
    Condition,
    Is,
    Lexicon,
    RuleListModel,
    RuleSetModel,
    TreeModel,
)
from interpllm.runtime.row_model import RowModel
from interpllm.select.path import refit, sparse_path
from interpllm.select.weighing import Weighed

NAMES = ("figs", "rulefit", "skope", "greedy", "hstree")

Rows = NDArray[np.intp]

_OTHER_SIGN = {"<=": ">", ">": "<=", "<": ">=", ">=": "<"}


@dataclass(frozen=True)
class SparseSet:
    """Rules that joined one after another, and their weights.

    Parameters
    ----------
    columns : array of int
        Which candidates.
    C : float
        Inverse strength of the penalty.
    weighed : Weighed
    """

    columns: NDArray[np.intp]
    C: float
    weighed: Weighed

    @classmethod
    def chosen(
        cls, found: Candidates, judged: Judged, rows: Rows, n_rules: int, n_folds: int, seed: int
    ) -> SparseSet:
        """Choose rules on some rows."""
        masks = found.masks[rows].astype(float)
        path = sparse_path(
            masks,
            judged.labels[rows],
            n_rules,
            loss_for(judged.classes),
            judged.weight[rows],
            random_state=seed,
            groups=judged.groups[rows],
            n_folds=n_folds,
            first=found.first,
        )
        columns = path.columns(max(path.best, len(found.first)))
        return cls(columns, path.C, _weighed(masks, judged, rows, columns, path.C))

    def predict(self, found: Candidates, rows: Rows) -> NDArray[Any]:
        """Positions of classes, or values."""
        return np.asarray(self.weighed.predict(found.masks[rows].astype(float)))

    def again(self, found: Candidates, judged: Judged) -> SparseSet:
        """The same rules, weighed on all rows."""
        every = np.arange(len(found.masks))
        masks = found.masks.astype(float)
        return replace(self, weighed=_weighed(masks, judged, every, self.columns, self.C))

    def model(self, found: Candidates, judged: Judged, parts: dict[str, Any]) -> RuleSetModel:
        """The rules as a runtime model; rules of no weight are left out."""
        clauses = [
            Clause(found.rules[k].conditions, tuple(map(_rounded, row)), int(found.masks[:, k].sum()))
            for k, row in zip(self.columns, self.weighed.weights, strict=True)
        ]
        return RuleSetModel(
            **parts,
            link="logit" if judged.classes else "identity",
            intercept=tuple(map(_rounded, self.weighed.intercept)),
            clauses=tuple(clauses),
        )

    def held(
        self, model: RowModel, found: Candidates, judged: Judged
    ) -> tuple[Masks, list[int | None], list[str]]:
        """Which rows each rule of the model holds for, the class it speaks for, and who wrote it."""
        masks = found.masks[:, self.columns]
        speaks = [_speaks_for(clause.value, judged) for clause in getattr(model, "clauses", ())]
        return masks, speaks, [found.rules[k].source for k in self.columns]


@dataclass(frozen=True)
class OtherLearner:
    """A learner of imodels or scikit-learn that was fitted on which conditions hold.

    Parameters
    ----------
    learner : estimator
    """

    learner: Any

    @classmethod
    def fitted(cls, learner: Any, found: Candidates, judged: Judged, rows: Rows) -> OtherLearner:
        """Fit a learner to some rows."""
        fresh, matrix, weight = clone(learner), _numbers(found, rows), judged.weight[rows]
        options = {"sample_weight": weight} if has_fit_parameter(fresh, "sample_weight") else {}
        if not options and np.ptp(weight) > 0:
            raise InputError(
                f"{type(learner).__name__} takes no weights; leave out sample_weight and class_weight."
            )
        with warnings.catch_warnings():
            # imodels calls scikit-learn as older releases wanted it; its users can do nothing about that.
            warnings.filterwarnings("ignore", category=FutureWarning)
            warnings.filterwarnings("ignore", message="Inconsistent values: penalty", category=UserWarning)
            fresh.fit(matrix, judged.y[rows], **options)
        return cls(fresh)

    def predict(self, found: Candidates, rows: Rows) -> NDArray[Any]:
        """Positions of classes, or values."""
        return np.asarray(self.learner.predict(_numbers(found, rows)))

    def again(self, found: Candidates, judged: Judged) -> OtherLearner:
        """The same learner, fitted to all rows."""
        return OtherLearner.fitted(self.learner, found, judged, np.arange(len(found.masks)))

    def model(self, found: Candidates, judged: Judged, parts: dict[str, Any]) -> RowModel:
        """What it learned as a runtime model of the conditions."""
        from interpllm.estimators.convert_imodels import from_imodels
        from interpllm.estimators.convert_sklearn import from_sklearn

        names = _names(found)
        ours = type(self.learner).__module__.startswith("imodels")
        convert = from_imodels if ours else from_sklearn
        plain = convert(self.learner, feature_names=names)
        conditions = dict(zip(names, found.conditions, strict=True))
        untold = bool(np.isnan(found.told).any())
        kept = {name: part for name, part in parts.items() if name != "task"}
        if isinstance(plain, TreeModel):
            trees = [tuple(_branch(node, conditions) for node in tree) for tree in plain.trees]
            return replace(plain, **kept, trees=tuple(trees))
        clauses = [
            clause._replace(conditions=tuple(_condition(c, conditions, untold) for c in clause.conditions))
            for clause in plain.clauses
        ]
        if isinstance(plain, RuleListModel):
            return replace(plain, **kept, clauses=tuple(clauses))
        intercept = np.array(plain.intercept)
        for column, low, high, _, value in plain.slopes:  # a column of 0 and 1 is a rule
            none, one = (min(max(number, low), high) for number in (0.0, 1.0))
            intercept = intercept + none * np.array(value)
            clauses.append(Clause((conditions[column],), tuple((one - none) * v for v in value)))
        return replace(
            plain, **kept, clauses=tuple(clauses), slopes=(), intercept=tuple(map(float, intercept))
        )

    def held(
        self, model: RowModel, found: Candidates, judged: Judged
    ) -> tuple[Masks, list[int | None], list[str]]:
        """Which rows each rule or leaf of the model holds for, the class it speaks for, and who wrote it."""
        place = {condition: k for k, condition in enumerate(found.conditions)}
        told = found.told
        masks: list[NDArray[np.bool_]] = []
        values: list[Sequence[float]] = []
        used: list[list[Condition]] = []
        if isinstance(model, TreeModel):
            for tree in model.trees:
                here: list[Any] = [np.ones(len(told), dtype=bool)] * len(tree)
                path: list[list[Condition]] = [[]] * len(tree)
                for node, rows, passed in zip(tree, here, path, strict=True):
                    if node.condition is None or node.yes is None or node.no is None:
                        masks.append(rows)
                        values.append(node.value)
                        used.append(passed)
                        continue
                    yes = told[:, place[node.condition]] == 1.0
                    here[node.yes], here[node.no] = rows & yes, rows & ~yes
                    path[node.yes] = path[node.no] = [*passed, node.condition]
        else:
            left = np.ones(len(told), dtype=bool)
            for clause in model.clauses:  # type: ignore[attr-defined]
                rows = np.ones(len(told), dtype=bool)
                for condition in clause.conditions:
                    k = place.get(condition)
                    rows &= told[:, k] == 1.0 if k is not None else told[:, place[negated(condition)]] == 0.0
                masks.append(rows & left if isinstance(model, RuleListModel) else rows)
                values.append(clause.value)
                used.append(list(clause.conditions))
                left &= ~rows
            if isinstance(model, RuleListModel):
                masks.append(left)
                values.append(model.otherwise)
                used.append([])
        by = {c: rule.source for rule in reversed(found.rules) for c in rule.conditions}
        sources = [
            next((by[c] for c in conditions if by.get(c, "data") != "data"), "data") for conditions in used
        ]
        matrix = np.column_stack(masks) if masks else np.zeros((len(told), 0), dtype=bool)
        return matrix, [_speaks_for(value, judged, model.link) for value in values], sources


Learned = SparseSet | OtherLearner


def learner_of(learner: Any, classifies: bool, n_rules: int, seed: int) -> Any:
    """The estimator of a name; an estimator is given back as it is.

    Raises
    ------
    InputError
        When the name is not known, or the estimator is of the other task.
    """
    if isinstance(learner, str):
        if learner not in NAMES:
            raise InputError(
                f"learner must be 'sparse', one of {NAMES}, or an estimator, not {learner!r:.80}."
            )
        return _named(learner, classifies, n_rules, seed)
    if not isinstance(learner, BaseEstimator) or isinstance(learner, type):
        raise InputError(f"learner must be a name or an instance of an estimator, not {learner!r:.80}.")
    if is_classifier(learner) is not classifies:
        task = "classes" if classifies else "numbers"
        raise InputError(f"{type(learner).__name__} cannot predict {task}; give a learner that does.")
    return learner


def _named(name: str, classifies: bool, n_rules: int, seed: int) -> Any:
    import imodels

    kind = "Classifier" if classifies else "Regressor"
    if name in ("skope", "greedy") and not classifies:
        raise InputError(
            f"learner={name!r} predicts classes only; take 'sparse', 'figs', 'rulefit' or 'hstree'."
        )
    if name == "figs":
        return getattr(imodels, f"FIGS{kind}")(max_rules=n_rules)
    if name == "rulefit":
        return getattr(imodels, f"RuleFit{kind}")(max_rules=n_rules, random_state=seed)
    if name == "skope":
        return imodels.SkopeRulesClassifier(random_state=seed, max_depth=3)
    if name == "greedy":
        return imodels.GreedyRuleListClassifier(max_depth=n_rules)
    return getattr(imodels, f"HSTree{kind}")(max_leaf_nodes=n_rules + 1)


def negated(condition: Condition) -> Condition:
    """The condition that holds where another does not, missing values apart."""
    if isinstance(condition, Compares):
        return Compares(condition.column, _OTHER_SIGN[condition.sign], condition.bound)
    if isinstance(condition, Lexicon | Is | Answered):
        return replace(condition, negated=not condition.negated)
    raise InputError(f"'{condition}' cannot be turned round")


def _names(found: Candidates) -> list[str]:
    return [f"c{k}" for k in range(len(found.conditions))]


def _numbers(found: Candidates, rows: Rows) -> NDArray[np.float64]:
    """The matrix of conditions; what cannot be told does not hold."""
    return np.nan_to_num(found.told[rows], nan=0.0)


def _weighed(masks: Any, judged: Judged, rows: Rows, columns: Any, C: float) -> Weighed:
    return refit(
        masks if len(masks) == len(rows) else masks[rows],
        judged.labels[rows],
        columns,
        loss=loss_for(judged.classes),
        C=C,
        weight=judged.weight[rows],
    )


def _branch(node: Branch, conditions: dict[str, Condition]) -> Branch:
    """A node that asks whether a condition holds in place of how its column compares."""
    if node.condition is None:
        return node
    condition = conditions[node.condition.column]
    if _holds_below(node.condition):
        return node._replace(condition=condition, yes=node.no, no=node.yes, missing="no")
    return node._replace(condition=condition, missing="no")


def _condition(compared: Condition, conditions: dict[str, Condition], untold: bool) -> Condition:
    assert isinstance(compared, Compares)
    condition = conditions[compared.column]
    if not _holds_below(compared):
        return condition
    if untold:
        raise InputError(
            f"This learner asks where '{condition}' does not hold, and for some rows that cannot be told. "
            "Fill the missing values, or take learner='sparse', 'figs' or 'hstree'."
        )
    return negated(condition)


def _holds_below(condition: Compares) -> bool:
    """Whether a comparison of a column of 0 and 1 holds for 0."""
    return condition.sign in ("<=", "<")


def _speaks_for(value: Sequence[float], judged: Judged, link: str = "logit") -> int | None:
    if not judged.classes:
        return None
    if link == "clip":
        return int(value[0] > 0)
    return int(np.argmax(value)) if len(value) > 1 else int(value[0] > 0)


def _rounded(value: float) -> float:
    return round(float(value), 6)
