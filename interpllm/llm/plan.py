"""What a piece of work would take, told before any of it is spent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Plan:
    """What is still to be sent, and about what that takes; retries and re-asked replies come on top.

    Parameters
    ----------
    items : int
        Distinct prompts and texts asked for.
    stored : int
        How many of them the store answers.
    requests : int
        Calls to be sent for the others.
    input_tokens, output_tokens : int
        Estimated at four bytes a token.
    seconds : float
        At the speed measured when this model last worked on this machine, else at an assumed one.
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
        speed = "" if self.measured else " (speed assumed)"
        cost = "" if self.cost is None else f", cost {self.cost:.4g}"
        return (
            f"{self.requests} requests for {self.items - self.stored} of {self.items} items "
            f"({self.stored} stored), {self.tokens} tokens, {self.seconds:.1f} s{speed}{cost}"
        )
