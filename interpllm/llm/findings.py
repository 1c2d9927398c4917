"""What callers made of replies, kept beside them: an answer that was read out of a longer one, a verdict."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from interpllm.llm.keys import digest
from interpllm.llm.memory import Memory


class Findings:
    """The part of a session that remembers findings about its model, under the session's mode."""

    memory: Memory

    @property
    @abstractmethod
    def identity(self) -> Mapping[str, Any]:
        """What decides the answers."""

    def recall(self, abouts: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What `remember` kept about each thing, None where it kept nothing; sends nothing.

        Parameters
        ----------
        abouts : sequence of mapping
            Plain data with a "verb" of the caller's own; the model's identity is added.

        Raises
        ------
        StoreError
            When the store cannot be read.
        """
        keys = [digest(self._about(about)) for about in abouts]
        found = self.memory.recall(list(dict.fromkeys(keys)))
        return [found.get(key) for key in keys]

    def remember(self, findings: Sequence[tuple[Mapping[str, Any], Any]]) -> None:
        """Keep what was made of replies beside them, under the session's mode.

        A replay writes nothing and keeps it for as long as the session lasts: what it asks next may hang on
        what it knows, as it did when the replies were stored.

        Parameters
        ----------
        findings : sequence of (mapping, JSON value)
            What it is about, as for `recall`, and what was found; None counts as nothing.

        Raises
        ------
        StoreError
            When the store cannot be written.
        """
        known = [(self._about(about), value) for about, value in findings]
        self.memory.keep_findings({digest(about): (about, value) for about, value in known})

    def _about(self, about: Mapping[str, Any]) -> dict[str, Any]:
        return {**about, "model": dict(self.identity)}
