"""The three verbs through store and threads: each thing asked once, answers in order, nothing made up."""

from __future__ import annotations

import copy
import pickle
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, InputError, LLMError
from interpllm.llm import Reply, Request, Session, Store
from interpllm.testing import FakeLLM, Fault

Opener = Callable[..., Session]


@pytest.fixture(params=["in_process", "over_http"])
def opened(request: pytest.FixtureRequest) -> Opener:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def numbered(n: int) -> list[str]:
    return [f"question {i}" for i in range(n)]


def test_replies_are_in_order(opened: Opener) -> None:
    llm = FakeLLM({f"question {i}": f"answer {i}" for i in range(50)})
    assert [r.text for r in opened(llm).complete(numbered(50))] == [f"answer {i}" for i in range(50)]


def test_equal_requests_are_sent_once(opened: Opener) -> None:
    llm = FakeLLM()
    replies = opened(llm).complete(["a", "b", "a", "a"])
    assert (llm.received["complete"], replies[0], replies[3]) == (2, replies[3], replies[2])


def test_a_second_session_sends_nothing(opened: Opener) -> None:
    llm = FakeLLM()
    for _ in range(2):
        session = opened(llm)
        session.complete(["a"]), session.embed(["t"]), session.score(["p"], [" yes", " no"])
        sent = llm.received.total()
    assert sent == llm.received.total()
    assert (session.usage.requests, session.usage.cache_hits) == (0, 3)


def test_stored_replies_say_so(opened: Opener) -> None:
    session = opened(FakeLLM())
    assert [session.complete(["a"])[0].cached for _ in range(2)] == [False, True]


def test_samples_of_one_prompt_are_asked_each(opened: Opener) -> None:
    llm = FakeLLM()
    opened(llm).complete([Request.of("a", sample=number) for number in range(3)])
    assert llm.received["complete"] == 3


def test_scores_are_the_planted_ones(opened: Opener) -> None:
    scores = {
        ("good film", " yes"): -0.1,
        ("good film", " no"): -2.5,
        ("bad", " yes"): -3.0,
        ("bad", " no"): -0.2,
    }
    got = opened(FakeLLM(scores=scores)).score(["bad", "good film", "bad"], [" yes", " no"])
    assert got == pytest.approx(np.array([[-3.0, -0.2], [-0.1, -2.5], [-3.0, -0.2]]))


def test_vectors_are_the_planted_ones_in_order(opened: Opener) -> None:
    llm = FakeLLM(vectors=lambda text: [len(text), 1.0])
    vectors = opened(llm).embed(["aaa", "b", "aaa", ""], template="{text}!")
    assert np.array_equal(vectors, np.array([[4, 1], [2, 1], [4, 1], [1, 1]], dtype=np.float32))


def test_each_distinct_text_is_embedded_once(opened: Opener) -> None:
    llm = FakeLLM()
    session = opened(llm)
    session.embed(["a", "b", "a"]), session.embed(["b", "c"])
    assert sorted(llm.texts) == ["a", "b", "c"]


def test_the_template_is_part_of_what_is_stored(opened: Opener) -> None:
    session = opened(FakeLLM())
    assert not np.array_equal(session.embed(["a"]), session.embed(["a"], template="the {text}"))


def test_texts_are_embedded_many_a_request(over_http: Opener) -> None:
    llm = FakeLLM()
    over_http(llm).embed(numbered(200))
    assert llm.received["embed"] == 4


def test_a_model_in_process_is_handed_full_batches(in_process: Opener) -> None:
    llm = FakeLLM(batch_size=16)
    in_process(llm).embed(numbered(40))
    assert llm.received["embed"] == 3


def test_nothing_in_gives_nothing_out(opened: Opener) -> None:
    session = opened(FakeLLM())
    assert session.complete([]) == []
    assert session.embed([]).shape == (0, 0)
    assert session.score([], ["a", "b"]).shape == (0, 2)


