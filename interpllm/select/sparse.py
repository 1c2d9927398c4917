"""Linear models over n-grams: ridge with soft targets on a sparse and a dense block, and L1 paths.

The ridge solver minimises

    sum_i w_i loss(t_i, b + X_i u + Z_i v) + (|u|^2 + |v|^2) / (2 C)

with X sparse (rows x n-grams), Z dense (rows x embedding dimensions, or absent) and loss the logistic,
multinomial or squared one. Targets may be soft (probabilities), which is what lets a student learn from a
teacher's probabilities and from labels at once; scikit-learn's logistic regression takes hard labels only.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Lasso, LogisticRegression
from threadpoolctl import ThreadpoolController

Array = NDArray[np.float64]
Loss = Literal["logistic", "multinomial", "squared"]

FEW_ROWS = 1000
"""With so few rows or fewer a ridge is solved in the space of the rows, which costs their number cubed."""


@dataclass(frozen=True)
class Linear:
    """A fitted linear model: ``scores = intercept + X @ sparse + Z @ dense``, one column an output."""

    intercept: Array  # (n_outputs,)
    sparse: Array  # (n_ngrams, n_outputs)
    dense: Array  # (n_dims, n_outputs); zero rows when there is no dense block

    def scores(self, X: sp.csr_matrix, Z: NDArray[np.floating] | None = None) -> Array:
        """Scores of rows, (n_rows, n_outputs)."""
        scores = X @ self.sparse + self.intercept
        return scores if Z is None else scores + Z @ self.dense


def probabilities(scores: Array) -> Array:
    """Class probabilities (n_rows, n_classes) of log-odds (n_rows, 1) or of multinomial scores."""
    if scores.shape[1] == 1:
        positive = expit(scores[:, 0])
        return np.column_stack([1 - positive, positive])
    return np.asarray(softmax(scores, axis=1))


def loss_of(scores: Array, targets: Array, loss: Loss) -> Array:
    """Loss of each row; targets (n_rows, n_outputs) are probabilities, or values for the squared loss."""
    if loss == "squared":
        return np.asarray(0.5 * ((scores - targets) ** 2).sum(axis=1))
    if loss == "logistic":
        s, t = scores[:, 0], targets[:, 0]
        return np.asarray(-(t * log_expit(s) + (1 - t) * log_expit(-s)))
    return np.asarray(logsumexp(scores, axis=1) * targets.sum(axis=1) - (targets * scores).sum(axis=1))


def _slope(scores: Array, targets: Array, loss: Loss) -> Array:
    """Derivative of the loss of each row by its scores."""
    if loss == "squared":
        return scores - targets
    if loss == "logistic":
        return np.asarray(expit(scores) - targets)
    return np.asarray(softmax(scores, axis=1) - targets)


def fit_ridge(
    X: sp.csr_matrix,
    targets: Array,
    *,
    C: float,
    loss: Loss,
    Z: NDArray[np.floating] | None = None,
    weight: Array | None = None,
    tolerance: float = 1e-3,
    max_iter: int = 300,
    shared: dict[str, tuple[Array, Array]] | None = None,
) -> Linear:
    """Ridge-penalised linear model on a sparse and a dense block, by L-BFGS.

    Parameters
    ----------
    X : sparse matrix (n_rows, n_ngrams)
    targets : array (n_rows, n_outputs)
        Probabilities (logistic: of the second class; multinomial: of every class) or values.
    C : float
        Inverse of the penalty's strength.
    loss : {"logistic", "multinomial", "squared"}
    Z : array (n_rows, n_dims), optional
        The dense block, scaled by the caller: its scale against X is a choice of the model.
    weight : array (n_rows,), optional
    tolerance : float
        L-BFGS stops when the largest gradient entry is below this share of the one at zero.
    shared : dict, optional
        Keeps what fits of the same X and Z have in common; empty before the first.
    """
    n, p = X.shape
    weight = np.ones(n) if weight is None else weight
    shared = {} if shared is None else shared
    if n <= FEW_ROWS and n < p:
        if "rotated" not in shared:
            shared["rotated"] = _rotated(X, Z)
        back, rotated = shared["rotated"]
        few = _minimised(sp.csr_matrix((n, 0)), targets, C, loss, rotated, weight, tolerance, max_iter)
        spanned = back @ few.dense
        dense = np.zeros((0, targets.shape[1])) if Z is None else Z.T @ spanned
        return Linear(few.intercept, X.T @ spanned, dense)
    if p == 0 and Z is not None:
        # Along its principal axes a dense block's columns are uncorrelated, which takes few steps.
        axes = np.linalg.eigh((Z * weight[:, None].astype(Z.dtype)).T @ Z)[1]
        turned = _minimised(X, targets, C, loss, Z @ axes, weight, tolerance, max_iter)
        return Linear(turned.intercept, turned.sparse, axes @ turned.dense)
    return _minimised(X, targets, C, loss, Z, weight, tolerance, max_iter)


def _minimised(
    X: sp.csr_matrix,
    targets: Array,
    C: float,
    loss: Loss,
    Z: NDArray[np.floating] | None,
    weight: Array,
    tolerance: float,
    max_iter: int,
) -> Linear:
    """The ridge by L-BFGS, each column in units in which the loss is about as curved as in any other."""
    outputs, p, d = targets.shape[1], X.shape[1], 0 if Z is None else Z.shape[1]
    total = weight.sum()
    transposed = sp.csr_matrix(X.T)
    squares = np.empty(1 + p + d)
    squares[0] = total
    squares[1 : 1 + p] = transposed.multiply(transposed) @ weight
    if Z is not None:
        squares[1 + p :] = np.einsum("ij,ij,i->j", Z, Z, weight, optimize=True)
    steepest = 1.0 if loss == "squared" else 0.25  # of a loss's second derivatives by the score
    squares[1:] += 1 / (C * steepest)
    unit = 1 / np.sqrt(squares * steepest / total)[:, None]

    def split(theta: Array) -> Linear:
        table = theta.reshape(1 + p + d, outputs) * unit
        return Linear(table[0], table[1 : 1 + p], table[1 + p :])

    def objective(theta: Array) -> tuple[float, Array]:
        model = split(theta)
        scores = model.scores(X, Z)
        size = float((model.sparse**2).sum() + (model.dense**2).sum())
        value = (weight @ loss_of(scores, targets, loss) + size / (2 * C)) / total
        slope = weight[:, None] * _slope(scores, targets, loss)
        gradient = np.empty((1 + p + d, outputs))
        gradient[0] = slope.sum(axis=0)
        gradient[1 : 1 + p] = transposed @ slope + model.sparse / C
        if Z is not None:
            gradient[1 + p :] = Z.T @ slope.astype(Z.dtype, copy=False) + model.dense / C
        return float(value), (gradient * unit).ravel() / total

    zero = np.zeros((1 + p + d) * outputs)
    largest = float(np.abs(objective(zero)[1]).max())
    # The products are too narrow to be shared: where other work is under way, threads that wait for others
    # make a fit twenty times slower; and with one thread, sums do not depend on how many cores there are.
    with _blas().limit(limits=1, user_api="blas"):
        solution = minimize(
            objective,
            zero,
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": max_iter,
                "gtol": max(tolerance * largest, 1e-12),
                "ftol": 1e-4 * tolerance,
                "maxcor": 10,
            },
        )
    return split(solution.x)


@cache
def _blas() -> ThreadpoolController:
    """The linear algebra libraries of this process; finding them takes longer than a small fit."""
    return ThreadpoolController()


def _rotated(X: sp.csr_matrix, Z: NDArray[np.floating] | None) -> tuple[Array, Array]:
    """Few rows in as many dimensions as there are rows, and the way back.

    A ridge solution is a combination of the rows A = [X, Z]. With A A' = Q L Q' it is the same as a ridge on
    F = Q sqrt(L), an (n x rank) matrix, whose solution v stands for A' Q v / sqrt(L).

    Returns
    -------
    back : array (n, rank)
        ``A.T @ back @ v`` is the solution in the original dimensions.
    rotated : array (n, rank)
        F.
    """
    products = np.asarray((X @ X.T).todense())
    if Z is not None:
        products = products + Z.astype(np.float64) @ Z.T
    values, vectors = np.linalg.eigh(products)
    kept = values > values[-1] * 1e-10
    root = np.sqrt(values[kept])
    return vectors[:, kept] / root, vectors[:, kept] * root


def fit_lasso(
    X: sp.csr_matrix,
    targets: Array,
    *,
    C: float,
    loss: Loss,
    weight: Array | None = None,
    max_iter: int = 200,
) -> Linear:
    """L1-penalised linear model on a sparse block: most n-grams get weight 0.

    Logistic and multinomial losses are fitted one class against the rest by liblinear's coordinate descent
    (Fan et al. 2008), the squared loss by scikit-learn's Lasso. A soft target is handed over as two rows,
    one a label, that share its weight.

    Parameters and result are those of :func:`fit_ridge`, without a dense block.
    """
    n, outputs = targets.shape
    weight = np.ones(n) if weight is None else weight
    intercept, table = np.zeros(outputs), np.zeros((X.shape[1], outputs))
    for k in range(outputs):
        target = targets[:, k]
        if loss == "squared":
            model = Lasso(alpha=1 / (2 * C * n), max_iter=max_iter * 10, tol=1e-3, random_state=0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, target, sample_weight=weight)
            intercept[k], table[:, k] = model.intercept_, model.coef_
            continue
        yes, no = np.flatnonzero(target > 0), np.flatnonzero(target < 1)
        rows = np.concatenate([yes, no])
        label = np.concatenate([np.ones(len(yes)), np.zeros(len(no))])
        share = np.concatenate([weight[yes] * target[yes], weight[no] * (1 - target[no])])
        positive, negative = share[: len(yes)].sum(), share[len(yes) :].sum()
        if not (positive and negative):
            # One label alone, as in a fold without a rare class: no weights, and half a row of doubt.
            intercept[k] = np.log(2 * n + 1) * (1 if positive else -1)
            continue
        # liblinear penalises the intercept; a large scaling makes that penalty negligible
        model = LogisticRegression(
            l1_ratio=1.0,
            solver="liblinear",
            C=C,
            intercept_scaling=10.0,
            tol=1e-3,
            max_iter=max_iter,
            random_state=0,
        )
        with warnings.catch_warnings():
            # Cross-validation judges a fit that stopped early like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X[rows], label, sample_weight=share)
        intercept[k], table[:, k] = model.intercept_[0], model.coef_[0]
    return Linear(intercept, table, np.zeros((0, outputs)))
