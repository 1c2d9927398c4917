"""What the columns of a fitted model of scikit-learn are: phrases of a text, or columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer

from interpllm.errors import InputError
from interpllm.runtime import Compares, Condition, Is, TermCompares, Vectorizer
from interpllm.runtime.checks import MAX_NUMBER
from interpllm.runtime.tokens import runs, words

_RUNS = r"(?u)\b\w\w+\b"
_CUTS = {words: "words", runs: "runs"}


@dataclass(frozen=True)
class Looks:
    """What each column of X is to the readable model.

    Attributes
    ----------
    names : tuple of str
        Columns; behind a vectorizer phrases.
    vectorizer : Vectorizer or None
    """

    names: tuple[str, ...]
    vectorizer: Vectorizer | None = None

    def compares(self, column: int, sign: str, bound: float) -> Condition:
        """Give the condition that a column is at most, above, below or at least a number."""
        kind = TermCompares if self.vectorizer is not None else Compares
        # A bound of infinity splits the missing values off.
        return kind(self.names[column], sign, min(float(bound), MAX_NUMBER))

    def among(self, column: int, values: Sequence[Any], negated: bool) -> Condition:
        """Give the condition that a column has one of some values."""
        return Is(self.names[column], tuple(values), negated)

    @property
    def whole(self) -> bool:
        """Whether all numbers are counts, which single precision holds as they are."""
        v = self.vectorizer
        return v is not None and v.count != "log" and v.norm == "none" and set(v.idf.values()) <= {1.0}


def looks_of(fitted: Any, vectorizer: Any, feature_names: Any, default: str = "x") -> Looks:
    """Tell what the columns of a fitted model are.

    Parameters
    ----------
    fitted : estimator
        With ``n_features_in_``, and ``feature_names_in_`` where it was fitted on a frame.
    vectorizer : fitted vectorizer, sequence of a vectorizer and a TfidfTransformer, or None
    feature_names : sequence of str or None
    default : str
        What stands before the number of a column without a name.

    Returns
    -------
    Looks

    Raises
    ------
    InputError
        If the vectorizer cuts texts otherwise than a readable model can, or names do not fit.
    """
    n = int(fitted.n_features_in_)
    if vectorizer is not None:
        if feature_names is not None:
            raise InputError("The columns behind a vectorizer are its phrases; leave feature_names out.")
        made, names = readable_vectorizer(vectorizer)
        what = "the vectorizer has phrases"
    else:
        made = None
        if feature_names is None:
            feature_names = getattr(fitted, "feature_names_in_", None)
        names = tuple(f"{default}{i}" for i in range(n)) if feature_names is None else tuple(feature_names)
        what = "feature_names has names"
        if not all(isinstance(name, str) for name in names):
            raise InputError(f"feature_names are strings, not {list(names)[:3]!r:.120}.")
    if len(names) != n:
        raise InputError(f"The model was fitted on {n} columns, and {what} for {len(names)}.")
    if len(set(names)) != n:
        raise InputError("Two columns have the same name; give feature_names in which each is once.")
    return Looks(names, made)


def readable_vectorizer(vectorizer: Any) -> tuple[Vectorizer, tuple[str, ...]]:
    """Make a readable vectorizer of a fitted one of scikit-learn.

    Parameters
    ----------
    vectorizer : CountVectorizer, TfidfVectorizer, or (CountVectorizer, TfidfTransformer)
        Fitted.

    Returns
    -------
    vectorizer : Vectorizer
    phrases : tuple of str
        In the order of its columns.

    Raises
    ------
    InputError
        If a setting cannot be had in a readable model; the message names it and what to set instead.
    """
    steps = list(vectorizer) if isinstance(vectorizer, list | tuple) else [vectorizer]
    counter = steps[0]
    weigher = counter if type(counter) is TfidfVectorizer else None
    if type(counter) not in (CountVectorizer, TfidfVectorizer):
        raise InputError(
            f"A {type(counter).__name__} cannot be read: phrases need their words. Fit the model behind a "
            "CountVectorizer or TfidfVectorizer."
        )
    if len(steps) == 2 and type(steps[1]) is TfidfTransformer and weigher is None:
        weigher = steps[1]
    elif len(steps) > 1:
        raise InputError(
            f"{', '.join(type(step).__name__ for step in steps)} cannot stand before a readable model; a "
            "CountVectorizer, a CountVectorizer and a TfidfTransformer, or a TfidfVectorizer can."
        )
    if not hasattr(counter, "vocabulary_"):
        raise InputError("The vectorizer is not fitted; fit it before the model.")
    cut = _cut(counter)
    _refuse_other_settings(counter, weigher)
    phrases = tuple(map(str, counter.get_feature_names_out()))
    stop_words = sorted(counter.get_stop_words() or ())
    for word in (*phrases, *stop_words):
        if "\u03c2" in word:
            raise InputError(
                f"{word!r} ends in a final sigma, and readable models know one sigma only: lower-case the "
                "texts and write \u03c3 for \u03c2 before fitting."
            )
    idf = np.ones(len(phrases)) if weigher is None or not weigher.use_idf else weigher.idf_
    logarithm = weigher is not None and weigher.sublinear_tf
    count = "binary" if counter.binary else "log" if logarithm else "count"
    made = Vectorizer(
        idf=dict(zip(phrases, map(float, idf), strict=True)),
        cut=cut,
        ngram_range=tuple(counter.ngram_range),
        stop_words=tuple(stop_words),
        count=count,
        norm="none" if weigher is None or weigher.norm is None else weigher.norm,
    )
    return made, phrases


def _cut(vectorizer: Any) -> str:
    """Tell by which of our functions a vectorizer cuts texts."""
    if vectorizer.analyzer != "word":
        raise InputError(
            f"analyzer={vectorizer.analyzer!r:.60} cannot be had in a readable model, which looks at words; "
            "fit with analyzer='word'."
        )
    if vectorizer.tokenizer is not None:
        if vectorizer.tokenizer in _CUTS:
            return _CUTS[vectorizer.tokenizer]
        raise InputError(
            "A tokenizer of one's own cannot be had in a readable model; fit with tokenizer=None, or with "
            "interpllm.runtime.tokens.words."
        )
    if vectorizer.token_pattern == _RUNS:
        return "runs"
    raise InputError(
        f"token_pattern={vectorizer.token_pattern!r:.80} cannot be had in a readable model; fit with the "
        "default pattern, or with tokenizer=interpllm.runtime.tokens.words, to which don't and ! are words."
    )


def _refuse_other_settings(vectorizer: Any, weigher: Any) -> None:
    wanted = {
        "preprocessor": (None, "put what it does into the texts before they are fitted and predicted"),
        "strip_accents": (None, "strip the accents from the texts before they are fitted and predicted"),
        "lowercase": (True, "readable models do not tell upper from lower case"),
        "input": ("content", "read the files first"),
    }
    for name, (value, fix) in wanted.items():
        if getattr(vectorizer, name) != value:
            raise InputError(
                f"{name}={getattr(vectorizer, name)!r:.60} cannot be had in a readable model; "
                f"fit with {name}={value!r}: {fix}."
            )
    if weigher is not None and isinstance(weigher, TfidfVectorizer) and weigher.dtype != np.float64:
        raise InputError(
            f"dtype={np.dtype(weigher.dtype).name} rounds otherwise; fit with dtype=numpy.float64."
        )
