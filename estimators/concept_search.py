"""From candidates to the few questions that hold: propose, answer, screen, select, confirm.

What proposes sees the proposing rows, what selects the selecting ones too, and the report's figures come from
rows that neither saw.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from interpllm.errors import InputError
from interpllm.estimators.aug_linear import AugLinearClassifier, AugLinearRegressor
from interpllm.estimators.concept_answers import Answering, Array
from interpllm.llm import Session, connect
from interpllm.propose.bank import question_bank
from interpllm.propose.questions import propose_questions
from interpllm.propose.restated import judge_restated
from interpllm.propose.shortlist import shortlist
from interpllm.propose.templates import class_names
from interpllm.runtime import ConceptSet, Question
from interpllm.select.confirm import compare, question_effects
from interpllm.select.parts import Parts
from interpllm.select.path import Path, Weighed, refit, sparse_path
from interpllm.select.screen import screen, suspects
from interpllm.select.sparse import Loss, loss_of
from interpllm.select.stability import selection_frequency

HARDEST = 24
"""Rows that the present questions get most wrong, shown to the next round."""


@dataclass(frozen=True)
class Task:
    """What is to be predicted.

    Parameters
    ----------
    y : array (n_rows,)
        Labels, or values.
    loss : {"logistic", "multinomial", "squared"}
    weight : array (n_rows,)
    groups : array (n_rows,)
        Rows that no split divides.
    classes : list
        Empty for regression.
    target : str
        Name of the label; "" if unknown.
    about : str or None
        What the user says the task is.
    """

    y: NDArray[Any]
    loss: Loss
    weight: Array
    groups: NDArray[np.intp]
    classes: list[Any]
    target: str
    about: str | None


@dataclass(frozen=True)
class Found:
    """The questions that were chosen, and how.

    Parameters
    ----------
    questions : list of Question
        The chosen ones, in the order in which they joined.
    values : array (n_rows, n_questions)
        Their answers on all rows.
    how : Any
        What the estimator chose beside them.
    report : dict
    """

    questions: list[Question]
    values: Array
    how: Any
    report: dict[str, Any]


def candidates(
    answering: Answering,
    concepts: ConceptSet,
    parts: Parts,
    task: Task,
    *,
    session: Session | None,
    n_rounds: int,
    per_round: int,
    n_bank: int,
    cache: Any,
    random_state: int,
) -> tuple[list[Question], list[dict[str, Any]]]:
    """All questions to try: those that people wrote, then rounds of proposals, then the bank's.

    From the second round on the proposer is shown the rows that the questions so far get most wrong.
    """
    found, reports = list(concepts), []
    texts, rows = answering.rows.texts, parts.propose
    names = class_names(task.classes) or [str(label) for label in task.classes] or None
    positions = np.searchsorted(np.asarray(task.classes), task.y[rows]) if task.classes else task.y[rows]
    for number in range(n_rounds):
        assert session is not None, "the recipe asks for no rounds without a model"
        assert texts is not None, "nor without texts"
        wrong = _hardest(answering.values(found, rows), task, rows) if number and found else []
        known = {question.id for question in concepts}
        held = concepts.add(*(question for question in found if question.id not in known))
        proposal = propose_questions(
            session,
            [texts[row] for row in rows],
            positions,
            n=per_round,
            task=task.about,
            classes=names,
            target=task.target or "the label",
            held=held,
            residual=wrong,
            random_state=random_state + number,
        )
        reports.append(proposal.report)
        found += proposal.questions
    ids = {question.id for question in found}
    own = [q for q in question_bank() if q.id not in ids and concepts.allows(q)] if n_bank else []
    if n_bank < len(own):
        assert texts is not None, "the recipe takes all where there are no texts"
        likely = connect("minilm", cache=cache)
        shown = [texts[row] for row in rows]
        own = shortlist(
            likely,
            own,
            shown,
            task.y[rows],
            n_bank,
            classification=bool(task.classes),
            random_state=random_state,
        )
    found += own
    if not found:
        raise InputError(
            "There is no question to ask. Give some in concepts=, let a language model propose with "
            "n_rounds=2, or take the library's own with bank=True."
        )
    return found, reports


@dataclass(frozen=True)
class Screened:
    """Candidates that say something, each something else, on the rows that select.

    Parameters
    ----------
    questions : list of Question
        All candidates that were ever tried.
    values : array (n_select, n_candidates)
    kept : array of int
        Columns that were not dropped.
    first : list of int
        Places in `kept` of the questions that are in the model in any case.
    signs : array (n_kept,) or None
    rows : array of int (n_select,)
    task : Task
    table : DataFrame
        One row a candidate: where it came from, its share of yes, why it was dropped.
    restated : dict or None
        How many questions a language model was asked about that predict nearly all of the label alone, how
        many it says restate it, and how many have no judgement; None where nobody was asked.
    """

    questions: list[Question]
    values: Array
    kept: NDArray[np.intp]
    first: list[int]
    signs: NDArray[np.int64] | None
    rows: NDArray[np.intp]
    task: Task
    table: pd.DataFrame
    restated: dict[str, int] | None


def screened(
    questions: list[Question],
    answering: Answering,
    rows: NDArray[np.intp],
    task: Task,
    *,
    locked: frozenset[str],
    signs: dict[str, int],
    kappa: Array | None,
    min_kappa: float,
) -> Screened:
    """Answer the candidates on the selecting rows, and drop those that say nothing new."""
    values = answering.values(questions, rows)
    always = [column for column, question in enumerate(questions) if question.id in locked]
    judged, restated = _judged(questions, values, always, answering.session, task, rows)
    screening = screen(
        values,
        [question.text for question in questions],
        task.y[rows],
        names=[name for name in (task.target, *class_names(task.classes)) if name],
        kappa=kappa,
        min_kappa=min_kappa,
        judged=judged,
        always=always,
    )
    kept = screening.kept
    of_signs = np.array([signs.get(questions[column].id, 0) for column in kept], dtype=np.int64)
    table = pd.DataFrame(
        {
            "id": [question.id for question in questions],
            "question": [question.text for question in questions],
            "source": [question.source for question in questions],
            "share_yes": [_mean(values[:, column]) for column in range(len(questions))],
            "missing": np.isnan(values).mean(axis=0),
            "dropped": None,
        }
    )
    for column, reason, partner in screening.dropped:
        same = "" if partner is None else f" as {questions[partner].text!r}"
        table.loc[column, "dropped"] = reason + same
    first = [int(np.flatnonzero(kept == column)[0]) for column in always]
    wanted = of_signs if of_signs.any() else None
    return Screened(questions, values, kept, first, wanted, rows, task, table, restated)


def _judged(
    questions: list[Question],
    values: Array,
    always: list[int],
    session: Session | None,
    task: Task,
    rows: NDArray[np.intp],
) -> tuple[Array, dict[str, int] | None]:
    """What a language model says of the questions that predict nearly all of the label alone."""
    judged = np.full(len(questions), np.nan)
    asked = [column for column in suspects(values, task.y[rows]) if column not in always]
    if not asked or session is None or "complete" not in session.capabilities:
        return judged, None
    found = judge_restated(
        session,
        [questions[column] for column in asked],
        task=task.about,
        classes=class_names(task.classes) or [str(label) for label in task.classes] or None,
        target=task.target or "the label",
    )
    judged[asked] = found.restates
    return judged, found.report


def choose_path(found: Screened, n_concepts: int, seed: int) -> tuple[NDArray[np.intp], Path]:
    """Columns of the questions that predict best together, and how they joined.

    The table gets how often each is chosen on halves of the rows.
    """
    task, rows, kept = found.task, found.rows, found.kept
    values, y, weight = found.values[:, kept], task.y[rows], task.weight[rows]
    shared: dict[str, Any] = {"signs": found.signs, "first": found.first}
    path = sparse_path(
        values,
        y,
        n_concepts,
        task.loss,
        weight=weight,
        groups=task.groups[rows],
        random_state=seed,
        **shared,
    )
    size = max(path.best, len(found.first))

    def again(part: NDArray[np.intp]) -> NDArray[np.intp]:
        order = sparse_path(
            values[part],
            y[part],
            size,
            task.loss,
            weight=weight[part],
            n_folds=0,
            strengths=(path.C,),
            **shared,
        )
        return kept[order.columns()]

    found.table["frequency"] = np.nan
    if size:
        stability = selection_frequency(
            again,
            len(found.questions),
            y,
            groups=task.groups[rows],
            random_state=seed,
        )
        found.table["frequency"] = np.where(found.table["dropped"].isna(), stability.frequency, np.nan)
    return kept[path.columns(size)], path


def confirm(
    predicted: NDArray[Any],
    values: Array,
    n_tried: int,
    answering: Answering,
    parts: Parts,
    task: Task,
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How good the model is on rows that nothing was chosen or fitted on, and what each question adds.

    Parameters
    ----------
    predicted : array (n_confirm,)
        By a model of the rows that propose and select.
    values : array (n_confirm, n_questions)
        Answers to the chosen questions.
    n_tried : int
        Candidates that were ever tried.
    answering, parts, task
    seed : int

    Returns
    -------
    scores : DataFrame
        See `interpllm.select.confirm.compare`.
    effects : DataFrame
        See `interpllm.select.confirm.question_effects`; one row a column of `values`.
    """
    learn, rows = np.sort(np.concatenate([parts.propose, parts.select])), parts.confirm
    texts, baselines = answering.rows.texts, {}
    if texts is not None:
        seen, new = [texts[row] for row in learn], [texts[row] for row in rows]
        ours: Any = AugLinearClassifier if task.classes else AugLinearRegressor
        models = {
            "tfidf": make_pipeline(
                TfidfVectorizer(), LogisticRegression(max_iter=1000) if task.classes else Ridge()
            ),
            "aug_linear_plain": ours(llm=None, random_state=seed),
        }
        session = answering.session
        if session is not None and "embed" in session.capabilities and session.backend.batch_size > 1:
            # In process its vectors cost no money; a server is not sent n-grams for the sake of a baseline.
            models["aug_linear_llm"] = ours(llm=session, task=task.about, random_state=seed)
        baselines = {name: model.fit(seen, task.y[learn]).predict(new) for name, model in models.items()}
    scores = compare(
        task.y[rows],
        predicted,
        baselines,
        seen=task.y[learn],
        metric="accuracy" if task.classes else "r2",
        groups=task.groups[rows],
        random_state=seed,
    )
    if not values.shape[1]:
        return scores, pd.DataFrame(columns=["effect", "output", "p_value", "q_value"])
    effects = question_effects(
        values,
        task.y[rows],
        np.arange(values.shape[1]),
        loss=task.loss,
        n_untold=n_tried - values.shape[1],
        random_state=seed,
    )
    return scores, effects


