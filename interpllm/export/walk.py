"""One walk over a model: whatever its kind, it becomes the same few parts, which renderers write down.

A model is tables of n-grams, lexicons and columns that are looked at, and parts whose values add up to
totals: the score of a table, an answer times weights, the leaf of a tree, a column times weights. A rule
list is a tree whose no branches go on to the next rule; a rule of a set is a tree of two leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from interpllm.errors import ExportError
from interpllm.runtime import (
    ConceptLinear,
    ConceptTree,
    LinearModel,
    Model,
    RuleListModel,
    RuleSetModel,
    Slope,
    TreeModel,
    Vectorizer,
)
from interpllm.runtime.ledger import Label

#: No engine but Python holds whole numbers beyond this as they are.
_EXACT = 2**53


class Score(NamedTuple):
    """The scores of a table are added.

    Attributes
    ----------
    table : int
        Its number.
    """

    table: int


class Answer(NamedTuple):
    """The probability that a table gives its second class is added, times weights.

    Attributes
    ----------
    table : int
        Its number.
    weights : tuple of float
        One a total.
    """

    table: int
    weights: tuple[float, ...]


class Weighed(NamedTuple):
    """The numbers that a vectorizer gives phrases are added, times weights.

    Attributes
    ----------
    weights : tuple of (str, tuple of float)
        Phrase, one weight a total.
    """

    weights: tuple[tuple[str, tuple[float, ...]], ...]


class Step(NamedTuple):
    """One node of a tree.

    Attributes
    ----------
    conditions : tuple of tuple
        All have to hold; none at a leaf. ``("mentions", lexicon, negated)``, ``("answer", table, negated)``,
        ``("term", phrase, sign, bound)``, ``("column", name, sign, bound)``, ``("is", name, values,
        negated)``.
    yes, no : int
        Numbers of the nodes that follow; 0 at a leaf.
    value : tuple of float
        Of a leaf: one a total.
    missing : bool
        Whether a row goes to the yes branch of which a condition cannot be told.
    """

    conditions: tuple[tuple[Any, ...], ...]
    yes: int
    no: int
    value: tuple[float, ...]
    missing: bool = False


class Tree(NamedTuple):
    """The value of a row's leaf is added.

    Attributes
    ----------
    steps : tuple of Step
        The root first, each before those that it leads to.
    """

    steps: tuple[Step, ...]


Part = Score | Answer | Tree | Slope | Weighed


@dataclass(frozen=True)
class Plan:
    """What a model does, in parts that an engine can be told.

    Attributes
    ----------
    classes : tuple
        Empty for regression.
    link : {"identity", "share", "clip", "logit"}
        What totals are, as of :class:`interpllm.runtime.TreeModel`.
    base : tuple of float
        One a total: where adding starts.
    mean : bool
        Whether the parts are averaged instead (`base` is zero then).
    text : str
        Column of the text; "" if rows are texts.
    reads_text : bool
    columns : mapping of str to str
        Column that is looked at -> "number" or "value".
    tables : tuple of LinearModel
        Tables of n-grams.
    lexicons : tuple of tuple of str
    vectorizer : Vectorizer or None
    parts : tuple of Score, Answer, Tree, Slope or Weighed
    questions : mapping of int to str
        Number of a table -> the question that it answers.
    """

    classes: tuple[Label, ...]
    link: str
    base: tuple[float, ...]
    mean: bool
    text: str
    reads_text: bool
    columns: Mapping[str, str]
    tables: tuple[LinearModel, ...]
    lexicons: tuple[tuple[str, ...], ...]
    vectorizer: Vectorizer | None
    parts: tuple[Part, ...]
    questions: Mapping[int, str]

    def conditions(self) -> list[tuple[Any, ...]]:
        """List the distinct conditions of all trees, in the order of the nodes."""
        trees = (part for part in self.parts if isinstance(part, Tree))
        found = (condition for tree in trees for step in tree.steps for condition in step.conditions)
        return list(dict.fromkeys(found))

    @property
    def terms(self) -> list[str]:
        """The phrases of which a vectorizer's numbers are compared or weighed."""
        compared = [condition[1] for condition in self.conditions() if condition[0] == "term"]
        weighed = [phrase for p in self.parts if isinstance(p, Weighed) for phrase, _ in p.weights]
        return list(dict.fromkeys([*compared, *weighed]))


def lower(model: Model) -> Plan:
    """Take a model apart.

    Parameters
    ----------
    model : any kind of model

    Returns
    -------
    Plan

    Raises
    ------
    ExportError
        If a question of the model needs a language model.
    """
    require_deployable(model)
    return _Walk(model).plan()


def require_deployable(model: Model) -> None:
    """Refuse a model that cannot predict by itself.

    Raises
    ------
    ExportError
        With the questions that need a language model, and what to do.
    """
    if isinstance(model, LinearModel) or model.deployable:
        return
    missing = [question for question in model.questions if question.id in model.unanswered]
    raise ExportError(
        "a file that predicts by itself cannot ask a language model, and questions have no stand-in: "
        + "; ".join(f"{question.id} {question.text!r:.120}" for question in missing)
        + ". Distil the model first (interpllm distill), or export it to .json; nothing was written"
    )


