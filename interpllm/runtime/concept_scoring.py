"""From answers to questions to scores; a question without a given answer is answered by its stand-in.

Its source is copied as it stands into exported models, below that of ``tokens`` and ``scoring``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum

from interpllm.runtime.scoring import Scorer, probabilities
from interpllm.runtime.tokens import Gram, distinct, phrases, words


class Cut:
    """A text that is cut into n-grams once, however many tables look at it."""

    def __init__(self, text: str) -> None:
        self._words = words(text)
        self._grams: dict[tuple[int, int], set[Gram]] = {}
        self._phrases: dict[tuple[int, int], set[str]] = {}

    def grams(self, scorer: Scorer) -> set[Gram]:
        """Give the distinct n-grams of the orders that a scorer knows."""
        orders = scorer.lo, scorer.hi
        if orders not in self._grams:
            self._grams[orders] = distinct(self._words, *orders)
        return self._grams[orders]

    def phrases(self, lo: int, hi: int) -> set[str]:
        """Give the distinct n-grams of `lo` to `hi` words as they are spelled."""
        if (lo, hi) not in self._phrases:
            self._phrases[lo, hi] = set().union(*(phrases(self._words, n) for n in range(lo, hi + 1)))
        return self._phrases[lo, hi]

    def scores(self, scorer: Scorer) -> list[float]:
        """Let a scorer score the text."""
        return scorer.of(self.grams(scorer))

    def yes(self, scorer: Scorer) -> float:
        """Let a stand-in answer its question: the probability of yes."""
        return probabilities(self.scores(scorer))[1]


class ConceptScorer:
    """Score texts by weighted answers to questions, and what n-grams add to them.

    Parameters
    ----------
    intercept : sequence of float
        One an output.
    weights : sequence of sequence of float
        One row a question: a weight an output.
    means : sequence of float
        What stands for a missing answer, one a question.
    stand_ins : sequence of Scorer or None
        What answers each question by the text's n-grams.
    residual : Scorer or None
        Its scores are added.
    """

    def __init__(
        self,
        intercept: Sequence[float],
        weights: Sequence[Sequence[float]],
        means: Sequence[float],
        stand_ins: Sequence[Scorer | None],
        residual: Scorer | None,
    ) -> None:
        self.intercept = intercept
        self.weights = weights
        self.means = means
        self.stand_ins = stand_ins
        self.residual = residual

    def answers(self, cut: Cut, given: Mapping[int, float]) -> list[float]:
        """Answer each question about a text: as given (by number), else by its stand-in; NaN is missing."""
        return [
            given[number] if number in given or stand_in is None else cut.yes(stand_in)
            for number, stand_in in enumerate(self.stand_ins)
        ]

    def parts(self, answers: Sequence[float]) -> list[list[float]]:
        """Give what each answer adds to each output; the mean stands for a missing one."""
        filled = [
            mean if answer != answer else answer for answer, mean in zip(answers, self.means, strict=True)
        ]
        return [[weight * value for weight in row] for row, value in zip(self.weights, filled, strict=True)]

    def total(self, cut: Cut, answers: Sequence[float]) -> list[float]:
        """Score a text of which all answers are known."""
        rest = [cut.scores(self.residual)] if self.residual else []
        return [*map(fsum, zip(self.intercept, *self.parts(answers), *rest, strict=True))]

    def scores(self, text: str) -> list[float]:
        """Score a text of which no answer is given."""
        cut = Cut(text)
        return self.total(cut, self.answers(cut, {}))

    def shares(self, text: str) -> list[float]:
        """Give the probabilities of the classes of one text."""
        return probabilities(self.scores(text))
