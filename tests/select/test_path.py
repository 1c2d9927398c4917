"""Questions join a model one after another, and are weighed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from interpllm.errors import InputError
from interpllm.select.path import Path, column_means, refit, residuals, sparse_path
from interpllm.select.sparse import loss_of

RANDOM = np.random.default_rng(0)
VALUES = (RANDOM.random((400, 12)) < 0.4).astype(float)
SCORE = 4 * VALUES[:, 3] - 3 * VALUES[:, 7] + 2 * VALUES[:, 1] - 1
TWO = np.where(SCORE + RANDOM.logistic(size=400) > 0, "yes", "no")
THREE = np.array(["a", "b", "c"])[
    np.argmax(
        np.column_stack([3 * VALUES[:, 2], 3 * VALUES[:, 5], 2 + 0 * VALUES[:, 0]])
        + RANDOM.gumbel(size=(400, 3)),
        axis=1,
    )
]
NUMBERS = SCORE + RANDOM.normal(size=400)


def quick_path(*args: Any, **kwargs: Any) -> Path:
    """A path at one strength, in few folds."""
    return sparse_path(*args, random_state=0, strengths=(3.0,), n_folds=3, **kwargs)


def test_the_questions_that_made_the_labels_come_first() -> None:
    path = quick_path(VALUES, TWO, 5, "logistic")
    assert path.order[:3].tolist() == [3, 7, 1]


def test_the_questions_that_made_the_values_come_first() -> None:
    path = quick_path(VALUES, NUMBERS, 5, "squared")
    assert path.order[:3].tolist() == [3, 7, 1]


def test_a_question_counts_once_for_all_classes() -> None:
    path = quick_path(VALUES, THREE, 4, "multinomial")
    assert len(path.order) == len(set(path.order)) == 4
    assert set(path.order[:2]) == {2, 5}


@pytest.mark.parametrize("n_terms", [1, 6, 12])
def test_exactly_as_many_questions_as_asked_for(n_terms: int) -> None:
    assert len(sparse_path(VALUES, TWO, n_terms, "logistic", n_folds=0).order) == n_terms


def test_no_more_questions_than_there_are() -> None:
    assert len(sparse_path(VALUES, TWO, 30, "logistic", n_folds=0).order) == 12


def test_a_question_whose_answers_do_not_vary_never_joins() -> None:
    values = VALUES.copy()
    values[:, 4] = 1
    assert 4 not in sparse_path(values, TWO, 12, "logistic", n_folds=0).order


def test_an_exact_copy_never_joins() -> None:
    path = sparse_path(np.column_stack([VALUES, VALUES[:, 3]]), TWO, 13, "logistic", n_folds=0)
    assert len({3, 12} & set(path.order)) == 1


def test_cross_validation_prefers_no_question_where_none_helps() -> None:
    y = RANDOM.permutation(TWO)
    assert quick_path(VALUES, y, 8, "logistic").small == 0


def test_cross_validation_finds_the_size_of_the_truth() -> None:
    path = quick_path(VALUES, NUMBERS, 10, "squared")
    assert path.small == 3
    assert path.losses[3] < 0.7 * path.losses[2]


def test_the_smallest_size_is_never_worse_by_more_than_an_error() -> None:
    path = quick_path(VALUES, TWO, 10, "logistic")
    assert path.small <= path.best
    assert path.losses[path.best] == path.losses.min()


def test_wanted_questions_stand_first() -> None:
    path = quick_path(VALUES, TWO, 4, "logistic", first=[9, 0])
    assert path.order[:3].tolist() == [9, 0, 3]


def test_a_sign_that_contradicts_the_data_keeps_a_question_out() -> None:
    signs = np.zeros(12)
    signs[3] = -1
    assert 3 not in quick_path(VALUES, TWO, 3, "logistic", signs=signs).order


def test_signs_hold_in_the_weights() -> None:
    signs = np.ones(12)
    weights = refit(VALUES, TWO, np.arange(12), loss="logistic", signs=signs).weights
    assert (weights >= 0).all()
    assert weights[3, 0] > 1
    assert weights[7, 0] == 0


def test_one_sign_for_several_classes_is_refused() -> None:
    with pytest.raises(InputError, match=r"shape \(12, 3\)"):
        quick_path(VALUES, THREE, 3, "multinomial", signs=np.ones(12))


def test_weights_are_those_of_maximum_likelihood() -> None:
    weighed = refit(VALUES, TWO, [3, 7], loss="logistic", C=np.inf)
    twin = LogisticRegression(C=np.inf, tol=1e-8).fit(VALUES[:, [3, 7]], TWO)
    assert np.allclose(weighed.weights[:, 0], twin.coef_[0], atol=1e-3)
    assert np.allclose(weighed.predict_proba(VALUES), twin.predict_proba(VALUES[:, [3, 7]]), atol=1e-3)


def test_multinomial_weights_are_those_of_scikit_learn() -> None:
    weighed = refit(VALUES, THREE, [2, 5, 9], loss="multinomial", C=2.0)
    twin = LogisticRegression(C=2.0, tol=1e-8).fit(VALUES[:, [2, 5, 9]], THREE)
    assert np.allclose(weighed.weights, twin.coef_.T, atol=1e-3)
    assert (weighed.predict(VALUES) == twin.predict(VALUES[:, [2, 5, 9]])).all()


def test_squared_weights_are_those_of_ridge() -> None:
    weighed = refit(VALUES, NUMBERS, [3, 7, 1], loss="squared", C=0.5)
    twin = Ridge(alpha=2.0).fit(VALUES[:, [3, 7, 1]], NUMBERS)
    assert np.allclose(weighed.weights[:, 0], twin.coef_, atol=1e-4)
    assert np.allclose(weighed.predict(VALUES), twin.predict(VALUES[:, [3, 7, 1]]), atol=1e-4)


def test_rows_weigh_as_much_as_their_copies() -> None:
    weight = np.where(np.arange(400) < 100, 2.0, 1.0)
    twice = np.concatenate([np.arange(400), np.arange(100)])
    one = refit(VALUES, TWO, [3, 7], loss="logistic", weight=weight)
    other = refit(VALUES[twice], TWO[twice], [3, 7], loss="logistic")
    assert np.allclose(one.weights, other.weights, atol=1e-4)


def test_a_missing_answer_counts_as_the_mean_of_its_question() -> None:
    weighed = refit(VALUES, TWO, [3, 7], loss="logistic")
    row = np.full((1, 12), np.nan)
    expected = weighed.intercept + VALUES[:, [3, 7]].mean(axis=0) @ weighed.weights
    assert np.allclose(weighed.scores(row), expected)


def test_the_mean_of_a_question_is_over_its_answers() -> None:
    values = np.array([[1.0, np.nan, 0.0], [np.nan, np.nan, 1.0], [0.0, np.nan, 1.0]])
    assert np.allclose(column_means(values), [0.5, 0.5, 2 / 3])


@pytest.mark.parametrize("loss", ["logistic", "multinomial", "squared"])
def test_residuals_are_the_slope_of_the_loss(loss: str) -> None:
    outputs = 3 if loss == "multinomial" else 1
    scores, targets = RANDOM.normal(size=(5, outputs)), RANDOM.dirichlet(np.ones(3), 5)[:, :outputs]
    step = np.zeros((1, outputs))
    step[0, 0] = 1e-6
    slope = (loss_of(scores + step, targets, loss) - loss_of(scores - step, targets, loss)) / 2e-6
    assert np.allclose(residuals(scores, targets, loss)[:, 0], -slope, atol=1e-6)


def test_a_class_of_one_row_does_not_stop_the_cross_validation() -> None:
    y = THREE.copy().astype(object)
    y[0] = "d"
    path = quick_path(VALUES, y.astype(str), 3, "multinomial")
    assert np.isfinite(path.losses).all()


def test_the_same_seed_gives_the_same_path() -> None:
    first, second, other = (
        sparse_path(VALUES, TWO, 1, "logistic", random_state=seed, strengths=(3.0,)).losses.tolist()
        for seed in (3, 3, 4)
    )
    assert first == second != other


def test_the_strength_with_the_lowest_loss_is_taken() -> None:
    path = sparse_path(VALUES, NUMBERS, 3, "squared", random_state=0, strengths=(0.01, 10.0), n_folds=3)
    assert path.C == 10.0


def test_groups_are_not_divided_by_folds() -> None:
    # Each row twelve times: folds that divide the copies judge on what they have fitted.
    rows = np.repeat(np.arange(16), 12)
    noise = np.random.default_rng(1).permutation(np.arange(16) % 2)[rows]
    divided = quick_path(VALUES[rows], noise, 4, "logistic")
    assert quick_path(VALUES[rows], noise, 4, "logistic", groups=rows).losses[4] > divided.losses[4] + 0.3


def test_one_class_alone_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"same label.*'yes'"):
        quick_path(VALUES, ["yes"] * 400, 3, "logistic")


def test_three_classes_are_no_matter_of_the_logistic_loss() -> None:
    with pytest.raises(InputError, match="multinomial"):
        refit(VALUES, THREE, [1], loss="logistic")


def test_answers_of_other_rows_are_refused() -> None:
    with pytest.raises(InputError, match="one row for each of the 400"):
        quick_path(VALUES[:10], TWO, 3, "logistic")
