"""Whether a model answers many questions at once as it answers them one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from interpllm.answer.job import FAILED, REFUSED, Cell, Job
from interpllm.answer.kappa import cohen_kappa
from interpllm.answer.stacks import Stack, stacks_of

# Cells that are asked both ways, whatever share was asked for: fewer tell too little, more cost too much.
LEAST, MOST = 16, 40
# Cohen's kappa from which stacked answers are taken for those given one by one. A single cell may differ at
# any kappa: where nearly all answers are alike, one slip brings it to zero.
TRUSTED_KAPPA, TOLERATED = 0.75, 1
_STACKS = 5  # stacks that the cells are drawn from


@dataclass(frozen=True)
class Verdict:
    """The largest stack that is trusted.

    Parameters
    ----------
    rows, questions : int
        Of that stack.
    trials : tuple of dict
        What was compared: ``rows``, ``questions``, ``cells``, ``agreement``, ``kappa``; empty where nothing
        was.
    sampled : bool
        Whether the comparison was made by this call, and not before.
    """

    rows: int
    questions: int
    trials: tuple[dict[str, Any], ...] = ()
    sampled: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a report; cells and kappa are those of the last trial."""
        last = self.trials[-1] if self.trials else {"cells": 0, "agreement": math.nan, "kappa": math.nan}
        kept = {name: last[name] for name in ("cells", "agreement", "kappa")}
        return {**kept, "trials": list(self.trials), "sampled": self.sampled}


class Guard:
    """Compares stacked answers with those given one by one, and shrinks the stack until they agree.

    Parameters
    ----------
    job : Job
        With what is known already.
    rows, questions : int
        Of the stack that is asked for.
    share : float
        Of the missing cells, below 1; from 1 on a number of cells; 0 trusts without a look.
    """

    def __init__(self, job: Job, rows: int, questions: int, share: float) -> None:
        self.job = job
        self.missing = job.missing()
        self.rows = rows
        self.questions = questions
        n = int(self.missing.sum())
        self.cells = int(share) if share >= 1 else min(MOST, max(LEAST, math.ceil(share * n)))
        self.off = share == 0 or rows * questions == 1
        self.few = n <= self.cells

    def known(self) -> Verdict | None:
        """The verdict that needs no comparison: found before, not wanted, or not worth it."""
        if self.off:
            return Verdict(self.rows, self.questions)
        (noted,) = self.job.session.recall([self._about()])
        if noted is not None:
            return Verdict(noted["rows"], noted["questions"], tuple(map(_with_nan, noted["trials"])))
        # To ask so few one by one costs less than to find out whether they need not be.
        return Verdict(1, 1) if self.few else None

    def sample(self) -> list[Cell]:
        """The cells to compare: drawn from some stacks that lie far apart, the same ones every time."""
        stacks = stacks_of(self.missing, self.rows, self.questions)
        chosen = [stacks[k] for k in np.linspace(0, len(stacks) - 1, min(_STACKS, len(stacks))).astype(int)]
        rng = np.random.default_rng(0)
        drawn = [list(map(tuple, rng.permutation(list(stack.cells())).tolist())) for stack in chosen]
        turns = [cells[k] for k in range(max(map(len, drawn))) for cells in drawn if k < len(cells)]
        return turns[: self.cells]

    def judge(self) -> Verdict:
        """Compare, shrinking the stack by half in both directions until its answers can be trusted.

        Returns
        -------
        Verdict
            Kept in the session's store for texts of about this length, unless too few calls worked.
        """
        if (known := self.known()) is not None:
            return known
        cells = self.sample()
        rows, questions, trials = self.rows, self.questions, []
        while True:
            self.job.send([*self._around(cells, rows, questions), *map(_alone, cells)])
            trial = self._compare(cells, rows, questions)
            trials.append(trial)
            differ = round((1 - trial["agreement"]) * trial["cells"]) if trial["cells"] else 0
            if differ <= TOLERATED or trial["kappa"] >= TRUSTED_KAPPA:
                break
            rows, questions = (rows + 1) // 2, (questions + 1) // 2
            if rows * questions == 1:
                break
        if trials[-1]["cells"] >= self.cells / 2:
            said = [{name: None if value != value else value for name, value in t.items()} for t in trials]
            self.job.session.remember(
                [(self._about(), {"rows": rows, "questions": questions, "trials": said})]
            )
        return Verdict(rows, questions, tuple(trials), sampled=True)

    def _around(self, cells: list[Cell], rows: int, questions: int) -> list[Stack]:
        wanted = set(cells)
        stacks = stacks_of(self.missing, rows, questions)
        return [stack for stack in stacks if not wanted.isdisjoint(stack.cells())]

    def _compare(self, cells: list[Cell], rows: int, questions: int) -> dict[str, Any]:
        stacked: dict[Cell, float | str] = {}
        for stack in self._around(cells, rows, questions):
            stacked.update(self.job.read(stack))
        pairs = []
        for cell in cells:
            together, alone = stacked[cell], self.job.read(_alone(cell))[cell]
            # A refusal is about what was asked and not how much at once: its stack is asked again in parts.
            if isinstance(alone, str) or together in (FAILED, REFUSED):
                continue
            # An answer that is there alone and unreadable in a stack is a third kind, and a difference.
            pairs.append((-1.0 if isinstance(together, str) else together, alone))
        one, other = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
        agreement = float((one == other).mean()) if pairs else math.nan
        return {
            "rows": rows,
            "questions": questions,
            "cells": len(pairs),
            "agreement": agreement,
            "kappa": cohen_kappa(one, other),
        }

    def _about(self) -> dict[str, Any]:
        # How many texts a model can keep apart depends on how long they are.
        mean = sum(map(len, self.job.texts)) // max(1, len(self.job.texts))
        return {
            "verb": "stacking",
            "prompt_version": self.job.wording.version,
            "params": dict(self.job.params),
            "rows": self.rows,
            "questions": self.questions,
            "length": mean.bit_length(),
        }


def _alone(cell: Cell) -> Stack:
    return Stack((cell[0],), (cell[1],))


def _with_nan(trial: dict[str, Any]) -> dict[str, Any]:
    return {name: math.nan if value is None else value for name, value in trial.items()}
