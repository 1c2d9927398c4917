"""Stretches of texts: as they are written, the strong ones, and ordinary ones beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interpllm.explain.module_responses import stretches, strong_from, strongest

TEXTS = [f"he paid $4{n}.50 at https://shop{n}.example today" for n in range(30)]


def test_stretches_keep_the_signs_inside() -> None:
    found = stretches(TEXTS, 10_000)
    assert "paid $40" in found
    assert "https://shop3.example" in found


def test_frequent_stretches_are_kept_first() -> None:
    found = stretches([*TEXTS, "rare words here"], 12)
    assert {"he", "paid", "he paid", "today"} <= set(found)
    assert "rare" not in found


def test_what_strong_texts_have_is_kept_though_it_is_rare() -> None:
    texts = [*TEXTS, "rare words here"]
    responses = np.array([0.0] * len(TEXTS) + [1.0])
    assert "rare" not in stretches(texts, 12)
    assert stretches(texts, 12, 0, responses)[:6] != stretches(texts, 12)[:6]
    assert {"rare", "rare words", "words here"} <= set(stretches(texts, 12, 0, responses))


def test_another_seed_takes_other_rare_stretches() -> None:
    assert set(stretches(TEXTS, 60, 0)) != set(stretches(TEXTS, 60, 1))


def test_one_of_those_that_only_add_words_is_shown_before_them() -> None:
    def f(texts: list[str]) -> NDArray[np.float64]:
        return np.array([float("cat" in text.split()) + 2 * ("dog" in text.split()) for text in texts])

    candidates = ["a", "b", "c", "dog", "dog a", "dog b", "the dog", "d", "e", "f", "g"]
    found = strongest(f, candidates, "f")
    assert set(found.strong) == {"dog", "dog a", "dog b", "the dog"}
    assert not set(found.strong) & set(found.ordinary)


def test_a_module_that_responds_alike_to_all_has_no_strong_stretch() -> None:
    assert strongest(lambda texts: np.zeros(len(texts)), ["a", "b"], "f").strong == ()


def test_strong_is_above_the_middle_and_below_the_fifth_strongest() -> None:
    values = np.array([0.0] * 90 + [4.0] * 10)
    assert strong_from(values) == 2


def test_where_few_or_none_exceed_the_middle_strong_is_what_exceeds_it_or_the_middle_itself() -> None:
    assert strong_from(np.array([0.0] * 97 + [2.0, 3.0, 4.0])) == 2
    assert strong_from(np.array([0.0] * 3 + [1.0] * 7)) == 1


def test_a_single_outlier_does_not_hide_the_others() -> None:
    values = np.array([0.0] * 90 + [1.0] * 9 + [1000.0])
    assert (values >= strong_from(values)).sum() == 10
