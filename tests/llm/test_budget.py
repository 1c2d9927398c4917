"""A budget stops before the request that would go over, and loses nothing that was paid for."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from interpllm.errors import BudgetExceeded, InputError
from interpllm.llm import Budget, Prices, Reply, Request, Session
from interpllm.llm.budget import Meter
from interpllm.testing import FakeLLM, Fault

Opener = Callable[..., Session]

PROMPTS = [f"question {number:03d}" for number in range(60)]


def metering(request: Request) -> Reply:
    return Reply("x", input_tokens=7, output_tokens=5)


@pytest.fixture(params=["in_process", "over_http"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_max_requests_is_exact_with_many_threads(opened: Opener) -> None:
    llm = FakeLLM()
    with pytest.raises(BudgetExceeded, match="max_requests=25"):
        opened(llm, budget=Budget(max_requests=25)).complete(PROMPTS)
    assert llm.received["complete"] == 25


def test_what_was_done_is_kept(opened: Opener) -> None:
    llm = FakeLLM()
    with pytest.raises(BudgetExceeded):
        opened(llm, budget=Budget(max_requests=25)).complete(PROMPTS)
    opened(llm).complete(PROMPTS)
    assert llm.received["complete"] == len(PROMPTS)


def test_retries_count_as_requests(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500")])
    with pytest.raises(BudgetExceeded):
        opened(llm, budget=Budget(max_requests=3)).complete(["a"])
    assert llm.received["complete"] == 3


def test_stored_replies_cost_nothing(opened: Opener) -> None:
    llm = FakeLLM()
    opened(llm).complete(PROMPTS)
    assert all(reply.ok for reply in opened(llm, budget=Budget(max_requests=0)).complete(PROMPTS))


def test_max_tokens_is_not_gone_over_where_the_estimate_holds(opened: Opener) -> None:
    llm = FakeLLM(metering)
    requests = [Request.of(prompt, params={"max_tokens": 5}) for prompt in PROMPTS]
    session = opened(llm, budget=Budget(max_tokens=300))
    with pytest.raises(BudgetExceeded, match="max_tokens=300"):
        session.complete(requests)
    assert 288 <= session.usage.tokens <= 300


@pytest.mark.parametrize("limit", [{"max_tokens": 1000}, {"max_cost": 0.001}], ids=["tokens", "cost"])
def test_long_replies_do_not_go_over_before_the_first_has_come(opened: Opener, limit: Any) -> None:
    llm = FakeLLM(lambda request: Reply("x", input_tokens=7, output_tokens=500), latency=0.02)
    session = opened(llm, budget=Budget(**limit), prices={"input": 1.0, "output": 1.0})
    with pytest.raises(BudgetExceeded):
        session.complete(PROMPTS)
    assert session.usage.tokens == 507


def test_after_the_first_reply_calls_are_sent_together(opened: Opener) -> None:
    llm = FakeLLM(metering, latency=0.05)
    session = opened(llm, budget=Budget(max_tokens=100_000))
    started = time.perf_counter()
    session.complete(PROMPTS[:33])
    assert time.perf_counter() - started < 33 * 0.05 / 2


def test_calls_in_flight_count_as_replies_took_so_far() -> None:
    meter = Meter(Budget(max_tokens=2000), None)
    call = meter.estimate(Request.of("a"))
    meter.open(call)
    meter.close(call, 0, 200, 1)
    meter.open(call), meter.open(call)
    meter.close(call, 0, 900, 1)
    # 1,100 are used, and a reply took 550: with the one in flight there is no room for another.
    with ThreadPoolExecutor(1) as pool:
        third = pool.submit(meter.open, call)
        with pytest.raises(TimeoutError):
            third.result(timeout=0.1)
        meter.close(call, 0, 100, 1)
        third.result(timeout=5)


def test_a_first_call_that_fails_lets_the_next_one_go(opened: Opener) -> None:
    llm = FakeLLM(metering, faults=[Fault("500", at={1, 2, 3})])
    session = opened(llm, budget=Budget(max_tokens=100_000), max_retries=0)
    assert sum(reply.ok for reply in session.complete(PROMPTS)) == len(PROMPTS) - 3


def test_replies_of_a_batch_are_counted_each(in_process: Opener) -> None:
    session = in_process(FakeLLM(metering, batch_size=20))
    session.complete(PROMPTS)
    assert session.plan(["another"]).output_tokens == 5


def test_max_cost_stops(opened: Opener) -> None:
    requests = [Request.of(prompt, params={"max_tokens": 5}) for prompt in PROMPTS]
    session = opened(
        FakeLLM(metering), budget=Budget(max_cost=0.01), prices={"input": 100.0, "output": 200.0}
    )
    with pytest.raises(BudgetExceeded, match=r"max_cost=0\.01"):
        session.complete(requests)
    assert session.usage.cost == pytest.approx(0.01, rel=0.25)
    assert session.usage.cost <= 0.01


def test_embedding_is_within_the_budget_too(opened: Opener) -> None:
    llm = FakeLLM(batch_size=8)
    with pytest.raises(BudgetExceeded):
        opened(llm, budget=Budget(max_requests=0)).embed(["a"])
    assert not llm.received


def test_probes_are_within_the_budget_too(over_http: Opener) -> None:
    llm = FakeLLM()
    with pytest.raises(BudgetExceeded):
        over_http(llm, budget=Budget(max_requests=0)).complete(["a"], schema={"type": "object"})
    assert not llm.received


def test_two_threads_share_the_budget_of_their_session(in_process: Opener) -> None:
    llm = FakeLLM()
    session = in_process(llm, budget=Budget(max_requests=10))

    def ask(prompts: list[str]) -> Any:
        with pytest.raises(BudgetExceeded):
            session.complete(prompts)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ask, [PROMPTS[:30], PROMPTS[30:]]))
    assert llm.received["complete"] == 10


def test_a_cost_needs_prices() -> None:
    with pytest.raises(InputError, match="prices"):
        Session(FakeLLM(), budget=Budget(max_cost=1.0))


@pytest.mark.parametrize("limits", [{"max_requests": -1}, {"max_tokens": "many"}, {"max_cost": float("nan")}])
def test_a_limit_that_is_none_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(limits))):
        Budget(**limits)


@pytest.mark.parametrize("prices", [{"in": 1.0}, {"input": -1.0}, {"output": "dear"}])
def test_prices_that_are_none_are_refused(prices: Any) -> None:
    with pytest.raises(InputError, match="prices"):
        Prices.of(prices)
