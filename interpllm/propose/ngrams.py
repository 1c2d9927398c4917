"""Which n-grams could be in the table, and in which rows they stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from interpllm.runtime.tokens import ngrams


@dataclass(frozen=True)
class NgramRows:
    """The n-grams of some texts as a matrix of 0 and 1.

    Parameters
    ----------
    phrases : list of str, (n_phrases,)
        The columns, sorted by number of words, then by spelling.
    orders : (int, int)
        Smallest and largest number of words of an n-gram.
    matrix : sparse matrix (n_rows, n_phrases)
        1 where the text has the n-gram.
    lengths : dict of int to array (n_rows,)
        Largest number of words -> number of distinct n-grams of each text up to it, in the table or not;
        at least 1.
    """

    phrases: list[str]
    orders: tuple[int, int]
    matrix: sp.csr_matrix
    lengths: dict[int, NDArray[np.float64]]

    @cached_property
    def support(self) -> NDArray[np.float64]:
        """Number of rows that have each n-gram, (n_phrases,)."""
        return np.asarray(self.matrix.sum(axis=0)).ravel()

    @cached_property
    def words(self) -> NDArray[np.int64]:
        """Number of words of each n-gram, (n_phrases,)."""
        return np.array([phrase.count(" ") + 1 for phrase in self.phrases], dtype=np.int64)


def count_ngrams(texts: Sequence[str], orders: tuple[int, int], min_rows: int = 1) -> NgramRows:
    """Find the n-grams that stand in at least `min_rows` of the texts, and in which.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    orders : (int, int)
        Smallest and largest number of words of an n-gram.
    min_rows : int
        N-grams of fewer rows are left out.
    """
    found = [ngrams(text, *orders) for text in texts]
    support = Counter(phrase for row in found for phrase in row)
    kept = sorted((p for p, n in support.items() if n >= min_rows), key=lambda p: (p.count(" "), p))
    return _rows(found, kept, orders)


def rows_of(texts: Sequence[str], phrases: list[str], orders: tuple[int, int]) -> NgramRows:
    """In which of the texts given n-grams stand.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    phrases : list of str
        The columns, in this order.
    orders : (int, int)
        Smallest and largest number of words of an n-gram.
    """
    return _rows([ngrams(text, *orders) for text in texts], phrases, orders)


def _rows(found: list[list[str]], phrases: list[str], orders: tuple[int, int]) -> NgramRows:
    column = {phrase: i for i, phrase in enumerate(phrases)}
    indices = [[column[p] for p in row if p in column] for row in found]
    ends = np.cumsum([0, *(len(row) for row in indices)])
    flat = np.fromiter((i for row in indices for i in row), dtype=np.int32, count=ends[-1])
    matrix = sp.csr_matrix((np.ones(len(flat)), flat, ends), shape=(len(found), len(phrases)))
    matrix.sort_indices()
    lo, hi = orders
    counts = np.zeros((len(found), hi + 1))
    for row, phrases_of_row in enumerate(found):
        for phrase in phrases_of_row:
            counts[row, phrase.count(" ") + 1] += 1
    upto = counts.cumsum(axis=1)
    return NgramRows(phrases, orders, matrix, {n: np.maximum(upto[:, n], 1) for n in range(lo, hi + 1)})
