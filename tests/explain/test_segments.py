"""Prompts in segments: what stands in them when segments are left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.explain import sentences
from interpllm.explain.segments import Prompt

TEXT = '  Mr. Smith paid 3.50 e.g. today. "Really?" he said! \n\nNext line\nJ. Doe left…  So'


def told(prompt: Prompt, *kept: int) -> list[str]:
    """Contents of the messages in which only some segments stand."""
    keep = np.zeros(len(prompt.segments), dtype=bool)
    keep[list(kept)] = True
    return [message["content"] for message in prompt.messages(keep)]


@pytest.mark.parametrize("text", [TEXT, "", "one", "\n\n", "a. b. c.", "你好。再见。", "end.\n"])
def test_no_character_is_lost(text: str) -> None:
    assert "".join(sentences(text)) == text


def test_sentences_end_where_they_end() -> None:
    assert [one.strip() for one in sentences(TEXT)] == [
        "Mr. Smith paid 3.50 e.g. today.",
        '"Really?"',
        "he said!",
        "Next line",
        "J. Doe left…",
        "So",
    ]


def test_texts_go_into_the_template() -> None:
    prompt = Prompt.of(["A. ", "B. ", "C. "], "Read: {segments}\nWhat?", fixed=[1])
    assert [one.name for one in prompt.segments] == ["1", "3"]
    assert told(prompt, 1) == ["Read: B. C. \nWhat?"]


def test_separators_stand_between_what_is_left() -> None:
    prompt = Prompt.of([("a", "A"), ("b", "B"), ("c", "C")], separator="\n")
    assert told(prompt, 0, 2) == ["A\nC"]
    assert told(prompt) == [""]


def test_a_placeholder_keeps_lines() -> None:
    assert told(Prompt.of(["A.\n", "B.\n"], placeholder="[...]"), 1) == ["[...]\nB.\n"]


def test_of_messages_the_systems_and_the_last_stay() -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "Two?"},
    ]
    prompt = Prompt.of(messages)
    assert [one.name for one in prompt.segments] == ["user 2", "assistant 3"]
    assert told(prompt, 1) == ["Be brief.", "1", "Two?"]


def test_a_value_that_looks_like_a_slot_is_none() -> None:
    prompt = Prompt.of({"who": "{what}", "what": "Bob"}, "To {who} from {what}, {unknown}")
    assert told(prompt, 0, 1) == ["To {what} from Bob, {unknown}"]
    assert told(prompt, 1) == ["To  from Bob, {unknown}"]


def test_what_is_shown_is_the_whole_prompt() -> None:
    prompt = Prompt.of(["A", "B"], "<{segments}>", fixed=["2"], separator=" ")
    assert "".join(text for text, _ in prompt.shown()) == told(prompt, 0)[0] == "<A B>"


@pytest.mark.parametrize(
    ("segments", "settings", "said"),
    [
        ("a text", {}, "sentences"),
        ([], {}, "left out"),
        (["a"], {"fixed": [0]}, "left out"),
        (["a"], {"fixed": ["b"]}, "no segment"),
        (["a", 3], {}, r"prompt_segments\[1\]"),
        (["a", ""], {}, "empty"),
        ([("x", "a"), ("x", "b")], {}, "one name"),
        (["a"], {"template": "no place"}, "template"),
        ({"x": "a"}, {"template": "no slot"}, "{x}"),
        ([{"role": "user"}], {}, "content"),
        ([{"role": "user", "content": "a"}], {"fixed": []}, "stays"),
    ],
)
def test_what_cannot_be_used_is_refused(segments: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Prompt.of(segments, **settings)
