"""What can this endpoint really do? A few small requests find out; nobody's word is taken for it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from interpllm.errors import (
    BudgetExceeded,
    CapabilityError,
    ConnectionFailed,
    InputError,
    ReplayMiss,
    RequestRefused,
    TransientError,
)
from interpllm.llm.base import LanguageModel, Reply, Request
from interpllm.llm.budget import Estimate, metered
from interpllm.llm.calls import Patience
from interpllm.llm.courier import Came, Courier
from interpllm.llm.memory import Memory
from interpllm.llm.schema import JSON_OBJECT, judge

VERSION = 2  # raised when a question changes, so that older verdicts are not taken for answers to it
FEATURES = ("complete", "json_schema", "json_object", "logprobs_echo", "logprobs_chat", "embed")

# The prompts ask for prose; only a server that heeds the format replies in it. JSON mode demands that the
# word JSON is said.
_PROSE = "Describe the sea in one short sentence of plain English."
_SCHEMA = {
    "type": "object",
    "properties": {"sea_state": {"type": "string", "enum": ["calm", "rough"]}},
    "required": ["sea_state"],
    "additionalProperties": False,
}
_JSON = f'{_PROSE} (Only if you are made to write JSON, use the key "sea".)'
_MAX_TOKENS = 32  # enough for the JSON value
_FACT = "The capital of France is"
_QUESTION = "What is the capital of France? Answer with one word, Paris or xylophone."
_LIKELY, _UNLIKELY = " Paris", " xylophone"
_ROUNDING = 1e-6  # by which a log-probability may be above 0


@dataclass(frozen=True)
class Finding:
    """What was found out about one feature.

    Parameters
    ----------
    feature : str
        One of `FEATURES`.
    verdict : str
        "works"; "ignored" (the server said yes and did not do it); "untrusted" (log-probabilities that
        cannot be right); "refused" (the server says no); "broken" (the server failed at it, or sent nothing).
    detail : str
        What was seen.
    seconds : float
        How long the request took.
    output_tokens : int
        Tokens of the reply.
    """

    feature: str
    verdict: str
    detail: str
    seconds: float = 0.0
    output_tokens: int = 0

    @property
    def works(self) -> bool:
        """Whether the feature may be relied on."""
        return self.verdict == "works"


@dataclass(frozen=True)
class ProbeResult:
    """What an endpoint can do, as data.

    Parameters
    ----------
    identity : dict
        Of the model that was asked.
    findings : tuple of Finding
        One a feature.
    """

    identity: dict[str, Any]
    findings: tuple[Finding, ...]

    def __getitem__(self, feature: str) -> Finding:
        for finding in self.findings:
            if finding.feature == feature:
                return finding
        raise KeyError(feature)

    @property
    def advice(self) -> tuple[str, ...]:
        """What the session does about each shortcoming, a sentence each."""
        said = []
        known = {finding.feature: finding for finding in self.findings}
        if "json_schema" in known and not known["json_schema"].works:
            said.append("Schemas are written into the prompt; replies are validated here and re-asked twice.")
        ways = [known[way] for way in ("logprobs_echo", "logprobs_chat") if way in known]
        if ways and not any(way.works for way in ways):
            said.append("score() raises CapabilityError: no log-probabilities of this server can be trusted.")
        elif ways and not ways[0].works:
            said.append("score() compares first tokens only: options must begin differently.")
        if "embed" in known and not known["embed"].works:
            said.append("embed() cannot work here: connect to an embedding model for it.")
        return tuple(said)

    def rows(self) -> list[dict[str, Any]]:
        """One flat dictionary a feature, for a table."""
        return [
            {"feature": f.feature, "verdict": f.verdict, "seconds": round(f.seconds, 3), "detail": f.detail}
            for f in self.findings
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON.

        ``seconds_per_request`` is the median over the features that work, ``tokens_per_second`` the output
        speed of the plain completion; None where nothing was measured.
        """
        times = [finding.seconds for finding in self.findings if finding.works and finding.seconds > 0]
        plain = next(
            (f for f in self.findings if f.feature == "complete" and f.works and f.seconds > 0), None
        )
        return {
            "identity": self.identity,
            "features": [asdict(finding) for finding in self.findings],
            "seconds_per_request": float(np.median(times)) if times else None,
            "tokens_per_second": plain.output_tokens / plain.seconds if plain else None,
            "advice": list(self.advice),
        }


