"""A command run in process, and a tiny model file to run it on."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from interpllm.cli import main
from interpllm.runtime import Evidence, LinearModel, save

# For the fake model that proposes and answers questions, tests/concept_oracle.py.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class Ran(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ran]:
    """Run a command in an empty folder: ``cli("predict", "model.json", "-", stdin="text\\n...")``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NO_COLOR", raising=False)

    def run(*args: object, stdin: str | bytes = "") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsys.readouterr()
        try:
            status = main([str(arg) for arg in args])
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        return Ran(status, *capsys.readouterr())

    return run


@pytest.fixture
def model(tmp_path: Path) -> str:
    """File of a model of two classes."""
    table = {"great": (2.0,), "not great": (-3.0,), "awful": (-1.5,)}
    seen = {phrase: Evidence(4, 0.75, (1,)) for phrase in table}
    made = LinearModel(
        task="classification",
        target="label",
        classes=("bad", "good"),
        ngram_range=(1, 2),
        intercept=(0.25,),
        weights=table,
        evidence=seen,
        n_rows=8,
    )
    return str(save(made, tmp_path / "model.json"))


@pytest.fixture
def model_of_three(tmp_path: Path) -> str:
    """File of a model of three classes, which are numbers."""
    made = LinearModel(
        task="classification",
        target="stars",
        classes=(1, 3, 5),
        intercept=(0.0, 0.1, 0.0),
        weights={"great": (-1.0, 0.0, 2.0), "awful": (2.0, 0.0, -1.0)},
    )
    return str(save(made, tmp_path / "three.json"))


@pytest.fixture
def number_model(tmp_path: Path) -> str:
    """File of a regression model."""
    made = LinearModel(
        task="regression", target="price", intercept=(10.0,), weights={"large": (5.0,), "small": (-4.0,)}
    )
    return str(save(made, tmp_path / "number.json"))
