"""What a model of texts is compared with, on rows that nothing was chosen on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline


def tfidf(
    texts: Sequence[str], y: NDArray[Any], seen: NDArray[np.intp], new: NDArray[np.intp], *, classifies: bool
) -> dict[str, NDArray[Any]]:
    """Predict some rows by a linear model of the TF-IDF of words.

    Parameters
    ----------
    texts : sequence of str (n_rows,)
    y : array (n_rows,)
    seen, new : array of int
        Rows that are learned from, and those that are predicted.
    classifies : bool

    Returns
    -------
    dict
        "tfidf" -> predictions of the new rows; empty where no word stands in the texts.
    """
    learner = LogisticRegression(max_iter=1000) if classifies else Ridge()
    model = make_pipeline(TfidfVectorizer(token_pattern=r"(?u)\S+"), learner)
    try:
        model.fit([texts[row] for row in seen], y[seen])
    except ValueError:
        return {}
    return {"tfidf": model.predict([texts[row] for row in new])}
