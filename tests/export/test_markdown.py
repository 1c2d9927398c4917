"""A model card says what the model says, and takes nothing for markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interpllm.export import export
from interpllm.export.to_markdown import plain
from interpllm.runtime import ConceptLinear, Question
from tests.export.test_sql import ROWS, TREE, linear
from tests.random_rows import HOSTILE


def card(fitted: Any, tmp_path: Path) -> str:
    return export(fitted, tmp_path / "card.md").read_text(encoding="utf-8")


def test_a_card_lists_the_rules_strongest_first(tmp_path: Path) -> None:
    lines = card(linear(), tmp_path).splitlines()
    rules = [line for line in lines if line.startswith("| mentions")]
    assert rules[0].startswith('| mentions "not great" | bad | +3 |')
    assert len(rules) == 4


@pytest.mark.parametrize("fitted", ROWS, ids=["tree", "list", "set"])
def test_a_card_of_rules_names_the_columns(fitted: Any, tmp_path: Path) -> None:
    assert "age (number)" in card(fitted, tmp_path)


def test_a_card_tells_how_the_model_was_made_and_where_it_fails(tmp_path: Path) -> None:
    text = card(linear(meta={"llm": {"model": "tiny|x"}, "figures": [0.5, 0.25]}), tmp_path)
    assert "| llm / model | tiny\\|x |" in text
    assert "| figures | 0.5; 0.25 |" in text
    assert "without any phrase of the table gets the intercept" in text


def test_a_card_of_a_model_that_needs_a_language_model_says_so(tmp_path: Path) -> None:
    fitted = ConceptLinear(
        task="regression", questions=(Question("cheap", "Is it cheap?", "a price"),), means=(0.5,),
        intercept=(0.0,), weights=((1.0,),),
    )  # fmt: skip
    text = card(fitted, tmp_path)
    assert "| needs a language model | cheap |" in text
    assert "| cheap | Is it cheap? | a price | user | a language model |" in text


@pytest.mark.parametrize("hostile", [*HOSTILE, "a | b", "# head", "<img src=x>", "[x](javascript:y)"])
def test_hostile_strings_stay_within_their_cell(hostile: str, tmp_path: Path) -> None:
    text = card(linear(classes=(hostile, "other"), target=hostile), tmp_path)
    assert "<" not in text
    assert "\u202e" not in text
    assert all(line.startswith("|") is line.endswith("|") for line in text.splitlines())
    assert f"into {plain(hostile)}, other |" in text


def test_missing_ways_of_a_tree_are_told(tmp_path: Path) -> None:
    assert "in a tree the node says which way to go" in card(TREE, tmp_path)
