"""Features describe themselves and evaluate themselves on a text."""

from __future__ import annotations

import pytest

from interpllm.runtime import Phrase


def test_a_phrase_describes_itself() -> None:
    assert str(Phrase("not bad")) == 'mentions "not bad"'


@pytest.mark.parametrize(("text", "expected"), [("Not, bad", 1), ("bad not", 0), ("knot bad", 0), ("", 0)])
def test_a_phrase_is_one_where_its_words_follow_each_other(text: str, expected: int) -> None:
    assert Phrase("not bad").value(text) == expected


def test_a_phrase_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Phrase("good").text = "bad"  # type: ignore[misc]
