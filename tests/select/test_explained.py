"""The share of the deviance that is explained is what scikit-learn and the definitions say."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss, r2_score

from interpllm.select.explained import Explained, deviances, tfidf_predictions

RANDOM = np.random.default_rng(0)
Y = RANDOM.integers(0, 3, 90)
GUESS = RANDOM.dirichlet([2, 2, 2], 90)
VALUES = RANDOM.normal(size=90)


def test_of_classes_it_is_mcfaddens() -> None:
    told = Explained([deviances(GUESS, Y, [0, 1, 2])], Y, [0, 1, 2], n_resamples=10)
    own = np.tile(np.bincount(Y) / 90, (90, 1))
    assert told.share(0).value == pytest.approx(1 - log_loss(Y, GUESS) / log_loss(Y, own))


def test_of_values_it_is_r_squared() -> None:
    near = VALUES + RANDOM.normal(size=90)
    told = Explained([deviances(near, VALUES, None)], VALUES, None, n_resamples=10)
    assert told.share(0).value == pytest.approx(r2_score(VALUES, near))


def test_a_model_that_knows_only_the_shares_explains_nothing() -> None:
    own = np.tile(np.bincount(Y) / 90, (90, 1))
    assert Explained([deviances(own, Y, [0, 1, 2])], Y, [0, 1, 2]).share(0).value == pytest.approx(0)


def test_intervals_cover_what_many_rows_say() -> None:
    truth, covered = 0.5, 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        x = random.normal(size=150)
        y = x + random.normal(size=150)
        found = Explained([deviances(x, y, None)], y, None, n_resamples=300, random_state=seed).share(0)
        covered += found.low <= truth <= found.high
    assert 175 <= covered <= 200


def test_a_gain_over_itself_is_nothing() -> None:
    told = Explained([deviances(GUESS, Y, [0, 1, 2])] * 2, Y, [0, 1, 2], n_resamples=20)
    assert told.gain(0, 1) == (0, 0, 0)


def test_a_row_that_a_model_holds_impossible_does_not_outweigh_all() -> None:
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert np.isfinite(deviances(sure, [1, 1], [0, 1])).all()


def test_tfidf_finds_a_word_that_tells() -> None:
    texts = [f"{'good' if k % 2 else 'bad'} {word}" for k, word in enumerate("abcdefghij" * 6)]
    labels = np.arange(60) % 2
    said = tfidf_predictions(texts[:40], labels[:40], texts[40:], [0, 1])
    assert (said.argmax(axis=1) == labels[40:]).all()
    numbers = tfidf_predictions(texts[:40], labels[:40] * 2.0, texts[40:], None)
    slope = LinearRegression().fit(numbers[:, None], labels[40:]).coef_[0]
    assert slope > 0.4
