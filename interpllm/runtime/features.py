"""What a model looks at in a text. Each feature describes itself and evaluates itself on a text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

from interpllm.runtime.checks import encodable, require
from interpllm.runtime.tokens import ngrams

#: Who worded a question: a person, a language model, or the questions that come with the library.
SOURCES = ("user", "llm", "bank")

#: No question and no line of what counts is longer; it is sent with every text that it is asked of.
MAX_QUESTION = 2000

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

# Marks that do not change what is asked; inside a word or a number ("don't", "3.5") they belong to it.
_MARKS = re.compile(
    r"""(?<!\w)[.,;:?!"'()\u2018\u2019\u201c\u201d\u2026]|[.,;:?!"'()\u2018\u2019\u201c\u201d\u2026](?!\w)"""
)


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


@dataclass(frozen=True, slots=True)
class Question:
    """A yes/no question about a text, answered between 0 (no) and 1 (yes).

    Parameters
    ----------
    id : str
        Stable and short: letters, digits, "_" and "-", a letter first. :meth:`of` makes one.
    text : str
        The question, or a statement that is true of a text or not; one line.
    counts : str
        One line of what counts as yes and what does not; "" if nobody said.
    source : {"user", "llm", "bank"}
        Who worded it.

    Raises
    ------
    InputError
        If a part cannot be used.
    """

    id: str
    text: str
    counts: str = ""
    source: str = "user"

    def __post_init__(self) -> None:
        for name in ("id", "text", "counts", "source"):
            value = getattr(self, name)
            require(isinstance(value, str), f"the {name} of a question is a string, not {value!r:.80}")
        require(
            _ID.fullmatch(self.id) is not None,
            f"a question's id is up to 64 letters, digits, '_' and '-', a letter first, not {self.id!r:.80}; "
            "Question.of(text) makes one",
        )
        require(
            self.source in SOURCES, f"the source of a question is one of {SOURCES}, not {self.source!r:.80}"
        )
        require(bool(self.text), "a question has no text; say what is asked")
        for line in (self.text, self.counts):
            encodable(line)
            require(
                line == one_line(line),
                f"{line!r:.200} is not one line with single spaces; Question.of(text) brings it to that form",
            )
            require(
                len(line) <= MAX_QUESTION,
                f"{line!r:.80}... has {len(line)} characters; {MAX_QUESTION} are enough, say it shorter",
            )

    @classmethod
    def of(cls, text: str, counts: str = "", source: str = "user") -> Question:
        """Make a question whose id follows from its wording.

        Parameters
        ----------
        text, counts : str
            Line breaks and repeated spaces become single spaces.
        source : {"user", "llm", "bank"}

        Returns
        -------
        Question
            Its id is "q" and the first 8 hexadecimal digits of ``sha256(text + newline + counts)``.
        """
        for value in (text, counts):
            require(isinstance(value, str), f"a question is a string, not {value!r:.80}")
            encodable(value)
        text, counts = one_line(text), one_line(counts)
        return cls("q" + sha256(f"{text}\n{counts}".encode()).hexdigest()[:8], text, counts, source)

    def __str__(self) -> str:
        return self.text

    @property
    def wording(self) -> str:
        """The text as :func:`wording` gives it: equal for questions that ask the same in the same words."""
        return wording(self.text)


def one_line(text: str) -> str:
    """Replace every run of white space by one space, and drop it at the ends."""
    return " ".join(text.split())


def wording(text: str) -> str:
    """Reduce a question to what tells it from others: no case, no marks between words, single spaces.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        ``'Is it "good", overall?'`` gives ``"is it good overall"``.
    """
    return one_line(_MARKS.sub(" ", one_line(text).casefold())) or one_line(text)
