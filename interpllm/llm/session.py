"""One door to a language model: unique requests, store, budget, threads, retries, ordered replies."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, InputError, LLMError, ReplayMiss
from interpllm.llm.asking import Asker
from interpllm.llm.base import LanguageModel, Reply, Request, Usage, fill
from interpllm.llm.budget import Budget, Prices
from interpllm.llm.courier import Courier, Failed, in_parts
from interpllm.llm.fetch import Flights
from interpllm.llm.keys import canonical_json, digest, embed_keys, embed_space, score_canonical
from interpllm.llm.schema import ask_again, check_schema, judge
from interpllm.llm.store import Store

T = TypeVar("T")
Mode = Literal["use", "refresh", "replay", "off"]
Progress = Callable[[int], object]

MODES = ("use", "refresh", "replay", "off")
MAX_REASKS = 2  # how often a model is shown its unusable JSON


class Session:
    """A language model behind a store, a budget and retries.

    Parameters
    ----------
    backend : LanguageModel
        What answers.
    store : Store or None
        Where replies are kept; None keeps nothing.
    mode : {"use", "refresh", "replay", "off"}
        "use": the store answers what it can. "refresh": this session asks everything anew, once, and
        replaces it in the store. "replay": nothing is ever sent. "off": the store is neither read nor
        written.
    budget : Budget or None
        Limits to stop at before the request that would go over.
    max_concurrency : int
        Requests to a server at the same time.
    max_retries : int
        Further tries of a request after the server was busy or broken.
    prices : Prices, {"input": ..., "output": ...} or None
        What a million tokens cost; needed for ``Budget(max_cost=...)``.
    backoff : float
        Seconds before the second try, doubled at each, with jitter.

    Raises
    ------
    InputError
        When a parameter cannot be used.

    Notes
    -----
    A session may be used from several threads; a request that is in flight is not sent twice. It pickles
    without open files, connections or keys. Copying it, as cloning an estimator does, gives the same
    session, so that a budget stays one budget.
    """

    def __init__(
        self,
        backend: LanguageModel,
        *,
        store: Store | None = None,
        mode: Mode = "use",
        budget: Budget | None = None,
        max_concurrency: int = 8,
        max_retries: int = 5,
        prices: Prices | Mapping[str, float] | None = None,
        backoff: float = 0.5,
    ) -> None:
        if mode not in MODES:
            raise InputError(f"mode must be one of {', '.join(MODES)}; got {mode!r}.")
        if mode == "replay" and store is None:
            raise InputError("mode='replay' needs a store to replay from: pass store= or cache=.")
        if max_concurrency < 1 or max_retries < 0:
            raise InputError("max_concurrency must be at least 1 and max_retries at least 0.")
        if budget is not None and budget.max_cost is not None and prices is None:
            raise InputError("Budget(max_cost=...) needs prices={'input': ..., 'output': ...}.")
        self.backend = backend
        self.store = None if mode == "off" else store
        self.mode: Mode = mode
        self.courier = Courier(budget, Prices.of(prices), max_concurrency, max_retries, backoff)
        self._refreshed: set[bytes] = set()
        self._begin()

    def _begin(self) -> None:
        self._flights = Flights()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_flights"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __copy__(self) -> Session:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return self

    def __repr__(self) -> str:
        return f"Session({self.backend!r}, store={self.store!r}, mode={self.mode!r})"

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store's file and the backend's connections; the next use opens them again."""
        if self.store is not None:
            self.store.close()
        close = getattr(self.backend, "close", None)
        if close is not None:
            close()

    # What it is ---------------------------------------------------------------------------------------

    @property
    def identity(self) -> Mapping[str, Any]:
        """What decides the answers: the model and where it runs, never a secret."""
        return self.backend.identity

    @property
    def capabilities(self) -> frozenset[str]:
        """The verbs that the backend has, as far as is known without asking it."""
        return frozenset(self.backend.capabilities)

    @property
    def usage(self) -> Usage:
        """What this session has used so far."""
        return self.courier.ledger.usage

    # Verbs --------------------------------------------------------------------------------------------

    def complete(
        self,
        requests: Sequence[str | Request],
        schema: Mapping[str, Any] | None = None,
        *,
        progress: Progress | None = None,
    ) -> list[Reply]:
        """One reply a request, in order.

        Parameters
        ----------
        requests : sequence of str or Request
            Prompts; equal ones are sent once.
        schema : mapping or None
            JSON schema for those requests that have none of their own. A reply that does not satisfy it is
            shown to the model again, at most twice.
        progress : callable or None
            Called with the number of requests done since the last call.

        Returns
        -------
        list of Reply
            Where there is no usable reply ``error`` says why, and the usage counts it; nothing is made up.

        Raises
        ------
        InputError, CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
            What concerns every request stops the call; the replies that came are in the store.
        """
        self._require("complete")
        asked = [_request(row, one, schema) for row, one in enumerate(_listed(requests, "requests"))]
        for one in {canonical_json(request.schema): request.schema for request in asked}.values():
            if one is not None:
                check_schema(one)
        replies: dict[int, Reply] = {}
        pending = dict(enumerate(asked))
        for round_ in range(1 + MAX_REASKS):
            if not pending:
                break
            # A re-asked request is a request like any other, with a key of its own: what a model made of
            # its own mistake is stored, and replayed, too.
            came = self._replies(list(pending.values()), progress if round_ == 0 else None)
            judged = {row: judge(reply, asked[row].schema) for row, reply in zip(pending, came, strict=True)}
            replies.update(judged)
            faulty = {row: reply for row, reply in judged.items() if _parse_failed(reply)}
            self.courier.ledger.count(parse_failures=len(faulty))
            pending = {row: ask_again(pending[row], reply) for row, reply in faulty.items()}
        self.courier.ledger.count(failures=sum(not reply.ok for reply in replies.values()))
        return [replies[row] for row in range(len(asked))]

    def score(
        self, prompts: Sequence[str], options: Sequence[str], *, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Log-probability of each option as the continuation of each prompt.

        Parameters
        ----------
        prompts : sequence of str
            Equal ones are scored once.
        options : sequence of str
            The continuations, the same for every prompt.
        progress : callable or None
            Called with the number of prompts done since the last call.

        Returns
        -------
        ndarray, (n_prompts, n_options)
            NaN where no log-probability could be had; the usage counts those rows as failures.

        Raises
        ------
        CapabilityError
            When the backend cannot, or its server returns no log-probabilities that can be trusted.
        InputError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
            As for `complete`.
        """
        self._require("score")
        prompts, options = _texts(prompts, "prompts"), _texts(options, "options")
        if not options or len(set(options)) < len(options):
            raise InputError("options must be at least one text, without repetition.")
        asked = [score_canonical(self.identity, prompt, options) for prompt in prompts]
        keys = [digest(request) for request in asked]
        of = dict(zip(keys, prompts, strict=True))
        canonical = dict(zip(keys, asked, strict=True))

        def ask(missing: Sequence[bytes], values: dict[bytes, Any]) -> None:
            def work(part: Sequence[bytes], stop: threading.Event) -> None:
                rows = self._asker.score([of[key] for key in part], options, stop)
                if isinstance(rows, Failed):
                    values.update((key, {"logprobs": [None] * len(options)}) for key in part)
                    return
                # JSON has no NaN; a missing log-probability is stored as null.
                kept = {key: {"logprobs": _finite(row)} for key, row in zip(part, rows, strict=True)}
                self._keep({key: (canonical[key], value) for key, value in kept.items()})
                values.update(kept)

            parts = in_parts(missing, lambda key: len(of[key]), self.backend.batch_size)
            self._spread(parts, work, progress)

        values = self._flights.fetch(of, self._finder(_find_replies, progress), ask)
        rows = [[math.nan if x is None else x for x in values[key]["logprobs"]] for key in keys]
        scores = np.array(rows, dtype=np.float64).reshape(len(prompts), len(options))
        self.courier.ledger.count(failures=int(np.isnan(scores).any(axis=1).sum()))
        return scores

    def embed(
        self, texts: Sequence[str], template: str = "{text}", *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """One vector a text, each distinct text embedded once.

        Parameters
        ----------
        texts : sequence of str
            What is put into the template.
        template : str
            What the model reads, with ``{text}`` where the text goes.
        progress : callable or None
            Called with the number of distinct texts done since the last call.

        Returns
        -------
        ndarray, (n_texts, dim)

        Raises
        ------
        InputError, CapabilityError, TransientError, RequestRefused, ConnectionFailed, BudgetExceeded,
        ReplayMiss, StoreError
            When any vector could not be had; those that came are in the store.
        """
        self._require("embed")
        texts = _texts(texts, "texts")
        fill(template, "")  # a template without a place for the text fails before anything is sent
        space = embed_space(self.identity, template)
        keys = embed_keys(self.identity, template, texts)
        of = dict(zip(keys, texts, strict=True))

        def ask(missing: Sequence[bytes], values: dict[bytes, Any]) -> None:
            def work(part: Sequence[bytes], stop: threading.Event) -> None:
                chunk = [of[key] for key in part]
                vectors = self._asker.embed(chunk, template, stop)
                if self.store is not None:
                    rows = zip(part, chunk, vectors, strict=True)
                    self.store.save_vectors(space, rows, replace=self.mode == "refresh")
                self._refreshed.update(part)
                values.update(zip(part, vectors, strict=True))

            parts = self._asker.embedding_parts(missing, lambda key: len(of[key]) + len(template))
            self._spread(parts, work, progress)

        values = self._flights.fetch(of, self._finder(_find_vectors, progress), ask)
        widths = {len(vector) for vector in values.values()}
        if len(widths) > 1:
            raise LLMError(
                f"{self.backend!r} gave vectors of {sorted(widths)} numbers for one model. If the model "
                "behind this name has changed, connect with mode='refresh'."
            )
        vectors = np.empty((len(texts), widths.pop() if widths else 0), dtype=np.float32)
        for row, key in enumerate(keys):
            vectors[row] = values[key]
        return vectors

    # Between the verbs and the backend ----------------------------------------------------------------

    @property
    def _asker(self) -> Asker:
        return Asker(self.backend, self.courier)

    def _replies(self, requests: list[Request], progress: Progress | None) -> list[Reply]:
        """Replies as they were written, not yet judged."""
        identity = self.identity
        asked = [request.canonical(identity) for request in requests]
        keys = [digest(request) for request in asked]
        of = dict(zip(keys, requests, strict=True))
        canonical = dict(zip(keys, asked, strict=True))

        def ask(missing: Sequence[bytes], values: dict[bytes, Any]) -> None:
            def work(part: Sequence[bytes], stop: threading.Event) -> None:
                replies = self._asker.complete([of[key] for key in part], stop)
                came = {key: reply for key, reply in zip(part, replies, strict=True) if reply.error is None}
                self._keep({key: (canonical[key], _to_json(reply)) for key, reply in came.items()})
                values.update(zip(part, replies, strict=True))

            parts = in_parts(missing, lambda key: _characters(of[key]), self.backend.batch_size)
            self._spread(parts, work, progress)

        values = self._flights.fetch(of, self._finder(_find_replies, progress), ask)
        came = (values[key] for key in keys)
        return [value if isinstance(value, Reply) else _from_json(value) for value in came]

    def _finder(
        self, find: Callable[[Store, Sequence[bytes]], dict[bytes, T]], progress: Progress | None
    ) -> Callable[[Sequence[bytes]], dict[bytes, T]]:
        """Looks keys up in the store as the mode says."""

        def look(keys: Sequence[bytes]) -> dict[bytes, T]:
            if self.store is None:
                return {}
            if self.mode == "refresh":
                keys = [key for key in keys if key in self._refreshed]
            found = find(self.store, keys)
            self.courier.ledger.count(cache_hits=len(found))
            if self.mode == "replay" and len(found) < len(keys):
                raise ReplayMiss(
                    f"{len(keys) - len(found)} of {len(keys)} requests have no reply in {self.store.path}, "
                    "and mode='replay' sends nothing. Run once with mode='use', or check that the model, its "
                    "address and every parameter are those of the run that filled the store."
                )
            if progress is not None and found:
                progress(len(found))
            return found

        return look

    def _keep(self, rows: Mapping[bytes, tuple[Mapping[str, Any], Any]]) -> None:
        if self.store is not None and rows:
            self.store.save(rows.values(), replace=self.mode == "refresh")
        self._refreshed.update(rows)

    def _spread(
        self,
        parts: Sequence[Sequence[bytes]],
        work: Callable[[Sequence[bytes], threading.Event], None],
        progress: Progress | None,
    ) -> None:
        self.courier.spread(parts, work, threads=self.backend.batch_size == 1, progress=progress)

    def _require(self, verb: str) -> None:
        if verb not in self.backend.capabilities:
            has = ", ".join(sorted(self.backend.capabilities)) or "nothing"
            raise CapabilityError(
                f"{self.backend!r} cannot {verb}; it can {has}. Connect to another model, such as 'local'."
            )


def _find_replies(store: Store, keys: Sequence[bytes]) -> dict[bytes, Any]:
    return store.find(keys)


def _find_vectors(store: Store, keys: Sequence[bytes]) -> dict[bytes, Any]:
    return store.find_vectors(keys)


def _parse_failed(reply: Reply) -> bool:
    return reply.error is not None and reply.error.startswith("parse failure")


def _to_json(reply: Reply) -> dict[str, Any]:
    """What is stored of a reply: what was written, never what was made of it."""
    return {
        "text": reply.text,
        "refusal": reply.refusal,
        "finish": reply.finish,
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
    }


def _from_json(value: Mapping[str, Any]) -> Reply:
    return Reply(value.get("text"), refusal=value.get("refusal"), finish=value.get("finish"), cached=True)


def _finite(row: Sequence[float]) -> list[float | None]:
    return [float(x) if math.isfinite(x) else None for x in row]


def _characters(request: Request) -> int:
    return sum(len(str(message.get("content", ""))) for message in request.messages)


def _listed(values: Any, name: str) -> list[Any]:
    if isinstance(values, str | Request):
        raise InputError(f"{name} must be a list; put a single one into a list: [{name[:-1]}].")
    return list(values)


def _texts(values: Any, name: str) -> list[str]:
    texts = _listed(values, name)
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{name}[{row}] must be a str; got {type(text).__name__}.")
    return texts


def _request(row: int, one: Any, schema: Mapping[str, Any] | None) -> Request:
    if not isinstance(one, str | Request):
        raise InputError(f"requests[{row}] must be a str or a Request; got {type(one).__name__}.")
    request = Request.of(one)
    if schema is None or request.schema is not None:
        return request
    return Request(request.messages, schema, request.params, request.sample, request.prompt_version)
