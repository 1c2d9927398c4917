"""A judge predicts a model from its printed form; what it gains is told beside a shuffled one."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

from interpllm.audit.base import Finding
from interpllm.audit.judges import ROWS_PER_REQUEST, Row, reader
from interpllm.audit.simulatability import plan_simulatability, simulatability
from interpllm.display import as_json
from interpllm.errors import InputError
from interpllm.llm import Request, Session
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.runtime import LinearModel
from interpllm.testing import FakeLLM, Fault

from .toy_models import LINEAR, RULE_LIST, RULE_SET, TREE, texts_of

TEXTS = texts_of(120)
GAIN = "gain of the judge by the printed model over a shuffled one"


def values(finding: Finding) -> dict[str, float]:
    """Name -> value."""
    assert finding.error is None
    return {measure.name: measure.value for measure in finding.measures}


def answering(request: Request) -> Any:
    """A language model that does what the printed model says, and says "good" where there is none."""
    prompt = str(request.messages[0]["content"])
    rows = {name: json.loads(text) for name, text in re.findall(r"^(r\d+): (.*)$", prompt, re.M)}
    printed = re.search(r"<program>\n(.*?)\n</program>", prompt, re.S)
    labels: Sequence[Any] = ["good"] * len(rows)
    if printed is not None:
        labels = reader(printed.group(1), [*rows.values()])
    return {"answers": [{"id": name, "label": label} for name, label in zip(rows, labels, strict=True)]}


@pytest.mark.parametrize("model", [RULE_LIST, RULE_SET, TREE, LINEAR], ids=lambda model: type(model).__name__)
def test_a_program_that_reads_the_printed_model_is_always_right_and_with_a_shuffled_one_is_not(
    model: Any,
) -> None:
    found = values(simulatability(model, TEXTS, judge=reader, max_characters=None))
    for rows in ("unseen rows", "changed rows"):
        assert found[f"accuracy of the judge with the printed model, {rows}"] == 1.0
        assert found[f"accuracy of the judge with a shuffled printed model, {rows}"] < 0.9
    assert found[GAIN] > 0.2


def test_a_judge_that_does_not_look_at_the_printed_model_gains_nothing() -> None:
    def stubborn(printed: str | None, rows: Sequence[Row]) -> list[str]:
        return ["good" if "great" in str(row) else "bad" for row in rows]

    finding = simulatability(RULE_LIST, TEXTS, judge=stubborn)
    gains = [measure for measure in finding.measures if measure.name.startswith("gain")]
    assert [gain.value for gain in gains] == [0.0, 0.0]
    assert [gain.p_value for gain in gains] == [1.0, 1.0]
    assert [gain.passed for gain in gains] == [None, False]


def test_a_language_model_that_reads_gains_over_none_and_over_a_shuffled_one() -> None:
    found = simulatability(RULE_LIST, TEXTS, judge=Session(FakeLLM(answering)))
    gains = [measure for measure in found.measures if measure.name.startswith("gain")]
    assert all(gain.low is not None and gain.low > 0 for gain in gains)
    assert all(gain.p_value is not None and gain.p_value < 0.01 for gain in gains)


def test_half_of_the_changed_rows_are_decided_otherwise() -> None:
    told = values(simulatability(RULE_LIST, TEXTS, judge=reader))
    assert told["share of changed rows that the model decides otherwise"] == pytest.approx(0.5, abs=0.05)


def test_unseen_rows_are_as_often_of_each_prediction() -> None:
    details = simulatability(TREE, TEXTS, judge=reader).details["rows"]
    unseen = details[details["set"] == "unseen rows"]
    assert unseen["model"].value_counts().to_dict() == {"good": 20, "bad": 20}
    assert unseen["row"].is_unique


def test_what_is_planned_is_what_is_sent() -> None:
    session = Session(FakeLLM(answering))
    plan = plan_simulatability(RULE_LIST, TEXTS, judge=session)
    assert session.usage.requests == 0
    finding = simulatability(RULE_LIST, TEXTS, judge=session)
    assert plan.requests == session.usage.requests == finding.requests > 3 * 40 / ROWS_PER_REQUEST


def test_one_worker_and_eight_give_the_same_finding() -> None:
    found = [
        as_json(
            simulatability(
                RULE_LIST, TEXTS, judge=Session(FakeLLM(answering), max_concurrency=workers)
            ).as_dict()
        )
        for workers in (1, 8)
    ]
    assert found[0] == found[1]


def test_rows_without_an_answer_are_counted_and_are_not_wrong() -> None:
    def without_the_first(request: Request) -> Any:
        first, *others = answering(request)["answers"]
        return {"answers": [*others, others[-1]]} if others else {"answers": [first]}

    found = values(simulatability(RULE_LIST, TEXTS, judge=Session(FakeLLM(without_the_first))))
    assert found["accuracy of the judge with the printed model, unseen rows"] == 1.0
    assert found["share of rows without an answer"] == pytest.approx(1 / ROWS_PER_REQUEST)


def test_a_request_that_failed_is_no_wrong_answer() -> None:
    llm = FakeLLM(answering, faults=[Fault("refusal", every=9, verb="complete")])
    found = values(simulatability(RULE_LIST, TEXTS, judge=Session(llm, max_concurrency=1)))
    assert found["accuracy of the judge with the printed model, unseen rows"] == 1.0
    assert 0.05 < found["share of rows without an answer"] < 0.2


@pytest.mark.parametrize("arm", ["without", "with", "shuffled"])
def test_an_arm_of_which_too_many_answers_are_missing_is_an_error_and_no_figure(arm: str) -> None:
    programs: list[str | None] = []

    def judge(printed: str | None, rows: Sequence[Row]) -> list[Any]:
        if printed not in programs:
            programs.append(printed)
        lost = ("without", "with", "shuffled")[programs.index(printed)] == arm
        return ["good", *([None if lost else "good"] * (len(rows) - 1))]

    finding = simulatability(RULE_LIST, TEXTS, judge=judge)
    assert finding.error is not None
    assert "of 80 rows with" in finding.error
    assert not finding.measures


def test_a_language_model_that_says_nothing_without_the_printed_model_is_an_outage() -> None:
    def silent(request: Request) -> Any:
        printed = "<program>" in str(request.messages[0]["content"])
        return answering(request) if printed else {"answers": []}

    finding = simulatability(RULE_LIST, TEXTS, judge=Session(FakeLLM(silent)))
    assert "without the printed model" in str(finding.error)


def test_that_a_program_is_silent_where_it_is_shown_nothing_is_no_missing_answer() -> None:
    assert values(simulatability(RULE_LIST, TEXTS, judge=reader))["share of rows without an answer"] == 0


def test_a_gain_without_an_interval_is_neither_passed_nor_failed() -> None:
    finding = simulatability(RULE_LIST, TEXTS[:1], judge=lambda printed, rows: ["good"] * len(rows))
    gain = next(measure for measure in finding.measures if measure.name == GAIN)
    assert (gain.n, gain.passed) == (1, None)


@pytest.mark.parametrize("kind", ["429", "500", "cut", "broken_body", "bad_json", "refusal", "401", "hang"])
def test_an_outage_is_an_error_and_no_figure(kind: str) -> None:
    llm = FakeLLM(answering, faults=[Fault(kind, seconds=0.01 if kind == "429" else 5)])
    with llm.serve() as url:
        backend = OpenAIBackend(url, model=llm.name, timeout=0.1)
        with Session(backend, max_retries=1, backoff=0.001) as session:
            finding = simulatability(RULE_LIST, TEXTS, judge=session, n_rows=2)
    assert finding.error
    assert not finding.measures


def test_a_model_that_cannot_be_read_back_is_an_error_for_the_program_that_reads() -> None:
    finding = simulatability(LINEAR, TEXTS, judge=reader)
    assert finding.error is not None
    assert "not printed whole" in finding.error


def test_how_much_of_a_table_of_n_grams_is_printed_is_told() -> None:
    weights = {f"word{number}": (float(40 - number),) for number in range(40)}
    model = LinearModel(task="classification", classes=("bad", "good"), intercept=(-30.0,), weights=weights)
    texts = [f"word{number} word{number + 1} and more {number}" for number in range(39)]
    finding = simulatability(model, texts, judge=lambda printed, rows: ["good"] * len(rows))
    shown = finding.details["what the judge was shown"].set_index("arm")["share_of_model"]
    assert shown["with"] == pytest.approx(sum(range(21, 41)) / sum(range(1, 41)))
    assert shown["without"] == 0


def test_what_does_not_fit_is_cut_at_the_end_of_a_line() -> None:
    seen: list[str | None] = []

    def judge(printed: str | None, rows: Sequence[Row]) -> list[str]:
        seen.append(printed)
        return ["good"] * len(rows)

    simulatability(RULE_LIST, TEXTS, judge=judge, max_characters=150)
    shown = next(printed for printed in seen if printed)
    assert len(shown) <= 150
    assert str(RULE_LIST).startswith(shown + "\n")


def test_a_model_with_nothing_to_shuffle_has_no_such_arm() -> None:
    model = LinearModel(
        task="classification", classes=("bad", "good"), intercept=(-0.5,), weights={"great": (1.0,)}
    )
    finding = simulatability(model, TEXTS, judge=lambda printed, rows: ["good"] * len(rows))
    notes = {measure.note for measure in finding.measures if "shuffled" in measure.name}
    assert notes == {"nothing in the model can be shuffled", "no row has answers in both arms"}


def test_rows_with_columns_are_changed_in_the_columns_that_the_model_looks_at() -> None:
    from interpllm.runtime import parse

    model = parse(
        'TreeModel: classification into "no", "yes"; link: share\n\n'
        "if age > 30.0 (0.5, 0.5; 10 rows)\n"
        '  -> "yes" (0.1, 0.9; 5 rows)\n'
        "else\n"
        '  -> "no" (0.9, 0.1; 5 rows)'
    )
    rows = [{"age": float(age), "name": f"n{age}"} for age in range(10, 50)]
    finding = simulatability(model, rows, judge=reader)
    told = values(finding)
    assert told["accuracy of the judge with the printed model, changed rows"] == 1.0
    assert told["accuracy of the judge with a shuffled printed model, unseen rows"] == 0.0


def test_a_judge_is_a_language_model_as_everywhere_or_a_program() -> None:
    plan = plan_simulatability(RULE_LIST, TEXTS, judge=FakeLLM(answering))
    found = simulatability(RULE_LIST, TEXTS, judge=FakeLLM(answering))
    assert plan.requests == found.requests > 0
    assert plan_simulatability(RULE_LIST, TEXTS, judge=reader).requests == 0
    for judge in ("nobody", None, 7):
        with pytest.raises(InputError, match="anguage model"):
            simulatability(RULE_LIST, TEXTS, judge=judge)  # type: ignore[arg-type]


def test_a_frame_of_one_column_is_rows_of_texts() -> None:
    frame = pd.DataFrame({"text": TEXTS})
    found, known = (simulatability(RULE_LIST, rows, judge=reader).as_dict() for rows in (frame, TEXTS))
    assert as_json(found) == as_json(known)


@pytest.mark.parametrize(
    ("model", "rows", "said"),
    [
        (LINEAR, "one text", "put it in a list"),
        (LINEAR, [], "There are no rows"),
        (LinearModel(task="regression", intercept=(0.0,), weights={}), TEXTS, "not of a regression"),
    ],
)
def test_what_cannot_be_judged_is_refused(model: Any, rows: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        simulatability(model, rows, judge=reader)


def test_a_judge_gives_a_label_a_row() -> None:
    with pytest.raises(InputError, match="one a row"):
        simulatability(LINEAR, TEXTS, judge=lambda printed, rows: ["good"])
