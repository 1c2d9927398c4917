"""Calls in threads: bounded in number, tried again with patience, stopped without losing what came."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from interpllm.errors import ConnectionFailed, RequestRefused, TransientError

T = TypeVar("T")

LONGEST_WAIT = 300.0  # seconds; a server that asks for longer is not waited for
_LONGEST_BACKOFF = 30.0  # seconds between two tries where the server asks for nothing
_GRACE = 10.0  # seconds that an interrupt leaves to the calls in flight: they are paid for


class Stopped(Exception):
    """The run is over: a waiting call gives up."""


class Patience:
    """Tries a call again while the server is busy or broken, within bounds.

    One request for quiet (Retry-After) holds back every thread, not only the one that was told.

    Parameters
    ----------
    max_retries : int
        Further tries after the first.
    backoff : float
        Seconds before the second try; doubled at each, with jitter of up to a half.
    """

    def __init__(self, max_retries: int, backoff: float) -> None:
        self.max_retries = max_retries
        self.backoff = backoff
        self._quiet_until = 0.0
        self._random = random.Random()

    def __getstate__(self) -> dict[str, float]:
        return {"max_retries": self.max_retries, "backoff": self.backoff}

    def __setstate__(self, state: dict[str, float]) -> None:
        self.__init__(int(state["max_retries"]), state["backoff"])  # type: ignore[misc]

    def call(self, send: Callable[[], T], stop: threading.Event, on_retry: Callable[[], None]) -> T:
        """What ``send()`` returns, at the latest of its tries.

        Raises
        ------
        TransientError, ConnectionFailed
            When the last try fails too, or the server asks to be left alone for too long.
        Stopped
            When the run is stopped between two tries.
        """
        for trial in range(self.max_retries + 1):
            self._wait(self._quiet_until - time.monotonic(), stop)
            try:
                return send()
            except (TransientError, ConnectionFailed) as error:
                asked = getattr(error, "retry_after", None) or 0.0
                if trial == self.max_retries or asked > LONGEST_WAIT:
                    raise
                if asked:
                    self._quiet_until = max(self._quiet_until, time.monotonic() + asked)
                on_retry()
                backoff = min(_LONGEST_BACKOFF, self.backoff * 2**trial) * self._random.uniform(0.5, 1.0)
                # Added to the time asked for, or all threads would knock again at the same moment.
                self._wait(asked + backoff if asked < backoff else asked + 0.1 * backoff, stop)
        raise AssertionError("unreachable: the last try returns or raises")

    def _wait(self, seconds: float, stop: threading.Event) -> None:
        if stop.wait(seconds) if seconds > 0 else stop.is_set():
            raise Stopped


class Streak:
    """Notices a server that answers nothing any more, so that a long run does not try its every request.

    Parameters
    ----------
    limit : int
        Failures in a row, none of them after a success, at which the run is given up.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._failures = 0
        self._ever = False

    def succeeded(self) -> None:
        """Begin to count anew."""
        self._failures, self._ever = 0, True

    def failed(self, error: Exception) -> None:
        """Count a failure; raise it where the server has never been reached or the row is too long."""
        self._failures += 1
        unreachable = isinstance(error, ConnectionFailed) and not self._ever
        if unreachable or self._failures >= self.limit:
            raise error


def concerns_all(error: RequestRefused) -> bool:
    """Whether a refusal (wrong key, wrong address, ...) would meet every other request too."""
    return error.status not in (400, 413, 422)


def in_threads(work: Callable[[int], None], n: int, workers: int, stop: threading.Event) -> None:
    """Run ``work(0) ... work(n - 1)``, begun in order, at most ``workers`` at a time.

    The first error, or an interrupt, sets ``stop``: nothing more is begun, what is in flight may end.

    Raises
    ------
    BaseException
        The error of the first piece of work that failed, or the interrupt.
    """
    turn = threading.Lock()
    begun = 0
    errors: dict[int, BaseException] = {}

    def worker() -> None:
        nonlocal begun
        while True:
            with turn:
                if begun >= n or stop.is_set():
                    return
                mine, begun = begun, begun + 1
            try:
                work(mine)
            except Stopped:
                return
            except BaseException as error:
                errors[mine] = error
                stop.set()

    # Daemons, so that a second interrupt can leave without waiting for a server that hangs.
    threads = [threading.Thread(target=worker, daemon=True) for _ in range(min(workers, n))]
    for thread in threads:
        thread.start()
    try:
        _join(threads, None)
    except BaseException:
        stop.set()
        _join(threads, _GRACE)
        raise
    if errors:
        raise errors[min(errors)]


def _join(threads: list[threading.Thread], seconds: float | None) -> None:
    end = None if seconds is None else time.monotonic() + seconds
    for thread in threads:
        # A join without a limit cannot be interrupted on Windows.
        while thread.is_alive() and (end is None or time.monotonic() < end):
            thread.join(0.2)
