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
from typing import Any, NamedTuple, NoReturn

from interpllm.errors import DocumentError, InputError
from interpllm.runtime.linear import LinearModel

FORMAT = "interpllm"
VERSION = 1

#: Larger files are refused: no readable model comes near it.
MAX_BYTES = 256 * 2**20


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
        data = file.read(MAX_BYTES + 1)
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
            lines = (f"{json.dumps(key)}: {_compact(document[key])}" for key in sorted(document))
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
    document = _parse(text)
    _expect(document.get("format") == FORMAT, "this is not an interpllm model")
    _expect(
        type(document.get("version")) is int and document["version"] == VERSION,
        f"the model is of version {document.get('version')!r:.40} and this library reads version {VERSION}; "
        "install the version of interpllm that wrote it",
    )
    name = str(document.get("kind"))
    _expect(
        name in _KINDS,
        f"models of kind {name!r:.80} are not known here, only {sorted(_KINDS)}; update interpllm",
    )
    kind = _KINDS[name]
    values = {key: value for key, value in document.items() if key not in ("format", "version", "kind")}
    _check_fields(values, kind.fields)
    try:
        return kind.read(values)
    except InputError as error:
        raise DocumentError(str(error)) from error


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


# --- JSON, as strict as a stranger's file needs -------------------------------------------------------------


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def _parse(text: str | bytes) -> dict[str, Any]:
    """Parse JSON that is one object; the size is checked before, every error becomes a DocumentError."""
    _expect(len(text) <= MAX_BYTES, f"the document is larger than {MAX_BYTES} bytes")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        document = json.loads(decoded, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise DocumentError("the document nests too deep") from None
    except UnicodeDecodeError:
        raise DocumentError("the document is not UTF-8 text") from None
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"the document is not JSON: {error}") from None
    _expect(isinstance(document, dict), "the document is not a JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is given twice: which of the two counts would depend on the reader."""
    found = dict(pairs)
    _expect(len(found) == len(pairs), "the document gives a name twice")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"the document holds {name}, which is not a number of JSON")


def _check_fields(values: dict[str, Any], fields: Mapping[str, tuple[type, ...]]) -> None:
    """Check that exactly the fields of a kind are there, each of a type it may have."""
    missing, unknown = sorted(set(fields) - set(values)), sorted(set(values) - set(fields))
    _expect(not missing, f"fields are missing: {', '.join(missing)}")
    _expect(
        not unknown,
        f"fields are not known here: {', '.join(unknown)!r:.200}; a newer interpllm may read them",
    )
    for name, types in fields.items():
        _expect(type(values[name]) in types, f"field {name} is a {type(values[name]).__name__}")


def _column(values: Any, types: set[type], length: int, name: str) -> list[Any]:
    """Check a column of the table: a list of that length, of nothing but those types."""
    _expect(isinstance(values, list), f"{name} is not a list")
    _expect(len(values) == length, f"{name} has {len(values)} entries for {length} phrases")
    strange = sorted(kind.__name__ for kind in set(map(type, values)) - types)
    _expect(not strange, f"{name} holds entries of type {', '.join(strange)}")
    return values


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise DocumentError(message)


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
    phrases = fields.pop("phrases")
    n = len(phrases)
    _column(phrases, {str}, n, "phrases")
    _expect(len(set(phrases)) == n, "a phrase is given twice")
    _column(fields["intercept"], _NUMBER, len(fields["intercept"]), "intercept")
    columns = [_column(column, _NUMBER, n, f"weights[{k}]") for k, column in enumerate(fields["weights"])]
    fields["weights"] = dict(zip(phrases, zip(*columns, strict=True), strict=bool(columns)))
    if fields["evidence"] is not None:
        fields["evidence"] = _read_evidence(fields["evidence"], phrases)
    return LinearModel(**fields)


def _read_evidence(columns: dict[str, Any], phrases: list[str]) -> dict[str, tuple[Any, ...]]:
    types: dict[str, set[type]] = {"support": {int}, "precision": _MAYBE_NUMBER, "example": {int, type(None)}}
    _check_fields(columns, dict.fromkeys(types, (list,)))
    checked = [_column(columns[name], types[name], len(phrases), f"evidence.{name}") for name in types]
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
