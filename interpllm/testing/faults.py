"""What can go wrong with a language model's server, and when: planned, so that a test can count on it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from interpllm.errors import InputError

KINDS = frozenset(
    {
        "400",  # this request is refused
        "401",  # the key is refused
        "403",  # the key may not do this
        "404",  # there is no such address or model
        "429",  # too many requests, with Retry-After
        "500",  # the server is broken
        "bad_json",  # the reply is not JSON though a schema was asked for
        "broken_body",  # status 200, and a body that is not JSON
        "cut",  # the connection is cut in the middle of the reply
        "hang",  # the server is silent
        "ignored_logprobs",  # status 200 without the log-probabilities asked for
        "ignored_schema",  # status 200 with prose where a schema was asked for
        "refusal",  # the model declines
        "unreachable",  # no connection; in process only, for which a server must not be there
    }
)


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    With none of ``at``, ``every`` and ``probability`` it meets every call.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    at : collection of int
        Numbers of the calls that meet it, counted from 1 among all calls of its verb.
    every : int or None
        It meets every so-many-th call.
    probability : float or None
        It meets each call with this probability, drawn from the seed and the call's number: the same
        calls each time.
    verb : str or None
        "complete", "score" or "embed"; None for all of them, whose calls are then counted together.
    seconds : float
        For "429" what Retry-After says, for "hang" how long.
    """

    kind: str
    at: Collection[int] = ()
    every: int | None = None
    probability: float | None = None
    verb: str | None = None
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"A fault is one of {', '.join(sorted(KINDS))}; got {self.kind!r}.")


class Faults:
    """Decides which call meets which fault.

    Parameters
    ----------
    faults : sequence of Fault
        The first that is due is met.
    seed : int
        Of the faults with a probability.
    """

    def __init__(self, faults: Sequence[Fault], seed: int = 0) -> None:
        self.faults = tuple(faults)
        self.seed = seed
        self._calls: Counter[str | None] = Counter()

    def next(self, verb: str) -> Fault | None:
        """The fault that the next call of a verb meets."""
        self._calls[verb] += 1
        self._calls[None] += 1
        for number, fault in enumerate(self.faults):
            if fault.verb in (None, verb) and self._due(number, fault, self._calls[fault.verb]):
                return fault
        return None

    def _due(self, number: int, fault: Fault, call: int) -> bool:
        if fault.probability is not None:
            drawn = hashlib.sha256(f"{self.seed} {number} {call}".encode()).digest()
            return int.from_bytes(drawn[:6], "big") / 2**48 < fault.probability
        if fault.every is not None:
            return call % fault.every == 0
        return call in fault.at if fault.at else True
