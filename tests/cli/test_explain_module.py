"""explain module: what a model's score responds to, on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from planted_modules import corpus, fake

from interpllm.runtime import LinearModel, save

Cli = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[str]:
    with fake().serve() as url:
        yield url


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Texts, and a model that scores questions."""
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(corpus(300, seed=4)), encoding="utf-8")
    model = LinearModel(task="classification", classes=("other", 7), intercept=(0.0,), weights={"?": (1.0,)})
    return texts, save(model, tmp_path / "model.json")


def test_it_says_what_a_score_responds_to(cli: Cli, files: tuple[Path, Path], server: str) -> None:
    texts, model = files
    ran = cli("explain", "module", texts, "--score", model, "--llm", server, "--model", "explainer")
    assert ran.status == 0, ran.err
    assert "responds more strongly to a text that asks a question" in ran.out
    assert "requests" in ran.err


def test_json_and_the_page_hold_the_same_finding(cli: Cli, files: tuple[Path, Path], server: str) -> None:
    texts, model = files
    asked = ("--llm", server, "--model", "explainer", "--class", "7", "--html", "found.html", "--quiet")
    ran = cli("explain", "module", texts, "--score", model, "--json", *asked)
    found = json.loads(ran.out)
    assert found["explanation"] == "asks a question"
    assert "asks a question" in Path("found.html").read_text(encoding="utf-8")


def test_a_plan_is_told_and_nothing_is_asked(cli: Cli, files: tuple[Path, Path]) -> None:
    llm = fake()
    with llm.serve() as url:
        ran = cli(
            *("explain", "module", files[0], "--score", files[1], "--plan", "--json"),
            *("--llm", url, "--model", "explainer", "--n-candidates", "2"),
        )
    assert 3 < json.loads(ran.out)["requests"] < 30
    assert not llm.prompts


def test_where_nothing_can_be_written_nothing_is_asked(cli: Cli, files: tuple[Path, Path]) -> None:
    llm = fake()
    with llm.serve() as url:
        ran = cli(
            *("explain", "module", files[0], "--score", files[1], "--html", "nowhere/found.html"),
            *("--llm", url, "--model", "explainer"),
        )
    assert ran.status == 1
    assert "nowhere/found.html: there is no such folder" in ran.err
    assert not llm.prompts


def test_a_dimension_is_one_of_what_embeds(cli: Cli, files: tuple[Path, Path], server: str) -> None:
    ran = cli(
        *("explain", "module", files[0], "--dimension", "99", "--of", server),
        *("--llm", server, "--model", "explainer"),
    )
    assert ran.status == 1
    assert "dimensions 0 to 7" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--score", "model.json"), "name one with --llm"),
        (("--dimension", "3", "--class", "7", "--llm", "minilm"), "give its file with --score"),
        (("--score", "model.json", "--class", "8", "--llm", "http://localhost:1/v1"), "one of the model's"),
    ],
)
def test_what_is_missing_is_said(
    cli: Cli, files: tuple[Path, Path], options: tuple[str, ...], said: str
) -> None:
    ran = cli("explain", "module", files[0], *options)
    assert ran.status == 1
    assert said in ran.err


def test_explain_alone_still_explains_texts(cli: Cli, files: tuple[Path, Path]) -> None:
    ran = cli("explain", files[1], "-", "--format", "txt", stdin="is that so?")
    assert ran.status == 0
    assert "-> 7" in ran.out
