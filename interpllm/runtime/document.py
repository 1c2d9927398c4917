"""A model as a file: versioned JSON, written atomically, read as data.

The envelope (format, version, kind) is common to every kind of model; the rest of the fields are the kind's
own. A file that asks for anything this version does not know is refused, because to leave a field out would
be to predict something else than its author did. Nothing in a file is ever executed.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import strict_json
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.strict_json import check_column, check_fields, expect

FORMAT = "interpllm"
VERSION = 1


class Kind(NamedTuple):
    """How one kind of model goes into a document and comes back.

    Attributes
    ----------
    model : type
    fields : mapping of str to tuple of types
        Name of each field -> the JSON types it may have. A document has all of them and no others.
    write : callable
        Model -> fields.
    read : callable
        Fields, their types checked -> model. Raises DocumentError or InputError.
    """

    model: type
    fields: Mapping[str, tuple[type, ...]]
    write: Callable[[Any], dict[str, Any]]
    read: Callable[[dict[str, Any]], Any]


def save(model: LinearModel, path: str | os.PathLike[str]) -> Path:
    """Write a model to a JSON file; the file is whole or not there.

    Parameters
    ----------
    model : LinearModel
    path : str or path

    Returns
    -------
    pathlib.Path
        Where it was written.
    """
    return write_atomically(path, dumps(model).encode())


def load(path: str | os.PathLike[str]) -> LinearModel:
    """Read a model from a JSON file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    LinearModel

    Raises
    ------
    DocumentError
        If the file is damaged, too large, or not of a format, version or kind that this library knows.
    """
    with open(path, "rb") as file:
        data = file.read(strict_json.MAX_BYTES + 1)
    try:
        return loads(data)
    except DocumentError as error:
        raise DocumentError(f"{os.fspath(path)}: {error}") from error


def dumps(model: LinearModel) -> str:
    """Write a model as JSON: the same model always gives the same bytes.

    Parameters
    ----------
    model : LinearModel

    Returns
    -------
    str
        One field a line, in alphabetical order; numbers read back as they were, to the last bit.
    """
    for name, kind in _KINDS.items():
        if isinstance(model, kind.model):
            document = {"format": FORMAT, "version": VERSION, "kind": name, **kind.write(model)}
            lines = (f"{json.dumps(key)}: {strict_json.write(document[key])}" for key in sorted(document))
            return "{\n" + ",\n".join(lines) + "\n}\n"
    raise InputError(f"a {type(model).__name__} cannot be saved; models of interpllm.runtime can")


def loads(text: str | bytes) -> LinearModel:
    """Read a model from JSON.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8.

    Returns
    -------
    LinearModel

    Raises
    ------
    DocumentError
        If it is not a whole document of a format, version and kind that this library knows.
    """
    try:
        return _from_document(strict_json.parse(text))
    except InputError as error:
        raise DocumentError(str(error)) from error


def _from_document(document: dict[str, Any]) -> LinearModel:
    """Open the envelope, and let the kind read what is in it."""
    expect(document.pop("format", None) == FORMAT, "this is not an interpllm model")
    version = document.pop("version", None)
    expect(
        type(version) is int and version == VERSION,
        f"the model is of version {version!r:.40} and this library reads version {VERSION}; "
        "install the version of interpllm that wrote it",
    )
    name = str(document.pop("kind", None))
    expect(
        name in _KINDS,
        f"models of kind {name!r:.80} are not known here, only {sorted(_KINDS)}; update interpllm",
    )
    kind = _KINDS[name]
    check_fields(document, kind.fields)
    return kind.read(document)


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


# --- kind "linear" ------------------------------------------------------------------------------------------

_NUMBER = {int, float}
_MAYBE_NUMBER = {int, float, type(None)}


def _write_linear(model: LinearModel) -> dict[str, Any]:
    phrases = sorted(model.weights)
    evidence = model.evidence
    columns = None
    if evidence is not None:
        entries = [evidence.get(phrase) for phrase in phrases]
        columns = {
            "support": [entry.support if entry else 0 for entry in entries],
            "precision": [entry.precision if entry else None for entry in entries],
            "example": [entry.example if entry else None for entry in entries],
        }
    return {
        "task": model.task,
        "target": model.target,
        "classes": list(model.classes),
        "ngram_range": list(model.ngram_range),
        "norm": model.norm,
        "intercept": list(model.intercept),
        "phrases": phrases,
        "weights": [[model.weights[phrase][k] for phrase in phrases] for k in range(model.n_outputs)],
        "evidence": columns,
        "n_rows": model.n_rows,
        "meta": dict(model.meta),
    }


def _read_linear(fields: dict[str, Any]) -> LinearModel:
    phrases, intercept, columns = fields.pop("phrases"), fields["intercept"], fields["weights"]
    n_phrases, n_outputs = len(phrases), len(intercept)
    check_column(phrases, {str}, n_phrases, "phrases")
    expect(len(set(phrases)) == n_phrases, "phrases are not distinct")
    check_column(intercept, _NUMBER, n_outputs, "intercept")
    check_column(columns, {list}, n_outputs, "weights")
    expect(n_outputs > 0, "there is no output")
    rows = zip(*(check_column(column, _NUMBER, n_phrases, "weights") for column in columns), strict=True)
    fields["weights"] = dict(zip(phrases, rows, strict=True))
    if fields["evidence"] is not None:
        fields["evidence"] = _read_evidence(fields["evidence"], phrases)
    return LinearModel(**fields)


def _read_evidence(columns: dict[str, Any], phrases: list[str]) -> dict[str, tuple[Any, ...]]:
    types: dict[str, set[type]] = {"support": {int}, "precision": _MAYBE_NUMBER, "example": {int, type(None)}}
    check_fields(columns, dict.fromkeys(types, (list,)))
    checked = [check_column(columns[name], types[name], len(phrases), f"evidence.{name}") for name in types]
    return dict(zip(phrases, zip(*checked, strict=True), strict=True))


_KINDS = {
    "linear": Kind(
        LinearModel,
        {
            "task": (str,),
            "target": (str,),
            "classes": (list,),
            "ngram_range": (list,),
            "norm": (str,),
            "intercept": (list,),
            "phrases": (list,),
            "weights": (list,),
            "evidence": (dict, type(None)),
            "n_rows": (int,),
            "meta": (dict,),
        },
        _write_linear,
        _read_linear,
    )
}