def require_plain_labels(plan: Plan, engine: str) -> None:
    """Refuse classes and values of columns that an engine without whole numbers of any size would change.

    Raises
    ------
    ExportError
        If a whole number is too large.
    """
    values = [value for c in plan.conditions() if c[0] == "is" for value in c[2]]
    for value in (*plan.classes, *values):
        if isinstance(value, int) and abs(value) > _EXACT:
            raise ExportError(
                f"{engine} cannot tell the whole number {value} from its neighbours; name such classes and "
                "values by strings, or export to .py; nothing was written"
            )


@dataclass
class _Walk:
    """The walk: collects what is looked at while it goes through the parts."""

    model: Model
    tables: list[LinearModel] = field(default_factory=list)
    lexicons: dict[tuple[str, ...], int] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)

    def plan(self) -> Plan:
        """Walk."""
        model = self.model
        parts = self.parts()
        linear = isinstance(model, LinearModel | ConceptLinear)
        summed = isinstance(model, RuleSetModel) or (isinstance(model, TreeModel) and model.combine == "sum")
        if isinstance(model, LinearModel | ConceptLinear | ConceptTree):
            link = "identity" if not model.classes else "logit" if linear else "share"
            text, reads_text, columns, vectorizer = "", True, {}, None
        else:
            link, text, reads_text = model.link, model.text, model.reads_text
            columns, vectorizer = dict(model.columns), model.vectorizer
        n_totals = len(model.classes) if link == "share" else model.n_outputs
        if isinstance(model, ConceptLinear | RuleSetModel) or (isinstance(model, TreeModel) and summed):
            base = model.intercept
        else:
            base = (0.0,) * n_totals
        return Plan(
            classes=model.classes,
            link=link,
            base=base,
            mean=not linear and not summed,
            text=text,
            reads_text=reads_text,
            columns=columns,
            tables=tuple(self.tables),
            lexicons=tuple(self.lexicons),
            vectorizer=vectorizer,
            parts=tuple(parts),
            questions=self.questions(),
        )

    def parts(self) -> list[Part]:
        """List the parts of the model."""
        model = self.model
        if isinstance(model, LinearModel):
            return [self.score(model)]
        if isinstance(model, ConceptLinear):
            answers = [
                Answer(self.question(question.id), weights)
                for question, weights in zip(model.questions, model.weights, strict=True)
            ]
            return [*answers, *([self.score(model.residual)] if model.residual else [])]
        if isinstance(model, ConceptTree):
            steps = [
                Step((), 0, 0, node.value)
                if node.question is None
                else Step(
                    (("answer", self.question(model.questions[node.question].id), False),),
                    node.yes or 0,
                    node.no or 0,
                    (),
                )
                for node in model.nodes
            ]
            return [Tree(tuple(steps))]
        if isinstance(model, TreeModel):
            return [Tree(tuple(self.step(node) for node in tree)) for tree in model.trees]
        if isinstance(model, RuleListModel):
            return [self.chain(model)]
        zeros = (0.0,) * len(model.intercept)
        rules = [
            Tree((Step(self.lowered(clause.conditions), 1, 2, ()), _leaf(clause.value), _leaf(zeros)))
            if clause.conditions
            else Tree((_leaf(clause.value),))
            for clause in model.clauses
        ]
        weighed = [Weighed(tuple(model.term_weights.items()))] if model.term_weights else []
        return [*rules, *model.slopes, *weighed]

    def step(self, node: Any) -> Step:
        """Take a node of a tree of conditions apart."""
        if node.condition is None:
            return _leaf(node.value)
        return Step(self.lowered([node.condition]), node.yes, node.no, (), node.missing == "yes")

    def chain(self, model: RuleListModel) -> Tree:
        """Make a tree of a rule list; a rule without conditions ends it."""
        steps: list[Step] = []
        for conditions, value, _ in model.clauses:
            if not conditions:
                return Tree((*steps, _leaf(value)))
            place = len(steps)
            steps += [Step(self.lowered(conditions), place + 1, place + 2, ()), _leaf(value)]
        return Tree((*steps, _leaf(model.otherwise)))

    def lowered(self, conditions: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
        """Give conditions by the numbers of what they look at."""
        found = []
        for condition in conditions:
            plain = condition.plain
            if plain[0] == "mentions":
                plain = ("mentions", self.lexicon(condition.phrases), condition.negated)
            elif plain[0] == "answer":
                plain = ("answer", self.question(plain[1]), plain[2])
            found.append(plain)
        return tuple(found)

    def score(self, table: LinearModel) -> Score:
        """Keep a table whose scores are added."""
        self.tables.append(table)
        return Score(len(self.tables) - 1)

    def question(self, name: str) -> int:
        """Give the number of the table that answers a question."""
        if name not in self.asked:
            assert not isinstance(self.model, LinearModel)
            self.tables.append(self.model.stand_ins[name])
            self.asked[name] = len(self.tables) - 1
        return self.asked[name]

    def questions(self) -> dict[int, str]:
        """Give the questions by the numbers of the tables that answer them."""
        if isinstance(self.model, LinearModel):
            return {}
        texts = {question.id: question.text for question in self.model.questions}
        return {number: texts[name] for name, number in self.asked.items()}

    def lexicon(self, phrases: Sequence[str]) -> int:
        """Give the number of a lexicon."""
        return self.lexicons.setdefault(tuple(phrases), len(self.lexicons))


def _leaf(value: Sequence[float]) -> Step:
    return Step((), 0, 0, tuple(value))
