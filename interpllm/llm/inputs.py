"""What callers hand to a session, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from interpllm.errors import InputError
from interpllm.llm.base import Request
from interpllm.llm.keys import canonical_json
from interpllm.llm.schema import check_schema


def texts_of(values: Any, name: str) -> list[str]:
    """The values as a list of str.

    Raises
    ------
    InputError
        Naming the first that is none.
    """
    texts = _listed(values, name)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{name}[{row}] must be a str; got {type(text).__name__}.")
    return texts


def options_of(values: Any) -> list[str]:
    """The options of `Session.score`: at least one text, without repetition.

    Raises
    ------
    InputError
        When there is none, one is no str, or two are the same.
    """
    options = texts_of(values, "options")
    if not options or len(set(options)) < len(options):
        raise InputError("options must be at least one text, without repetition.")
    return options


def requests_of(values: Any, schema: Mapping[str, Any] | None) -> list[Request]:
    """The values as requests, with the schema where they have none of their own.

    Raises
    ------
    InputError
        Naming the first that is neither str nor `Request`, or what is wrong with a schema.
    """
    requests = []
    for row, value in enumerate(_listed(values, "requests")):
        if not isinstance(value, str | Request):
            raise InputError(f"requests[{row}] must be a str or a Request; got {type(value).__name__}.")
        request = Request.of(value)
        if not request.messages:
            raise InputError(f"requests[{row}] has no message.")
        requests.append(request if request.schema is not None else replace(request, schema=schema))
    # One schema usually serves all requests: check it once.
    by_identity = {id(request.schema): request.schema for request in requests if request.schema is not None}
    for one in {canonical_json(one): one for one in by_identity.values()}.values():
        check_schema(one)
    return requests


def _listed(values: Any, name: str) -> list[Any]:
    if isinstance(values, str | Request):
        raise InputError(f"{name} must be a list; put a single one into a list.")
    return list(values)
