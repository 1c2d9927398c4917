"""An API key is in the request's header and nowhere else."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from interpllm.errors import InputError, InterpLLMError
from interpllm.llm import Session, connect, export_replies
from interpllm.testing import FakeLLM, Fault

from .conftest import KEY, SCHEMA

Opener = Callable[..., Session]


@pytest.fixture
def used(over_http: Opener) -> Session:
    """A session of which every verb was used, and whose server repeats the key in its replies."""
    session = over_http(FakeLLM(lambda request: f"your header was Bearer {KEY}"))
    session.probe()
    session.complete(["a", "b"])
    session.complete(["c"], schema=SCHEMA)
    session.score(["p"], [" x", " y"])
    session.embed(["t"])
    return session


def test_it_is_sent(over_http: Opener) -> None:
    llm = FakeLLM()
    over_http(llm).complete(["a"])
    assert llm.headers["Authorization"] == f"Bearer {KEY}"


def test_it_is_in_no_reply(used: Session) -> None:
    assert used.complete(["a"])[0].text == "your header was Bearer [key]"


def test_it_is_in_no_file_of_the_store(used: Session, tmp_path: Path) -> None:
    assert used.store is not None
    export_replies(used.store, tmp_path / "replies.jsonl")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 2
    assert [file for file in files if KEY.encode() in file.read_bytes()] == []


def test_it_is_in_no_pickle(used: Session) -> None:
    assert KEY.encode() not in pickle.dumps(used)


def test_it_is_in_no_repr(used: Session) -> None:
    assert KEY not in repr(used) + repr(used.backend) + repr(vars(used)) + repr(vars(used.backend))


def test_it_is_in_no_identity(used: Session) -> None:
    assert KEY not in repr(dict(used.identity))


def test_it_is_in_no_log(over_http: Opener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    over_http(FakeLLM(faults=[Fault("500", at={1})])).complete(["a"])
    assert caplog.records
    assert KEY not in caplog.text


def errors(session: Session) -> Iterator[BaseException]:
    for call in (lambda: session.complete(["a"]), lambda: session.embed(["a"])):
        with pytest.raises(InterpLLMError) as caught:
            call()
        error: BaseException | None = caught.value
        while error is not None:
            yield error
            error = error.__cause__ or error.__context__


@pytest.mark.parametrize("kind", ["401", "403", "404", "cut", "hang"])
def test_it_is_in_no_error_nor_in_what_the_error_holds(over_http: Opener, kind: str) -> None:
    session = over_http(FakeLLM(faults=[Fault(kind)]), timeout=0.1, max_retries=0, max_concurrency=1)
    session.courier.streak.limit = 1
    for error in errors(session):
        assert KEY not in "".join(traceback.format_exception(error))
        assert KEY not in repr(vars(error))
        assert not hasattr(error, "request")  # an error of httpx holds the request, and that the header


def test_a_key_in_place_of_its_variable_is_refused_without_repeating_it() -> None:
    with pytest.raises(InputError, match="NAME of an environment variable") as caught:
        connect("http://127.0.0.1:9/v1", model="m", api_key_env=KEY)
    assert KEY not in str(caught.value)


def test_a_key_that_no_header_takes_is_refused_without_repeating_it(
    over_http: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n{KEY}")
    with pytest.raises(InputError, match="OPENAI_API_KEY") as caught:
        over_http(FakeLLM()).complete(["a"])
    assert KEY not in str(caught.value)
