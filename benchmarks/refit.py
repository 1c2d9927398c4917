"""Does a second fit on the same store ask nothing, and give the same file?

Fits the bundled support tickets twice, each time in a process of its own with another hash seed, on one store
that is empty at first. Prints the calls of the language model and the sha256 of both model files, and ends
with an error where the second asked anything or wrote other bytes.

    python benchmarks/refit.py [--llm local] [--rows 100]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from interpllm import AugLinearClassifier
from interpllm.datasets import load_tickets


def fit(llm: str, rows: int, cache: str, path: str) -> None:
    """Fit, write the model file, and print what it took, in a process of its own."""
    tickets = load_tickets("train")[:rows]
    started = time.perf_counter()
    model = AugLinearClassifier(llm=llm, random_state=0, cache=cache).fit(tickets["text"], tickets["label"])
    taken = time.perf_counter() - started
    model.export(path)
    usage = model.report_["usage"]
    uses_llm = model.model_.meta["llm"] is not None
    print(json.dumps({"rows": len(tickets), "seconds": taken, "uses_llm": uses_llm, **usage}))


def main() -> None:
    """Fit twice and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--llm", default="local")
    parser.add_argument("--rows", type=int, default=10_000, help="of the training part, at most")
    parser.add_argument("--fit", nargs=2, metavar=("CACHE", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        fit(args.llm, args.rows, *args.fit)
        return
    packages = ("interpllm", "scikit-learn", "numpy", "torch", "transformers")
    said = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {said}; {platform.machine()}, {os.cpu_count()} CPUs")
    usages: list[dict[str, Any]] = []
    hashes = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2):
            path = Path(folder) / f"{number}.json"
            command = [sys.executable, __file__, "--llm", args.llm, "--rows", str(args.rows)]
            done = subprocess.run(
                [*command, "--fit", str(Path(folder) / "cache"), str(path)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, "PYTHONHASHSEED": str(number)},
            )
            usage = json.loads(done.stdout.splitlines()[-1])
            usages.append(usage)
            hashes.append(hashlib.sha256(path.read_bytes()).hexdigest())
            print(
                f"fit {number}: {usage['rows']} rows, {usage['seconds']:.1f} s, {usage['requests']} requests "
                f"of {usage['items']:,} texts, {usage['cache_hits']:,} from the store; the model "
                f"{'uses' if usage['uses_llm'] else 'does without'} the language model's help\n"
                f"       {path.stat().st_size:,} bytes, sha256 {hashes[-1]}",
                flush=True,
            )
    if usages[1]["requests"] or hashes[0] != hashes[1]:
        sys.exit("The second fit is not the first.")
    print("The second fit made 0 requests and gave the same bytes.")


if __name__ == "__main__":
    main()
