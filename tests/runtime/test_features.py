"""Features describe themselves and evaluate themselves on a text."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from interpllm.errors import InputError
from interpllm.runtime import Phrase, Question
from interpllm.runtime.features import wording


def test_a_phrase_describes_itself() -> None:
    assert str(Phrase("not bad")) == 'mentions "not bad"'


@pytest.mark.parametrize(("text", "expected"), [("Not, bad", 1), ("bad not", 0), ("knot bad", 0), ("", 0)])
def test_a_phrase_is_one_where_its_words_follow_each_other(text: str, expected: int) -> None:
    assert Phrase("not bad").value(text) == expected


def test_a_phrase_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Phrase("good").text = "bad"  # type: ignore[misc]


# --- questions ----------------------------------------------------------------------------------------------


def test_a_question_reads_as_its_text() -> None:
    assert str(Question.of("Is it cheap?", "a price is named")) == "Is it cheap?"


def test_a_questions_id_is_a_digest_of_text_and_counts() -> None:
    expected = "q" + sha256(b"Is it cheap?\na price is named").hexdigest()[:8]
    assert Question.of(" Is it\n cheap?", "a  price is named").id == expected


def test_what_counts_changes_the_id() -> None:
    assert Question.of("Is it cheap?").id != Question.of("Is it cheap?", "a price is named").id


def test_the_source_does_not_change_the_id() -> None:
    assert Question.of("Is it cheap?", source="llm").id == Question.of("Is it cheap?").id


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "1a"}, "a question's id"),
        ({"id": "a b"}, "a question's id"),
        ({"id": ""}, "a question's id"),
        ({"id": 1}, "the id of a question is a string"),
        ({"text": ""}, "has no text"),
        ({"text": "two\nlines"}, "not one line"),
        ({"counts": " padded"}, "not one line"),
        ({"text": "x" * 2001}, "2000 are enough"),
        ({"text": "half \ud800"}, "lone surrogate"),
        ({"source": "me"}, "the source of a question is one of"),
    ],
)
def test_a_question_with_a_part_that_cannot_be_used_is_refused(changes: dict[str, Any], message: str) -> None:
    parts: dict[str, Any] = {"id": "a", "text": "Is it cheap?", **changes}
    with pytest.raises(InputError, match=message):
        Question(**parts)


def test_a_question_that_is_no_string_is_refused() -> None:
    with pytest.raises(InputError, match="is a string"):
        Question.of(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is it cheap?", "is it CHEAP"),
        ("Is it, overall, good?", "Is it overall good?"),
        ('Is it "good"?', "Is it \u201cgood\u201d?"),
    ],
)
def test_wordings_agree_where_case_and_marks_alone_differ(one: str, other: str) -> None:
    assert wording(one) == wording(other)


@pytest.mark.parametrize(
    ("one", "other"), [("over 3.5 stars", "over 35 stars"), ("knows C++", "knows C"), ("???", "!!!")]
)
def test_wordings_differ_where_more_than_marks_differ(one: str, other: str) -> None:
    assert wording(one) != wording(other)
