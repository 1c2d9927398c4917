"""kill -9 in the middle of a questionnaire: what was answered stays, and next to nothing is asked twice."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from interpllm.testing import FakeLLM, Fault

from .conftest import QUESTIONS, TEXTS, TRUTH, reading

CLIENT = """
import json, sys
from interpllm.answer import ask
from interpllm.llm import connect
from interpllm.runtime import Question
url, cache, texts, questions = sys.argv[1:]
session = connect(url, model="reader", cache=cache, max_concurrency=2)
questions = [Question.of(*one) for one in json.loads(questions)]
answers = ask(session, json.loads(texts), questions, rows_per_request=4, questions_per_request=4)
print(json.dumps(answers.values.tolist()))
"""


def client(url: str, cache: Path) -> subprocess.Popen[str]:
    questions = json.dumps([[q.text, q.counts] for q in QUESTIONS])
    command = [sys.executable, "-c", CLIENT, url, str(cache), json.dumps(TEXTS), questions]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def faulty() -> FakeLLM:
    return reading(faults=(Fault("500", every=29), Fault("bad_json", every=31)), latency=0.01)


def test_a_killed_questionnaire_goes_on_where_it_was(tmp_path: Path) -> None:
    clean = faulty()
    with clean.serve() as url:
        client(url, tmp_path / "clean").communicate()
    llm = faulty()
    with llm.serve() as url:
        first = client(url, tmp_path / "killed")
        while llm.received.total() < 0.6 * clean.received.total() and first.poll() is None:
            time.sleep(0.002)
        first.kill()
        assert not first.communicate()[0]
        told = client(url, tmp_path / "killed").communicate()[0]
    assert np.array_equal(np.array(json.loads(told)), TRUTH)
    # Beside what was in flight (two requests), a fault may meet one request more or less.
    assert llm.received.total() <= 1.02 * clean.received.total() + 2 + 1
