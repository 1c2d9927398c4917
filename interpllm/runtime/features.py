"""What a model looks at in a text. Each feature describes itself and evaluates itself on a text."""

from __future__ import annotations

from dataclasses import dataclass

from interpllm.runtime.tokens import ngrams


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word or a run of words.

    Parameters
    ----------
    text : str
        Lower-case words joined by single spaces, as :func:`interpllm.runtime.tokens.ngrams` gives them.
    """

    text: str

    def __str__(self) -> str:
        return f'mentions "{self.text}"'

    def value(self, text: str) -> int:
        """Give 1 if a text mentions the phrase, else 0."""
        n_words = self.text.count(" ") + 1
        return int(self.text in ngrams(text, n_words, n_words))
