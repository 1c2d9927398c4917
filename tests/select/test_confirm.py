"""A model and its questions are judged on rows that had no part in either."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from interpllm.errors import InputError
from interpllm.select.confirm import compare, question_effects

RANDOM = np.random.default_rng(0)
N = 300
ANSWERS = (RANDOM.random((N, 6)) < 0.4).astype(float)
TWO = np.where(3 * ANSWERS[:, 0] - 1.5 + RANDOM.logistic(size=N) > 0, "yes", "no")
COPY = np.abs(ANSWERS[:, 0] - (RANDOM.random(N) < 0.1))  # a noisy second opinion on question 0


def test_the_score_is_the_share_of_right_predictions() -> None:
    predicted = np.where(np.arange(N) < 200, TWO, "neither")
    table = compare(TWO, predicted, random_state=0)
    assert table.loc["model", "score"] == 200 / 300


def test_the_interval_is_about_that_of_the_binomial() -> None:
    predicted = np.where(RANDOM.permutation(N) < 210, TWO, "neither")
    table = compare(TWO, predicted, random_state=0)
    error = 1.96 * np.sqrt(0.7 * 0.3 / N)
    assert np.isclose(table.loc["model", "low"], 0.7 - error, atol=0.012)
    assert np.isclose(table.loc["model", "high"], 0.7 + error, atol=0.012)


def test_the_majority_is_that_of_the_rows_learned_from() -> None:
    table = compare(TWO, TWO, seen=["no", "no", "yes"])
    assert table.loc["majority", "score"] == (TWO == "no").mean()


def test_the_mean_of_the_rows_learned_from_is_the_majority_of_values() -> None:
    y = RANDOM.normal(size=N)
    table = compare(y, y, seen=y, metric="r2", n_resamples=50)
    assert np.isclose(table.loc["majority", "score"], 0)
    assert table.loc["model", "score"] == 1


def test_a_gain_is_paired_row_by_row() -> None:
    # The model errs where its baseline does and on no other row: no doubt about the difference.
    wrong = np.where(np.arange(N) < 60, "neither", TWO)
    same = compare(TWO, wrong, {"twin": wrong.copy()}, random_state=0)
    assert same.loc["twin", ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]
    assert same.loc["twin", "low"] < same.loc["twin", "high"]


def test_rows_of_one_group_are_drawn_together() -> None:
    right = np.arange(N) // 30 % 2 == 0
    predicted = np.where(right, TWO, "neither")
    alone, grouped = (
        compare(TWO, predicted, groups=groups, random_state=0) for groups in (None, np.arange(N) // 30)
    )
    width = [table.loc["model", "high"] - table.loc["model", "low"] for table in (alone, grouped)]
    assert width[1] > 3 * width[0]


def test_a_metric_of_ones_own_is_used() -> None:
    table = compare([1, 2, 3], [1, 2, 5], metric=lambda y, p: -float(np.abs(y - p).max()), n_resamples=20)
    assert table.loc["model", "score"] == -2


def test_predictions_of_other_rows_are_refused_by_name() -> None:
    with pytest.raises(InputError, match='"other"'):
        compare(TWO, TWO, {"other": TWO[:5]})


def effects(values: np.ndarray = ANSWERS, chosen: tuple[int, ...] = (0, 1), **kwargs: object) -> object:
    return question_effects(values, TWO, chosen, loss="logistic", n_resamples=999, random_state=0, **kwargs)


def test_the_question_that_matters_alone_is_significant() -> None:
    table = effects()
    assert table.index[table["q_value"] <= 0.05].tolist() == [0]


def test_the_effect_is_the_difference_of_shares() -> None:
    table = effects()
    yes = ANSWERS[:, 0] == 1
    assert np.isclose(table.loc[0, "effect"], (TWO[yes] == "yes").mean() - (TWO[~yes] == "yes").mean())
    assert table.loc[0, "output"] == "yes"
    assert table.loc[0, "n_yes"] == yes.sum()


def test_q_is_adjusted_over_all_candidates_not_the_chosen_ones() -> None:
    table = effects()
    assert np.allclose(table["q_value"], false_discovery_control(table["p_value"]))


def test_candidates_without_answers_at_hand_count_too() -> None:
    few, many = effects(), effects(n_untold=94)
    assert np.isclose(many.loc[0, "q_value"], few.loc[0, "p_value"] * 100)


def test_a_double_of_a_chosen_question_tells_nothing_new() -> None:
    values = np.column_stack([ANSWERS, COPY])
    assert effects(values, (0,)).loc[6, "p_value"] > 0.05
    assert effects(values, ()).loc[6, "p_value"] < 0.01, "it does tell of the label by itself"


def test_missing_answers_are_no_evidence() -> None:
    values = ANSWERS.copy()
    values[:, 2] = np.nan
    table = effects(values)
    assert np.isnan(table.loc[2, ["effect", "p_value", "q_value"]].astype(float)).all()
    assert table.loc[2, ["n_yes", "n_no"]].tolist() == [0, 0]


def test_p_values_without_any_effect_are_uniform() -> None:
    random = np.random.default_rng(1)
    values = (random.random((120, 60)) < 0.3).astype(float)
    y = random.integers(0, 3, 120)
    table = question_effects(values, y, range(5), loss="multinomial", n_resamples=199, random_state=0)
    share = (table["p_value"] <= 0.2).mean()
    assert 0.06 <= share <= 0.34  # 12 of 60 expected, three standard errors either way
    assert (table["q_value"] > 0.05).all()


def test_values_have_effects_in_their_own_units() -> None:
    y = 5 * ANSWERS[:, 3] + RANDOM.normal(size=N)
    table = question_effects(ANSWERS, y, [3], loss="squared", n_resamples=199, random_state=0)
    assert table.loc[3, "output"] == "value"
    assert abs(table.loc[3, "effect"] - 5) < 0.5
    assert table.loc[3, "p_value"] == 1 / 200


def test_with_several_classes_the_one_most_told_of_is_named() -> None:
    y = np.where(ANSWERS[:, 1] == 1, "c", np.where(RANDOM.random(N) < 0.5, "a", "b"))
    table = question_effects(ANSWERS, y, [], loss="multinomial", n_resamples=199, random_state=0)
    assert table.loc[1, "output"] == "c"
    assert table.loc[1, "effect"] == 1


def test_one_class_alone_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"same label.*'no'"):
        question_effects(ANSWERS, ["no"] * N, [0], loss="logistic")
