"""Prompts cut into segments, each of which can be left out or replaced, and sentences to cut texts into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.llm.base import Messages

#: Texts, (name, text) pairs, messages with role and content, or the values of a template's slots.
Segments = Sequence[str] | Sequence[tuple[str, str]] | Sequence[Mapping[str, str]] | Mapping[str, str]

SEGMENTS = "{segments}"
"""Where a template puts segments that are no slots of its own."""

_ABBREVIATIONS = (
    r"(?<!\b[A-Z]\.)(?<!\b(?:Mr|Ms|Dr|St|vs|No|cf)\.)(?<!\b(?:Mrs|etc|e\.g|i\.e|Fig)\.)(?<!\bProf\.)"
)
_END = re.compile(rf"[.!?…]+{_ABBREVIATIONS}[\"'\u201d\u2019)\]]*\s+|\s*\n\s*|[\u3002\uff01\uff1f]+\s*")


def sentences(text: str) -> list[str]:
    """Cut a text into sentences and lines, without losing a character.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str
        Each with the white space after it; joined they are the text.
    """
    ends = [match.end() for match in _END.finditer(text) if text[: match.start()].strip()]
    cuts = [0, *(end for end in ends if text[end:].strip()), len(text)]
    return [text[start:end] for start, end in pairwise(cuts) if start < end]


@dataclass(frozen=True)
class Segment:
    """A part of a prompt that can be left out.

    Parameters
    ----------
    name, text : str
    """

    name: str
    text: str


class _Piece(NamedTuple):
    """A text, the number of its segment (None if it stays), and whether separators stand around it."""

    text: str
    place: int | None = None
    listed: bool = False


@dataclass(frozen=True)
class _Message:
    """What one message is made of."""

    role: str
    pieces: tuple[_Piece, ...]
    vanishes: bool = False  # with its only segment, and not to an empty message


@dataclass(frozen=True)
class Prompt:
    """A prompt of which segments can be left out.

    Parameters
    ----------
    segments : tuple of Segment
        Those that can be; what stays is not among them.
    placeholder : str or None
        What stands for a segment; None leaves it out.
    separator : str
        Between segments that stand beside each other.
    """

    segments: tuple[Segment, ...]
    _messages: tuple[_Message, ...]
    placeholder: str | None = None
    separator: str = ""

    @classmethod
    def of(
        cls,
        segments: Segments,
        template: str = SEGMENTS,
        fixed: Sequence[str | int] | None = None,
        placeholder: str | None = None,
        separator: str = "",
    ) -> Prompt:
        """A prompt from one of the forms that `explain_generation` takes.

        Raises
        ------
        InputError
            When there is no segment that could be left out, or a part is not what it should be.
        """
        if isinstance(segments, str):
            raise InputError("prompt_segments must be a list; cut a text with: sentences(text).")
        if isinstance(segments, Mapping):
            named = _named(list(segments.items()))
            kept = _kept(named, fixed or ())
            places = _numbers(kept)
            message = _Message("user", tuple(_slotted(template, segments, named, places)))
            return cls(_free(named, kept), (message,), placeholder, separator)
        listed: list[Any] = list(segments)
        if listed and all(isinstance(one, Mapping) for one in listed):
            return cls._of_messages(listed, template, fixed, placeholder, separator)
        named = _named(listed)
        kept = _kept(named, fixed or ())
        before, found, after = template.partition(SEGMENTS)
        if not found or SEGMENTS in after:
            raise InputError(f"template must hold {SEGMENTS} once, where they go; got {template!r:.200}.")
        pieces = [_Piece(one.text, place, True) for one, place in zip(named, _numbers(kept), strict=True)]
        message = _Message("user", (_Piece(before), *pieces, _Piece(after)))
        return cls(_free(named, kept), (message,), placeholder, separator)

    @classmethod
    def _of_messages(
        cls,
        listed: Sequence[Mapping[str, str]],
        template: str,
        fixed: Sequence[str | int] | None,
        placeholder: str | None,
        separator: str,
    ) -> Prompt:
        if template != SEGMENTS:
            raise InputError("messages have no template; leave template= out, or give texts.")
        for place, one in enumerate(listed):
            if not isinstance(one.get("role"), str) or not isinstance(one.get("content"), str):
                raise InputError(f"prompt_segments[{place}] must have a role and a content, both texts.")
        named = _named([(f"{one['role']} {place + 1}", one["content"]) for place, one in enumerate(listed)])
        if fixed is None:
            last = len(listed) - 1
            fixed = [place for place, one in enumerate(listed) if one["role"] == "system" or place == last]
        kept = _kept(named, fixed)
        if not any(kept):
            raise InputError("A conversation needs a message that stays: name one in fixed=.")
        messages = [
            _Message(one["role"], (_Piece(one["content"], place),), vanishes=place is not None)
            for one, place in zip(listed, _numbers(kept), strict=True)
        ]
        return cls(_free(named, kept), tuple(messages), placeholder, separator)

    @property
    def operator(self) -> str:
        """What is done to a segment, in words."""
        return "left out" if self.placeholder is None else f"replaced by {self.placeholder!r}"

    def messages(self, keep: NDArray[np.bool_]) -> Messages:
        """The conversation in which only some segments stand.

        Parameters
        ----------
        keep : array of bool, (n_segments,)
        """
        told = []
        for message in self._messages:
            place = message.pieces[0].place
            if message.vanishes and self.placeholder is None and not keep[place]:
                continue
            content = "".join(text for text, _ in self._pieces(message, keep))
            told.append({"role": message.role, "content": content})
        return tuple(told)

    def shown(self) -> list[tuple[str, int | None]]:
        """The whole prompt in pieces, each with the number of its segment, or None if it stays."""
        several, keep = len(self._messages) > 1, np.ones(len(self.segments), dtype=bool)
        pieces: list[tuple[str, int | None]] = []
        for number, message in enumerate(self._messages):
            if several:
                pieces.append((("\n\n" if number else "") + f"{message.role}: ", None))
            pieces += self._pieces(message, keep)
        return pieces

    def _pieces(self, message: _Message, keep: NDArray[np.bool_]) -> Iterator[tuple[str, int | None]]:
        beside = False
        for text, place, listed in message.pieces:
            gone = place is not None and not keep[place]
            if gone and self.placeholder is None:
                continue
            if beside and listed:
                yield self.separator, None
            yield (self._replaced(text) if gone else text), place
            beside = listed

    def _replaced(self, text: str) -> str:
        """The placeholder with the white space around the text, so that lines stay lines."""
        bare = text.strip()
        return text.replace(bare, self.placeholder or "", 1) if bare else text


def _named(listed: Sequence[Any]) -> list[Segment]:
    found = []
    for place, one in enumerate(listed):
        pair = isinstance(one, tuple | list) and len(one) == 2
        name, text = one if pair else (str(place + 1), one)
        if not isinstance(name, str) or not isinstance(text, str):
            raise InputError(
                f"prompt_segments[{place}] must be a text, a (name, text) pair or a message; got {one!r:.80}."
            )
        if not text:
            raise InputError(f"prompt_segments[{place}] is empty; leave it away.")
        found.append(Segment(name, text))
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise InputError("Two segments have one name; give each its own.")
    return found


def _kept(named: Sequence[Segment], fixed: Sequence[str | int]) -> list[bool]:
    """Which segments stay."""
    if isinstance(fixed, str):
        raise InputError("fixed must be a list of names or places of segments.")
    names = [one.name for one in named]
    stays = [False] * len(names)
    for one in fixed:
        place = names.index(one) if one in names else one
        if not isinstance(place, int) or not -len(names) <= place < len(names):
            raise InputError(f"fixed names {one!r:.80}, which is no segment (there are: {', '.join(names)}).")
        stays[place] = True
    if all(stays):
        raise InputError("There is no segment that could be left out; give more, or fix fewer.")
    return stays


def _numbers(kept: Iterable[bool]) -> list[int | None]:
    """Number of each segment among those that can be left out; None for those that stay."""
    numbers: list[int | None] = []
    free = 0
    for stays in kept:
        numbers.append(None if stays else free)
        free += not stays
    return numbers


def _free(named: Sequence[Segment], kept: Sequence[bool]) -> tuple[Segment, ...]:
    return tuple(one for one, stays in zip(named, kept, strict=True) if not stays)


def _slotted(
    template: str, values: Mapping[str, str], named: Sequence[Segment], places: Sequence[int | None]
) -> Iterator[_Piece]:
    """A template in pieces; a value that looks like a slot is not taken for one."""
    for name in values:
        if template.count("{" + name + "}") != 1:
            raise InputError(f"template must hold {{{name}}} once, where that value goes.")
    of = {"{" + one.name + "}": _Piece(one.text, place) for one, place in zip(named, places, strict=True)}
    slots = "|".join(re.escape("{" + name + "}") for name in values)
    for text in re.split(f"({slots})", template):
        if text:
            yield of.get(text, _Piece(text))
