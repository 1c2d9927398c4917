"""Asking a language model again until there is enough, within bounds, and telling it what was set aside."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

import numpy as np

from interpllm.errors import InputError
from interpllm.llm import Plan, Reply, Request, Session, Usage

Item = TypeVar("Item")

PATIENCE = 2
"""After so many requests in a row that brought nothing no more are sent."""

LONGEST_SHOWN = 300
"""Characters of what was set aside, as reports and later prompts show it."""


@dataclass(frozen=True)
class Proposed(Generic[Item]):
    """What a language model proposed, and what became of the rest.

    Attributes
    ----------
    kept : tuple
        What can be used.
    rejected : tuple of (str, str)
        What was set aside, as it was written, and why.
    requests : int
        Requests, those that the store answered included.
    failures : tuple of str
        Why requests had no usable reply.
    usage : Usage
    """

    kept: tuple[Item, ...]
    rejected: tuple[tuple[str, str], ...] = ()
    requests: int = 0
    failures: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)


class Rejected(Exception):
    """Something that was proposed cannot be used; its message says why."""


#: Makes the request of a number for so many things, given those kept and those set aside.
Writer = Callable[[int, Sequence[Any], Sequence[tuple[str, str]], int], Request]


def sizes(n: int, per_request: int) -> list[int]:
    """How many things each request asks for if every reply is good."""
    return [min(per_request, n - start) for start in range(0, n, per_request)]


def ask_for(
    session: Session,
    n: int,
    write: Writer,
    read: Callable[[str], tuple[str, Item]],
    *,
    name: str,
    per_request: int,
    max_requests: int | None = None,
) -> Proposed[Item]:
    """Ask until there are enough, the bound is reached, or nothing new comes.

    Parameters
    ----------
    session : Session
        With the verb ``complete``.
    n : int
        Things wanted.
    write : callable
        ``write(how many, kept, rejected, number)`` makes the request of that number.
    read : callable
        From what was written to its key, equal for things that are the same, and the thing. Raises
        `Rejected`.
    name : str
        The field of a reply that lists what is proposed.
    per_request : int
        Things that are asked for in one request.
    max_requests : int, optional
        By default twice those that good replies take.

    Raises
    ------
    InputError
        When a number is not at least 1.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.complete`; replies that came are in the store.
    """
    most = 2 * math.ceil(n / per_request) if max_requests is None else max_requests
    check_counts(n=n, max_requests=most)
    before = replace(session.usage)
    kept: dict[str, Item] = {}
    rejected: list[tuple[str, str]] = []
    failures: list[str] = []
    sent = barren = 0
    while len(kept) < n and sent < most and barren < PATIENCE:
        request = write(min(per_request, n - len(kept)), [*kept.values()], rejected, sent)
        reply = session.complete([request])[0]
        sent += 1
        if reply.error is not None:
            failures.append(reply.error)
        had = len(kept)
        for written in _written(reply, name):
            try:
                key, item = read(written)
                if key in kept:
                    raise Rejected("there is such a one")
            except Rejected as why:
                rejected.append((written[:LONGEST_SHOWN], str(why)))
            else:
                if len(kept) < n:
                    kept[key] = item
        barren = 0 if len(kept) > had else barren + 1
    usage = session.usage - before
    return Proposed(tuple(kept.values()), tuple(rejected), sent, tuple(failures), usage)


def plan_for(session: Session, n: int, write: Writer, per_request: int) -> Plan:
    """What `ask_for` would send if every reply is good; sends nothing."""
    asked = sizes(n, per_request)
    return session.plan([write(size, [], [], number) for number, size in enumerate(asked)])


def list_schema(name: str, most: int) -> Mapping[str, Any]:
    """The schema of a reply that lists strings."""
    return {
        "type": "object",
        "properties": {name: {"type": "array", "maxItems": most, "items": {"type": "string"}}},
        "required": [name],
        "additionalProperties": False,
    }


def token_limit(session: Session, tokens: int) -> dict[str, Any]:
    """A model in process stops at few tokens unless told; a server is left its own limit."""
    return {} if session.backend.batch_size == 1 else {"max_tokens": tokens}


def listed(head: str, lines: Sequence[str]) -> str:
    """A list below its head; nothing without lines."""
    return "\n\n" + "\n".join([head, *(f"- {line}" for line in lines)]) if lines else ""


def quoted(text: str, most: int | None = None) -> str:
    """As a JSON string a text keeps its line breaks and cannot pass for a part of the prompt."""
    cut = text if most is None or len(text) <= most else text[:most] + " [...]"
    return json.dumps(cut, ensure_ascii=False)


def _written(reply: Reply, name: str) -> Iterator[str]:
    return (str(written).strip() for written in (reply.data[name] if reply.ok else []))


def check_counts(**counts: int) -> None:
    """Check that numbers are whole and at least 1; InputError names the first that is not."""
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} must be a whole number of at least 1; got {value!r:.80}.")
