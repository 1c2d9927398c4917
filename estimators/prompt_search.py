"""Which prompts a tree is grown of: proposed, scored on the rows that select, and judged on others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.estimators.baselines import tfidf
from interpllm.estimators.concept_recipe import WEAK
from interpllm.estimators.concept_rows import ConceptRows
from interpllm.estimators.concept_search import Task
from interpllm.estimators.prompt_answers import Array, PromptAnswering
from interpllm.llm import Session
from interpllm.propose.class_prompt import CALIBRATED_ON
from interpllm.propose.completions import bundled_prompts, propose_prompts
from interpllm.runtime import Question
from interpllm.select.confirm import compare
from interpllm.select.parts import Parts
from interpllm.select.tree import choose_leaves, grow


@dataclass(frozen=True)
class Found:
    """What rows chose.

    Parameters
    ----------
    questions : list of Question
        Those that the tree is grown of on all rows: what the tree of the rows that chose asks, and what
        columns answer, which costs nothing.
    n_leaves : int
    report : dict
    """

    questions: list[Question]
    n_leaves: int
    report: dict[str, Any]


def can_propose(session: Session | None) -> bool:
    """Whether the language model is asked for prompts."""
    return (
        session is not None
        and "complete" in session.capabilities
        and session.identity.get("model") not in WEAK
    )


def candidates(
    session: Session | None,
    rows: ConceptRows,
    task: Task,
    shown: NDArray[np.intp] | None,
    words: Sequence[str],
    n: int,
    seed: int,
) -> tuple[dict[str, str], dict[str, Any] | None]:
    """So many prompts, each with who wrote it, and what became of the other proposals.

    Parameters
    ----------
    session : Session or None
    rows : ConceptRows
    task : Task
    shown : array of int, or None
        Rows that the language model may be shown; None: it is not asked.
    words : sequence of str (n_classes,)
    n : int
    seed : int
    """
    sources: dict[str, str] = {}
    told = None
    if shown is not None and session is not None and rows.texts is not None:
        came = propose_prompts(
            session,
            [rows.texts[row] for row in shown],
            np.searchsorted(np.asarray(task.classes), task.y[shown]),
            n=n,
            words=words,
            task=task.about,
            random_state=seed,
        )
        sources = dict.fromkeys(came.kept, "llm")
        told = asdict(came)
    for prompt in bundled_prompts(task.about, task.target, words):
        if len(sources) < n:
            sources.setdefault(prompt, "bank")
    return sources, told


def search(
    answering: PromptAnswering,
    questions: list[Question],
    task: Task,
    parts: Parts,
    *,
    max_leaves: int,
    max_depth: int | None,
    n_folds: int,
    random_state: int,
) -> Found:
    """Score all prompts on the rows that select, grow a tree, and judge it on the rows that confirm.

    Parameters
    ----------
    answering : PromptAnswering
        The prompts that it asks are calibrated.
    questions : list of Question
    task : Task
    parts : Parts
    max_leaves, max_depth, n_folds, random_state
        As for `interpllm.select.tree.choose_leaves`.
    """
    learn, new = parts.select, parts.confirm
    book = answering.book
    drawn = np.random.default_rng(random_state).permutation(learn)[:CALIBRATED_ON]
    for prompt in book.prompts:
        names = {name for name, asked in book.asks.items() if asked.prompt == prompt}
        if not names & set(answering.rows.columns):
            answering.calibrate(prompt, np.sort(drawn))
    values = np.full((len(task.y), len(questions)), np.nan)
    values[learn] = answering.values(questions, learn)
    shared: dict[str, Any] = {
        "classifies": True, "weight": task.weight[learn], "max_depth": max_depth, "random_state": random_state
    }  # fmt: skip
    n_leaves, scores = choose_leaves(
        values[learn], task.y[learn], max_leaves, groups=task.groups[learn], n_folds=n_folds, **shared
    )
    tree = grow(values[learn], task.y[learn], n_leaves, **shared)
    if not len(tree.columns):
        warnings.warn(
            "No prompt tells more of the label than its overall shares, so the model asks none. Give more "
            "rows, other prompts in prompts=, words that say more of the classes in words=, or another "
            "language model.",
            UserWarning,
            stacklevel=3,
        )
    of_prompt = {
        prompt: [k for k, question in enumerate(questions) if book.asks[question.id].prompt == prompt]
        for prompt in book.prompts
    }
    alone = {prompt: _Alone(answering, questions, columns, task) for prompt, columns in of_prompt.items()}
    table = pd.DataFrame(
        {
            "prompt": list(of_prompt),
            "source": [questions[columns[0]].source for columns in of_prompt.values()],
            "accuracy": [
                float(np.average(one.learned(values, learn) == task.y[learn], weights=task.weight[learn]))
                for one in alone.values()
            ],
            "missing": [int(np.isnan(values[learn, columns[0]]).sum()) for columns in of_prompt.values()],
        }
    )
    best = str(table["prompt"][int(table["accuracy"].argmax())])
    asked = np.union1d(tree.columns, np.array(of_prompt[best], dtype=np.intp)).astype(np.intp)
    values[np.ix_(new, asked)] = answering.values([questions[k] for k in asked], new)
    baselines = {"best prompt": alone[best].predict(values[new])}
    if answering.rows.texts is not None:
        baselines |= tfidf(answering.rows.texts, task.y, learn, new, classifies=True)
    confirmed = compare(
        task.y[new],
        tree.predict(values[new]),
        baselines,
        seen=task.y[learn],
        groups=task.groups[new],
        random_state=random_state,
    )
    report = {
        "rows": {"select": len(learn), "confirm": len(new)},
        "prompts": table,
        "best_prompt": best,
        "leaves": scores,
        "confirm": confirmed,
    }
    free = [k for k, question in enumerate(questions) if question.id in answering.rows.columns]
    grown = np.union1d(tree.columns, np.array(free if n_leaves > 1 else [], dtype=np.intp)).astype(np.intp)
    return Found([questions[column] for column in grown], n_leaves, report)


class _Alone:
    """One prompt as a classifier: the class whose word is likeliest.

    A column of yes and no says nothing of which class a yes speaks for, so there the rows tell, and so they
    do for missing answers.
    """

    def __init__(
        self, answering: PromptAnswering, questions: list[Question], columns: list[int], task: Task
    ) -> None:
        self.columns, self.classes, self.task = np.array(columns), np.asarray(task.classes), task
        book = answering.book
        given = questions[columns[0]].id in answering.rows.columns
        self._stump = given and book.kind == "numbers"

    def learned(self, values: Array, rows: NDArray[np.intp]) -> NDArray[Any]:
        """What it predicts of the rows that it may learn from."""
        y, weight = self.task.y[rows], self.task.weight[rows]
        self.usual = self.classes[np.argmax([weight[y == label].sum() for label in self.classes])]
        if self._stump:
            self.tree = grow(values[np.ix_(rows, self.columns)], y, 2, classifies=True, weight=weight)
        return self.predict(values[rows])

    def predict(self, values: Array) -> NDArray[Any]:
        """Labels (n_rows,)."""
        own = values[:, self.columns]
        if self._stump:
            return self.tree.predict(own)
        missing = np.isnan(own).any(axis=1)
        said = own.argmax(axis=1) if own.shape[1] > 1 else (own[:, 0] > 0.5).astype(int)
        return np.where(missing, self.usual, self.classes[said])
