"""The fake language model as a real HTTP server on this machine, in the OpenAI dialect.

In a process of its own, ``python -m interpllm.testing.fake_server '{"faults": [{"kind": "500"}]}'`` writes
its address to standard output and serves until standard input is closed. The JSON object holds arguments of
`FakeLLM`, and ``port``. ``GET .../v1/received`` then tells the calls by verb.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from interpllm.llm.base import Request, estimate_tokens
from interpllm.testing.fake_llm import FakeLLM, prompt_of, tokens_of
from interpllm.testing.faults import Fault

_GENERATED = " and"  # the one token that an echoed completion goes on with
_TOP = 20
_STATUS = {"400", "401", "403", "404", "429", "500"}


class FakeServer:
    """Serves one `FakeLLM` from threads of this process, on 127.0.0.1.

    Parameters
    ----------
    llm : FakeLLM
        What answers, counts and decides on faults.
    port : int
        0 takes a free one.
    """

    def __init__(self, llm: FakeLLM, port: int = 0) -> None:
        self.llm = llm
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.fake = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The address for `connect`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """End every hanging call, and serve no more."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, path: str, body: Mapping[str, Any]) -> tuple[dict[str, Any], Fault | None]:
        """What is sent back for one call, and the fault that it meets."""
        if path == "/chat/completions":
            return self._chat(body)
        if path == "/completions":
            texts = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
            fault = self.llm.receive("score", prompts=texts)
            ignored = fault is not None and fault.kind == "ignored_logprobs"
            echoed = [self._echo(number, text, ignored) for number, text in enumerate(texts)]
            return {"object": "text_completion", "choices": echoed, **_usage(texts, [_GENERATED])}, fault
        texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
        fault = self.llm.receive("embed", texts=texts)
        rows = [{"index": number, "embedding": self.llm.vector(text)} for number, text in enumerate(texts)]
        # Backwards, since the dialect promises an index and no order.
        return {"object": "list", "data": rows[::-1], **_usage(texts, [])}, fault

    def _chat(self, body: Mapping[str, Any]) -> tuple[dict[str, Any], Fault | None]:
        named = {"messages", "model", "response_format", "logprobs", "top_logprobs"}
        request = Request(
            messages=tuple(body["messages"]),
            schema=_schema(body.get("response_format")),
            params={name: value for name, value in body.items() if name not in named},
        )
        scoring = bool(body.get("logprobs"))
        fault = self.llm.receive("score" if scoring else "complete", prompts=[prompt_of(request)])
        reply = self.llm.answer(request, fault)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": reply.text, "refusal": reply.refusal},
            "finish_reason": reply.finish,
        }
        if scoring:
            ignored = fault is not None and fault.kind == "ignored_logprobs"
            choice["logprobs"] = None if ignored else {"content": [self._top(prompt_of(request))]}
        usage = {"prompt_tokens": reply.input_tokens, "completion_tokens": reply.output_tokens}
        return {"object": "chat.completion", "choices": [choice], "usage": usage}, fault

    def _top(self, prompt: str) -> dict[str, Any]:
        """The likeliest first tokens: what is planted for the prompt, and the words that stand in it."""
        planted = self.llm.scores if isinstance(self.llm.scores, Mapping) else {}
        options = [option for before, option in planted if before == prompt]
        words = [word.strip(".,:;!?\"'") for word in prompt.split()]
        bare = {option.strip() for option in options}
        options += [word for word in dict.fromkeys(words) if word and word not in bare]
        scored = sorted(((self.llm.log_probability(prompt, one), one) for one in options), reverse=True)
        top = [{"token": one, "logprob": value} for value, one in scored[:_TOP]]
        return {**top[0], "top_logprobs": top} if top else {"token": "", "logprob": 0.0, "top_logprobs": []}

    def _echo(self, number: int, text: str, ignored: bool) -> dict[str, Any]:
        tokens = tokens_of(text)
        if isinstance(self.llm.scores, Mapping):
            for before, option in self.llm.scores:
                if before + option == text:
                    tokens = [*tokens_of(before), option]
        offsets = [sum(map(len, tokens[:place])) for place in range(len(tokens) + 1)]
        values: list[float | None] = [
            self.llm.log_probability(text[:begin], token)
            for begin, token in zip(offsets, tokens, strict=False)
        ]
        if values:
            values[0] = None  # nothing stands before it
        logprobs = {
            "tokens": [*tokens, _GENERATED],
            "token_logprobs": [*values, -1.0],
            "text_offset": offsets,
        }
        return {"index": number, "text": text + _GENERATED, "logprobs": None if ignored else logprobs}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    fake: FakeServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that left before their reply was there."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a reply in two pieces waits 40 ms for its acknowledgement
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        llm = self.server.fake.llm
        path = self.path.removeprefix("/v1")
        if path == "/received":
            self._send(200, dict(llm.received))
        elif path == "/models":
            self._reply({"object": "list", "data": [{"id": llm.name}]}, llm.receive("models"))
        else:
            self._send(404, _error("there is nothing at this address"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.fake.llm.headers = dict(self.headers)
        path = self.path.removeprefix("/v1")
        if path in ("/chat/completions", "/completions", "/embeddings"):
            self._reply(*self.server.fake.answer(path, body))
        else:
            self._send(404, _error("there is nothing at this address"))

    def _reply(self, answer: Mapping[str, Any], fault: Fault | None) -> None:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind in _STATUS:
            after = {"Retry-After": f"{fault.seconds:g}"} if kind == "429" else {}
            self._send(int(fault.kind), _error(f"planted fault {kind}"), after)
        elif fault is not None and kind == "hang":
            self.server.fake.stopping.wait(fault.seconds or None)
            self.close_connection = True
        elif kind == "cut":
            data = json.dumps(answer).encode()
            self._head(200, len(data), {})
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif kind == "broken_body":
            data = b"<html>The service is busy.</html>"
            self._head(200, len(data), {})
            self.wfile.write(data)
        else:
            self._send(200, answer)

    def _send(self, status: int, answer: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        self._head(status, len(data), headers or {})
        self.wfile.write(data)

    def _head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _schema(wanted: Any) -> Mapping[str, Any] | None:
    if not isinstance(wanted, Mapping):
        return None
    return dict(wanted["json_schema"]["schema"]) if wanted["type"] == "json_schema" else {"type": "object"}


def _usage(into: list[str], out: list[str]) -> dict[str, Any]:
    tokens = [sum(map(estimate_tokens, texts)) for texts in (into, out)]
    return {"usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}}


def _error(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "fake"}}


def main(arguments: str) -> None:
    """Serve until standard input is closed."""
    options = json.loads(arguments)
    faults = [Fault(**fault) for fault in options.pop("faults", [])]
    port = options.pop("port", 0)
    server = FakeServer(FakeLLM(faults=faults, **options), port)
    server.start()
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "{}")
