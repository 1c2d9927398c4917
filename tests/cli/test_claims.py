"""``interpllm claims`` as a user runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.cli import parser
from interpllm.llm import Request
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]
CLAIMS = [
    {"kind": "extreme", "by": "city", "group": "Bonn", "scope": "rows", "sentence": "Most live in Bonn."},
    {"kind": "term sign", "term": "great", "prediction": "bad"},
]


@pytest.fixture
def data(tmp_path: Path) -> str:
    """File of a small table."""
    path = tmp_path / "rows.csv"
    rows = [f"{20 + number},{'Bonn' if number % 3 else 'Celle'}" for number in range(12)]
    path.write_text("\n".join(["age,city", *rows]), encoding="utf-8")
    return str(path)


@pytest.fixture
def typed(tmp_path: Path) -> str:
    """File of claims that nobody has to read."""
    path = tmp_path / "claims.json"
    path.write_text(json.dumps(CLAIMS), encoding="utf-8")
    return str(path)


@pytest.fixture
def sentences(tmp_path: Path) -> str:
    """File of one sentence."""
    path = tmp_path / "claims.txt"
    path.write_text("Half of them are older than 25.\n\n", encoding="utf-8")
    return str(path)


def reading(request: Request) -> Any:
    """A model that takes every sentence for one about the median age."""
    names = re.findall(r'^(s\d+): "', str(request.messages[0]["content"]), re.M)
    stated = {"scope": "rows", "statistic": "median", "column": "age", "relation": "above", "value": 25}
    claim = {"kind": "threshold", "among": [], "which": [], "tolerance": None, **stated}
    return {"claims": [{"id": name, "claim": claim} for name in names]} if names else None


def test_typed_claims_are_checked_without_a_language_model(
    cli: Cli, data: str, typed: str, model: str
) -> None:
    ran = cli("claims", data, typed, model)
    assert ran.status == 0
    assert ran.out.splitlines()[0] == "supported     Most live in Bonn."
    assert "contradicted  in the model, 'great' speaks for 'bad'" in ran.out
    assert ran.out.splitlines()[-1] == "2 claims on 12 rows: 1 supported, 1 contradicted, 0 uncheckable"


def test_json_has_every_figure(cli: Cli, data: str, typed: str) -> None:
    found = json.loads(cli("claims", data, typed, "--json").out)
    assert [claim["verdict"] for claim in found["claims"]] == ["supported", "uncheckable"]
    assert found["claims"][0]["figure"] == 4


def test_sentences_are_read_and_kept_as_typed_claims(
    cli: Cli, data: str, sentences: str, tmp_path: Path
) -> None:
    llm = FakeLLM(reading)
    page, kept = tmp_path / "claims.html", tmp_path / "kept.json"
    with llm.serve() as url:
        ran = cli(
            "claims", data, sentences, "--llm", url, "--model", llm.name, "--write", kept, "--html", page
        )
    assert ran.out.splitlines()[0] == "supported     Half of them are older than 25."
    assert ran.err.startswith("1 requests, ")
    assert "Half of them are older than 25." in page.read_text(encoding="utf-8")
    assert cli("claims", data, kept).out == ran.out


def test_the_plan_is_told_and_nothing_is_sent(cli: Cli, data: str, sentences: str) -> None:
    llm = FakeLLM(reading)
    with llm.serve() as url:
        ran = cli("claims", data, sentences, "--llm", url, "--model", llm.name, "--plan")
    assert ran.out.startswith("1 requests for 1 of 1 items")
    assert llm.received["complete"] == 0


@pytest.mark.parametrize("option", ["--html", "--write"])
def test_where_nothing_can_be_written_nothing_is_sent(
    cli: Cli, data: str, sentences: str, option: str
) -> None:
    llm = FakeLLM(reading)
    with llm.serve() as url:
        ran = cli("claims", data, sentences, "--llm", url, "--model", llm.name, option, "nowhere/claims")
    assert ran.status == 1
    assert "nowhere/claims: there is no such folder" in ran.err
    assert not llm.prompts


def test_sentences_without_a_language_model_are_an_error_that_says_what_to_do(
    cli: Cli, data: str, sentences: str
) -> None:
    ran = cli("claims", data, sentences)
    assert ran.status == 1
    assert "name one with --llm, or give claims as JSON" in ran.err


def test_an_outage_is_an_error_and_prints_no_verdict(cli: Cli, data: str, sentences: str) -> None:
    ran = cli("claims", data, sentences, "--llm", "http://127.0.0.1:9/v1", "--model", "gone")
    assert ran.status == 1
    assert not ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [("[{]", "not JSON"), ('[{"kind": "guess"}]', "Claim 1: A claim is an object")],
)
def test_a_broken_file_of_claims_is_an_error(
    cli: Cli, data: str, tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text, encoding="utf-8")
    ran = cli("claims", data, path)
    assert ran.status == 1
    assert said in ran.err


def test_help_has_an_example() -> None:
    commands = next(iter(parser()._subparsers._group_actions))  # type: ignore[union-attr]
    assert "interpllm claims customers.csv claims.txt" in commands.choices["claims"].format_help()
