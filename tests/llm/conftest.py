"""A session with a fake: in process or over HTTP, with a store in a folder of the test's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from interpllm.llm import Session, Store
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.testing import FakeLLM

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests/tiny_models.py

Opener = Callable[..., Session]

KEY = "sk-tell/nobody+0123456789abcdef=="
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}


@pytest.fixture
def own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or fills the user's cache folder, or reads the user's keys."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def in_process(tmp_path: Path, own_surroundings: None) -> Opener:
    """Opens a session with a fake in process; sessions of one test share their store."""

    def open_(llm: FakeLLM, **options: Any) -> Session:
        return Session(llm, **{"store": Store(tmp_path / "replies.sqlite"), "backoff": 0.001} | options)

    return open_


@pytest.fixture
def over_http(tmp_path: Path, own_surroundings: None) -> Iterator[Opener]:
    """Opens a session with a fake over HTTP; a fake is served once, until the test ends."""
    with ExitStack() as stack:
        urls: dict[int, str] = {}

        def open_(llm: FakeLLM, *, timeout: float = 10.0, **options: Any) -> Session:
            if id(llm) not in urls:
                urls[id(llm)] = stack.enter_context(llm.serve())
            backend = OpenAIBackend(urls[id(llm)], model=llm.name, timeout=timeout)
            chosen = {"store": Store(tmp_path / "replies.sqlite"), "backoff": 0.001} | options
            return stack.enter_context(Session(backend, **chosen))

        yield open_
