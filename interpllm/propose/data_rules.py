"""Rules of one condition that the rows themselves suggest, for when nobody else proposes any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif, f_regression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from interpllm.propose.ngrams import count_ngrams
from interpllm.propose.rules import Columns
from interpllm.runtime.conditions import Compares, Is, Lexicon
from interpllm.runtime.rule_book import WrittenRule

PHRASES = 100
"""Phrases that are tried, those whose presence tells most of the target."""

THRESHOLDS = 4
"""Thresholds that are tried of a column of numbers."""


def data_rules(
    rows: Sequence[str | Mapping[str, Any]],
    y: NDArray[Any],
    columns: Columns,
    *,
    classifies: bool,
    min_support: int,
) -> list[WrittenRule]:
    """List conditions on phrases, values and thresholds, a rule each.

    Parameters
    ----------
    rows : sequence of str or of mapping (n_rows,)
    y : array (n_rows,)
        Positions of classes, or values.
    columns : Columns
    classifies : bool
    min_support : int
        Rows that a condition has to hold for.
    """
    found: list[WrittenRule] = []
    if columns.has_text:
        texts = [row if isinstance(row, str) else row[columns.text] for row in rows]
        found += [
            WrittenRule((Lexicon((gram,)),), None, "data")
            for gram in _phrases(texts, y, classifies, min_support)
        ]
    for name, values in columns.kinds.items():
        cells = [row[name] for row in rows if not isinstance(row, str)]
        if values is None:
            found += [
                WrittenRule((Compares(name, sign, bound),), None, "data")
                for bound in _thresholds(cells, y, classifies, min_support)
                for sign in ("<=", ">")
            ]
        else:
            counts = Counter(cells)
            held = [value for value in values if counts[value] >= min_support]
            found += [WrittenRule((Is(name, (value,)),), None, "data") for value in held]
    return list({rule.id: rule for rule in found}.values())


def _phrases(texts: list[str], y: NDArray[Any], classifies: bool, min_support: int) -> list[str]:
    ngrams = count_ngrams(texts, (1, 2), max(2, min_support))
    if not ngrams.phrases:
        return []
    matrix = ngrams.matrix.astype(bool).astype(float)
    scores = np.nan_to_num((f_classif if classifies else f_regression)(matrix, y)[0])
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], ngrams.phrases[i]))
    return [ngrams.phrases[i] for i in order[:PHRASES]]


def _thresholds(cells: list[Any], y: NDArray[Any], classifies: bool, min_support: int) -> list[float]:
    """Where a small tree of the column alone would part the rows."""
    values = np.array([np.nan if cell is None else float(cell) for cell in cells])
    known = ~np.isnan(values)
    if len(np.unique(values[known])) < 2:
        return []
    tree = (DecisionTreeClassifier if classifies else DecisionTreeRegressor)(
        max_leaf_nodes=THRESHOLDS + 1, min_samples_leaf=min_support, random_state=0
    ).fit(values[known, None], y[known])
    return sorted({float(t) for t in tree.tree_.threshold[tree.tree_.feature >= 0]})
