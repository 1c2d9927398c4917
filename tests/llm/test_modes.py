"""use asks for what is missing, refresh for everything, replay for nothing; off forgets."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest

from interpllm.errors import InputError, ReplayMiss
from interpllm.llm import Session, Store
from interpllm.testing import FakeLLM

from .conftest import SCHEMA

Opener = Callable[..., Session]


@pytest.fixture
def changing() -> FakeLLM:
    """Answers differently each time, under one name."""
    answers, vectors = count(), count(1)
    return FakeLLM(
        lambda request: f"answer {next(answers)}",
        vectors=lambda text: [float(next(vectors)), 1.0],
        name="changing",
    )


def test_use_answers_from_the_store(in_process: Opener, changing: FakeLLM) -> None:
    assert [in_process(changing).complete(["a"])[0].text for _ in range(2)] == ["answer 0", "answer 0"]


def test_refresh_asks_anew_and_replaces(in_process: Opener, changing: FakeLLM) -> None:
    in_process(changing).complete(["a"])
    in_process(changing, mode="refresh").complete(["a"])
    assert in_process(changing).complete(["a"])[0].text == "answer 1"


def test_refresh_replaces_vectors_too(in_process: Opener, changing: FakeLLM) -> None:
    in_process(changing).embed(["a"])
    in_process(changing, mode="refresh").embed(["a"])
    assert np.array_equal(in_process(changing).embed(["a"]), [[2.0, 1.0]])


def test_refresh_asks_anew_once_a_session(in_process: Opener, changing: FakeLLM) -> None:
    session = in_process(changing, mode="refresh")
    assert [session.complete(["a"])[0].text for _ in range(2)] == ["answer 0", "answer 0"]


def test_replay_sends_nothing(in_process: Opener, changing: FakeLLM) -> None:
    in_process(changing).complete(["a"])
    assert in_process(changing, mode="replay").complete(["a"])[0].text == "answer 0"
    assert changing.received["complete"] == 1


def test_replay_raises_what_is_missing(in_process: Opener, changing: FakeLLM) -> None:
    in_process(changing).complete(["a"])
    with pytest.raises(ReplayMiss, match="1 of 2 requests"):
        in_process(changing, mode="replay").complete(["a", "b"])


def test_replay_does_not_probe(over_http: Opener) -> None:
    llm = FakeLLM()
    over_http(llm).complete(["a"])
    with pytest.raises(ReplayMiss):
        over_http(llm, mode="replay").probe()
    assert llm.received.total() == 1


def test_replay_needs_no_server(over_http: Opener, in_process: Opener) -> None:
    llm = FakeLLM({"a": {"x": 1}})
    with llm.serve() as url:
        from interpllm.llm.openai_http import OpenAIBackend

        recorded = in_process(OpenAIBackend(url, model="m"))  # type: ignore[arg-type]
        recorded.complete(["a"], schema=SCHEMA), recorded.score(["p"], [" x", " y"]), recorded.embed(["t"])
        recorded.close()
    offline = in_process(OpenAIBackend(url, model="m"), mode="replay")  # type: ignore[arg-type]
    assert offline.complete(["a"], schema=SCHEMA)[0].data == {"x": 1}
    assert offline.score(["p"], [" x", " y"]).shape == (1, 2)
    assert offline.embed(["t"]).shape == (1, 8)


def test_replay_replays_unusable_replies_too(in_process: Opener) -> None:
    llm = FakeLLM({"a": "no JSON at all"})
    first = in_process(llm).complete(["a"], schema=SCHEMA)
    session = in_process(llm, mode="replay")
    again = session.complete(["a"], schema=SCHEMA)
    assert (again[0].error, again[0].text) == (first[0].error, first[0].text)
    assert session.usage.parse_failures == 3


def test_off_neither_reads_nor_writes(in_process: Opener, changing: FakeLLM) -> None:
    in_process(changing).complete(["a"])
    off = in_process(changing, mode="off")
    off.complete(["a", "b"])
    assert changing.received["complete"] == 3
    assert in_process(changing).plan(["a", "b"]).stored == 1


def test_replay_without_a_store_is_refused() -> None:
    with pytest.raises(InputError, match="store"):
        Session(FakeLLM(), mode="replay")


def test_another_mode_is_refused() -> None:
    with pytest.raises(InputError, match="use, refresh, replay, off"):
        Session(FakeLLM(), store=Store("x"), mode="often")  # type: ignore[arg-type]
