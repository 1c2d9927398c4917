"""From keys to values: the store first, then what is in flight already, then the backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from interpllm.llm.base import LanguageModel
from interpllm.llm.courier import Courier
from interpllm.llm.memory import Memory, Progress


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


class Fetcher:
    """Values of keys for any verb: from the memory of a session, or worked for part by part.

    Parameters
    ----------
    backend, courier, memory
        Of the session.
    """

    def __init__(self, backend: LanguageModel, courier: Courier, memory: Memory) -> None:
        self.backend = backend
        self.courier = courier
        self.memory = memory
        self._flights = Flights()

    def fetch(
        self,
        verb: str,
        keys: Mapping[bytes, Any],
        find: Callable[[Sequence[bytes], Progress | None], dict[bytes, Any]],
        split: Callable[[Sequence[bytes]], list[list[bytes]]],
        work: Callable[[Sequence[bytes], threading.Event], dict[bytes, Any]],
        progress: Progress | None,
    ) -> dict[bytes, Any]:
        """A value for every key.

        Parameters
        ----------
        verb : str
            Whose speed is noted.
        keys : mapping
            By key, what is wanted.
        find : callable
            Looks keys up in the memory.
        split : callable
            Keys that are missing there, in parts of one call each.
        work : callable
            Values of one part, which it has kept before it returns; told to stop by an event.
        progress : callable or None
            Called with the number of keys done.
        """

        def look(some: Sequence[bytes]) -> dict[bytes, Any]:
            found = find(some, progress)
            self.courier.meter.count(cache_hits=len(found))
            return found

        def ask(missing: Sequence[bytes], values: dict[bytes, Any]) -> None:
            started = time.perf_counter()
            self.courier.spread(
                split(missing),
                lambda part, stop: values.update(work(part, stop)),
                threads=self.backend.batch_size == 1,
                progress=progress,
            )
            seconds = time.perf_counter() - started
            self.memory.note_speed(verb, self.backend.identity, len(missing), seconds)

        return self._flights.fetch(keys, look, ask)
