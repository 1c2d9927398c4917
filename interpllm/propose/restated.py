"""A language model judges whether questions merely say the label in other words.

That a question predicts nearly all of the label can be measured; whether it does so because it *is* the
label is a matter of meaning. Wordings and names are shown, and no texts, so that one request does for many
questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.llm import Request, Session
from interpllm.runtime import Question
from interpllm.runtime.features import one_line

PROMPT_VERSION = "restated-1"
PER_REQUEST = 20
ANSWER_TOKENS = 12
"""Output tokens of one judgement, about."""

_PROMPT = """\
From the answers to yes/no questions about a text a small, readable model predicts {target}.{task}{classes}

A question restates {target} if to answer it is to decide {target} itself: it asks for a class, in its own
name or in other words, or for its opposite. It does not restate it if it asks for a sign, a fact or a feature
of the text that goes with a class but could be found by a reader who has never heard of the classes.

Which of these questions restate {target}? Answer true or false for each.
{questions}"""


@dataclass(frozen=True)
class Judged:
    """What a language model says of questions.

    Parameters
    ----------
    restates : array (n_questions,)
        1 where it says that the question restates the label, 0 where not, NaN where there is no usable reply.
    """

    restates: NDArray[np.float64]

    @property
    def report(self) -> dict[str, int]:
        """How many were judged, restate the label, or have no judgement."""
        return {
            "judged": len(self.restates),
            "restate": int(np.nansum(self.restates)),
            "missing": int(np.isnan(self.restates).sum()),
        }


def judge_restated(
    session: Session,
    questions: Sequence[Question],
    *,
    task: str | None = None,
    classes: Sequence[str] | None = None,
    target: str = "the label",
) -> Judged:
    """Ask a language model which questions merely restate the label.

    Parameters
    ----------
    session : Session
        With the verb ``complete``.
    questions : sequence of Question
    task : str, optional
        What the model is for, in the user's words.
    classes : sequence of str, optional
        Names of the classes; None for a number.
    target : str
        What is predicted, as a prompt calls it.

    Returns
    -------
    Judged
        A reply that does not satisfy the schema is asked for again, within the session's bounds; one that
        never comes is a missing judgement, and no "yes".

    Raises
    ------
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.complete`.
    """
    parts = [questions[start : start + PER_REQUEST] for start in range(0, len(questions), PER_REQUEST)]
    replies = session.complete([_request(session, part, task, classes, target) for part in parts])
    restates = [
        float(reply.data[_name(number)]) if reply.ok else np.nan
        for part, reply in zip(parts, replies, strict=True)
        for number in range(len(part))
    ]
    return Judged(np.array(restates, dtype=np.float64))


def _request(
    session: Session,
    questions: Sequence[Question],
    task: str | None,
    classes: Sequence[str] | None,
    target: str,
) -> Request:
    names = [_name(number) for number in range(len(questions))]
    prompt = _PROMPT.format(
        target=one_line(target),
        task=f"\nThe task: {one_line(task)}" if task else "",
        classes=f"\nThe classes: {', '.join(map(one_line, classes))}" if classes else "",
        questions="\n".join(
            f"{name}: {one_line(question.text)}" for name, question in zip(names, questions, strict=True)
        ),
    )
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: {"type": "boolean"} for name in names},
        "required": names,
        "additionalProperties": False,
    }
    # A model in process stops at few tokens unless told; a server is left its own limit.
    params = {} if session.backend.batch_size == 1 else {"max_tokens": 2 * len(names) * ANSWER_TOKENS}
    return Request.of(
        prompt,
        schema=schema,
        params=params,
        prompt_version=PROMPT_VERSION,
        expected_tokens=len(names) * ANSWER_TOKENS,
    )


def _name(number: int) -> str:
    return f"q{number + 1}"
