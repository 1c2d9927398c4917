"""How a text becomes one number a phrase, for models fitted behind a vectorizer of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.row_scoring import Terms
from interpllm.runtime.tokens import runs, words

_CUTS = {"words": words, "runs": runs}


@dataclass(frozen=True)
class Vectorizer:
    """Counts of phrases, weighted and brought to one length.

    Parameters
    ----------
    idf : mapping of str to float
        Phrase -> what its count is multiplied by (1 without weighting); other phrases are not counted.
    cut : {"words", "runs"}
        Texts are cut as :func:`interpllm.runtime.tokens.words` does, or, as scikit-learn's vectorizers do by
        default, by :func:`interpllm.runtime.tokens.runs`.
    ngram_range : (int, int)
    stop_words : sequence of str
        Words that are left out before phrases are made.
    count : {"binary", "count", "log"}
        1, how often a phrase stands in the text, or 1 + its natural logarithm.
    norm : {"none", "l1", "l2"}
        What the numbers of a text are divided by.

    Raises
    ------
    InputError
        If a part cannot be used.
    """

    idf: Mapping[str, float]
    cut: str = "words"
    ngram_range: tuple[int, int] = (1, 1)
    stop_words: tuple[str, ...] = ()
    count: str = "binary"
    norm: str = "none"

    __hash__ = None  # type: ignore[assignment]  # compared by what it holds, which cannot be hashed

    def __post_init__(self) -> None:
        checks.require(self.cut in _CUTS, f"cut is one of {sorted(_CUTS)}, not {self.cut!r:.40}")
        counts, norms = ("binary", "count", "log"), ("none", "l1", "l2")
        checks.require(self.count in counts, f"count is one of {counts}, not {self.count!r:.40}")
        checks.require(self.norm in norms, f"norm is one of {norms}, not {self.norm!r:.40}")
        settle = object.__setattr__
        settle(self, "ngram_range", checks.orders(self.ngram_range))
        settle(self, "stop_words", tuple(sorted(set(self.stop_words))))
        lo, hi = self.ngram_range
        cut = _CUTS[self.cut]
        for phrase in self.idf:
            found = cut(phrase) if isinstance(phrase, str) else []
            checks.require(
                " ".join(found) == phrase and lo <= len(found) <= hi,
                f"phrase {phrase!r:.200} is found in no text: phrases are {lo} to {hi} lower-case words "
                f"joined by single spaces, as interpllm.runtime.tokens.{self.cut} gives them",
            )
        for word in self.stop_words:
            checks.require(isinstance(word, str), f"stop word {word!r:.80} is not a word")
            checks.encodable(word)
        values = checks.numbers(self.idf.values(), "idf")
        settle(self, "idf", MappingProxyType(dict(zip(self.idf, values, strict=True))))

    @cached_property
    def terms(self) -> Terms:
        """What turns a text into numbers."""
        return Terms(self.idf, _CUTS[self.cut], self.ngram_range, self.stop_words, self.count, self.norm)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (
            dict(self.idf), self.cut, self.ngram_range, self.stop_words, self.count, self.norm
        )  # fmt: skip
