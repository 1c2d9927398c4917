"""The tokenizer: what is a word, what are a text's n-grams, and where they stand."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from random_models import PIECES, some, texts

from interpllm.runtime.tokens import distinct, gram, ngrams, normal, spans, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("Not bad, NOT bad.", ["not", "bad", "not", "bad"]),
        ("Don't stop", ["don't", "stop"]),
        ("Don\u2019t stop", ["don't", "stop"]),
        ("'quoted' rock 'n' roll'", ["quoted", "rock", "n", "roll"]),
        ("a''b", ["a", "b"]),
        ("wow!! really?", ["wow", "!", "!", "really", "?"]),
        ("snake_case x2", ["snake_case", "x2"]),
        ("1,000.50", ["1", "000", "50"]),
        ("\u0130stanbul", ["i\u0307stanbul"]),
        ("STRA\u1e9eE stra\u00dfe", ["stra\u00dfe", "stra\u00dfe"]),
        ("\u039f\u0394\u039f\u03a3", ["\u03bf\u03b4\u03bf\u03c3"]),
        ("cafe\u0301s caf\u00e9s", ["cafe\u0301s", "caf\u00e9s"]),
        ("good\U0001f600bad", ["good", "bad"]),
        ("\u5317\u4eac hao", ["\u5317\u4eac", "hao"]),
        ("half \ud83d pair", ["half", "pair"]),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_ngrams_are_distinct_shorter_first_then_in_order_of_first_occurrence() -> None:
    assert ngrams("B a b a", 1, 2) == ["b", "a", "b a", "a b"]


def test_ngrams_of_the_higher_orders_alone() -> None:
    assert ngrams("a b c d", 2, 3) == ["a b", "b c", "c d", "a b c", "b c d"]


def test_a_text_shorter_than_the_order_has_no_ngrams_of_it() -> None:
    assert ngrams("one two", 3, 4) == []


def test_spans_point_at_every_occurrence_in_the_original_text() -> None:
    text = "\U0001f600 \u0130yi, \u0130yi! Stra\u1e9ee\u2019s"
    found = {gram: [text[start:end] for start, end in places] for gram, places in spans(text, 1, 2).items()}
    assert found == {
        "i\u0307yi": ["\u0130yi", "\u0130yi"],
        "!": ["!"],
        "stra\u00dfe's": ["Stra\u1e9ee\u2019s"],
        "i\u0307yi i\u0307yi": ["\u0130yi, \u0130yi"],
        "i\u0307yi !": ["\u0130yi!"],
        "! stra\u00dfe's": ["! Stra\u1e9ee\u2019s"],
    }


def test_spans_of_a_decomposed_accent_include_the_accent() -> None:
    assert spans("un cafe\u0301!", 1, 1)["cafe\u0301"] == [(3, 8)]


def test_overlapping_occurrences_are_all_found() -> None:
    assert spans("a a a", 2, 2) == {"a a": [(0, 3), (2, 5)]}


@some
@given(texts)
@example("".join(PIECES))
@example(" ".join(PIECES))
def test_spans_name_the_same_ngrams_as_ngrams_in_the_same_order(text: str) -> None:
    assert list(spans(text, 1, 3)) == ngrams(text, 1, 3)


@some
@given(texts, st.integers(1, 3), st.integers(0, 2))
@example(" ".join(PIECES), 1, 2)
def test_what_is_looked_up_is_the_ngrams(text: str, lo: int, more: int) -> None:
    assert distinct(words(text), lo, lo + more) == {*map(gram, ngrams(text, lo, lo + more))}


@some
@given(texts)
@example(" ".join(PIECES))
def test_what_stands_at_a_span_cuts_to_its_ngram(text: str) -> None:
    for phrase, places in spans(text, 1, 3).items():
        for start, end in places:
            assert " ".join(words(text[start:end])) == phrase


@some
@given(texts)
@example(" ".join(PIECES))
def test_words_cut_to_themselves(text: str) -> None:
    assert all(words(word) == [word] for word in words(text))


@some
@given(st.text(st.characters(max_codepoint=127)) | st.text("aB9_'!? .\n"))
def test_ascii_is_cut_by_the_same_rule_as_any_text(text: str) -> None:
    # a character that is no word, appended, sends the text the other way
    assert words(text) == words(text + " \u2026")


@some
@given(texts)
def test_possessive_repeats_cut_as_plain_ones_would(text: str) -> None:
    accented = r"\w[\w\u0300-\u036f]*"
    plain = re.findall(rf"{accented}(?:['\u2019]{accented})*|[!?]", text)
    assert words(text) == [*map(normal, plain)]


def test_a_long_text_of_apostrophes_is_cut_in_linear_time() -> None:
    assert len(words("a'" * 200_000)) == 1
