"""What is asked of a language model, what comes back, and what a backend must do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Messages = tuple[Mapping[str, str], ...]


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
        Which of several independent samples of the same prompt this is.
    prompt_version : str
        Name and version of the prompt template that wrote the messages.
    """

    messages: Messages
    schema: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    sample: int = 0
    prompt_version: str = ""

    @classmethod
    def of(cls, prompt: str | Request, **fields: Any) -> Request:
        """A request from a user prompt; a request passes through unchanged."""
        if isinstance(prompt, Request):
            return prompt
        return cls(messages=({"role": "user", "content": prompt},), **fields)

    def canonical(self, identity: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that decides the reply, ready to be hashed by :func:`key`."""
        return {
            "verb": "complete",
            "model": dict(identity),
            "messages": [dict(message) for message in self.messages],
            "schema": self.schema,
            "params": dict(self.params),
            "sample": self.sample,
            "prompt_version": self.prompt_version,
        }


def key(canonical: Mapping[str, Any]) -> str:
    """sha256 of canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


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
        As metered by the backend (0 for a stored reply).
    cached : bool
        True when the store answered and nothing was sent.
    """

    text: str | None
    data: Any = None
    error: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cached: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a usable reply."""
        return self.error is None


@dataclass
class Usage:
    """What a session has used so far.

    ``requests`` counts what was really sent, retries included; ``cache_hits`` what the store answered;
    ``items`` the texts embedded or scored locally or remotely.
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


@runtime_checkable
class LanguageModel(Protocol):
    """What a backend implements: an identity and three verbs.

    ``identity`` holds what decides its answers (model name or sha256 of the weights, base URL, number
    format), never a secret. ``capabilities`` is the subset of {"complete", "score", "embed"} that it has;
    the other verbs raise `CapabilityError`. ``batch_size`` is how many items one call should be handed:
    1 for a server (calls then run in threads), many for a model in process (calls then run one by one).
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
