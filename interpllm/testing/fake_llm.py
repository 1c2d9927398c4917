"""A language model that is none: planted answers, fixed vectors, and every fault a server can have."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import ConnectionFailed, InputError, RequestRefused, TransientError
from interpllm.llm.base import Reply, Request, estimate_tokens, fill
from interpllm.llm.logprobs import merged_seam
from interpllm.llm.schema import out_of_words
from interpllm.testing.faults import Fault, Faults

Answers = Mapping[str, Any] | Callable[[Request], Any] | None
Scores = Mapping[tuple[str, str], float] | Callable[[str, str], float] | None
Vectors = Mapping[str, Sequence[float]] | Callable[[str], Sequence[float]] | None

_TOKEN = re.compile(r"\s*[^\s]+|\s+")
_ANONYMOUS = itertools.count()


class FakeLLM:
    """A deterministic stand-in for a language model, in process or as an HTTP server on this machine.

    What it answers depends on what it is asked and on nothing else, so that a test can plant what it needs
    and count what was sent.

    Parameters
    ----------
    answers : mapping, callable or None
        Prompt (content of the last message) -> answer, or a function of the `Request`. An answer is a str
        (sent as it is), another JSON value (sent as JSON), or a `Reply`. What is not planted is answered by
        a fixed rule: a short text, or the smallest value that satisfies the schema.
    scores : mapping, callable or None
        (prompt, option) -> log-probability. By default shorter options are likelier. As a server it knows
        no options, only tokens (words): a function is then called with what stands before a word and it.
    vectors : mapping, callable or None
        Text (put into its template) -> vector. By default the direction is drawn from the text's sha256.
    dim : int
        Length of the vectors that are not planted.
    faults : sequence of Fault
        What goes wrong, and when; see `Fault`.
    seed : int
        Of the vectors and of faults with a probability.
    batch_size : int
        Items handed over in one call; 1 makes a session call it from threads, as it does a server.
    latency : float
        Seconds that each call takes.
    name : str or None
        Its name, part of every store key. By default it is made from what is planted (and differs in each
        object where that is a function), so that no other fake's stored answers are taken for its own.

    Attributes
    ----------
    received : Counter
        Calls by verb ("complete", "score", "embed"), those that met a fault included. As a server,
        "models" too.
    prompts, texts : list of str
        What was asked and embedded, in order of arrival.
    headers : dict
        As a server: the headers of the latest call.
    """

    def __init__(
        self,
        answers: Answers = None,
        *,
        scores: Scores = None,
        vectors: Vectors = None,
        dim: int = 8,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        batch_size: int = 1,
        latency: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.answers = answers
        self.scores = scores
        self.vectors = vectors
        self.dim = dim
        self.faults = Faults(faults, seed)
        self.seed = seed
        self.batch_size = batch_size
        self.latency = latency
        self.name = name or _name_of([answers, scores, vectors], dim, seed)
        self.schema_support = "native"
        self.received: Counter[str] = Counter()
        self.prompts: list[str] = []
        self.texts: list[str] = []
        self.headers: dict[str, str] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FakeLLM({self.name!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> FakeLLM:
        return self  # the outside world is not copied with the estimator that talks to it

    # The protocol -------------------------------------------------------------------------------------

    @property
    def identity(self) -> Mapping[str, Any]:
        """Its name."""
        return {"model": self.name}

    @property
    def capabilities(self) -> frozenset[str]:
        """All three verbs."""
        return frozenset({"complete", "score", "embed"})

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """One planted reply a request, in order."""
        fault = self.receive("complete", prompts=[prompt_of(request) for request in requests])
        _raise_in_process(fault)
        return [self.answer(request, fault) for request in requests]

    def score(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """The planted log-probabilities, (n_prompts, n_options)."""
        _raise_in_process(self.receive("score", prompts=prompts))
        return np.array([[self.log_probability(p, o) for o in options] for p in prompts], dtype=np.float64)

    def score_exact(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """As `score`; a seam in the midst of one of its tokens, words with the space before, is refused."""
        for prompt in prompts:
            for option in options:
                if tokens_of(prompt) + tokens_of(option) != tokens_of(prompt + option):
                    raise merged_seam(prompt, option)
        return self.score(prompts, options)

    def embed(self, texts: Sequence[str], template: str = "{text}") -> NDArray[np.float32]:
        """The planted vectors, (n_texts, dim)."""
        filled = [fill(template, text) for text in texts]
        _raise_in_process(self.receive("embed", texts=filled))
        return np.array([self.vector(text) for text in filled], dtype=np.float32)

    # What it answers ----------------------------------------------------------------------------------

    def receive(self, verb: str, prompts: Sequence[str] = (), texts: Sequence[str] = ()) -> Fault | None:
        """Count one call, take its time, and say which fault it meets."""
        with self._lock:
            self.received[verb] += 1
            self.prompts.extend(prompts)
            self.texts.extend(texts)
            fault = self.faults.next(verb)
        if self.latency:
            time.sleep(self.latency)
        return fault

    def answer(self, request: Request, fault: Fault | None = None) -> Reply:
        """The reply to a request, spoilt by the fault where it concerns the words."""
        kind = fault.kind if fault else None
        prompt, told = out_of_words(prompt_of(request))
        schema = told or request.schema
        if kind == "refusal":
            return self._reply(request, Reply(None, refusal="I cannot help with that.", finish="stop"))
        answer = self._planted(request)
        if isinstance(answer, Reply):
            return self._reply(request, answer)
        # What a server ignores is the schema beside the prompt; the model still reads one that is in it.
        if kind == "ignored_schema" and told is None and request.schema is not None:
            answer = answer if isinstance(answer, str) else f"You asked: {prompt}"
        if answer is None:
            answer = f"You asked: {prompt}" if schema is None else json.dumps(smallest(schema))
        text = answer if isinstance(answer, str) else json.dumps(answer)
        if kind == "bad_json" and schema is not None:
            text = '{"unfinished": ' + text[: len(text) // 2]
        return self._reply(request, Reply(text, finish="stop"))

    def _planted(self, request: Request) -> Any:
        if callable(self.answers):
            return self.answers(request)
        for message in reversed(request.messages):  # a re-asked request still asks what it asked at first
            said = out_of_words(str(message.get("content") or ""))[0]
            if self.answers is not None and said in self.answers:
                return self.answers[said]
        return None

    def log_probability(self, prompt: str, option: str) -> float:
        """The planted log-probability of an option, or one that falls with its length."""
        if callable(self.scores):
            return float(self.scores(prompt, option))
        if self.scores is not None and (prompt, option) in self.scores:
            return float(self.scores[prompt, option])
        return -0.5 * len(option) - 0.4 * self._unit(f"{prompt}\0{option}")

    def vector(self, text: str) -> list[float]:
        """The planted vector of a text, or a unit vector drawn from its sha256."""
        planted = self.vectors(text) if callable(self.vectors) else (self.vectors or {}).get(text)
        if planted is not None:
            return [float(x) for x in planted]
        said = f"{self.seed}\0{text}".encode("utf-8", "surrogatepass")
        drawn = np.frombuffer(hashlib.shake_256(said).digest(4 * self.dim), dtype="<u4") / 2**32 - 0.5
        return [float(x) for x in drawn / np.linalg.norm(drawn)]

    def _unit(self, text: str) -> float:
        """A number in [0, 1) that is the text's own."""
        found = hashlib.sha256(f"{self.seed}\0{text}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(found[:6], "big") / 2**48

    def _reply(self, request: Request, reply: Reply) -> Reply:
        if reply.input_tokens or reply.output_tokens:
            return reply
        into = sum(estimate_tokens(str(message.get("content") or "")) for message in request.messages)
        out = estimate_tokens(reply.text or reply.refusal or "")
        return Reply(reply.text, None, reply.error, into, out, False, reply.refusal, reply.finish)

    # As a server --------------------------------------------------------------------------------------

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[str]:
        """Serve the OpenAI dialect on 127.0.0.1 while the context lasts; its value is the ``.../v1`` address.

        Parameters
        ----------
        port : int
            0 takes a free one.
        """
        from interpllm.testing.fake_server import FakeServer

        server = FakeServer(self, port)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def prompt_of(request: Request) -> str:
    """What the last message of a request says."""
    return str(request.messages[-1].get("content") or "")


def tokens_of(text: str) -> list[str]:
    """The text cut before each run of white space: what the fake takes for its tokens."""
    return _TOKEN.findall(text)


def smallest(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """A small value that satisfies a simple schema; ``root`` is what its "#/$defs/..." refer to."""
    root = schema if root is None else root
    if "$ref" in schema:
        return smallest(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return smallest(schema[word][0], root)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        fields = schema.get("properties", {})
        return {name: smallest(fields[name], root) for name in schema.get("required", list(fields))}
    if kind == "array":
        return [smallest(schema.get("items", {}), root)] * int(schema.get("minItems", 0))
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return {"boolean": False, "null": None, "string": "x" * max(1, int(schema.get("minLength", 1)))}[kind]


def _name_of(planted: list[Any], dim: int, seed: int) -> str:
    if any(callable(one) for one in planted):
        return f"fake-{time.time_ns():x}-{next(_ANONYMOUS)}"
    shown = repr([sorted(map(repr, one.items())) if one is not None else None for one in planted])
    return "fake-" + hashlib.sha256(f"{shown}{dim}{seed}".encode()).hexdigest()[:12]


def _raise_in_process(fault: Fault | None) -> None:
    """What a session would be told of a server's fault."""
    if fault is None:
        return
    if fault.kind == "429":
        raise TransientError("429 from FakeLLM: too many requests", retry_after=fault.seconds)
    if fault.kind == "500":
        raise TransientError("500 from FakeLLM: the server is broken")
    if fault.kind == "hang":
        time.sleep(fault.seconds or 0.0)
        raise TransientError("FakeLLM was silent for too long")
    if fault.kind in ("cut", "broken_body"):
        raise TransientError("FakeLLM cut the connection")
    if fault.kind == "unreachable":
        raise ConnectionFailed("FakeLLM cannot be reached")
    if fault.kind in ("400", "401", "403", "404"):
        raise RequestRefused(f"{fault.kind} from FakeLLM", status=int(fault.kind))
    if fault.kind == "ignored_logprobs":
        raise InputError("A FakeLLM in process has no log-probabilities to ignore; use serve().")
