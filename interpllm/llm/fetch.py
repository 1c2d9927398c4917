"""From keys to values: the store first, then what is in flight already, then the backend."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any


class _Flight:
    """One fetch under way, for all of its keys, and what has come of it when it has landed."""

    def __init__(self, values: dict[bytes, Any]) -> None:
        self.landed = threading.Event()
        self.values = values


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
            flight = _Flight(values)
            mine, others = self._claim(wanted, flight)
            try:
                if mine:
                    values.update(find(mine))
                    ask([key for key in mine if key not in values], values)
            finally:
                self._land(mine, flight)
            wanted = []
            for key, other in others:
                other.landed.wait()
                if key in other.values:
                    values[key] = other.values[key]
                else:  # given up
                    wanted.append(key)
        return values

    def _claim(self, keys: list[bytes], flight: _Flight) -> tuple[list[bytes], list[tuple[bytes, _Flight]]]:
        with self._lock:
            others = [(key, self._flights[key]) for key in keys if key in self._flights]
            taken = {key for key, _ in others}
            mine = [key for key in keys if key not in taken]
            self._flights.update(dict.fromkeys(mine, flight))
        return mine, others

    def _land(self, keys: list[bytes], flight: _Flight) -> None:
        with self._lock:
            for key in keys:
                del self._flights[key]
        flight.landed.set()
