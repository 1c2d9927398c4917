"""Fitted trees of scikit-learn, alone, averaged or boosted, as the readable model of trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.preprocessing import OrdinalEncoder

from interpllm.errors import InputError
from interpllm.estimators.convert_vectorizer import Looks
from interpllm.runtime import Branch, Condition, TreeModel

Tree = tuple[Branch, ...]
Array = NDArray[np.float64]


def routes_alike(threshold: float) -> float:
    """Give the largest number that, rounded to single precision, is at most a threshold.

    Trees of scikit-learn round a value to 32 bits before they compare it, so a value a little above a
    threshold may go to its left. Compared with this bound, values need not be rounded.

    Parameters
    ----------
    threshold : float

    Returns
    -------
    float
    """
    if not np.isfinite(threshold):
        return threshold
    with np.errstate(over="ignore"):
        below = np.float32(threshold)
    if float(below) > threshold:
        below = np.nextafter(below, np.float32(-np.inf))
    above = np.nextafter(below, np.float32(np.inf))
    if not np.isfinite(above):
        return float(below)
    middle = (float(below) + float(above)) / 2.0  # exact: both have 24 bits and are neighbours
    return middle if float(np.float32(middle)) <= threshold else float(np.nextafter(middle, -np.inf))


def branches(tree: Any, looks: Looks, values: Array, *, single: bool = True) -> Tree:
    """Read a tree of scikit-learn.

    Parameters
    ----------
    tree : sklearn.tree._tree.Tree
    looks : Looks
    values : array (n_nodes, n_totals)
        What each node stands for.
    single : bool
        Whether values are rounded to 32 bits before they are compared.

    Returns
    -------
    tuple of Branch
        Nodes in their order, which is the root first and each before its branches.
    """
    mend = routes_alike if single and not looks.whole else float
    missing = tree.missing_go_to_left
    return ordered(
        lambda node: (
            None
            if tree.children_left[node] < 0
            else (
                looks.compares(tree.feature[node], "<=", mend(tree.threshold[node])),
                int(tree.children_left[node]),
                int(tree.children_right[node]),
                "yes" if missing[node] and looks.vectorizer is None else "no",
            )
        ),
        values,
        tree.n_node_samples,
    )


def ordered(
    split: Callable[[int], tuple[Condition, int, int, str] | None], values: Array, n_rows: Any
) -> Tree:
    """Number the nodes of a tree anew, each before those that it leads to.

    Parameters
    ----------
    split : callable
        Number of a node -> condition, node where it holds, node where not, and which of the two ("yes" or
        "no") takes rows of which it cannot be told; None at a leaf. The root is 0.
    values : array (n_nodes, n_totals)
    n_rows : array (n_nodes,)

    Returns
    -------
    tuple of Branch
    """
    found: list[Branch] = []
    ahead: list[tuple[int, int, str]] = [(0, -1, "")]  # node, its parent's new number, and the branch
    while ahead:
        node, parent, branch = ahead.pop()
        here = len(found)
        if parent >= 0:
            found[parent] = (
                found[parent]._replace(yes=here) if branch == "yes" else found[parent]._replace(no=here)
            )
        value, n = tuple(map(float, values[node])), int(n_rows[node])
        condition = split(node)
        if condition is None:
            found.append(Branch(None, None, None, value, n))
            continue
        looked, yes, no, missing = condition
        found.append(Branch(looked, None, None, value, n, missing))
        ahead += [(no, here, "no"), (yes, here, "yes")]
    return tuple(found)


def shares(tree: Any) -> Array:
    """Give the shares of the classes at each node of a tree."""
    values = tree.value[:, 0, :]
    return np.asarray(values / values.sum(axis=1, keepdims=True))


def means(tree: Any) -> Array:
    """Give the mean of the targets at each node of a tree."""
    return np.asarray(tree.value[:, 0, :1])


def single_output(fitted: Any) -> None:
    """Refuse what predicts several targets at once.

    Raises
    ------
    InputError
        If there are several.
    """
    if getattr(fitted, "n_outputs_", 1) > 1:
        raise InputError(
            f"The {type(fitted).__name__} predicts {fitted.n_outputs_} targets; fit one model for each."
        )


def averaged(fitted: Any, looks: Looks, classes: tuple[Any, ...], parts: dict[str, Any]) -> TreeModel:
    """Read a tree, or the mean of several.

    Parameters
    ----------
    fitted : DecisionTree*, ExtraTree*, RandomForest* or ExtraTrees* of scikit-learn
    looks : Looks
    classes : tuple
        Empty for regression.
    parts : dict
        Further parts of the model.
    """
    single_output(fitted)
    members = fitted.estimators_ if hasattr(fitted, "estimators_") else [fitted]
    values = shares if classes else means
    trees = tuple(branches(member.tree_, looks, values(member.tree_)) for member in members)
    return TreeModel(
        **parts,
        classes=classes,
        trees=trees,
        link="share" if classes else "identity",
        n_rows=trees[0][0].n_rows if len(trees) == 1 else int(getattr(fitted, "_n_samples", 0)),
    )


def boosted(fitted: Any, looks: Looks, classes: tuple[Any, ...], parts: dict[str, Any]) -> TreeModel:
    """Read a GradientBoostingClassifier or GradientBoostingRegressor.

    Parameters
    ----------
    fitted, looks, classes, parts
        As for `averaged`.

    Raises
    ------
    InputError
        If it starts from another model's predictions.
    """
    start = fitted.init_
    if not isinstance(start, str) and type(start) not in (DummyClassifier, DummyRegressor):
        raise InputError(
            f"init={type(start).__name__} starts from another model's predictions; fit with init=None or "
            "init='zero'."
        )
    # An exponential loss has half the log-odds for its score.
    odds = 2.0 if classes and fitted.loss == "exponential" else 1.0
    intercept = odds * fitted._raw_predict_init(np.zeros((1, fitted.n_features_in_)))[0]
    n_totals = len(intercept)
    trees = []
    for round_ in fitted.estimators_:
        for total, member in enumerate(round_):
            values = np.zeros((member.tree_.node_count, n_totals))
            values[:, total] = odds * fitted.learning_rate * member.tree_.value[:, 0, 0]
            trees.append(branches(member.tree_, looks, values))
    return TreeModel(
        **parts,
        classes=classes,
        trees=tuple(trees),
        combine="sum",
        intercept=tuple(map(float, intercept)),
        link="logit" if classes else "identity",
        n_rows=trees[0][0].n_rows if fitted.subsample == 1.0 else 0,
    )


def voted(fitted: Any, looks: Looks, classes: tuple[Any, ...], parts: dict[str, Any]) -> TreeModel:
    """Read an AdaBoostClassifier of trees.

    Parameters
    ----------
    fitted, looks, classes, parts
        As for `averaged`.

    Raises
    ------
    InputError
        If what votes are not trees.
    """
    if any(not hasattr(member, "tree_") for member in fitted.estimators_):
        raise InputError(
            f"The {type(fitted).__name__} boosts {type(fitted.estimators_[0]).__name__}s, not trees; "
            "fit it with a DecisionTreeClassifier."
        )
    n = len(classes)
    total = float(np.sum(fitted.estimator_weights_))
    trees = []
    for member, weight in zip(fitted.estimators_, fitted.estimator_weights_, strict=False):
        tree = member.tree_
        known = [np.flatnonzero(np.asarray(fitted.classes_) == label)[0] for label in member.classes_]
        votes = np.asarray(known)[shares(tree).argmax(axis=1)]
        # SAMME: a vote counts for its class and, shared out, against the others.
        values = np.full((tree.node_count, n), -weight / (n - 1) / total)
        values[np.arange(tree.node_count), votes] = weight / total
        # The log-odds of two classes are those of half the difference doubled; of more, scores / (n - 1).
        values = values[:, 1:] - values[:, :1] if n == 2 else values / (n - 1)
        trees.append(branches(tree, looks, values))
    return TreeModel(
        **parts, classes=classes, trees=tuple(trees), combine="sum", link="logit", n_rows=trees[0][0].n_rows
    )


def histogram_boosted(
    fitted: Any, looks: Looks, classes: tuple[Any, ...], parts: dict[str, Any]
) -> TreeModel:
    """Read a HistGradientBoostingClassifier or HistGradientBoostingRegressor.

    Parameters
    ----------
    fitted, looks, classes, parts
        As for `averaged`.

    Raises
    ------
    InputError
        If what it predicts is not the sum of its trees.
    """
    if not classes and fitted.loss in ("poisson", "gamma"):
        raise InputError(
            f"loss={fitted.loss!r} predicts the exponential of the sum of its trees; fit with "
            "loss='squared_error'."
        )
    intercept = fitted._baseline_prediction[0]
    columns, levels = _columns(fitted)
    trees = []
    for round_ in fitted._predictors:
        for total, predictor in enumerate(round_):
            nodes = predictor.nodes
            values = np.zeros((len(nodes), len(intercept)))
            values[:, total] = np.where(nodes["is_leaf"], nodes["value"], 0.0)
            split = _Splits(predictor, looks, columns, levels)
            trees.append(ordered(split, values, nodes["count"]))
    return TreeModel(
        **parts,
        classes=classes,
        trees=tuple(trees),
        combine="sum",
        intercept=tuple(map(float, intercept)),
        link="logit" if classes else "identity",
        n_rows=trees[0][0].n_rows,
    )


def _columns(fitted: Any) -> tuple[Sequence[int], dict[int, list[Any]]]:
    """Tell which column of X each column of the trees is, and the categories of those that have them."""
    n = fitted.n_features_in_
    if fitted._preprocessor is None:
        return range(n), {}
    of = np.flatnonzero(fitted.is_categorical_)
    columns = [*of, *np.flatnonzero(~np.asarray(fitted.is_categorical_))]
    encoder: OrdinalEncoder = fitted._preprocessor.named_transformers_["encoder"]
    levels = {place: list(known) for place, known in enumerate(encoder.categories_)}
    return columns, levels


class _Splits:
    """The splits of one tree of histogram boosting."""

    def __init__(
        self, predictor: Any, looks: Looks, columns: Sequence[int], levels: dict[int, list[Any]]
    ) -> None:
        self.predictor = predictor
        self.looks = looks
        self.columns = columns
        self.levels = levels

    def __call__(self, number: int) -> tuple[Condition, int, int, str] | None:
        """Give the split of a node; None at a leaf."""
        node = self.predictor.nodes[number]
        if node["is_leaf"]:
            return None
        missing = "yes" if node["missing_go_to_left"] else "no"
        place = int(node["feature_idx"])
        column = self.columns[place]
        if node["is_categorical"]:
            condition = self._among(node, place, column)
        else:
            condition = self.looks.compares(column, "<=", float(node["num_threshold"]))
        return condition, int(node["left"]), int(node["right"]), missing

    def _among(self, node: Any, place: int, column: int) -> Condition:
        """Give the condition of a split by categories; unknown ones go the way of missing values."""
        bits = self.predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        known = [
            (code, level)
            for code, level in enumerate(self.levels[place])
            if not (level is None or level != level)
        ]
        left = [level for code, level in known if bits[code // 32] >> np.uint32(code % 32) & np.uint32(1)]
        if not node["missing_go_to_left"]:
            return self.looks.among(column, left, False)
        right = [level for _, level in known if level not in left]
        return self.looks.among(column, right, True)
