"""``explain`` with its questions, and ``explain terms``: on a model file alone, and with a language model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm.llm import Request
from interpllm.testing import FakeLLM
from interpllm.testing.faults import Fault

Cli = Callable[..., Any]
ROWS = "text,label\nA great film,good\nNot great,bad\nAwful,bad\ngreat great,good\n"


def test_contrast_adds_up_and_says_for_which_class(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--contrast", "good", "bad", stdin="text\nnot great\n")
    assert "good less bad is -0.750" in ran.out
    assert [float(line.split()[0]) for line in ran.out.splitlines()[1:]] == [0.25, -3.0, 2.0]


def test_contrast_as_json_holds_each_row(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--contrast", "good", "bad", "--json", stdin=ROWS)
    assert [row["difference"] for row in json.loads(ran.out)["rows"]] == [2.25, -0.75, -1.25, 2.25]


def test_counterfactual_says_what_would_have_to_go(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--counterfactual", stdin="text\nnot great\n")
    assert 'without "not great": the prediction would be good instead of bad' in ran.out
    assert "still predicted" not in ran.out


def test_counterfactual_to_a_class(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--counterfactual", "bad", "--json", stdin=ROWS)
    statuses = [row["status"] for row in json.loads(ran.out)["rows"]]
    assert statuses == ["none", "there already", "there already", "none"]


def test_a_class_that_is_none_is_said_in_one_line(cli: Cli, model: str) -> None:
    ran = cli("explain", model, "-", "--contrast", "good", "ugly", stdin=ROWS)
    assert (ran.status, ran.err) == (
        1, "interpllm explain: the model has no class 'ugly'; its classes: bad, good\n"
    )  # fmt: skip


def test_the_two_questions_are_not_asked_at_once(cli: Cli, model: str) -> None:
    assert cli("explain", model, "-", "--contrast", "a", "b", "--counterfactual", stdin=ROWS).status == 2


def test_half_a_character_is_written_to_a_page(cli: Cli, model: str, tmp_path: Path) -> None:
    command = ("explain", model, "-", "--format", "jsonl", "--html", "page.html", "--json")
    ran = cli(*command, stdin='{"text": "\\ud800 great"}\n')
    assert "page.html: written" in ran.err
    assert r"\ud800" in (tmp_path / "page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("asked", [(), ("--contrast", "good", "bad"), ("--counterfactual",)])
def test_html_is_a_page_that_loads_nothing(
    cli: Cli, model: str, tmp_path: Path, asked: tuple[str, ...]
) -> None:
    ran = cli("explain", model, "-", *asked, "--html", "page.html", stdin="text\n<script>great</script>\n")
    page = (tmp_path / "page.html").read_text()
    assert "page.html: written" in ran.err
    assert "good" in ran.out
    assert page.startswith("<!DOCTYPE html>")
    assert "<script" not in page


def test_terms_tell_effects_without_a_language_model(cli: Cli, model: str) -> None:
    ran = cli("explain", "terms", model, "-", "--label", "label", "--json", stdin=ROWS)
    terms = {term["term"]: term for term in json.loads(ran.out)["terms"]}
    assert (terms["great"]["effect"], terms["great"]["n_present"]) == (2.0, 3)
    assert terms["great"]["label_difference"] == pytest.approx(2 / 3)


def answers(request: Request) -> Any:
    asked = request.schema["properties"] if request.schema else {}
    return {"name": "judgements"} if "name" in asked else {"belong": [1]} if "belong" in asked else "x"


def test_terms_are_grouped_by_a_server_and_its_requests_are_counted(cli: Cli, model: str) -> None:
    with FakeLLM(answers).serve() as url:
        ran = cli("explain", "terms", model, "-", "--llm", url, "--model", "m", "--groups", "2", stdin=ROWS)
    assert "group 1:" in ran.out
    assert ran.err.endswith("tokens\n")


def test_a_plan_of_terms_sends_nothing(cli: Cli, model: str) -> None:
    fake = FakeLLM(answers)
    with fake.serve() as url:
        asked = ("explain", "terms", model, "-", "--llm", url, "--model", "m", "--plan")
        ran, told = cli(*asked, stdin=ROWS), cli(*asked, "--json", stdin=ROWS)
    assert "requests for" in ran.out
    assert json.loads(told.out)["requests"] > 0
    assert not {"complete", "embed"} & set(fake.received)


def test_a_server_that_refuses_is_an_error_and_no_score(cli: Cli, model: str) -> None:
    with FakeLLM(answers, faults=[Fault("401")]).serve() as url:
        ran = cli("explain", "terms", model, "-", "--llm", url, "--model", "m", stdin=ROWS)
    assert (ran.status, ran.out) == (1, "")
