"""Claims as JSON and back: one form for files and for what a language model replies."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from interpllm.audit.claim_base import COMPARISONS, Claim
from interpllm.audit.claims import (
    SCOPES,
    STATISTICS,
    Extreme,
    MeanDifference,
    Monotone,
    Share,
    Sign,
    Threshold,
)
from interpllm.audit.model_claims import FIGURES, TermExtreme, TermFigure, TermSign
from interpllm.audit.where import RELATIONS, Where
from interpllm.display import as_json
from interpllm.errors import InputError

DATA_KINDS: tuple[type[Claim], ...] = (MeanDifference, Share, Threshold, Sign, Extreme, Monotone)
MODEL_KINDS: tuple[type[Claim], ...] = (TermSign, TermFigure, TermExtreme)
KINDS: Mapping[str, type[Claim]] = {kind.kind: kind for kind in (*DATA_KINDS, *MODEL_KINDS)}
CONDITIONS = ("among", "which", "group", "other")

_VALUE = {"type": ["string", "number", "boolean"]}
_NAME = {"type": "string"}
_WHERE = {
    "type": "object",
    "properties": {
        "column": _NAME,
        "relation": {"type": "string", "enum": list(RELATIONS)},
        "value": _VALUE,
    },
    "required": ["column", "relation", "value"],
    "additionalProperties": False,
}
_CONDITIONS = {"type": "array", "items": {"$ref": "#/$defs/where"}}
DEFINITIONS = {"where": _WHERE}
"""What schemas of claims refer to."""

_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "among": _CONDITIONS,
    "which": _CONDITIONS,
    "group": _CONDITIONS,
    "other": _CONDITIONS,
    "scope": {"type": "string", "enum": list(SCOPES)},
    "statistic": {"type": "string", "enum": list(STATISTICS)},
    "relation": {"type": "string", "enum": list(COMPARISONS)},
    "column": {"type": ["string", "null"]},
    "with_column": _NAME,
    "by": _NAME,
    "x": _NAME,
    "term": _NAME,
    "value": {"type": "number"},
    "tolerance": {"type": ["number", "null"]},
    "figure": {"type": "string", "enum": list(FIGURES)},
}
_OF_KIND: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("sign", "column"): _NAME,
    ("sign", "direction"): {"type": "string", "enum": ["positive", "negative"]},
    ("monotone", "direction"): {"type": "string", "enum": ["rising", "falling"]},
    ("extreme", "direction"): {"type": "string", "enum": ["largest", "smallest"]},
    ("extreme", "group"): _VALUE,
    ("term extreme", "direction"): {"type": "string", "enum": ["largest", "smallest"]},
    ("term extreme", "prediction"): {"type": ["string", "number", "boolean", "null"]},
    ("term sign", "prediction"): _VALUE,
}


def names(kind: type[Claim]) -> list[str]:
    """The fields of a kind of claim, its sentence apart."""
    return [field.name for field in fields(kind) if field.name != "sentence"]


def schema_of(kind: type[Claim]) -> dict[str, Any]:
    """The JSON schema of a kind of claim, in which every field has to be said; it refers to `DEFINITIONS`."""
    found = {name: _OF_KIND.get((kind.kind, name), _FIELDS.get(name)) for name in names(kind)}
    properties = {"kind": {"type": "string", "enum": [kind.kind]}, **found}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def as_document(claim: Claim) -> dict[str, Any]:
    """A claim as plain data."""
    found: dict[str, Any] = {"kind": claim.kind}
    for name in (*names(type(claim)), "sentence"):
        value = getattr(claim, name)
        if name in CONDITIONS and isinstance(value, tuple):
            value = [{"column": w.column, "relation": w.relation, "value": w.value} for w in value]
        found[name] = value
    return found


def from_document(document: Any) -> Claim:
    """A claim from plain data.

    Parameters
    ----------
    document : mapping
        As `as_document` gives it; what has a default may be left out.

    Returns
    -------
    Claim

    Raises
    ------
    InputError
        When it is no claim; nothing in it is executed or guessed at.
    """
    if not isinstance(document, Mapping) or document.get("kind") not in KINDS:
        shown = document.get("kind") if isinstance(document, Mapping) else document
        raise InputError(f"A claim is an object whose kind is one of {', '.join(KINDS)}; got {shown!r:.80}.")
    kind = KINDS[document["kind"]]
    known = {field.name: field for field in fields(kind)}
    for name in document:
        if name != "kind" and name not in known:
            raise InputError(f"A claim of {kind.kind} has no {name!r:.80}; it has {', '.join(known)}.")
    for name, field in known.items():
        if name not in document and field.default is MISSING:
            raise InputError(f"A claim of {kind.kind} needs {name!r}.")
    given = {name: value for name, value in document.items() if name != "kind"}
    for name in CONDITIONS:
        if isinstance(given.get(name), list):
            given[name] = tuple(map(_where, given[name]))
    return kind(**given)


def claims_to_json(claims: Sequence[Claim]) -> str:
    """Claims as JSON.

    Parameters
    ----------
    claims : sequence of Claim

    Returns
    -------
    str
        An array with an object a claim.
    """
    return as_json([as_document(claim) for claim in claims], indent=1)


def claims_from_json(text: str) -> list[Claim]:
    """Claims from JSON.

    Parameters
    ----------
    text : str
        As `claims_to_json` writes it.

    Returns
    -------
    list of Claim

    Raises
    ------
    InputError
        When it is no array of claims; the message says which one is wrong.
    """
    try:
        documents = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The claims are not JSON ({error}).") from error
    if not isinstance(documents, list):
        raise InputError("Claims are an array, with an object a claim.")
    found = []
    for number, document in enumerate(documents, start=1):
        try:
            found.append(from_document(document))
        except InputError as error:
            raise InputError(f"Claim {number}: {error}") from None
    return found


def _where(condition: Any) -> Where:
    if not isinstance(condition, Mapping) or set(condition) != {"column", "relation", "value"}:
        raise InputError(f"A condition has a column, a relation and a value, not {condition!r:.80}.")
    return Where(**condition)
