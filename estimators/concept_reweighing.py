"""Whether weights for what stand-ins answer are better than those for what a language model answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, r2_score

from interpllm.estimators.concept_answers import Array
from interpllm.estimators.concept_search import Task
from interpllm.select.split import folds

FOLDS = 5


def crossed_scores(
    learn: Callable[[NDArray[np.intp], Array], Callable[[Array], NDArray[Any]]],
    answered: Array,
    values: Array,
    task: Task,
    random_state: int | None,
) -> dict[str, float]:
    """How well stand-ins' answers predict, weighed as they are and as those that they stand for.

    Parameters
    ----------
    learn : callable
        Rows and a table of answers (n_rows, n_questions) -> what predicts from answers, fitted on the rows.
    answered : array (n_rows, n_questions)
        By stand-ins that did not learn from the row.
    values : array (n_rows, n_questions)
        What the stand-ins learned from.
    task : Task
    random_state : int or None

    Returns
    -------
    dict
        Cross-validated accuracy (R squared) on the stand-ins' answers: ``score_before``, fitted on `values`,
        and ``score``, fitted on `answered`. NaN where there are too few rows for folds.
    """
    seed = 0 if random_state is None else random_state
    predicted = {name: np.empty(len(task.y), dtype=task.y.dtype) for name in ("score_before", "score")}
    parts = folds(task.y, task.groups, FOLDS, stratify=bool(task.classes), random_state=seed)
    for seen, new in parts:
        for name, table in (("score_before", values), ("score", answered)):
            predicted[name][new] = learn(seen, table)(answered[new])
    measure = accuracy_score if task.classes else r2_score
    return {name: float(measure(task.y, said)) if parts else float("nan") for name, said in predicted.items()}
