"""Which words, addresses and objects mean which model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interpllm.errors import InputError
from interpllm.llm import Session, as_session, cache_folder, connect
from interpllm.llm.openai_http import OpenAIBackend
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


def test_connecting_to_a_server_loads_no_torch() -> None:
    code = (
        "import sys; from interpllm.llm import connect; connect('http://x/v1', model='m'); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
