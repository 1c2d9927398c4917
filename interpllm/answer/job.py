"""The cells of one call: what is known of them, how they are asked, and what each came to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.answer.stacks import Stack
from interpllm.answer.wording import YES, Wording
from interpllm.llm import Reply, Request, Session
from interpllm.runtime import Question

Cell = tuple[int, int]
Progress = Callable[[int], object]

# Why a cell has no answer. The first two are the model's own word and are kept; a failed call is no word.
REFUSED, UNPARSEABLE, FAILED = "refused", "unparseable", "failed"
# After so many rounds without one usable reply, smaller stacks are not tried either.
_BARREN_ROUNDS = 3


class Job:
    """Distinct texts and distinct questions, and a session that is asked about them.

    Parameters
    ----------
    session : Session
    texts : sequence of str, (n_texts,)
    questions : sequence of Question, (n_questions,)
    wording : Wording
    task : str or None
    params : mapping
        Sampling parameters.

    Attributes
    ----------
    outcomes : dict
        By cell, 1.0 or 0.0, or the reason why there is no answer.
    """

    def __init__(
        self,
        session: Session,
        texts: Sequence[str],
        questions: Sequence[Question],
        wording: Wording,
        task: str | None,
        params: Mapping[str, Any],
    ) -> None:
        self.session = session
        self.texts = texts
        self.questions = questions
        self.wording = wording
        self.task = task
        self.params = params
        self.outcomes: dict[Cell, float | str] = {}
        self._replies: dict[Stack, Reply] = {}
        self._hashes = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]

    # What is known --------------------------------------------------------------------------------------

    def recall(self) -> None:
        """Take over every outcome that an earlier call has kept."""
        cells = [(row, column) for column in range(len(self.questions)) for row in range(len(self.texts))]
        found = self.session.recall([self._about(cell) for cell in cells])
        self.outcomes.update(
            (cell, value) for cell, value in zip(cells, found, strict=True) if value is not None
        )

    def remember(self, cells: Iterable[Cell]) -> None:
        """Keep the outcomes of cells, so that no later call asks them, whatever else it asks."""
        kept = [cell for cell in cells if self.outcomes.get(cell, FAILED) != FAILED]
        self.session.remember([(self._about(cell), self.outcomes[cell]) for cell in kept])

    def missing(self) -> NDArray[np.bool_]:
        """Which cells have no outcome yet, (n_texts, n_questions)."""
        missing = np.ones((len(self.texts), len(self.questions)), dtype=bool)
        for cell in self.outcomes:
            missing[cell] = False
        return missing

    def values(self) -> NDArray[np.float64]:
        """The answers, (n_texts, n_questions), NaN where there is none."""
        values = np.full((len(self.texts), len(self.questions)), np.nan)
        for cell, outcome in self.outcomes.items():
            if not isinstance(outcome, str):
                values[cell] = outcome
        return values

    def _about(self, cell: Cell) -> dict[str, Any]:
        """Everything that decides an answer, but not the company in which it was asked for."""
        question = self.questions[cell[1]]
        return {
            "verb": "answer",
            "prompt_version": self.wording.version,
            "params": dict(self.params),
            "task": self.task,
            "question": question.text,
            "counts": question.counts,
            "text_sha256": self._hashes[cell[0]],
        }

    # Asking ---------------------------------------------------------------------------------------------

    def request(self, stack: Stack) -> Request:
        """Ask for all cells of a stack."""
        texts = [self.texts[row] for row in stack.texts]
        questions = [self.questions[column] for column in stack.questions]
        request = self.wording.request(texts, questions, self.task, self.params)
        if self.session.backend.batch_size == 1 or "max_tokens" in self.params:
            return request
        # A model in process stops after some tokens unless told, and short words in JSON take many of them.
        room = 64 + 4 * request.expected_tokens
        return replace(request, params={**self.params, "max_tokens": room})

    def send(self, stacks: Sequence[Stack], progress: Progress | None = None) -> None:
        """Have a reply to every stack; those that have one are not sent again in this call."""
        new = self.unsent(stacks)
        replies = self.session.complete([self.request(stack) for stack in new], progress=progress)
        self._replies.update(zip(new, replies, strict=True))

    def unsent(self, stacks: Sequence[Stack]) -> list[Stack]:
        """Those stacks that have no reply in this call yet."""
        return [stack for stack in dict.fromkeys(stacks) if stack not in self._replies]

    def read(self, stack: Stack) -> dict[Cell, float | str]:
        """What the reply to a stack says of each of its cells."""
        reply = self._replies[stack]
        if not reply.ok:
            return dict.fromkeys(stack.cells(), _reason(reply.error or ""))
        # The reply satisfies the schema, so that every cell is there, under its name.
        return {
            (row, column): float(reply.data[f"t{i}"][f"q{j}"] == YES)
            for i, row in enumerate(stack.texts, start=1)
            for j, column in enumerate(stack.questions, start=1)
        }

    def settle(self, stacks: Sequence[Stack], progress: Progress | None = None) -> None:
        """Give every cell of the stacks an outcome.

        One text that a model refuses, or stumbles over, would take the others in its stack with it. So a
        stack without a usable reply is halved until only the cells that are at fault have none.
        """
        answered = any(not isinstance(outcome, str) for outcome in self.outcomes.values())
        waiting, rounds = list(stacks), 0
        while waiting:
            self.send(waiting, progress if rounds == 0 else None)
            rounds += 1
            halves: list[Stack] = []
            for stack in waiting:
                found = self.read(stack)
                self.outcomes.update(found)
                reasons = set(map(str, found.values())) & {REFUSED, UNPARSEABLE}
                answered |= self._replies[stack].ok
                halves.extend(stack.halves() if reasons else ())
            waiting = halves if answered or rounds < _BARREN_ROUNDS else []


def _reason(error: str) -> str:
    """What an unusable reply comes to: the model's word, or a call that may work another time."""
    if error.startswith(("refused", "RequestRefused")):
        return REFUSED
    return UNPARSEABLE if error.startswith(("parse failure", "empty reply", "prompt too long")) else FAILED
