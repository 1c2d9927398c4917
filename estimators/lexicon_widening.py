"""Who widens the lexicons of a tree: what a language model wrote, and what lies near in its vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from interpllm.propose.keywords import nearest
from interpllm.select.lexicon import Ground, Positions, Split
from interpllm.select.sparse import Array

ASKED = 120
"""Keywords that a language model is asked about at most."""
LIKE = 20
"""Phrases of a lexicon, the strongest, that others are to be near to."""
NEAR = 50
"""Phrases that are tried for a lexicon because they lie near."""
SOURCES = ("llm", "vectors")


def keywords_of(ground: Ground, phrases: Sequence[str], support: Array, most: int = ASKED) -> list[str]:
    """The phrases that lexicons are likely to begin with: telling and frequent, for and against each output.

    Parameters
    ----------
    ground : Ground
    phrases : sequence of str, (n_phrases,)
    support : array (n_phrases,)
        Rows that have each.
    most : int
        Phrases at most.

    Returns
    -------
    list of str
    """
    weights = ground.priors[-1] * np.sqrt(support)[:, None]
    sides = [sign * weights[:, k] for k in range(weights.shape[1]) for sign in (1, -1)]
    found: dict[str, None] = {}
    for side in sides:
        for column in np.argsort(-side, kind="stable")[: max(1, most // len(sides))]:
            if side[column] > 0:
                found[phrases[column]] = None
    return list(found)


class Widener:
    """Proposes columns for the lexicon of a split, those that a language model wrote first.

    Parameters
    ----------
    ground : Ground
    phrases : sequence of str, (n_phrases,)
    written : mapping of str to sequence of str
        Keyword -> phrases like it.
    vectors : array (n_phrases, n_dims) or None
        Of the language model, zeros for phrases that have none.
    """

    def __init__(
        self,
        ground: Ground,
        phrases: Sequence[str],
        written: Mapping[str, Sequence[str]],
        vectors: NDArray[np.floating] | None,
    ) -> None:
        self.ground = ground
        place = {phrase: column for column, phrase in enumerate(phrases)}
        self._written = {
            place[keyword]: [place[phrase] for phrase in like] for keyword, like in written.items()
        }
        self._vectors: NDArray[np.floating] | None = None
        if vectors is not None:
            size = np.linalg.norm(vectors, axis=1, keepdims=True)
            self._vectors = vectors / np.where(size > 0, size, 1.0)

    def __call__(self, split: Split, held: Positions) -> list[tuple[int, str]]:
        """Columns to try, each with its source; those that could bring no row are left out."""
        allowed = np.asarray(self.ground.matrix[held].sum(axis=0)).ravel() > 0
        allowed[split.columns] = False
        taken = np.zeros(len(allowed), dtype=bool)
        taken[split.columns] = True
        inner, outer = self.ground.inside.T
        allowed[outer[taken[inner]]] = False
        found: dict[int, str] = {}
        for column in split.columns.tolist():
            for like in self._written.get(column, ()):
                if allowed[like]:
                    found.setdefault(like, "llm")
        if self._vectors is not None:
            for near in nearest(self._vectors, split.columns[:LIKE].tolist(), allowed, NEAR).tolist():
                found.setdefault(near, "vectors")
        return list(found.items())
