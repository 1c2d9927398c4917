"""Of many questions those are asked whose likeness to the texts goes with the labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.llm import connect
from interpllm.propose.shortlist import MOST_READ, shortlist
from interpllm.runtime import Question
from interpllm.testing import FakeLLM

AXES = ["money", "noise", "sport", "food"]
QUESTIONS = [Question.of(f"Does the text mention {axis}?", f"Yes: {axis}; no: others.") for axis in AXES]


def vector(text: str) -> list[float]:
    """One direction a subject, and a little of something that all texts share."""
    return [*(float(axis in text) for axis in AXES), 0.3]


def texts_and_labels(n: int = 60) -> tuple[list[str], np.ndarray]:
    random = np.random.default_rng(0)
    y = np.arange(n) % 2
    subjects = ["food" if label else "noise" for label in y]
    others = random.choice(["money", "sport", ""], n)
    return [
        f"{subject} {other} {row}" for row, (subject, other) in enumerate(zip(subjects, others, strict=True))
    ], y


def test_what_goes_with_the_labels_comes_first(tmp_path: Path) -> None:
    texts, y = texts_and_labels()
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    chosen = shortlist(session, QUESTIONS, texts, y, 2, classification=True)
    assert {question.text for question in chosen} == {
        "Does the text mention noise?",
        "Does the text mention food?",
    }


def test_every_class_has_its_turn(tmp_path: Path) -> None:
    texts = [f"{['noise sport', 'noise', 'food'][row % 3]} {row}" for row in range(60)]
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    first, *others = shortlist(session, QUESTIONS, texts, np.arange(60) % 3, 3, classification=True)
    assert str(first) == "Does the text mention sport?"
    assert {str(question) for question in others} == {
        "Does the text mention noise?",
        "Does the text mention food?",
    }


def test_values_are_followed_in_a_regression(tmp_path: Path) -> None:
    texts, _ = texts_and_labels()
    y = [2.5 * ("sport" in text) for text in texts]
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    (chosen,) = shortlist(session, QUESTIONS, texts, y, 1, classification=False)
    assert chosen.text == "Does the text mention sport?"


def test_what_counts_as_yes_is_read_and_what_does_not_is_not(tmp_path: Path) -> None:
    texts, y = texts_and_labels()
    vague = [
        Question.of("Is the text about a matter?", "Yes: money; no: food."),
        Question.of("Is it about another?", "Yes: food; no: money."),
        Question.of("Is it about a third?", "Yes: sport; no: noise."),
        Question.of("Is it about a fourth?", "Yes: noise; no: money."),
    ]
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    assert set(shortlist(session, vague, texts, y, 2, classification=True)) == {vague[1], vague[3]}


def test_labels_that_do_not_vary_choose_in_the_order_given(tmp_path: Path) -> None:
    texts, _ = texts_and_labels()
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    assert shortlist(session, QUESTIONS, texts, [1] * 60, 2, classification=True) == QUESTIONS[:2]


def test_few_questions_are_all_taken_and_nothing_is_sent(tmp_path: Path) -> None:
    texts, y = texts_and_labels()
    fake = FakeLLM(vectors=vector)
    chosen = shortlist(connect(fake, cache=tmp_path), QUESTIONS, texts, y, 4, classification=True)
    assert chosen == QUESTIONS
    assert fake.received["embed"] == 0


def test_of_many_rows_some_are_read(tmp_path: Path) -> None:
    texts, y = texts_and_labels(3 * MOST_READ)
    fake = FakeLLM(vectors=vector)
    shortlist(connect(fake, cache=tmp_path), QUESTIONS, texts, y, 2, classification=True)
    assert sum(text in set(texts) for text in fake.texts) == MOST_READ


def test_labels_that_are_not_one_a_text_are_refused(tmp_path: Path) -> None:
    session = connect(FakeLLM(vectors=vector), cache=tmp_path)
    with pytest.raises(InputError, match="3 texts but 2 labels"):
        shortlist(session, QUESTIONS, ["a", "b", "c"], [0, 1], 1, classification=True)
