"""Fitted linear models of scikit-learn as readable models: weights of columns, phrases or n-grams."""

from __future__ import annotations

from typing import Any

import numpy as np

from interpllm.errors import InputError
from interpllm.estimators.convert_vectorizer import Looks
from interpllm.runtime import LinearModel, RuleSetModel, Slope
from interpllm.runtime.checks import MAX_NUMBER

NO_PROBABILITIES = (
    "The original has no probabilities: those of this model are the logistic function of its scores, and not "
    "calibrated."
)


def linear(
    coef: Any,
    intercept: Any,
    looks: Looks,
    *,
    classes: tuple[Any, ...],
    link: str,
    parts: dict[str, Any],
    text: str = "",
) -> LinearModel | RuleSetModel:
    """Make a readable model of coefficients.

    Parameters
    ----------
    coef : array or sparse matrix (n_outputs, n_columns) or (n_columns,)
    intercept : float or array (n_outputs,)
    looks : Looks
    classes : tuple
        Empty for regression.
    link : {"logit", "clip", "identity"}
    parts : dict
        Further parts of the model.
    text : str
        Name of the column of texts.

    Returns
    -------
    LinearModel
        Where columns tell whether a text has an n-gram, cut as our own models cut texts.
    RuleSetModel
        Else: each column, or phrase, adds in proportion. A missing value of a column adds nothing.

    Raises
    ------
    InputError
        If it predicts several targets.
    """
    dense = coef.toarray() if hasattr(coef, "toarray") else coef  # what sparsify() made
    table = np.atleast_2d(np.asarray(dense, dtype=np.float64))
    base = np.broadcast_to(np.ravel(np.asarray(intercept, dtype=np.float64)), (len(table),))
    if len(table) > 1 and len(table) != len(classes):
        raise InputError(f"The model predicts {len(table)} targets; fit one model for each.")
    if len(table) == 2 and len(classes) == 2:  # one output tells two classes apart
        table, base = table[1:] - table[:1], base[1:] - base[:1]
    if link == "clip":  # from a score between -1 and 1 to a probability
        table, base = table / 2.0, base / 2.0 + 0.5
    intercept_ = tuple(base.tolist())
    rows = {name: tuple(row) for name, row in zip(looks.names, table.T.tolist(), strict=True) if any(row)}
    v = looks.vectorizer
    if v is None:
        slopes = tuple(Slope(name, -MAX_NUMBER, MAX_NUMBER, 0.0, row) for name, row in rows.items())
        return RuleSetModel(
            **parts, classes=classes, link=link, intercept=intercept_, slopes=slopes, clauses=()
        )
    distinct = looks.whole and v.cut == "words" and v.count == "binary" and not v.stop_words
    if distinct and not text and link != "clip":
        return LinearModel(
            **parts, classes=classes, ngram_range=v.ngram_range, intercept=intercept_, weights=rows
        )
    return RuleSetModel(
        **parts,
        text=text,
        classes=classes,
        link=link,
        intercept=intercept_,
        vectorizer=v,
        term_weights=rows,
        clauses=(),
    )
