"""The store as a session sees it: what its mode lets it read, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import ReplayMiss
from interpllm.llm.keys import digest
from interpllm.llm.store import Store

Mode = Literal["use", "refresh", "replay", "off"]
Progress = Callable[[int], object]

MODES = ("use", "refresh", "replay", "off")
_TELLING = 16  # items from which on the time that they took says something about the speed


class Memory:
    """What a session remembers: in the store where it has one, else only what was noted.

    Parameters
    ----------
    store : Store or None
        None remembers no replies.
    mode : {"use", "refresh", "replay", "off"}
        See `interpllm.llm.Session`.
    """

    def __init__(self, store: Store | None, mode: Mode) -> None:
        self.store = None if mode == "off" else store
        self.mode = mode
        self._anew: set[bytes] = set()  # what "refresh" has asked for already
        self._notes: dict[bytes, Any] = {}

    def find(self, keys: Sequence[bytes], progress: Progress | None = None) -> dict[bytes, Any]:
        """Stored replies of those keys that have one.

        Raises
        ------
        ReplayMiss
            When one is missing in replay mode.
        """
        return self._look(keys, lambda store, some: store.find(some), progress)

    def find_vectors(self, keys: Sequence[bytes], progress: Progress | None = None) -> dict[bytes, Any]:
        """Stored vectors of those keys that have one.

        Raises
        ------
        ReplayMiss
            When one is missing in replay mode.
        """
        return self._look(keys, lambda store, some: store.find_vectors(some), progress)

    def missing(self, keys: Sequence[bytes], *, vectors: bool = False) -> list[bytes]:
        """Those keys that would have to be asked for, in order."""
        if self.store is None:
            return list(keys)
        stored = self.store.has(self._readable(keys), vectors=vectors)
        return [key for key in keys if key not in stored]

    def keep(self, rows: Mapping[bytes, tuple[Mapping[str, Any], Any]]) -> None:
        """Keep (canonical request, JSON value) by key."""
        if self.store is not None and rows:
            self.store.save(rows.values(), replace=self.mode == "refresh")
        self._anew.update(rows)

    def keep_findings(self, rows: Mapping[bytes, tuple[Mapping[str, Any], Any]]) -> None:
        """Keep what was made of replies; a replay notes it without writing."""
        if self.mode == "replay":
            self._notes.update((key, value) for key, (_, value) in rows.items())
        else:
            self.keep(rows)

    def keep_vectors(
        self,
        space: Mapping[str, Any],
        keys: Sequence[bytes],
        texts: Iterable[str],
        vectors: NDArray[np.float32],
    ) -> None:
        """Keep one vector a key."""
        if self.store is not None:
            rows = zip(keys, texts, vectors, strict=True)
            self.store.save_vectors(space, rows, replace=self.mode == "refresh")
        self._anew.update(keys)

    def recall(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """What was made of replies and kept; unlike for `find`, nothing need be there in replay mode."""
        found = {} if self.store is None else self.store.find(self._readable(keys))
        if self.mode == "replay":
            found |= {key: self._notes[key] for key in keys if key in self._notes}
        return found

    def note(self, about: Mapping[str, Any]) -> Any:
        """What was noted about something (what a server can do, how fast it is), or None."""
        key = digest(about)
        if key not in self._notes and self.store is not None:
            self._notes.update(self.store.find(self._readable([key])))
        return self._notes.get(key)

    def take_note(self, about: Mapping[str, Any], value: Any) -> None:
        """Note something, in place of what was noted before."""
        self._notes[digest(about)] = value
        if self.store is not None and self.mode != "replay":
            self.store.save([(about, value)], replace=True)

    def note_speed(self, verb: str, identity: Mapping[str, Any], items: int, seconds: float) -> None:
        """Note how fast a model works, unless that was measured on far more items before."""
        about = {"verb": "speed", "of": verb, "model": dict(identity)}
        before = self.note(about)
        if items >= _TELLING and (before is None or 2 * items >= before["items"]):
            self.take_note(about, {"items": items, "items_per_second": items / max(seconds, 1e-6)})

    def speed(self, verb: str, identity: Mapping[str, Any]) -> float | None:
        """Items a second, where they were measured."""
        noted = self.note({"verb": "speed", "of": verb, "model": dict(identity)})
        return None if noted is None else float(noted["items_per_second"])

    def _look(
        self,
        keys: Sequence[bytes],
        find: Callable[[Store, Sequence[bytes]], dict[bytes, Any]],
        progress: Progress | None,
    ) -> dict[bytes, Any]:
        if self.store is None:
            return {}
        readable = self._readable(keys)
        found = find(self.store, readable)
        if self.mode == "replay" and len(found) < len(keys):
            raise ReplayMiss(
                f"{len(keys) - len(found)} of {len(keys)} requests have no reply in {self.store.path}, and "
                "mode='replay' sends nothing. Run once with mode='use', or check that the model, its address "
                "and every parameter are those of the run that filled the store."
            )
        if progress is not None and found:
            progress(len(found))
        return found

    def _readable(self, keys: Sequence[bytes]) -> Sequence[bytes]:
        return [key for key in keys if key in self._anew] if self.mode == "refresh" else keys
