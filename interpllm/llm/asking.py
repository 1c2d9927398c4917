"""Puts one call to a backend in the form that it understands, by what is known of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, LLMError
from interpllm.llm.base import LanguageModel, Reply, Request, estimate_tokens
from interpllm.llm.budget import Estimate, metered
from interpllm.llm.courier import Came, Courier, Failed, in_parts
from interpllm.llm.keys import canonical_json
from interpllm.llm.probe import Prober
from interpllm.llm.schema import JSON_OBJECT, in_words

_CHARACTERS = 400_000  # of text in one embedding call at most: servers bound the tokens of a call


class Asker:
    """The three verbs for one call's worth of items, sent by a courier."""

    def __init__(self, backend: LanguageModel, courier: Courier, prober: Prober) -> None:
        self.backend = backend
        self.courier = courier
        self.prober = prober
        # Schemas that this server, though it heeds schemas, does not take.
        self._untaken: set[str] = set()

    def complete(self, requests: Sequence[Request], stop: threading.Event) -> list[Reply]:
        """Replies as they were written; what could not be had has ``error`` set."""
        sent = [self._formed(request) for request in requests]
        replies = self._send(sent, stop)
        if not isinstance(replies, Failed):
            return replies
        error = replies.error
        one = requests[0]
        if len(requests) == 1 and sent[0].schema is not None and getattr(error, "status", None) in (400, 422):
            # Perhaps it is the schema that the server does not take; in words there is none to refuse.
            in_prompt = self._send([in_words(one)], stop)
            if not isinstance(in_prompt, Failed):
                self._untaken.add(canonical_json(one.schema))
                return in_prompt
        return [Reply(None, error=f"{type(error).__name__}: {error}")] * len(requests)

    def _formed(self, request: Request) -> Request:
        """The request with its schema where this backend heeds it: as such, as JSON mode or in the prompt."""
        if request.schema is None:
            return request
        support = getattr(self.backend, "schema_support", "prompt")
        if support == "native":
            return request
        if support == "prompt" or canonical_json(request.schema) in self._untaken:
            return in_words(request)
        if self.prober.finding("json_schema").works:
            return request
        if request.schema.get("type") == "object" and self.prober.finding("json_object").works:
            return replace(in_words(request), schema=JSON_OBJECT)
        return in_words(request)

    def _send(self, sent: list[Request], stop: threading.Event) -> list[Reply] | Failed:
        estimate = sum(map(self.courier.meter.estimate, sent), Estimate(items=0))

        def call() -> Came:
            replies = self.backend.complete(sent)
            tokens = [metered(request, reply) for request, reply in zip(sent, replies, strict=True)]
            return Came(list(replies), sum(t[0] for t in tokens), sum(t[1] for t in tokens), len(sent))

        return self.courier.try_send(estimate, call, stop)

    def score(
        self,
        prompts: Sequence[str],
        options: Sequence[str],
        stop: threading.Event,
        exact: bool,
        method: str | None,
    ) -> NDArray[np.float64] | Failed:
        """One row of log-probabilities a prompt, or why there is none.

        ``method`` is what `Prober.score_method` says.

        Raises
        ------
        CapabilityError
            When the backend cannot tell seams.
        InputError
            When ``exact``, and a seam does not match.
        """
        tokens = sum(estimate_tokens(prompt + option) for prompt in prompts for option in options)
        score_with: Any = getattr(self.backend, "score_with", None)
        score: Any = getattr(self.backend, "score_exact", None) if exact else self.backend.score
        if exact and (score is None if score_with is None else method != "logprobs_echo"):
            raise CapabilityError(
                f"{self.backend!r} does not tell the log-probability of every token of a text. Connect to a "
                "model in process, such as 'local', or to a server whose completions echo log-probabilities."
            )

        def call() -> Came:
            into, out = tokens, 0
            if score_with is not None:
                rows, into, out = score_with(method, prompts, options, exact)
            else:
                rows = np.asarray(score(prompts, options), dtype=np.float64)
            if rows.shape != (len(prompts), len(options)):
                raise LLMError(
                    f"{self.backend!r} returned scores of shape {rows.shape} for {len(prompts)} prompts and "
                    f"{len(options)} options; they cannot be used."
                )
            return Came(rows, into or tokens, out, len(prompts))

        return self.courier.try_send(Estimate(len(prompts), tokens), call, stop)

    def embed(self, texts: Sequence[str], template: str, stop: threading.Event) -> NDArray[np.float32]:
        """One vector a text, (n_texts, dim).

        Raises
        ------
        LLMError
            When any could not be had, or is not finite.
        """
        tokens = embedding_tokens(texts, template)

        def call() -> Came:
            used = 0
            if hasattr(self.backend, "metered_embed"):
                vectors, used = self.backend.metered_embed(texts, template)
            else:
                vectors = self.backend.embed(texts, template)
            vectors = np.ascontiguousarray(vectors, dtype=np.float32)
            if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
                raise LLMError(
                    f"{self.backend!r} returned vectors of shape {vectors.shape} for {len(texts)} texts, or "
                    "numbers that are not finite; they cannot be used."
                )
            return Came(vectors, used or tokens, 0, len(texts))

        return self.courier.send(Estimate(len(texts), tokens), call, stop)


def embedding_parts(
    backend: LanguageModel, keys: Sequence[bytes], length: Callable[[bytes], int]
) -> list[list[bytes]]:
    """Keys in the groups that a backend embeds them in; ``length`` says how long a key's text is."""
    size: Any = getattr(backend, "embed_batch_size", backend.batch_size)
    return in_parts(keys, length, int(size), _CHARACTERS)


def embedding_tokens(texts: Sequence[str], template: str) -> int:
    """About how many tokens it takes to embed some texts."""
    return sum(estimate_tokens(text) for text in texts) + len(texts) * estimate_tokens(template)
