"""Questions that cannot help are dropped, each for a reason that is told."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.select.screen import correlations, mentions, screen, suspects

RANDOM = np.random.default_rng(0)
N = 200
COINS = (RANDOM.random((N, 4)) < 0.5).astype(float)
ASKED = ["Is it long?", "Is it about food?", "Is a price named?", "Is there a date?"]


def changed(column: int, rows: int) -> np.ndarray:
    """A coin with so many answers the other way."""
    answers = COINS[:, column].copy()
    answers[:rows] = 1 - answers[:rows]
    return answers


def test_unrelated_questions_all_stay() -> None:
    result = screen(COINS, ASKED)
    assert result.kept.tolist() == [0, 1, 2, 3]
    assert result.dropped == ()


def test_the_same_wording_in_other_case_and_punctuation_is_dropped() -> None:
    result = screen(COINS, [*ASKED[:3], "is IT long ?"])
    assert result.dropped == ((3, "wording", 0),)


def test_nearly_the_same_answers_are_merged() -> None:
    result = screen(np.column_stack([COINS, changed(1, 5)]), [*ASKED, "Does it speak of meals?"])
    assert result.dropped == ((4, "answers", 1),)


def test_answers_that_differ_more_often_stay_apart() -> None:
    result = screen(np.column_stack([COINS, changed(1, 15)]), [*ASKED, "Does it speak of meals?"])
    assert 4 in result.kept


def test_a_question_and_its_negation_are_merged() -> None:
    result = screen(np.column_stack([COINS, 1 - COINS[:, 2]]), [*ASKED, "Is no price named?"])
    assert result.dropped == ((4, "answers", 2),)


def test_of_two_that_are_one_the_preferred_is_kept() -> None:
    values = np.column_stack([COINS, changed(1, 5)])
    result = screen(values, [*ASKED, "Does it speak of meals?"], preference=[0, 0, 0, 0, 1])
    assert result.dropped == ((1, "answers", 4),)


def test_a_partner_is_always_kept_itself() -> None:
    values = np.column_stack([COINS[:, 0], changed(0, 3), changed(0, 6), COINS[:, 1]])
    result = screen(values, ASKED)
    assert {dropped.partner for dropped in result.dropped} <= set(result.kept.tolist())


def test_a_question_answered_almost_always_alike_is_dropped() -> None:
    values = COINS.copy()
    values[:, 3] = 1
    values[:3, 3] = 0  # 3 of 200 is less than two percent
    assert screen(values, ASKED).dropped == ((3, "constant", None),)


def test_soft_answers_on_one_side_that_vary_are_no_constant() -> None:
    values = COINS.copy()
    values[:, 3] = 0.6 + 0.3 * RANDOM.random(N)
    assert 3 in screen(values, ASKED).kept


def test_a_question_without_answers_is_dropped() -> None:
    values = COINS.copy()
    values[:, 0] = np.nan
    assert screen(values, ASKED).dropped == ((0, "unanswered", None),)


def test_missing_answers_neither_merge_nor_part_questions() -> None:
    values = np.column_stack([COINS, COINS[:, 1]])
    values[::3, 1] = np.nan
    values[1::3, 3] = np.nan
    assert screen(values, [*ASKED, "Does it speak of meals?"]).dropped == ((4, "answers", 1),)


def test_a_question_that_names_a_class_and_predicts_it_restates_the_label() -> None:
    y = np.where(changed(1, 4) == 1, "food", "other")
    assert screen(COINS, ASKED, y, names=["food", "other"]).dropped == ((1, "label", None),)


def test_a_question_that_only_names_a_class_stays() -> None:
    y = np.where(COINS[:, 0] == 1, "food", "other")
    assert 1 in screen(COINS, ASKED, y, names=["food", "other"]).kept


def test_a_question_that_predicts_a_class_without_its_name_stays() -> None:
    y = np.where(COINS[:, 1] == 1, "cooking", "other")
    assert 1 in screen(COINS, ASKED, y, names=["cooking", "other"]).kept


def test_a_question_that_names_the_target_and_gives_its_value_restates_it() -> None:
    y = 10 * COINS[:, 2] + RANDOM.random(N)
    assert screen(COINS, ASKED, y, names=["price"]).dropped == ((2, "label", None),)


@pytest.mark.parametrize(("said", "stays"), [(1.0, False), (0.0, True), (np.nan, True)])
def test_a_question_that_is_the_label_goes_if_a_language_model_says_that_it_restates_it(
    said: float, stays: bool
) -> None:
    y = np.where(COINS[:, 2] == 1, "dear", "not")
    judged = [1.0, 0.0, said, np.nan]  # the first one is said to restate it, but does not predict it
    kept = screen(COINS, ASKED, y, names=["dear", "not"], judged=judged).kept
    assert (2 in kept) is stays
    assert 0 in kept


def test_what_a_language_model_says_stands_in_place_of_the_name() -> None:
    y = np.where(changed(1, 4) == 1, "food", "other")
    judged = [np.nan, 0.0, np.nan, np.nan]
    assert 1 in screen(COINS, ASKED, y, names=["food", "other"], judged=judged).kept


def test_one_class_of_many_raises_no_suspicion() -> None:
    two = np.where(COINS[:, 2] == 1, "a", "b")
    three = np.where(COINS[:, 2] == 1, "a", np.where(COINS[:, 0] == 1, "b", "c"))
    assert suspects(COINS, two) == [2]
    assert suspects(COINS, three) == []
    assert suspects(COINS, 3.0 * COINS[:, 1]) == [1]


def test_two_ways_to_ask_that_disagree_drop_a_question() -> None:
    result = screen(COINS, ASKED, kappa=[0.9, 0.39, np.nan, 0.4])
    assert result.dropped == ((1, "agreement", None),)


def test_what_must_be_kept_is_kept_and_its_double_goes() -> None:
    values = np.column_stack([COINS, changed(1, 5)])
    result = screen(values, [*ASKED, "Does it speak of meals?"], kappa=[1, 1, 1, 1, 0.1], always=[4])
    assert result.dropped == ((1, "answers", 4),)


def test_a_table_of_another_width_is_refused() -> None:
    with pytest.raises(InputError, match="3 questions"):
        screen(COINS, ASKED[:3])


def test_correlations_are_those_of_numpy() -> None:
    values = RANDOM.random((50, 4))
    assert np.allclose(correlations(values), np.corrcoef(values.T))


def test_correlations_with_gaps_are_over_rows_that_both_answer() -> None:
    values = RANDOM.random((50, 2))
    values[:10, 0] = np.nan
    values[-10:, 1] = np.nan
    assert np.isclose(correlations(values)[0, 1], np.corrcoef(values[10:-10].T)[0, 1])


def test_few_common_rows_tell_no_correlation() -> None:
    assert np.isnan(correlations(RANDOM.random((9, 2)))).all()


@pytest.mark.parametrize(
    ("question", "name", "expected"),
    [
        ("Does the review sound positive?", "positive", True),
        ("Does it speak positively of the food?", "positive", True),
        ("Is the voter likely republican?", "likely republican voter", True),
        ("Is he republican?", "likely republican voter", False),
        ("Is 1 of them named?", "1", False),
    ],
)
def test_a_wording_names_a_class_whatever_its_ending(question: str, name: str, expected: bool) -> None:
    assert mentions(question, name) is expected
