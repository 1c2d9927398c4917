"""Where statements about texts come from: a person, a language model that reads texts, the library's own.

A statement is a yes/no question that is answered of one text alone.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from interpllm.answer.ask import questions_of
from interpllm.errors import InputError, LLMError, ReplayMiss
from interpllm.explain.asking import Array
from interpllm.explain.material import Material
from interpllm.llm import Plan, Session, connect
from interpllm.propose.bank import question_bank
from interpllm.propose.questions import Proposal, plan_questions, propose_questions
from interpllm.propose.shortlist import shortlist
from interpllm.runtime import Question

Source = Literal["auto", "llm", "bank"]


@dataclass(frozen=True)
class Wanted:
    """Which statements are to be tried.

    Parameters
    ----------
    own : list of Question
        Those that a person gave.
    n : int
        How many are to be proposed beside them.
    source : {"auto", "llm", "bank"}
        Who proposes; "auto": the language model where it is behind a server, else the library's own.
    goal : str or None
        What the statements are to be about.
    target : str
        What is told apart, as a prompt calls it.
    truer_of : str or None
        The group that statements are to be truer of; None for any.
    cache : path or None
        Where the likeness of texts and the library's own statements is kept.
    random_state : int
    """

    own: list[Question]
    n: int
    source: Source
    goal: str | None
    target: str
    truer_of: str | None
    cache: str | os.PathLike[str] | None
    random_state: int

    def __post_init__(self) -> None:
        if self.source not in ("auto", "llm", "bank"):
            raise InputError(f"propose must be 'auto', 'llm' or 'bank'; got {self.source!r:.80}.")
        if not isinstance(self.n, int | np.integer) or self.n < 0 or self.n + len(self.own) < 1:
            raise InputError(
                f"n_candidates must be a whole number; got {self.n!r:.80}. With 0, give statements of your "
                "own in candidates=."
            )

    def asks(self, session: Session) -> bool:
        """Whether a language model is to write statements."""
        writes = "complete" in session.capabilities
        return bool(self.n) and (
            self.source == "llm" or (self.source == "auto" and writes and session.backend.batch_size == 1)
        )

    def shown(self, rows: Material) -> dict[str, Any]:
        """The arguments of `propose_questions`."""
        return {
            "texts": rows.of(rows.parts.propose),
            "y": rows.y[rows.parts.propose],
            "n": int(self.n),
            "task": self.goal,
            "classes": rows.names or None,
            "target": self.target,
            "held": self.own,
            "truer_of": self.truer_of,
            "random_state": self.random_state,
        }


def wanted(candidates: Iterable[str | Question], n: int, **others: Any) -> Wanted:
    """Check which statements are to be tried; two of the same id are one."""
    if isinstance(candidates, str | Question):
        raise InputError("candidates must be a list; put a single statement into a list.")
    own = {question.id: question for question in questions_of(list(candidates))}
    return Wanted(list(own.values()), n, **others)


def proposed(session: Session, rows: Material, how: Wanted) -> tuple[list[Question], dict[str, Any]]:
    """All statements to try, written from the proposing rows only, and how they came about.

    Raises
    ------
    LLMError
        When there is none.
    """
    if not how.asks(session):
        return _banked(rows, how), {}
    proposal = propose_questions(session, **how.shown(rows))
    found = _with_own(how, proposal)
    if not found:
        why = proposal.failures[0] if proposal.failures else "no proposal could be used"
        raise LLMError(
            f"The language model proposed no statement ({why:.200}). Give some in candidates=, or take the "
            'library\'s own with propose="bank".'
        )
    rejected = dict(sorted(Counter(why for _, why in proposal.rejected).items()))
    return found, {
        "proposed": len(proposal.questions),
        "rejected": rejected,
        "requests": proposal.requests,
        "failed_requests": len(proposal.failures),
        "rows_cut": proposal.cut,
    }


def plan_proposed(session: Session, rows: Material, how: Wanted) -> tuple[list[Question], Plan]:
    """Statements in place of those that a language model would write, or these, where they are stored."""
    if not how.asks(session):
        return _banked(rows, how), Plan()
    plan = plan_questions(session, **how.shown(rows))
    if not plan.requests:
        replay = Session(session.backend, store=session.store, mode="replay")
        try:
            return _with_own(how, propose_questions(replay, **how.shown(rows))), plan
        except ReplayMiss:
            pass  # a stored reply is to be asked for again
    stand_ins = [Question.of(_STAND_IN.format(number), _STAND_IN, "llm") for number in range(how.n)]
    return how.own + stand_ins, plan


_STAND_IN = "Does the text state that there is something of a certain kind ({}) that some texts have?"
"""As long as a proposed statement, about; so is its line of what counts."""


def _with_own(how: Wanted, proposal: Proposal) -> list[Question]:
    ids = {question.id for question in how.own}
    return how.own + [question for question in proposal.questions if question.id not in ids]


def _banked(rows: Material, how: Wanted) -> list[Question]:
    ids = {question.id for question in how.own}
    bank = [question for question in question_bank() if question.id not in ids]
    if not how.n:
        return how.own
    seen = rows.parts.propose
    likely = connect("minilm", cache=how.cache)
    shown, y, classes = rows.of(seen), rows.y[seen], bool(rows.names)
    return how.own + shortlist(
        likely, bank, shown, y, how.n, classification=classes, random_state=how.random_state
    )


def evidence(texts: Sequence[str], answers: Array, most: int = 2, longest: int = 200) -> list[str]:
    """The first texts of which a statement is true, each up to a length."""
    yes = np.flatnonzero(np.nan_to_num(answers, nan=0.0) > 0.5)[:most]
    return [texts[row] if len(texts[row]) <= longest else texts[row][:longest] + " [...]" for row in yes]


def table_of_candidates(questions: Sequence[Question], columns: Mapping[str, Any]) -> pd.DataFrame:
    """One row a candidate, the best score first."""
    frame = pd.DataFrame(
        {
            "statement": [question.text for question in questions],
            "counts": [question.counts for question in questions],
            "source": [question.source for question in questions],
            "id": [question.id for question in questions],
            **columns,
        }
    )
    return frame.sort_values(["confirmed", "score"], ascending=False, kind="stable").reset_index(drop=True)
