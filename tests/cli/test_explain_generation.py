"""``interpllm explain generation`` on prompts in files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interpllm.llm import Request
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]


def noon(request: Request) -> str:
    """Knows it where the opening hour stands in the prompt."""
    return "Noon" if any("noon" in message["content"] for message in request.messages) else "Eight"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Options that name a fake."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tell-nobody-0123456789abcdef")
    with FakeLLM(noon, name="fake").serve() as url:
        yield ["--llm", url, "--model", "fake", "--samples", "2"]


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.txt"
    path.write_text("The sea is calm. The library opens at noon.\nIt rains.\n")
    return str(path)


def test_the_source_stands_first(cli: Cli, server: list[str], facts: str) -> None:
    ran = cli("explain", "generation", facts, "--question", "When?", *server)
    rows = [line.split() for line in ran.out.splitlines()]
    assert "answer: Noon" in ran.out
    assert next(row for row in rows if row[:1] == ["1"])[1:3] == ["2", "+1.000"]
    assert "requests" in ran.err
    assert "no check stands behind these ranks" in ran.out
    assert "nan" not in ran.out


def test_json_and_page_have_everything(cli: Cli, server: list[str], facts: str, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    ran = cli("explain", "generation", facts, "--answer", "Noon", "--json", "--html", page, *server)
    found = json.loads(ran.out)
    assert found["parts"][1]["value"] == pytest.approx(1.0)
    assert "The library opens at noon." in page.read_text()


def test_a_plan_sends_nothing(cli: Cli, server: list[str], facts: str) -> None:
    ran = cli("explain", "generation", facts, "--answer", "Noon", "--plan", "--json", *server)
    assert json.loads(ran.out)["requests"] == 2**3 * 2


def test_conversations_come_as_json(cli: Cli, server: list[str], tmp_path: Path) -> None:
    path = tmp_path / "chat.json"
    said = [("user", "It opens at noon."), ("assistant", "Good."), ("user", "When?")]
    path.write_text(json.dumps([{"role": role, "content": content} for role, content in said]))
    found = json.loads(cli("explain", "generation", path, "--json", *server).out)
    assert [part["value"] for part in found["parts"]] == pytest.approx([1, 0])
    assert cli("explain", "generation", path, "--question", "When?", *server).status == 1


@pytest.mark.parametrize("by", ["lines", "paragraphs"])
def test_texts_are_cut_as_told(cli: Cli, server: list[str], by: str) -> None:
    text = "a b. c\nnoon\n\nd e\n"
    ran = cli("explain", "generation", "-", "--by", by, "--json", *server, stdin=text)
    segments = [one["text"] for one in json.loads(ran.out)["segments"]]
    assert "".join(segments) == text.rstrip()
    assert len(segments) == (3 if by == "lines" else 2)


def test_where_nothing_can_be_written_nothing_is_sent(cli: Cli, facts: str) -> None:
    llm = FakeLLM(noon)
    with llm.serve() as url:
        told = ("--llm", url, "--model", llm.name, "--html", "nowhere/found.html")
        ran = cli("explain", "generation", facts, "--question", "When?", *told)
    assert ran.status == 1
    assert "nowhere/found.html: there is no such folder" in ran.err
    assert not llm.prompts


def test_a_file_that_is_not_there_is_said(cli: Cli) -> None:
    ran = cli("explain", "generation", "none.txt")
    assert (ran.status, ran.out) == (1, "")
    assert "there is no file none.txt" in ran.err
