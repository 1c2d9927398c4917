"""Weights become small whole points at little cost."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.select.path import refit
from interpllm.select.scorecard import scorecard

RANDOM = np.random.default_rng(0)
VALUES = (RANDOM.random((500, 4)) < 0.4).astype(float)
SCORE = VALUES @ np.array([3.0, -1.5, 0.75, 0.0])
TWO = np.where(SCORE - 0.5 + RANDOM.logistic(size=500) > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[
    np.argmax(
        np.column_stack([3 * VALUES[:, 0], 2 * VALUES[:, 1], np.ones(500)]) + RANDOM.gumbel(size=(500, 3)), 1
    )
]


def test_points_keep_the_proportions_of_the_weights() -> None:
    weighed = refit(VALUES, TWO, [0, 1, 2], loss="logistic")
    card = scorecard(weighed, VALUES, TWO)
    assert np.corrcoef(card.points[:, 0], weighed.weights[:, 0])[0, 1] > 0.98
    assert (np.sign(card.points) == np.sign(weighed.weights)).all()


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_no_point_is_above_the_limit(limit: int) -> None:
    card = scorecard(refit(VALUES, TWO, range(4), loss="logistic"), VALUES, TWO, max_points=limit)
    assert 1 <= np.abs(card.points).max() <= limit
    assert card.points.dtype.kind == "i"


def test_the_model_is_the_points_times_their_scale() -> None:
    card = scorecard(refit(VALUES, TWO, [2, 0], loss="logistic"), VALUES, TWO)
    by_hand = card.model.intercept + VALUES[:, [2, 0]] @ card.points * card.scale
    assert np.allclose(card.model.scores(VALUES), by_hand)


def test_rounding_costs_little_and_its_cost_is_told() -> None:
    card = scorecard(refit(VALUES, TWO, range(4), loss="logistic"), VALUES, TWO)
    assert card.loss_before <= card.loss < 1.02 * card.loss_before
    assert card.auc_before - 0.01 < card.auc < 1


def test_more_points_cost_no_more_than_fewer() -> None:
    weighed = refit(VALUES, TWO, range(4), loss="logistic")
    losses = [scorecard(weighed, VALUES, TWO, max_points=limit).loss for limit in (1, 3, 10)]
    assert losses[0] > losses[1] * 0.999
    assert losses[1] > losses[2] * 0.999


def test_several_classes_have_points_each() -> None:
    card = scorecard(refit(VALUES, THREE, range(4), loss="multinomial"), VALUES, THREE)
    assert card.points.shape == (4, 3)
    assert card.points[0].argmax() == 0
    assert card.points[1].argmax() == 1
    assert card.auc > 0.7


def test_values_have_points_without_an_auc() -> None:
    y = SCORE + RANDOM.normal(size=500) / 10
    card = scorecard(refit(VALUES, y, [0, 1, 2], loss="squared"), VALUES, y)
    assert card.points[:, 0].tolist() == [4, -2, 1]
    assert abs(card.scale - 0.75) < 0.02
    assert np.isnan(card.auc)


def test_the_scale_of_points_is_positive_even_where_they_tell_all_rows_apart() -> None:
    y = VALUES[:, 0].astype(int)
    card = scorecard(refit(VALUES, y, [0], loss="logistic"), VALUES, y)
    assert 0 < card.scale < 100
    assert (card.model.predict(VALUES) == y).all()


def test_no_weight_gives_no_points() -> None:
    with pytest.raises(InputError, match="nothing to give points"):
        scorecard(refit(VALUES, TWO, [], loss="logistic"), VALUES, TWO)


def test_labels_of_another_model_are_refused() -> None:
    with pytest.raises(InputError, match="rows of all classes"):
        scorecard(refit(VALUES, TWO, [0], loss="logistic"), VALUES, np.where(TWO == "no", "nein", "ja"))


def test_a_limit_of_no_point_is_refused() -> None:
    with pytest.raises(InputError, match="at least 1"):
        scorecard(refit(VALUES, TWO, [0], loss="logistic"), VALUES, TWO, max_points=0)
