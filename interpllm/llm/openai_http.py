"""Any server that speaks the OpenAI dialect, over HTTP."""

from __future__ import annotations

import json
import math
import os
import threading
import weakref
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from interpllm.errors import ConnectionFailed, InputError, RequestRefused, TransientError
from interpllm.llm.base import Reply, Request, fill
from interpllm.llm.chat import chat_body, chat_reply, chat_tokens
from interpllm.llm.logprobs import from_chat, from_echo

_SECRET_LENGTH = 12  # a shorter "key" is a placeholder such as EMPTY, and may well stand in a reply
_CONNECT = 10.0  # seconds to wait for a connection
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Answer(NamedTuple):
    """The JSON body of a reply, and the tokens that it says it took."""

    body: dict[str, Any]
    input_tokens: int
    output_tokens: int


class OpenAIBackend:
    """Chat completions, completions and embeddings of one model at one address.

    Each call is one HTTP request, without retries. The key is read from the environment at every request
    and kept nowhere, so it can be in no pickle; it is taken out of whatever the server sends back.

    Parameters
    ----------
    url : str
        Address that ends in ``/v1``.
    model : str or None
        Name of the model; None until it is chosen from `models`.
    api_key_env : str
        Name of the environment variable that holds the key; not set, none is sent.
    timeout : float
        Seconds that the server may be silent.

    Raises
    ------
    InputError
        When the address is none, or holds a password or a query, which would be stored with every reply, or
        the timeout is no number above 0.
    """

    batch_size = 1
    embed_batch_size = 64
    schema_support = "probe"

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        timeout: float = 60.0,
    ) -> None:
        try:
            httpx.URL(url)
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises where it is no number of a port
        except (httpx.InvalidURL, ValueError):
            # Neither the address nor the reason is repeated: there may be a password in them.
            raise InputError(
                "The address of a server looks like http://localhost:8000/v1; the one given cannot be read. "
                "Check its host and port."
            ) from None
        if parts.username or parts.password or parts.query or parts.fragment:
            raise InputError(
                f"The address of a server at {parts.hostname} must not hold a user, a password or a query. "
                f"Put the key into the environment variable {api_key_env}."
            )
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(f"The address of a server looks like http://localhost:8000/v1; got {url!r}.")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 < timeout < math.inf:
            raise InputError(f"timeout must be a number of seconds above 0; got {timeout!r}.")
        self.url = url.rstrip("/")
        self.model = model
        self.api_key_env = api_key_env
        self.timeout = timeout
        self._begin()

    def _begin(self) -> None:
        self._client: httpx.Client | None = None
        self._pid = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("url", "model", "api_key_env", "timeout")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __repr__(self) -> str:
        return f"OpenAIBackend({self.url!r}, model={self.model!r})"

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        with self._lock:
            if self._client is not None:
                _close(self._client, self._pid)
            self._client = None

    # The protocol -------------------------------------------------------------------------------------

    @property
    def identity(self) -> Mapping[str, Any]:
        """The model's name and the server's address."""
        return {"model": self.model, "base_url": self.url}

    @property
    def capabilities(self) -> frozenset[str]:
        """All three verbs: which of them the server has is known only when it is asked."""
        return frozenset({"complete", "score", "embed"})

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, each over one chat completion.

        Raises
        ------
        TransientError, ConnectionFailed, RequestRefused
        """
        return [self._complete(request) for request in requests]

    def score(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """Log-probabilities by echoed completions; see `score_with`."""
        return self.score_with("logprobs_echo", prompts, options)[0]

    def score_with(
        self, method: str, prompts: Sequence[str], options: Sequence[str], exact: bool = False
    ) -> tuple[NDArray[np.float64], int, int]:
        """Log-probabilities by one of two ways, and the input and output tokens that they took.

        Parameters
        ----------
        method : {"logprobs_echo", "logprobs_chat"}
            "logprobs_echo": completions that echo their prompt, so that every token of an option counts.
            "logprobs_chat": the likeliest first tokens of a chat reply, so that only the first token of an
            option counts; -inf for an option that is not among them.
        prompts, options : sequence of str
            As for `score`.
        exact : bool
            Of "logprobs_echo": refuse a token that spans the border between prompt and option.

        Raises
        ------
        InputError
            When there is such a token.
        TransientError, ConnectionFailed, RequestRefused
        """
        rows, into, out = [], 0, 0
        for prompt in prompts:
            if method == "logprobs_echo":
                answer = self._post(
                    "/completions",
                    {
                        "prompt": [prompt + option for option in options],
                        "max_tokens": 1,
                        "echo": True,
                        "logprobs": 1,
                    },
                )
                row = from_echo(answer.body, prompt, options, exact)
            else:
                answer = self._post(
                    "/chat/completions",
                    {
                        "messages": [{"role": "user", "content": prompt}],
                        "max_tokens": 1,
                        "logprobs": True,
                        "top_logprobs": 20,
                    },
                )
                row = from_chat(answer.body, options)
            rows.append(row)
            into, out = into + answer.input_tokens, out + answer.output_tokens
        return np.array(rows, dtype=np.float64), into, out

    def embed(self, texts: Sequence[str], template: str = "{text}") -> NDArray[np.float32]:
        """One vector a text; see `metered_embed`."""
        return self.metered_embed(texts, template)[0]

    def metered_embed(self, texts: Sequence[str], template: str) -> tuple[NDArray[np.float32], int]:
        """One vector a text, (n_texts, dim), and the tokens that they took.

        Raises
        ------
        TransientError, ConnectionFailed, RequestRefused
        """
        answer = self._post("/embeddings", {"input": [fill(template, text) for text in texts]})
        try:
            rows = sorted(answer.body["data"], key=lambda row: row["index"])
            if [row["index"] for row in rows] != list(range(len(texts))):
                raise ValueError(f"{len(rows)} vectors for {len(texts)} texts")
            vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise TransientError(f"{self.url}/embeddings sent no usable vectors: {error}") from None
        return vectors, answer.input_tokens

    def models(self) -> list[str]:
        """Names of the models that the server says it serves.

        Raises
        ------
        TransientError, ConnectionFailed, RequestRefused
        """
        body = self._exchange("GET", "/models", None)
        listed = body.get("data", [])
        return [str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one]

    # One chat completion ------------------------------------------------------------------------------

    def _complete(self, request: Request) -> Reply:
        answer = self._post("/chat/completions", chat_body(request))
        try:
            return chat_reply(answer.body, answer.input_tokens, answer.output_tokens)
        except ValueError as error:
            raise TransientError(f"{self.url}/chat/completions sent {error}") from None

    # HTTP ---------------------------------------------------------------------------------------------

    def _post(self, path: str, body: dict[str, Any]) -> Answer:
        answer = self._exchange("POST", path, {"model": self.model, **body})
        return Answer(answer, *chat_tokens(answer))

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        """The JSON object that the server answers with; anything else is raised."""
        result = self._try(method, path, body)
        # Raised here and not where it was caught: an error of httpx holds the request, and with it the key.
        if isinstance(result, Exception):
            raise result
        return result

    def _try(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any] | Exception:
        url = self.url + path
        key = self._key()
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        try:
            response = self._connected().request(method, url, content=content, headers=headers)
            text = response.text
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return ConnectionFailed(f"{url} cannot be reached ({error}). Is the server running there?")
        except httpx.TimeoutException:
            return TransientError(f"{url} was silent for {self.timeout:g} s; a longer timeout= may help.")
        except httpx.HTTPError as error:
            return TransientError(f"{url} broke the connection off ({type(error).__name__}: {error}).")
        try:
            # Once parsed: in the text itself a key may be spelt with escapes.
            answer = _without(key, json.loads(text))
        except (ValueError, RecursionError):
            answer = None
        if not response.is_success:
            return self._fault(url, response, answer, key)
        if not isinstance(answer, dict):
            return TransientError(f"{url} sent a body that is not a JSON object.")
        if answer.get("error"):
            return TransientError(f"{url} reports: {_words(answer)}")
        return answer

    def _fault(self, url: str, response: httpx.Response, answer: Any, key: str) -> Exception:
        status, said = response.status_code, _words(answer)
        says = f" The server says: {said}" if said else ""
        quota = isinstance(answer, dict) and "insufficient_quota" in json.dumps(answer.get("error"))
        if quota or status == 402:
            return RequestRefused(f"{url} ({status}): no credit is left for this key.{says}", status)
        if status in (408, 409, 429) or status >= 500:
            return TransientError(f"{url} answered {status}.{says}", _seconds(response.headers))
        env = self.api_key_env
        fix = {
            401: f"The key was refused. Set the environment variable {env} to a valid key"
            + ("." if key else " (it is not set)."),
            403: f"The key in {env} may not use model {self.model!r}. Use another key or model.",
            404: f"Nothing is there. Check that the address ends in /v1 and that it serves {self.model!r} "
            f"({self.url}/models lists what it serves).",
        }.get(status)
        if fix is None and 300 <= status < 400:
            target = urlsplit(_without(key, response.headers.get("location", "")))
            fix = (
                f"The server has moved to {target.scheme}://{target.hostname}{target.path}; connect to that."
            )
        return RequestRefused(f"{url} answered {status}. {fix or 'The request cannot work.'}{says}", status)

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if key and not (key.isascii() and key.isprintable()):
            raise InputError(f"The environment variable {self.api_key_env} holds characters that no key has.")
        return key

    def _connected(self) -> httpx.Client:
        with self._lock:
            # A connection that a parent process opened cannot be used by its fork.
            if self._client is None or self._pid != os.getpid():
                self._client = httpx.Client(
                    timeout=httpx.Timeout(self.timeout, connect=min(_CONNECT, self.timeout)),
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=64),
                    # A proxy knows nothing of this machine's own addresses.
                    trust_env=urlsplit(self.url).hostname not in _LOOPBACK,
                )
                self._pid = os.getpid()
                weakref.finalize(self, _close, self._client, self._pid)
            return self._client


def _close(client: httpx.Client, pid: int) -> None:
    """Close what this process opened; a fork leaves its parent's connections alone."""
    if pid == os.getpid():
        client.close()


def _without(key: str, value: Any) -> Any:
    """A JSON value with the key taken out of all its strings, names of members included."""
    if len(key) < _SECRET_LENGTH:
        return value
    if isinstance(value, str):
        return value.replace(key, "[key]")
    if isinstance(value, list):
        return [_without(key, one) for one in value]
    if isinstance(value, dict):
        return {_without(key, name): _without(key, one) for name, one in value.items()}
    return value


def _words(answer: Any) -> str:
    """What an error body says, on one line of bounded length."""
    error = (
        answer.get("error", answer.get("detail", answer.get("message"))) if isinstance(answer, dict) else None
    )
    said = error.get("message") if isinstance(error, dict) else error
    return " ".join(str(said or "").split())[:300]


def _seconds(headers: httpx.Headers) -> float | None:
    """What Retry-After asks for: seconds, or a date."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return None
