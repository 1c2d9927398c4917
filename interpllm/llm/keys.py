"""What a stored answer is found under: the sha256 of everything that decided it, as canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from interpllm.errors import InputError


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text.

    Raises
    ------
    InputError
        When the value is not plain JSON data (NumPy scalars, NaN, sets, ...).
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"A request must be plain JSON data (str, int, finite float, bool, None, list, dict): {error}"
        ) from error


def digest(canonical: Any) -> bytes:
    """sha256 of the canonical JSON in UTF-8, as 32 bytes."""
    # A text read from a damaged file may hold lone surrogates; it is still a text with a key of its own.
    return hashlib.sha256(canonical_json(canonical).encode("utf-8", "surrogatepass")).digest()


def key(canonical: Any) -> str:
    """sha256 of the canonical JSON in UTF-8, as 64 hexadecimal digits."""
    return digest(canonical).hex()


def embed_space(identity: Mapping[str, Any], template: str) -> dict[str, Any]:
    """Everything but the text that decides a vector."""
    return {"verb": "embed", "model": dict(identity), "template": template}


def embed_canonical(identity: Mapping[str, Any], template: str, text: str) -> dict[str, Any]:
    """Everything that decides the vector of a text, ready to be hashed by `key`."""
    return {"verb": "embed", "model": dict(identity), "template": template, "text": text}


def score_canonical(
    identity: Mapping[str, Any],
    prompt: str,
    options: Sequence[str],
    exact: bool = False,
    method: str | None = None,
) -> dict[str, Any]:
    """Everything that decides a row of log-probabilities, ready to be hashed by `key`.

    ``method`` is the way to a server's log-probabilities: a sum over tokens is not to be read for that of the
    first token alone. None for a model in process.
    """
    asked = {"verb": "score", "model": dict(identity), "prompt": prompt, "options": list(options)}
    return asked | ({"seam": "exact"} if exact else {}) | ({"method": method} if method else {})


def embed_keys(identity: Mapping[str, Any], template: str, texts: Sequence[str]) -> list[bytes]:
    """The digest of the embedding request of every text.

    The same as ``digest(embed_canonical(identity, template, text))``, eight times as fast: "text" sorts
    between "template" and "verb", so all that comes before it is hashed once.
    """
    start, end = canonical_json(embed_canonical(identity, template, "")).rsplit('"","verb"', 1)
    before = hashlib.sha256(start.encode("utf-8", "surrogatepass"))
    after = f',"verb"{end}'
    encode = json.JSONEncoder(ensure_ascii=False).encode
    keys = []
    for text in texts:
        hasher = before.copy()
        hasher.update((encode(text) + after).encode("utf-8", "surrogatepass"))
        keys.append(hasher.digest())
    return keys
