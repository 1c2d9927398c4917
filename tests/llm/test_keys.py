"""What decides a reply decides its key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from interpllm.errors import InputError
from interpllm.llm import Request
from interpllm.llm.keys import canonical_json, digest, embed_canonical, embed_keys, key

IDENTITY = {"model": "m", "base_url": "http://x/v1"}
REQUEST = Request.of("Is it good?", params={"temperature": 0.0, "max_tokens": 5}, prompt_version="v1")


@pytest.mark.parametrize(
    "other",
    [
        replace(REQUEST, messages=({"role": "user", "content": "Is it bad?"},)),
        replace(REQUEST, messages=({"role": "system", "content": "Is it good?"},)),
        replace(REQUEST, schema={"type": "object"}),
        replace(REQUEST, params={"temperature": 0.5, "max_tokens": 5}),
        replace(REQUEST, params={"temperature": 0.0}),
        replace(REQUEST, sample=1),
        replace(REQUEST, prompt_version="v2"),
    ],
    ids=["messages", "role", "schema", "parameter", "fewer parameters", "sample", "prompt version"],
)
def test_everything_that_decides_a_reply_is_in_its_key(other: Request) -> None:
    assert key(other.canonical(IDENTITY)) != key(REQUEST.canonical(IDENTITY))


@pytest.mark.parametrize("part", ["model", "base_url"])
def test_model_and_address_are_in_the_key(part: str) -> None:
    assert key(REQUEST.canonical(IDENTITY | {part: "other"})) != key(REQUEST.canonical(IDENTITY))


def test_order_of_parameters_is_not_in_the_key() -> None:
    other = replace(REQUEST, params={"max_tokens": 5, "temperature": 0.0})
    assert key(other.canonical(IDENTITY)) == key(REQUEST.canonical(IDENTITY))


def test_key_is_the_sha256_of_the_canonical_json() -> None:
    assert key({"b": "ü", "a": [1]}) == sha256('{"a":[1],"b":"ü"}'.encode()).hexdigest()


@pytest.mark.parametrize("text", ["", "plain", 'quotes "" and \\', "ü 😀", "\ud800 alone", "line\nbreak"])
def test_bulk_keys_are_the_digests_of_the_canonical_requests(text: str) -> None:
    template = 'Say "","verb" of {text}'
    assert embed_keys(IDENTITY, template, [text]) == [digest(embed_canonical(IDENTITY, template, text))]


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="plain JSON"):
        canonical_json({"x": value})


@pytest.mark.parametrize(
    "name", ["api_key", "Authorization", "extra_headers", "messages", "model", "stream", "n"]
)
def test_parameters_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=name):
        Request.of("x", params={name: "secret"})
