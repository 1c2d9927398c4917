"""The texts that a module is explained with: those that are proposed from, and those that tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from interpllm.errors import InputError
from interpllm.explain.material import check_parts
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
        When texts or parts cannot be used, or near-duplicates stand in both.
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
    else:
        check_parts(Parts(parts.propose, np.zeros(0, dtype=np.intp), parts.confirm), texts)
    if not len(parts.propose) or not len(parts.confirm):
        raise InputError("There must be rows to propose and rows to confirm; give more texts that differ.")
    # A text that stands in a part twice would count as two witnesses.
    propose, confirm = (
        list(dict.fromkeys(texts[row] for row in rows)) for rows in (parts.propose, parts.confirm)
    )
    drawn = np.random.default_rng(random_state).permutation(len(propose))[:_EXAMPLES]
    return Corpus(propose, confirm, [propose[row] for row in drawn])
