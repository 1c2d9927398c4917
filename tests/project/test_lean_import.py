"""`import interpllm` and `interpllm --help` load next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ["torch", "transformers", "imodels", "sklearn", "scipy", "pandas", "numpy", "httpx"]


def loaded(code: str) -> list[str]:
    """The heavy libraries that are loaded once the code has run in a fresh interpreter."""
    probe = f"{code}\nimport json, sys\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(run.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize(
    "code",
    [
        "import interpllm",
        "import interpllm; interpllm.runtime.load",
        "from interpllm.cli import parser; parser().format_help()",
    ],
    ids=["package", "runtime", "help"],
)
def test_loads_no_heavy_library(code: str) -> None:
    assert loaded(code) == []


def test_estimators_load_no_language_model_library() -> None:
    assert not {"torch", "transformers", "imodels"} & set(
        loaded("import interpllm; interpllm.AugLinearClassifier()")
    )
