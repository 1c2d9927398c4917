"""What README.md tells a newcomer to do works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(section: str) -> list[tuple[str, str]]:
    """Language and text of the fenced blocks of one section, in order."""
    body = re.split(r"^## ", README, flags=re.MULTILINE)
    (found,) = (part for part in body if part.startswith(section))
    return _BLOCK.findall(found)


def test_ci_runs_the_test_command() -> None:
    commands = [text for _, text in blocks("Two commands")]
    assert len(commands) == 2
    assert commands[1].rstrip().endswith("python -m pytest -n auto")
    assert len([line for line in README.splitlines() if line.endswith("python -m pytest -n auto")]) == 1
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.local
def test_every_block_of_the_tour_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    namespace: dict[str, Any] = {"__name__": "tour"}
    for number, (language, text) in enumerate(blocks("Five-minute tour"), start=1):
        name = f"README.md, tour, block {number}"
        if language == "python":
            exec(compile(text, name, "exec"), namespace)
        elif language == "sh":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{name}: {done.stderr}"
        else:
            raise AssertionError(f"{name}: {language} blocks are not run; use python or sh")
