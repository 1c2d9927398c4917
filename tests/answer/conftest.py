"""A model that reads: it finds texts and questions in the prompt and answers from a planted rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.llm import Request, Session, Store
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.runtime import Question
from interpllm.testing import FakeLLM, Fault

LETTERS = "abcdefghij"
TEXTS = [
    "".join(letter for place, letter in enumerate(LETTERS) if n * 37 >> place & 1) + f" {n}"
    for n in range(60)
]
QUESTIONS = [
    Question.of(f"Does the text have the letter {letter}?", "Anywhere in it.") for letter in "abcdefghij"
]

Rule = Callable[[str, str], bool]
Opener = Callable[..., Session]


def has_letter(text: str, question: str) -> bool:
    """The planted truth."""
    found = re.search(r"the letter (\w)", question)
    assert found is not None, question
    return found.group(1) in text


TRUTH: NDArray[np.float64] = np.array(
    [[has_letter(t, q.text) for q in QUESTIONS] for t in TEXTS], dtype=float
)


def stacked(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """The texts and the questions of a request, by their names in it."""
    content = next(str(m["content"]) for m in request.messages if m["role"] == "user")
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    return texts, dict(re.findall(r"^(q\d+): (.*)$", content, re.M))


def reader(rule: Rule = has_letter) -> Callable[[Request], Any]:
    """Answers of a model that follows a rule."""

    def answer(request: Request) -> Any:
        texts, questions = stacked(request)
        if not texts:  # a probe of what the server can do
            return None
        return {
            t: {q: "yes" if rule(text, asked) else "no" for q, asked in questions.items()}
            for t, text in texts.items()
        }

    return answer


def reading(rule: Rule = has_letter, faults: tuple[Fault, ...] = (), **options: Any) -> FakeLLM:
    """A model that answers by a rule."""
    return FakeLLM(reader(rule), faults=faults, **{"name": "reader"} | options)


@pytest.fixture
def in_process(tmp_path: Path) -> Opener:
    """Opens a session with a fake in process; sessions of one test share their store."""

    def open_(llm: FakeLLM, **options: Any) -> Session:
        return Session(llm, **{"store": Store(tmp_path / "replies.sqlite"), "backoff": 0.001} | options)

    return open_


@pytest.fixture
def over_http(tmp_path: Path) -> Iterator[Opener]:
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


@pytest.fixture(params=["in_process", "over_http"])
def opened(request: pytest.FixtureRequest) -> Opener:
    """Opens a session either way."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]
