"""Who answers statements about texts: a language model, or in a plan nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.answer import LOST, ask, plan_answers
from interpllm.errors import InputError, LLMError
from interpllm.llm import LanguageModel, Plan, Session, as_session
from interpllm.runtime import Question

Array = NDArray[np.float64]
LLM = str | Session | LanguageModel

STACK = (8, 8)
"""Texts and statements in one request, unless told otherwise."""


@dataclass
class Asking:
    """Puts statements to a language model, and counts what came of it.

    Parameters
    ----------
    session : Session
    task : str or None
        Told to the model as background.
    options : mapping
        Further arguments of `interpllm.answer.ask`.
    verbose : int
        1 shows progress.

    Attributes
    ----------
    stack : (int, int)
        Texts and statements in one request.
    report : dict
        ``cells`` that were needed, ``missing`` ones and why, and how many texts were ``cut``, in one step at
        most.
    """

    session: Session
    task: str | None
    options: Mapping[str, Any]
    verbose: int = 0
    report: dict[str, int] = field(default_factory=dict)
    _trusted: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Options that cannot be used are refused here, before anything is paid for.
        names = ("rows_per_request", "questions_per_request")
        rows, columns = (int(self.options.get(name, usual)) for name, usual in zip(names, STACK, strict=True))
        # A soft answer, a probability, takes a prompt for each text and statement.
        soft = ask(self.session, [], [], **self._options()).report["soft"]
        self.stack = (1, 1) if soft else (rows, columns)

    def _options(self) -> dict[str, Any]:
        return {"task": self.task, **self.options, **self._trusted}

    def values(self, texts: Sequence[str], questions: Sequence[Question]) -> Array:
        """Answers (n_texts, n_questions) from 0 to 1, NaN where there is none.

        Raises
        ------
        LLMError
            When there is no answer, or too many requests failed: that is an outage, and no result.
        """
        cells = len(set(texts)) * len(questions)
        with tqdm(total=cells, desc="asking", disable=not self.verbose, unit="answer") as bar:
            answers = ask(self.session, texts, questions, progress=bar.update, **self._options())
        for name in ("cells", "missing"):
            self.report[name] = self.report.get(name, 0) + answers.report[name]
        self.report["cut"] = max(self.report.get("cut", 0), answers.report["cut"])
        for name in ("refused", "unparseable", "failed"):
            self.report[name] = self.report.get(name, 0) + sum(answers.report[name].values())
        if self.session.store is None and answers.report["guard"]:
            # A store keeps the verdict on stacks; without one it is not to be sought again.
            sizes = ("rows_per_request", "questions_per_request")
            self._trusted = {"guard": 0} | {name: answers.report[name] for name in sizes}
        failed = sum(answers.report["failed"].values())
        if cells and (np.isnan(answers.values).all() or failed > LOST * cells):
            raise LLMError(
                f"Of {cells} answers about texts {answers.report['missing']} did not come ({failed} because "
                "requests failed): that is no result. Try the language model with interpllm doctor, and run "
                "this again; what was answered is kept."
            )
        return answers.values


@dataclass
class Planning(Asking):
    """Counts what :class:`Asking` would send, and sends nothing; what is stored is answered."""

    plan: Plan = field(default_factory=Plan)

    def values(self, texts: Sequence[str], questions: Sequence[Question]) -> Array:
        # The comparison of stacks with single cells is made once, by the first call that sends anything.
        guard = {"guard": 0} if self.plan.requests else {}
        step = plan_answers(self.session, texts, questions, **self._options() | guard)
        self.plan += step
        if step.requests:
            return np.full((len(texts), len(questions)), np.nan)
        return ask(self.session, texts, questions, **self._options()).values


def as_llm(llm: LLM | None, cache: Any = None) -> Session:
    """The session that is meant.

    Raises
    ------
    InputError
        When there is none: without replies there is nothing to tell.
    """
    session = as_session(llm, cache)
    if session is None:
        raise InputError('This takes a language model: give a session or a spec, such as "local".')
    return session
