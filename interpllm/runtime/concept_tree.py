"""The tree of questions: a text is asked only what stands on its path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, nan
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.concept_model import Answers, ConceptModel, column_of, known
from interpllm.runtime.concept_scoring import Cut
from interpllm.runtime.evidence import PROPOSER, Evidence, of_class, of_mean
from interpllm.runtime.ledger import Contribution, Ledger, Rule, Step, printable
from interpllm.runtime.model import one_or_more
from interpllm.runtime.tree_scoring import Node, TreeScorer, decision

_ROUNDING = 1e-6

#: What answers a question (by id) for some rows (by number).
Asker = Callable[[str, list[int]], Iterable[float | None]]


@dataclass(frozen=True, kw_only=True, repr=False)
class ConceptTree(ConceptModel):
    """A binary tree of questions; an answer above 1/2 goes to the yes branch.

    A missing answer goes the way that more training rows went (no, if as many went either way). A leaf gives
    the probabilities of the classes, or the mean.

    Parameters
    ----------
    task : {"classification", "regression"}
    target : str
        Name of what is predicted; "" if unknown.
    classes : sequence of str, int, float or bool
        In the order of the nodes' values; empty for regression.
    nodes : sequence of Node
        The root first, each node before those that it leads to.
    questions : sequence of Question
        Each is asked by a node at least.
    means : sequence of float
        One a question: its mean answer over the training rows, for the reader; predictions do not use it.
    stand_ins : mapping of str to LinearModel, optional
        Id of a question -> the model of classes (False, True) that answers it without a language model.
    n_rows : int
        Number of training rows; 0 if unknown.
    meta : mapping, optional
        Anything that JSON can hold: how the model was made, its figures.

    Raises
    ------
    InputError
        If the parts do not make a model; the message names the first that does not fit.
    """

    nodes: tuple[Node, ...]

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        nodes = tuple(self._node(number, node) for number, node in enumerate(self.nodes))
        self._settle("nodes", nodes)
        checks.require(bool(nodes), "the tree has no node; a tree without questions is one leaf")
        children = sorted(child for node in nodes for child in (node.yes, node.no) if child is not None)
        checks.require(
            children == list(range(1, len(nodes))),
            "the nodes are not a tree: each but the first has to be the yes or no branch of one earlier node",
        )
        asked = {node.question for node in nodes}
        for place, question in enumerate(self.questions):
            checks.require(place in asked, f"no node asks question {question.id}; leave it out of the model")

    def _node(self, number: int, node: Sequence[Any]) -> Node:
        """Check a node by itself."""
        what = f"node {number}"
        checks.require(
            isinstance(node, Sequence) and len(node) == 5,
            f"{what} is not a Node(question, yes, no, value, n_rows)",
        )
        question, yes, no, value, n_rows = node
        ends = [part is None for part in (question, yes, no)]
        checks.require(all(ends) or not any(ends), f"{what} has a question or branches but not both")
        if question is not None:
            question, yes, no = (checks.whole(part, f"a part of {what}") for part in (question, yes, no))
            checks.require(
                question < len(self.questions), f"{what} asks question {question}, which is not there"
            )
            checks.require(min(yes, no) > number, f"{what} leads back to an earlier node")
        numbers = checks.numbers(value, f"the value of {what}")
        n = max(len(self.classes), 1)
        checks.require(len(numbers) == n, f"the value of {what} has {len(numbers)} numbers where {n} belong")
        if self.classes:
            checks.require(
                all(0.0 <= share <= 1.0 for share in numbers) and abs(fsum(numbers) - 1.0) <= _ROUNDING,
                f"the value of {what} is not the shares of the classes: {numbers}",
            )
        return Node(question, yes, no, numbers, checks.whole(n_rows, f"n_rows of {what}"))

    @property
    def n_terms(self) -> int:
        """Number of nodes that ask a question."""
        return len(self.nodes) - self.n_leaves

    @property
    def n_leaves(self) -> int:
        """Number of nodes that decide."""
        return sum(node.question is None for node in self.nodes)

    @cached_property
    def _scorer(self) -> TreeScorer:
        return TreeScorer(self.nodes, self._stand_in_scorers)

    # --- predict --------------------------------------------------------------------------------------------

    def _paths(
        self, texts: Iterable[str] | None, answers: Answers | None
    ) -> Iterator[tuple[str, Cut, Mapping[int, float], list[Node]]]:
        for text, given in zip(*self._rows(texts, answers), strict=True):
            cut = Cut(text)
            yield text, cut, given, self._scorer.path(self._answer(cut, given))

    def _answer(self, cut: Cut, given: Mapping[int, float]) -> Callable[[int], float]:
        """Give what answers the questions about one text: what is given, else the stand-ins."""

        def answer(place: int) -> float:
            stand_in = self._stand_in_scorers[place]
            return given[place] if place in given or stand_in is None else cut.yes(stand_in)

        return answer

    def _leaves(self, texts: Iterable[str] | None, answers: Answers | None) -> list[Node]:
        return [passed[-1] for _, _, _, passed in self._paths(texts, answers)]

    def decision_function(
        self, texts: Iterable[str] | None, answers: Answers | None = None
    ) -> list[float] | list[list[float]]:
        """Score texts.

        Parameters
        ----------
        texts : iterable of str or None
            None will do where all answers are given.
        answers : mapping of str to sequence of float, optional
            Id of a question -> its answer for each text, from 0 (no) to 1 (yes), NaN or None where it is
            missing or was not asked. Questions that are not named are answered by their stand-ins; names that
            are no question of the model are passed over.

        Returns
        -------
        list of float, or list of list of float
            Regression: the leaf's mean. Two classes: the probability of the second less that of the first.
            More classes: their probabilities.

        Raises
        ------
        InputError
            If a row is not a text, an answer is not one, or a question without a stand-in has no answers.
        """
        leaves = self._leaves(texts, answers)
        return one_or_more([decision(leaf.value) for leaf in leaves], self.n_outputs)

    def predict(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[Any]:
        """Predict the class of texts, or their value.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list
            One of `classes` a text; regression: one float a text.
        """
        return [self._decide(decision(leaf.value)) for leaf in self._leaves(texts, answers)]

    def predict_proba(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[list[float]]:
        """Predict the probabilities of the classes of texts.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of list of float
            One a class and text, in the order of `classes`.

        Raises
        ------
        InputError
            If the model is a regression, too.
        """
        checks.require(bool(self.classes), "a regression model has no probabilities; use predict")
        return [list(leaf.value) for leaf in self._leaves(texts, answers)]

    def ask(
        self, texts: Iterable[str], answer: Asker, answers: Answers | None = None
    ) -> dict[str, list[float]]:
        """Collect the answers that the texts' paths need, and no others.

        Parameters
        ----------
        texts : iterable of str
        answer : callable
            ``answer(id, rows)`` gives the answers to a question for these rows (numbers, ascending), NaN
            or None where one is missing. It is called level by level, once a question and level, and only for
            rows that stand at a node of that question. Questions with a stand-in are answered by it.
        answers : mapping of str to sequence of float, optional
            Answers that are there already, as for :meth:`decision_function`; they stand before stand-ins and
            are not asked for.

        Returns
        -------
        dict of str to list of float
            For :meth:`predict` and the rest: the given answers, and for each other question without a
            stand-in one answer a text, NaN where it was not asked.

        Raises
        ------
        InputError
            If a row is not a text, or answers are too many, too few or none.
        """
        rows, given = checks.texts(texts), self._columns(answers)
        self._fit(given, len(rows))
        known_by = [self._answer(Cut(t), {p: c[row] for p, c in given.items()}) for row, t in enumerate(rows)]
        found = {self.questions[place].id: column for place, column in given.items()}
        to_ask = {name: [nan] * len(rows) for name in self.unanswered if name not in found}
        standing = dict.fromkeys(range(len(rows)), 0)  # row -> the number of its node, until its leaf
        while standing:
            groups: dict[int, list[int]] = {}  # question -> the rows that stand at a node that asks it
            for row, number in sorted(standing.items()):
                if (place := self.nodes[number].question) is not None:
                    groups.setdefault(place, []).append(row)
            after = {}
            for place, group in sorted(groups.items()):
                name = self.questions[place].id
                values = (
                    _asked(answer, name, group) if name in to_ask else [known_by[row](place) for row in group]
                )
                for row, value in zip(group, values, strict=True):
                    if name in to_ask:
                        to_ask[name][row] = value
                    if (child := self._scorer.next(self.nodes[standing[row]], value)) is not None:
                        after[row] = child
            standing = after
        return found | to_ask

    # --- read -----------------------------------------------------------------------------------------------

    def explain(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[Ledger]:
        """Tell how each answer on a text's path moved the prediction.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of Ledger
            The base is the root's score; a question adds the score of the node it leads to less that of its
            own (Saabas 2014), so base + sum of contributions = decision function, to 1e-9.
        """
        return [self._explain(*found) for found in self._paths(texts, answers)]

    def _explain(self, text: str, cut: Cut, given: Mapping[int, float], passed: list[Node]) -> Ledger:
        moves: dict[int, list[float]] = {}
        asked = [node.question for node in passed if node.question is not None]
        for place, node, after in zip(asked, passed[:-1], passed[1:], strict=True):
            step = [b - a for a, b in zip(decision(node.value), decision(after.value), strict=True)]
            moves[place] = [*map(sum, zip(moves[place], step, strict=True))] if place in moves else step
        answer = self._answer(cut, given)
        answers = {place: answer(place) for place in moves}
        contributions = [
            Contribution(
                self.questions[place].text,
                () if place in given else self._reasons(place, text, answers[place]),
                tuple(values),
                self.questions[place].id,
                known(answers[place]),
            )
            for place, values in moves.items()
        ]
        found = {contribution.question: contribution for contribution in contributions}
        told = [found[self.questions[place].id] for place in asked]
        path = tuple(
            Step(c.phrase, None if c.answer is None else c.answer > 0.5, c.spans, 0, c.question, c.answer)
            for c in told
        )
        contributions.sort(key=lambda c: -max(map(abs, c.values)))
        answered = [self._is_answered(place, answers[place], given, cut) for place in moves]
        scores = decision(passed[-1].value)
        return Ledger(
            text=text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=tuple(decision(passed[0].value)),
            contributions=tuple(contributions),
            coverage=sum(answered) / len(answered) if answered else 0.0,
            classes=self.classes,
            path=path,
        )

    def rules(self) -> list[Rule]:
        """List the paths to the leaves as statements about texts.

        Returns
        -------
        list of Rule
            One a leaf, strongest first; see :class:`Rule` for what its weight is.
        """
        paths: list[tuple[str, ...]] = [()] * len(self.nodes)
        sources: list[frozenset[str]] = [frozenset()] * len(self.nodes)
        rules = []
        for node, path, proposers in zip(self.nodes, paths, sources, strict=True):
            if node.question is None or node.yes is None or node.no is None:
                source = "+".join(sorted(proposers)) or "data"
                rules.append(self._rule(" and ".join(path) or "every text", node, source))
                continue
            question = self.questions[node.question]
            paths[node.yes] = (*path, f"yes to: {question}")
            paths[node.no] = (*path, f"no to: {question}")
            proposer = PROPOSER.get(question.source, question.source)
            sources[node.yes] = sources[node.no] = proposers | {proposer}
        return sorted(rules, key=lambda r: (-abs(r.weight), -(r.support or 0), r.phrase))

    def _rule(self, path: str, leaf: Node, source: str) -> Rule:
        root = self.nodes[0]
        coverage = leaf.n_rows / root.n_rows if root.n_rows else None
        if not self.classes:
            weight = leaf.value[0] - root.value[0]
            prediction = self._lean([weight])[0]
            found = of_mean(Evidence(leaf.n_rows, leaf.value[0]), source)
        else:
            prediction = self._decide(decision(leaf.value))
            place = self.classes.index(prediction)
            weight = leaf.value[place]
            found = of_class(Evidence(leaf.n_rows, weight), root.value[place], root.n_rows, source)
        return Rule(path, path, prediction, weight, leaf.n_rows, coverage, *found.rest)

    def __str__(self) -> str:
        llm = "none" if self.deployable else ", ".join(self.unanswered)
        lines = [
            self._title(),
            f"{len(self.questions)} questions, {self.n_leaves} leaves; need a language model: {llm}",
            "",
        ]
        ahead = [(0, "", "")]  # the nodes still to draw, with their indent and the answer that leads there
        while ahead:
            number, indent, said = ahead.pop()
            node = self.nodes[number]
            if node.question is None or node.yes is None or node.no is None:
                lines.append(f"{indent}{said}{self._leaf(node)}")
                continue
            lines.append(
                f"{indent}{said}{printable(self.questions[node.question].text)} ({node.n_rows} rows)"
            )
            ahead += [(node.no, f"{indent}    ", "no: "), (node.yes, f"{indent}    ", "yes: ")]
        return "\n".join(lines)

    def _leaf(self, node: Node) -> str:
        shares = ", ".join(f"{value:.3f}" for value in node.value)
        said = printable(str(self._decide(decision(node.value)))) if self.classes else shares
        return (
            f"-> {said} ({shares}; {node.n_rows} rows)" if self.classes else f"-> {said} ({node.n_rows} rows)"
        )

    def __repr__(self) -> str:
        return f"<ConceptTree: {self.task}, {len(self.questions)} questions, {self.n_leaves} leaves>"


def _asked(answer: Asker, name: str, rows: list[int]) -> list[float]:
    """Let a question be answered for some rows, and check that it was."""
    values = column_of(answer(name, list(rows)), name)
    checks.require(
        len(values) == len(rows),
        f"question {name} got {len(values)} answers for {len(rows)} texts; give one each",
    )
    return values
