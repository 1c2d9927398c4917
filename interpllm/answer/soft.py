"""Answers as probabilities: how much likelier a model continues a prompt with yes than with no."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from interpllm.answer.job import FAILED, Cell, Job, Progress
from interpllm.answer.wording import NO, YES
from interpllm.llm import Plan

OPTIONS = (f" {YES}", f" {NO}")
# A model in process reads what all prompts of a call begin with only once, if there are so many of them.
_SHARING = 8


def score(job: Job, progress: Progress | None = None) -> int:
    """Give every cell the probability of yes, of the two answers alone; tells how many were known.

    A cell whose scores could not be had counts as failed.
    """
    known, parts = _parts(job)
    for cells in [known, *parts]:
        if cells:
            scores = job.session.score(_prompts(job, cells), OPTIONS, progress=progress)
            with np.errstate(over="ignore", invalid="ignore"):  # an answer out of reach; neither in reach
                yes = 1 / (1 + np.exp(scores[:, 1] - scores[:, 0]))
            found = (float(p) if np.isfinite(p) else FAILED for p in yes)
            job.outcomes.update(zip(cells, found, strict=True))
    return len(known)


def plan(job: Job) -> Plan:
    """Tell what `score` would take."""
    known, parts = _parts(job)
    plans = [
        job.session.plan(prompts=_prompts(job, cells), options=OPTIONS) for cells in [known, *parts] if cells
    ]
    return sum(plans, Plan())


def _prompts(job: Job, cells: Sequence[Cell]) -> list[str]:
    return [job.wording.prompt(job.texts[row], job.questions[column], job.task) for row, column in cells]


def _parts(job: Job) -> tuple[list[Cell], list[list[Cell]]]:
    """The cells that the store answers, and the others in the calls in which they are scored.

    The prompts about one text begin alike, up to the question. To a model in process they are handed
    together, so that it reads the text once for all questions; a server sees every prompt by itself.
    """
    cells = [(row, column) for row in range(len(job.texts)) for column in range(len(job.questions))]
    prompts = _prompts(job, cells)
    missing = set(job.session.unscored(prompts, OPTIONS))
    by_text: dict[int, list[Cell]] = {}
    for prompt, cell in zip(prompts, cells, strict=True):
        if prompt in missing:
            by_text.setdefault(cell[0], []).append(cell)
    known = [cell for prompt, cell in zip(prompts, cells, strict=True) if prompt not in missing]
    together = job.session.backend.batch_size > 1
    parts = [part for part in by_text.values() if together and len(part) >= _SHARING]
    rest = [cell for part in by_text.values() if not together or len(part) < _SHARING for cell in part]
    return known, [*parts, rest] if rest else parts
