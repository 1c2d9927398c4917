"""Templates say what the task is, and hold the text's place once."""

from __future__ import annotations

import pytest

from interpllm.llm.base import fill
from interpllm.propose.templates import templates


def test_the_bare_text_comes_first() -> None:
    assert templates("mood of a tweet", "label", ["glad", "sad"])[0] == "{text}"


def test_without_a_word_about_the_task_two_templates_are_left() -> None:
    assert templates(None, "", ()) == ["{text}", "Text: {text}\nLabel:"]


def test_the_name_of_the_target_stands_in_for_the_task() -> None:
    assert templates(None, "sentiment", ())[1] == "Text: {text}\nSentiment:"


@pytest.mark.parametrize("classes", [[0, 1], [False, True], ["0", "1"], [1.5, 2.5], ["good", "2"]])
def test_classes_that_are_not_all_words_are_not_named(classes: list[object]) -> None:
    assert len(templates("quality", "", classes)) == 2


def test_classes_that_are_words_are_named() -> None:
    found = templates("mood", "", ["glad", "sad", "angry"])
    assert found[2:] == [
        "Is the text glad, sad or angry?\nText: {text}\nAnswer:",
        "mood. Classes: glad, sad, angry.\nText: {text}\nClass:",
    ]


def test_too_many_classes_are_not_named() -> None:
    assert len(templates(None, "", [f"class {i}" for i in range(21)])) == 2


def test_braces_in_what_users_write_are_no_places_for_the_text() -> None:
    for template in templates("a {text} or {0}", "{text}", ["{text}", "x{y}"]):
        assert template.count("{") == template.count("}") == template.count("{text}") == 1
        assert fill(template, "THE TEXT").count("THE TEXT") == 1
