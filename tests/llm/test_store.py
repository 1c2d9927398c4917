"""Replies and vectors come back as they were put in, whoever else uses the file."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from interpllm.errors import StoreError
from interpllm.llm import Store, replies_path
from interpllm.llm.keys import digest, embed_keys, embed_space


def request(number: int) -> dict[str, int]:
    return {"number": number}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "deep" / "replies.sqlite")


def test_a_saved_reply_is_found(store: Store) -> None:
    store.save([(request(1), {"text": "ü\ud800"})])
    assert store.find([digest(request(1)), digest(request(2))]) == {digest(request(1)): {"text": "ü\ud800"}}


def test_many_replies_are_found_at_once(store: Store) -> None:
    store.save((request(n), n) for n in range(2000))
    assert list(store.find([digest(request(n)) for n in range(2000)]).values()).count(7) == 1


def test_the_first_reply_stays(store: Store) -> None:
    store.save([(request(1), "first")])
    store.save([(request(1), "second")])
    assert store.find([digest(request(1))])[digest(request(1))] == "first"


def test_replacing_replaces(store: Store) -> None:
    store.save([(request(1), "first")])
    store.save([(request(1), "second")], replace=True)
    assert store.find([digest(request(1))])[digest(request(1))] == "second"


def test_vectors_come_back_bit_by_bit(store: Store) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    texts = ["a", "", "\ud800"]
    keys = embed_keys({}, "{text}", texts)
    store.save_vectors(embed_space({}, "{text}"), zip(keys, texts, vectors, strict=True))
    found = store.find_vectors(keys)
    assert np.array_equal([found[key] for key in keys], vectors)


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError):
        store.add([(request(1), "kept?", 0.0), ({"verb": "embed", "no": "text"}, np.zeros(2), 0.0)])
    assert store.summary()["replies"] == 0


def test_summary_counts(store: Store) -> None:
    store.save((request(n), n) for n in range(3))
    assert store.summary()["replies"] == 3


def test_clear_forgets(store: Store) -> None:
    store.save([(request(1), 1)])
    store.clear()
    assert store.find([digest(request(1))]) == {}


def test_pickles_as_its_path(store: Store) -> None:
    store.save([(request(1), "kept")])
    assert pickle.loads(pickle.dumps(store)).find([digest(request(1))])


def test_a_file_that_is_no_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.sqlite"
    path.write_text("this is no database, and it is long enough to be read as one " * 20)
    with pytest.raises(StoreError, match=r"notes\.sqlite"):
        Store(path).find([b"x"])


def test_a_store_of_a_later_version_is_refused(store: Store) -> None:
    store.save([(request(1), 1)])
    store.close()
    with sqlite3.connect(store.path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match="later interpllm"):
        store.find([b"x"])


def test_replaying_from_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Run once with mode='use'"):
        Store(tmp_path / "none.sqlite", read_only=True).find([b"x"])


def test_a_read_only_store_is_not_written(store: Store) -> None:
    store.save([(request(1), 1)])
    with pytest.raises(StoreError, match="read-only"):
        Store(store.path, read_only=True).save([(request(2), 2)])


def test_a_store_on_read_only_media_can_be_read(store: Store) -> None:
    store.save([(request(1), 1)])
    store.close()
    os.chmod(store.path.parent, 0o500)
    try:
        assert Store(store.path, read_only=True).find([digest(request(1))])
    finally:
        os.chmod(store.path.parent, 0o700)


def _save_some(path: Path, first: int) -> None:
    store = Store(path)
    for number in range(first, first + 100):
        store.save([(request(number), number)])


def test_processes_that_open_and_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "replies.sqlite"
    workers = [context.Process(target=_save_some, args=(path, 100 * n)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert Store(path).summary()["replies"] == 300


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_opens_a_connection_of_its_own(store: Store) -> None:
    store.save([(request(1), 1)])
    child = os.fork()
    if child == 0:  # only SQLite here: the child of a process with threads must not do much
        try:
            store.save([(request(2), 2)])
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    store.save([(request(3), 3)])
    assert store.summary()["replies"] == 3


@pytest.mark.parametrize(("cache", "file"), [("folder", "folder/replies.sqlite"), ("x.sqlite", "x.sqlite")])
def test_cache_names_a_folder_or_a_file(cache: str, file: str) -> None:
    assert replies_path(cache) == Path(file)
