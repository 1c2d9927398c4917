"""Fitted models of imodels as readable models that predict the same without imodels."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.estimators.convert_linear import linear
from interpllm.estimators.convert_sklearn import classes_of, converted, told
from interpllm.estimators.convert_trees import branches, means, ordered, routes_alike, shares, voted
from interpllm.estimators.convert_vectorizer import Looks, looks_of
from interpllm.runtime import Branch, Clause, Condition, RuleListModel, RuleSetModel, Slope, TreeModel
from interpllm.runtime.checks import MAX_NUMBER

Readable = TreeModel | RuleListModel | RuleSetModel
Parts = dict[str, Any]

_SHRUNK = ("HSTreeClassifier", "HSTreeRegressor", "HSTreeClassifierCV", "HSTreeRegressorCV")

_REFUSED = {
    "BoostedRulesRegressor": "it predicts the weighted median of its trees, which is not a sum; fit a "
    "FIGSRegressor or a GreedyTreeRegressor",
    "BayesianRuleSetClassifier": "it has no probabilities and returns 0 and 1 for any labels; fit a "
    "SkopeRulesClassifier or a BayesianRuleListClassifier",
    "SlipperClassifier": "its confidences are kept in no documented form; fit a BoostedRulesClassifier",
    "GPGamRegressor": "it is a smooth function without rules; fit a TreeGAMRegressor",
    "MarginalShrinkageLinearRegressor": "it scales columns by what it saw; fit a Ridge",
    "BART": "it averages samples of trees; fit a FIGSRegressor",
}


def from_imodels(fitted: Any, feature_names: Sequence[str] | None = None, *, target: str = "") -> Readable:
    """Make a readable model of a fitted tree, rule list or rule set of imodels.

    It predicts what the original predicts, in standard-library Python, and is printed, saved, explained and
    exported as any other.

    Parameters
    ----------
    fitted : estimator of imodels
        FIGS, RuleFit, FPLasso, SkopeRules, FPSkope, BoostedRulesClassifier, GreedyRuleList, OneR,
        FastFrugalTree, BayesianRuleList, HSTree, GreedyTree, DecisionTreeCCP, TaoTree, C45Tree,
        IRF, TreeGAM or SLIM; of FIGS and HSTree also what chooses by cross-validation.
    feature_names : sequence of str, optional
        Names of the columns; by default those that were fitted.
    target : str
        Name of what is predicted.

    Returns
    -------
    TreeModel, RuleListModel or RuleSetModel

    Raises
    ------
    InputError
        If the model cannot be had with equal predictions; the message says why, and what to fit instead.

    Notes
    -----
    Rules are read as the numbers that imodels compares, not as it prints them, which may be rounded.
    Probabilities and values agree to 1e-9, classes except where two have the same score but for rounding.
    imodels refuses rows with missing values that its trees were not fitted on; in a readable model a
    condition on a missing value does not hold.

    Examples
    --------
    >>> from interpllm import from_imodels
    >>> from imodels import FIGSRegressor
    >>> fitted = FIGSRegressor(max_rules=1).fit([[20], [30], [40], [50]], [0, 0, 1, 1], ["age"])
    >>> print(from_imodels(fitted, target="old"))
    TreeModel: regression of "old"; link: identity
    training: 4 rows
    trees: sum
    <BLANKLINE>
    if age <= 35.0 (0.5; 4 rows)
      -> 0.0 (0.0; 2 rows)
    else
      -> 1.0 (1.0; 2 rows)
    """
    kind = type(fitted)
    if not kind.__module__.startswith("imodels."):
        raise InputError(f"A {kind.__name__} is not of imodels; from_sklearn reads models of scikit-learn.")
    if kind.__name__ in ("FIGSClassifierCV", "FIGSRegressorCV"):
        fitted = _part(fitted, "figs")
    read = _READERS.get(type(fitted).__name__)
    if read is None:
        why = _REFUSED.get(kind.__name__, f"these can: {', '.join(sorted(_READERS))}")
        raise InputError(f"A {kind.__name__} cannot be made readable with equal predictions: {why}.")
    if not any(name.endswith("_") for name in vars(fitted) if name != "estimator_"):
        raise InputError(f"The {kind.__name__} is not fitted; fit it first.")
    classes = classes_of(fitted)
    parts: Parts = {
        "task": "classification" if classes else "regression",
        "classes": classes,
        "target": target,
        "meta": told(fitted, "imodels", _version()),
    }
    return read(fitted, looks_of(fitted, None, _names(fitted, feature_names), "X"), parts)


def _version() -> str:
    from importlib.metadata import version

    return version("imodels")


def _part(fitted: Any, name: str) -> Any:
    if not hasattr(fitted, name):
        raise InputError(f"The {type(fitted).__name__} is not fitted; fit it first.")
    return getattr(fitted, name)


def _names(fitted: Any, given: Sequence[str] | None) -> Sequence[str] | None:
    """Give the names of the columns: as given, else as fitted."""
    for found in (given, getattr(fitted, "feature_names_in_", None), getattr(fitted, "feature_names_", None)):
        if found is not None:
            return [str(name) for name in found]
    return None


# --- trees --------------------------------------------------------------------------------------------------


def _wrapped(fitted: Any, looks: Looks, parts: Parts) -> Readable:
    """Read what holds a model of scikit-learn, whose labels may be numbers in place of ours."""
    inner = next(getattr(fitted, name) for name in ("estimator_", "model") if hasattr(fitted, name))
    classes = parts["classes"] or classes_of(inner)
    found = converted(inner, looks, classes, parts["meta"], parts["target"])
    assert isinstance(found, TreeModel)
    return found


def _greedy(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    values = shares(fitted.tree_) if parts["classes"] else means(fitted.tree_)
    nodes = branches(fitted.tree_, looks, values)
    return TreeModel(
        **parts, trees=(nodes,), link="share" if parts["classes"] else "identity", n_rows=nodes[0].n_rows
    )


def _figs(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    """Read a sum of trees; of classes, the softmax of sums."""
    if getattr(fitted, "categorical_features_", None) is not None:
        raise InputError(
            "FIGS was fitted with categorical_features, which it turns into columns of its own; make these "
            "columns before fitting."
        )
    n = len(parts["classes"])
    if n == 0 and fitted.n_outputs > 1:
        raise InputError(
            f"The {type(fitted).__name__} predicts {fitted.n_outputs} targets; fit one for each."
        )
    trees = []
    for root in fitted.trees_:
        nodes = _flat(root)
        values = np.array([np.broadcast_to(np.ravel(node.value), n or 1) for node in nodes], dtype=np.float64)
        inner = np.array([node.left is not None for node in nodes])
        values[inner] = np.nan_to_num(values[inner])  # imodels leaves some empty, and reads none
        if n == 2:
            values = values[:, 1:] - values[:, :1]
        places = {id(node): place for place, node in enumerate(nodes)}

        def split(place: int, nodes: list[Any] = nodes, places: dict[int, int] = places) -> Any:
            node = nodes[place]
            if node.left is None and node.right is None:
                return None
            looked = looks.compares(int(node.feature), "<=", float(node.threshold))
            return looked, places[id(node.left)], places[id(node.right)], "no"

        n_rows = [0 if node.idxs is None else int(np.sum(node.idxs)) for node in nodes]
        trees.append(ordered(split, values, n_rows))
    return TreeModel(
        **parts,
        trees=tuple(trees),
        combine="sum",
        link="logit" if n else "identity",
        n_rows=trees[0][0].n_rows,
    )


def _flat(root: Any) -> list[Any]:
    """List the nodes below a node of FIGS, itself first."""
    found, ahead = [], [root]
    while ahead:
        node = ahead.pop()
        found.append(node)
        ahead += [child for child in (node.right, node.left) if child is not None]
    return found


def _boosted_rules(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    classes = parts["classes"]
    if list(classes) != list(range(len(classes))):
        raise InputError(
            "A BoostedRulesClassifier of imodels predicts one class only where labels are not 0, 1, ..., and "
            f"these are {classes!r:.120}; fit it on 0, 1, ..."
        )
    return voted(fitted, looks, classes, {name: part for name, part in parts.items() if name != "classes"})


def _tree_gam(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    """Read a sum of small trees; of classes, the probability of the second, kept within 0 and 1."""
    members = list(zip(fitted.estimators_marginal, getattr(fitted, "marginal_coef_", ()), strict=True))
    cyclic = getattr(fitted, "cyclic_coef_", [fitted.learning_rate] * len(fitted.estimators_))
    decay = list(fitted.decay_coef_towards_marginal_) if fitted.decay_rate_towards_marginal < 1.0 else []
    decay += [1.0] * (len(fitted.estimators_) - len(decay))
    members += [
        (member, weight * less)
        for member, weight, less in zip(fitted.estimators_, cyclic, decay, strict=True)
    ]
    intercept = float(fitted.bias_)
    trees = []
    for member, weight in members:
        inner = getattr(member, "estimator_", member)  # shrunk trees stand in a wrapper
        read = converted(inner, looks, (), {}, "")
        assert isinstance(read, TreeModel)
        intercept += float(weight) * read.intercept[0]
        trees += [
            tuple(node._replace(value=(float(weight) * node.value[0],)) for node in tree)
            for tree in read.trees
        ]
    if not trees:
        trees = [(Branch(None, None, None, (0.0,)),)]
    return TreeModel(
        **parts,
        trees=tuple(trees),
        combine="sum",
        intercept=(intercept,),
        link="clip" if parts["classes"] else "identity",
        n_rows=trees[0][0].n_rows,
    )


def _forest(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    """Read the last forest of iterative random forests."""
    trees = []
    for member in fitted.forest_.estimators_:
        values = np.asarray(member.value_, dtype=np.float64).reshape(member.node_count_, -1)
        if not parts["classes"]:
            values = np.asarray(member.leaf_prediction_, dtype=np.float64).reshape(-1, 1)

        def split(place: int, member: Any = member) -> Any:
            left, right = int(member.children_left_[place]), int(member.children_right_[place])
            if left < 0:
                return None
            bound = routes_alike(float(member.threshold_[place]))
            return looks.compares(int(member.feature_[place]), "<=", bound), left, right, "no"

        trees.append(ordered(split, values, np.zeros(len(values))))
    return TreeModel(**parts, trees=tuple(trees), link="share" if parts["classes"] else "identity")


def _c45(fitted: Any, looks: Looks, parts: Parts) -> TreeModel:
    """Read a tree that imodels keeps as XML, whose bounds it compares as they are written there."""
    n = len(parts["classes"])
    nodes: list[Any] = []
    splits: dict[int, tuple[Condition, int, int, str]] = {}
    values: list[NDArray[np.float64]] = []

    def grow(node: Any) -> int:
        here = len(nodes)
        nodes.append(node)
        values.append(np.full(n, 1.0 / n))
        first = node.firstChild
        if first.nodeName == "#text":
            label = float(first.nodeValue)
            if n == 2:
                values[here] = np.array(_two(label))
            elif float(node.getAttribute("p")):  # imodels writes 0.000 for few rows, and is undecided there
                values[here] = np.eye(n)[int(label)]
            return here
        children = {child.getAttribute("flag"): child for child in node.childNodes}
        if set(children) != {"l", "r"}:
            raise InputError(
                "The C45TreeClassifier has a split by values in place of numbers; fit it on numbers."
            )
        places = {flag: grow(child) for flag, child in children.items()}
        weights = [float(child.getAttribute("p")) for child in children.values()]
        values[here] = np.average([values[place] for place in places.values()], axis=0, weights=weights)
        column = fitted.feature_names.index(first.nodeName)
        looked = looks.compares(column, "<", float(first.getAttribute("feature")))
        splits[here] = (looked, places["l"], places["r"], "no")
        return here

    grow(fitted.root)
    tree = ordered(splits.get, np.array(values), np.zeros(len(nodes)))
    return TreeModel(**parts, trees=(tree,), link="share")


# --- lists --------------------------------------------------------------------------------------------------


def _rule_list(fitted: Any, looks: Looks, parts: Parts) -> RuleListModel:
    """Read a list of which each rule looks at one column; the last entry decides what is left."""
    frugal = type(fitted).__name__ == "FastFrugalTreeClassifier"
    signs = ("<=", ">") if frugal else ("<", ">=")
    *rules, last = fitted.rules_
    clauses = [
        Clause(
            (looks.compares(int(rule["index_col"]), signs[not rule["flip"]], float(rule["cutoff"])),),
            _two(rule["val_right"]),
            int(rule["num_pts_right"]),
        )
        for rule in rules
    ]
    return RuleListModel(
        **parts,
        link="share",
        clauses=tuple(clauses),
        otherwise=_two(last["val"]),
        otherwise_rows=int(last["num_pts"]),
        n_rows=int(fitted.rules_[0]["num_pts"]),
    )


def _bayesian(fitted: Any, looks: Looks, parts: Parts) -> RuleListModel:
    """Read a list of sets of columns that all are 1."""
    places = {name: place for place, name in enumerate(fitted.feature_placeholders)}
    clauses: list[Clause] = []
    for number, theta in zip(fitted.d_star, fitted.theta, strict=True):
        # At one half it decides for the second class, a rule list of ours for the first: a hair more.
        value = _two(theta if theta != 0.5 else np.nextafter(0.5, 1.0))
        if number == 0:
            return RuleListModel(**parts, link="share", clauses=tuple(clauses), otherwise=value)
        items = fitted.itemsets[number]
        clauses.append(Clause(tuple(looks.among(places[item], [1], False) for item in items), value))
    raise InputError("The BayesianRuleListClassifier has no last line; fit it for longer (max_iter).")


def _two(share: Any) -> tuple[float, float]:
    """Give the shares of two classes."""
    second = min(max(float(share), 0.0), 1.0)
    return 1.0 - second, second


# --- sets ---------------------------------------------------------------------------------------------------


def _rule_fit(fitted: Any, looks: Looks, parts: Parts) -> RuleSetModel:
    """Read weighted rules and columns; of classes, the softmax of (1 - score, score)."""
    factor = 2.0 if parts["classes"] else 1.0  # twice the score, less 1, are log-odds
    n = int(fitted.n_features_in_)
    slopes: list[Slope] = []
    if fitted.include_linear:
        for place, weight in enumerate(np.ravel(fitted.coef[:n])):
            low, high, unit = -MAX_NUMBER, MAX_NUMBER, 1.0
            if fitted.lin_standardise:
                low, high = np.clip(fitted.winsorizer.winsor_lims[:, place], -MAX_NUMBER, MAX_NUMBER)
                unit = fitted.friedscale.scale_multipliers[place]
            if weight:
                value = (factor * float(weight * unit),)
                missing = float(fitted.mean[place])
                slopes.append(Slope(looks.names[place], float(low), float(high), missing, value))
    clauses = [
        Clause(_conditions(rule, fitted, looks), (factor * float(np.ravel(rule.args)[0]),))
        for rule in fitted.rules_without_feature_names_
    ]
    base = factor * float(np.ravel(fitted.intercept)[0]) - (1.0 if parts["classes"] else 0.0)
    return RuleSetModel(
        **parts,
        link="logit" if parts["classes"] else "identity",
        intercept=(base,),
        clauses=tuple(clauses),
        slopes=tuple(slopes),
    )


def _skope(fitted: Any, looks: Looks, parts: Parts) -> RuleSetModel:
    """Read rules that vote by their precision: the share of the votes is the probability."""
    votes = [float(rule.args[0]) for rule in fitted.rules_without_feature_names_]
    total = sum(votes)
    clauses = [
        Clause(_conditions(rule, fitted, looks), (vote / total,))
        for rule, vote in zip(fitted.rules_without_feature_names_, votes, strict=True)
        if vote
    ]
    return RuleSetModel(**parts, link="clip", intercept=(0.0,), clauses=tuple(clauses))


_TERM = re.compile(r"(\S+) (<=|>=|==|<|>) (\S+)")


def _conditions(rule: Any, fitted: Any, looks: Looks) -> tuple[Condition, ...]:
    """Read the conditions of a rule in the form that imodels evaluates."""
    places = {name: place for place, name in enumerate(fitted.feature_placeholders)}
    found: list[Condition] = []
    for (name, sign), bound in sorted(rule.agg_dict.items()):
        if sign == "==" and bound == name:  # "c == c" holds for every row
            continue
        if sign == "==":
            found.append(looks.among(places[name], [float(bound)], False))
        else:
            found.append(looks.compares(places[name], sign, float(bound)))
    return tuple(found)


def _slim(fitted: Any, looks: Looks, parts: Parts) -> Readable:
    rest = {name: part for name, part in parts.items() if name != "classes"}
    link = "logit" if parts["classes"] else "identity"
    inner = fitted.model_
    found = linear(inner.coef_, inner.intercept_, looks, classes=parts["classes"], link=link, parts=rest)
    assert isinstance(found, RuleSetModel)
    return found


_READERS: dict[str, Callable[[Any, Looks, Parts], Readable]] = {
    **dict.fromkeys((*_SHRUNK, "HSDecisionTreeCCPClassifierCV", "HSDecisionTreeCCPRegressorCV"), _wrapped),
    **dict.fromkeys(("DecisionTreeCCPClassifier", "DecisionTreeCCPRegressor"), _wrapped),
    **dict.fromkeys(("TaoTreeClassifier", "TaoTreeRegressor"), _wrapped),
    **dict.fromkeys(("GreedyTreeClassifier", "GreedyTreeRegressor"), _greedy),
    **dict.fromkeys(("FIGSClassifier", "FIGSRegressor"), _figs),
    "BoostedRulesClassifier": _boosted_rules,
    **dict.fromkeys(("TreeGAMClassifier", "TreeGAMRegressor"), _tree_gam),
    **dict.fromkeys(("IRFClassifier", "IRFRegressor"), _forest),
    **dict.fromkeys(("GreedyRuleListClassifier", "OneRClassifier", "FastFrugalTreeClassifier"), _rule_list),
    "BayesianRuleListClassifier": _bayesian,
    "C45TreeClassifier": _c45,
    **dict.fromkeys(("RuleFitClassifier", "RuleFitRegressor"), _rule_fit),
    **dict.fromkeys(("FPLassoClassifier", "FPLassoRegressor"), _rule_fit),
    **dict.fromkeys(("SkopeRulesClassifier", "FPSkopeClassifier"), _skope),
    **dict.fromkeys(("SLIMClassifier", "SLIMRegressor"), _slim),
}
