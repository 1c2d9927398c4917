"""Which proposed wordings can be used, and why others cannot."""

from __future__ import annotations

import pytest

from interpllm.propose.bank import question_bank
from interpllm.propose.wording import Wordings, names_of
from interpllm.runtime import ConceptSet, Question

COUNTS = ("it is there", "it is not there")


NONE = ConceptSet()


def fault(question: str, held: ConceptSet = NONE, classes: tuple[str, ...] = ()) -> str | None:
    return Wordings(held, classes).fault(question, *COUNTS)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("What does the customer want?", "yes or no"),
        ("How many items are listed?", "yes or no"),
        ("Refund?", "short question"),
        ("Does the text say that " + "it is so and " * 20 + "that is all?", "short question"),
        ("Should the text be labelled as urgent?", "the label"),
        ("Does it belong to the second class?", "the label"),
        ("Is it like the texts shown above?", "rows shown"),
        ("Does the text read like the rows marked (hard)?", "rows shown"),
    ],
)
def test_what_is_no_question_of_a_text_is_set_aside(question: str, reason: str) -> None:
    assert reason in (fault(question) or "")


@pytest.mark.parametrize(
    "question",
    [
        "The text states a price",
        "Does the text mention the label on the bottle?",
        "Does the text mention a school class?",
        "Does the text mention a member of a religious group?",
        "Does the text say how something is done?",
    ],
)
def test_a_question_or_statement_of_a_text_passes(question: str) -> None:
    assert fault(question) is None


@pytest.mark.parametrize("counts", [("", "near misses"), ("a price", " "), ("a price", "?? ..")])
def test_a_question_without_what_counts_is_set_aside(counts: tuple[str, str]) -> None:
    assert "what counts" in (Wordings(ConceptSet(), ()).fault("Is a price stated?", *counts) or "")


def test_a_long_line_of_what_counts_is_set_aside() -> None:
    assert "more than a line" in (
        Wordings(ConceptSet(), ()).fault("Is a price stated?", "x " * 200, "y") or ""
    )


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Is the sentiment positive?", "positive"),
        ("Is it Positively phrased?", "positive"),
        ("Does it concern deliveries?", "delivery"),
        ("Is this about world news?", "world_news"),
    ],
)
def test_a_question_that_names_the_label_is_set_aside(question: str, name: str) -> None:
    classes = ("positive", "negative", "delivery", "world_news", "0", "no")
    assert fault(question, classes=classes) == f"names the label {name!r}"


@pytest.mark.parametrize(
    ("question", "classes"),
    [
        ("Does the text say no to something?", ["no", "yes"]),
        ("Does the text give a rating of 1 to 5?", ["1", "5"]),
        ("Does the text mention another world?", ["world news"]),
        ("Does the text mention a bill?", ["billing"]),
        ("Does the text show impositive power?", ["positive"]),
    ],
)
def test_words_that_are_not_the_name_are_no_names(question: str, classes: list[str]) -> None:
    assert names_of(question, classes) == []


@pytest.mark.parametrize(
    "again",
    [
        "Does the text mention a refund?",
        "does the text MENTION a refund",
        "Are refunds mentioned in the text?",
    ],
)
def test_what_is_held_is_not_asked_again(again: str) -> None:
    held = ConceptSet.of(["Does the text mention a refund?"])
    assert fault(again, held) == "is asked already"


def test_what_has_just_passed_is_not_asked_again() -> None:
    wordings = Wordings(ConceptSet(), ())
    said = [wordings.fault(question, *COUNTS) for question in ("Is a price stated?", "Is a price stated?")]
    assert said == [None, "is asked already"]


@pytest.mark.parametrize(
    "other",
    [
        "Does the text not mention a refund?",
        "Does the text mention a refund that never came?",
        "Does the text mention a return?",
    ],
)
def test_another_question_in_similar_words_passes(other: str) -> None:
    assert fault(other, ConceptSet.of(["Does the text mention a refund?"])) is None


def test_the_same_words_in_another_order_pass() -> None:
    held = ConceptSet.of(["Does the text say more good than bad?"])
    assert fault("Does the text say more bad than good?", held) is None


@pytest.mark.parametrize(
    "again",
    ["Does the text mention a refund?", "Is a refund mentioned?", "does the text mention a refund"],
)
def test_a_vetoed_wording_does_not_come_back(again: str) -> None:
    held = ConceptSet.of([Question.of("Does the text mention a refund?")])
    assert fault(again, held.veto("Does the text mention a refund?")) == "was vetoed"


def test_the_questions_of_the_bank_meet_what_is_asked_of_a_model() -> None:
    wordings = Wordings(ConceptSet(), ())
    for question in question_bank():
        yes, _, no = question.counts.partition("; no: ")
        assert wordings.fault(question.text, yes.removeprefix("Yes: "), no) is None, question.text
