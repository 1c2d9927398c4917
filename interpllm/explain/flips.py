"""The fewest conditions or answers to flip, for models that decide by conditions: an exact search.

Such a model reads conditions one after the other, and what it reads next depends on what it has found. Let
S be a smallest set of flips that leads to a wanted decision. Every flip of S is read on the way to it (one
that is not could be left out), so S can be put in the order of reading; and up to the reading of its next
flip, the model reads the same with the flips before alone. So all such S are found by flipping, time and
again, one condition that is read after the last flip, and each S is met once: of a tree, each path to a leaf
once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from interpllm.explain.conditions import Atom, atom_of, possible
from interpllm.runtime import ConceptTree, RuleListModel, RuleSetModel, TreeModel
from interpllm.runtime.row_scoring import ListScorer, Row, SetScorer, TreesScorer, holds, scores_of
from interpllm.runtime.scoring import winner
from interpllm.runtime.tree_scoring import TreeScorer, decision

MOST_SETS = 20_000
"""Sets of flips that are tried for a row before the search gives up, and says so."""

Truth = Mapping[Atom, bool | None]
Read = Callable[[Truth], tuple[list[float], list[Atom]]]
"""From which conditions hold to the scores, and to the conditions that were read, in order."""


class Flips(NamedTuple):
    """What a search found.

    Attributes
    ----------
    flips : mapping of Atom to bool, or None
        The conditions to flip, in the order of reading, and whether they then hold; None if none were found.
    scores : list of float
        After the flips.
    ways : int
        How many sets of this size lead there; the one that is told is the first in the order of reading.
    complete : bool
        Whether every set that could be smaller, or lead there at all, was tried.
    tried : int
        Sets.
    """

    flips: Mapping[Atom, bool] | None
    scores: list[float]
    ways: int
    complete: bool
    tried: int


def fewest_flips(read: Read, truth: Truth, wanted: Callable[[int], bool]) -> Flips:
    """The smallest set of conditions whose flips lead to a wanted class.

    Parameters
    ----------
    read : callable
        The model.
    truth : mapping
        Which conditions hold for the row. One of which that cannot be told may become either.
    wanted : callable
        Whether the class at a position is.
    """
    level: list[dict[Atom, bool]] = [{}]
    tried = 0
    while level:
        found: list[tuple[dict[Atom, bool], list[float]]] = []
        longer: list[dict[Atom, bool]] = []
        for flips in level:
            if tried == MOST_SETS:
                told = found[0] if found else (None, [])
                return Flips(told[0], told[1], len(found), bool(found), tried)
            tried += 1
            now = {**truth, **flips}
            scores, order = read(now)
            if wanted(winner(scores)) and possible({atom: now[atom] for atom in order}):
                found.append((flips, scores))
                continue
            if len(longer) > MOST_SETS:  # more than will be tried
                continue
            after = order.index(next(reversed(flips))) + 1 if flips else 0
            longer += [
                {**flips, atom: value}
                for atom in order[after:]
                for value in ((True, False) if truth[atom] is None else (not truth[atom],))
            ]
        if found:
            return Flips(*found[0], len(found), True, tried)
        level = longer
    return Flips(None, [], 0, True, tried)


@dataclass(frozen=True)
class Conditional:
    """A row, and a model that decides on it by conditions alone.

    Parameters
    ----------
    read : callable
    truth : mapping of Atom to bool or None
    """

    read: Read
    truth: Truth


def conditional(model: Any, inputs: Sequence[Any]) -> list[Conditional]:
    """The rows of a tree, a rule list or a rule set, as functions of which conditions hold."""
    if isinstance(model, ConceptTree):
        return _of_questions(model, inputs)
    atoms = {condition: atom_of(condition) for condition in model.conditions()}
    read = _reader(model)
    return [
        Conditional(
            lambda truth, row=row: read(truth, row),  # type: ignore[misc]
            {atom: holds(atom.condition.plain, row) for atom, _ in atoms.values()},
        )
        for row in model._rows(*inputs, *([None] * (2 - len(inputs))))
    ]


class _Told(Row):
    """A row whose conditions hold as they are told to; its columns and terms are its own."""

    def __init__(self, row: Row, truth: Truth) -> None:
        super().__init__("", row.columns, {}, {})
        self._terms = row.terms()
        self._truth = truth
        self.order: dict[Atom, None] = {}

    def answer(self, name: Any) -> float:
        self.order[name] = None
        held = self._truth[name]
        return float("nan") if held is None else float(held)


def _reader(model: Any) -> Callable[[Truth, Row], tuple[list[float], list[Atom]]]:
    """The model's own scorer, in which each condition is a question whose answer is told."""

    def told(condition: Any) -> tuple[Any, ...]:
        atom, negated = atom_of(condition)
        return ("answer", atom, negated)

    scorer: Any
    if isinstance(model, TreeModel):
        trees = [
            [n if n.condition is None else n._replace(condition=told(n.condition)) for n in tree]
            for tree in model.trees
        ]
        scorer = TreesScorer(trees, model.combine, model.intercept)
    else:
        clauses = [([*map(told, clause.conditions)], clause.value) for clause in model.clauses]
        if isinstance(model, RuleListModel):
            scorer = ListScorer(clauses, model.otherwise)
        else:
            assert isinstance(model, RuleSetModel)
            scorer = SetScorer(clauses, model.slopes, model.term_weights, model.intercept)

    def read(truth: Truth, row: Row) -> tuple[list[float], list[Atom]]:
        trial = _Told(row, truth)
        return scores_of(scorer.totals(trial), model.link), list(trial.order)

    return read


def _of_questions(model: ConceptTree, inputs: Sequence[Any]) -> list[Conditional]:
    from interpllm.runtime import Answered

    atoms = [atom_of(Answered(question))[0] for question in model.questions]
    scorer = TreeScorer(model.nodes, [])

    def read(truth: Truth) -> tuple[list[float], list[Atom]]:
        order: dict[Atom, None] = {}

        def answer(place: int) -> float:
            order[atoms[place]] = None
            held = truth[atoms[place]]
            return float("nan") if held is None else float(held)

        return decision(scorer.path(answer)[-1].value), list(order)

    return [
        Conditional(read, {atom: None if a is None else a > 0.5 for atom, a in zip(atoms, row, strict=True)})
        for row in answers_of(model, inputs)
    ]


def answers_of(model: Any, inputs: Sequence[Any]) -> list[list[float | None]]:
    """The answers to all questions of a model, row by row: as given, else by its stand-ins."""
    from interpllm.runtime.concept_model import known
    from interpllm.runtime.concept_scoring import Cut

    texts, answers = (*inputs, None)[:2]
    found = []
    for text, given in zip(*model._rows(texts, answers), strict=True):
        cut = Cut(text)
        found.append(
            [
                known(given[place] if place in given else cut.yes(model._stand_in_scorers[place]))
                for place in range(len(model.questions))
            ]
        )
    return found
