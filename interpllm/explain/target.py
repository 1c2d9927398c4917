"""Which statements about texts tell of a label or a number, and how much each adds to those above it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.explain.asking import LLM, Array, Asking, Planning, as_llm
from interpllm.explain.labels import Task, task_of
from interpllm.explain.material import Material, in_turn
from interpllm.explain.statements import Source, plan_proposed, proposed, table_of_candidates, wanted
from interpllm.explain.target_figures import TargetExplanation, figures, spoken_for, strength
from interpllm.llm import Plan
from interpllm.propose.rounds import check_counts
from interpllm.runtime import Question
from interpllm.select.explained import Explained, deviances, tfidf_predictions
from interpllm.select.inference import holm
from interpllm.select.parts import BINS, Parts
from interpllm.select.path import sparse_path
from interpllm.select.race import SPEND, Race, race
from interpllm.select.sparse import Loss
from interpllm.select.weighing import refit

FINALISTS = 2
"""So many times the statements that are wanted win the race: of those that say the same one is enough."""


def explain_target(
    X: Any,
    y: Any,
    goal: str | None = None,
    *,
    llm: LLM = "local",
    target: str | None = None,
    regression: bool | None = None,
    candidates: Iterable[str | Question] = (),
    n_candidates: int = 40,
    n_statements: int = 5,
    propose: Source = "auto",
    parts: Parts | None = None,
    spend: float = SPEND,
    n_resamples: int = 9999,
    random_state: int = 0,
    cache: str | os.PathLike[str] | None = None,
    verbose: int = 0,
    **options: Any,
) -> TargetExplanation:
    """Tell in a few checked statements what goes with a label or a number.

    Statements are written from one part of the texts. On a second they are raced, put in order, each for what
    it adds to those above it, and weighed. All figures come from a third part, which played no part before.

    Parameters
    ----------
    X : container of texts
    y : container of labels or numbers
        One a text.
    goal : str, optional
        What the statements are to be about, in a sentence; told to the language model.
    llm : str, Session or LanguageModel
        Who answers, and writes statements.
    target : str, optional
        What `y` is called; by default the name of its column.
    regression : bool, optional
        Whether `y` holds numbers; by default where they have fractions, or more than twenty values.
    candidates, n_candidates, propose, spend, n_resamples, random_state, cache, verbose
        As for :func:`~interpllm.explain.difference.explain_difference`.
    n_statements : int
        At most so many are told of; fewer where, cross-validated on the second part, more add nothing.
    parts : Parts, optional
        Positions in X.
    **options
        Further arguments of `interpllm.answer.ask`, such as ``rows_per_request``.

    Returns
    -------
    TargetExplanation

    Raises
    ------
    InputError
        When rows, parts or a parameter cannot be used: also when a row is to propose and to confirm.
    LLMError, BudgetExceeded, RequestRefused, ConnectionFailed, ReplayMiss, StoreError
        When the language model cannot be asked; answers that came are kept, and the same call goes on.

    Notes
    -----
    The task is that of HypotheSAEs (Movva et al. 2025, "Sparse autoencoders for hypothesis generation"). The
    share that statements explain stands beside that of TF-IDF, which learns from the proposing and the
    selecting rows, while the statements are weighed on the selecting ones only.
    """
    task = task_of(X, y, target, regression)
    how = wanted(
        candidates,
        n_candidates,
        source=propose,
        goal=goal,
        target=task.target,
        truer_of=None,
        cache=cache,
        random_state=random_state,
    )
    check_counts(n_statements=n_statements, n_resamples=n_resamples)
    session = as_llm(llm, cache)
    before = replace(session.usage)
    rows = task.material(parts, bool(how.n), random_state)
    asking = Asking(session, goal, options, verbose)
    questions, report = proposed(session, rows, how)
    raced = _raced(asking, questions, rows, n_statements, spend, random_state)
    finalists = [questions[column] for column in raced.best]
    select, confirm = rows.parts.select, rows.parts.confirm
    known = asking.values(rows.of(select), finalists)
    order, C = _ordered(known, rows.y[select], n_statements, task.loss, random_state)
    if not len(order):
        raise InputError(
            "No statement divides the texts: every one is true of all of them, or of none. Give others in "
            "candidates=, or another goal."
        )
    chosen = [finalists[column] for column in order]
    values = asking.values(rows.of(confirm), chosen)
    table, total = _confirmed(chosen, known[:, order], values, rows, task, C, n_resamples, random_state)
    winners = [raced.best[column] for column in order]
    return TargetExplanation(
        target=task.target,
        goal=goal,
        classes=tuple(rows.names),
        statements=table,
        total=total,
        candidates=_tried(questions, raced, np.array(winners)),
        rows=rows.counts(),
        proposals=report,
        answers=dict(asking.report),
        n_chained=rows.parts.n_chained,
        usage=session.usage - before,
    )


def plan_target(
    X: Any,
    y: Any,
    goal: str | None = None,
    *,
    llm: LLM = "local",
    target: str | None = None,
    regression: bool | None = None,
    candidates: Iterable[str | Question] = (),
    n_candidates: int = 40,
    n_statements: int = 5,
    propose: Source = "auto",
    parts: Parts | None = None,
    spend: float = SPEND,
    random_state: int = 0,
    cache: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Plan:
    """What :func:`explain_target` would send, and about what that takes; sends nothing.

    Parameters
    ----------
    X, y, goal, llm, target, regression, candidates, n_candidates, n_statements, propose, parts, spend
        As for :func:`explain_target`, as are further arguments. `n_resamples` and `verbose`, which change
        nothing that is sent, are not among them.
    random_state, cache
        As for :func:`explain_target`.

    Returns
    -------
    Plan
        Of all that is not stored yet, at most: which answers the race leaves to be asked hangs on who wins.
        Statements that are still to be written are taken for some of usual length, and stacks of texts are
        taken to agree with single ones.

    Raises
    ------
    InputError
        As :func:`explain_target`.
    """
    task = task_of(X, y, target, regression)
    how = wanted(
        candidates,
        n_candidates,
        source=propose,
        goal=goal,
        target=task.target,
        truer_of=None,
        cache=cache,
        random_state=random_state,
    )
    check_counts(n_statements=n_statements)
    session = as_llm(llm, cache)
    rows = task.material(parts, bool(how.n), random_state)
    questions, plan = plan_proposed(session, rows, how)
    planning = Planning(session, goal, options)
    raced = _raced(planning, questions, rows, n_statements, spend, random_state)
    finalists = [questions[column] for column in raced.best]
    known = planning.values(rows.of(rows.parts.select), finalists)
    order = np.arange(min(n_statements, len(finalists)))
    if not np.isnan(known).all():
        order, _ = _ordered(known, rows.y[rows.parts.select], n_statements, task.loss, random_state)
    planning.values(rows.of(rows.parts.confirm), [finalists[column] for column in order])
    return plan + planning.plan


def _raced(
    asking: Asking, questions: list[Question], rows: Material, k: int, spend: float, random_state: int
) -> Race:
    """The statements that tell most of the label by themselves, on the rows that select."""
    y = rows.y[rows.parts.select]
    cuts = np.quantile(y, np.linspace(0, 1, BINS + 1)[1:-1])
    order = in_turn(y if rows.names else np.searchsorted(cuts, y, side="right"), random_state)
    texts, labels = rows.of(rows.parts.select[order]), y[order]
    return race(
        lambda part, columns: asking.values(texts[part], [questions[column] for column in columns]),
        lambda values, part: strength(values, labels[part], len(rows.names)),
        len(texts),
        len(questions),
        min(FINALISTS * k, len(questions)),
        spend=spend,
        stack=asking.stack,
    )


def _ordered(
    known: Array, y: NDArray[Any], most: int, loss: Loss, random_state: int
) -> tuple[NDArray[np.intp], float]:
    """The statements that are worth having, each for what it adds to those before it, and how to weigh them.

    Cross-validation on the selecting rows says how many are: more would only make the model worse.
    """
    path = sparse_path(known, y, most, loss, random_state=random_state)
    return path.columns(max(path.best, 1)), path.C


def _confirmed(
    chosen: list[Question],
    known: Array,
    values: Array,
    rows: Material,
    task: Task,
    C: float,
    n_resamples: int,
    random_state: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What each statement tells and adds, and what all of them do beside TF-IDF, on the rows that confirm."""
    select, confirm = rows.parts.select, rows.parts.confirm
    y, classes = rows.y[confirm], list(range(len(rows.names))) or None
    judged = [_unexplained(y, classes)]
    for size in range(1, len(chosen) + 1):
        model = refit(known, rows.y[select], np.arange(size), loss=task.loss, C=C)
        judged.append(
            deviances(model.predict_proba(values) if classes else model.predict(values), y, classes)
        )
    learned = np.sort(np.concatenate([rows.parts.propose, select]))
    words = tfidf_predictions(rows.of(learned), rows.y[learned], rows.of(confirm), classes, random_state)
    judged.append(deviances(words, y, classes))
    told = Explained(judged, y, classes, random_state=random_state)
    speaks = spoken_for(known, rows.y[select], len(rows.names)) if classes else None
    table = []
    for column, question in enumerate(chosen):
        side = None if speaks is None else int(speaks[column])
        row = figures(question, known[:, column], values[:, column], rows, side, n_resamples, random_state)
        added, share = told.gain(column + 1, column), told.share(column + 1)
        row |= {"added": added.value, "added_low": added.low, "added_high": added.high}
        row |= {"explained": share.value, "explained_low": share.low, "explained_high": share.high}
        table.append(row)
    frame = pd.DataFrame(table)
    frame["p_holm"] = holm(frame["p_value"])
    frame["holds"] = (frame["p_holm"] <= 0.05) & frame.pop("as_on_select")
    all_, tfidf = len(chosen), len(chosen) + 1
    names = ("all statements", "TF-IDF", "statements less TF-IDF")
    estimates = (told.share(all_), told.share(tfidf), told.gain(all_, tfidf))
    total = pd.DataFrame([estimate._asdict() for estimate in estimates])
    total.insert(0, "model", names)
    return frame, total


def _unexplained(y: NDArray[Any], classes: list[int] | None) -> Array:
    """Deviances of the label's own shares, or mean."""
    if classes is None:
        return deviances(np.full(len(y), y.mean()), y, None)
    return deviances(np.tile([(y == k).mean() for k in classes], (len(y), 1)), y, classes)


def _tried(questions: list[Question], raced: Race, winners: NDArray[np.intp]) -> pd.DataFrame:
    columns = {
        "confirmed": np.isin(np.arange(len(questions)), winners),
        "score": raced.scores,
        "n_rows": raced.n_read,
        "n_missing": raced.n_missing,
    }
    return table_of_candidates(questions, columns)
