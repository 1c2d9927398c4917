"""Replies and vectors that were paid for, kept in SQLite under the sha256 of what was asked."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import StoreError
from interpllm.llm.folders import cache_folder
from interpllm.llm.keys import canonical_json, digest

# Raised when the tables change; a store of a later version is refused, not guessed at.
VERSION = 1

# A vector's request is its space (model and template, the same for many) and its text, so that neither
# the model's identity nor a JSON list of numbers is written once a text.
_TABLES = """
CREATE TABLE IF NOT EXISTS replies (
    key BLOB NOT NULL UNIQUE, request TEXT NOT NULL, reply TEXT NOT NULL, created REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS spaces (id INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS vectors (
    key BLOB NOT NULL UNIQUE, space INTEGER NOT NULL, text TEXT NOT NULL, vector BLOB NOT NULL,
    created REAL NOT NULL
);
"""
_LOOKUP = 500  # keys a statement: SQLite builds before 3.32 take no more than 999 parameters
_WAIT = 60.0  # seconds that a writer waits for another process's turn to end

# Connections of a parent process, seen from a fork: closing one there would release the parent's locks.
_INHERITED: list[sqlite3.Connection] = []


def replies_path(cache: str | os.PathLike[str] | None = None) -> Path:
    """The file of stored replies: in the cache folder, or the folder or .sqlite file that ``cache`` names."""
    if cache is None:
        return cache_folder() / "replies.sqlite"
    path = Path(cache).expanduser()
    return path if path.suffix in {".sqlite", ".db"} else path / "replies.sqlite"


class Store:
    """Replies by the key of their request, in one SQLite file that several processes may share.

    Every write is one transaction: after ``kill -9`` the file holds each reply whole or not at all.
    A store pickles as its path, and opens its file at first use.

    Parameters
    ----------
    path : path
        The file; its folder is made when it is first written.
    read_only : bool
        Never write, so that a store on read-only media can be replayed.
    """

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self._reset()

    def _reset(self) -> None:
        self._connection: sqlite3.Connection | None = None
        self._pid = 0
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "read_only": self.read_only}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path, self.read_only = state["path"], state["read_only"]
        self._reset()

    # Replies -------------------------------------------------------------------------------------------

    def find(self, keys: Sequence[bytes]) -> dict[bytes, Any]:
        """The stored values of those keys that have one.

        Raises
        ------
        StoreError
            When the file cannot be read.
        """
        with self._use() as db:
            rows = self._select(db, "SELECT key, reply FROM replies WHERE key IN", keys)
            return {key: json.loads(reply) for key, reply in rows}

    def save(self, rows: Iterable[tuple[Mapping[str, Any], Any]], *, replace: bool = False) -> None:
        """Keep (canonical request, JSON value) pairs, all in one transaction.

        Parameters
        ----------
        rows : iterable of (mapping, value)
            What was asked, as hashed by `interpllm.llm.keys.digest`, and what came back.
        replace : bool
            Whether a value that is there already is replaced; else the first one stays.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        now = time.time()
        written = [(digest(request), json.dumps(request), json.dumps(value), now) for request, value in rows]
        with self._write() as db:
            db.executemany(f"INSERT {_or(replace)} INTO replies VALUES (?, ?, ?, ?)", written)

    def forget(self, keys: Sequence[bytes]) -> None:
        """Drop the values of those keys.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        with self._write() as db:
            db.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])

    # Vectors -------------------------------------------------------------------------------------------

    def find_vectors(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The stored vectors of those keys that have one, each (dim,) and read-only.

        Raises
        ------
        StoreError
            When the file cannot be read.
        """
        with self._use() as db:
            rows = self._select(db, "SELECT key, vector FROM vectors WHERE key IN", keys)
            return {key: np.frombuffer(vector, dtype="<f4") for key, vector in rows}

    def has(self, keys: Sequence[bytes], *, vectors: bool = False) -> set[bytes]:
        """Which of those keys have a reply (or a vector), without reading it."""
        start = f"SELECT key FROM {'vectors' if vectors else 'replies'} WHERE key IN"
        with self._use() as db:
            return {key for (key,) in self._select(db, start, keys)}

    def save_vectors(
        self,
        space: Mapping[str, Any],
        rows: Iterable[tuple[bytes, str, NDArray[np.float32]]],
        *,
        replace: bool = False,
    ) -> None:
        """Keep vectors of one space, all in one transaction.

        Parameters
        ----------
        space : mapping
            The canonical embedding request without its text.
        rows : iterable of (key, text, vector)
            The key of the whole request, its text, and a vector (dim,).
        replace : bool
            Whether a vector that is there already is replaced.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        now = time.time()
        # A text may hold lone surrogates, which SQLite has no way to write; JSON escapes them.
        written = [(k, json.dumps(text), np.asarray(v, dtype="<f4").tobytes(), now) for k, text, v in rows]
        with self._write() as db:
            number = self._space(db, canonical_json(space))
            db.executemany(
                f"INSERT {_or(replace)} INTO vectors VALUES (?, {number}, ?, ?, ?)",
                written,
            )

    def _space(self, db: sqlite3.Connection, request: str) -> int:
        db.execute("INSERT OR IGNORE INTO spaces (request) VALUES (?)", (request,))
        (number,) = db.execute("SELECT id FROM spaces WHERE request = ?", (request,)).fetchone()
        return int(number)

    def records(self) -> Iterator[tuple[Mapping[str, Any], Any, float]]:
        """Every reply and vector: its canonical request, its value (a vector as an array), and when it came.

        Raises
        ------
        StoreError
            When the file cannot be read.
        """
        with self._use() as db:
            for request, reply, created in db.execute(
                "SELECT request, reply, created FROM replies ORDER BY key"
            ):
                yield json.loads(request), json.loads(reply), created
            spaces = {n: json.loads(request) for n, request in db.execute("SELECT id, request FROM spaces")}
            for space, text, vector, created in db.execute(
                "SELECT space, text, vector, created FROM vectors ORDER BY key"
            ):
                yield spaces[space] | {"text": json.loads(text)}, np.frombuffer(vector, dtype="<f4"), created

    def add(self, records: Iterable[tuple[Mapping[str, Any], Any, float]]) -> int:
        """Keep records as `records` gives them, all in one transaction; what is there already stays.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        with self._write() as db:
            new = 0
            numbers: dict[str, int] = {}
            for request, value, created in records:
                key = digest(request)
                if not isinstance(value, np.ndarray):
                    row = (key, json.dumps(request), json.dumps(value), created)
                    new += db.execute("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", row).rowcount
                    continue
                space = canonical_json({name: part for name, part in request.items() if name != "text"})
                if space not in numbers:
                    numbers[space] = self._space(db, space)
                vector = np.asarray(value, dtype="<f4").tobytes()
                named = (key, numbers[space], json.dumps(request["text"]), vector, created)
                new += db.execute("INSERT OR IGNORE INTO vectors VALUES (?, ?, ?, ?, ?)", named).rowcount
            return new

    # The whole ----------------------------------------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """How much is kept: ``path``, ``bytes`` on disk, and a count of ``replies`` and ``vectors``.

        Raises
        ------
        StoreError
            When the file cannot be read.
        """
        with self._use() as db:
            (replies,) = db.execute("SELECT count(*) FROM replies").fetchone()
            (vectors,) = db.execute("SELECT count(*) FROM vectors").fetchone()
        files = (self.path, self.path.with_name(self.path.name + "-wal"))
        size = sum(file.stat().st_size for file in files if file.exists())
        return {"path": str(self.path), "bytes": size, "replies": int(replies), "vectors": int(vectors)}

    def clear(self) -> None:
        """Forget everything.

        Raises
        ------
        StoreError
            When the file cannot be written.
        """
        with self._write() as db:
            for table in ("replies", "vectors", "spaces"):
                db.execute(f"DELETE FROM {table}")
        with self._use() as db:
            db.execute("VACUUM")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                _close(self._connection, self._pid)
            self._connection = None

    # SQLite -------------------------------------------------------------------------------------------

    def _select(self, db: sqlite3.Connection, start: str, keys: Sequence[bytes]) -> Iterator[tuple[Any, ...]]:
        # The fewer a statement's keys, the less it has to say; a full statement is prepared only once.
        for first in range(0, len(keys), _LOOKUP):
            part = keys[first : first + _LOOKUP]
            yield from db.execute(f"{start} ({','.join('?' * len(part))})", part)

    @contextmanager
    def _use(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock:
                yield self._open()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"Cannot use the reply store {self.path}: {error}. Choose another with cache=, or move the "
                "file away to begin a new one."
            ) from error

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        if self.read_only:
            raise StoreError(f"The reply store {self.path} was opened read-only; open it with mode='use'.")
        with self._use() as db:
            # Taking the write lock at once lets SQLite wait for its turn instead of failing half-way.
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # a full disk ends the transaction by itself
                    db.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._pid != os.getpid():
            _INHERITED.append(self._connection)
            self._connection = None
        if self._connection is None:
            self._connection = self._connect_read_only() if self.read_only else self._connect()
            self._pid = os.getpid()
            weakref.finalize(self, _close, self._connection, self._pid)
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            _patiently(db, "PRAGMA journal_mode = WAL")
            # A commit then needs no wait for the disk. A killed process loses nothing by it; only a
            # machine that loses power may forget its last replies, and the file stays sound even then.
            db.execute("PRAGMA synchronous = NORMAL")
            if self._check_version(db) == 0:
                _patiently(db, "BEGIN IMMEDIATE")
                for statement in _TABLES.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {VERSION}")
                db.execute("COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _connect_read_only(self) -> sqlite3.Connection:
        if not self.path.exists():
            raise StoreError(
                f"There is no reply store at {self.path} to replay from. Run once with mode='use'."
            )
        # SQLite cannot read a WAL file's neighbours where it may not create them; with none there, the
        # file alone is the whole store.
        alone = not self.path.with_name(self.path.name + "-wal").exists()
        alone = alone and not os.access(self.path.parent, os.W_OK)
        uri = f"{self.path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")
        db = sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            if self._check_version(db) == 0:
                raise StoreError(f"{self.path} is not a reply store. Choose another with cache=.")
        except BaseException:
            db.close()
            raise
        return db

    def _check_version(self, db: sqlite3.Connection) -> int:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreError(
                f"The reply store {self.path} was written by a later interpllm (version {version}, this one "
                f"reads {VERSION}). Upgrade interpllm, or choose another store with cache=."
            )
        return int(version)


def _close(db: sqlite3.Connection, pid: int) -> None:
    """Close what this process opened; a fork leaves its parent's connections alone."""
    if pid == os.getpid():
        db.close()


def _or(replace: bool) -> str:
    return "OR REPLACE" if replace else "OR IGNORE"


def _patiently(db: sqlite3.Connection, statement: str) -> None:
    """Run a statement that fails at once, whatever the time-out, while another process opens the file."""
    give_up = time.monotonic() + _WAIT
    while True:
        try:
            db.execute(statement)
            return
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
                sqlite3.SQLITE_BUSY,
                sqlite3.SQLITE_LOCKED,
            )
            if not busy or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
