"""The grammar, the exit status, and errors in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import interpllm
from interpllm.cli import COMMANDS, predict

Cli = Callable[..., Any]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command_has_an_example_of_it(cli: Cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.status == 0
    assert f"  interpllm {command}" in ran.out.partition("example:")[2]


@pytest.mark.parametrize(
    ("command", "verb"),
    [
        *(("models", verb) for verb in ("list", "pull", "path")),
        *(("cache", verb) for verb in ("export", "import", "clear")),
        *(("concepts", verb) for verb in ("show", "from", "lock", "veto", "edit", "add")),
        *(("batch", verb) for verb in ("export", "import")),
    ],
)
def test_help_of_each_verb_has_an_example_of_it(cli: Cli, command: str, verb: str) -> None:
    ran = cli(command, verb, "--help")
    assert ran.status == 0
    assert f"  interpllm {command} {verb}" in ran.out.partition("example:")[2]


@pytest.mark.parametrize("command", ["doctor", "explain generation", "explain module"])
def test_no_language_model_is_not_offered_where_one_is_needed(cli: Cli, command: str) -> None:
    assert "local, minilm, openai" in " ".join(cli(command, "--help").out.split())


def test_help_lists_the_commands(cli: Cli) -> None:
    out = cli("--help").out
    assert all(re.search(rf"\n    {command}\s", out) for command in COMMANDS)


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"interpllm {interpllm.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["predict"],
        ["rules", "model.json", "--top", "0"],
        ["fit", "a.csv", "--ngrams", "2-1"],
        ["fit", "a.csv", "--ngrams", "0"],
        ["fit", "a.csv", "--jobs", "0"],
        ["fit", "a.csv", "--jobs", "many"],
    ],
)
def test_usage_error_is_status_2(cli: Cli, arguments: list[str]) -> None:
    assert cli(*arguments).status == 2


def test_said_error_is_one_line_on_standard_error(cli: Cli) -> None:
    ran = cli("predict", "no.json", "no.csv")
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith("interpllm predict: ")


def test_error_of_the_system_is_said_too(cli: Cli, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(predict, "write_atomically", full)
    ran = cli("predict", model, "-", "--out", "x.csv", stdin="text\nx\n")
    assert ran.status == 1
    assert "No space left on device" in ran.err


def test_interruption_is_status_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, "model_of", interrupted)
    assert cli("predict", "model.json", "-").status == 130


def test_mistake_of_ours_is_not_hidden(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: str) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(predict, "model_of", broken)
    with pytest.raises(ZeroDivisionError):
        cli("predict", "model.json", "-")


@pytest.mark.skipif(os.name == "nt", reason="no such pipes")
def test_reader_that_leaves_is_no_error(model: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\n" + "great film\n" * 20_000)
    command = f"{sys.executable} -m interpllm.cli predict {model} new.csv | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("text,prediction,probability\n", "")


def test_output_is_utf8_whatever_the_locale(model: str, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\ncafé 𝄞\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, "-m", "interpllm.cli", "predict", model, "new.csv"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert "café 𝄞" in done.stdout.decode("utf-8")
