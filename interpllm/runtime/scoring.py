"""From a table of weights to scores, probabilities and decisions.

The score of a text is ``intercept + (sum of the weights of its distinct n-grams) / norm``. This file is the
only place that computes it; its source is copied as it stands into exported models, below that of ``tokens``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import repeat
from math import exp, fsum, sqrt

from interpllm.runtime.tokens import Gram, distinct, gram, words


class Scorer:
    """Score texts by a table of n-gram weights.

    Parameters
    ----------
    weights : mapping of str to sequence of float
        N-gram -> one weight an output.
    intercept : sequence of float
        One an output.
    ngram_range : (int, int)
        Smallest and largest number of words of a text's n-grams.
    norm : {"none", "sqrt"}
        Divide the sum by 1, or by the square root of the number of the text's distinct n-grams, in the table
        or not.

    Notes
    -----
    Sums are ``math.fsum``: correctly rounded, hence the same whatever the order of the n-grams, on every
    version of Python. That is what makes it safe to collect them in a set, whose order changes with the hash
    seed.
    """

    def __init__(
        self,
        weights: Mapping[str, Sequence[float]],
        intercept: Sequence[float],
        ngram_range: tuple[int, int],
        norm: str,
    ) -> None:
        self.intercept = intercept
        self.lo, self.hi = ngram_range
        self.root = norm == "sqrt"
        self.rows = {gram(phrase): row for phrase, row in weights.items()}
        self.zeros = [0.0] * len(intercept)  # so that a text without a known n-gram has columns too
        # With one output, a table of plain floats is summed without unpacking a row per n-gram.
        self.single = {key: row[0] for key, row in self.rows.items()} if len(intercept) == 1 else None

    def scores(self, text: str) -> list[float]:
        """Score one text: one number an output."""
        return self.of(distinct(words(text), self.lo, self.hi))

    def of(self, grams: Collection[Gram]) -> list[float]:
        """Score a text by its distinct n-grams."""
        norm = self.norm(len(grams))
        if self.single is not None:
            return [self.intercept[0] + fsum(map(self.single.get, grams, repeat(0.0))) / norm]
        columns = zip(self.zeros, *filter(None, map(self.rows.get, grams)), strict=True)
        return [base + fsum(column) / norm for base, column in zip(self.intercept, columns, strict=True)]

    def shares(self, text: str) -> list[float]:
        """Give the probabilities of the classes of one text."""
        return probabilities(self.scores(text))

    def norm(self, n_grams: int) -> float:
        """Give what the sum of a text with so many distinct n-grams is divided by; 1 for an empty text."""
        return sqrt(n_grams) if self.root and n_grams else 1.0


def probabilities(scores: Sequence[float]) -> list[float]:
    """Turn the scores of one text into the probabilities of its classes.

    Parameters
    ----------
    scores : sequence of float
        One score (two classes: the log-odds of the second), or one a class.

    Returns
    -------
    list of float
        One a class; they sum to 1.
    """
    if len(scores) == 1:
        odds = exp(-abs(scores[0]))  # never above 1, so nothing overflows
        less, more = odds / (1.0 + odds), 1.0 / (1.0 + odds)
        return [less, more] if scores[0] > 0 else [more, less]
    top = max(scores)
    shares = [exp(score - top) for score in scores]
    total = fsum(shares)
    return [share / total for share in shares]


def winner(scores: Sequence[float]) -> int:
    """Give the index of the class that the scores of one text decide for; of equal ones the first."""
    if len(scores) == 1:
        return int(scores[0] > 0)
    return max(range(len(scores)), key=scores.__getitem__)
