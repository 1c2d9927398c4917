"""fit, plan, predict, distil and batch with models of questions, over HTTP and from tables of answers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from concept_oracle import answers, question, rows

from interpllm import runtime
from interpllm.llm import Request
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]
TEXTS, LABELS = rows(120)
TASK = "whether it is a complaint"


def written(*columns: list[Any], names: tuple[str, ...] = ("text", "label")) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([names, *zip(*columns, strict=True)])
    return stream.getvalue()


ROWS = written(TEXTS, LABELS)
TRUE = {topic: [int(topic in text.split()) for text in TEXTS] for topic in ("refund", "damage", "color")}
ANSWERS = written(*TRUE.values(), LABELS, names=(*map(question, TRUE), "label"))


def reply(request: Request) -> Any:
    """What the oracle says; what is only to find out whether the server works is left to the fake."""
    asks = request.schema is not None and "questions" in request.schema.get("properties", {})
    return answers(request) if asks or '<text id="' in str(request.messages[-1]["content"]) else None


@pytest.fixture
def server() -> Iterator[tuple[FakeLLM, list[str]]]:
    """A server that proposes and answers, and the options that name it."""
    fake = FakeLLM(reply, name="oracle")
    with fake.serve() as url:
        yield fake, ["--llm", url, "--model", "oracle"]


def test_fit_asks_a_server_and_the_model_is_distilled_to_stand_alone(
    cli: Cli, server: tuple[FakeLLM, list[str]], tmp_path: Path
) -> None:
    """One fit for the whole way, since fits are what takes time; each step is one command."""
    fake, llm = server
    fitted = cli("fit", "-", "--estimator", "concepts", "--task", TASK, "--n-concepts", 3, *llm, stdin=ROWS)
    assert fitted.status == 0, fitted.err
    assert "model.json: ConceptLinearClassifier for 2 classes, from 120 texts" in fitted.out
    assert "rows that nothing was chosen on: accuracy" in fitted.out
    model = runtime.load(tmp_path / "model.json")
    assert {question("refund"), question("damage")} <= {q.text for q in model.questions}

    sent = sum(fake.received.values())
    labelled = cli("predict", "model.json", "-", "--json", *llm, stdin=ROWS)
    found = [json.loads(line)["prediction"] for line in labelled.out.splitlines()]
    assert found == LABELS
    assert sum(fake.received.values()) == sent, "the answers of the fit are stored under its task"

    distilled = cli("distill", "model.json", "-", "--embed", "none", *llm, stdin=ROWS)
    assert distilled.status == 0, distilled.err
    assert "it predicts without a language model" in distilled.out
    assert sum(fake.received.values()) == sent
    alone = cli("predict", "deployable.json", "-", stdin="text\nw1 refund w2\nw3 w4\n")
    assert [row["prediction"] for row in csv.DictReader(io.StringIO(alone.out))] == ["complaint", "other"]
    assert cli("export", "deployable.json", "deployable.py").status == 0


def test_plan_counts_and_asks_nothing(cli: Cli, server: tuple[FakeLLM, list[str]]) -> None:
    fake, llm = server
    told = cli("plan", "-", "--estimator", "concepts", "--rounds", 1, "--json", *llm, stdin=ROWS)
    assert json.loads(told.out)["requests"] > 0, told.err
    assert not fake.received["complete"]


def test_fit_on_answers_asks_nobody(cli: Cli, tmp_path: Path) -> None:
    ran = cli("fit", "-", "--estimator", "concepts", "--answers", "--json", stdin=ANSWERS)
    assert ran.status == 0, ran.err
    made = json.loads(ran.out)
    assert set(made["questions"]) == {question("refund"), question("damage")}
    assert made["report"]["confirm"][0].keys() >= {"score", "low", "high"}
    predicted = cli("predict", "model.json", "-", "--answers", "--label", "label", stdin=ANSWERS)
    assert "accuracy 1.000" in predicted.err


@pytest.mark.filterwarnings("always")
def test_warning_is_one_line_without_code(cli: Cli) -> None:
    useless = [0] * len(TEXTS)
    data = written(useless, LABELS, names=("Is it empty?", "label"))
    ran = cli("fit", "-", "--estimator", "concepts", "--answers", stdin=data)
    assert ran.err.startswith("interpllm: No question tells more")
    assert ran.err.count("\n") == 1


def test_tree_on_answers_is_drawn(cli: Cli) -> None:
    ran = cli("fit", "-", "--estimator", "concept-tree", "--answers", "--max-leaves", 3, stdin=ANSWERS)
    assert "ConceptTreeClassifier" in ran.out, ran.err
    assert "yes: -> complaint" in cli("concepts", "show", "model.json").out
    assert " and " in cli("rules", "model.json").out


def test_texts_beside_answers_are_distilled_without_an_llm(cli: Cli, tmp_path: Path) -> None:
    data = written(*TRUE.values(), LABELS, TEXTS, names=(*map(question, TRUE), "label", "text"))
    fitted = cli("fit", "-", "--estimator", "concepts", "--answers", "--no-llm", stdin=data)
    assert fitted.status == 0, fitted.err
    ran = cli("distill", "model.json", "-", "--answers", "--out", "alone.json", "--json", stdin=data)
    assert json.loads(ran.out)["deployable"], ran.err
    assert runtime.load(tmp_path / "alone.json").predict(["refund"]) == ["complaint"]


def test_question_file_decides_what_is_asked(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "ask.txt").write_text(f"{question('refund')}\n\n")
    ran = cli("fit", "-", "--estimator", "concepts", "--answers", "--concepts", "ask.txt", stdin=ANSWERS)
    assert ran.status == 0, ran.err
    assert [q.text for q in runtime.load(tmp_path / "model.json").questions] == [question("refund")]


def test_batches_end_in_the_model_that_a_server_would_have_made(
    cli: Cli, server: tuple[FakeLLM, list[str]], tmp_path: Path
) -> None:
    fake, llm = server
    asked = ["--rounds", 0, "--concepts", "ask.txt", "--task", TASK, *llm]
    (tmp_path / "ask.txt").write_text(f"{question('refund')}\n{question('damage')}\n")
    for _ in range(10):
        exported = cli("batch", "export", "-", *asked, "--json", stdin=ROWS)
        assert exported.status == 0, exported.err
        if not json.loads(exported.out)["requests"]:
            break
        lines = map(json.loads, (tmp_path / "requests.jsonl").read_text().splitlines())
        (tmp_path / "replies.jsonl").write_text("".join(answered(line) for line in lines))
        stored = json.loads(cli("batch", "import", "replies.jsonl", "--json").out)
        assert stored["added"] > 0
        assert (stored["failed"], stored["unknown"]) == (0, 0)
    assert not fake.received, "a batch sends nothing"
    made = (tmp_path / "model.json").read_bytes()
    assert cli("fit", "-", "--estimator", "concepts", *asked, "--out", "again.json", stdin=ROWS).status == 0
    assert (tmp_path / "again.json").read_bytes() == made
    assert not fake.received["complete"], "what came in batches is stored for the server, too"


def answered(line: dict[str, Any]) -> str:
    """What a batch service makes of a line."""
    body = line["body"]
    request = Request(
        messages=tuple(body["messages"]), schema=body["response_format"]["json_schema"]["schema"]
    )
    message = {"role": "assistant", "content": json.dumps(reply(request))}
    done = {"choices": [{"message": message, "finish_reason": "stop"}]}
    found = {
        "custom_id": line["custom_id"],
        "response": {"status_code": 200, "body": done},
        "error": None,
    }
    return json.dumps(found) + "\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fit", "-", "--estimator", "concepts", "--ngrams", "2"], "--ngrams is for --estimator aug-linear"),
        (["fit", "-", "--n-concepts", "3"], "--n-concepts is for --estimator concepts or concept-tree"),
        (["fit", "-", "--estimator", "concept-tree", "--residual", "ngrams"], "--residual is for"),
        (["fit", "-", "--estimator", "concepts", "--out", "model.py"], "interpllm distill"),
        (["fit", "-", "--estimator", "concepts", "--answers"], "is no answer"),
        (["fit", "-", "--model", "m", "--no-llm"], "give its address in --llm"),
        (["batch", "export", "-", "--llm", "openai"], "--llm openai --model NAME"),
        (["batch", "import", "nowhere.jsonl"], "nowhere.jsonl cannot be read"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(cli: Cli, arguments: list[str], said: str) -> None:
    ran = cli(
        *arguments,
        stdin=written(
            TEXTS, LABELS, names=("other", "label") if "--answers" in arguments else ("text", "label")
        ),
    )
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err


@pytest.mark.parametrize("verb", ["export", "import"])
def test_batch_verbs_have_an_example(cli: Cli, verb: str) -> None:
    assert f"interpllm batch {verb} " in cli("batch", verb, "--help").out.partition("example:")[2]


@pytest.mark.parametrize("verb", ["show", "from", "lock", "veto", "edit", "add"])
def test_concept_verbs_have_an_example(cli: Cli, verb: str) -> None:
    assert f"interpllm concepts {verb} " in cli("concepts", verb, "--help").out.partition("example:")[2]
