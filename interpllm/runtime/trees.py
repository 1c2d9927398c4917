"""Trees of conditions: one that is read from the root to a leaf, or several whose leaves are put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import fsum
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.conditions import Condition
from interpllm.runtime.ledger import Contribution, Ledger, Rule, Step
from interpllm.runtime.printing import branches, header, numbers, outcome
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_scoring import Branch, Row, TreesScorer, scores_of, tree_path

Tree = tuple[Branch, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class TreeModel(RowModel):
    """One tree of conditions, or several.

    A row goes through each tree from its root: where the condition of a node holds to the yes branch, where
    not to the no branch, and where that cannot be told (a missing value) the way the node says.

    Parameters
    ----------
    task : {"classification", "regression"}
    target : str
        Name of what is predicted; "" if unknown.
    classes : sequence of str, int, float or bool
        Empty for regression.
    trees : sequence of sequence of Branch
        Each the root first, each node before those that it leads to.
    combine : {"mean", "sum"}
        The total of a row is the mean of its leaves' values, or `intercept` plus their sum.
    intercept : sequence of float
        Of a sum; empty is zero.
    link : {"identity", "share", "clip", "logit"}
        What a total is: the value itself (regression); the probabilities of the classes; that of the second
        one, kept within 0 and 1; log-odds of the second of two classes, or one a class.
    text : str
        Name of the column that holds the text, where rows have columns.
    stand_ins : mapping of str to LinearModel, optional
        Id of a question -> the model of classes (False, True) that answers it without a language model.
    vectorizer : Vectorizer, optional
        What gives phrases the numbers that conditions compare.
    base : sequence of float
        Of the training rows: the shares of the classes, or the mean; empty if unknown.
    evidence : sequence of RuleEvidence, optional
        One a leaf, in the order of the nodes, tree by tree.
    n_rows : int
        Number of training rows; 0 if unknown.
    meta : mapping, optional
        Anything that JSON can hold: how the model was made, its figures.

    Raises
    ------
    InputError
        If the parts do not make a model; the message names the first that does not fit.
    """

    trees: tuple[Tree, ...]
    combine: str = "mean"
    intercept: tuple[float, ...] = ()

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.require(
            self.combine in ("mean", "sum"), f"combine is 'mean' or 'sum', not {self.combine!r:.40}"
        )
        checks.require(
            self.combine == "mean" or self.link != "share",
            "shares are averaged, not summed",
        )
        intercept = checks.numbers(self.intercept, "intercept") or (0.0,) * self.n_totals
        checks.require(len(intercept) == self.n_totals, f"intercept has {len(intercept)} numbers")
        checks.require(self.combine == "sum" or not any(intercept), "a mean of trees has no intercept")
        self._settle("intercept", intercept)
        trees = tuple(
            tuple(self._branch(f"node {n} of tree {t + 1}", n, node) for n, node in enumerate(tree))
            for t, tree in enumerate(self.trees)
        )
        self._settle("trees", trees)
        checks.require(bool(trees), "there is no tree; a model that decides nothing is one leaf")
        for t, tree in enumerate(trees, start=1):
            checks.require(bool(tree), f"tree {t} has no node; a tree without conditions is one leaf")
            children = sorted(child for node in tree for child in (node.yes, node.no) if child is not None)
            checks.require(
                children == list(range(1, len(tree))),
                f"tree {t} is not a tree: each node but the first is a branch of one earlier node",
            )
        self._check_parts()
        self._check_evidence(sum(node.condition is None for tree in trees for node in tree))

    def _branch(self, what: str, number: int, node: Sequence[Any]) -> Branch:
        checks.require(len(node) in (5, 6), f"{what} is not (condition, yes, no, value, n_rows, missing)")
        condition, yes, no, value, n_rows, missing = Branch(*node)
        checks.require(missing in ("yes", "no"), f"missing of {what} is yes or no, not {missing!r:.40}")
        if condition is None:
            checks.require(yes is None and no is None, f"{what} leads on and has no condition")
        else:
            checks.require(isinstance(condition, Condition), f"{what} has {condition!r:.80} for a condition")
            yes, no = checks.whole(yes, f"yes of {what}"), checks.whole(no, f"no of {what}")
            checks.require(number < yes and number < no and yes != no, f"{what} leads back")
        return Branch(
            condition,
            yes,
            no,
            self._check_value(value, what),
            checks.whole(n_rows, f"n_rows of {what}"),
            missing,
        )

    def conditions(self) -> Iterator[Condition]:
        """Go through the conditions of all nodes."""
        return (node.condition for tree in self.trees for node in tree if node.condition is not None)

    @property
    def n_terms(self) -> int:
        """Number of nodes with a condition."""
        return sum(1 for _ in self.conditions())

    @property
    def n_leaves(self) -> int:
        """Number of nodes that decide, over all trees."""
        return sum(map(len, self.trees)) - self.n_terms

    @cached_property
    def _scorer(self) -> TreesScorer:
        plain = [
            [n._replace(condition=n.condition and n.condition.plain) for n in tree] for tree in self.trees
        ]
        return TreesScorer(plain, self.combine, self.intercept)

    def _totals(self, row: Row) -> list[float]:
        return self._scorer.totals(row)

    def _explain(self, row: Row) -> Ledger:
        """Let each condition on a row's paths move the score by what its branch differs (Saabas 2014)."""
        scale = 1.0 / len(self.trees) if self.combine == "mean" else 1.0
        roots = [tree[0].value for tree in self.trees]
        start = [scale * fsum(column) for column in zip(*roots, strict=True)]
        base = [a + b for a, b in zip(self.intercept, start, strict=True)]
        moves: dict[Condition, list[float]] = {}
        steps: dict[Condition, Step] = {}
        told = []
        for part, (tree, plain) in enumerate(zip(self.trees, self._scorer.trees, strict=True)):
            path = tree_path(plain, row)
            for here, there in pairwise(path):
                condition = tree[here].condition
                if condition not in steps:
                    steps[condition] = self._step(condition, row, part)
                told.append(steps[condition]._replace(part=part))
                step = [scale * (b - a) for a, b in zip(tree[here].value, tree[there].value, strict=True)]
                before = moves.setdefault(condition, [0.0] * len(step))
                moves[condition] = [a + b for a, b in zip(before, step, strict=True)]
        totals = self._totals(row)
        scores = scores_of(totals, self.link)
        linear = self.link != "clip"
        contributions = [
            Contribution(
                steps[condition].condition,
                steps[condition].spans,
                tuple(self._moved(step, linear)),
                steps[condition].question,
                steps[condition].answer,
            )
            for condition, step in moves.items()
        ]
        if not linear:  # what keeping the total within 0 and 1 takes away has to stand somewhere
            rest = scores[0] - (2.0 * base[0] - 1.0) - fsum(c.values[0] for c in contributions)
            if abs(rest) > 1e-12:
                contributions.append(Contribution("kept within 0 and 1", (), (rest,)))
        contributions.sort(key=lambda c: -max(map(abs, c.values)))
        return Ledger(
            text=row.text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=tuple(scores_of(base, self.link) if linear else [2.0 * base[0] - 1.0]),
            contributions=tuple(contributions),
            coverage=1.0 if moves else 0.0,
            classes=self.classes,
            path=tuple(told),
        )

    def _moved(self, step: list[float], linear: bool) -> list[float]:
        """Turn a move of the totals into one of the scores."""
        if self.link == "share" and len(step) == 2:
            return [step[1] - step[0]]
        return step if linear else [2.0 * step[0]]

    def rules(self) -> list[Rule]:
        """List the paths to the leaves as statements about rows.

        Returns
        -------
        list of Rule
            One a leaf, strongest first. The weight is the probability of `prediction` (regression: the leaf's
            mean less the root's); of trees that are summed, what the leaf adds.
        """
        found, leaf = [], 0
        for t, tree in enumerate(self.trees, start=1):
            paths: list[tuple[str, ...]] = [()] * len(tree)
            for node, path in zip(tree, paths, strict=True):
                if node.condition is None or node.yes is None or node.no is None:
                    found.append(self._rule(t, path, node, tree[0], leaf))
                    leaf += 1
                    continue
                paths[node.yes] = (*path, str(node.condition))
                paths[node.no] = (*path, f"not ({node.condition})")
        return sorted(found, key=lambda rule: (-abs(rule.weight), -(rule.support or 0), rule.phrase))

    def _rule(self, tree: int, path: tuple[str, ...], leaf: Branch, root: Branch, number: int) -> Rule:
        name = " and ".join(path) or "every row"
        if len(self.trees) > 1:
            name = f"tree {tree}: {name}"
        evidence = self.evidence[number] if self.evidence else None
        precision: float | None
        if self.link == "share":
            prediction = self._decide(scores_of(leaf.value, self.link))
            weight = precision = leaf.value[self.classes.index(prediction)]
        elif self.combine == "mean" and self.link == "identity":
            weight, precision = leaf.value[0] - root.value[0], leaf.value[0]
            prediction = self._lean([weight])[0]
        else:
            prediction, weight = self._lean(leaf.value)
            precision = None
        support: int | None = leaf.n_rows if self.n_rows else None
        rest: tuple[Any, ...] = ()
        if evidence is not None:
            support, precision = evidence.support, evidence.precision
            rest = evidence.rest[1:]
        coverage = support / self.n_rows if support is not None and self.n_rows else None
        return Rule(name, name, prediction, weight, support, coverage, precision, *rest)

    def __str__(self) -> str:
        how = "" if len(self.trees) == 1 and self.combine == "mean" else f"trees: {self.combine}"
        if any(self.intercept):
            how += f"; intercept: {numbers(self.intercept)}"
        lines = header(self, [how] if how else [])
        for t, tree in enumerate(self.trees, start=1):
            lines += ["", f"tree {t}"] if len(self.trees) > 1 else [""]
            lines += branches(tree, self._line)
        return "\n".join(lines)

    def _line(self, node: Branch) -> str:
        what = f"{numbers(node.value)}; {node.n_rows} rows"
        if node.condition is None:
            return f"-> {outcome(self, node.value)} ({what})"
        missing = "; missing: yes" if node.missing == "yes" else ""
        return f"if {node.condition} ({what}{missing})"

    def __repr__(self) -> str:
        n = len(self.trees)
        return f"<TreeModel: {self.task}, {n} tree{'' if n == 1 else 's'}, {self.n_leaves} leaves>"
