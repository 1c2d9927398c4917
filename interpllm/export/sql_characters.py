"""What a letter is and what its small form, for databases that do not know it as Python does."""

from __future__ import annotations

import re
from functools import cache

#: The capital letter whose small form is two characters.
DOTTED_I = "\u0130"


@cache
def cases() -> tuple[str, str]:
    """Give all letters that change when words are brought to one spelling, and in the same order their forms.

    "İ", which becomes two characters, is left out.
    """
    large, small = ["\u2019", "\u03c2"], ["'", "\u03c3"]
    for character in map(chr, range(0x110000)):
        lower = character.lower()
        if lower != character and len(lower) == 1 and not character.isascii():
            large.append(character)
            small.append(lower)
    return "".join(large), "".join(small)


@cache
def word_ranges() -> str:
    """Give the characters of words outside ASCII as ranges, as they stand between brackets of a pattern."""
    ranges: list[list[str]] = []
    for code in range(0x80, 0x110000):
        character = chr(code)
        if not re.match(r"\w", character):
            continue
        if ranges and ord(ranges[-1][1]) == code - 1:
            ranges[-1][1] = character
        else:
            ranges.append([character, character])
    return "".join(first if first == last else f"{first}-{last}" for first, last in ranges)
