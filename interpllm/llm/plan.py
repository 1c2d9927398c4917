"""What a piece of work would take, told before any of it is spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from interpllm.llm.asking import embedding_parts, embedding_tokens
from interpllm.llm.base import LanguageModel, Request, estimate_tokens
from interpllm.llm.budget import input_tokens_of
from interpllm.llm.courier import Courier
from interpllm.llm.keys import digest, embed_keys, score_canonical
from interpllm.llm.memory import Memory
from interpllm.llm.probe import Prober
from interpllm.llm.schema import in_words

# Items a second where none were measured: of a server, and of a model in process by verb.
_ASSUMED_SPEED = {"server": 4.0, "complete": 0.5, "score": 20.0, "embed": 250.0}


@dataclass(frozen=True)
class Plan:
    """What is still to be sent, and about what that takes; probes, retries and re-asking come on top.

    Parameters
    ----------
    items : int
        Distinct prompts and texts asked for.
    stored : int
        How many of them the store answers.
    requests : int
        Calls to be sent for the others.
    input_tokens, output_tokens : int
        Estimated at four bytes a token. A schema counts where it has to be said in the prompt.
    seconds : float
        At the speed measured when this model last did such work, else at an assumed one.
    measured : bool
        Whether the speed was measured.
    cost : float or None
        In the currency of the session's prices; None without prices.
    """

    items: int = 0
    stored: int = 0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    measured: bool = True
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Plan) -> Plan:
        costs = [plan.cost for plan in (self, other) if plan.cost is not None]
        return Plan(
            self.items + other.items,
            self.stored + other.stored,
            self.requests + other.requests,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.seconds + other.seconds,
            self.measured and other.measured,
            sum(costs) if costs else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for tables and JSON."""
        return asdict(self) | {"tokens": self.tokens}

    def __str__(self) -> str:
        speed = "" if self.measured else " at an assumed speed"
        cost = "" if self.cost is None else f", cost {self.cost:.4g}"
        return (
            f"{self.requests} requests for {self.items - self.stored} of {self.items} items "
            f"({self.stored} are stored), about {self.tokens} tokens, {self.seconds:.1f} s{speed}{cost}"
        )


class Planner:
    """Tells what a verb would take, from the store and from estimates; sends nothing."""

    def __init__(self, backend: LanguageModel, courier: Courier, memory: Memory, prober: Prober) -> None:
        self.backend = backend
        self.courier = courier
        self.memory = memory
        self.prober = prober

    def complete(self, requests: Sequence[Request]) -> Plan:
        """Of so many completions."""
        identity = self.backend.identity
        of = {digest(request.canonical(identity)): request for request in requests}
        missing = self.memory.missing(list(of))
        into = sum(input_tokens_of(self._sent(of[key])) for key in missing)
        out = sum(self.courier.meter.output_tokens(of[key]) for key in missing)
        return self._plan("complete", len(of), len(missing), self._calls(missing), into, out)

    def score(self, prompts: Sequence[str], options: Sequence[str], exact: bool = False) -> Plan:
        """Of scoring options after each prompt."""
        missing = self.unscored(prompts, options, exact)
        into = sum(estimate_tokens(prompt + option) for prompt in missing for option in options)
        return self._plan("score", len(set(prompts)), len(missing), self._calls(missing), into)

    def unscored(self, prompts: Sequence[str], options: Sequence[str], exact: bool = False) -> list[str]:
        """Those prompts that the store has no row of log-probabilities for, each once."""
        identity, method = self.backend.identity, self.prober.known_method()
        of = {digest(score_canonical(identity, prompt, options, exact, method)): prompt for prompt in prompts}
        return [of[key] for key in self.memory.missing(list(of))]

    def embed(self, texts: Sequence[str], template: str) -> Plan:
        """Of embedding texts."""
        of = dict(zip(embed_keys(self.backend.identity, template, texts), texts, strict=True))
        missing = self.memory.missing(list(of), vectors=True)
        parts = embedding_parts(self.backend, missing, lambda key: len(of[key]) + len(template))
        into = embedding_tokens([of[key] for key in missing], template)
        return self._plan("embed", len(of), len(missing), len(parts), into)

    def _sent(self, request: Request) -> Request:
        """The request as it will be metered: most servers that heed a schema do not count it as a prompt."""
        support = getattr(self.backend, "schema_support", "prompt")
        if support == "probe":
            found = self.prober.known("json_schema")
            support = "native" if found is None or found.works else "prompt"
        return replace(request, schema=None) if support == "native" else in_words(request)

    def _calls(self, missing: Sequence[Any]) -> int:
        return -(-len(missing) // self.backend.batch_size)

    def _plan(self, verb: str, items: int, missing: int, calls: int, into: int, out: int = 0) -> Plan:
        speed = self.memory.speed(verb, self.backend.identity)
        assumed = _ASSUMED_SPEED["server" if self.backend.batch_size == 1 else verb]
        prices = self.courier.meter.prices
        return Plan(
            items,
            items - missing,
            calls,
            into,
            out,
            missing / (speed or assumed),
            speed is not None or missing == 0,
            None if prices is None else prices.cost(into, out),
        )
