"""Sums of n-grams and models of questions that were printed, read back line by line."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from interpllm.errors import InputError
from interpllm.runtime import checks
from interpllm.runtime.conditions import Answered, Condition
from interpllm.runtime.features import Question
from interpllm.runtime.grammar import Reader
from interpllm.runtime.header_parsing import At, Lines, Parts, n_outputs
from interpllm.runtime.row_parsing import read_trees
from interpllm.runtime.tree_scoring import Node


class AskedReader(Reader):
    """Reads questions by their ids: two of a model can have one wording."""

    def __init__(self, text: str, by_id: Mapping[str, Question]) -> None:
        super().__init__(text)
        self.by_id = by_id

    def condition(self) -> Condition:
        """Read one condition: a question."""
        return Answered(self.asked())

    def asked(self) -> Question:
        """Read ``yes to <id> "<text>"``."""
        self.need("yes", "to")
        name = self.peek()[1]
        if name not in self.by_id:
            self.fail("the id of one of the questions above")
        self.place += 1
        question, text = self.by_id[name], self.string()
        checks.require(text == question.text, f"question {name} is {question.text!r:.200}, not {text!r:.200}")
        return question


def read_linear(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the n-grams of a LinearModel."""
    checks.require("ngram_range" in parts, "the score is not one of n-grams")
    weights: dict[str, tuple[float, ...]] = {}
    for number, line in body:
        try:
            reader = Reader(line)
            phrase = reader.string()
            reader.need("adds")
            row = reader.numbers()
            reader.end()
            checks.require(phrase not in weights, f"the n-gram {phrase!r:.200} stands twice")
            weights.update(checks.table({phrase: row}, n_outputs(parts), parts["ngram_range"]))
        except InputError as error:
            raise At(number, error) from None
    told = parts.pop("_n_grams")
    if len(weights) != told:
        raise At(_last(body), f"{told} n-grams were announced, and {len(weights)} are there")
    return {"weights": weights}


def read_concept_linear(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the weights of a ConceptLinear; its residual stands elsewhere."""
    if "_gram_lines" not in parts:
        raise InputError("the score is not one of questions")
    weights: dict[str, tuple[float, ...]] = {}
    by_id = {question.id: question for question in questions}
    for number, line in body:
        try:
            reader = AskedReader(line, by_id)
            name = reader.asked().id
            reader.need("adds")
            row = reader.numbers()
            reader.end()
            checks.require(name not in weights, f"question {name} adds twice")
            n = n_outputs(parts)
            checks.require(len(row) == n, f"the weights of question {name} are {len(row)} where {n} belong")
            weights[name] = row
        except InputError as error:
            raise At(number, error) from None
    if missing := [name for name in by_id if name not in weights]:
        raise At(_last(body), f"no line up to here says what question {missing[0]} adds")
    return {
        "questions": questions,
        "means": parts.pop("means", ()),
        "weights": [weights[question.id] for question in questions],
    }


def read_concept_tree(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the nodes of a ConceptTree."""
    trees = read_trees(body, partial(AskedReader, by_id={question.id: question for question in questions}))
    checks.require(len(trees) == 1, f"{len(trees)} trees stand where one belongs")
    places = {question.id: place for place, question in enumerate(questions)}
    nodes = []
    for condition, yes, no, value, n_rows, missing in trees[0]:
        checks.require(missing == "no", "a tree of questions tells nowhere which way a missing answer goes")
        place = places[condition.question.id] if isinstance(condition, Answered) else None
        nodes.append(Node(place, yes, no, value, n_rows))
    return {"questions": questions, "means": parts.pop("means", ()), "nodes": nodes}


def _last(body: Lines) -> int:
    return body[-1][0] if body else 0
