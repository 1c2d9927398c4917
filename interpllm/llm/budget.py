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
        mean of such replies so far) out. What the session is waiting for counts by its estimate too, and
        before the first reply whose length nothing tells it sends no second request of that kind.
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
    """What one call is expected to take.

    Parameters
    ----------
    items, input_tokens, output_tokens : int
    unknown : int
        Replies whose length nothing tells: on top of ``output_tokens``, each counts as the mean of those that
        came so far, which may change while the call is in flight.
    """

    items: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    unknown: int = 0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(
            self.items + other.items,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.unknown + other.unknown,
        )

    def __neg__(self) -> Estimate:
        return Estimate(-self.items, -self.input_tokens, -self.output_tokens, -self.unknown)


class Meter:
    """Counts what a session uses, and holds back the call that would go over its budget.

    Calls in flight are counted at their estimate until they are settled, so that many threads together
    cannot go over what one of them would be denied.
    """

    def __init__(self, budget: Budget | None, prices: Prices | None) -> None:
        self.budget = budget or Budget()
        self.prices = prices
        self.usage = Usage()
        # Of the replies whose length nothing told: how many came, and the tokens that they took.
        self._replies = 0
        self._written = 0
        self._waiting = Estimate(items=0)
        self._changed = threading.Condition()

    def __getstate__(self) -> dict[str, Any]:
        names = ("budget", "prices", "usage", "_replies", "_written")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._waiting = Estimate(items=0)
        self._changed = threading.Condition()

    def output_tokens(self, request: Request) -> int:
        """Output tokens to expect of a request: what it expects itself, its own limit, or the mean so far."""
        told = _told_tokens(request)
        return self._mean if told is None else told

    def estimate(self, request: Request) -> Estimate:
        """What a request is expected to take."""
        told = _told_tokens(request)
        return Estimate(1, input_tokens_of(request), told or 0, int(told is None))

    def open(self, estimate: Estimate, stop: threading.Event | None = None) -> None:
        """Count a call as sent, before it is; where it must wait its turn and the run stops, raise `Stopped`.

        Raises
        ------
        BudgetExceeded
            When it would go over the budget whatever becomes of the calls in flight.
        """
        with self._changed:
            while self._must_wait(estimate):
                self._changed.wait()
                if stop is not None and stop.is_set():
                    raise Stopped
            self.usage.requests += 1
            self._waiting += estimate

    def close(self, estimate: Estimate, input_tokens: int, output_tokens: int, items: int) -> None:
        """Replace the estimate of a call by what it took: nothing when it failed."""
        with self._changed:
            self._waiting += -estimate
            self.usage.items += items
            self.usage.input_tokens += input_tokens
            self.usage.output_tokens += output_tokens
            if items:
                self._replies += estimate.unknown
                self._written += max(0, output_tokens - estimate.output_tokens) if estimate.unknown else 0
            if self.prices is not None:
                self.usage.cost += self.prices.cost(input_tokens, output_tokens)
            self._changed.notify_all()

    def count(self, **more: int) -> None:
        """Add to counts of the usage, by name."""
        with self._changed:
            for name, number in more.items():
                setattr(self.usage, name, getattr(self.usage, name) + number)

    @property
    def _mean(self) -> int:
        """Output tokens to expect of a reply whose length nothing tells."""
        return self._written // self._replies if self._replies else ASSUMED_OUTPUT

    def _must_wait(self, estimate: Estimate) -> bool:
        """Whether a call has to wait for one in flight, to know what is left or how long replies are."""
        over = self._over(estimate, self._waiting)
        if over is not None:
            if over[0] == "max_requests" or self._over(estimate, Estimate(items=0)) is not None:
                raise BudgetExceeded(self._refusal(*over))
            return True
        limited = self.budget.max_tokens is not None or self.budget.max_cost is not None
        return limited and not self._replies and bool(estimate.unknown and self._waiting.unknown)

    def _over(self, estimate: Estimate, waiting: Estimate) -> tuple[str, float, float, float] | None:
        """The first limit that a call would go over: its name, the limit, what is used, what is asked."""
        budget, usage, both = self.budget, self.usage, waiting + estimate
        into, out = both.input_tokens, both.output_tokens + both.unknown * self._mean
        if budget.max_requests is not None and usage.requests + 1 > budget.max_requests:
            return "max_requests", budget.max_requests, usage.requests, 1
        if budget.max_tokens is not None and usage.tokens + into + out > budget.max_tokens:
            return "max_tokens", budget.max_tokens, usage.tokens, into + out
        if budget.max_cost is not None and self.prices is not None:
            cost = self.prices.cost(into, out)
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


def _told_tokens(request: Request) -> int | None:
    """Output tokens that a request says it expects or is limited to; None where it says nothing."""
    if request.expected_tokens:
        return request.expected_tokens
    for name in ("max_tokens", "max_completion_tokens"):
        if isinstance(request.params.get(name), int):
            return int(request.params[name])
    return None
