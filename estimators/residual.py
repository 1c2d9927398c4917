"""What the questions leave over of the label, told by a sparse table of n-grams.

The questions' cross-fitted scores and the n-grams stand in one lasso, so that an n-gram gets a weight only
for what the questions do not tell, and the questions' weights give way where n-grams tell it better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from interpllm.estimators.concept_search import Task, fitted
from interpllm.estimators.table import linear_model
from interpllm.propose.ngrams import count_ngrams
from interpllm.runtime import LinearModel
from interpllm.select.path import Weighed, targets_of
from interpllm.select.problem import Fitted
from interpllm.select.search import judge_scores
from interpllm.select.sparse import Array, fit_lasso
from interpllm.select.split import folds

ORDERS = (1, 2)
STRENGTHS = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Values of C that are tried, from strong to weak."""
FOLDS = 5


@dataclass(frozen=True)
class Residual:
    """A model of questions and n-grams.

    Parameters
    ----------
    mixing : array (n_outputs, n_outputs)
        What the questions' scores are multiplied by.
    intercept : array (n_outputs,)
        Added to the questions' intercept.
    table : LinearModel
        The n-grams' weights, without an intercept.
    report : dict
        ``loss_questions`` and ``loss_both`` (cross-validated), ``score_questions`` and ``score_both``,
        ``share_questions`` and ``share_ngrams`` (of the variance of the parts' sums on the rows),
        ``n_terms``.
    """

    mixing: Array
    intercept: Array
    table: LinearModel
    report: dict[str, Any]


def fit_residual(
    texts: list[str], values: Array, task: Task, C: float, signs: Any, positions: NDArray[np.int64], seed: int
) -> Residual:
    """Fit n-grams beside the questions.

    Parameters
    ----------
    texts : list of str, (n_rows,)
    values : array (n_rows, n_questions)
        Answers.
    task : Task
    C : float
        Inverse strength of the penalty of the questions' weights.
    signs : array or None
    positions : array of int (n_rows,)
        Which row of X each one is.
    seed : int
    """
    targets, _ = targets_of(task.y, task.loss)
    ngrams = count_ngrams(texts, ORDERS, 2)
    every = np.arange(len(texts))
    parts = folds(task.y, task.groups, FOLDS, stratify=bool(task.classes), random_state=seed) or folds(
        task.y, task.groups, FOLDS, stratify=False, random_state=seed
    )
    base = np.zeros_like(targets)
    for seen, new in parts:
        base[new] = fitted(values, task, seen, C, signs).scores(values[new])
    both = sp.hstack([ngrams.matrix, sp.csr_matrix(base)], format="csr")
    p = len(ngrams.phrases)

    def crossed(strength: float) -> Array:
        scores = np.zeros_like(targets)
        for seen, new in parts:
            linear = fit_lasso(
                both[seen], targets[seen], C=strength, loss=task.loss, weight=task.weight[seen]
            )
            scores[new] = linear.scores(both[new])
        return scores

    tried = {C: judge_scores(crossed(C), targets, task.weight, task.loss) for C in STRENGTHS} if parts else {}
    strength = min(tried, key=lambda C: tried[C][1]) if tried else STRENGTHS[0]
    linear = fit_lasso(both, targets, C=strength, loss=task.loss, weight=task.weight)
    table = linear_model(
        Fitted(np.zeros(targets.shape[1]), linear.sparse[:p]),
        ngrams,
        y=np.searchsorted(np.asarray(task.classes), task.y) if task.classes else task.y,
        index=positions,
        classes=task.classes,
        target=task.target,
        order=ORDERS[1],
        norm="none",
        extra={},
        meta={"C": strength},
    )
    mixing = linear.sparse[p:]
    of_questions = fitted(values, task, every, C, signs).scores(values) @ mixing
    of_ngrams = ngrams.matrix @ linear.sparse[:p]
    variances = [float(np.var(part, axis=0).sum()) for part in (of_questions, of_ngrams)]
    whole = sum(variances) or 1.0
    alone = judge_scores(base, targets, task.weight, task.loss)
    together = tried[strength] if tried else (float("nan"),) * 3
    report = {
        "score_questions": alone[0],
        "score_both": together[0],
        "loss_questions": alone[1],
        "loss_both": together[1],
        "share_questions": variances[0] / whole,
        "share_ngrams": variances[1] / whole,
        "n_terms": table.n_terms,
    }
    return Residual(mixing, linear.intercept, table, report)


def mixed(weighed: Weighed, residual: Residual) -> tuple[Array, Array]:
    """Intercept (n_outputs,) and weights (n_questions, n_outputs) of the questions beside the n-grams."""
    return weighed.intercept @ residual.mixing + residual.intercept, weighed.weights @ residual.mixing
