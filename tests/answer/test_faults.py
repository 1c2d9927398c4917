"""Whatever goes wrong: no answer is invented, none that came is lost, and no budget is passed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from interpllm.answer import ask
from interpllm.errors import BudgetExceeded, RequestRefused
from interpllm.llm import Budget, Reply, Request, Session
from interpllm.testing import FakeLLM, Fault

from .conftest import QUESTIONS, TEXTS, TRUTH, reader, reading, stacked

Opener = Callable[..., Session]

POISON = [7, 8, 41]  # texts that the model declines, two of them in one stack


def declining(request: Request) -> object:
    """Refuses every request that holds one of the poisoned texts."""
    texts, _ = stacked(request)
    if set(texts.values()) & {TEXTS[row] for row in POISON}:
        return Reply(None, refusal="I cannot help with that.", finish="stop")
    return reader()(request)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("429", every=7, seconds=0.001),
        Fault("500", every=5),
        Fault("cut", every=6),
        Fault("broken_body", every=4),
        Fault("bad_json", every=3, verb="complete"),
        Fault("ignored_schema", every=5, verb="complete"),
        Fault("refusal", every=4, verb="complete"),
        Fault("400", every=4, verb="complete"),
        Fault("hang", at={3, 9}, seconds=1.0),
    ],
    ids=lambda fault: fault.kind,
)
def test_passing_faults_cost_no_answer(over_http: Opener, fault: Fault) -> None:
    # One request at a time, or which of them meet the fault would hang on the threads.
    session = over_http(reading(faults=(fault,)), timeout=0.3, max_concurrency=1)
    answers = ask(session, TEXTS, QUESTIONS)
    # A single cell may be refused, too, when it is its request that meets the fault.
    assert np.array_equal(answers.values[~np.isnan(answers.values)], TRUTH[~np.isnan(answers.values)])
    assert np.isnan(answers.values).sum() <= (6 if fault.kind in ("refusal", "400") else 0)


@pytest.mark.parametrize("kind", ["429", "500", "bad_json", "refusal", "400", "ignored_schema"])
def test_a_model_in_process_may_fail_in_every_way_too(in_process: Opener, kind: str) -> None:
    llm = reading(faults=(Fault(kind, probability=0.3, verb="complete"),), seed=3)
    values = ask(in_process(llm, max_retries=1), TEXTS, QUESTIONS).values
    there = ~np.isnan(values)
    assert np.array_equal(values[there], TRUTH[there])


def test_one_refused_text_takes_no_other_with_it(in_process: Opener) -> None:
    answers = ask(in_process(FakeLLM(declining, name="d")), TEXTS, QUESTIONS)
    lost = np.isnan(answers.values)
    assert lost.all(axis=1).nonzero()[0].tolist() == POISON
    assert lost.sum() == len(POISON) * len(QUESTIONS)
    assert set(answers.report["refused"].values()) == {len(POISON)}
    assert np.array_equal(answers.values[~lost], TRUTH[~lost])


def test_what_was_refused_is_not_asked_again(in_process: Opener) -> None:
    llm = FakeLLM(declining, name="d")
    ask(in_process(llm), TEXTS, QUESTIONS)
    sent = llm.received.total()
    again = ask(in_process(llm), TEXTS[::-1], QUESTIONS)
    assert llm.received.total() == sent
    assert np.isnan(again.values).any(axis=1).sum() == len(POISON)


def test_what_failed_is_asked_again_and_nothing_else(in_process: Opener) -> None:
    llm = reading(faults=(Fault("500", at={2, 3}, verb="complete"),))
    first = ask(in_process(llm, max_retries=0, max_concurrency=1), TEXTS, QUESTIONS, guard=0)
    assert sum(first.report["failed"].values()) == np.isnan(first.values).sum() > 0
    sent = llm.received.total()
    assert np.array_equal(ask(in_process(llm), TEXTS, QUESTIONS, guard=0).values, TRUTH)
    assert llm.received.total() == sent + 2


def test_a_model_that_never_answers_usably_is_soon_left_alone(in_process: Opener) -> None:
    llm = FakeLLM(lambda request: Reply(None, refusal="No.", finish="stop"), name="n")
    answers = ask(in_process(llm), TEXTS, QUESTIONS, guard=0)
    assert np.isnan(answers.values).all()
    assert sum(answers.report["refused"].values()) == TRUTH.size
    assert llm.received["complete"] <= 16 * (1 + 2 + 4)


def test_an_answer_outside_yes_and_no_is_none(in_process: Opener) -> None:
    llm = FakeLLM(lambda request: {t: {"q1": "maybe"} for t in stacked(request)[0]}, name="m")
    answers = ask(in_process(llm), TEXTS[:2], QUESTIONS[:1], guard=0)
    assert np.isnan(answers.values).all()
    assert answers.report["unparseable"] == {QUESTIONS[0].id: 2}


def test_a_reply_that_leaves_a_text_out_answers_nothing_for_it(in_process: Opener) -> None:
    def forgetful(request: Request) -> object:
        answer = reader()(request)
        return answer if len(answer) <= 4 else {name: answer[name] for name in list(answer)[:-1]}

    answers = ask(in_process(FakeLLM(forgetful, name="f")), TEXTS, QUESTIONS, guard=0)
    assert np.array_equal(answers.values, TRUTH)


def test_a_refused_key_stops_at_once(over_http: Opener) -> None:
    llm = reading(faults=(Fault("401", verb="complete"),))
    with pytest.raises(RequestRefused):
        ask(over_http(llm, max_concurrency=1), TEXTS, QUESTIONS)
    assert llm.received["complete"] <= 2


def test_a_budget_is_not_passed_and_the_next_call_goes_on(opened: Opener) -> None:
    limit = 20
    llm = reading(faults=(Fault("500", every=9),))
    full = reading()
    ask(opened(full, store=None), TEXTS, QUESTIONS)
    clean, calls = full.received["complete"], 0
    while True:
        before = llm.received["complete"]
        calls += 1
        try:
            answers = ask(opened(llm, budget=Budget(max_requests=limit)), TEXTS, QUESTIONS)
            break
        except BudgetExceeded:
            assert llm.received["complete"] - before <= limit
    assert np.array_equal(answers.values, TRUTH)
    assert calls > 1
    assert llm.received["complete"] <= clean + llm.received["complete"] // 9 + 2


def test_a_budget_of_tokens_is_not_passed(over_http: Opener) -> None:
    session = over_http(reading(), budget=Budget(max_tokens=9000))
    with pytest.raises(BudgetExceeded):
        ask(session, TEXTS, QUESTIONS)
    assert 4000 < session.usage.tokens <= 9000
