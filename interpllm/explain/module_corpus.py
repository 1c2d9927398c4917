"""The texts that a module is explained with: those that are proposed from, and those that tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interpllm.errors import InputError
from interpllm.select.parts import Parts, split_rows

SIZES = (0.5, 0.0, 0.5)
"""Shares of the corpus that are proposed from, selected on and tested on."""
_EXAMPLES = 3


@dataclass(frozen=True)
class Corpus:
    """Texts in two parts that share none.

    Attributes
    ----------
    propose, confirm : list of str
        To propose from, and to test on.
    examples : list of str
        Some of the former, which show what kind of text it is.
    """

    propose: list[str]
    confirm: list[str]
    examples: list[str]


def divide(corpus: Sequence[str], parts: Parts | None, random_state: int) -> Corpus:
    """Divide a corpus, each text once.

    Parameters
    ----------
    corpus : sequence of str
    parts : Parts or None
        By default half of the texts each, near-duplicates together.
    random_state : int

    Raises
    ------
    InputError
        When texts or parts cannot be used, or a text stands in both.
    """
    if isinstance(corpus, str):
        raise InputError("corpus must be a list of texts; put a single one into a list.")
    texts = list(corpus)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"corpus[{row}] must be a str; got {type(text).__name__}.")
    if len(texts) < 2:
        raise InputError(f"corpus has {len(texts)} texts; give some hundreds, half of them to test on.")
    if parts is None:
        parts = split_rows(
            np.zeros(len(texts)), texts, sizes=SIZES, stratify=False, random_state=random_state
        )
    for rows in (parts.propose, parts.confirm):
        if not len(rows) or rows.min() < 0 or rows.max() >= len(texts):
            raise InputError(
                f"parts must hold rows to propose and to confirm, from 0 to {len(texts) - 1}; leave parts= "
                "out to let them be made."
            )
    # A text that stands in a part twice would count as two witnesses.
    propose, confirm = (
        list(dict.fromkeys(texts[row] for row in rows)) for rows in (parts.propose, parts.confirm)
    )
    both = set(propose).intersection(confirm)
    if both:
        raise InputError(
            f"The text {min(both)!r:.80} stands in rows to propose and in rows to confirm "
            f"(and {len(both) - 1} more do): what is told of it is no confirmation. Leave parts= out, or "
            "take it out of one."
        )
    drawn = np.random.default_rng(random_state).permutation(len(propose))[:_EXAMPLES]
    return Corpus(propose, confirm, [propose[row] for row in drawn])
