"""What a model tells about itself: a rule for each thing it looks at, and a ledger for each prediction."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import fsum
from typing import NamedTuple

Label = str | int | float | bool

# Texts are not trusted: a terminal would obey control characters, and directional marks reorder what is read.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

# Backgrounds of the 256-colour palette under black letters, from weak to strong; blue and orange can be told
# apart by colour-blind readers, and read well on dark and light terminals.
_FOR = (195, 153, 117, 75)
_AGAINST = (230, 223, 216, 208)


class Rule(NamedTuple):
    """One phrase or question of a model, or one path to a leaf of a tree, as a statement about texts.

    Attributes
    ----------
    rule : str
        The condition in words: ``mentions "not bad"``.
    phrase : str
        The phrase, or the text of the question; of a path the same as `rule`.
    prediction : str, int, float or bool
        The class that the phrase speaks for; regression: ``"+"`` or ``"-"``.
    weight : float
        How strongly. Two classes: the log-odds it adds towards `prediction`, before the norm. More classes:
        its score for `prediction` less its mean score over all classes. Regression: what it adds, with its
        sign. Of a path: the probability of `prediction`; regression: the leaf's mean less that of all rows.
    support : int or None
        Number of training rows that it holds for; None if the model keeps no evidence.
    coverage : float or None
        Share of the training rows that have it.
    precision : float or None
        Share of those rows that are of the phrase's class; regression: the mean of their targets.
    recall, lift, low, high, source, examples
        See :class:`interpllm.runtime.RuleEvidence`; None, or empty, where the model does not tell. What was
        proposed by several has their names with "+" between.
    """

    rule: str
    phrase: str
    prediction: Label
    weight: float
    support: int | None
    coverage: float | None
    precision: float | None
    recall: float | None = None
    lift: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = ""
    examples: tuple[int, ...] = ()


class Contribution(NamedTuple):
    """What one phrase of a text, or the answer to one question about it, adds to its decision.

    Attributes
    ----------
    phrase : str
        The text of the question, for one.
    spans : tuple of (int, int)
        Where it stands in the text: offset of the first character, offset after the last. For a question:
        where the n-grams stand that spoke most for its answer; empty if it was not answered by n-grams.
    values : tuple of float
        What it adds to each output, after the norm. However often it stands in the text, it counts once.
    question : str or None
        The id of the question; None for a phrase.
    answer : float or None
        The answer to the question, 0 (no) to 1 (yes); None if it is missing, and for a phrase.
    """

    phrase: str
    spans: tuple[tuple[int, int], ...]
    values: tuple[float, ...]
    question: str | None = None
    answer: float | None = None

    def __str__(self) -> str:
        if self.question is None:
            return printable(self.phrase)
        return f"{printable(self.phrase)} {'no answer' if self.answer is None else f'{self.answer:.2f}'}"


class Step(NamedTuple):
    """One thing that a tree or a rule looked at on its way to a decision, and what it found.

    Attributes
    ----------
    condition : str
        The condition in words, or the text of the question.
    held : bool or None
        Whether it held, or was answered yes; None where that cannot be told.
    spans : tuple of (int, int)
        The words of the text that it found, as of a :class:`Contribution`.
    part : int
        Which tree or which rule looked at it, counted from 0.
    question : str or None
        The id of the question; None where none is asked.
    answer : float or None
        The answer to the question, 0 (no) to 1 (yes); None if it is missing or none is asked.
    """

    condition: str
    held: bool | None
    spans: tuple[tuple[int, int], ...] = ()
    part: int = 0
    question: str | None = None
    answer: float | None = None


class Segment(NamedTuple):
    """A run of characters under the same phrases.

    Attributes
    ----------
    text : str
    start, end : int
        Offsets in the explained text.
    strength : float
        Sum over the phrases that cover the run; see :meth:`Ledger.strength` for its sign.
    """

    text: str
    start: int
    end: int
    strength: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """Why a model decided as it did on one text: ``base + sum of the contributions == decision``.

    Attributes
    ----------
    text : str
    prediction : str, int, float or bool
    decision : tuple of float
        The scores: one for regression and for two classes, else one a class.
    base : tuple of float
        The scores of a text without any known phrase.
    contributions : tuple of Contribution
        Strongest first.
    coverage : float
        Share of the text's distinct n-grams that the model has a weight for; 0 for a text without words. Of
        models of questions: share of the questions that were answered, where an answer by n-grams counts if
        the text has one that the answering model knows.
    classes : tuple
        Empty for regression.
    path : tuple of Step
        Of trees and rules: what was looked at, in order. A rule list stops at the first condition of a rule
        that does not hold; of a rule set only the rules that hold are told.
    """

    text: str
    prediction: Label
    decision: tuple[float, ...]
    base: tuple[float, ...]
    contributions: tuple[Contribution, ...]
    coverage: float
    classes: tuple[Label, ...] = ()
    path: tuple[Step, ...] = ()

    def strength(self, values: tuple[float, ...]) -> float:
        """Reduce the values of a contribution to one signed number.

        Parameters
        ----------
        values : tuple of float
            One an output.

        Returns
        -------
        float
            Positive speaks for the prediction, negative against it. With three classes or more it is the
            value for the predicted class less the mean over classes, since adding the same to every class
            changes nothing. Regression: the value itself, positive is up.
        """
        if len(values) > 1:
            return values[self.classes.index(self.prediction)] - fsum(values) / len(values)
        return -values[0] if self.classes and self.prediction == self.classes[0] else values[0]

    def segments(self) -> Iterator[Segment]:
        """Cut the text where the phrases that cover it change; whatever draws an explanation draws these.

        Yields
        ------
        Segment
            In order; their texts joined give the text. Phrases that overlap are summed; a phrase counts once
            at a character even where two of its own occurrences overlap.
        """
        begins: dict[int, list[int]] = {}
        ends: dict[int, list[int]] = {}
        for number, contribution in enumerate(self.contributions):
            for start, end in _merged(contribution.spans):
                begins.setdefault(start, []).append(number)
                ends.setdefault(end, []).append(number)
        edges = sorted({0, len(self.text), *begins, *ends})
        strengths = [self.strength(contribution.values) for contribution in self.contributions]
        active: dict[int, float] = {}
        for start, end in pairwise(edges):
            for number in ends.get(start, ()):
                del active[number]
            for number in begins.get(start, ()):
                active[number] = strengths[number]
            yield Segment(self.text[start:end], start, end, fsum(active.values()))

    def to_ansi(self, color: bool = True) -> str:
        """Draw the text for a terminal, its phrases on coloured ground.

        Parameters
        ----------
        color : bool
            True: blue ground speaks for the prediction (regression: up), orange against, deeper is stronger.
            False: ``{+for+}`` and ``[-against-]`` instead, for pipes and files.

        Returns
        -------
        str
            Control characters of the text are replaced by "\N{REPLACEMENT CHARACTER}".
        """
        segments = list(self.segments())
        if not color:
            return "".join(_marked(segments))
        strongest = max((abs(segment.strength) for segment in segments), default=0.0)
        return "".join(_painted(segment, strongest) for segment in segments)

    def __str__(self) -> str:
        decision = ", ".join(f"{score:+.4g}" for score in self.decision)
        base = ", ".join(f"{score:+.4g}" for score in self.base)
        known = "answered" if any(c.question is not None for c in self.contributions) else "known n-grams"
        lines = [
            f"prediction: {printable(str(self.prediction))}",
            f"decision: {decision}   base: {base}   {known}: {self.coverage:.0%}",
        ]
        lines += [f"{self.strength(c.values):+9.4f}  {c}" for c in self.contributions]
        return "\n".join(lines)


def printable(text: str) -> str:
    """Replace the characters of a text that a terminal would obey, one for one."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join overlapping or touching spans, given in order."""
    last: tuple[int, int] | None = None
    for start, end in spans:
        if last and start <= last[1]:
            last = last[0], max(last[1], end)
        else:
            if last:
                yield last
            last = start, end
    if last:
        yield last


def _painted(segment: Segment, strongest: float) -> str:
    if not segment.strength:
        return printable(segment.text)
    shades = _FOR if segment.strength > 0 else _AGAINST
    depth = min(int(len(shades) * abs(segment.strength) / strongest), len(shades) - 1)
    return f"\x1b[30;48;5;{shades[depth]}m{printable(segment.text)}\x1b[0m"


def _marked(segments: list[Segment]) -> Iterator[str]:
    """Put the signs of ``git diff --word-diff`` around each stretch of one sign."""
    brackets = {1: ("{+", "+}"), -1: ("[-", "-]"), 0: ("", "")}
    before = 0
    for segment in segments:
        sign = (segment.strength > 0) - (segment.strength < 0)
        if sign != before:
            yield brackets[before][1] + brackets[sign][0]
        yield printable(segment.text)
        before = sign
    yield brackets[before][1]
