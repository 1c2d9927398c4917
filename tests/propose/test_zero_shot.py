"""What an LLM says without labels is read off its log-probabilities, and a probe heeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from interpllm.llm import as_session
from interpllm.propose.teacher import Probe
from interpllm.propose.zero_shot import cues, zero_shot
from interpllm.testing import FakeLLM


def likes(prompt: str, option: str) -> float:
    """Knows good from bad, and likes the word "no" whatever it reads."""
    return -1.0 if (option == " yes") == ("good" in prompt) else -3.0 + (option == " no")


def test_templates_that_ask_are_cues() -> None:
    assert cues(["{text}", "Text: {text}\nLabel:"]) == ["Text: {text}\nLabel:"]


def test_log_probabilities_are_centred_on_each_text(tmp_path: Path) -> None:
    session = as_session(FakeLLM(scores=likes), cache=tmp_path)
    said = zero_shot(session, ["a good one", "a bad one"], "{text}\nGood:", ["no", "yes"])
    np.testing.assert_allclose(said, [[-0.5, 0.5], [1.0, -1.0]])


def test_a_failed_reply_says_nothing_and_is_counted(tmp_path: Path) -> None:
    fake = FakeLLM(scores=lambda prompt, _: float("nan") if "lost" in prompt else -1.0)
    session = as_session(fake, cache=tmp_path)
    assert zero_shot(session, ["lost", "kept"], "{text}:", ["a", "b"]).tolist() == [[0, 0], [0, 0]]
    assert session.usage.failures == 1


def test_a_probe_on_few_rows_heeds_what_was_said_and_learns_its_bias_away() -> None:
    random = np.random.default_rng(0)
    y = np.arange(200) % 2
    states = random.normal(size=(200, 300)).astype(np.float32)
    said = np.outer(2.0 * y - 1 + random.normal(size=200), [-1.0, 1.0])
    said[:, 0] += 5.0
    rows, others = np.arange(40), np.arange(40, 200)
    deaf = Probe(states, y, np.ones(200), np.arange(200), 2)
    heeding = Probe(states, y, np.ones(200), np.arange(200), 2, said)
    right = [
        ((answers[:, 0] > 0.5) == y[others]).mean()
        for answers in (deaf.answer(rows, states[others]), heeding.answer(rows, states[others], said[others]))
    ]
    assert right[0] < 0.65
    assert right[1] > 0.75
    assert heeding.loss(rows) < deaf.loss(rows)
