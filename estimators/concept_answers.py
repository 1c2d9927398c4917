"""Answers to questions, from a frame that the user has, from a language model, or from both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.answer import ask, plan_answers
from interpllm.errors import InputError
from interpllm.estimators.concept_rows import ConceptRows
from interpllm.llm import Session
from interpllm.llm.plan import Plan
from interpllm.runtime import Question

Array = NDArray[np.float64]


class Answering:
    """Answers questions about rows: by the user's columns where there are any, else by a language model.

    Parameters
    ----------
    session : Session or None
    rows : ConceptRows
    task : str or None
        What the texts are read for; told to the model as background.
    options : dict
        Further arguments of `interpllm.answer.ask`.
    verbose : int
        1 shows a progress bar.
    """

    def __init__(
        self,
        session: Session | None,
        rows: ConceptRows,
        task: str | None,
        options: dict[str, Any],
        verbose: int = 0,
    ) -> None:
        self.session, self.rows, self.task = session, rows, task
        self.options, self.verbose = options, verbose
        self.reports: list[dict[str, Any]] = []

    def values(self, questions: Sequence[Question], index: NDArray[np.intp] | None = None) -> Array:
        """Answers (n, n_questions) from 0 to 1 of some rows (all by default), NaN where one is missing.

        Raises
        ------
        InputError
            When a question is neither answered by a column nor can be asked.
        """
        rows = self.rows if index is None else self.rows.take(index)
        given = rows.answered(questions)
        found = np.full((len(rows), len(questions)), np.nan)
        for column, question in enumerate(questions):
            if question.id in given:
                found[:, column] = given[question.id]
        open_ = [column for column, question in enumerate(questions) if question.id not in given]
        if open_:
            asked = [questions[column] for column in open_]
            found[:, open_] = self._asked(asked, rows.texts)
        return found

    def _asked(self, questions: list[Question], texts: list[str] | None) -> Array:
        if self.session is None:
            raise InputError(
                f"Nobody can answer {questions[0].text!r} ({len(questions)} questions are open): give a "
                "language model in llm=, or a frame with a column of answers for each question."
            )
        assert texts is not None, "rows without texts have an answer for every question, or were refused"
        cells = len(set(texts)) * len(questions)
        with tqdm(total=cells, desc="asking", disable=not self.verbose, unit="answer") as bar:
            answers = ask(self.session, texts, questions, task=self.task, progress=bar.update, **self.options)
        self.reports.append(answers.report)
        return answers.values

    def plan(self, questions: Sequence[Question]) -> Plan:
        """What answering questions about all rows would still send."""
        open_ = [question for question in questions if question.id not in self.rows.answered(questions)]
        if not open_ or self.session is None or self.rows.texts is None:
            return Plan()
        return plan_answers(self.session, self.rows.texts, open_, task=self.task, **self.options)

    @property
    def report(self) -> dict[str, Any]:
        """What came of all questions that were asked: sums of the counts of each call."""
        counts = ("cells", "known", "missing")
        summed: dict[str, Any] = {name: sum(report[name] for report in self.reports) for name in counts}
        summed["cut"] = max((report["cut"] for report in self.reports), default=0)
        for why in ("refused", "unparseable", "failed"):
            summed[why] = sum(sum(report[why].values()) for report in self.reports)
        guards = [report["guard"] for report in self.reports if report["guard"]]
        summed["guard"] = guards[-1] if guards else None
        summed["soft"] = any(report["soft"] for report in self.reports)
        return summed
