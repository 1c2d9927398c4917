"""Stacks are trusted only where they say what single questions say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interpllm.answer import ask
from interpllm.answer.guard import LEAST, MOST
from interpllm.llm import Request, Session
from interpllm.testing import FakeLLM

from .conftest import QUESTIONS, TEXTS, TRUTH, reader, reading, stacked

Opener = Callable[..., Session]


def overwhelmed(most: int) -> FakeLLM:
    """Answers rightly when asked at most so many cells, else says yes to everything."""

    def answer(request: Request) -> Any:
        texts, questions = stacked(request)
        if len(texts) * len(questions) <= most:
            return reader()(request)
        return {text: dict.fromkeys(questions, "yes") for text in texts}

    return FakeLLM(answer, name=f"overwhelmed-{most}")


@pytest.mark.parametrize(("most", "trusted"), [(100, (8, 8)), (16, (4, 4)), (4, (2, 2)), (1, (1, 1))])
def test_the_stack_shrinks_until_its_answers_agree(
    in_process: Opener, most: int, trusted: tuple[int, int]
) -> None:
    answers = ask(in_process(overwhelmed(most)), TEXTS, QUESTIONS)
    report = answers.report
    assert (report["rows_per_request"], report["questions_per_request"]) == trusted
    assert np.array_equal(answers.values, TRUTH)


def test_the_report_tells_each_trial(in_process: Opener) -> None:
    guard = ask(in_process(overwhelmed(16)), TEXTS, QUESTIONS).report["guard"]
    assert [trial["rows"] for trial in guard["trials"]] == [8, 4]
    assert guard["trials"][0]["kappa"] < 0.2 < guard["kappa"] == 1.0


def test_no_guard_trusts_without_a_look(in_process: Opener) -> None:
    report = ask(in_process(overwhelmed(1)), TEXTS, QUESTIONS, guard=0).report
    assert (report["guard"], report["rows_per_request"]) == (None, 8)


def test_the_verdict_is_kept_for_other_texts_of_like_length(in_process: Opener) -> None:
    llm = reading()
    ask(in_process(llm), TEXTS[:30], QUESTIONS)
    sent = llm.received["complete"]
    report = ask(in_process(llm), TEXTS[30:38], QUESTIONS[:8]).report
    assert llm.received["complete"] == sent + 1
    assert (report["guard"]["sampled"], report["guard"]["kappa"]) == (False, 1.0)


def test_much_longer_texts_are_judged_anew(in_process: Opener) -> None:
    session = in_process(reading())
    ask(session, TEXTS, QUESTIONS)
    longer = [text + " z" * 200 for text in TEXTS]
    assert ask(session, longer, QUESTIONS).report["guard"]["sampled"]


def test_few_cells_are_asked_one_by_one(in_process: Opener) -> None:
    llm = overwhelmed(1)
    answers = ask(in_process(llm), TEXTS[:4], QUESTIONS[:4])
    assert (llm.received["complete"], answers.report["rows_per_request"]) == (16, 1)
    assert np.array_equal(answers.values, TRUTH[:4, :4])


@pytest.mark.parametrize(("guard", "cells"), [(0.05, 30), (0.001, LEAST), (0.9, MOST), (55, 55)])
def test_the_share_is_held_within_bounds(in_process: Opener, guard: float, cells: int) -> None:
    llm = reading()
    report = ask(in_process(llm), TEXTS, QUESTIONS, guard=guard).report
    assert report["guard"]["cells"] == cells
    assert llm.received["complete"] == 16 + cells


def test_answers_lost_in_a_stack_count_as_differences(in_process: Opener) -> None:
    def silent(request: Request) -> Any:
        texts, _ = stacked(request)
        return reader()(request) if len(texts) <= 2 else "I am not sure about these."

    report = ask(in_process(FakeLLM(silent, name="silent")), TEXTS, QUESTIONS).report
    assert (report["rows_per_request"], report["guard"]["trials"][0]["agreement"]) == (2, 0.0)
