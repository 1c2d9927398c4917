"""A fake language model that proposes planted questions and answers them from the words of the text."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from interpllm.llm.base import Request
from interpllm.testing import FakeLLM

TOPICS = ("refund", "delay", "damage", "login", "praise", "weather", "color", "number")
FILLER = [f"w{i}" for i in range(40)]


def question(topic: str) -> str:
    return f"Does the text speak of {topic}?"


def rows(n: int = 240, seed: int = 0, noise: float = 0.0) -> tuple[list[str], list[str]]:
    """Texts on random topics; those on refund or damage are complaints."""
    random = np.random.default_rng(seed)
    texts, y = [], []
    for number in range(n):
        about = [topic for topic in TOPICS if random.random() < 0.35]
        words = [*about, *random.choice(FILLER, 6), f"row{number}"]
        texts.append(" ".join(random.permutation(words)))
        complaint = ("refund" in about or "damage" in about) ^ (random.random() < noise)
        y.append("complaint" if complaint else "other")
    return texts, y


def answers(request: Request) -> Any:
    """Reply to a request for answers, or for questions."""
    content = request.messages[-1]["content"]
    if request.schema is None:
        return ""  # a session's first look at a server
    if "questions" in request.schema["properties"]:
        return {
            "questions": [
                {
                    "question": question(topic),
                    "counts_as_yes": f"the word {topic} stands in it",
                    "does_not_count": "another word of the same meaning",
                }
                for topic in TOPICS
            ]
        }
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    asked = dict(re.findall(r"^(q\d+): (?:Asked \")?Does the text speak of (\w+)\?", content, re.M))
    return {
        row: {name: "yes" if topic in text.split() else "no" for name, topic in asked.items()}
        for row, text in texts.items()
    }


def oracle(**options: Any) -> FakeLLM:
    return FakeLLM(answers, **{"name": "oracle"} | options)


def texts_asked(fake: FakeLLM) -> int:
    """Requests for answers, not for questions."""
    return sum('<text id="' in prompt for prompt in fake.prompts)


def written(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
