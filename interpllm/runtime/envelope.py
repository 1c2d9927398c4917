"""What stands around the content of every file: format, version, kind. Read within limits, written whole."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import strict_json
from interpllm.runtime.strict_json import expect

FORMAT = "interpllm"
VERSION = 1

Content = TypeVar("Content")


def write_envelope(kind: str, fields: Mapping[str, Any]) -> str:
    """Write a document, one field a line in alphabetical order; the same fields give the same bytes."""
    document = {"format": FORMAT, "version": VERSION, "kind": kind, **fields}
    lines = (f"{json.dumps(key)}: {strict_json.write(document[key])}" for key in sorted(document))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def open_envelope(document: dict[str, Any], kinds: Collection[str]) -> str:
    """Take the envelope off a parsed document and give its kind.

    Parameters
    ----------
    document : dict
        Left with the fields of its kind.
    kinds : collection of str
        Those that may stand here.

    Raises
    ------
    DocumentError
        If the format, the version or the kind is not known here.
    """
    expect(document.pop("format", None) == FORMAT, "this is not an interpllm model")
    version = document.pop("version", None)
    expect(
        type(version) is int and version == VERSION,
        f"it is of version {version!r:.40} and this library reads version {VERSION}; "
        "install the version of interpllm that wrote it",
    )
    kind = document.pop("kind", None)
    expect(
        isinstance(kind, str) and kind in kinds,
        f"documents of kind {kind!r:.80} are not known here, only {sorted(kinds)}; update interpllm",
    )
    return kind


def read_file(path: str | os.PathLike[str], reader: Callable[[bytes], Content]) -> Content:
    """Let a reader read a file, no further than the size limit; its DocumentError names the file."""
    with open(path, "rb") as file:
        data = file.read(strict_json.MAX_BYTES + 1)
    try:
        return reader(data)
    except DocumentError as error:
        raise DocumentError(f"{os.fspath(path)}: {error}") from error


def write_atomically(
    path: str | os.PathLike[str], data: bytes, accept: Callable[[Path], None] | None = None
) -> Path:
    """Write a file so that whoever looks sees the old one or the whole new one.

    Parameters
    ----------
    path : str or path
        Links are followed.
    data : bytes
    accept : callable, optional
        Called with the finished file before it is moved to its place; if it raises, nothing is left behind.

    Returns
    -------
    pathlib.Path
        The path as it was given.

    Raises
    ------
    InputError
        If something that is not a file stands there (a folder, a device), or its folder does not exist.
    """
    target = Path(path).resolve()
    if target.exists() and not target.is_file():
        raise InputError(f"{path} is not a file; give the name of a file to write")
    if not target.parent.is_dir():
        raise InputError(f"the folder {target.parent} does not exist; create it first")
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if accept:
            accept(unfinished)
        unfinished.replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
        raise
    return Path(path)
