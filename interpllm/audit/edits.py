"""Edits of texts that should change no prediction, or change it one way."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from interpllm.audit.words import Words, unknown_words

NAMES = (
    ("Anna", "Maria", "Emily", "Fatima", "Olga", "Mei", "Aisha", "Lucia", "Priya", "Sarah", "Laura", "Julia"),
    ("James", "John", "David", "Ahmed", "Ivan", "Wei", "Carlos", "Rahul", "Kwame", "Peter", "Thomas", "Paul"),
)
"""First names of women and of men, from several parts of the world; a name is swapped for one of its kind."""

_NAME = re.compile(rf"\b(?:{'|'.join(name for kind in NAMES for name in kind)})\b")
_LETTERS = re.compile(r"[^\W\d_]{4,}")

PLACES = {
    "web address": re.compile(
        r"\b(?:https?://|www\.)\S+|\b[\w-]{1,63}\.(?:com|org|net|io|de|co\.uk)\b", re.I
    ),
    "e-mail address": re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,99}"),
    "user name": re.compile(r"(?<![\w.])@\w+"),
    "date": re.compile(
        r"\b\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\b(?:19|20)\d\d\b"
        r"|\b(?:january|february|march|april|june|july|august|september|october|november|december)\b"
        r"|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
        re.I,
    ),
    "number or id": re.compile(r"#\w+|\b(?=\w*\d)(?=\w*[A-Za-z])\w{4,}\b|\b\d{4,}\b"),
    "markup": re.compile(r"<[^<>]{1,200}>|&\w{2,8};"),
}
"""What tells where a text comes from, or when it was written, rather than what it says."""


def renamed(text: str, known: Collection[str], random: np.random.Generator) -> str | None:
    """The text with each first name swapped for another of its kind; None where it has none.

    Names that are `known`, in lower case, are taken first: a model can heed no others.
    """
    others: dict[str, str] = {}
    for name in dict.fromkeys(_NAME.findall(text)):
        kind = next(names for names in NAMES if name in names)
        free = [other for other in kind if other not in text and other not in others.values()]
        free = [other for other in free if other.lower() in known] or free
        if not free:
            return None
        others[name] = free[int(random.integers(len(free)))]
    return _NAME.sub(lambda match: others[match.group()], text) if others else None


def signed(text: str, known: Collection[str], random: np.random.Generator) -> tuple[str, str]:
    """The text with a first name below it, and with another of its kind; the first is known, if any."""
    kind = NAMES[int(random.integers(len(NAMES)))]
    first = [name for name in kind if name.lower() in known] or list(kind)
    one = first[int(random.integers(len(first)))]
    rest = [name for name in kind if name != one]
    return f"{text}\n{one}", f"{text}\n{rest[int(random.integers(len(rest)))]}"


def mistyped(text: str, random: np.random.Generator) -> str | None:
    """The text with two neighbouring letters swapped inside a word; None where no word is long enough."""
    found = [match for match in _LETTERS.finditer(text) if len(set(match.group()[1:])) > 1]
    if not found:
        return None
    match = found[int(random.integers(len(found)))]
    places = [at for at in range(match.start() + 1, match.end() - 1) if text[at] != text[at + 1]]
    at = places[int(random.integers(len(places)))]
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def negated(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with "not" before some places."""
    pieces, at = [], 0
    for start in sorted({start for start, _ in spans}):
        pieces += [text[at:start], "not "]
        at = start
    return "".join([*pieces, text[at:]])


def repunctuated(text: str) -> str | None:
    """The text without the full stop at its end, or with one; None for a text without words."""
    bare = text.rstrip()
    if not Words(text).found:
        return None
    return bare[:-1] if bare.endswith(".") else f"{bare}."


def recased(text: str) -> str | None:
    """The text in capital letters; None where it has no other."""
    raised = text.upper()
    return None if raised == text else raised


def padded(text: str, known: Collection[str]) -> str | None:
    """The text with as many words below it as it has, none of them known; None for a text without words."""
    n = len(Words(text).found)
    return f"{text}\n{' '.join(unknown_words(list(map(str, range(n))), known).values())}" if n else None


def without_places(text: str) -> str | None:
    """The text without addresses, user names, dates, numbers and markup; None where it has none."""
    found = sorted((match.start(), match.end()) for kind in PLACES.values() for match in kind.finditer(text))
    if not found:
        return None
    pieces, at = [], 0
    for start, end in found:
        if start >= at:
            pieces.append(text[at:start])
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def kinds_of_places(text: str) -> list[tuple[int, int, str]]:
    """Where a text has something that tells where it comes from: start, end, and what it is."""
    return [
        (match.start(), match.end(), name) for name, kind in PLACES.items() for match in kind.finditer(text)
    ]