def test_what_cannot_be_had_is_an_error_and_not_an_answer(opened: Opener) -> None:
    session = opened(FakeLLM(faults=[Fault("500", at={2})]), max_retries=0, max_concurrency=1)
    replies = session.complete(numbered(3))
    assert [reply.text is None for reply in replies] == [False, True, False]
    assert "500" in (replies[1].error or "")
    assert session.usage.failures == 1


def test_a_failure_is_not_stored(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500", at={1})])
    assert not opened(llm, max_retries=0).complete(["a"])[0].ok
    assert opened(llm, max_retries=0).complete(["a"])[0].ok


def test_what_cannot_be_scored_is_nan(in_process: Opener) -> None:
    session = in_process(FakeLLM(faults=[Fault("500", at={2})]), max_retries=0, max_concurrency=1)
    scores = session.score(["a", "b", "c"], ["x", "y"])
    assert np.isnan(scores).any(axis=1).tolist() == [False, True, False]
    assert session.usage.failures == 1


def test_a_missing_log_probability_is_stored_as_missing(in_process: Opener) -> None:
    llm = FakeLLM(scores=lambda prompt, option: float("nan") if option == "x" else -1.0)
    in_process(llm).score(["a"], ["x", "y"])
    again = in_process(llm).score(["a"], ["x", "y"])
    assert (np.isnan(again).tolist(), llm.received["score"]) == ([[True, False]], 1)


def test_a_server_that_sent_no_log_probability_is_asked_again(over_http: Opener) -> None:
    # The first score call is the probe, the third the second prompt's.
    llm = FakeLLM(faults=[Fault("ignored_logprobs", at={3}, verb="score")])
    first = over_http(llm, max_concurrency=1)
    lost = first.score(["a", "b", "c"], [" x", " y"])
    assert np.isnan(lost).all(axis=1).tolist() == [False, True, False]
    again = over_http(llm)
    assert np.isfinite(again.score(["a", "b", "c"], [" x", " y"])).all()
    assert (again.usage.requests, again.usage.cache_hits) == (1, 2)


class Listing(FakeLLM):
    """Like a server that lists its likeliest tokens, of which " x" and " y" never are."""

    def score_with(
        self, method: str, prompts: Sequence[str], options: Sequence[str], exact: bool = False
    ) -> tuple[NDArray[np.float64], int, int]:
        self.received["score"] += 1
        row = [-np.inf if option in (" x", " y") else -float(place) for place, option in enumerate(options)]
        return np.array([row] * len(prompts)), 1, 0


def test_options_that_are_not_among_the_likeliest_are_kept_as_missing(tmp_path: Path) -> None:
    def session() -> Session:
        return Session(llm, store=Store(tmp_path / "replies.sqlite"))

    llm = Listing()
    assert np.isnan(session().score(["a", "b"], [" x", " y"])).all()
    sent = llm.received["score"]
    assert np.isnan(session().score(["a", "b"], [" x", " y"])).all()
    assert llm.received["score"] == sent


def test_embedding_raises_and_keeps_what_came(opened: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500", at={3}, verb="embed")], batch_size=64)
    session = opened(llm, max_retries=0, max_concurrency=1)
    with pytest.raises(LLMError):
        session.embed(numbered(300))
    assert opened(llm).plan(texts=numbered(300)).stored == 128


def test_vectors_that_are_not_finite_are_refused(in_process: Opener) -> None:
    with pytest.raises(LLMError, match="not finite"):
        in_process(FakeLLM(vectors={"a": [float("nan")]})).embed(["a"])


def test_vectors_of_two_lengths_are_refused(in_process: Opener) -> None:
    llm = FakeLLM(vectors={"a": [1.0], "b": [1.0, 2.0]})
    with pytest.raises(LLMError, match="mode='refresh'"):
        in_process(llm).embed(["a", "b"])


def test_a_verb_that_the_model_lacks_is_named(in_process: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLLM, "capabilities", frozenset({"embed"}))
    with pytest.raises(CapabilityError, match="cannot complete; it can embed"):
        in_process(FakeLLM()).complete(["a"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda s: s.complete("a"), "must be a list"),
        (lambda s: s.complete(["a", None]), r"requests\[1\]"),
        (lambda s: s.complete([Request(())]), "no message"),
        (lambda s: s.complete(["a"], schema={"type": "nonsense"}), "JSON schema"),
        (lambda s: s.embed(["a", 3]), r"texts\[1\]"),
        (lambda s: s.embed(["a"], template="no place"), "template"),
        (lambda s: s.score(["a"], []), "options"),
        (lambda s: s.score(["a"], ["x", "x"]), "options"),
    ],
)
def test_unusable_input_is_named_before_anything_is_sent(
    in_process: Opener, call: Callable[[Session], Any], told: str
) -> None:
    llm = FakeLLM()
    with pytest.raises(InputError, match=told):
        call(in_process(llm))
    assert not llm.received


def test_requests_in_flight_are_not_sent_twice(in_process: Opener) -> None:
    llm = FakeLLM(latency=0.05)
    session = in_process(llm)
    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(lambda _: [r.text for r in session.complete(numbered(4))], range(4)))
    assert (llm.received["complete"], got) == (4, [got[0]] * 4)


