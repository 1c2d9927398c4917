"""What does a kill -9 cost while questions are asked of texts, against a server with faults?

A fake language model serves HTTP in a process of its own and answers some calls with faults: 429, 500, a cut
connection, a broken body, broken JSON, a refusal. It says yes where the number of the text and that of the
question add up to an even one. A client in another process asks every question of every text, is killed with
-9 at a random one of its requests, and started again on the same store. Told beside one clean pass: requests
received, answers that are wrong, answers that are missing.

    python benchmarks/resume_answers.py [--texts 800] [--questions 20] [--kills 5]

Ends with an error where an answer was invented or lost.
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import httpx
import numpy as np

from interpllm import connect
from interpllm.answer import ask
from interpllm.llm import Request
from interpllm.runtime import Question
from interpllm.testing import FakeLLM, Fault
from interpllm.testing.fake_server import FakeServer

FAULTS = (
    Fault("429", every=17, seconds=0.01),
    Fault("500", every=23),
    Fault("cut", every=29),
    Fault("broken_body", every=53),
    Fault("bad_json", every=31, verb="complete"),
    Fault("refusal", every=97, verb="complete"),
)
LATENCY = 0.05  # seconds that each answer takes, or hardly a call would be in flight when the kill comes


def answers(request: Request) -> Any:
    """Yes where the numbers of text and question add up to an even one; else than asked so, a fixed reply."""
    content = next(str(m["content"]) for m in request.messages if m["role"] == "user")
    texts = re.findall(r'<text id="(t\d+)">\nText number (\d+)', content)
    questions = re.findall(r"^(q\d+): Is (\d+) \+ the number of the text", content, re.M)
    if not texts:
        return None
    return {t: {q: "no" if (int(a) + int(b)) % 2 else "yes" for q, b in questions} for t, a in texts}


def serve(port: int) -> None:
    """Serve until standard input is closed."""
    server = FakeServer(FakeLLM(answers, faults=FAULTS, latency=LATENCY, name="fake"), port)
    server.start()
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()


def run(url: str, cache: str, n_texts: int, n_questions: int) -> None:
    """Ask everything, and tell what came."""
    texts = [f"Text number {number} and so on." for number in range(n_texts)]
    questions = [
        Question.of(f"Is {number} + the number of the text an even number?") for number in range(n_questions)
    ]
    with connect(url, model="fake", cache=cache, timeout=10.0) as session:
        session.courier.patience.backoff = 0.01
        asked = ask(session, texts, questions)
    truth = np.add.outer(np.arange(n_texts), np.arange(n_questions)) % 2 == 0
    there = ~np.isnan(asked.values)
    wrong = int((asked.values[there] != truth[there]).sum())
    refused = sum(asked.report["refused"].values())
    print(json.dumps({"wrong": wrong, "refused": refused, "lost": int((~there).sum()) - refused}))


@contextmanager
def server(port: int) -> Iterator[str]:
    """The address of a fresh server, which has received nothing yet."""
    command = [sys.executable, __file__, "--serve", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait()


def received(url: str) -> int:
    """Calls that the server has received."""
    return sum(httpx.get(f"{url}/received", timeout=60).json().values())


def main() -> None:
    """Measure one clean pass, and passes with a kill."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=int, default=800)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--client", nargs=2, metavar=("URL", "CACHE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve is not None:
        serve(args.serve)
        return
    if args.client:
        run(*args.client, args.texts, args.questions)
        return

    def start(url: str, cache: str) -> subprocess.Popen[str]:
        sizes = ["--texts", str(args.texts), "--questions", str(args.questions)]
        command = [sys.executable, __file__, *sizes, "--client", url, cache]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    # One port for all: the address of a server is part of what a stored answer is known by.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(f"Python {platform.python_version()}, interpllm {version('interpllm')}, httpx {version('httpx')}")
    print(f"{args.texts} texts, {args.questions} questions, 8 requests in flight")
    with server(port) as url, tempfile.TemporaryDirectory() as cache:
        clean = json.loads(start(url, cache).communicate()[0])
        passed = received(url)
    print(f"  clean pass: {passed} requests, {clean}", flush=True)
    dice, ratios, well = random.Random(args.seed), [], not clean["wrong"] and not clean["lost"]
    for _ in range(args.kills):
        goal = dice.randrange(1, passed)
        with server(port) as url, tempfile.TemporaryDirectory() as cache:
            client = start(url, cache)
            while received(url) < goal and client.poll() is None:
                time.sleep(0.005)
            client.send_signal(signal.SIGKILL)
            client.communicate()
            at = received(url)
            resumed = json.loads(start(url, cache).communicate()[0])
            ratios.append(received(url) / passed)
        well &= not resumed["wrong"] and not resumed["lost"]
        print(f"  killed at request {at}, resumed: {ratios[-1]:.4f} of the clean pass, {resumed}", flush=True)
    print(f"  {args.kills} kills: at most {max(ratios):.4f}, mean {sum(ratios) / args.kills:.4f}")
    if not well:
        sys.exit("Something was lost or invented.")
    print("Nothing was lost, nothing invented.")


if __name__ == "__main__":
    main()