def fitted(values: Array, task: Task, rows: NDArray[np.intp], C: float, signs: Any = None) -> Weighed:
    """Weights of all questions in `values`, from some rows."""
    every = np.arange(values.shape[1])
    return refit(
        values[rows], task.y[rows], every, loss=task.loss, C=C, weight=task.weight[rows], signs=signs
    )


def _hardest(values: Array, task: Task, rows: NDArray[np.intp]) -> list[int]:
    """Positions among the proposing rows with the largest loss under the present questions."""
    weighed = refit(values, task.y[rows], np.arange(values.shape[1]), loss=task.loss, C=1.0)
    if task.classes:
        targets = (task.y[rows][:, None] == np.asarray(weighed.classes)).astype(float)
        targets = targets[:, 1:] if task.loss == "logistic" else targets
    else:
        targets = task.y[rows][:, None].astype(float)
    losses = loss_of(weighed.scores(values), targets, task.loss)
    return [int(row) for row in np.argsort(-losses, kind="stable")[:HARDEST]]


def _mean(answers: Array) -> float:
    return float(np.nanmean(answers)) if not np.isnan(answers).all() else float("nan")


def chosen_of(questions: Sequence[Question], columns: NDArray[np.intp]) -> list[Question]:
    """The questions in the order of the columns."""
    return [questions[column] for column in columns]
