"""The wheel, installed in a clean environment, is the whole library and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.wheel

EVERY_NAME = """
import interpllm
for home in (interpllm, *(getattr(interpllm, name) for name in interpllm._MODULES)):
    for name in getattr(home, "__all__", []):
        getattr(home, name)
"""
TINY = """
import interpllm.runtime as runtime
model = runtime.LinearModel(
    task="classification", target="label", classes=("bad", "good"), ngram_range=(1, 1), norm="none",
    intercept=(0.0,), weights={"great": (2.0,), "awful": (-2.0,)},
)
runtime.save(model, "tiny.json")
assert runtime.load("tiny.json").predict(["great film", "awful film"]) == ["good", "bad"]
"""


def run(*command: str | Path, cwd: Path) -> str:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive, so that nothing left in the checkout gets in."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Interpreter of a clean environment that holds the wheel and its core dependencies."""
    home = tmp_path_factory.mktemp("clean") / "env"
    venv.create(home, with_pip=True)
    interpreter = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    constraints = ROOT / "constraints.txt"
    run(interpreter, "-m", "pip", "install", "-q", "--no-compile", "-c", constraints, wheel, cwd=home)
    return interpreter


def test_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"interpllm", f"{wheel.name.split('-py3')[0]}.dist-info"}
    sources = {str(p.relative_to(ROOT)) for p in ROOT.glob("interpllm/**/*.py")}
    sources |= {f"interpllm/{p.relative_to(ROOT)}" for p in ROOT.glob("estimators/**/*.py")}
    assert {name for name in names if name.endswith(".py")} == sources


def test_every_public_name_imports(python: Path, tmp_path: Path) -> None:
    run(python, "-c", EVERY_NAME, cwd=tmp_path)


def test_bundled_data_is_installed(python: Path, tmp_path: Path) -> None:
    code = "import interpllm; assert len(interpllm.datasets.load_tickets()) >= 600"
    run(python, "-c", code, cwd=tmp_path)


def test_command_line_predicts_with_a_tiny_model(python: Path, tmp_path: Path) -> None:
    run(python, "-c", TINY, cwd=tmp_path)
    (tmp_path / "new.csv").write_text("text\ngreat film\n")
    command = python.with_name("interpllm")
    assert "usage: interpllm" in run(command, "--help", cwd=tmp_path)
    assert ",good," in run(command, "predict", "tiny.json", "new.csv", cwd=tmp_path)


def test_missing_extra_is_named(python: Path, tmp_path: Path) -> None:
    code = (
        "import interpllm.llm as llm\n"
        "try:\n    llm.connect('hf:some/folder').embed(['x'])\n"
        "except ImportError as error:\n    assert 'interpllm[local]' in str(error), error\n"
        "else:\n    raise SystemExit('no error')"
    )
    run(python, "-c", code, cwd=tmp_path)
