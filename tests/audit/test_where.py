"""Conditions on rows: what holds, what is missing, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from interpllm.audit.where import Uncheckable, Where, all_hold, numbers
from interpllm.errors import InputError

ROWS = pd.DataFrame(
    {
        "age": [20.0, 30.0, None, 40.0],
        "grade": ["3", "1", "", "3"],
        "city": ["Bonn", "bonn", "Celle", None],
        "text": ["Too late!", "the latest", "late, too late", None],
        "member": [True, False, True, False],
    }
)
NONE = float("nan")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Where("age", "above", 30), [0, 0, NONE, 1]),
        (Where("age", "at least", 30), [0, 1, NONE, 1]),
        (Where("age", "below", 30), [1, 0, NONE, 0]),
        (Where("age", "at most", 30), [1, 1, NONE, 0]),
        (Where("grade", "is", 3), [1, 0, NONE, 1]),
        (Where("city", "is", "BONN"), [1, 1, 0, NONE]),
        (Where("city", "is not", "Bonn"), [0, 0, 1, NONE]),
        (Where("text", "mentions", "Late"), [1, 0, 1, NONE]),
        (Where("text", "does not mention", "too late"), [0, 1, 0, NONE]),
        (Where("member", "is", 1), [1, 0, 1, 0]),
        (Where("member", "is", "true"), [1, 0, 1, 0]),
    ],
    ids=str,
)
def test_a_condition_holds_does_not_or_cannot_be_told(condition: Where, holds: list[float]) -> None:
    np.testing.assert_array_equal(condition.holds(ROWS), holds)


def test_one_condition_that_does_not_hold_settles_what_a_missing_cell_leaves_open() -> None:
    both = all_hold([Where("age", "above", 10), Where("city", "is", "Bonn")], ROWS)
    np.testing.assert_array_equal(both, [1, 1, 0, NONE])


def test_an_unknown_column_is_said_beside_those_that_there_are() -> None:
    with pytest.raises(Uncheckable, match="no column 'income', only 'age'"):
        Where("income", "above", 3).holds(ROWS)


def test_an_unknown_value_is_said_beside_those_that_there_are() -> None:
    with pytest.raises(Uncheckable, match="no value 'Delft', only 'Bonn'"):
        Where("city", "is", "Delft").holds(ROWS)


def test_a_name_with_an_underscore_is_no_number() -> None:
    rows = pd.DataFrame({"lot": ["2024_01", "202401"]})
    np.testing.assert_array_equal(Where("lot", "is", "202401").holds(rows), [0, 1])


def test_words_are_no_numbers() -> None:
    with pytest.raises(Uncheckable, match="holds no numbers but such as 'Bonn'"):
        numbers(ROWS, "city")


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (("age", "over", 3), "A relation is one of"),
        (("age", "above", "old"), "which is no number"),
        (("text", "mentions", "..."), "mentions no word"),
        (("age", "is", NONE), "a text, a number or a bool"),
        ((3, "is", 3), "column of a condition is a string"),
    ],
)
def test_a_condition_that_cannot_be_meant_is_refused(parts: tuple[object, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Where(*parts)  # type: ignore[arg-type]
