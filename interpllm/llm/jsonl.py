"""The reply store as JSON Lines: to read, to keep under version control, to hand to a colleague.

The first line says what the file is. Every other one is an object: ``key`` (sha256 of the canonical JSON of
``request``), ``request`` (everything that decided the reply), ``created`` (seconds since 1970) and either
``reply`` (a JSON value) or ``vector`` (little-endian float32 numbers in base64).
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from interpllm.errors import InputError, StoreError
from interpllm.llm.keys import key
from interpllm.llm.store import Store

_HEADER = {"format": "interpllm-replies", "version": 1}


def export_replies(store: Store, path: str | os.PathLike[str]) -> int:
    """Write every reply and vector of a store, sorted by key; whole or not at all.

    Parameters
    ----------
    store : Store
        What is written.
    path : path
        The file, replaced if it exists.

    Returns
    -------
    int
        How many were written.

    Raises
    ------
    StoreError
        When the store cannot be read.
    """
    target = Path(path)
    count = 0
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(json.dumps(_HEADER) + "\n")
            for request, value, created in store.records():
                if request.get("verb") == "speed":  # true of this machine only
                    continue
                line: dict[str, Any] = {"key": key(request), "request": request, "created": created}
                if isinstance(value, np.ndarray):
                    line["vector"] = base64.b64encode(value.tobytes()).decode()
                else:
                    line["reply"] = value
                file.write(json.dumps(line) + "\n")
                count += 1
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return count


def import_replies(store: Store, path: str | os.PathLike[str]) -> int:
    """Add the replies and vectors of a file to a store: all of them or, where a line is wrong, none.

    What the store has already stays as it is. Every line's key is computed anew, so a file can add replies
    to no other requests than the ones that it shows.

    Returns
    -------
    int
        How many were new.

    Raises
    ------
    StoreError
        When the file is not one of these; the message names the first line that is wrong.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return store.add(_lines(file, str(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error


def _lines(file: Any, name: str) -> Iterator[tuple[Mapping[str, Any], Any, float]]:
    number = 0
    for number, line in enumerate(file, start=1):
        try:
            found = json.loads(line)
            if number == 1:
                if found != _HEADER:
                    raise ValueError(
                        f"it begins with {line.strip()[:80]!r} and not with {json.dumps(_HEADER)}"
                    )
                continue
            yield _record(found)
        except (ValueError, KeyError, TypeError, RecursionError, InputError) as error:
            raise StoreError(
                f"{name}, line {number}, is not a stored reply ({error}). Nothing was added."
            ) from error
    if number == 0:
        raise StoreError(f"{name} is empty: not even the first line, which says what it is, is there.")


def _record(found: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any, float]:
    request, created = found["request"], float(found["created"])
    if key(request) != found["key"]:
        raise ValueError("its key is not that of its request")
    if not math.isfinite(created):
        raise ValueError("it was created at no time")
    if "vector" not in found:
        if request["verb"] == "embed":
            raise ValueError("an embedding without a vector")
        if not _fits(request, found["reply"]):
            raise ValueError(f"its reply is none to a request of the verb {request['verb']!r}")
        return request, found["reply"], created
    if request["verb"] != "embed" or not isinstance(request["text"], str):
        raise ValueError("a vector of something else than a text")
    try:
        vector = np.frombuffer(base64.b64decode(found["vector"], validate=True), dtype="<f4")
    except binascii.Error as error:
        raise ValueError("its vector is not base64") from error
    if not np.isfinite(vector).all():
        raise ValueError("its vector is not finite")
    return request, vector, created


def _fits(request: Mapping[str, Any], reply: Any) -> bool:
    """Whether a reply has the form in which a session reads it."""
    if request["verb"] == "complete":
        words = ("text", "refusal", "finish")
        return isinstance(reply, dict) and all(isinstance(reply.get(name), str | None) for name in words)
    if request["verb"] == "score":
        return (
            isinstance(reply, list)
            and len(reply) == len(request["options"])
            and all(x is None or (isinstance(x, int | float) and math.isfinite(x)) for x in reply)
        )
    return True
