"""The matrix of n-grams says which texts have which, and how long each text is."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.propose.ngrams import count_ngrams, rows_of
from interpllm.runtime.tokens import words

TEXTS = ["A good, good film!", "not a good film", "", "Don't stop", "good"]


def naive(text: str, lo: int, hi: int) -> set[str]:
    found = words(text)
    return {" ".join(found[i : i + n]) for n in range(lo, hi + 1) for i in range(len(found) - n + 1)}


@pytest.mark.parametrize("orders", [(1, 1), (1, 3), (2, 2), (2, 3)])
def test_counting_agrees_with_a_naive_count(orders: tuple[int, int]) -> None:
    counted = count_ngrams(TEXTS, orders)
    dense = counted.matrix.toarray()
    for row, text in enumerate(TEXTS):
        assert {p for p, there in zip(counted.phrases, dense[row], strict=True) if there} == naive(
            text, *orders
        )
    assert set(np.unique(dense)) <= {0.0, 1.0}
    assert counted.support.tolist() == [sum(p in naive(t, *orders) for t in TEXTS) for p in counted.phrases]


def test_lengths_count_the_distinct_ngrams_up_to_each_order_in_the_table_or_not() -> None:
    counted = count_ngrams(TEXTS, (1, 3), min_rows=2)
    assert set(counted.phrases) < set().union(*(naive(text, 1, 3) for text in TEXTS))
    for order in (1, 2, 3):
        assert counted.lengths[order].tolist() == [max(1, len(naive(text, 1, order))) for text in TEXTS]


def test_lengths_leave_out_orders_below_the_smallest() -> None:
    counted = count_ngrams(TEXTS, (2, 3))
    assert sorted(counted.lengths) == [2, 3]
    assert counted.lengths[3].tolist() == [max(1, len(naive(text, 2, 3))) for text in TEXTS]


def test_rare_ngrams_are_left_out() -> None:
    assert count_ngrams(TEXTS, (1, 2), min_rows=2).phrases == ["a", "film", "good", "a good", "good film"]


def test_columns_stand_by_number_of_words_then_by_spelling() -> None:
    counted = count_ngrams(["b a", "a c"], (1, 2))
    assert counted.phrases == ["a", "b", "c", "a c", "b a"]
    assert counted.words.tolist() == [1, 1, 1, 2, 2]


def test_unseen_texts_are_put_in_the_columns_that_were_given() -> None:
    found = rows_of(["a new good film", "nothing"], ["good film", "film", "bad"], (1, 2))
    assert found.matrix.toarray().tolist() == [[1, 1, 0], [0, 0, 0]]
    assert found.lengths[2].tolist() == [7, 1]
