"""models, doctor and cache: what is on this machine, and what a language model can do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from interpllm.llm import connect
from interpllm.testing import FakeLLM, Fault

Cli = Callable[..., Any]


@pytest.fixture
def answers(cli: Cli, tmp_path: Path) -> None:
    """A cache that holds one reply and two vectors."""
    with connect(FakeLLM()) as session:
        session.complete(["hello"])
        session.embed(["a", "b"])


def test_models_list_says_what_is_here(cli: Cli) -> None:
    found = {model["name"]: model["path"] for model in json.loads(cli("models", "list", "--json").out)}
    assert found == {"smollm2-135m": None, "minilm": None}
    assert [line.split()[1] for line in cli("models", "list").out.splitlines()[1:]] == ["no", "no"]


def test_path_of_a_missing_model_names_the_command_that_pulls_it(cli: Cli) -> None:
    ran = cli("models", "path", "minilm")
    assert ran.status == 1
    assert "interpllm models pull minilm" in ran.err


def test_pull_of_an_unknown_name_is_said(cli: Cli) -> None:
    ran = cli("models", "pull", "nonsense")
    assert (ran.status, ran.err.count("\n")) == (1, 1)


def test_pull_prints_the_folder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpllm.llm.zoo.pull", lambda name, progress: Path("/cache/models") / name)
    assert cli("models", "pull", "minilm", "smollm2-135m").out.split() == [
        "/cache/models/minilm",
        "/cache/models/smollm2-135m",
    ]


def test_doctor_says_what_is_installed_and_what_is_not(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpllm.cli.doctor._version", lambda name: None if name == "torch" else "1.0")
    lines = cli("doctor").out.splitlines()
    (torch,) = (line for line in lines if line.startswith("torch"))
    assert "pip install 'interpllm[local]'" in torch
    assert "model minilm: not here; bring it with: interpllm models pull minilm" in lines


@pytest.mark.parametrize("address", ["http://localhost:abc/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_said_in_one_line(cli: Cli, address: str) -> None:
    ran = cli("doctor", "--llm", address, "--model", "m")
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "http://localhost:8000/v1" in ran.err


def test_doctor_tells_the_truth_about_a_server(cli: Cli) -> None:
    with FakeLLM().serve() as url:
        found = json.loads(cli("doctor", "--llm", url, "--model", "fake", "--json").out)
        said = cli("doctor", "--llm", url, "--model", "fake").out
    verdicts = {feature["feature"]: feature["verdict"] for feature in found["features"]}
    assert verdicts["complete"] == "works"
    assert all(feature in said and verdict in said for feature, verdict in verdicts.items())


def test_doctor_asks_again_after_the_server_has_changed(cli: Cli) -> None:
    def verdicts() -> dict[str, str]:
        found = json.loads(cli("doctor", "--llm", url, "--model", "m", "--json").out)
        return {feature["feature"]: feature["verdict"] for feature in found["features"]}

    with FakeLLM(name="m", faults=[Fault("ignored_schema")]).serve() as url:
        assert verdicts()["json_schema"] == "ignored"
    with FakeLLM(name="m").serve(urlsplit(url).port) as url:
        assert set(verdicts().values()) == {"works"}
        with connect(url, model="m") as session:  # for others too what was seen last is what is so
            assert session.probe()["json_schema"].works
    with FakeLLM(name="m", faults=[Fault("ignored_logprobs", verb="score")]).serve(urlsplit(url).port):
        assert verdicts()["logprobs_echo"] == "ignored"


@pytest.mark.parametrize("named", [("--model", "fake"), ()], ids=["model named", "model chosen"])
def test_doctor_says_that_a_server_has_died(cli: Cli, named: tuple[str, ...]) -> None:
    with FakeLLM(name="fake").serve() as url:
        assert cli("doctor", "--llm", url, *named).status == 0
    ran = cli("doctor", "--llm", url, *named)
    assert (ran.status, ran.out) == (1, "")
    assert "cannot be reached" in ran.err


def test_doctor_on_no_server_is_one_line(cli: Cli) -> None:
    ran = cli("doctor", "--llm", "http://127.0.0.1:9/v1", "--model", "none")
    assert ran.status == 1
    assert ran.err.splitlines()[-1].startswith("interpllm doctor: ")


def test_cache_show_makes_no_file(cli: Cli, tmp_path: Path) -> None:
    shown = json.loads(cli("cache", "--json").out)
    assert {name: entry["bytes"] for name, entry in shown.items()} == {
        "answers": 0,
        "finetuned": 0,
        "models": 0,
    }
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("answers")
def test_cache_show_counts(cli: Cli) -> None:
    shown = json.loads(cli("cache", "--json").out)
    assert (shown["answers"]["replies"], shown["answers"]["vectors"]) == (1, 2)
    assert "1 replies, 2 vectors" in cli("cache").out


@pytest.mark.usefixtures("answers")
def test_cache_travels_as_json_lines(cli: Cli) -> None:
    assert cli("cache", "export", "a.jsonl").status == 0
    assert "3 new answers" in cli("cache", "--cache", "elsewhere", "import", "a.jsonl").out
    assert "0 new answers" in cli("cache", "--cache", "elsewhere", "import", "a.jsonl").out


@pytest.mark.usefixtures("answers")
def test_place_of_the_cache_may_stand_before_and_behind_the_verb(cli: Cli) -> None:
    cli("cache", "export", "a.jsonl")
    assert "3 new answers" in cli("cache", "import", "a.jsonl", "--cache", "behind").out
    assert "0 new answers" in cli("cache", "--cache", "behind", "import", "a.jsonl").out
    assert cli("cache", "export", "b.jsonl", "--cache", "behind").out == "b.jsonl: 3 answers\n"
    assert cli("cache", "clear", "answers", "--cache", "behind", "--yes").status == 0
    assert json.loads(cli("cache", "--cache", "behind", "--json").out)["answers"]["replies"] == 0
    assert json.loads(cli("cache", "--json").out)["answers"]["replies"] == 1


def test_cache_export_of_nothing_is_said(cli: Cli) -> None:
    assert cli("cache", "export", "a.jsonl").status == 1


@pytest.mark.usefixtures("answers")
def test_cache_is_not_cleared_by_accident(cli: Cli) -> None:
    ran = cli("cache", "clear", "all")
    assert ran.status == 1
    assert "Add --yes" in ran.err
    assert json.loads(cli("cache", "--json").out)["answers"]["replies"] == 1


@pytest.mark.usefixtures("answers")
def test_cache_is_cleared_when_told_to(cli: Cli, tmp_path: Path) -> None:
    weights = tmp_path / "cache" / "finetuned" / "x.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"1")
    assert cli("cache", "clear", "all", "--yes").status == 0
    shown = json.loads(cli("cache", "--json").out)
    assert (shown["answers"]["replies"], shown["finetuned"]["files"]) == (0, 0)
