"""explain difference and explain target, over HTTP."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from concept_oracle import answers, question, rows

from interpllm.llm import Request
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]
TEXTS, LABELS = rows(200)


def reply(request: Request) -> Any:
    """What the oracle says; a session's first look at a server is left to the fake."""
    asks = request.schema is not None and "questions" in request.schema.get("properties", {})
    return answers(request) if asks or '<text id="' in str(request.messages[-1]["content"]) else None


@pytest.fixture
def server() -> Iterator[tuple[FakeLLM, list[str]]]:
    fake = FakeLLM(reply, name="oracle")
    with fake.serve() as url:
        yield fake, ["--llm", url, "--model", "oracle", "--n-candidates", "8", "--statements", "2"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """complaints.csv and others.csv, and rows.csv with both and their label."""
    parts: dict[str, list[list[Any]]] = {"complaints": [["text"]], "others": [["text"]]}
    for text, label in zip(TEXTS, LABELS, strict=True):
        parts["complaints" if label == "complaint" else "others"].append([text])
    parts["rows"] = [["text", "label"], *map(list, zip(TEXTS, LABELS, strict=True))]
    for name, lines in parts.items():
        with (tmp_path / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(lines)
    return tmp_path


def test_a_difference_is_told_and_written(cli: Cli, server: tuple[FakeLLM, list[str]], files: Path) -> None:
    _, llm = server
    ran = cli("explain", "difference", "complaints.csv", "others.csv", "--html", "d.html", *llm)
    assert ran.status == 0, ran.err
    assert "What is truer of complaints than of others" in ran.out
    held = [line for line in ran.out.splitlines() if line.startswith("yes")]
    assert sorted(line.rpartition("  ")[2] for line in held) == [question("damage"), question("refund")]
    assert question("refund") in (files / "d.html").read_text()


def test_a_plan_of_a_difference_sends_nothing(
    cli: Cli, server: tuple[FakeLLM, list[str]], files: Path
) -> None:
    fake, llm = server
    ran = cli("explain", "difference", "complaints.csv", "others.csv", "--plan", "--json", *llm)
    assert json.loads(ran.out)["requests"] > 10
    assert not fake.received


def test_a_target_is_told(cli: Cli, server: tuple[FakeLLM, list[str]], files: Path) -> None:
    _, llm = server
    ran = cli("explain", "target", "rows.csv", *llm)
    assert ran.status == 0, ran.err
    assert "yes    complaint" in ran.out
    assert "explained (McFadden's R squared)" in ran.out
    again = cli("explain", "target", "rows.csv", "--json", *llm)
    assert json.loads(again.out)["kind"] == "target"


def test_own_statements_are_read_from_a_file(
    cli: Cli, server: tuple[FakeLLM, list[str]], files: Path
) -> None:
    fake, llm = server
    (files / "own.txt").write_text(f"{question('refund')}\n{question('color')}\n{question('login')}\n")
    options = [*llm, "--candidates", "own.txt", "--n-candidates", 0, "--json"]
    ran = cli("explain", "difference", "complaints.csv", "others.csv", *options)
    told = json.loads(ran.out)
    assert [row["statement"] for row in told["statements"] if row["holds"]] == [question("refund")]
    assert not [
        prompt for prompt in fake.prompts if "yes/no questions that are answered differently" in prompt
    ]


@pytest.mark.parametrize("page", [".", "nowhere/d.html"])
def test_where_nothing_can_be_written_nothing_is_sent(
    cli: Cli, server: tuple[FakeLLM, list[str]], files: Path, page: str
) -> None:
    fake, llm = server
    ran = cli("explain", "difference", "complaints.csv", "others.csv", "--html", page, *llm)
    assert ran.status == 1
    assert f"{page}: " in ran.err
    assert not fake.received


def test_an_outage_is_said_in_one_line(cli: Cli, files: Path) -> None:
    with FakeLLM(reply, name="oracle").serve() as url:
        pass
    ran = cli("explain", "difference", "complaints.csv", "others.csv", "--llm", url, "--model", "oracle")
    assert ran.status == 1
    assert len(ran.err.strip().splitlines()) == 1
