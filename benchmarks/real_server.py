"""What does the library find out about a real server that is not its own?

Starts ``transformers serve`` with the embedded language model, asks `connect(...).probe()` what it can do
(the same that ``interpllm doctor --llm URL`` prints), and lets it complete two prompts, one with a schema.

    python benchmarks/real_server.py [--python PYTHON] [--model smollm2-135m]

PYTHON must have the extra ``transformers[serving]``; by default it is the Python that runs this.
"""

from __future__ import annotations

import argparse
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from interpllm.llm import Request, connect, zoo

_START = "from transformers.cli.transformers import main; main()"
_CHECK = (
    "import accelerate, fastapi, openai, pydantic, transformers, uvicorn; print(transformers.__version__)"
)
_SCHEMA = {"type": "object", "properties": {"capital": {"type": "string"}}, "required": ["capital"]}


def serving_version(python: str = sys.executable) -> str | None:
    """Version of transformers whose server that Python can start, or None."""
    done = subprocess.run([python, "-c", _CHECK], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


@contextmanager
def serving(folder: Path, python: str = sys.executable, patience: float = 300.0) -> Iterator[str]:
    """The address of ``transformers serve`` for a model's folder, stopped at the end.

    Raises
    ------
    RuntimeError
        When it ends or stays silent instead of starting; the message holds its output.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as room, open(Path(room) / "log", "w+b") as log:
        # Its list of models reads this folder, and answers with an error where there is none.
        (Path(room) / "hub").mkdir()
        environment = {**os.environ, "HF_HUB_CACHE": str(Path(room) / "hub"), "HF_HUB_OFFLINE": "1"}
        command = [python, "-c", _START, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
        try:
            _wait(f"http://127.0.0.1:{port}/health", server, Path(room) / "log", patience)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path, patience: float) -> None:
    end = time.monotonic() + patience
    while time.monotonic() < end and server.poll() is None:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"transformers serve did not start:\n{log.read_text(errors='replace')[-2000:]}")


def main() -> None:
    """Start the server, examine it, ask it, print."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--model", default="smollm2-135m")
    args = options.parse_args()
    version = serving_version(args.python)
    if version is None:
        sys.exit(f"{args.python} lacks the server. Install it with: pip install 'transformers[serving]'")
    folder = zoo.path(args.model)
    print(f"transformers {version} serve {args.model}; {platform.machine()}, {os.cpu_count()} CPUs")
    began = time.perf_counter()
    with serving(folder, args.python) as url:
        print(f"started after {time.perf_counter() - began:.1f} s")
        with connect(url, model=str(folder), mode="off", timeout=600) as session:
            result = session.probe()
            for row in result.rows():
                print(f"{row['feature']:15} {row['verdict']:10} {row['seconds']:6.1f} s  {row['detail']}")
            for sentence in result.advice:
                print(f"- {sentence}")
            question = "What is the capital of France?"
            plain, formal = session.complete(
                [
                    Request.of(question, params={"max_tokens": 16, "temperature": 0}),
                    Request.of(question, schema=_SCHEMA, params={"max_tokens": 32, "temperature": 0}),
                ]
            )
            print(f"complete: {plain.text!r}")
            print(f"complete with a schema: {formal.data!r}, error: {formal.error!r}")
            print(session.usage)


if __name__ == "__main__":
    main()
