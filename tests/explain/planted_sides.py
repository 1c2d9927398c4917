"""Two sides of texts that planted topics tell apart, and a model that reads which topics a text has."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from interpllm.llm.base import Request
from interpllm.testing import FakeLLM

PLANTED = ("refund", "delay", "damage", "login", "praise")
OTHERS = tuple(f"topic{number}" for number in range(19))


def question(topic: str) -> str:
    return f"Does the text speak of {topic}?"


def sides(
    seed: int = 0, n: int = 120, shuffled: bool = False, here: float = 0.7, there: float = 0.2
) -> tuple[list[str], list[str]]:
    """`n` texts a side: planted topics are in 70 % here and 20 % there, others in as many of both.

    With `shuffled` sides are drawn anew, so that nothing tells them apart.
    """
    random = np.random.default_rng(seed)
    of_others = random.uniform(0.1, 0.9, len(OTHERS))
    texts: list[str] = []
    for share in (here, there):
        for _ in range(n):
            has = random.random(len(PLANTED) + len(OTHERS)) < np.r_[np.full(len(PLANTED), share), of_others]
            words = [topic for topic, there_ in zip(PLANTED + OTHERS, has, strict=True) if there_]
            # Two words of its own for each that it may share: no text is nearly another one.
            own = [f"w{random.integers(10**9)}" for _ in range(12)]
            texts.append(" ".join(random.permutation([*words, *own])))
    order = random.permutation(2 * n) if shuffled else np.arange(2 * n)
    return [texts[row] for row in order[:n]], [texts[row] for row in order[n:]]


def reply(request: Request) -> Any:
    """Proposes all topics, and answers from the words of the text."""
    # A request that is asked again holds the first one, the reply, and what was wrong with it.
    content = next(str(said["content"]) for said in request.messages if said["role"] == "user")
    if request.schema is not None and "questions" in request.schema["properties"]:
        return {
            "questions": [
                {"question": question(topic), "counts_as_yes": "the word", "does_not_count": "others"}
                for topic in PLANTED + OTHERS
            ]
        }
    if '<text id="' not in content:
        return None  # a session's first look at a server
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    asked = dict(re.findall(r"^(q\d+): (?:Asked \")?Does the text speak of (\w+)\?", content, re.M))
    return {
        row: {name: "yes" if topic in text.split() else "no" for name, topic in asked.items()}
        for row, text in texts.items()
    }


def oracle(answers: Callable[[Request], Any] = reply, **options: Any) -> FakeLLM:
    return FakeLLM(answers, **{"name": "sides"} | options)