class Prober:
    """Finds out about one feature at a time, when it is first needed, and remembers it in the store."""

    def __init__(self, backend: LanguageModel, courier: Courier, memory: Memory) -> None:
        self.backend = backend
        self.courier = courier
        self.memory = memory
        # A feature that a server lacks may show as an error 500; that is not worth long patience.
        self._patience = Patience(min(2, courier.patience.max_retries), courier.patience.backoff)
        self._lock = threading.RLock()

    def known(self, feature: str) -> Finding | None:
        """What was found out before, without asking."""
        noted = self.memory.note(self._about(feature))
        return None if noted is None else Finding(**noted)

    def finding(self, feature: str) -> Finding:
        """What is so about a feature: as found before, or found now.

        Raises
        ------
        ConnectionFailed, RequestRefused, BudgetExceeded
            When the endpoint cannot be asked at all. That is no verdict, and nothing is noted.
        """
        with self._lock:  # one thread asks, the others wait for what it finds
            found = self.known(feature)
            if found is not None:
                return found
            found = self._find(feature)
            # A server that is broken now may not be tomorrow.
            if found.verdict != "broken":
                self.memory.take_note(self._about(feature), asdict(found))
            return found

    def score_method(self) -> str | None:
        """The way to log-probabilities that can be trusted, the same for as long as the findings are kept.

        None for a model in process, which has one way only.

        Raises
        ------
        CapabilityError
            When there is none; the message says what was seen.
        """
        if not hasattr(self.backend, "score_with"):
            return None
        with self._lock:
            echo = self.finding("logprobs_echo")
            if echo.works:
                return echo.feature
            chat = self.finding("logprobs_chat")
            if chat.works and echo.verdict == "broken":
                # An outage, or this server's way to say that it knows no echo? It is up now, so asking tells.
                echo = self._settled("logprobs_echo")
            for found in (echo, chat):
                if found.works:
                    return found.feature
        seen = "; ".join(f"{found.feature} {found.verdict}: {found.detail}" for found in (echo, chat))
        raise CapabilityError(
            f"{self.backend!r} gives no log-probabilities that can be trusted ({seen}). Use "
            "complete() with a schema, or a model that scores, such as 'local'."
        )

    def known_method(self) -> str | None:
        """The way that `score_method` would return without asking; None where it would have to ask."""
        for feature in ("logprobs_echo", "logprobs_chat"):
            found = self.known(feature)
            if found is None or found.works:
                return None if found is None else feature
        return None

    def _settled(self, feature: str) -> Finding:
        """What is so about a feature of a server that is up: where it fails again, it lacks it."""
        found = self.finding(feature)
        if found.verdict == "broken":
            found = replace(found, verdict="refused")
            self.memory.take_note(self._about(feature), asdict(found))
        return found

    def _about(self, feature: str) -> dict[str, Any]:
        return {"verb": "probe", "model": dict(self.backend.identity), "feature": feature, "version": VERSION}

    def _find(self, feature: str) -> Finding:
        look = {
            "complete": self._complete,
            "json_schema": self._json_schema,
            "json_object": self._json_object,
            "logprobs_echo": self._logprobs,
            "logprobs_chat": self._logprobs,
            "embed": self._embed,
        }.get(feature)
        if look is None:
            raise InputError(f"A feature is one of {', '.join(FEATURES)}; got {feature!r}.")
        started = time.perf_counter()
        try:
            verdict, detail, tokens = look(feature)
        except RequestRefused as error:
            # Without a key nothing can be found out, and without chat the address is wrong.
            if error.status == 401 or feature == "complete":
                raise
            verdict, detail, tokens = "refused", str(error), 0
        except CapabilityError as error:
            verdict, detail, tokens = "refused", str(error), 0
        except TransientError as error:
            verdict, detail, tokens = "broken", str(error), 0
        return Finding(feature, verdict, detail, time.perf_counter() - started, tokens)

    # One feature each: verdict, detail, output tokens ---------------------------------------------------

    def _complete(self, feature: str) -> tuple[str, str, int]:
        reply = self._ask(_PROSE, None)
        if _said(reply):
            return "works", f"replied {_said(reply)[:60]!r}", metered(Request.of(_PROSE), reply)[1]
        return _silent(reply)

    def _json_schema(self, feature: str) -> tuple[str, str, int]:
        return self._structured(_PROSE, _SCHEMA, "JSON of the schema")

    def _json_object(self, feature: str) -> tuple[str, str, int]:
        return self._structured(_JSON, JSON_OBJECT, "a JSON object")

    def _structured(self, prompt: str, schema: Any, wanted: str) -> tuple[str, str, int]:
        reply = self._ask(prompt, schema)
        said = _said(reply)
        if not said:
            return _silent(reply)  # which tells nothing about what becomes of a schema
        if judge(reply, schema).ok and said.startswith("{"):
            return "works", f"prose was asked for and {wanted} came", 0
        return "ignored", f"status 200, but the reply was {said[:60]!r}", 0

    def _logprobs(self, feature: str) -> tuple[str, str, int]:
        options = [_LIKELY, _UNLIKELY]
        prompt = _FACT if feature == "logprobs_echo" else _QUESTION

        def call() -> Came:
            if hasattr(self.backend, "score_with"):
                return Came(*self.backend.score_with(feature, [prompt], options))
            return Came(self.backend.score([prompt], options))

        likely, unlikely = (float(x) for x in self._send(call, 20)[0])
        if math.isnan(likely):
            return "ignored", "status 200, but without log-probabilities", 0
        impossible = [value for value in (likely, unlikely) if value > _ROUNDING]
        if impossible:
            return "untrusted", f"log P of {impossible[0]:.2f}, which is above 0", 0
        # Among the likeliest first tokens of a chat reply the unlikely one may well be missing.
        if unlikely == -math.inf < likely:
            return "works", f"log P({_LIKELY!r}) {likely:.2f}; {_UNLIKELY!r} is not among the likeliest", 0
        seen = f"log P({_LIKELY!r}) {likely:.2f}, log P({_UNLIKELY!r}) {unlikely:.2f}"
        if math.isnan(unlikely) or likely <= unlikely:
            return "untrusted", f"{seen} after {_FACT!r}", 0
        return "works", seen, 0

    def _embed(self, feature: str) -> tuple[str, str, int]:
        texts = ["The sea is calm.", "Taxes rose in March.", "The sea is calm."]

        def call() -> Came:
            return Came(np.asarray(self.backend.embed(texts), dtype=np.float64), 15, 0, len(texts))

        vectors = self._send(call, 15)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            return "untrusted", f"vectors of shape {vectors.shape} for {len(texts)} texts, or not finite", 0
        if np.allclose(vectors[0], vectors[1]) or not np.allclose(vectors[0], vectors[2], atol=1e-2):
            return "untrusted", "different texts have the same vector, or the same text different ones", 0
        return "works", f"{vectors.shape[1]} numbers a text", 0

    # Sending --------------------------------------------------------------------------------------------

    def _ask(self, prompt: str, schema: Any) -> Reply:
        """One completion, its length bounded; without the bound where that leaves no reply.

        Some servers know no bound of that name, and a model may think for longer before it speaks.
        """
        try:
            reply = self._complete_once(Request.of(prompt, schema=schema, params={"max_tokens": _MAX_TOKENS}))
            if _said(reply) or reply.finish != "length":
                return reply
        except RequestRefused as error:
            if error.status != 400 or "max_tokens" not in str(error):
                raise
        return self._complete_once(Request.of(prompt, schema=schema))

    def _complete_once(self, request: Request) -> Reply:
        def call() -> Came:
            reply = self.backend.complete([request])[0]
            return Came(reply, *metered(request, reply))

        return self._send(call, 30, self.courier.meter.output_tokens(request))

    def _send(self, call: Any, input_tokens: int, output_tokens: int = 1) -> Any:
        return self.courier.send(Estimate(1, input_tokens, output_tokens), call, patience=self._patience)


