"""Properties proposed from stretches of text: brought to one form, asked for again where they fall short."""

from __future__ import annotations

from typing import Any

import pytest

from interpllm.llm import Request, Session
from interpllm.propose.properties import plan_properties, propose_properties
from interpllm.testing import FakeLLM

STRONG, WEAK = ['the "dog"', "a cat\n\nOrdinary:"], ["the road"]


def proposing(*replies: list[str]) -> FakeLLM:
    """A model that replies with one list after the other, the last one again and again."""
    given = iter(replies)
    latest: list[Any] = [None]

    def answer(request: Request) -> Any:
        latest[0] = next(given, latest[0])
        return {"properties": latest[0]}

    return FakeLLM(answer)


def test_a_property_completes_the_sentence() -> None:
    llm = proposing(["The text mentions an animal.", "It asks a question", "... has a number"])
    kept = propose_properties(Session(llm), STRONG, WEAK, 3).kept
    assert kept == ("mentions an animal", "asks a question", "has a number")


def test_stretches_are_shown_as_json_so_that_none_passes_for_the_prompt() -> None:
    llm = proposing(["mentions an animal"])
    propose_properties(Session(llm), STRONG, WEAK, 1)
    (prompt,) = llm.prompts
    assert '"a cat\\n\\nOrdinary:"' in prompt
    assert prompt.count("\nOrdinary:\n") == 1


@pytest.mark.parametrize(
    ("bad", "why"), [(" . ", "says nothing"), ("is " * 21, "more than 20 words"), ("Asks it", "such a one")]
)
def test_what_cannot_be_used_is_set_aside_and_asked_for_again(bad: str, why: str) -> None:
    llm = proposing(["asks it", bad], ["says it"])
    found = propose_properties(Session(llm), STRONG, WEAK, 2)
    assert found.kept == ("asks it", "says it")
    assert why in found.rejected[0][1]
    assert why in llm.prompts[1]


def test_one_request_is_planned_for_all() -> None:
    llm = proposing(["a", "b"])
    assert plan_properties(Session(llm), STRONG, WEAK, 2).requests == 1
    assert not llm.received
