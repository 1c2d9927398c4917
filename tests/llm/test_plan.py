"""A plan says what a call then does, and sends nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interpllm.llm import Plan, Request, Session
from interpllm.testing import FakeLLM

Opener = Callable[..., Session]

TEXTS = [f"text {number}" for number in range(150)]


def test_nothing_is_sent(over_http: Opener) -> None:
    llm = FakeLLM()
    over_http(llm).plan(TEXTS, prompts=TEXTS, options=["a", "b"], texts=TEXTS)
    assert not llm.received


@pytest.mark.parametrize("batch_size", [1, 32])
def test_planned_requests_are_those_that_are_sent(in_process: Opener, batch_size: int) -> None:
    session = in_process(FakeLLM(batch_size=batch_size))
    session.complete(TEXTS[:20]), session.embed(TEXTS[:20]), session.score(TEXTS[:20], ["a", "b"])
    before = session.usage.requests
    plan = session.plan([*TEXTS, *TEXTS], prompts=TEXTS, options=["a", "b"], texts=TEXTS)
    session.complete(TEXTS), session.embed(TEXTS), session.score(TEXTS, ["a", "b"])
    assert session.usage.requests - before == plan.requests


def test_planned_embeddings_over_http_are_those_that_are_sent(over_http: Opener) -> None:
    session = over_http(FakeLLM())
    plan = session.plan(texts=TEXTS)
    session.embed(TEXTS)
    assert session.usage.requests == plan.requests == 3


def test_stored_items_are_not_planned(in_process: Opener) -> None:
    session = in_process(FakeLLM())
    session.embed(TEXTS[:50])
    plan = session.plan(texts=TEXTS)
    assert (plan.items, plan.stored, plan.requests) == (150, 50, 100)


def test_tokens_are_those_of_the_texts_and_limits(in_process: Opener) -> None:
    plan = in_process(FakeLLM()).plan([Request.of("x" * 400, params={"max_tokens": 7})])
    assert (plan.input_tokens, plan.output_tokens) == (104, 7)


def test_money_needs_prices(in_process: Opener) -> None:
    asked = [Request.of("x" * 400, params={"max_tokens": 10})]
    assert in_process(FakeLLM()).plan(asked).cost is None
    priced = in_process(FakeLLM(), prices={"input": 1e6, "output": 2e6}).plan(asked)
    assert priced.cost == pytest.approx(104 + 20)


def test_seconds_follow_the_measured_speed(in_process: Opener) -> None:
    session = in_process(FakeLLM(batch_size=32, latency=0.01))
    assert not session.plan(texts=TEXTS).measured
    session.embed(TEXTS[:64])
    plan = session.plan(texts=TEXTS[64:])
    assert plan.measured
    assert 0.02 < plan.seconds < 1.0


def test_nothing_to_do_takes_nothing(in_process: Opener) -> None:
    assert in_process(FakeLLM()).plan() == Plan()


def test_plan_is_flat_data(in_process: Opener) -> None:
    plan = in_process(FakeLLM()).plan(["a"]).as_dict()
    assert {"items", "stored", "requests", "tokens", "seconds", "cost"} <= set(plan)
    assert "1 requests for 1 of 1 items" in str(in_process(FakeLLM()).plan(["a"]))
