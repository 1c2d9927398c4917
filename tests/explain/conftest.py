"""A session with a fake, in process or over HTTP; and planted rows of other rooms' tests."""

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

# For the fake model that proposes and answers questions, tests/concept_oracle.py.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

Opener = Callable[..., Session]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    """Opens a session with a fake in process; sessions of one test share their store."""

    def open_(llm: FakeLLM, **options: Any) -> Session:
        return Session(llm, **{"store": Store(tmp_path / "replies.sqlite"), "backoff": 0.001} | options)

    return open_


@pytest.fixture
def over_http(monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens a session with a fake over HTTP, without a store."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tell-nobody-0123456789abcdef")
    with ExitStack() as stack:

        def open_(llm: FakeLLM, *, timeout: float = 10.0, **options: Any) -> Session:
            url = stack.enter_context(llm.serve())
            backend = OpenAIBackend(url, model=llm.name, timeout=timeout)
            return stack.enter_context(Session(backend, **{"backoff": 0.001} | options))

        yield open_
