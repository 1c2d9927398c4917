"""``interpllm diff`` on model files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interpllm.runtime import LinearModel, load, save

Cli = Callable[..., Any]
ROWS = "id,text\n1,great film\n2,not great\n3,awful\n"


@pytest.fixture
def other(model: str, tmp_path: Path) -> str:
    """The model with one weight moved so that a prediction flips, one n-gram more and one less."""
    old = load(model)
    assert isinstance(old, LinearModel)
    table = {"great": (2.0,), "not great": (-1.0,), "dull": (-0.5,)}
    return str(save(replace(old, weights=table, evidence=None), tmp_path / "other.json"))


def test_what_differs_is_listed(cli: Cli, model: str, other: str) -> None:
    lines = [line.split() for line in cli("diff", model, other).out.splitlines()]
    for listed in (
        [["added:", "1"], ["-0.5", "mentions", '"dull"']],
        [["dropped:", "1"], ["-1.5", "mentions", '"awful"']],
        [["moved:", "1"], ["-3", "-1", "mentions", '"not', 'great"']],
    ):
        assert all(line in lines for line in listed)
    assert not any("flipped" in line for line in lines)


def test_rows_tell_which_predictions_flip(cli: Cli, model: str, other: str) -> None:
    out = cli("diff", model, other, "-", stdin=ROWS).out
    assert "flipped, of 3 rows: 2" in out
    assert [line.split() for line in out.splitlines()[-2:]] == [["1", "bad", "good"], ["2", "bad", "good"]]


def test_json_has_everything(cli: Cli, model: str, other: str) -> None:
    found = json.loads(cli("diff", model, other, "-", "--json", "--top", "1", stdin=ROWS).out)
    assert found["added"] == {'mentions "dull"': [-0.5]}
    assert found["moved"] == [{"feature": 'mentions "not great"', "before": [-3.0], "after": [-1.0]}]
    assert found["flipped"]["n_rows"] == 3
    assert [flip["row"] for flip in found["flipped"]["rows"]] == [1, 2]


def test_lists_stop_at_the_top(cli: Cli, model: str, other: str) -> None:
    assert "(1 more)" in cli("diff", model, other, "-", "--top", "1", stdin=ROWS).out


def test_a_model_and_itself_read_the_same(cli: Cli, model: str) -> None:
    assert cli("diff", model, model).out == "the models read the same\n"
    assert cli("diff", model, model, "-", stdin=ROWS).out == "all 3 rows are predicted the same\n"


def test_a_file_that_is_not_there_is_named(cli: Cli, model: str) -> None:
    ran = cli("diff", model, "absent.json")
    assert (ran.status, "absent.json" in ran.err) == (1, True)


def test_models_of_other_classes_are_compared_without_rows(cli: Cli, model: str, model_of_three: str) -> None:
    assert "classes" in cli("diff", model, model_of_three).out
    assert "leave the rows out" in cli("diff", model, model_of_three, "-", stdin=ROWS).err
