"""The plan is what is then metered, within a tenth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interpllm.answer import ask, plan_answers
from interpllm.llm import Session
from interpllm.testing import FakeLLM

from .conftest import QUESTIONS, TEXTS, TRUTH, reading

Opener = Callable[..., Session]
PROSE = [f"{text} It was a long day, and nobody said why; we went home late." for text in TEXTS]
PRICES = {"input": 2.0, "output": 8.0}


@pytest.mark.parametrize("guard", [0, 0.05])
@pytest.mark.parametrize(("rows", "questions"), [(8, 8), (3, 10), (1, 1)])
def test_requests_tokens_and_money_come_as_planned(
    opened: Opener, guard: float, rows: int, questions: int
) -> None:
    sizes = {"rows_per_request": rows, "questions_per_request": questions, "guard": guard}
    session = opened(reading(), prices=PRICES)
    plan = plan_answers(session, PROSE[:20], QUESTIONS, task="notes", **sizes)
    used = ask(session, PROSE[:20], QUESTIONS, task="notes", **sizes).report["usage"]
    probes = 1 if hasattr(session.backend, "url") else 0
    assert plan.requests == used["requests"] - probes
    assert plan.tokens == pytest.approx(used["input_tokens"] + used["output_tokens"], rel=0.1)
    assert plan.cost == pytest.approx(used["cost"], rel=0.1)


def test_what_is_answered_is_not_planned(in_process: Opener) -> None:
    session = in_process(reading())
    ask(session, TEXTS[:40], QUESTIONS)
    assert plan_answers(session, TEXTS[:40], QUESTIONS).requests == 0
    assert plan_answers(session, TEXTS, QUESTIONS, guard=0).requests == 3 * 2


def test_soft_answers_are_planned_by_the_prompt(in_process: Opener) -> None:
    session = in_process(FakeLLM(batch_size=32, name="s"))
    plan = plan_answers(session, TEXTS, QUESTIONS)
    used = ask(session, TEXTS, QUESTIONS).report["usage"]
    assert (plan.items, plan.requests) == (TRUTH.size, used["requests"])
    assert plan.tokens == pytest.approx(used["input_tokens"], rel=0.1)


def test_planning_sends_nothing(in_process: Opener) -> None:
    llm = reading()
    plan_answers(in_process(llm), TEXTS, QUESTIONS)
    assert not llm.received
