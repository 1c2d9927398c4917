"""A model as a file: versioned JSON, read as data.

The envelope (format, version, kind) is common to every kind of model; the rest of the fields are the kind's
own. A file that asks for anything this version does not know is refused, because to leave a field out would
be to predict something else than its author did. Nothing in a file is ever executed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import strict_json
from interpllm.runtime.envelope import open_envelope, read_file, write_atomically, write_envelope
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.strict_json import check_column, check_fields, expect


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
    return read_file(path, loads)


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
            return write_envelope(name, kind.write(model))
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
    name = open_envelope(document, _KINDS)
    kind = _KINDS[name]
    check_fields(document, kind.fields)
    return kind.read(document)


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
