"""Prompts that a language model writes, and those that the library has."""

from __future__ import annotations

from typing import Any

import pytest

from interpllm.llm import Session
from interpllm.propose.completions import bundled_prompts, plan_prompts, prompt_fault, propose_prompts
from interpllm.testing import FakeLLM

TEXTS, CODES, WORDS = ["so good", "so bad"] * 10, [0, 1] * 10, ["good", "bad"]


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("no place", "exactly once"),
        ("{text} and {text} is", "exactly once"),
        ("It is: {text}", "go on after"),
        ("{text} " + "so " * 400, "characters"),
        ("{text} It is Good.", "one of the words"),
        (7, "exactly once"),
    ],
)
def test_a_prompt_that_cannot_be_used_has_a_fault(prompt: Any, why: str) -> None:
    assert why in (prompt_fault(prompt, WORDS) or "")


def test_a_prompt_that_asks_has_none() -> None:
    assert prompt_fault("Review: {text}\nIt was a good thing? Answer:", WORDS) is None


def test_every_bundled_prompt_can_be_used_and_differs() -> None:
    found = bundled_prompts("sentiment", "label", WORDS)
    assert [prompt_fault(prompt, WORDS) for prompt in found] == [None] * len(found)
    assert len(set(found)) == len(found) >= 12
    assert "good or bad" in found[0]


def test_asking_stops_when_nothing_new_comes() -> None:
    fake = FakeLLM(lambda request: {"prompts": ["{text} It was"]})
    came = propose_prompts(Session(fake), TEXTS, CODES, n=30, words=WORDS)
    assert came.kept == ("{text} It was",)
    assert (came.requests, fake.received["complete"]) == (3, 3)
    assert [why for _, why in came.rejected] == ["there is such a one"] * 2


def test_what_was_set_aside_is_told_to_the_model() -> None:
    fake = FakeLLM(lambda request: {"prompts": ["no place"]})
    propose_prompts(Session(fake), TEXTS, CODES, n=5, words=WORDS, max_requests=2)
    assert "no place" not in fake.prompts[0]
    assert '"no place" (it has to contain {text} exactly once)' in fake.prompts[1]


def test_a_reply_that_fails_is_reported_and_nothing_is_made_up() -> None:
    came = propose_prompts(Session(FakeLLM(lambda request: "no JSON")), TEXTS, CODES, n=5, words=WORDS)
    assert came.kept == ()
    assert len(came.failures) == came.requests == 2


def test_a_plan_counts_what_good_replies_take_and_sends_nothing() -> None:
    fake = FakeLLM()
    assert plan_prompts(Session(fake), TEXTS, CODES, n=25, words=WORDS).items == 3
    assert not fake.prompts
