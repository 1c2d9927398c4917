"""How much may be spent, and the count of what was."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from interpllm.errors import BudgetExceeded, InputError
from interpllm.llm.base import Reply, Request, Usage, estimate_tokens
from interpllm.llm.calls import Stopped
from interpllm.llm.keys import canonical_json

# Output tokens expected of a reply before any was seen, where the request sets no limit itself.
ASSUMED_OUTPUT = 100


@dataclass(frozen=True)
class Budget:
    """Limits that a session stops at, before the request that would go over; None is no limit.

    Parameters
    ----------
    max_requests : int or None
        Calls sent, retries included.
    max_tokens : int or None
        Input and output tokens. A request's tokens are known only when its reply is there, so the next
        one is judged by an estimate: four bytes a token in, ``max_tokens`` of its parameters (or the
        mean of the replies so far) out. What the session is waiting for counts by its estimate too.
    max_cost : float or None
        In the currency of the session's prices.

    Raises
    ------
    InputError
        When a limit is not a number of at least 0.
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None

    def __post_init__(self) -> None:
        for name, limit in asdict(self).items():
            if limit is not None and not (isinstance(limit, int | float) and limit >= 0):
                raise InputError(f"{name} must be a number of at least 0, or None; got {limit!r}.")


@dataclass(frozen=True)
class Prices:
    """What a million tokens cost, in any one currency."""

    input: float = 0.0
    output: float = 0.0

    @classmethod
    def of(cls, prices: Prices | Mapping[str, float] | None) -> Prices | None:
        """Prices from ``{"input": ..., "output": ...}``, each for a million tokens.

        Raises
        ------
        InputError
            When there is another key, or a price is not a number of at least 0.
        """
        if prices is None or isinstance(prices, Prices):
            return prices
        usable = isinstance(prices, Mapping) and not set(prices) - {"input", "output"}
        if not usable or not all(isinstance(price, int | float) and price >= 0 for price in prices.values()):
            raise InputError(
                f"prices must be {{'input': ..., 'output': ...}}, each for a million tokens; got {prices!r}."
            )
        return cls(**prices)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """What so many tokens cost."""
        return (input_tokens * self.input + output_tokens * self.output) / 1e6


@dataclass(frozen=True)
class Estimate:
    """What one call is expected to take."""

    items: int = 1
    input_tokens: int = 0
    output_tokens: int = 0


class Meter:
    """Counts what a session uses, and holds back the call that would go over its budget.

    Calls in flight are counted at their estimate until they are settled, so that many threads together
    cannot go over what one of them would be denied.
    """

    def __init__(self, budget: Budget | None, prices: Prices | None) -> None:
        self.budget = budget or Budget()
        self.prices = prices
        self.usage = Usage()
        self._replies = 0
        self._waiting = Estimate(items=0)
        self._changed = threading.Condition()

    def __getstate__(self) -> dict[str, Any]:
        return {"budget": self.budget, "prices": self.prices, "usage": self.usage, "_replies": self._replies}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._waiting = Estimate(items=0)
        self._changed = threading.Condition()

    def output_tokens(self, request: Request) -> int:
        """Output tokens to expect of a request: what it expects itself, its own limit, or the mean so far."""
        if request.expected_tokens:
            return request.expected_tokens
        for name in ("max_tokens", "max_completion_tokens"):
            if isinstance(request.params.get(name), int):
                return int(request.params[name])
        return self.usage.output_tokens // self._replies if self._replies else ASSUMED_OUTPUT

    def estimate(self, request: Request) -> Estimate:
        """What a request is expected to take."""
        return Estimate(1, input_tokens_of(request), self.output_tokens(request))

    def open(self, estimate: Estimate, stop: threading.Event | None = None) -> None:
        """Count a call as sent, before it is; where it must wait its turn and the run stops, raise `Stopped`.

        Raises
        ------
        BudgetExceeded
            When it would go over the budget whatever becomes of the calls in flight.
        """
        with self._changed:
            while (over := self._over(estimate, self._waiting)) is not None:
                if over[0] == "max_requests" or self._over(estimate, Estimate(items=0)) is not None:
                    raise BudgetExceeded(self._refusal(*over))
                self._changed.wait()
                if stop is not None and stop.is_set():
                    raise Stopped
            self.usage.requests += 1
            self._waiting = _plus(self._waiting, estimate)

    def close(self, estimate: Estimate, input_tokens: int, output_tokens: int, items: int) -> None:
        """Replace the estimate of a call by what it took: nothing when it failed."""
        with self._changed:
            self._waiting = _plus(self._waiting, estimate, -1)
            self.usage.items += items
            self.usage.input_tokens += input_tokens
            self.usage.output_tokens += output_tokens
            self._replies += output_tokens > 0
            if self.prices is not None:
                self.usage.cost += self.prices.cost(input_tokens, output_tokens)
            self._changed.notify_all()

    def count(self, **more: int) -> None:
        """Add to counts of the usage, by name."""
        with self._changed:
            for name, number in more.items():
                setattr(self.usage, name, getattr(self.usage, name) + number)

    def _over(self, estimate: Estimate, waiting: Estimate) -> tuple[str, float, float, float] | None:
        """The first limit that a call would go over: its name, the limit, what is used, what is asked."""
        budget, usage, both = self.budget, self.usage, _plus(waiting, estimate)
        if budget.max_requests is not None and usage.requests + 1 > budget.max_requests:
            return "max_requests", budget.max_requests, usage.requests, 1
        tokens = both.input_tokens + both.output_tokens
        if budget.max_tokens is not None and usage.tokens + tokens > budget.max_tokens:
            return "max_tokens", budget.max_tokens, usage.tokens, tokens
        if budget.max_cost is not None and self.prices is not None:
            cost = self.prices.cost(both.input_tokens, both.output_tokens)
            if usage.cost + cost > budget.max_cost:
                return "max_cost", budget.max_cost, usage.cost, cost
        return None

    def _refusal(self, name: str, limit: float, used: float, asked: float) -> str:
        return (
            f"Stopped before the next request: {used:.6g} used and about {asked:.6g} asked for, but "
            f"{name}={limit:g}. What was done is kept; raise {name} in Budget(...) and run the same again to "
            "go on."
        )


def input_tokens_of(request: Request) -> int:
    """About how many tokens a request sends: its messages, four tokens of framing each, and its schema."""
    tokens = sum(estimate_tokens(str(message.get("content", ""))) + 4 for message in request.messages)
    return tokens + (estimate_tokens(canonical_json(request.schema)) if request.schema is not None else 0)


def metered(request: Request, reply: Reply) -> tuple[int, int]:
    """Input and output tokens of a reply: as metered, or estimated where the backend does not meter."""
    if reply.input_tokens or reply.output_tokens:
        return reply.input_tokens, reply.output_tokens
    return input_tokens_of(request), estimate_tokens(reply.text or reply.refusal or "")


def _plus(one: Estimate, other: Estimate, sign: int = 1) -> Estimate:
    return Estimate(
        one.items + sign * other.items,
        one.input_tokens + sign * other.input_tokens,
        one.output_tokens + sign * other.output_tokens,
    )
