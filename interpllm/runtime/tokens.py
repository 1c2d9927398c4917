"""The one tokenizer: text -> words -> distinct n-grams.

Fitting, predicting, explaining and every export cut texts by the functions of this file, so they cannot
disagree about what a text contains. Its source is copied as it stands into exported models; it imports the
standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, pairwise

# A word: letters, digits and underscores, with the combining accents that follow them (so that a decomposed
# "é" does not end a word), joined by inner apostrophes; and each single "!" and "?". The repeats are
# possessive (`*+`): nothing after them could use what they took, and a pattern that never backtracks is
# linear in the text.
WORD = re.compile(r"\w[\w\u0300-\u036f]*+(?:['\u2019]\w[\w\u0300-\u036f]*+)*+|[!?]")

# The same for ASCII, which needs no pattern where no apostrophe stands outside a word: what is between words
# becomes a space, and the rest is split there. That takes half the time.
_CUT = bytes(ord(c.lower()) if WORD.match(c) or c == "'" else ord(" ") for c in map(chr, range(128)))
_CUT += bytes(128)  # no byte of an ASCII text

Gram = str | tuple[str, ...]
"""An n-gram while it is looked up: a word, or the tuple of its words, which takes less time than joining."""

_RUN = re.compile(r"\w{2,}+")


def words(text: str) -> list[str]:
    """Cut a text into lower-case words, in order.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        ``"Don't go!"`` gives ``["don't", "go", "!"]``.

    Notes
    -----
    Words are found in the original text and lower-cased one by one, because lower-casing can move characters
    ("İ" becomes two) and :func:`spans` must find the same words. ASCII never moves, so it is
    lower-cased at once.
    """
    if text.isascii():
        cut = f" {text} ".encode().translate(_CUT).decode().replace("!", " ! ").replace("?", " ? ")
        if "'" not in cut or not (" '" in cut or "' " in cut or "''" in cut):
            return cut.split()
        return WORD.findall(text.lower())
    return [normal(word) for word in WORD.findall(text)]


def normal(word: str) -> str:
    """Give a word as tables spell it.

    Lower case, the typographic apostrophe U+2019 as the ASCII one, and one Greek sigma: which of the two a
    capital one becomes hangs on its neighbours, and databases do not look at these.
    """
    return word.lower().replace("\u2019", "'").replace("\u03c2", "\u03c3")


def runs(text: str) -> list[str]:
    """Cut a text as scikit-learn's vectorizers do: runs of two letters, digits and underscores or more.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        ``"Don't go!"`` gives ``["don", "go"]``.
    """
    return _RUN.findall(normal(text))


def of_order(words: list[str], n: int) -> Iterable[Gram]:
    """Give the n-grams of `n` words of a list of words, in order, repeats and all."""
    if n == 1:
        return words
    if n == 2:
        return pairwise(words)
    return zip(*[words[i:] for i in range(n)], strict=False)


def distinct(words: list[str], lo: int, hi: int) -> set[Gram]:
    """Give the distinct n-grams of `lo` to `hi` words of a list of words."""
    found = set(of_order(words, lo))
    for n in range(lo + 1, hi + 1):
        found.update(of_order(words, n))
    return found


def gram(phrase: str) -> Gram:
    """Give the n-gram of a phrase as tables spell it."""
    return tuple(phrase.split(" ")) if " " in phrase else phrase


def phrases(words: list[str], n: int) -> Iterable[str]:
    """Give the n-grams of `n` words as tables spell them, joined by one space, in order, repeats and all."""
    return words if n == 1 else map(" ".join, of_order(words, n))


def ngrams(text: str, lo: int, hi: int) -> list[str]:
    """List the distinct n-grams of a text: its features.

    Parameters
    ----------
    text : str
    lo, hi : int
        Smallest and largest number of words.

    Returns
    -------
    list of str
        Words joined by one space; shorter ones first, then in order of first occurrence.
    """
    found = words(text)
    return list(dict.fromkeys(chain.from_iterable(phrases(found, n) for n in range(lo, hi + 1))))


def spans(text: str, lo: int, hi: int) -> dict[str, list[tuple[int, int]]]:
    """Find where in a text each of its n-grams stands.

    Parameters
    ----------
    text : str
    lo, hi : int
        Smallest and largest number of words.

    Returns
    -------
    dict of str to list of (int, int)
        The keys are ``ngrams(text, lo, hi)``, in that order. A span is the offset of the first character of
        the n-gram's first word and the offset after the last character of its last word, in the text as it
        was given.
    """
    found = list(WORD.finditer(text))
    names = [normal(match.group()) for match in found]
    places: dict[str, list[tuple[int, int]]] = {}
    for n in range(lo, hi + 1):
        for first, last, gram in zip(found, found[n - 1 :], phrases(names, n), strict=False):
            places.setdefault(gram, []).append((first.start(), last.end()))
    return places
