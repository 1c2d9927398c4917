"""An API key is in the request's header and nowhere else."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from interpllm.errors import InputError, InterpLLMError
from interpllm.llm import Request, Session, connect, export_replies
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


ESCAPES: dict[str, Callable[[str], str]] = {
    "slash": lambda body: body.replace("/", "\\/"),
    "unicode": lambda body: body.replace(KEY, "".join(f"\\u{ord(letter):04x}" for letter in KEY)),
}


@contextmanager
def telling(status: int, body: Any, escape: Callable[[str], str]) -> Iterator[str]:
    """Address of a server that says the same whatever it is asked, in a spelling of its own."""
    said = escape(json.dumps(body)).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_it_is_in_no_reply_that_spells_it_with_escapes(
    own_surroundings: None, tmp_path: Path, escape: Callable[[str], str]
) -> None:
    body = {KEY: 1, "choices": [{"message": {"content": f"you sent {KEY}"}, "finish_reason": "stop"}]}
    with telling(200, body, escape) as url, connect(url, model="m", cache=tmp_path) as session:
        assert session.complete(["a"])[0].text == "you sent [key]"


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_it_is_in_no_error_that_spells_it_with_escapes(
    own_surroundings: None, escape: Callable[[str], str]
) -> None:
    body = {"error": {"message": f"wrong key {KEY}"}}
    with (
        telling(401, body, escape) as url,
        connect(url, model="m", mode="off") as session,
        pytest.raises(InterpLLMError, match=r"wrong key \[key\]"),
    ):
        session.complete(["a"])


@pytest.mark.parametrize(
    "params",
    [
        {"access_token": KEY},
        {"bearer": KEY},
        {"extra_body": {"api_key": KEY}},
        {"extra_body": {"guards": [{"access-token": KEY}]}},
    ],
)
def test_it_is_refused_among_the_parameters_without_repeating_it(params: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="belong to connect") as caught:
        Request.of("a", params=params)
    assert KEY not in str(caught.value)


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
