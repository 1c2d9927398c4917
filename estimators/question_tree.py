"""Trees of questions, however the questions were found: a row is asked only what stands on its path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_reweighing import crossed_scores
from interpllm.estimators.concept_rows import ConceptRows
from interpllm.estimators.concept_search import Task
from interpllm.estimators.question_base import QuestionEstimator
from interpllm.llm import as_session
from interpllm.runtime import ConceptTree, Node, Question
from interpllm.select.path import column_means
from interpllm.select.tree import Branch, Tree, counted


class QuestionTree(QuestionEstimator):
    """Answers of a fitted tree of questions; stands left of the text mixins."""

    _decides = True

    def _weighed_anew(
        self, model: ConceptTree, answered: Array, values: Array, task: Task, texts: list[str]
    ) -> tuple[ConceptTree, dict[str, float]]:
        tree = [Branch(n.question, n.yes, n.no, np.array(n.value), n.n_rows) for n in model.nodes]

        def learn(rows: NDArray[np.intp], of: Array) -> Any:
            return counted(tree, of[rows], task.y[rows], task.classes, task.weight[rows]).predict

        figures = crossed_scores(learn, answered, values, task, self.random_state)
        anew = counted(tree, answered, task.y, task.classes, task.weight)
        nodes = [Node(b.column, b.yes, b.no, tuple(map(float, b.value)), b.n_rows) for b in anew.branches]
        means = tuple(map(float, column_means(answered)))
        return replace(model, nodes=tuple(nodes), means=means), figures

    def _answers(self, rows: ConceptRows) -> dict[str, list[float]]:
        if rows.texts is None:
            return super()._answers(rows)
        named = set(rows.columns)
        given = rows.answered([q for q in self.model_.questions if {q.id, q.text} & named])
        answering = self._answering(as_session(self.llm, cache=self.cache), rows)
        question = {q.id: q for q in self.model_.questions}

        def answer(name: str, at: list[int]) -> list[float]:
            return answering.values([question[name]], np.array(at, dtype=np.intp))[:, 0].tolist()

        return {**given, **self.model_.ask(rows.texts, answer, given)}


def tree_of(
    tree: Tree, questions: Sequence[Question], values: Array, task: Task, meta: dict[str, Any]
) -> ConceptTree:
    """The readable model of a tree that was grown; questions that it does without are left out.

    Parameters
    ----------
    tree : Tree
    questions : sequence of Question (n_questions,)
    values : array (n_rows, n_questions)
        Their answers, on the rows that it was grown on.
    task : Task
    meta : dict
        For the document.
    """
    asked = tree.columns
    place = {int(column): number for number, column in enumerate(asked)}
    return ConceptTree(
        task="classification" if task.classes else "regression",
        target=task.target,
        classes=tuple(task.classes),
        nodes=tuple(
            Node(
                None if b.column is None else place[b.column],
                b.yes,
                b.no,
                tuple(map(float, b.value)),
                b.n_rows,
            )
            for b in tree.branches
        ),
        questions=tuple(questions[column] for column in asked),
        means=tuple(map(float, column_means(values[:, asked]))),
        n_rows=len(values),
        meta=meta,
    )
