"""Busy and broken servers are tried again, within bounds; what can never work is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from interpllm.errors import ConnectionFailed, LLMError, RequestRefused, TransientError
from interpllm.llm import Session
from interpllm.llm.calls import LONGEST_WAIT, Patience, Stopped
from interpllm.testing import FakeLLM, Fault

Opener = Callable[..., Session]

PROMPTS = [f"question {number}" for number in range(40)]


@pytest.fixture(params=["in_process", "over_http"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


@pytest.mark.parametrize("kind", ["429", "500", "cut", "broken_body"])
def test_what_another_try_mends_is_mended(opened: Opener, kind: str) -> None:
    llm = FakeLLM(faults=[Fault(kind, every=5, seconds=0.001)])
    session = opened(llm)
    assert [reply.text for reply in session.complete(PROMPTS)] == [f"You asked: {p}" for p in PROMPTS]
    assert session.usage.retries == llm.received["complete"] - len(PROMPTS) == session.usage.requests - 40


def test_a_server_that_hangs_is_tried_again(over_http: Opener) -> None:
    llm = FakeLLM(faults=[Fault("hang", at={1})])
    assert over_http(llm, timeout=0.3).complete(["a"])[0].ok
    assert llm.received["complete"] == 2


@pytest.mark.parametrize("kind", ["429", "500"])
def test_tries_are_bounded(opened: Opener, kind: str) -> None:
    llm = FakeLLM(faults=[Fault(kind)])
    reply = opened(llm, max_retries=3).complete(["a"])[0]
    assert kind in (reply.error or "")
    assert llm.received["complete"] == 4


@pytest.mark.parametrize(("kind", "fix"), [("401", "OPENAI_API_KEY"), ("403", "model"), ("404", "/v1")])
def test_what_concerns_every_request_fails_at_once_with_the_fix(
    over_http: Opener, kind: str, fix: str
) -> None:
    llm = FakeLLM(faults=[Fault(kind)])
    session = over_http(llm, max_concurrency=1)
    with pytest.raises(
        RequestRefused, match=rf"http://127\.0\.0\.1:\d+/v1/chat/completions answered {kind}"
    ) as e:
        session.complete(PROMPTS)
    assert fix in str(e.value)
    assert llm.received["complete"] == 1


def test_a_key_that_is_not_set_is_told(over_http: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    session = over_http(FakeLLM(faults=[Fault("401")]))
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(RequestRefused, match="it is not set"):
        session.complete(["a"])


def test_what_concerns_one_request_fails_alone(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("400", at={2})])
    replies = opened(llm, max_concurrency=1).complete(PROMPTS)
    assert [reply.ok for reply in replies] == [True, False] + [True] * 38
    assert llm.received["complete"] == 40


def test_what_came_before_a_refusal_is_kept(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("401", at={20})])
    with pytest.raises(RequestRefused):
        opened(llm).complete(PROMPTS)
    opened(llm).complete(PROMPTS)
    assert llm.received["complete"] == 41


def test_a_server_that_is_not_there_is_given_up_at_once(in_process: Opener) -> None:
    llm = FakeLLM(faults=[Fault("unreachable")])
    with pytest.raises(ConnectionFailed):
        in_process(llm, max_retries=1, max_concurrency=1).complete(PROMPTS)
    assert llm.received["complete"] == 2


def test_an_address_where_nobody_listens_is_named(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm, max_retries=0)
    session.backend.url = "http://127.0.0.1:9/v1"  # type: ignore[attr-defined]
    with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1:9/v1/chat/completions cannot be reached"):
        session.complete(["a"])


def test_a_server_that_breaks_for_good_is_given_up(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500", at=range(11, 10_000))])
    session = opened(llm, max_retries=0, max_concurrency=4)
    with pytest.raises(TransientError):
        session.complete([f"question {number}" for number in range(500)])
    assert llm.received["complete"] < 40


def test_an_error_that_is_no_fault_of_the_server_comes_through(in_process: Opener) -> None:
    def broken(request: object) -> str:
        raise ZeroDivisionError("in the backend")

    with pytest.raises(ZeroDivisionError):
        in_process(FakeLLM(broken)).complete(PROMPTS)


def test_retry_after_is_waited_for() -> None:
    tries: list[float] = []

    def send() -> str:
        tries.append(time.monotonic())
        if len(tries) == 1:
            raise TransientError("busy", retry_after=0.2)
        return "x"

    Patience(2, backoff=0.001).call(send, threading.Event(), lambda: None)
    assert 0.2 <= tries[1] - tries[0] < 0.5


def test_retry_after_holds_back_every_thread() -> None:
    patience = Patience(1, backoff=0.001)
    told = threading.Event()

    def busy() -> None:
        if not told.is_set():
            told.set()
            raise TransientError("busy", retry_after=0.2)

    first = threading.Thread(target=patience.call, args=(busy, threading.Event(), lambda: None))
    first.start()
    told.wait()
    time.sleep(0.02)
    started = time.monotonic()
    patience.call(lambda: None, threading.Event(), lambda: None)
    assert time.monotonic() - started > 0.1
    first.join()


def test_a_server_that_asks_for_too_long_is_not_waited_for() -> None:
    def send() -> None:
        raise TransientError("busy", retry_after=LONGEST_WAIT + 1)

    started = time.monotonic()
    with pytest.raises(TransientError):
        Patience(5, backoff=0.001).call(send, threading.Event(), lambda: None)
    assert time.monotonic() - started < 1.0


def test_waits_double_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(6, backoff=1.0)
    waits: list[float] = []
    monkeypatch.setattr(
        patience, "_wait", lambda seconds, stop: waits.append(seconds) if seconds > 0 else None
    )

    def send() -> None:
        raise TransientError("broken")

    with pytest.raises(TransientError):
        patience.call(send, threading.Event(), lambda: None)
    assert all(2**n / 2 <= wait <= 2**n for n, wait in enumerate(waits[:5]))
    assert waits[5] <= 30.0
    assert len({wait / 2**n for n, wait in enumerate(waits[:5])}) > 1


def test_a_wait_ends_when_the_run_is_stopped() -> None:
    stop = threading.Event()

    def send() -> None:
        stop.set()
        raise TransientError("busy", retry_after=60.0)

    with pytest.raises(Stopped):
        Patience(5, backoff=60.0).call(send, stop, lambda: None)


def test_no_credit_is_not_waited_for(over_http: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    from interpllm.testing import fake_server

    llm = FakeLLM(faults=[Fault("429")])
    monkeypatch.setattr(fake_server, "_error", lambda message: {"error": {"code": "insufficient_quota"}})
    with pytest.raises(LLMError, match="no credit"):
        over_http(llm).complete(["a"])
    assert llm.received["complete"] == 1
