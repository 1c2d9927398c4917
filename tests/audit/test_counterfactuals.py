"""Changed rows: they differ from what they were made of, and half of them flip."""

from __future__ import annotations

from typing import Any

import pytest

from interpllm.audit.counterfactuals import counterfactuals

from .toy_models import LINEAR, RULE_LIST, RULE_SET, TREE, texts_of

TEXTS = texts_of(40, seed=1)


@pytest.mark.parametrize("model", [LINEAR, RULE_LIST, RULE_SET, TREE], ids=lambda model: type(model).__name__)
def test_what_is_told_of_a_changed_row_is_what_the_model_predicts(model: Any) -> None:
    found = counterfactuals(model, TEXTS)
    assert [one.prediction for one in found] == model.predict([one.row for one in found])
    before = model.predict(TEXTS)
    assert [one.flipped for one in found] == [one.prediction != before[one.source] for one in found]


@pytest.mark.parametrize("model", [LINEAR, RULE_LIST, RULE_SET, TREE], ids=lambda model: type(model).__name__)
def test_half_of_them_flip(model: Any) -> None:
    flipped = [one.flipped for one in counterfactuals(model, TEXTS)]
    assert len(flipped) >= 16
    assert abs(sum(flipped) / len(flipped) - 0.5) <= 0.05


def test_no_row_is_left_as_it_was_and_none_is_changed_twice() -> None:
    found = counterfactuals(LINEAR, TEXTS)
    assert all(one.row != TEXTS[one.source] for one in found)
    assert len({one.source for one in found}) == len(found)


def test_a_phrase_is_cut_wherever_it_stands() -> None:
    (one,) = counterfactuals(LINEAR, ["Great, red, GREAT red"])
    assert "great" not in str(one.row).lower()


def test_the_same_seed_gives_the_same_rows() -> None:
    assert counterfactuals(TREE, TEXTS, 5) == counterfactuals(TREE, TEXTS, 5)


def test_where_the_model_looks_at_nothing_a_word_is_cut_and_nothing_flips() -> None:
    (one,) = counterfactuals(LINEAR, ["red yellow", "red yellow"])[:1]
    assert (one.row, one.flipped) == ("red", False)


def test_a_row_with_nothing_to_cut_gets_phrases_of_another_one() -> None:
    found = counterfactuals(LINEAR, ["red yellow blue"] * 4 + ["awful red"] * 4)
    assert sum(one.flipped for one in found) == 4
    assert len(found) == 8