def test_without_a_store_too_nothing_in_flight_is_sent_twice(in_process: Opener) -> None:
    llm = FakeLLM(latency=0.1)
    session = in_process(llm, store=None)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(session.complete, [["a"], ["a"]]))
    assert llm.received["complete"] == 1


def test_a_waiting_call_asks_itself_when_the_other_is_given_up(in_process: Opener) -> None:
    llm = FakeLLM(latency=0.1, faults=[Fault("401", at={1})])
    session = in_process(llm)

    def fail() -> None:
        with pytest.raises(LLMError):
            session.complete(["a"])

    first = threading.Thread(target=fail)
    first.start()
    while not llm.received:
        time.sleep(0.001)
    assert session.complete(["a"])[0].ok
    first.join()


def test_no_more_than_max_concurrency_are_in_flight(in_process: Opener) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def answer(request: Request) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Event().wait(0.01)
        with lock:
            now -= 1
        return "x"

    in_process(FakeLLM(answer), max_concurrency=3).complete(numbered(20))
    assert most == 3


def test_usage_counts_what_was_sent(opened: Opener) -> None:
    session = opened(FakeLLM(lambda request: Reply("x", input_tokens=7, output_tokens=3)))
    session.complete(numbered(5))
    session.complete(numbered(5))
    usage = session.usage
    assert (usage.requests, usage.items, usage.cache_hits) == (5, 5, 5)
    assert (usage.input_tokens, usage.output_tokens, usage.tokens) == (35, 15, 50)


def test_tokens_are_estimated_where_the_backend_does_not_meter(in_process: Opener) -> None:
    session = in_process(FakeLLM(batch_size=8))
    session.embed(["four", "four and four"])
    assert session.usage.input_tokens == 1 + 4 + 2 * 2


def test_progress_adds_up_to_the_distinct_items(opened: Opener) -> None:
    done: list[int] = []
    session = opened(FakeLLM())
    session.embed(["a", "b"])
    session.embed(["a", "b", "c", "c"], progress=done.append)
    assert sum(done) == 3


def test_a_copy_is_the_same_session(in_process: Opener) -> None:
    session = in_process(FakeLLM())
    assert copy.deepcopy({"llm": session})["llm"] is session


def test_a_pickled_session_goes_on_from_the_same_store(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm)
    session.complete(["a"])
    session.embed(["t"])
    with pickle.loads(pickle.dumps(session)) as again:
        again.complete(["a"]), again.embed(["t"]), again.complete(["b"])
    assert llm.received["complete"] == 2


def test_work_grows_as_the_number_of_requests_does(in_process: Opener) -> None:
    def statements(n: int) -> int:
        store = Store(":memory:")
        session = in_process(FakeLLM(batch_size=1000), store=store)
        count = 0

        def counted(statement: str) -> None:
            nonlocal count
            count += 1

        with store._use() as db:
            db.set_trace_callback(counted)
        session.embed(numbered(n))
        return count

    assert statements(8000) < 9 * statements(1000)
