"""Which words, addresses and objects mean which model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from interpllm.errors import InputError
from interpllm.llm import Session, as_session, cache_folder, connect
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.llm.zoo import MODELS
from interpllm.testing import FakeLLM

pytestmark = pytest.mark.usefixtures("own_surroundings")


def address(session: Session) -> str:
    assert isinstance(session.backend, OpenAIBackend)
    return session.backend.url


def test_an_address_is_a_server() -> None:
    session = connect("http://localhost:8000/v1/", model="m")
    assert dict(session.identity) == {"model": "m", "base_url": "http://localhost:8000/v1"}


def test_openai_is_the_official_address() -> None:
    assert address(connect("openai", model="m")) == "https://api.openai.com/v1"


def test_openai_is_the_address_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:1/v1")
    assert address(connect("openai")) == "http://gateway:1/v1"


def test_openai_needs_a_model() -> None:
    with pytest.raises(InputError, match="model="):
        connect("openai")


@pytest.mark.parametrize("spec", ["gpt", "", "ftp://x/v1", 3, None])
def test_another_spec_is_refused_with_those_that_there_are(spec: object) -> None:
    with pytest.raises(InputError, match="'local', 'minilm'"):
        connect(spec)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:abc/v1",
        "http://localhost:99999/v1",
        "http://[::1/v1",
        "http://a\x00/v1",
        "http:///v1",
    ],
)
def test_an_address_that_is_none_is_refused_on_connecting(address: str) -> None:
    with pytest.raises(InputError, match="looks like http://localhost:8000/v1"):
        connect(address, model="m")


@pytest.mark.parametrize("end", ["@localhost:abc", "@[::1", "/rest@localhost", "@\u2100"])
def test_an_address_that_is_none_is_not_repeated_with_its_password(end: str) -> None:
    with pytest.raises(InputError) as caught:
        connect(f"http://me:open-sesame{end}/v1", model="m")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("timeout", [None, -1, 0, float("nan"), float("inf"), "60", True])
def test_a_timeout_that_is_no_time_is_refused_on_connecting(timeout: object) -> None:
    with pytest.raises(InputError, match="timeout must be"):
        connect("http://127.0.0.1:9/v1", model="m", timeout=timeout)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", [{"budget": 5}, {"prices": 5}, {"api_key_env": None}], ids=["budget", "prices", "api_key_env"]
)
def test_an_option_of_another_kind_is_refused_on_connecting(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=f"{next(iter(options))} must be"):
        connect(FakeLLM(), **options)


def test_nothing_is_sent_on_connecting() -> None:
    connect("http://127.0.0.1:9/v1", model="m")


def test_nothing_is_written_on_connecting() -> None:
    connect("http://127.0.0.1:9/v1", model="m")
    assert not cache_folder().exists()


def test_replies_go_to_the_cache_folder() -> None:
    connect(FakeLLM()).complete(["a"])
    assert (cache_folder() / "replies.sqlite").exists()


def test_cache_names_another_place_for_replies(tmp_path: Path) -> None:
    connect(FakeLLM(), cache=tmp_path / "here").complete(["a"])
    assert (tmp_path / "here" / "replies.sqlite").exists()
    assert not cache_folder().exists()


def test_off_makes_no_file() -> None:
    connect(FakeLLM(), mode="off").complete(["a"])
    assert not cache_folder().exists()


def test_no_model_is_no_session() -> None:
    assert as_session(None) is None


def test_a_session_is_itself() -> None:
    session = Session(FakeLLM())
    assert as_session(session) is session


def test_an_object_with_the_protocol_is_connected(tmp_path: Path) -> None:
    session = as_session(FakeLLM({"a": "b"}), cache=tmp_path)
    assert session is not None
    assert session.complete(["a"])[0].text == "b"


def test_what_an_object_lacks_of_the_protocol_is_named() -> None:
    class Half:
        identity, capabilities, batch_size = {"model": "half"}, frozenset({"complete"}), 1

        def complete(self, requests: list[object]) -> list[object]:
            return []

    with pytest.raises(InputError, match=r"Half.* without score, embed\."):
        connect(Half())  # type: ignore[arg-type]


def test_the_local_model_is_named_by_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    from interpllm.llm import transformers_local

    made: list[tuple[str, bool]] = []

    def backend(name: str, *, embed_only: bool = False, layer: int | None = None) -> FakeLLM:
        made.append((name, embed_only))
        return FakeLLM()

    monkeypatch.setattr(transformers_local, "TransformersBackend", backend)
    for spec in ("local", "minilm", "hf:some/model"):
        connect(spec)
    assert made == [("smollm2-135m", False), ("minilm", True), ("some/model", False)]


def test_no_property_of_a_model_is_computed_on_connecting() -> None:
    class Slow(FakeLLM):
        @property
        def identity(self) -> dict[str, Any]:
            raise AssertionError("the weights were read")

    connect(Slow())


@pytest.mark.parametrize("lacking", ["identity", "capabilities", "batch_size", "complete", "score", "embed"])
def test_an_object_that_lacks_a_part_of_the_protocol_is_refused(lacking: str) -> None:
    names = {"identity", "capabilities", "batch_size", "complete", "score", "embed"} - {lacking}
    with pytest.raises(InputError, match="an object with its protocol"):
        connect(type("Partly", (), dict.fromkeys(names))())


@pytest.fixture
def pulled() -> None:
    """The embedded model as far as connecting looks at it."""
    folder = MODELS["smollm2-135m"].folder
    folder.mkdir(parents=True)
    (folder / "interpllm.json").write_text(json.dumps({"weights": MODELS["smollm2-135m"].weights}))
    (folder / "config.json").write_text(json.dumps({"num_hidden_layers": 30}))


@pytest.mark.parametrize("spec", ["http://x/v1", "local"])
def test_connecting_loads_no_torch(pulled: None, spec: str) -> None:
    code = (
        f"import sys; from interpllm.llm import connect; connect({spec!r}, model='m'); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
