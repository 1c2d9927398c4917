"""What callers make of replies is kept beside them, under the session's mode."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from interpllm.llm import Request, Session, Store
from interpllm.testing import FakeLLM

Opener = Callable[..., Session]
ABOUT = {"verb": "finding", "text": "a"}
OTHER = {"verb": "finding", "text": "b"}


def test_what_was_kept_is_found_by_another_session(in_process: Opener) -> None:
    in_process(FakeLLM()).remember([(ABOUT, {"x": 1})])
    assert in_process(FakeLLM()).recall([OTHER, ABOUT]) == [None, {"x": 1}]


def test_it_belongs_to_the_model(in_process: Opener) -> None:
    in_process(FakeLLM(name="one")).remember([(ABOUT, 1)])
    assert in_process(FakeLLM(name="another")).recall([ABOUT]) == [None]


def test_refresh_forgets_what_others_kept_and_replaces_it(in_process: Opener) -> None:
    in_process(FakeLLM()).remember([(ABOUT, 1)])
    session = in_process(FakeLLM(), mode="refresh")
    assert session.recall([ABOUT]) == [None]
    session.remember([(ABOUT, 2)])
    assert (session.recall([ABOUT]), in_process(FakeLLM()).recall([ABOUT])) == ([2], [2])


def test_replay_reads_without_a_word_about_what_is_missing(in_process: Opener) -> None:
    in_process(FakeLLM()).remember([(ABOUT, 1)])
    assert in_process(FakeLLM(), mode="replay").recall([ABOUT, OTHER]) == [1, None]


def test_replay_writes_nothing(in_process: Opener, tmp_path: pytest.TempPathFactory) -> None:
    in_process(FakeLLM()).remember([(ABOUT, 1)])
    store = Store(tmp_path / "replies.sqlite", read_only=True)  # type: ignore[operator]
    in_process(FakeLLM(), mode="replay", store=store).remember([(OTHER, 2)])
    assert in_process(FakeLLM()).recall([OTHER]) == [None]


def test_replay_knows_what_it_made_of_stored_replies_itself(in_process: Opener) -> None:
    in_process(FakeLLM()).remember([(ABOUT, 1)])
    replay = in_process(FakeLLM(), mode="replay")
    replay.remember([(OTHER, 2)])
    assert replay.recall([ABOUT, OTHER]) == [1, 2]


def test_off_keeps_nothing(in_process: Opener) -> None:
    off = in_process(FakeLLM(), mode="off")
    off.remember([(ABOUT, 1)])
    assert (off.recall([ABOUT]), in_process(FakeLLM()).recall([ABOUT])) == ([None], [None])


def test_what_a_reply_is_expected_to_take_is_no_part_of_its_key(in_process: Opener) -> None:
    llm = FakeLLM()
    session = in_process(llm)
    session.complete([Request.of("a", expected_tokens=5)]), session.complete([Request.of("a")])
    assert llm.received["complete"] == 1


def test_what_a_reply_is_expected_to_take_is_planned(in_process: Opener) -> None:
    requests = [Request.of(name, expected_tokens=7) for name in "abc"]
    assert in_process(FakeLLM()).plan(requests).output_tokens == 21
