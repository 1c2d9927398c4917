"""Requests go out as a file and replies come back as one, and the work then runs as if it had been sent."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.errors import CapabilityError, InputError, RequestsPending, StoreError
from interpllm.llm import Request, Session, connect
from interpllm.llm.batch import BatchSession, import_replies
from interpllm.testing import FakeLLM

from .conftest import SCHEMA

Opener = Callable[..., Session]
ANSWERS = {f"question {n}": {"x": n} for n in range(5)}


def answered(path: Path, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """What a batch service makes of a file: the lines answered, in another order."""
    lines = []
    for line in map(json.loads, path.read_text().splitlines()):
        asked = line["body"]["messages"][-1]["content"]
        message = {"role": "assistant", "content": json.dumps(ANSWERS.get(asked, {"x": "none"}))}
        body = {"choices": [{"message": message, "finish_reason": "stop"}]}
        answer = {
            "id": "batch_1",
            "custom_id": line["custom_id"],
            "response": {"status_code": 200, "request_id": "r", "body": body},
            "error": None,
        }
        if change is not None:
            change(answer)
        lines.append(json.dumps(answer))
    out = path.with_suffix(".answers.jsonl")
    out.write_text("\n".join(lines[::-1]) + "\n")
    return out


def collected(batch: BatchSession, questions: list[str]) -> BatchSession:
    with pytest.raises(RequestsPending, match="export_requests"):
        batch.complete(questions, schema=SCHEMA)
    return batch


def test_a_round_trip_answers_everything_and_sends_nothing(in_process: Opener, tmp_path: Path) -> None:
    llm = FakeLLM()
    batch = collected(BatchSession(in_process(llm)), list(ANSWERS))
    assert batch.export_requests(tmp_path / "requests.jsonl") == 5
    done = import_replies(answered(tmp_path / "requests.jsonl"), in_process(llm).store)  # type: ignore[arg-type]
    assert (done.added, done.failed, done.unknown) == (5, 0, 0)
    replies = in_process(llm).complete(list(ANSWERS), schema=SCHEMA)
    assert [reply.data for reply in replies] == list(ANSWERS.values())
    assert not llm.received


def test_a_line_is_that_of_the_openai_batch_api(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM(name="m"))), ["question 1"])
    batch.export_requests(tmp_path / "r.jsonl")
    (line,) = map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())
    assert set(line) == {"custom_id", "method", "url", "body"}
    assert (line["method"], line["url"], line["body"]["model"]) == ("POST", "/v1/chat/completions", "m")
    assert line["body"]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert len(line["custom_id"]) <= 64


def test_a_service_without_schemas_reads_them_in_the_prompt(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1"])
    batch.export_requests(tmp_path / "r.jsonl", schema="prompt")
    body = json.loads((tmp_path / "r.jsonl").read_text())["body"]
    assert "response_format" not in body
    assert "JSON schema" in body["messages"][-1]["content"]


def test_only_what_is_missing_is_written(in_process: Opener) -> None:
    session = in_process(FakeLLM(ANSWERS))
    session.complete(["question 1"], schema=SCHEMA)
    batch = collected(BatchSession(session), ["question 1", "question 2", "question 2"])
    assert [request.messages[-1]["content"] for request in batch.pending] == ["question 2"]


def test_calls_add_up_until_the_file_is_written(in_process: Opener) -> None:
    batch = BatchSession(in_process(FakeLLM()))
    collected(batch, ["question 1"]), collected(batch, ["question 1", "question 2"])
    assert len(batch.pending) == 2


def test_what_failed_stays_missing_and_is_counted(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1", "question 2"])
    batch.export_requests(tmp_path / "r.jsonl")
    failing = iter([True, False])

    def fail(answer: dict[str, Any]) -> None:
        if next(failing):
            answer["response"]["status_code"] = 500

    done = import_replies(answered(tmp_path / "r.jsonl", fail), batch.store)  # type: ignore[arg-type]
    assert (done.added, done.failed) == (1, 1)
    again = collected(BatchSession(in_process(FakeLLM())), ["question 1", "question 2"])
    assert len(again.pending) == 1


def test_an_unusable_answer_is_asked_again_in_the_next_round(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["something else"])
    batch.export_requests(tmp_path / "r.jsonl")
    import_replies(answered(tmp_path / "r.jsonl"), batch.store)  # type: ignore[arg-type]
    again = collected(BatchSession(in_process(FakeLLM())), ["something else"])
    assert "cannot be used" in str(again.pending[0].messages[-1]["content"])


def test_answers_to_other_requests_are_not_taken(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1"])
    batch.export_requests(tmp_path / "r.jsonl")

    def rename(answer: dict[str, Any]) -> None:
        answer["custom_id"] = "0" * 64

    done = import_replies(answered(tmp_path / "r.jsonl", rename), batch.store)  # type: ignore[arg-type]
    assert (done.added, done.unknown) == (0, 1)


def test_importing_twice_changes_nothing(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1"])
    batch.export_requests(tmp_path / "r.jsonl")
    answers = answered(tmp_path / "r.jsonl")
    assert [import_replies(answers, batch.store).added for _ in range(2)] == [1, 0]  # type: ignore[arg-type]


def test_a_damaged_file_adds_nothing(in_process: Opener, tmp_path: Path) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1", "question 2"])
    batch.export_requests(tmp_path / "r.jsonl")
    answers = answered(tmp_path / "r.jsonl")
    answers.write_text(answers.read_text()[:-40])
    with pytest.raises(StoreError, match="line 2"):
        import_replies(answers, batch.store)  # type: ignore[arg-type]
    assert len(collected(BatchSession(in_process(FakeLLM())), ["question 1", "question 2"]).pending) == 2


def test_a_pickled_batch_keeps_what_it_collected(in_process: Opener) -> None:
    batch = collected(BatchSession(in_process(FakeLLM())), ["question 1"])
    assert pickle.loads(pickle.dumps(batch)).pending == batch.pending


@pytest.mark.parametrize("verb", ["score", "embed"])
def test_a_batch_holds_completions_only(in_process: Opener, verb: str) -> None:
    batch = BatchSession(in_process(FakeLLM()))
    with pytest.raises(CapabilityError, match="batch"):
        batch.score(["a"], ["b"]) if verb == "score" else batch.embed(["a"])


def test_a_batch_without_a_store_is_refused(in_process: Opener) -> None:
    with pytest.raises(InputError, match="store"):
        BatchSession(in_process(FakeLLM(), store=None))


def test_a_batch_of_a_model_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name"):
        BatchSession(connect("http://127.0.0.1:9/v1", cache=tmp_path))


def test_samples_of_one_prompt_are_lines_of_their_own(in_process: Opener, tmp_path: Path) -> None:
    batch = BatchSession(in_process(FakeLLM()))
    with pytest.raises(RequestsPending):
        batch.complete([Request.of("a", sample=number) for number in range(2)])
    assert batch.export_requests(tmp_path / "r.jsonl") == 2
