"""Models of questions keep every promise of `check_text_estimator`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from interpllm.estimators import ConceptLinearClassifier, ConceptTreeRegressor
from interpllm.llm.base import Request
from interpllm.testing import FakeLLM, check_text_estimator

PRAISE = {"lovely", "great", "love", "wonderful", "warm", "funny", "fun", "wise"}
BLAME = {"awful", "dull", "hate", "terrible", "cold", "slow", "silly"}
MAIL = {"parcel", "invoice", "order", "ordered", "courier", "address", "refund", "lamp", "lamps", "delivery"}
SAID = {"praise": PRAISE, "blame": BLAME, "order": MAIL, "shout": {"!"}}
QUESTIONS = [f"Does the text {what} something?" for what in SAID]


def answers(request: Request) -> Any:
    content = request.messages[-1]["content"]
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    asked = dict(re.findall(r"^(q\d+): (?:Asked \")?Does the text (\w+)", content, re.M))
    found = {row: set(re.findall(r"\w+|!", text.lower())) for row, text in texts.items()}
    return {
        row: {name: "yes" if SAID[what] & words else "no" for name, what in asked.items()}
        for row, words in found.items()
    }


# Of the checks that are ours, how many apply; scikit-learn's depend on the release that is installed.
@pytest.mark.filterwarnings("ignore:No question tells more")
@pytest.mark.parametrize(("kind", "n_checks"), [(ConceptLinearClassifier, 74), (ConceptTreeRegressor, 64)])
def test_a_model_of_questions_keeps_every_promise(kind: Any, n_checks: int, tmp_path: Path) -> None:
    est = kind(FakeLLM(answers, name="by words"), concepts=QUESTIONS, n_rounds=0, cache=tmp_path)
    with threadpool_limits(limits=1):
        names = check_text_estimator(est)
    assert sum(not name.startswith("sklearn.") for name in names) == n_checks
