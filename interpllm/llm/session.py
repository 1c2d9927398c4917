"""One door to a language model: unique requests, store, budget, threads, retries, ordered replies."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, InputError, LLMError
from interpllm.llm.asking import Asker, embedding_parts
from interpllm.llm.base import LanguageModel, Reply, Request, Usage, fill
from interpllm.llm.budget import Budget, Prices
from interpllm.llm.courier import Courier, Failed, in_parts
from interpllm.llm.fetch import Fetcher
from interpllm.llm.findings import Findings
from interpllm.llm.inputs import options_of, requests_of, texts_of
from interpllm.llm.keys import digest, embed_keys, embed_space, score_canonical
from interpllm.llm.memory import MODES, Memory, Mode, Progress
from interpllm.llm.plan import Plan, Planner
from interpllm.llm.probe import FEATURES, Prober, ProbeResult, choose_model, probe
from interpllm.llm.schema import ask_again, judge
from interpllm.llm.store import Store

MAX_REASKS = 2  # how often a model is shown its unusable JSON


class Session(Findings):
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
        if not isinstance(budget, Budget | None):
            raise InputError(f"budget must be a Budget, such as Budget(max_requests=100); got {budget!r}.")
        if budget is not None and budget.max_cost is not None and prices is None:
            raise InputError("Budget(max_cost=...) needs prices={'input': ..., 'output': ...}.")
        self.backend = backend
        self.memory = Memory(store, mode)
        self.courier = Courier(budget, Prices.of(prices), max_concurrency, max_retries, backoff)
        self.courier.replaying = mode == "replay"
        self._begin()

    def _begin(self) -> None:
        self._fetcher = Fetcher(self.backend, self.courier, self.memory)
        self._prober = Prober(self.backend, self.courier, self.memory)
        self._asker = Asker(self.backend, self.courier, self._prober)

    def __getstate__(self) -> dict[str, Any]:
        return {"backend": self.backend, "memory": self.memory, "courier": self.courier}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __copy__(self) -> Session:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Session:
        return self

    def __repr__(self) -> str:
        return f"Session({self.backend!r}, store={self.store!r}, mode={self.memory.mode!r})"

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
        """What decides the answers: the model and where it runs, never a secret.

        Raises
        ------
        CapabilityError
            When no model was named and the server serves none, or several.
        """
        if getattr(self.backend, "model", "") is None:
            choose_model(self.backend, self.courier, self.memory)
        return self.backend.identity

    @property
    def capabilities(self) -> frozenset[str]:
        """The verbs that the backend has, less those that it was found not to have; asks nothing."""
        verbs = set(self.backend.capabilities)
        if getattr(self.backend, "schema_support", "") == "probe":
            for verb, ways in {"score": ("logprobs_echo", "logprobs_chat"), "embed": ("embed",)}.items():
                found = [self._prober.known(way) for way in ways]
                if all(one is not None and not one.works for one in found):
                    verbs.discard(verb)
        return frozenset(verbs)

    @property
    def store(self) -> Store | None:
        """Where replies are kept."""
        return self.memory.store

    @property
    def usage(self) -> Usage:
        """What this session has used so far."""
        return self.courier.meter.usage

    def probe(self, features: Sequence[str] = FEATURES) -> ProbeResult:
        """Find out what the backend really does; what was found out before is not asked again.

        Parameters
        ----------
        features : sequence of str
            Some of `interpllm.llm.probe.FEATURES`.

        Raises
        ------
        ConnectionFailed, RequestRefused, BudgetExceeded
            When the endpoint cannot be asked at all.
        """
        self.identity  # noqa: B018 - chooses the model where none was named
        return probe(self._prober, features)

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
            Called with the number of distinct requests done since the last call.

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
        asked = requests_of(requests, schema)
        identity = self.identity
        keys = [digest(request.canonical(identity)) for request in asked]
        distinct = dict(zip(keys, asked, strict=True))
        replies: dict[bytes, Reply] = {}
        pending = distinct
        for trial in range(1 + MAX_REASKS):
            if not pending:
                break
            # A re-asked request is a request like any other, with a key of its own: what a model made of
            # its own mistake is stored, and replayed, too.
            came = self._replies(list(pending.values()), progress if trial == 0 else None)
            judged = {
                key: judge(reply, distinct[key].schema) for key, reply in zip(pending, came, strict=True)
            }
            replies.update(judged)
            faulty = {key: reply for key, reply in judged.items() if _parse_failed(reply)}
            self.courier.meter.count(parse_failures=len(faulty))
            pending = {key: ask_again(pending[key], reply) for key, reply in faulty.items()}
        self.courier.meter.count(failures=sum(not reply.ok for reply in replies.values()))
        return [replies[key] for key in keys]

    def score(
        self,
        prompts: Sequence[str],
        options: Sequence[str],
        *,
        exact: bool = False,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Log-probability of each option as the continuation of each prompt.

        Parameters
        ----------
        prompts : sequence of str
            Equal ones are scored once.
        options : sequence of str
            The continuations, the same for every prompt.
        exact : bool
            Score the very tokens of an option, the same after every prompt. Where a prompt's end and an
            option's start would make one token, nothing is scored and the seam is named. Without it such
            a token counts with the option, which is right for comparing options and wrong for comparing
            prompts.
        progress : callable or None
            Called with the number of distinct prompts done since the last call.

        Returns
        -------
        ndarray, (n_prompts, n_options)
            NaN where no log-probability could be had; the usage counts those prompts as failures.

        Raises
        ------
        CapabilityError
            When the backend cannot, or its server returns no log-probabilities that can be trusted.
        InputError
            When a seam does not match, and as for `complete`.
        RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
            As for `complete`.
        """
        self._require("score")
        prompts, options = texts_of(prompts, "prompts"), options_of(options)
        identity = self.identity
        # Chosen for all prompts together: rows of two measures are not to stand in one matrix.
        method = self._prober.score_method() if prompts else None
        canonical = {text: score_canonical(identity, text, options, exact, method) for text in prompts}
        of = {digest(asked): text for text, asked in canonical.items()}

        def work(part: Sequence[bytes], stop: threading.Event) -> dict[bytes, Any]:
            rows = self._asker.score([of[key] for key in part], options, stop, exact, method)
            if isinstance(rows, Failed):
                return {key: [None] * len(options) for key in part}
            # JSON has no NaN; a missing log-probability is stored as null.
            listed = [[float(x) if math.isfinite(x) else None for x in row] for row in rows]
            kept = dict(zip(part, listed, strict=True))
            # A server that sent no log-probability may send some the next time; a model in process will not.
            lasting = [method is None or not np.isnan(row).all() for row in rows]
            self.memory.keep({key: (canonical[of[key]], kept[key]) for key in compress(part, lasting)})
            return kept

        def split(missing: Sequence[bytes]) -> list[list[bytes]]:
            return in_parts(missing, lambda key: len(of[key]), self.backend.batch_size)

        found = self._fetcher.fetch("score", of, self.memory.find, split, work, progress)
        by_text = {of[key]: [math.nan if x is None else x for x in row] for key, row in found.items()}
        self.courier.meter.count(failures=sum(any(map(math.isnan, row)) for row in by_text.values()))
        rows = [by_text[text] for text in prompts]
        return np.array(rows, dtype=np.float64).reshape(len(prompts), len(options))

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
        texts = texts_of(texts, "texts")
        fill(template, "")  # a template without a place for the text fails before anything is sent
        space = embed_space(self.identity, template)
        keys = embed_keys(self.identity, template, texts)
        of = dict(zip(keys, texts, strict=True))

        def work(part: Sequence[bytes], stop: threading.Event) -> dict[bytes, Any]:
            chunk = [of[key] for key in part]
            vectors = self._asker.embed(chunk, template, stop)
            self.memory.keep_vectors(space, part, chunk, vectors)
            return dict(zip(part, vectors, strict=True))

        def split(missing: Sequence[bytes]) -> list[list[bytes]]:
            return embedding_parts(self.backend, missing, lambda key: len(of[key]) + len(template))

        values = self._fetcher.fetch("embed", of, self.memory.find_vectors, split, work, progress)
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

    # Before anything is spent -------------------------------------------------------------------------

    def plan(
        self,
        requests: Sequence[str | Request] = (),
        schema: Mapping[str, Any] | None = None,
        *,
        prompts: Sequence[str] = (),
        options: Sequence[str] = (),
        exact: bool = False,
        texts: Sequence[str] = (),
        template: str = "{text}",
    ) -> Plan:
        """What the verbs would still have to send, and about what that takes; sends nothing.

        Parameters
        ----------
        requests, schema
            As for `complete`.
        prompts, options, exact
            As for `score`.
        texts, template
            As for `embed`.

        Returns
        -------
        Plan
            Of the three together.

        Raises
        ------
        InputError
            When the verbs would raise it.
        """
        planner = self._planner()
        plan = planner.complete(requests_of(requests, schema))
        if prompts:
            plan += planner.score(texts_of(prompts, "prompts"), options_of(options), exact)
        return plan + planner.embed(texts_of(texts, "texts"), template)

    def unscored(self, prompts: Sequence[str], options: Sequence[str]) -> list[str]:
        """Those prompts that `score` would still have to send, each once; sends nothing.

        Parameters
        ----------
        prompts, options : sequence of str
            As for `score`.
        """
        return self._planner().unscored(texts_of(prompts, "prompts"), options_of(options))

    def _planner(self) -> Planner:
        self.identity  # noqa: B018 - chooses the model where none was named
        return Planner(self.backend, self.courier, self.memory, self._prober)

    # Between the verbs and the backend ----------------------------------------------------------------

    def _replies(self, requests: list[Request], progress: Progress | None) -> list[Reply]:
        """Replies as they were written, not yet judged."""
        identity = self.identity
        canonical = [request.canonical(identity) for request in requests]
        keys = [digest(asked) for asked in canonical]
        of = dict(zip(keys, zip(requests, canonical, strict=True), strict=True))

        def work(part: Sequence[bytes], stop: threading.Event) -> dict[bytes, Any]:
            replies = self._asker.complete([of[key][0] for key in part], stop)
            came = dict(zip(part, replies, strict=True))
            self.memory.keep({k: (of[k][1], reply.stored()) for k, reply in came.items() if reply.ok})
            return came

        def split(missing: Sequence[bytes]) -> list[list[bytes]]:
            return in_parts(missing, lambda key: of[key][0].characters, self.backend.batch_size)

        values = self._fetcher.fetch("complete", of, self.memory.find, split, work, progress)
        came = (values[key] for key in keys)
        return [value if isinstance(value, Reply) else Reply.from_stored(value) for value in came]

    def _require(self, verb: str) -> None:
        if verb not in self.backend.capabilities:
            has = ", ".join(sorted(self.backend.capabilities)) or "nothing"
            raise CapabilityError(
                f"{self.backend!r} cannot {verb}; it can {has}. Connect to another model, such as 'local'."
            )


def _parse_failed(reply: Reply) -> bool:
    return reply.error is not None and reply.error.startswith("parse failure")
