"""From keys to values: the store first, then what is in flight already, then the backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any


class _Flight:
    """A key that some thread is fetching, and what came of it."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.value: Any = None  # stays None when the fetch was given up


class Flights:
    """Which keys are being fetched by this session, so that no two threads ask the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[bytes, _Flight] = {}

    def fetch(
        self,
        keys: Iterable[bytes],
        find: Callable[[Sequence[bytes]], dict[bytes, Any]],
        ask: Callable[[Sequence[bytes], dict[bytes, Any]], None],
    ) -> dict[bytes, Any]:
        """A value for every key.

        Parameters
        ----------
        keys : iterable of bytes
            What is wanted, without repetition.
        find : callable
            Stored values of some keys.
        ask : callable
            Called with the keys that the store lacks, and a dictionary that it puts their values into.
        """
        values: dict[bytes, Any] = {}
        wanted = list(keys)
        while wanted:
            # Claimed before the store is read: between a look into the store and a claim, another thread
            # could store the value and land, and it would be asked for twice.
            mine, others = self._claim(wanted)
            try:
                values.update(find(mine))
                ask([key for key in mine if key not in values], values)
            finally:
                self._land(mine, values)
            wanted = []
            for key, flight in others:
                flight.landed.wait()
                if flight.value is None:
                    wanted.append(key)
                else:
                    values[key] = flight.value
        return values

    def _claim(self, keys: list[bytes]) -> tuple[list[bytes], list[tuple[bytes, _Flight]]]:
        mine, others = [], []
        with self._lock:
            for key in keys:
                flight = self._flights.get(key)
                if flight is None:
                    self._flights[key] = _Flight()
                    mine.append(key)
                else:
                    others.append((key, flight))
        return mine, others

    def _land(self, keys: list[bytes], values: dict[bytes, Any]) -> None:
        with self._lock:
            flights = [(key, self._flights.pop(key)) for key in keys]
        for key, flight in flights:
            flight.value = values.get(key)
            flight.landed.set()
