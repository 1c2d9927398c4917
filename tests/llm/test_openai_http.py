"""What is sent to a server, and what is made of what it sends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from interpllm.errors import CapabilityError, InputError, RequestRefused, TransientError
from interpllm.llm import Budget, Request, connect
from interpllm.llm.logprobs import from_chat, from_echo
from interpllm.llm.openai_http import OpenAIBackend


class Recorder:
    """A server that answers every call the same, and keeps what was sent."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body: Any = {"choices": [{"message": {"content": "hello"}}]}
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                recorder.calls.append((self.path, dict(self.headers), json.loads(data) if data else None))
                body = (
                    recorder.body if isinstance(recorder.body, bytes) else json.dumps(recorder.body).encode()
                )
                self.send_response(recorder.status)
                for name, value in recorder.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST  # noqa: N815 - the name that http.server looks for

            def log_message(self, *args: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"


@pytest.fixture
def server(own_surroundings: None) -> Iterator[Recorder]:
    recorder = Recorder()
    thread = threading.Thread(target=recorder.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield recorder
    recorder.server.shutdown()
    thread.join()
    recorder.server.server_close()


@pytest.fixture
def backend(server: Recorder) -> Iterator[OpenAIBackend]:
    made = OpenAIBackend(server.url, model="m", timeout=5)
    yield made
    made.close()


def test_only_what_was_set_is_sent(server: Recorder, backend: OpenAIBackend) -> None:
    backend.complete([Request.of("hi")])
    assert server.calls[0][2] == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_parameters_are_sent_as_they_are(server: Recorder, backend: OpenAIBackend) -> None:
    backend.complete([Request.of("hi", params={"temperature": 0.0, "stop": ["\n"]})])
    assert {"temperature": 0.0, "stop": ["\n"]}.items() <= server.calls[0][2].items()


def test_samples_have_seeds_of_their_own(server: Recorder, backend: OpenAIBackend) -> None:
    backend.complete([Request.of("hi", params={"seed": 5}, sample=2)])
    assert server.calls[0][2]["seed"] == 7


def test_a_schema_is_sent_as_response_format(server: Recorder, backend: OpenAIBackend) -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    backend.complete([Request.of("hi", schema=schema)])
    sent = server.calls[0][2]["response_format"]
    assert sent == {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}}


def test_the_key_is_sent_in_the_header_alone(server: Recorder, backend: OpenAIBackend) -> None:
    from .conftest import KEY

    backend.complete([Request.of("hi")])
    path, headers, body = server.calls[0]
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in path + json.dumps(body)


def test_without_a_key_no_header_is_sent(
    server: Recorder, backend: OpenAIBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    backend.complete([Request.of("hi")])
    assert "Authorization" not in server.calls[0][1]


def test_a_proxy_is_not_asked_for_this_machine(
    server: Recorder, backend: OpenAIBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert backend.complete([Request.of("hi")])[0].text == "hello"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": [{}]},
        {"choices": 3},
        [],
        b"<html>",
        b"",
        {"error": {"message": "busy"}},
    ],
)
def test_a_body_that_is_no_reply_may_be_asked_for_again(
    server: Recorder, backend: OpenAIBackend, body: Any
) -> None:
    server.body = body
    with pytest.raises(TransientError):
        backend.complete([Request.of("hi")])


def test_content_in_parts_is_joined(server: Recorder, backend: OpenAIBackend) -> None:
    server.body = {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}
    assert backend.complete([Request.of("hi")])[0].text == "ab"


def test_tokens_are_read(server: Recorder, backend: OpenAIBackend) -> None:
    server.body = server.body | {"usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    reply = backend.complete([Request.of("hi")])[0]
    assert (reply.input_tokens, reply.output_tokens) == (3, 4)


@pytest.mark.parametrize(
    "rows",
    [
        [{"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0, 2.0]}],
        [{"index": 0}, {"index": 1}],
        None,
    ],
    ids=["too few", "twice the same", "of two lengths", "without vectors", "none"],
)
def test_vectors_that_do_not_fit_the_texts_are_refused(
    server: Recorder, backend: OpenAIBackend, rows: Any
) -> None:
    server.body = {"data": rows}
    with pytest.raises(TransientError, match="no usable vectors"):
        backend.embed(["a", "b"])


@pytest.mark.parametrize(
    ("after", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-1", 0.0), ("soon", None), (None, None)]
)
def test_retry_after_is_read(
    server: Recorder, backend: OpenAIBackend, after: str | None, seconds: float | None
) -> None:
    server.status = 503
    server.headers = {"Retry-After": after} if after is not None else {}
    with pytest.raises(TransientError) as caught:
        backend.complete([Request.of("hi")])
    assert caught.value.retry_after == seconds


def test_retry_after_may_be_a_date(server: Recorder, backend: OpenAIBackend) -> None:
    server.status, server.headers = 429, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}
    with pytest.raises(TransientError) as caught:
        backend.complete([Request.of("hi")])
    assert (caught.value.retry_after or 0) > 1e6


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_statuses_worth_another_try(server: Recorder, backend: OpenAIBackend, status: int) -> None:
    server.status = status
    with pytest.raises(TransientError, match=str(status)):
        backend.complete([Request.of("hi")])


@pytest.mark.parametrize("status", [301, 400, 401, 402, 403, 404, 405, 413, 422])
def test_statuses_not_worth_one(server: Recorder, backend: OpenAIBackend, status: int) -> None:
    server.status = status
    with pytest.raises(RequestRefused, match=str(status)) as caught:
        backend.complete([Request.of("hi")])
    assert caught.value.status == status


def test_what_the_server_says_is_on_one_short_line(server: Recorder, backend: OpenAIBackend) -> None:
    server.status, server.body = 400, {"error": {"message": "too\nlong " * 200}}
    with pytest.raises(RequestRefused, match="too long") as caught:
        backend.complete([Request.of("hi")])
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_a_redirect_is_told_and_not_followed(server: Recorder, backend: OpenAIBackend) -> None:
    server.status, server.headers = 307, {"Location": "http://elsewhere.example/v1/chat/completions"}
    with pytest.raises(RequestRefused, match=r"moved to http://elsewhere\.example"):
        backend.complete([Request.of("hi")])
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "url",
    ["http://user:secret@x/v1", "http://x/v1?key=secret", "http://x/v1#secret", "http:///v1", "ftp://x/v1"],
)
def test_an_address_that_holds_more_is_refused(url: str) -> None:
    with pytest.raises(InputError) as caught:
        OpenAIBackend(url)
    assert "secret" not in str(caught.value)


def test_the_one_model_that_is_served_is_taken(server: Recorder) -> None:
    server.body = {"data": [{"id": "only"}]}
    with connect(server.url) as session:
        assert session.identity["model"] == "only"


def test_another_model_at_the_same_address_is_noticed(server: Recorder) -> None:
    for name in ("old", "new"):
        server.body = {"data": [{"id": name}]}
        with connect(server.url) as session:
            assert session.identity["model"] == name


@pytest.mark.parametrize("options", [{"mode": "replay"}, {"budget": Budget(max_requests=0)}, {}])
def test_the_model_of_last_time_is_taken_where_the_server_cannot_be_asked(
    server: Recorder, options: dict[str, Any]
) -> None:
    server.body = {"data": [{"id": "only"}]}
    with connect(server.url) as session:
        assert session.identity["model"] == "only"
    server.status = 500
    with connect(server.url, **options) as session:
        assert session.identity["model"] == "only"


def test_of_several_models_one_must_be_named(server: Recorder) -> None:
    server.body = {"data": [{"id": "one"}, {"id": "two"}]}
    with connect(server.url) as session, pytest.raises(CapabilityError, match=r"one, two.*model='\.\.\.'"):
        session.embed(["a"])


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_lists_no_models_is_told_with_the_fix(server: Recorder, status: int) -> None:
    server.status = status
    with connect(server.url, max_retries=0) as session, pytest.raises(CapabilityError, match="model="):
        session.complete(["a"])


# Log-probabilities ------------------------------------------------------------------------------------


def echo(*choices: Any) -> dict[str, Any]:
    return {"choices": [{"index": n, "logprobs": logprobs} for n, logprobs in enumerate(choices)]}


def test_tokens_after_the_prompt_are_summed() -> None:
    one = {
        "tokens": ["A", " b", " c", " d"],
        "token_logprobs": [None, -1.0, -2.0, -9.0],
        "text_offset": [0, 1, 3, 5],
    }
    assert from_echo(echo(one), "A", [" b c"]) == [-3.0]


def test_offsets_are_counted_where_the_server_sends_none() -> None:
    one = {"tokens": ["A", " b", " d"], "token_logprobs": [None, -1.0, -9.0]}
    assert from_echo(echo(one), "A", [" b"]) == [-1.0]


def test_a_token_across_the_border_belongs_to_the_option() -> None:
    one = {"tokens": ["A", " be", "!"], "token_logprobs": [None, -1.0, -9.0], "text_offset": [0, 1, 4]}
    assert from_echo(echo(one), "A b", ["e"]) == [-1.0]


@pytest.mark.parametrize(
    "logprobs",
    [None, {}, {"tokens": ["A", " b"], "token_logprobs": [None, None]}, {"tokens": [], "token_logprobs": []}],
)
def test_what_is_not_there_is_nan(logprobs: Any) -> None:
    assert str(from_echo(echo(logprobs), "A", [" b"])) == "[nan]"


def chat(*top: tuple[str, float]) -> dict[str, Any]:
    listed = [{"token": token, "logprob": value} for token, value in top]
    return {"choices": [{"logprobs": {"content": [{"top_logprobs": listed}]}}]}


def test_first_tokens_that_begin_an_option_are_added_up() -> None:
    got = from_chat(chat(("Yes", -1.0), (" yes", -3.0), ("Y", -2.0), ("No", -1.5)), ["Yes", "No"])
    assert got == [pytest.approx(-0.687, abs=1e-3), -1.5]


def test_an_option_that_is_not_listed_is_nan() -> None:
    assert str(from_chat(chat(("Yes", -0.1), ("Sure", -3.0)), ["Yes", "No"])) == "[-0.1, -inf]"


def test_one_value_for_all_is_no_distribution() -> None:
    assert str(from_chat(chat(("Yes", 0.0), ("No", 0.0)), ["Yes", "No"])) == "[nan, nan]"


def test_a_token_that_begins_two_options_counts_for_none() -> None:
    assert str(from_chat(chat(("un", -0.1), ("unsure", -1.0)), ["unsure", "unhappy"])) == "[-1.0, -inf]"


def test_options_that_begin_each_other_are_refused() -> None:
    with pytest.raises(InputError, match="reword"):
        from_chat(chat(("no", -1.0)), ["no", "none"])
