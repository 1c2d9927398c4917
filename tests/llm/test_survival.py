"""kill -9, Ctrl-C and a second process: what was paid for stays, and little is paid for twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interpllm.llm import Store, connect
from interpllm.testing import FakeLLM, Fault

from .conftest import SCHEMA

pytestmark = pytest.mark.usefixtures("own_surroundings")

N = 500
CLIENT = f"""
import sys
from interpllm.llm import connect
from interpllm.llm.session import Session
url, cache = sys.argv[1:3]
session = connect(url, cache=cache, model="m", max_concurrency=4)
session.courier.patience.backoff = session._prober._patience.backoff = 0.001
print("ready", flush=True)
replies = session.complete([f"question {{n}}" for n in range({N})], schema={SCHEMA})
print(sum(reply.ok for reply in replies), flush=True)
"""
FAULTS = [
    Fault("429", every=17, seconds=0.001),
    Fault("500", every=23),
    Fault("cut", every=29),
    Fault("bad_json", every=31),
]


def client(url: str, cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, url, str(cache)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answering() -> FakeLLM:
    return FakeLLM({f"question {n}": {"x": n} for n in range(N)}, faults=FAULTS, name="m")


def clean_pass(cache: Path) -> int:
    """Requests of one pass that nothing interrupts, against the same faulty server."""
    llm = answering()
    with llm.serve() as url:
        assert client(url, cache).communicate()[0].split()[-1] == str(N)
    return llm.received.total()


def test_a_killed_run_goes_on_where_it_was(tmp_path: Path) -> None:
    clean = clean_pass(tmp_path / "clean")
    llm, chance = answering(), random.Random(os.urandom(8))
    with llm.serve() as url:
        first = client(url, tmp_path)
        goal = chance.randrange(1, N)
        while llm.received.total() < goal:
            time.sleep(0.001)
        first.kill()
        first.communicate()
        second = client(url, tmp_path)
        assert second.communicate()[0].split()[-1] == str(N)
        assert llm.received.total() <= 1.02 * clean, f"killed after {goal} requests"
        replies = connect(url, cache=tmp_path, model="m", mode="replay").complete(
            [f"question {n}" for n in range(N)], schema=SCHEMA
        )
    assert [reply.data for reply in replies] == [{"x": n} for n in range(N)]


def test_a_store_survives_many_kills(tmp_path: Path) -> None:
    writer = (
        "import sys\nfrom interpllm.llm import Store\nstore, n = Store(sys.argv[1]), int(sys.argv[2])\n"
        "while True:\n    store.save([({'n': n + i}, n + i) for i in range(50)])\n    n += 50\n"
        "    print(n, flush=True)\n"
    )
    path, said = tmp_path / "replies.sqlite", 0
    for _ in range(3):
        command = [sys.executable, "-c", writer, str(path), str(said)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            time.sleep(random.uniform(0.0, 0.1))
            process.kill()
            said = int((first + process.stdout.read()).split()[-1])
    store = Store(path)
    with store._use() as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store.summary()["replies"] in (said, said + 50)  # the last write may not have been told any more


def test_two_processes_share_a_store(tmp_path: Path) -> None:
    llm = FakeLLM({f"question {n}": {"x": n} for n in range(N)}, name="m")
    with llm.serve() as url:
        both = [client(url, tmp_path) for _ in range(2)]
        said = [process.communicate() for process in both]
        assert [out.split()[-1] for out, _ in said] == [str(N)] * 2, said
        before = llm.received.total()
        third = client(url, tmp_path)
        assert third.communicate()[0].split()[-1] == str(N)
        assert llm.received.total() == before


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_an_interrupt_keeps_what_is_in_flight(tmp_path: Path) -> None:
    llm = FakeLLM({f"question {n}": {"x": n} for n in range(N)}, name="m", latency=0.1)
    with llm.serve() as url:
        process = client(url, tmp_path)
        while llm.received["complete"] < 20:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
        assert "KeyboardInterrupt" in err
        sent = len({prompt for prompt in llm.prompts if prompt.startswith("question")})
    stored = connect(url, cache=tmp_path, model="m").plan([f"question {n}" for n in range(N)], schema=SCHEMA)
    assert stored.stored == sent < N


def test_a_fake_in_a_process_of_its_own_counts_what_it_got() -> None:
    import httpx

    command = [sys.executable, "-m", "interpllm.testing.fake_server", json.dumps({"answers": {"a": "b"}})]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        url = process.stdout.readline().strip()
        with connect(url, mode="off") as session:
            assert session.complete(["a"])[0].text == "b"
        assert httpx.get(f"{url}/received", trust_env=False).json() == {"models": 1, "complete": 1}
        process.stdin.close()