def _said(reply: Reply) -> str:
    return (reply.text or "").strip()


def _silent(reply: Reply) -> tuple[str, str, int]:
    return "broken", f"sent no text ({reply.refusal or reply.finish or 'empty'})", 0


def probe(prober: Prober, features: Sequence[str]) -> ProbeResult:
    """Findings on some features, in order; a feature of a verb that the backend lacks is "refused".

    Raises
    ------
    ConnectionFailed, RequestRefused, BudgetExceeded
        When the endpoint cannot be asked at all.
    """
    verbs = {"embed": "embed", "logprobs_echo": "score", "logprobs_chat": "score"}
    support = getattr(prober.backend, "schema_support", "prompt")
    findings = []
    for feature in features:
        verb = verbs.get(feature, "complete")
        if verb not in prober.backend.capabilities:
            findings.append(Finding(feature, "refused", f"this model cannot {verb}"))
        elif verb == "complete" and feature != "complete" and support == "prompt":
            findings.append(Finding(feature, "refused", "this model takes no schema"))
        elif feature == "logprobs_chat" and not hasattr(prober.backend, "score_with"):
            continue  # a model in process has one way to score, found out under the other name
        else:
            findings.append(prober.finding(feature))
    return ProbeResult(dict(prober.backend.identity), tuple(findings))


def choose_model(backend: Any, courier: Courier, memory: Memory) -> None:
    """Take the one model that a server serves.

    It is asked anew by each session, since another model may be served there by now and stored replies must
    not be taken for its own; only where it cannot be asked does the answer of last time do.

    Raises
    ------
    CapabilityError
        When the server does not tell, or serves none or several; the message says how to name one.
    ConnectionFailed, RequestRefused, ReplayMiss, BudgetExceeded
        When it cannot be asked, and never was.
    """
    about = {"verb": "models", "base_url": backend.url}
    noted = memory.note(about)
    patience = courier.patience if noted is None else Patience(0, 0.0)
    try:
        served = courier.send(Estimate(0), lambda: Came(backend.models(), items=0), patience=patience)
        memory.take_note(about, served)
    except (BudgetExceeded, ConnectionFailed, ReplayMiss, RequestRefused, TransientError) as error:
        if noted is None:
            silent = isinstance(error, RequestRefused) and error.status not in (401, 403)
            if silent or isinstance(error, TransientError):
                raise CapabilityError(f"{error} Name the model yourself with model='...'.") from None
            raise
        served = noted
    if len(served) != 1:
        some = ", ".join(served[:10]) + (", ..." if len(served) > 10 else "") if served else "none"
        raise CapabilityError(f"{backend.url} serves {len(served)} models ({some}). Choose one: model='...'.")
    backend.model = served[0]
