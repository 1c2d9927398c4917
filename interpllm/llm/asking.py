"""Puts one call to a backend in the form that it understands."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import LLMError
from interpllm.llm.base import LanguageModel, Reply, Request, estimate_tokens
from interpllm.llm.budget import Estimate, metered
from interpllm.llm.courier import Came, Courier, Failed, in_parts
from interpllm.llm.schema import in_words

_CHARACTERS = 400_000  # of text in one embedding call at most: servers bound the tokens of a call


class Asker:
    """The three verbs for one call's worth of items, sent by a courier."""

    def __init__(self, backend: LanguageModel, courier: Courier) -> None:
        self.backend = backend
        self.courier = courier

    def complete(self, requests: Sequence[Request], stop: threading.Event) -> Sequence[Reply]:
        """Replies as they were written; what could not be had has ``error`` set."""
        ledger = self.courier.ledger
        estimates = [ledger.estimate(request) for request in requests]
        estimate = Estimate(
            len(requests),
            sum(one.input_tokens for one in estimates),
            sum(one.output_tokens for one in estimates),
        )
        native = getattr(self.backend, "schema_support", "prompt") == "native"
        sent = list(requests) if native else [in_words(request) for request in requests]

        def call() -> Came:
            replies = self.backend.complete(sent)
            tokens = [metered(request, reply) for request, reply in zip(sent, replies, strict=True)]
            return Came(replies, sum(into for into, _ in tokens), sum(out for _, out in tokens), len(sent))

        replies = self.courier.try_send(estimate, call, stop)
        if isinstance(replies, Failed):
            return [Reply(None, error=f"{type(replies.error).__name__}: {replies.error}")] * len(requests)
        return list(replies)

    def score(
        self, prompts: Sequence[str], options: Sequence[str], stop: threading.Event
    ) -> NDArray[np.float64] | Failed:
        """One row of log-probabilities a prompt, or why there is none."""
        tokens = sum(estimate_tokens(prompt) * len(options) for prompt in prompts)

        def call() -> Came:
            rows = np.asarray(self.backend.score(prompts, options), dtype=np.float64)
            if rows.shape != (len(prompts), len(options)):
                raise LLMError(
                    f"{self.backend!r} returned scores of shape {rows.shape} for {len(prompts)} prompts and "
                    f"{len(options)} options; they cannot be used."
                )
            return Came(rows, tokens, 0, len(prompts))

        return self.courier.try_send(Estimate(len(prompts), tokens), call, stop)

    def embed(self, texts: Sequence[str], template: str, stop: threading.Event) -> NDArray[np.float32]:
        """One vector a text.

        Raises
        ------
        LLMError
            When any could not be had, or is not finite.
        """
        tokens = sum(estimate_tokens(text) + estimate_tokens(template) for text in texts)

        def call() -> Came:
            used = tokens
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
            return Came(vectors, used, 0, len(texts))

        return self.courier.send(Estimate(len(texts), tokens), call, stop)

    def embedding_parts(self, keys: Sequence[bytes], length: Callable[[bytes], int]) -> list[list[bytes]]:
        """Keys in the groups that they are embedded in."""
        size: Any = getattr(self.backend, "embed_batch_size", self.backend.batch_size)
        return in_parts(keys, length, int(size), _CHARACTERS)
