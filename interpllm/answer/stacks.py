"""Which cells are asked together: stacks of some texts and some questions, one request each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Stack:
    """Texts and questions, by number, all of whose cells are asked in one request."""

    texts: tuple[int, ...]
    questions: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts) * len(self.questions)

    def cells(self) -> Iterator[tuple[int, int]]:
        """(text, question) of every cell."""
        return ((text, question) for text in self.texts for question in self.questions)

    def halves(self) -> tuple[Stack, ...]:
        """Its two halves along its longer side; none of a single cell.

        So within two steps both sides are halved, be it a text or a question that a model stumbles over.
        """
        if len(self) == 1:
            return ()
        if len(self.texts) >= len(self.questions):
            middle = (len(self.texts) + 1) // 2
            parts = self.texts[:middle], self.texts[middle:]
            return tuple(replace(self, texts=part) for part in parts)
        middle = (len(self.questions) + 1) // 2
        parts = self.questions[:middle], self.questions[middle:]
        return tuple(replace(self, questions=part) for part in parts)


def stacks_of(missing: NDArray[np.bool_], rows: int, questions: int) -> list[Stack]:
    """Cover the missing cells with stacks, and no other cell.

    Questions are asked together only where the very same texts lack an answer to them. So an added or edited
    question is asked by itself, and what was answered is not asked again to fill up a stack.

    Parameters
    ----------
    missing : ndarray of bool, (n_texts, n_questions)
    rows, questions : int
        Texts and questions in a stack at most.

    Returns
    -------
    list of Stack
        In the order of the questions, then of the texts.
    """
    alike: dict[bytes, list[int]] = {}
    for column in range(missing.shape[1]):
        if missing[:, column].any():
            alike.setdefault(missing[:, column].tobytes(), []).append(column)
    stacks = []
    for columns in alike.values():
        texts = np.flatnonzero(missing[:, columns[0]]).tolist()
        for some in _even(columns, questions):
            for first in range(0, len(texts), rows):
                stacks.append(Stack(tuple(texts[first : first + rows]), some))
    return stacks


def _even(columns: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Columns in parts of at most ``size`` that differ by one at most."""
    n = -(-len(columns) // size)
    borders = [len(columns) * part // n for part in range(n + 1)]
    return [tuple(columns[a:b]) for a, b in pairwise(borders)]
