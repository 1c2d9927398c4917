"""The solvers agree with scikit-learn's where both can solve the problem."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge

from interpllm.select import sparse
from interpllm.select.sparse import Linear, fit_lasso, fit_ridge, probabilities

N, P, D = 80, 12, 4


class Data:
    """Rows of 0 and 1 with a dense block, and targets of every kind that follow from both."""

    def __init__(self, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.X = sp.csr_matrix((random.random((N, P)) < 0.3).astype(float))
        self.Z = random.normal(size=(N, D))
        truth = self.X @ random.normal(size=(P, 3)) * 2 + self.Z @ random.normal(size=(D, 3))
        self.labels = truth.argmax(axis=1)
        self.binary = (truth[:, 0] > truth[:, 0].mean()).astype(int)
        self.values = truth[:, 1] + random.normal(size=N)
        self.weight = random.integers(1, 4, N).astype(float)
        self.soft = random.random((N, 1))

    def of(self, loss: str) -> tuple[np.ndarray, np.ndarray]:
        """Targets as ours take them, and as scikit-learn does."""
        if loss == "logistic":
            return self.binary[:, None].astype(float), self.binary
        if loss == "multinomial":
            return np.eye(3)[self.labels], self.labels
        return self.values[:, None], self.values


@pytest.fixture
def data() -> Data:
    return Data()


def exact(*args: Any, **kwargs: Any) -> Linear:
    """The solver run to the end; by default it stops where a choice's score no longer changes."""
    return fit_ridge(*args, **{"tolerance": 1e-7, "max_iter": 5000} | kwargs)


def same(ours: np.ndarray, theirs: np.ndarray, tolerance: float = 1e-3) -> None:
    np.testing.assert_allclose(ours, theirs, atol=tolerance * np.abs(theirs).max(initial=1.0))


LOSSES = ["logistic", "multinomial", "squared"]


@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "sparse-and-dense"])
@pytest.mark.parametrize("loss", LOSSES)
def test_ridge_is_scikit_learns(data: Data, loss: Any, dense: bool) -> None:
    ours_y, theirs_y = data.of(loss)
    Z = data.Z if dense else None
    ours = exact(data.X, ours_y, C=0.7, loss=loss, Z=Z, weight=data.weight)
    whole = np.hstack([data.X.toarray(), data.Z]) if dense else data.X.toarray()
    if loss == "squared":
        theirs = Ridge(alpha=1 / 0.7, tol=1e-8).fit(whole, theirs_y, sample_weight=data.weight)
    else:
        theirs = LogisticRegression(C=0.7, tol=1e-8, max_iter=5000)
        theirs.fit(whole, theirs_y, sample_weight=data.weight)
    # All intercepts of a multinomial model may move together: nothing is changed by it.
    ours_b, theirs_b = ours.intercept, np.atleast_1d(theirs.intercept_)
    shift = loss == "multinomial"
    same(ours_b - shift * ours_b.mean(), theirs_b - shift * theirs_b.mean(), 3e-3)
    same(np.vstack([ours.sparse, ours.dense]).T, np.atleast_2d(theirs.coef_))


def test_a_weight_is_so_many_equal_rows(data: Data) -> None:
    repeats = data.weight.astype(int)
    once = exact(data.X, data.soft, C=1.0, loss="logistic", weight=data.weight)
    rows = np.repeat(np.arange(N), repeats)
    again = exact(data.X[rows], data.soft[rows], C=1.0, loss="logistic")
    same(once.sparse, again.sparse)


def test_a_soft_target_is_two_rows_that_share_its_weight(data: Data) -> None:
    soft = exact(data.X, data.soft, C=1.0, loss="logistic")
    hard = exact(
        sp.vstack([data.X, data.X], format="csr"),
        np.repeat([[1.0], [0.0]], N, axis=0),
        C=1.0,
        loss="logistic",
        weight=np.concatenate([data.soft[:, 0], 1 - data.soft[:, 0]]),
    )
    same(soft.sparse, hard.sparse)
    same(soft.intercept, hard.intercept)


@pytest.mark.parametrize("dense", [False, True], ids=["sparse", "sparse-and-dense"])
@pytest.mark.parametrize("loss", LOSSES)
def test_few_rows_are_solved_in_their_own_space_alike(
    data: Data, loss: Any, dense: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = sp.csr_matrix((np.random.default_rng(1).random((N, 3 * N)) < 0.1).astype(float))
    targets, Z = data.of(loss)[0], data.Z if dense else None
    rotated = exact(X, targets, C=0.5, loss=loss, Z=Z, weight=data.weight)
    monkeypatch.setattr(sparse, "FEW_ROWS", 0)
    direct = exact(X, targets, C=0.5, loss=loss, Z=Z, weight=data.weight)
    same(
        rotated.scores(X, Z) - rotated.scores(X, Z).mean(axis=1, keepdims=True) * (loss == "multinomial"),
        direct.scores(X, Z) - direct.scores(X, Z).mean(axis=1, keepdims=True) * (loss == "multinomial"),
        1e-3,
    )
    same(rotated.sparse, direct.sparse, 1e-4)
    same(rotated.dense, direct.dense, 1e-4)


def test_rows_without_any_ngram_leave_the_intercept(data: Data) -> None:
    empty = exact(sp.csr_matrix((N, 2 * N)), data.of("logistic")[0], C=1.0, loss="logistic")
    share = data.binary.mean()
    same(empty.intercept, np.log([share / (1 - share)]))
    assert not empty.sparse.any()


@pytest.mark.parametrize("loss", LOSSES)
def test_lasso_leaves_most_columns_without_weight(data: Data, loss: Any) -> None:
    noise = sp.csr_matrix((np.random.default_rng(2).random((N, 100)) < 0.1).astype(float))
    X = sp.hstack([data.X, noise], format="csr")
    C = 0.05 if loss == "squared" else 0.5
    table = fit_lasso(X, data.of(loss)[0], C=C, loss=loss).sparse
    used = np.any(table != 0, axis=1)
    assert 0 < used.sum() < 40
    assert used[:P].mean() > used[P:].mean()


def test_lasso_with_a_soft_target_is_two_rows_that_share_its_weight(data: Data) -> None:
    soft = fit_lasso(data.X, data.soft, C=2.0, loss="logistic")
    hard = fit_lasso(
        sp.vstack([data.X, data.X], format="csr"),
        np.repeat([[1.0], [0.0]], N, axis=0),
        C=2.0,
        loss="logistic",
        weight=np.concatenate([data.soft[:, 0], 1 - data.soft[:, 0]]),
    )
    same(soft.sparse, hard.sparse, 1e-2)


def test_lasso_is_sure_of_a_label_that_stands_alone_and_weighs_nothing(data: Data) -> None:
    targets = np.eye(3)[data.labels % 2]  # no row of the third class
    found = fit_lasso(data.X, targets, C=1.0, loss="multinomial")
    assert not found.sparse[:, 2].any()
    assert probabilities(found.scores(data.X))[:, 2].max() < 0.05


def test_probabilities_sum_to_one_whatever_the_scores() -> None:
    for scores in (np.array([[800.0], [-800.0], [0.0]]), np.array([[900.0, 0.0, -900.0]])):
        found = probabilities(scores)
        np.testing.assert_allclose(found.sum(axis=1), 1)
        assert np.isfinite(found).all()
