"""A real OpenAI-compatible server that is not ours: ``transformers serve``, with a tiny model."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_models import tiny_llama  # noqa: E402

from interpllm.llm import ProbeResult, Request, Session, connect  # noqa: E402

_FILE = Path(__file__).parents[2] / "benchmarks" / "real_server.py"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL and model name of the running server."""
    for library in ("accelerate", "fastapi", "openai", "pydantic", "uvicorn"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(
                f"{library} is not installed; pip install 'transformers[serving]' brings the real server"
            )
    spec = importlib.util.spec_from_file_location("real_server", _FILE)
    assert spec is not None
    assert spec.loader is not None
    script: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    folder = tiny_llama(tmp_path_factory.mktemp("served"))
    with script.serving(folder, sys.executable) as url:
        yield url, str(folder)


@pytest.fixture(scope="module")
def session(address: tuple[str, str]) -> Iterator[Session]:
    url, model = address
    with connect(url, model=model, mode="off", timeout=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def found(session: Session) -> ProbeResult:
    return session.probe()


def test_it_completes(session: Session) -> None:
    reply = session.complete([Request.of("Hello", params={"max_tokens": 4, "temperature": 0})])[0]
    assert (reply.ok, reply.output_tokens) == (True, 4)


def test_its_replies_come_in_order(session: Session) -> None:
    requests = [Request.of("x" * length, params={"max_tokens": 2}) for length in (1, 60, 30)]
    short, long, middle = (reply.input_tokens for reply in session.complete(requests))
    assert short < middle < long


@pytest.mark.parametrize(
    ("feature", "verdict"),
    [
        ("complete", "works"),
        ("json_schema", "ignored"),
        ("json_object", "ignored"),
        ("logprobs_echo", "refused"),
        ("logprobs_chat", "ignored"),
        ("embed", "refused"),
    ],
)
def test_the_doctor_tells_the_truth_about_it(found: ProbeResult, feature: str, verdict: str) -> None:
    assert found[feature].verdict == verdict, found[feature].detail


def test_a_schema_that_it_ignores_is_not_taken_for_honoured(session: Session) -> None:
    request = Request.of("Hello", schema={"type": "object"}, params={"max_tokens": 4, "temperature": 0})
    reply = session.complete([request])[0]
    assert "parse failure" in str(reply.error)
