"""Words of a text: how strongly a ledger weighs each, and the text without some of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from interpllm.runtime.concept_model import ConceptModel
from interpllm.runtime.conditions import Lexicon, TermCompares
from interpllm.runtime.ledger import Ledger
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.tokens import WORD, normal


class Words:
    """A text cut into words and what stands between them.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    distinct : list of str
        The words as models spell them, in order of first occurrence.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = [(normal(match.group()), match.start(), match.end()) for match in WORD.finditer(text)]
        self.distinct = list(dict.fromkeys(word for word, _, _ in self.found))

    def without(self, dropped: Collection[str], stand_ins: Mapping[str, str] | None = None) -> str:
        """The text without some words, wherever they stand.

        Parameters
        ----------
        dropped : collection of str
        stand_ins : mapping of str to str, optional
            What stands in a word's place; without, nothing does.
        """
        pieces, at = [], 0
        for word, start, end in self.found:
            if word in dropped:
                pieces += [self.text[at:start], stand_ins[word] if stand_ins else ""]
                at = end
        return "".join([*pieces, self.text[at:]])

    def strengths(self, ledger: Ledger, total: bool = False) -> dict[str, float]:
        """How strongly each word holds the prediction, by a ledger.

        What a phrase, or whatever else stands at some places of the text, contributes is shared equally by
        the distinct words that stand there: each is needed for it as much as the others (Shapley).

        Parameters
        ----------
        ledger : Ledger
            Of the text.
        total : bool
            Whether contributions count by their size alone, whichever way they push.

        Returns
        -------
        dict of str to float
            Word -> strength, 0 for words that nothing looks at; regression: positive is up.
        """
        first = {start: number for number, (_, start, _) in enumerate(self.found)}
        last = {end: number for number, (_, _, end) in enumerate(self.found)}
        strengths = dict.fromkeys(self.distinct, 0.0)
        for contribution in ledger.contributions:
            held = {
                self.found[number][0]
                for start, end in contribution.spans
                for number in range(first[start], last[end] + 1)
            }
            strength = ledger.strength(contribution.values)
            for word in held:
                strengths[word] += (abs(strength) if total else strength) / len(held)
        return strengths


def on_words(ledger: Ledger) -> float:
    """Share of a ledger's contributions, by their size, that stand at places of the text; NaN of none."""
    sizes = [(abs(ledger.strength(one.values)), bool(one.spans)) for one in ledger.contributions]
    total = sum(size for size, _ in sizes)
    return sum(size for size, placed in sizes if placed) / total if total else float("nan")


def phrases_of(model: Any) -> Iterator[str]:
    """Go through all phrases that a model looks at in texts, those of its stand-ins among them."""
    if isinstance(model, LinearModel):
        yield from model.weights
        return
    for stand_in in model.stand_ins.values():
        yield from stand_in.weights
    if isinstance(model, ConceptModel):
        residual = getattr(model, "residual", None)
        yield from residual.weights if residual is not None else ()
        return
    for condition in model.conditions():
        if isinstance(condition, Lexicon):
            yield from condition.phrases
        elif isinstance(condition, TermCompares):
            yield condition.phrase
    if model.vectorizer is not None:
        yield from model.vectorizer.idf


def vocabulary(model: Any) -> set[str]:
    """Words of the phrases that a model looks at."""
    return {word for phrase in phrases_of(model) for word in phrase.split(" ")}


def unknown_words(words: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Give each word one in its place that is not known, each another: a text keeps its number of n-grams."""
    free = (made for number in range(len(words) + len(known)) if (made := f"zq{number}") not in known)
    return dict(zip(words, free, strict=False))
