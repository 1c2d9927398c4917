"""Requests as a file of JSON Lines, for a batch service or any number of workers, and their replies back.

A `BatchSession` in place of a session lets a whole fit be asked in this way: where the fit needs replies that
are not in the store, all of them are collected and the fit stops with `RequestsPending`. The requests are
written with `export_requests`, somebody answers them, `import_replies` puts the answers into the store, and
the same fit is run again. It ends when nothing is missing any more; each round brings one step of the fit.

The lines are those of the OpenAI batch API, which vLLM and others read, too: ``custom_id``, ``method``,
``url`` and ``body``; a line of the answers holds ``custom_id`` and ``response`` or ``error``.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, InputError, RequestsPending, StoreError
from interpllm.llm.base import Reply, Request
from interpllm.llm.chat import chat_body, chat_reply, chat_tokens
from interpllm.llm.keys import digest
from interpllm.llm.memory import Progress
from interpllm.llm.schema import JSON_OBJECT, in_words
from interpllm.llm.session import Session
from interpllm.llm.store import Store

SchemaSupport = Literal["json_schema", "json_object", "prompt"]


class BatchSession(Session):
    """A session that sends nothing: what the store lacks is collected, to be written to a file.

    Parameters
    ----------
    session : Session
        Whose model, store and mode are meant. It needs a store, and a model that is named.

    Attributes
    ----------
    pending : list of Request
        What was collected, without repetition.

    Raises
    ------
    InputError
        When there is no store, a mode in which replies cannot be brought back, or no named model.
    """

    def __init__(self, session: Session) -> None:
        if session.store is None or session.memory.mode != "use":
            raise InputError("A batch needs a store that replies are brought back into: mode='use'.")
        if getattr(session.backend, "model", "") is None:
            raise InputError("A batch needs the name of the model: connect(..., model='...').")
        self._pending: dict[bytes, Request] = {}
        self.__setstate__(session.__getstate__())

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_pending": self._pending}

    def __repr__(self) -> str:
        return f"BatchSession({self.backend!r}, pending={len(self._pending)})"

    @property
    def capabilities(self) -> frozenset[str]:
        """Completions only: a batch holds nothing else."""
        return frozenset({"complete"})

    @property
    def pending(self) -> list[Request]:
        """What was collected, without repetition."""
        return list(self._pending.values())

    def score(
        self,
        prompts: Sequence[str],
        options: Sequence[str],
        *,
        exact: bool = False,
        progress: Progress | None = None,
    ) -> NDArray[np.float64]:
        """Raise: a batch holds no scores.

        Raises
        ------
        CapabilityError
        """
        raise CapabilityError("A batch session cannot score; use another session for what needs scores.")

    def embed(
        self, texts: Sequence[str], template: str = "{text}", *, progress: Progress | None = None
    ) -> NDArray[np.float32]:
        """Raise: a batch holds no embeddings.

        Raises
        ------
        CapabilityError
        """
        raise CapabilityError("A batch session cannot embed; use another session, such as 'minilm', for it.")

    def _replies(self, requests: list[Request], progress: Progress | None) -> list[Reply]:
        identity = self.identity
        of = {digest(request.canonical(identity)): request for request in requests}
        missing = self.memory.missing(list(of))
        if not missing:
            return super()._replies(requests, progress)
        self._pending.update((key, of[key]) for key in missing)
        raise RequestsPending(
            f"{len(self._pending)} requests wait to be answered. Write them with export_requests(path), have "
            "them answered, bring the answers back with import_replies(path, store), and run the same again."
        )

    def export_requests(self, path: str | os.PathLike[str], *, schema: SchemaSupport = "json_schema") -> int:
        """Write what was collected, a request a line; whole or not at all.

        Parameters
        ----------
        path : path
            The file, replaced if it exists.
        schema : {"json_schema", "json_object", "prompt"}
            What the service that answers can do: heed a JSON schema, write JSON of some form, or only read
            the schema in the prompt.

        Returns
        -------
        int
            How many were written.

        Raises
        ------
        InputError
            When ``schema`` is none of these.
        StoreError
            When the store cannot be written: it keeps what each line stands for.
        """
        return export_requests(self, path, schema=schema)


def export_requests(
    session: BatchSession, path: str | os.PathLike[str], *, schema: SchemaSupport = "json_schema"
) -> int:
    """Write what a batch session has collected; see `BatchSession.export_requests`."""
    if schema not in ("json_schema", "json_object", "prompt"):
        raise InputError(f"schema must be json_schema, json_object or prompt; got {schema!r}.")
    identity = session.identity
    model = identity.get("model")
    lines, notes = [], []
    for key, request in session._pending.items():
        body = {"model": model, **chat_body(_formed(request, schema))}
        line = {"custom_id": key.hex(), "method": "POST", "url": "/v1/chat/completions", "body": body}
        lines.append(json.dumps(line) + "\n")
        notes.append((_pending(key.hex()), request.canonical(identity)))
    store = session.store
    assert store is not None
    # Before the file is there: an answer to a line that the store does not know could not be brought back.
    store.save(notes, replace=True)
    target = Path(path)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.writelines(lines)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return len(lines)


@dataclass(frozen=True)
class BatchImport:
    """What a file of answers held.

    Parameters
    ----------
    added : int
        Replies that the store has now.
    failed : int
        Lines that say that a request could not be answered; it stays missing.
    unknown : int
        Answers to requests that this store has not exported, or has had an answer to.
    """

    added: int
    failed: int
    unknown: int


def import_replies(path: str | os.PathLike[str], store: Store) -> BatchImport:
    """Put the answers of a batch into the store that the requests were exported from.

    Answers are found by their ``custom_id``, in any order. They are judged when the work is run again, as
    replies of a server are: what does not satisfy its schema is asked again.

    Parameters
    ----------
    path : path
        JSON Lines as a batch service writes them.
    store : Store

    Returns
    -------
    BatchImport

    Raises
    ------
    StoreError
        When the file cannot be read or a line is no answer of a batch; nothing is added then.
    """
    try:
        with open(path, encoding="utf-8") as file:
            answers = dict(_answers(file, str(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read: {error}") from error
    notes = {digest(_pending(name)): name for name in answers}
    asked = {notes[key]: canonical for key, canonical in store.find(list(notes)).items()}
    came = {name: reply for name in asked if (reply := answers[name]) is not None}
    store.save([(asked[name], reply.stored()) for name, reply in came.items()])
    store.forget([digest(_pending(name)) for name in came])
    failed = sum(reply is None for reply in answers.values())
    return BatchImport(len(came), failed, len(set(answers) - set(asked)))


def _formed(request: Request, schema: SchemaSupport) -> Request:
    """The request with its schema where the service heeds it."""
    if request.schema is None or schema == "json_schema":
        return request
    if schema == "json_object" and request.schema.get("type") == "object":
        return replace(in_words(request), schema=JSON_OBJECT)
    return in_words(request)


def _pending(name: str) -> dict[str, Any]:
    """Under what the store keeps the request that a line stands for."""
    return {"verb": "pending", "custom_id": name}


def _answers(file: Any, name: str) -> Iterator[tuple[str, Reply | None]]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            yield _answer(json.loads(line))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(
                f"{name}, line {number}, is not an answer of a batch ({error}). Nothing was added."
            ) from error


def _answer(found: Mapping[str, Any]) -> tuple[str, Reply | None]:
    custom_id, response = found["custom_id"], found.get("response")
    if not isinstance(custom_id, str):
        raise ValueError("its custom_id is not a string")
    if found.get("error") or response is None or response.get("status_code", 200) != 200:
        return custom_id, None
    return custom_id, chat_reply(response["body"], *chat_tokens(response["body"]))
