"""Variants of texts, without labels, for a teacher to answer: more to learn from than the texts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DROPPED = 0.2
"""Share of a text's words that a variant by dropout leaves out."""


def variants(texts: Sequence[str], per_text: int, random_state: int = 0) -> list[str]:
    """Crops, dropouts and splices of texts, in equal numbers.

    A crop is a run of half to nine tenths of a text's words; a dropout leaves out every fifth word at random;
    a splice is the beginning of one text and the end of another. Words are those between white space, so
    that spelling, case and punctuation stay.

    Parameters
    ----------
    texts : sequence of str, (n_rows,)
    per_text : int
        Variants of each text.
    random_state : int
        The same seed gives the same variants.

    Returns
    -------
    list of str, (n_rows * per_text,)
    """
    random = np.random.default_rng(random_state)
    cut = [text.split() for text in texts]
    ways = (_crop, _dropout, _splice)
    made = []
    for words in cut:
        for i in range(per_text):
            other = cut[random.integers(len(cut))]
            made.append(" ".join(ways[i % len(ways)](words, other, random)))
    return made


def _crop(words: list[str], _: list[str], random: np.random.Generator) -> list[str]:
    size = max(1, round(len(words) * random.uniform(0.5, 0.9)))
    start = random.integers(max(1, len(words) - size + 1))
    return words[start : start + size]


def _dropout(words: list[str], _: list[str], random: np.random.Generator) -> list[str]:
    kept = random.random(len(words)) >= DROPPED
    return [word for word, keep in zip(words, kept, strict=True) if keep] or words[:1]


def _splice(words: list[str], other: list[str], random: np.random.Generator) -> list[str]:
    share = random.uniform(0.3, 0.7)
    return words[: round(len(words) * share)] + other[round(len(other) * share) :]
