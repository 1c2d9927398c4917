"""Questions put to a language model about texts: a number for each cell, NaN where there is no answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interpllm.answer import soft as soft_answers
from interpllm.answer.guard import Guard, Verdict
from interpllm.answer.job import FAILED, REFUSED, UNPARSEABLE, Job
from interpllm.answer.stacks import Stack, stacks_of
from interpllm.answer.wording import STANDARD, Wording
from interpllm.errors import CapabilityError, InputError
from interpllm.llm import Plan, Session
from interpllm.runtime import Question

Progress = Callable[[int], object]
Soft = Literal["auto"] | bool

LOST = 0.2
"""Where more than this share of the answers is missing, the language model is taken to be away: no result."""


@dataclass(frozen=True)
class Answers:
    """What came of asking.

    Parameters
    ----------
    values : ndarray of float64, (n_texts, n_questions)
        1 for yes, 0 for no, or the probability of yes; NaN where there is no answer.
    report : dict
        ``texts`` and ``distinct_texts``; ``cells`` (distinct texts times distinct questions), ``known`` (of
        them, answered before), ``missing`` (without an answer); ``refused``, ``unparseable`` and ``failed``
        (why not, in distinct cells by question id); ``cut`` (distinct texts that were cut at ``max_chars``);
        ``soft``; ``rows_per_request`` and ``questions_per_request`` as trusted; ``guard`` (what the trust
        rests on: ``cells``, ``agreement``, ``kappa``, ``trials``; None where nothing is stacked); ``usage``
        (requests, items, input_tokens, output_tokens and cost of this call).
    """

    values: NDArray[np.float64]
    report: dict[str, Any]


def ask(
    session: Session,
    texts: Sequence[str],
    questions: Sequence[Question | str],
    *,
    task: str | None = None,
    soft: Soft = "auto",
    rows_per_request: int = 8,
    questions_per_request: int = 8,
    guard: float = 0.05,
    max_chars: int = 4000,
    wording: Wording = STANDARD,
    params: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Answers:
    """Answer every question about every text.

    Each distinct text and question is asked once. An answer is kept by its question, text and prompt, not by
    the request that brought it: another choice of rows, or a changed question beside it, asks for nothing
    that is known.

    Parameters
    ----------
    session : Session
    texts : sequence of str, (n_texts,)
    questions : sequence of Question or str, (n_questions,)
    task : str, optional
        What the texts are and what they are read for, in a sentence; told to the model as background.
    soft : {"auto", True, False}
        Whether answers are probabilities, from the model's scores of " yes" and " no". Each cell is then a
        prompt of its own; "auto" does so with models in process, where no request is paid for.
    rows_per_request, questions_per_request : int
        Texts and questions in one request at most. Otherwise a request holds one cell.
    guard : float
        Cells that are asked one by one as well before stacks are trusted: a share of them below 1 (sixteen
        to forty cells), a number from 1 on, or 0 for none. Where the answers differ the stack is halved
        in both directions until they do not. The verdict is kept for this model, prompt and length of texts.
    max_chars : int
        Longer texts are cut there, and counted.
    wording : Wording
        The words of the prompt.
    params : mapping, optional
        Sampling parameters of the requests, such as ``{"temperature": 0}``; what is not set is not sent.
    progress : callable, optional
        Called with the number of distinct cells done since the last call.

    Returns
    -------
    Answers

    Raises
    ------
    InputError
        When texts, questions or a parameter cannot be used.
    CapabilityError
        When the model has not the verb that is needed.
    BudgetExceeded, RequestRefused, ConnectionFailed, ReplayMiss, StoreError
        What concerns every request stops the call; the replies that came are in the store, and the same call
        goes on from there.
    """
    rows, columns, job, cut = _job(session, texts, questions, max_chars, wording, task, params)
    sizes = _sizes(rows_per_request, questions_per_request, guard)
    before = replace(session.usage)
    report: dict[str, Any] = {
        "texts": len(rows),
        "distinct_texts": len(job.texts),
        "cells": len(job.texts) * len(job.questions),
    }
    if scored := _scores(session, soft):
        verdict = None
        report["known"] = soft_answers.score(job, progress)
    else:
        verdict = _complete(job, sizes, guard, report, progress)
    values = job.values()
    usage = session.usage - before
    report |= {"missing": int(np.isnan(values).sum()), "cut": cut, "soft": scored}
    report |= {why: _by_question(job, why) for why in (REFUSED, UNPARSEABLE, FAILED)}
    report["rows_per_request"], report["questions_per_request"] = (
        (verdict.rows, verdict.questions) if verdict else (1, 1)
    )
    report["guard"] = verdict.as_dict() if verdict and verdict.trials else None
    counted = ("requests", "items", "input_tokens", "output_tokens", "cost")
    report["usage"] = {name: getattr(usage, name) for name in counted}
    return Answers(values[np.ix_(rows, columns)], report)


def plan_answers(
    session: Session,
    texts: Sequence[str],
    questions: Sequence[Question | str],
    *,
    task: str | None = None,
    soft: Soft = "auto",
    rows_per_request: int = 8,
    questions_per_request: int = 8,
    guard: float = 0.05,
    max_chars: int = 4000,
    wording: Wording = STANDARD,
    params: Mapping[str, Any] | None = None,
) -> Plan:
    """Tell what `ask` with the same arguments would send, and about what that takes; sends nothing.

    What is answered already is left out. Where stacks have not been compared with single cells yet, the plan
    holds that comparison and takes for granted that they agree.

    Returns
    -------
    Plan
        Its items are requests, or the prompts of soft answers.

    Raises
    ------
    InputError, CapabilityError, StoreError
        As `ask` raises them.
    """
    _, _, job, _ = _job(session, texts, questions, max_chars, wording, task, params)
    sizes = _sizes(rows_per_request, questions_per_request, guard)
    if _scores(session, soft):
        return soft_answers.plan(job)
    job.recall()
    judge = Guard(job, *sizes, guard)
    verdict = judge.known()
    alone = [] if verdict or not job.missing().any() else [Stack((a,), (b,)) for a, b in judge.sample()]
    shape = (verdict.rows, verdict.questions) if verdict else sizes
    return session.plan([job.request(stack) for stack in [*stacks_of(job.missing(), *shape), *alone]])


def questions_of(questions: Sequence[Question | str]) -> list[Question]:
    """The questions, those given as text made into one each.

    Raises
    ------
    InputError
        When one is neither.
    """
    if isinstance(questions, str | Question):
        raise InputError("questions must be a list; put a single one into a list.")
    listed = []
    for place, question in enumerate(questions):
        if not isinstance(question, str | Question):
            raise InputError(
                f"questions[{place}] must be a Question or a str; got {type(question).__name__}."
            )
        listed.append(Question.of(question) if isinstance(question, str) else question)
    return listed


# Two ways to ask --------------------------------------------------------------------------------------------


def _complete(
    job: Job, sizes: tuple[int, int], guard: float, report: dict[str, Any], progress: Progress | None
) -> Verdict:
    job.recall()
    missing = job.missing()
    report["known"] = report["cells"] - int(missing.sum())
    if progress is not None and report["known"]:
        progress(report["known"])
    if not missing.any():
        return Verdict(*sizes)
    verdict = Guard(job, *sizes, guard).judge()
    stacks = stacks_of(missing, verdict.rows, verdict.questions)
    told = _InCells(progress, int(missing.sum()), len(job.unsent(stacks)))
    job.settle(stacks, told)
    told.end()
    # All at once and last: were some kept before the others came, a run that begins anew would form other
    # stacks of what is left, and pay for them again. Until then the replies themselves are in the store.
    job.remember(cell for stack in stacks for cell in stack.cells())
    return verdict


def _scores(session: Session, soft: Soft) -> bool:
    """Whether answers are scored; a call to a model in process costs nothing but time."""
    able = "score" in session.capabilities
    if soft == "auto":
        return able and (session.backend.batch_size > 1 or "complete" not in session.capabilities)
    if soft not in (True, False):
        raise InputError(f"soft must be 'auto', True or False; got {soft!r}.")
    if soft and not able:
        raise CapabilityError(f"{session.backend!r} gives no scores. Use soft=False, or soft='auto'.")
    return bool(soft)


def _job(
    session: Session,
    texts: Sequence[str],
    questions: Sequence[Question | str],
    max_chars: int,
    wording: Wording,
    task: str | None,
    params: Mapping[str, Any] | None,
) -> tuple[list[int], list[int], Job, int]:
    """Which distinct text each text is, which distinct question each question; the job; how many were cut."""
    if isinstance(texts, str):
        raise InputError("texts must be a list; put a single one into a list.")
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"texts[{row}] must be a str; got {type(text).__name__}.")
    if max_chars < 1:
        raise InputError(f"max_chars must be at least 1; got {max_chars!r}.")
    shown: dict[str, int] = {}
    rows = [shown.setdefault(text[:max_chars], len(shown)) for text in texts]
    listed = questions_of(questions)
    asked: dict[tuple[str, str], int] = {}
    columns = [asked.setdefault((question.text, question.counts), len(asked)) for question in listed]
    distinct = [listed[columns.index(place)] for place in range(len(asked))]
    cut = sum(len(text) > max_chars for text in set(texts))
    return rows, columns, Job(session, list(shown), distinct, wording, task, params or {}), cut


def _sizes(rows: int, questions: int, guard: float) -> tuple[int, int]:
    if rows < 1 or questions < 1:
        raise InputError("rows_per_request and questions_per_request must be at least 1.")
    if guard < 0:
        raise InputError(f"guard must be a share of the cells, a number of them, or 0; got {guard!r}.")
    return int(rows), int(questions)


def _by_question(job: Job, why: str) -> dict[str, int]:
    found = dict.fromkeys((question.id for question in job.questions), 0)
    for (_, column), outcome in job.outcomes.items():
        found[job.questions[column].id] += outcome == why
    return found


class _InCells:
    """Progress in requests, told in cells."""

    def __init__(self, progress: Progress | None, cells: int, requests: int) -> None:
        self._progress = progress
        self._cells = cells
        self._requests = requests
        self._done = self._told = 0

    def __call__(self, more: int) -> None:
        self._done += more
        self._tell(self._cells * self._done // self._requests)

    def end(self) -> None:
        """Tell what is left: the cells whose requests the guard has sent."""
        self._tell(self._cells)

    def _tell(self, cells: int) -> None:
        if self._progress is not None and cells > self._told:
            self._progress(cells - self._told)
            self._told = cells
