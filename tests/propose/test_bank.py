"""The bundled questions are many, distinct, and each says what counts and what does not."""

from __future__ import annotations

import itertools

import pytest

from interpllm.errors import InputError
from interpllm.propose.bank import bank_themes, question_bank
from interpllm.propose.wording import content
from interpllm.runtime import ConceptSet


def test_there_are_enough_themes_and_questions() -> None:
    assert len(bank_themes()) >= 12
    assert len(question_bank()) >= 170
    assert min(len(question_bank([theme])) for theme in bank_themes()) >= 10


def test_every_question_says_what_counts_and_what_does_not() -> None:
    for question in question_bank():
        yes, apart, no = question.counts.partition("; no: ")
        assert yes.startswith("Yes: ")
        assert apart
        assert yes.removeprefix("Yes: ").strip()
        assert no.endswith(".")
        assert no.strip(" .")


def test_every_question_is_a_short_question_about_a_text() -> None:
    for question in question_bank():
        assert question.text.startswith(("Does the text ", "Is the text ", "Does the writer "))
        assert question.text.endswith("?")
        assert len(question.text.split()) <= 20


def test_no_two_questions_share_their_wording_or_what_their_words_carry() -> None:
    bank = question_bank()
    assert len(ConceptSet.of(bank)) == len(bank)
    assert len({content(question.text) for question in bank}) == len(bank)


def test_no_two_questions_share_their_line_of_what_counts() -> None:
    lines = [part for q in question_bank() for part in q.counts.split("; no: ")]
    twice = {line for line in lines if lines.count(line) > 1}
    assert not twice


def test_questions_whose_words_are_nearly_the_same_are_known_opposites() -> None:
    """What shares most of its words is a paraphrase, unless it turns a question round."""
    said = {question.text: frozenset(content(question.text)) for question in question_bank()}
    pairs = itertools.combinations(said, 2)
    near = {(a, b) for a, b in pairs if len(said[a] & said[b]) >= 0.6 * len(said[a] | said[b])}
    assert near == {
        (
            "Does the text say more good than bad about its main subject?",
            "Does the text say more bad than good about its main subject?",
        )
    }


def test_the_source_is_the_bank() -> None:
    assert {question.source for question in question_bank()} == {"bank"}


def test_themes_are_given_in_the_order_asked_for() -> None:
    both = question_bank(["money", "time"])
    assert both == question_bank(["money"]) + question_bank(["time"])


def test_a_theme_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"no theme 'sailing'.*sentiment.*money"):
        question_bank(["sailing"])
