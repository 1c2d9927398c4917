"""What does a kill -9 at a random moment cost, against a server with faults?

A fake language model serves HTTP in a process of its own and answers some calls with faults: 429, 500, a cut
connection, a broken body, broken JSON, a silence, a refusal. A client in another process is killed with -9 at
a random one of its requests and started again on the same store. Two clients: one asks for a JSON answer to
each of many questions, the other fits AugLinear with vectors from the server. Each is told beside one clean
pass: requests received, answers that are missing or not the planted ones, and the sha256 of the model file.

    python benchmarks/resume.py [--questions 1000] [--kills 5]

Ends with an error where anything was lost or invented.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from interpllm import AugLinearClassifier, connect
from interpllm.datasets import load_tickets

SCHEMA = {"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]}
FAULTS = [
    {"kind": "429", "every": 17, "seconds": 0.01},
    {"kind": "500", "every": 23},
    {"kind": "cut", "every": 29},
    {"kind": "broken_body", "every": 53},
    {"kind": "bad_json", "every": 31, "verb": "complete"},
    {"kind": "refusal", "every": 211, "verb": "complete"},
    {"kind": "hang", "at": [305, 611], "seconds": 12.0},
]
LATENCY = 0.05  # seconds that each answer takes, or hardly a call would be in flight when the kill comes
TIMEOUT = 10.0
IN_FLIGHT = {"complete": 8, "fit": 2}


def question(number: int) -> str:
    """A question that the server knows the answer of."""
    return f"What is the answer to question {number}?"


# The client, in a process of its own -----------------------------------------------------------------------


def complete(url: str, cache: str, questions: int) -> dict[str, Any]:
    """Ask every question, and judge what came."""
    with connect(
        url, model="fake", cache=cache, timeout=TIMEOUT, max_concurrency=IN_FLIGHT["complete"]
    ) as session:
        replies = session.complete([question(number) for number in range(questions)], schema=SCHEMA)
    right = sum(reply.ok and reply.data == {"answer": n} for n, reply in enumerate(replies))
    declined = sum(reply.refusal is not None for reply in replies)
    wrong = sum(reply.ok for reply in replies) - right
    return {
        "right": right,
        "declined": declined,
        "wrong": wrong,
        "lost": len(replies) - right - declined - wrong,
    }


def fit(url: str, cache: str, _: int) -> dict[str, Any]:
    """Fit the bundled tickets with vectors from the server; what came is the model file."""
    tickets = load_tickets("train")
    with connect(
        url, model="fake", cache=cache, timeout=TIMEOUT, max_concurrency=IN_FLIGHT["fit"]
    ) as session:
        model = AugLinearClassifier(llm=session, ngram_range=(1, 3), distill=False, cv=2, random_state=0)
        model.fit(tickets["text"], tickets["label"])
    path = Path(cache) / "model.json"
    model.export(path)
    return {"model": hashlib.sha256(path.read_bytes()).hexdigest()}


CLIENTS = {"complete": complete, "fit": fit}


# Server, killer, judge -------------------------------------------------------------------------------------


@contextmanager
def server(port: int, questions: int) -> Iterator[str]:
    """The address of a fresh server, which has received nothing yet."""
    answers = {question(number): {"answer": number} for number in range(questions)}
    options = json.dumps(
        {"answers": answers, "faults": FAULTS, "latency": LATENCY, "port": port, "name": "fake"}
    )
    command = [sys.executable, "-m", "interpllm.testing.fake_server", options]
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


def start(what: str, url: str, cache: str, questions: int) -> subprocess.Popen[str]:
    """A client that prints what came as JSON."""
    command = [sys.executable, __file__, "--questions", str(questions), "--client", what, url, cache]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(client: subprocess.Popen[str]) -> dict[str, Any]:
    """What a client printed."""
    out, _ = client.communicate()
    if client.returncode:
        raise RuntimeError(f"The client ended with {client.returncode}.")
    return dict(json.loads(out.splitlines()[-1]))


def kill_at(client: subprocess.Popen[str], url: str, goal: int) -> int:
    """Kill the client with -9 once the server has received so many calls; tells how many it had."""
    while received(url) < goal and client.poll() is None:
        time.sleep(0.005)
    client.send_signal(signal.SIGKILL)
    client.communicate()
    return received(url)


def measure(what: str, questions: int, kills: int, port: int, dice: random.Random) -> bool:
    """One clean pass, and passes with a kill; prints a line each, and tells whether all is well."""
    with server(port, questions) as url, tempfile.TemporaryDirectory() as cache:
        clean = finish(start(what, url, cache, questions))
        passed = received(url)
    print(
        f"{what}, {IN_FLIGHT[what]} requests in flight\n  clean pass: {passed} requests, {clean}", flush=True
    )
    ratios, well = [], clean.get("wrong", 0) == clean.get("lost", 0) == 0
    for _ in range(kills):
        with server(port, questions) as url, tempfile.TemporaryDirectory() as cache:
            at = kill_at(start(what, url, cache, questions), url, dice.randrange(1, passed))
            resumed = finish(start(what, url, cache, questions))
            ratios.append(received(url) / passed)
        well &= resumed.get("wrong", 0) == resumed.get("lost", 0) == 0
        well &= resumed.get("model") == clean.get("model")
        print(f"  killed at request {at}, resumed: {ratios[-1]:.4f} of the clean pass, {resumed}", flush=True)
    print(f"  {kills} kills: at most {max(ratios):.4f}, mean {sum(ratios) / kills:.4f} of the clean pass")
    return well


def main() -> None:
    """Measure both clients."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--what", nargs="+", default=list(CLIENTS), choices=CLIENTS)
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills")
    parser.add_argument("--client", nargs=3, metavar=("WHAT", "URL", "CACHE"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        what, url, cache = args.client
        print(json.dumps(CLIENTS[what](url, cache, args.questions)))
        return
    # One port for all: the address of a server is part of what a stored answer is known by.
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    print(f"Python {platform.python_version()}, interpllm {version('interpllm')}, httpx {version('httpx')}")
    dice = random.Random(args.seed)
    results = [measure(what, args.questions, args.kills, port, dice) for what in args.what]
    if not all(results):
        sys.exit("Something was lost or invented.")
    print("Nothing was lost, nothing invented.")


if __name__ == "__main__":
    main()
