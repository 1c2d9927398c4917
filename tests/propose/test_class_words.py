"""Words of classes, and which of them a model cannot tell apart."""

from __future__ import annotations

import pytest

from interpllm.errors import InputError
from interpllm.llm import Session
from interpllm.propose.class_words import check_words, class_words
from interpllm.testing import FakeLLM


def test_a_class_without_a_word_is_called_by_its_label() -> None:
    assert class_words([0, 1, 2], {1: " very  good"}) == ["0", "very good", "2"]


def test_a_word_for_no_class_is_refused() -> None:
    with pytest.raises(InputError, match="'c'"):
        class_words(["a", "b"], {"c": "good"})


@pytest.mark.parametrize(
    ("words", "why"),
    [(["good", "GOOD"], "same word"), (["1", "10"], "begin alike"), (["", "x"], "empty")],
)
def test_words_that_collide_are_refused(words: list[str], why: str) -> None:
    with pytest.raises(InputError, match=why):
        check_words(words, Session(FakeLLM()))


def test_words_of_one_beginning_pass_where_the_model_does_not_say_its_tokens() -> None:
    check_words(["gone", "good"], Session(FakeLLM()))
