"""JSON, as strict as a stranger's file needs: every surprise is a DocumentError that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any, NoReturn

from interpllm.errors import DocumentError, InterpLLMError
from interpllm.runtime.checks import short_int

#: Larger documents are refused: no readable model comes near it.
MAX_BYTES = 256 * 2**20

#: So are those with more lists and objects: one takes far more memory than its two characters.
MAX_PARTS = 4 * 2**20


def expect(condition: bool, message: str) -> None:
    """Raise DocumentError with the message unless the condition holds."""
    if not condition:
        raise DocumentError(message)


def write(value: Any) -> str:
    """Write a value on one line, the same value always as the same characters."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))


def parse(text: str | bytes) -> dict[str, Any]:
    """Read a text that is one JSON object.

    Parameters
    ----------
    text : str or bytes
        Bytes are UTF-8.

    Returns
    -------
    dict

    Raises
    ------
    DocumentError
        If it is longer than MAX_BYTES or has more than MAX_PARTS lists and objects, is not JSON, nests too
        deep, gives a name twice, or holds NaN or Infinity.
    InputError
        If it holds a whole number of too many digits.
    """
    expect(len(text) <= MAX_BYTES, f"the document is larger than {MAX_BYTES} bytes")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        parts = decoded.count("[") + decoded.count("{")
        expect(parts <= MAX_PARTS, f"the document has more than {MAX_PARTS} lists and objects")
        document = json.loads(
            decoded, object_pairs_hook=_unique, parse_int=short_int, parse_constant=_refuse_constant
        )
    except InterpLLMError:
        raise
    except RecursionError:
        raise DocumentError("the document nests too deep") from None
    except UnicodeDecodeError:
        raise DocumentError("the document is not UTF-8 text") from None
    except ValueError as error:
        raise DocumentError(f"the document is not JSON: {error}") from None
    expect(isinstance(document, dict), "the document is not a JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is given twice: which of the two counts would depend on the reader."""
    found = dict(pairs)
    expect(len(found) == len(pairs), "the document gives a name twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise DocumentError(f"the document holds {name}, which is not a number of JSON")


def check_fields(values: Mapping[str, Any], fields: Mapping[str, tuple[type, ...]]) -> None:
    """Check that exactly these fields are there, each of a type it may have."""
    missing, unknown = sorted(set(fields) - set(values)), sorted(set(values) - set(fields))
    expect(not missing, f"fields are missing: {', '.join(missing)}")
    expect(
        not unknown,
        f"fields are not known here: {', '.join(unknown)!r:.200}; a newer interpllm may read them",
    )
    for name, types in fields.items():
        expect(type(values[name]) in types, f"field {name} is a {type(values[name]).__name__}")


def check_column(values: Any, types: set[type], length: int, name: str) -> list[Any]:
    """Check a column of a table: a list of that length, of nothing but those types, numbers finite."""
    expect(isinstance(values, list), f"{name} is not a list")
    expect(len(values) == length, f"{name} has {len(values)} entries where {length} belong")
    strange = sorted(kind.__name__ for kind in set(map(type, values)) - types)
    expect(not strange, f"{name} holds entries of type {', '.join(strange)}")
    if float in types:
        expect(all(isfinite(value) for value in values if value is not None), f"{name} is not finite")
    return values
