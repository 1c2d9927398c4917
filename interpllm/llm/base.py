"""What is asked of a language model, what comes back, and what a backend must do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from inspect import getattr_static
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError

Messages = tuple[Mapping[str, str], ...]

# What the door itself decides, and what must never be written into a store.
_RESERVED = frozenset({"messages", "model", "n", "response_format", "stream"})
_SECRET = re.compile(
    r"access[-_]?token|api[-_]?key|authorization|bearer|headers|password|secret", re.IGNORECASE
)


@dataclass(frozen=True)
class Request:
    """One question to a language model: plain data, so that it can be stored, counted and replayed.

    Parameters
    ----------
    messages : tuple of {"role": ..., "content": ...}
        The conversation to be continued.
    schema : mapping or None
        JSON schema that the reply must satisfy; None asks for plain text.
    params : mapping
        Sampling parameters that were set (``temperature``, ``max_tokens``, ``seed``, ``stop``, ...);
        what is not set is not sent.
    sample : int
        Which of several independent samples of the same prompt this is. Where ``params`` holds a
        ``seed``, a server is sent ``seed + sample``, or every sample would be the same.
    prompt_version : str
        Name and version of the prompt template that wrote the messages.
    expected_tokens : int
        Output tokens of a usable reply where its form is known, for plans and budgets; 0 where it is not. It
        decides no reply, so it is part of no key.

    Raises
    ------
    InputError
        When ``params`` holds something that is not a sampling parameter (the model, or at any depth a key).
    """

    messages: Messages
    schema: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    sample: int = 0
    prompt_version: str = ""
    expected_tokens: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        for name in _names(self.params):
            if (name in _RESERVED and name in self.params) or _SECRET.search(name):
                raise InputError(
                    f"{name!r} is not a sampling parameter. The model and the key belong to connect(), "
                    "the schema to schema=, further samples to sample=."
                )

    @classmethod
    def of(cls, prompt: str | Request, **fields: Any) -> Request:
        """A request from a user prompt; a request passes through unchanged."""
        if isinstance(prompt, Request):
            return prompt
        return cls(messages=({"role": "user", "content": prompt},), **fields)

    @property
    def characters(self) -> int:
        """How long the messages are together."""
        return sum(len(str(message.get("content") or "")) for message in self.messages)

    def canonical(self, identity: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that decides the reply, ready to be hashed by `interpllm.llm.keys.key`."""
        return {
            "verb": "complete",
            "model": dict(identity),
            "messages": [dict(message) for message in self.messages],
            "schema": self.schema,
            "params": dict(self.params),
            "sample": self.sample,
            "prompt_version": self.prompt_version,
        }


def _names(value: Any) -> Iterator[str]:
    """Names of the members of all objects in a JSON value."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield str(name)
            yield from _names(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _names(one)


def fill(template: str, text: str) -> str:
    """The template with the text in place of ``{text}``; other braces stay as they are.

    Raises
    ------
    InputError
        When the template has no ``{text}``.
    """
    if "{text}" not in template:
        raise InputError(f"A template must say where the text goes with {{text}}, but got {template!r}.")
    return template.replace("{text}", text)


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has: four bytes a token, which is on the high side for English."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


@dataclass(frozen=True)
class Reply:
    """What came back for one request.

    Parameters
    ----------
    text : str or None
        The reply as written; None when every try failed.
    data : Any
        The validated JSON value when a schema was asked for, else None.
    error : str or None
        Why there is no usable reply; None when there is one.
    input_tokens, output_tokens : int
        As metered by the backend (0 for a stored reply, and where the backend does not meter).
    cached : bool
        True when the store answered and nothing was sent.
    refusal : str or None
        The words in which the model declined, where the server marks a refusal as such.
    finish : str or None
        Why the reply ended ("stop", "length", ...), where the backend says so.
    """

    text: str | None
    data: Any = None
    error: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached: bool = False
    refusal: str | None = None
    finish: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a usable reply."""
        return self.error is None

    def stored(self) -> dict[str, Any]:
        """What is stored of a reply: what was written, never what was made of it."""
        names = ("text", "refusal", "finish", "input_tokens", "output_tokens")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_stored(cls, value: Mapping[str, Any]) -> Reply:
        """The reply as it was written; its tokens were paid for when it was stored."""
        return cls(value.get("text"), refusal=value.get("refusal"), finish=value.get("finish"), cached=True)


@dataclass
class Usage:
    """What a session has used so far.

    Parameters
    ----------
    requests : int
        Calls that were really sent, retries included; a batch handed to a model in process is one.
    items : int
        Prompts answered, texts embedded or prompts scored by the backend.
    input_tokens, output_tokens : int
        As metered by the backend; estimated at four bytes a token where it does not meter.
    cache_hits : int
        Prompts and texts that the store answered.
    retries : int
        Calls sent again after a busy or broken server.
    parse_failures : int
        Replies that did not satisfy their schema, stored ones included.
    failures : int
        Requests without a usable reply after every try, stored refusals included.
    cost : float
        In the currency of the prices; 0 where no prices were given.
    """

    requests: int = 0
    items: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_hits: int = 0
    retries: int = 0
    parse_failures: int = 0
    failures: int = 0
    cost: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __sub__(self, earlier: Usage) -> Usage:
        """What was used since an earlier copy (``dataclasses.replace(session.usage)``)."""
        return Usage(**{f.name: getattr(self, f.name) - getattr(earlier, f.name) for f in fields(self)})


@runtime_checkable
class LanguageModel(Protocol):
    """What a backend implements: an identity and three verbs.

    ``identity`` holds what decides its answers (model name or sha256 of the weights, base URL, number
    format), never a secret. ``capabilities`` is the subset of {"complete", "score", "embed"} that it has;
    the other verbs raise `CapabilityError`. ``batch_size`` is how many items one call should be handed:
    1 for a server (calls then run in threads), many for a model in process (calls then run one by one).

    A backend raises `TransientError` or `ConnectionFailed` for what another try may mend and
    `RequestRefused` for what it may not; it never tries again by itself.

    Five attributes are optional: ``schema_support`` says what becomes of ``Request.schema``
    ("native": the backend honours it; "prompt", the default: the session writes the schema into the
    prompt; "probe": find out by asking), ``embed_batch_size`` replaces ``batch_size`` for ``embed``,
    ``metered_embed(texts, template) -> (vectors, input_tokens)`` replaces ``embed`` where tokens are counted,
    ``score_exact(prompts, options)`` is ``score`` that refuses, with an `InputError`, a prompt's end that
    makes a token with an option's start, and ``conversation(messages)`` is the text that the model reads of a
    conversation that waits for its turn, so that replies can be scored.
    Whatever the support, the session validates every reply itself.
    """

    @property
    def identity(self) -> Mapping[str, Any]: ...

    @property
    def capabilities(self) -> frozenset[str]: ...

    @property
    def batch_size(self) -> int: ...

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order."""
        ...

    def score(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """Log-probability of each option as the continuation of each prompt, (n_prompts, n_options)."""
        ...

    def embed(self, texts: Sequence[str], template: str = "{text}") -> NDArray[np.float32]:
        """One vector a text, the text put into the template, (n_texts, dim)."""
        ...


def lacking(value: object) -> list[str]:
    """What an object lacks of that which `LanguageModel` names.

    Unlike ``isinstance`` before Python 3.12 it computes no property: an identity may take the weights to be
    read.
    """
    missing = object()
    names = (name for name in vars(LanguageModel) if not name.startswith("_"))
    return [
        name for name in names if getattr_static(value, name, missing) is missing and not hasattr(value, name)
    ]
