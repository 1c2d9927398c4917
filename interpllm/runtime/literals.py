"""Values as the printed form of a model spells them: JSON, in which nothing that a terminal obeys stays."""

from __future__ import annotations

import json
import re
from typing import Any

# Control characters, line separators, marks that reorder what is read, halves of characters, and what cannot
# be seen at all.
_UNSEEN = re.compile(r"[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")


def literal(value: Any) -> str:
    """Write a string, number or boolean so that it can be read back to the last bit."""
    return _UNSEEN.sub(
        lambda match: f"\\u{ord(match.group()):04x}", json.dumps(value, ensure_ascii=False, allow_nan=False)
    )
