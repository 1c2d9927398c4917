"""A language model's word on what restates the label is taken, and a missing one is not made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.llm import connect
from interpllm.propose.restated import PER_REQUEST, Judged, judge_restated
from interpllm.runtime import Question
from interpllm.testing import FakeLLM

ASKED = [Question.of(f"Is the text number {number}?") for number in range(PER_REQUEST + 2)]


def judge(answer: Any, tmp_path: Path, **shown: Any) -> tuple[Judged, FakeLLM]:
    fake = FakeLLM(answer)
    return judge_restated(connect(fake, cache=tmp_path), ASKED, **shown), fake


def odd_ones(request: Any) -> Any:
    return {name: int(name[1:]) % 2 == 1 for name in request.schema["properties"]}


def test_each_question_gets_its_own_judgement_whichever_request_it_is_in(tmp_path: Path) -> None:
    found, fake = judge(odd_ones, tmp_path)
    assert found.restates.tolist() == [1.0, 0.0] * (len(ASKED) // 2)
    assert fake.received["complete"] == 2


def test_task_target_and_classes_are_told(tmp_path: Path) -> None:
    _, fake = judge(odd_ones, tmp_path, task="films of 2004", target="the verdict", classes=["good", "bad"])
    assert all("films of 2004" in prompt and "good, bad" in prompt for prompt in fake.prompts)
    assert "restates the verdict" in fake.prompts[0]


@pytest.mark.parametrize("garbage", ["certainly!", {"q1": "perhaps"}])
def test_garbage_is_asked_for_again_within_bounds_and_then_missing(tmp_path: Path, garbage: Any) -> None:
    found, fake = judge(lambda _: garbage, tmp_path)
    assert np.isnan(found.restates).all()
    assert found.report == {"judged": len(ASKED), "restate": 0, "missing": len(ASKED)}
    assert 2 < fake.received["complete"] <= 6
