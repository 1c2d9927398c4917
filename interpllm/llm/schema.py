"""JSON replies: asking for them in words, finding them in a reply, and judging them.

Servers differ in what they make of a JSON schema, and some ignore it without a word. So every reply is
validated here, whoever promised what; a reply that does not satisfy its schema is a parse failure, is shown
to the model once or twice more, and is never repaired by guessing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from interpllm.errors import InputError
from interpllm.llm.base import Reply, Request
from interpllm.llm.keys import canonical_json

# The schema of "any JSON object", which a server may support (as JSON mode) without supporting schemas.
JSON_OBJECT: Mapping[str, Any] = {"type": "object"}

_IN_WORDS = (
    "\n\nReply with one JSON value that satisfies this JSON schema, and with nothing else: no explanation, "
    "no code fence.\n"
)
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_SHOWN = 300  # characters of an error that the model is shown


def check_schema(schema: Mapping[str, Any]) -> None:
    """Refuse what is not a JSON schema.

    Raises
    ------
    InputError
        When the schema is not a mapping, or not valid against the JSON Schema draft 2020-12.
    """
    import jsonschema

    if not isinstance(schema, Mapping):
        raise InputError(f"A schema must be a mapping such as {{'type': 'object', ...}}; got {schema!r}.")
    try:
        jsonschema.Draft202012Validator.check_schema(dict(schema))
    except jsonschema.SchemaError as error:
        raise InputError(f"Not a valid JSON schema, at {error.json_path}: {error.message}") from error


def is_strict(schema: Any) -> bool:
    """Whether every object of a schema names all its fields as required and forbids others.

    Only such a schema may be sent as "strict" to servers that know the word.
    """
    if isinstance(schema, Mapping):
        if schema.get("type") == "object" or "properties" in schema:
            fields = schema.get("properties", {})
            closed = schema.get("additionalProperties") is False
            if not closed or set(schema.get("required", [])) != set(fields):
                return False
        return all(is_strict(part) for part in schema.values())
    return all(is_strict(part) for part in schema) if isinstance(schema, list | tuple) else True


def in_words(request: Request) -> Request:
    """The request with its schema written into the prompt, for a server that knows no schemas."""
    if request.schema is None:
        return request
    ask = _IN_WORDS + json.dumps(request.schema, ensure_ascii=False)
    *before, last = (dict(message) for message in request.messages)
    return replace(request, messages=(*before, {**last, "content": last["content"] + ask}), schema=None)


def out_of_words(content: str) -> tuple[str, Mapping[str, Any] | None]:
    """A message and the schema that `in_words` wrote into it, None where it wrote none."""
    before, found, schema = content.partition(_IN_WORDS)
    return (before, json.loads(schema)) if found else (content, None)


def ask_again(request: Request, reply: Reply) -> Request:
    """The request that shows a model its unusable reply and what is wrong with it."""
    fault = f"That cannot be used: {reply.error}. Reply again with the JSON value only."
    return replace(
        request,
        messages=(
            *request.messages,
            {"role": "assistant", "content": reply.text or ""},
            {"role": "user", "content": fault},
        ),
    )


def judge(reply: Reply, schema: Mapping[str, Any] | None) -> Reply:
    """The reply with its data, or with the reason why it cannot be used.

    Parameters
    ----------
    reply : Reply
        As the backend returned it.
    schema : mapping or None
        What it must satisfy; without one every text will do.

    Returns
    -------
    Reply
        With ``data`` set, or ``error`` set: "refused: ...", "empty reply", or "parse failure: ...".
    """
    if reply.error is not None:
        return reply
    if reply.refusal is not None:
        return replace(reply, text=None, error=f"refused: {reply.refusal}")
    if reply.finish == "content_filter":
        return replace(reply, text=None, error="refused: stopped by the server's content filter")
    if reply.text is None:
        return replace(reply, error="empty reply")
    if schema is None:
        return reply
    try:
        return replace(reply, data=parse(reply.text, schema))
    except InputError:  # of the schema, not of the reply
        raise
    except ValueError as error:
        cut = " (cut at max_tokens)" if reply.finish == "length" else ""
        return replace(reply, error=f"parse failure: {error}{cut}")


def parse(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in a reply: the whole of it, its one code fence, or its outermost braces.

    Raises
    ------
    ValueError
        When there is no JSON value, or it does not satisfy the schema.
    """
    fences = _FENCE.findall(text)
    candidates = [text, *(fences if len(fences) == 1 else [])]
    for opening, closing in ("{}", "[]"):
        first, last = text.find(opening), text.rfind(closing)
        if 0 <= first < last:
            candidates.append(text[first : last + 1])
    fault = "not JSON"
    for candidate in candidates:
        try:
            value = json.loads(candidate, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            continue
        wrong = _fault(value, schema)
        if wrong is None:
            return value
        if fault == "not JSON":
            fault = wrong
    raise ValueError(fault)


def _fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        best = best_match(_validator(canonical_json(schema)).iter_errors(value))
    except RecursionError:
        return "nested too deeply"
    except Unresolvable as error:
        raise InputError(f"A schema may only refer to itself, as in '#/$defs/name': {error}") from error
    return None if best is None else f"at {best.json_path}: {best.message}"[:_SHOWN]


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    import jsonschema
    from referencing import Registry

    # An empty registry: a reference to another address is an error, never a download.
    return jsonschema.Draft202012Validator(json.loads(schema), registry=Registry())


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
