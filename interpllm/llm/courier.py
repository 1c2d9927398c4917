"""Carries calls to the backend: under the budget, with retries, in threads where the backend is a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from interpllm.errors import ConnectionFailed, ReplayMiss, RequestRefused, TransientError
from interpllm.llm.budget import Budget, Estimate, Meter, Prices
from interpllm.llm.calls import Patience, Streak, concerns_all, in_threads

T = TypeVar("T")


class Came(NamedTuple):
    """What a call returned, and what it took."""

    value: Any
    input_tokens: int = 0
    output_tokens: int = 0
    items: int = 1


class Failed(NamedTuple):
    """Why a call returned nothing."""

    error: Exception


class Courier:
    """Sends calls one by one, or many of them in threads.

    Parameters
    ----------
    budget, prices
        Limits, and what tokens cost.
    workers : int
        Calls in flight at most.
    max_retries : int
        Further tries of a call.
    backoff : float
        Seconds before the second try.
    """

    def __init__(
        self, budget: Budget | None, prices: Prices | None, workers: int, max_retries: int, backoff: float
    ) -> None:
        self.meter = Meter(budget, prices)
        self.patience = Patience(max_retries, backoff)
        self.workers = workers
        # Long enough to tell a broken server from a few bad rows, short enough not to try them all.
        self.streak = Streak(max(10, 2 * workers))
        self.replaying = False  # set, nothing is sent, whoever asks

    def send(
        self,
        estimate: Estimate,
        call: Callable[[], Came],
        stop: threading.Event | None = None,
        patience: Patience | None = None,
    ) -> Any:
        """The value of ``call()``, sent within the budget, again while the backend is busy.

        Raises
        ------
        BudgetExceeded, ReplayMiss, TransientError, ConnectionFailed, RequestRefused
        """
        if self.replaying:
            raise ReplayMiss("mode='replay' sends nothing, and this is not stored. Run once with mode='use'.")
        halt = stop or threading.Event()

        def once() -> Any:
            self.meter.open(estimate, halt)
            came = None
            try:
                came = call()
            finally:
                # Settled whatever happens, or a waiting thread would wait for ever.
                taken = (came.input_tokens, came.output_tokens, came.items) if came else (0, 0, 0)
                self.meter.close(estimate, *taken)
            return came.value

        return (patience or self.patience).call(once, halt, lambda: self.meter.count(retries=1))

    def try_send(self, estimate: Estimate, call: Callable[[], Came], stop: threading.Event) -> Any:
        """As `send`, but what concerns this one call only comes back as `Failed`.

        Raises
        ------
        BudgetExceeded, RequestRefused
            When it concerns every other call too.
        TransientError, ConnectionFailed, RequestRefused
            When so many calls failed in a row that the server must be taken for broken.
        """
        try:
            value = self.send(estimate, call, stop)
        except (TransientError, ConnectionFailed, RequestRefused) as error:
            if isinstance(error, RequestRefused) and concerns_all(error):
                raise
            self.streak.failed(error)
            return Failed(error)
        self.streak.succeeded()
        return value

    def spread(
        self,
        parts: Sequence[Sequence[bytes]],
        work: Callable[[Sequence[bytes], threading.Event], None],
        *,
        threads: bool,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        """Do ``work(part, stop)`` for every part: in threads, or in order where the backend is in process.

        Raises
        ------
        BaseException
            Of the first part that failed; what was in flight has ended and is kept.
        """
        stop, turn = threading.Event(), threading.Lock()

        def one(number: int) -> None:
            work(parts[number], stop)
            if progress is not None:
                with turn:
                    progress(len(parts[number]))

        if threads:
            in_threads(one, len(parts), self.workers, stop)
        else:
            for number in range(len(parts)):
                one(number)


def in_parts(
    keys: Sequence[bytes], length: Callable[[bytes], int], size: int, most: int | None = None
) -> list[list[bytes]]:
    """Keys in groups of at most ``size`` and of about equal length, the longest first.

    Parameters
    ----------
    keys : sequence of bytes
        What is to be grouped.
    length : callable
        Characters of a key's text. Texts of like length share a batch, so that little of it is padding; a
        batch that does not fit into memory fails at once and not at the end.
    size : int
        Keys in a group.
    most : int or None
        Characters in a group, unless one text alone has more.
    """
    parts: list[list[bytes]] = []
    room = 0
    for key in sorted(keys, key=length, reverse=True) if size > 1 else keys:
        taken = length(key) if most is not None else 0
        if not parts or len(parts[-1]) == size or taken > room:
            parts.append([])
            room = most or 0
        parts[-1].append(key)
        room -= taken
    return parts
