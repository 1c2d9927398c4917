"""A store goes to JSON Lines and comes back whole, and a tampered file adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from interpllm.errors import StoreError
from interpllm.llm import Session, Store, export_replies, import_replies
from interpllm.testing import FakeLLM


@pytest.fixture
def filled(in_process: Callable[..., Session]) -> Session:
    session = in_process(FakeLLM())
    session.complete(["a", "b \ud800"])
    session.score(["p"], [" yes", " no"])
    session.embed(["t", "u"])
    return session


@pytest.fixture
def file(filled: Session, tmp_path: Path) -> Path:
    assert filled.store is not None
    path = tmp_path / "replies.jsonl"
    export_replies(filled.store, path)
    return path


def test_an_imported_store_answers_what_the_exported_one_did(
    filled: Session, file: Path, tmp_path: Path
) -> None:
    import_replies(Store(tmp_path / "copy.sqlite"), file)
    copy = Session(filled.backend, store=Store(tmp_path / "copy.sqlite", read_only=True), mode="replay")
    assert [reply.text for reply in copy.complete(["a", "b \ud800"])] == [
        reply.text for reply in filled.complete(["a", "b \ud800"])
    ]
    assert np.array_equal(copy.score(["p"], [" yes", " no"]), filled.score(["p"], [" yes", " no"]))
    assert np.array_equal(copy.embed(["t", "u"]), filled.embed(["t", "u"]))


def test_export_of_an_import_is_the_same_file(file: Path, tmp_path: Path) -> None:
    copy = Store(tmp_path / "copy.sqlite")
    import_replies(copy, file)
    export_replies(copy, tmp_path / "again.jsonl")
    assert (tmp_path / "again.jsonl").read_bytes() == file.read_bytes()


def test_the_number_of_new_replies_is_told(file: Path, tmp_path: Path) -> None:
    copy = Store(tmp_path / "copy.sqlite")
    assert (import_replies(copy, file), import_replies(copy, file)) == (5, 0)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("not json", "line 3"),
        ('{"key": "00", "request": {"verb": "complete"}, "reply": {}, "created": 1}', "key is not that"),
        ("[]", "line 3"),
        ("null", "line 3"),
    ],
)
def test_one_wrong_line_adds_nothing(file: Path, tmp_path: Path, wrong: str, told: str) -> None:
    lines = file.read_text().splitlines()
    lines[2] = wrong
    file.write_text("\n".join(lines))
    copy = Store(tmp_path / "copy.sqlite")
    with pytest.raises(StoreError, match=told):
        import_replies(copy, file)
    assert copy.summary()["replies"] == 0


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        *[("complete", reply) for reply in (5, None, "b", ["b"], {"text": 5}, {"text": "b", "refusal": {}})],
        *[("score", reply) for reply in (5, None, {}, "ab", [-1.0], [-1.0, "-2"], [-1.0, float("nan")])],
    ],
)
def test_a_reply_that_no_session_could_read_is_refused(
    file: Path, tmp_path: Path, verb: str, reply: object
) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines[1:]:
        if line["request"]["verb"] == verb:
            line["reply"] = reply
    file.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(StoreError, match=f"none to a request of the verb '{verb}'"):
        import_replies(Store(tmp_path / "copy.sqlite"), file)


@pytest.mark.parametrize("text", ["", "{}\n", '{"format": "interpllm-replies", "version": 2}\n', "\xff\n"])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(StoreError, match=r"other\.jsonl"):
        import_replies(Store(tmp_path / "copy.sqlite"), path)


def test_a_vector_that_is_not_finite_is_refused(file: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    for line in lines:
        if "vector" in line:
            line["vector"] = "AADAfw=="  # NaN
    file.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(StoreError, match="not finite"):
        import_replies(Store(tmp_path / "copy.sqlite"), file)


def test_a_failed_export_leaves_the_old_file(filled: Session, file: Path, tmp_path: Path) -> None:
    before = file.read_bytes()
    with pytest.raises(StoreError):
        export_replies(Store(tmp_path / "none.sqlite", read_only=True), file)
    assert file.read_bytes() == before
