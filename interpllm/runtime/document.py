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
from interpllm.runtime import linear_document, strict_json
from interpllm.runtime.concept_document import (
    LINEAR_FIELDS,
    TREE_FIELDS,
    read_concept_linear,
    read_concept_tree,
    write_concept_linear,
    write_concept_tree,
)
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.envelope import open_envelope, read_file, write_atomically, write_envelope
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.linear_document import read_linear, write_linear
from interpllm.runtime.row_document import (
    LIST_FIELDS,
    SET_FIELDS,
    read_rule_list,
    read_rule_set,
    read_tree,
    write_rule_list,
    write_rule_set,
    write_tree,
)
from interpllm.runtime.row_document import TREE_FIELDS as ROW_TREE_FIELDS
from interpllm.runtime.rule_models import RuleListModel, RuleSetModel
from interpllm.runtime.strict_json import check_fields
from interpllm.runtime.trees import TreeModel

#: Any kind of model.
Model = LinearModel | ConceptLinear | ConceptTree | TreeModel | RuleListModel | RuleSetModel


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


def save(model: Model, path: str | os.PathLike[str]) -> Path:
    """Write a model to a JSON file; the file is whole or not there.

    Parameters
    ----------
    model : any kind of model
    path : str or path

    Returns
    -------
    pathlib.Path
        Where it was written.
    """
    return write_atomically(path, dumps(model).encode())


def load(path: str | os.PathLike[str]) -> Model:
    """Read a model from a JSON file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    any kind of model

    Raises
    ------
    DocumentError
        If the file is damaged, too large, or not of a format, version or kind that this library knows.
    """
    return read_file(path, loads)


def dumps(model: Model) -> str:
    """Write a model as JSON: the same model always gives the same bytes.

    Parameters
    ----------
    model : any kind of model

    Returns
    -------
    str
        One field a line, in alphabetical order; numbers read back as they were, to the last bit.
    """
    for name, kind in _KINDS.items():
        if isinstance(model, kind.model):
            return write_envelope(name, kind.write(model))
    raise InputError(f"a {type(model).__name__} cannot be saved; models of interpllm.runtime can")


def loads(text: str | bytes) -> Model:
    """Read a model from JSON.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8.

    Returns
    -------
    any kind of model

    Raises
    ------
    DocumentError
        If it is not a whole document of a format, version and kind that this library knows.
    """
    try:
        return _from_document(strict_json.parse(text))
    except InputError as error:
        raise DocumentError(str(error)) from error


def _from_document(document: dict[str, Any]) -> Model:
    """Open the envelope, and let the kind read what is in it."""
    name = open_envelope(document, _KINDS)
    kind = _KINDS[name]
    check_fields(document, kind.fields)
    return kind.read(document)


_KINDS = {
    "linear": Kind(LinearModel, linear_document.FIELDS, write_linear, read_linear),
    "concept_linear": Kind(ConceptLinear, LINEAR_FIELDS, write_concept_linear, read_concept_linear),
    "concept_tree": Kind(ConceptTree, TREE_FIELDS, write_concept_tree, read_concept_tree),
    "tree": Kind(TreeModel, ROW_TREE_FIELDS, write_tree, read_tree),
    "rule_list": Kind(RuleListModel, LIST_FIELDS, write_rule_list, read_rule_list),
    "rule_set": Kind(RuleSetModel, SET_FIELDS, write_rule_set, read_rule_set),
}
