"""What is told of a label or a number was planted, on rows that nothing was chosen or fitted on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interpllm.errors import InputError, LLMError
from interpllm.explain import TargetExplanation, explain_target, plan_target
from interpllm.explain.target_figures import spoken_for, strength
from interpllm.llm import Reply, Session, Store
from interpllm.runtime import Question
from interpllm.select.parts import Parts, split_rows
from interpllm.testing import Fault

from .planted_sides import oracle, question, reply, sides

FEW: dict[str, Any] = {"n_candidates": 24, "n_resamples": 499, "guard": 0}
X = [text for side in sides(n=200, here=0.45, there=0.45) for text in side]
RANDOM = np.random.default_rng(0)


def has(topic: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([topic in text.split() for text in X])


CLASSES = np.select([has("refund"), has("damage")], ["money", "thing"], "other")
LABELS = np.where((has("refund") | has("damage")) ^ (RANDOM.random(len(X)) < 0.1), "complaint", "fine")
NUMBERS = 2.0 * has("refund") - 1.0 * has("login") + RANDOM.normal(0, 0.5, len(X))


def told(y: Any, **options: Any) -> TargetExplanation:
    return explain_target(X, y, llm=Session(oracle()), **FEW | options)


@pytest.fixture(scope="module")
def labels() -> TargetExplanation:
    return told(LABELS, target="the tone")


@pytest.fixture(scope="module")
def numbers() -> TargetExplanation:
    return told(NUMBERS)


def holding(found: TargetExplanation) -> dict[str, str]:
    """Topic -> what it speaks for, of the statements that hold."""
    table = found.frame()
    there = table[table["holds"]]
    topics = [text.removesuffix("?").split()[-1] for text in there["statement"]]
    return dict(zip(topics, there["speaks_for"], strict=True))


def test_statements_that_make_a_label_are_found(labels: TargetExplanation) -> None:
    found = holding(labels)
    assert found["refund"] == found["damage"] == "complaint"
    assert set(labels.frame()["statement"][:2]) == {question("refund"), question("damage")}


def test_each_class_of_several_is_spoken_for() -> None:
    found = holding(told(CLASSES))
    assert (found["refund"], found["damage"]) == ("money", "thing")


def test_statements_that_make_a_number_are_found_with_their_direction(numbers: TargetExplanation) -> None:
    found = holding(numbers)
    assert (found["refund"], found["login"]) == ("high values", "low values")
    row = numbers.frame().set_index("statement").loc[question("refund")]
    assert row["difference"] == pytest.approx(row["mean_yes"] - row["mean_no"])
    assert row["difference_low"] < 2 < row["difference_high"]


def test_what_statements_add_sums_up_to_what_they_explain(numbers: TargetExplanation) -> None:
    table = numbers.frame()
    assert table["added"].cumsum().tolist() == pytest.approx(table["explained"].tolist())
    assert numbers.total["value"][0] == pytest.approx(table["explained"].iloc[-1])
    assert numbers.total["value"][2] == pytest.approx(numbers.total["value"][0] - numbers.total["value"][1])


def test_a_number_is_explained_as_far_as_it_was_planted(numbers: TargetExplanation) -> None:
    # Of the variance 4 * .25 + .25 by topics (shares near one half) and .25 by noise: five sixths.
    low, high = numbers.total.loc[0, ["low", "high"]]
    assert low < 5 / 6 < high
    assert numbers.measure == "R squared"


def test_what_says_the_same_again_is_not_told_of_twice() -> None:
    own = [Question.of(question("refund"), counts) for counts in ("the word", "the word itself")]
    found = told(NUMBERS, candidates=own, n_candidates=0)
    assert len(found.frame()) == 1
    assert len(found.candidates) == 2


def test_a_shuffled_label_has_no_statement_that_holds() -> None:
    drawn = [np.random.default_rng(seed).permutation(LABELS) for seed in range(3)]
    found = [told(y, random_state=seed) for seed, y in enumerate(drawn)]
    assert not any(holding(one) for one in found)
    assert np.mean([one.total["value"][0] for one in found]) < 0.02


def test_many_whole_numbers_are_values_and_few_are_classes() -> None:
    tens = np.round(10 * NUMBERS).astype(int)
    assert told(tens).classes == ()
    assert told(has("refund").astype(int)).classes == ("0", "1")


def test_rows_that_select_and_confirm_are_refused() -> None:
    every = np.arange(len(X))
    with pytest.raises(InputError, match="to select and to confirm"):
        told(LABELS, parts=Parts(every[:0], every, every))


def test_who_proposes_sees_no_other_rows() -> None:
    llm = oracle()
    explain_target(X, LABELS, llm=Session(llm), **FEW)
    parts = split_rows(np.unique(LABELS, return_inverse=True)[1], X, random_state=0)
    shown = "".join(prompt for prompt in llm.prompts if '<text id="' not in prompt)
    assert not [row for row in [*parts.select, *parts.confirm] if X[row] in shown]


def test_the_plan_sends_nothing_and_is_not_passed(tmp_path: Path) -> None:
    llm = oracle()
    session = Session(llm, store=Store(tmp_path / "replies.sqlite"))
    plan = plan_target(X, LABELS, llm=session, n_candidates=24, guard=0)
    assert not llm.received
    found = explain_target(X, LABELS, llm=session, **FEW)
    assert 0.7 * plan.requests <= found.usage.requests <= plan.requests + 1
    assert plan_target(X, LABELS, llm=session, n_candidates=24, guard=0).requests == 0


def test_the_same_replies_give_the_same_bytes() -> None:
    said = set()
    for workers in (1, 8):
        session = Session(oracle(), max_concurrency=workers)
        said.add(explain_target(X, LABELS, llm=session, **FEW).to_json())
    assert len(said) == 1


def test_an_outage_raises(tmp_path: Path) -> None:
    llm = oracle(faults=(Fault("500", at=range(31, 10**6)),))
    session = Session(llm, store=Store(tmp_path / "r.sqlite"), max_retries=0, backoff=0.001)
    with pytest.raises(LLMError):
        explain_target(X, LABELS, llm=session, **FEW)


def test_missing_answers_are_left_out_and_counted() -> None:
    def declining(request: Any) -> Any:
        if "bad" in str(request.messages[-1]["content"]).split():
            return Reply(None, refusal="I cannot help with that.", finish="stop")
        return reply(request)

    texts = [f"bad {text}" for text in X[:12]] + X[12:]
    found = explain_target(texts, LABELS, llm=Session(oracle(declining, name="declining")), **FEW)
    table = found.frame()
    n = sum(found.rows["confirm"].values())
    assert found.answers["missing"] == found.answers["refused"] > 0
    assert (table["n_in"] + table["n_out"] + table["n_missing"] == n).all()


@pytest.mark.parametrize(
    ("y", "options", "said"),
    [
        (["a"] * len(X), {}, "the label 'a'; give rows of two at least"),
        ([1.5] * len(X), {}, "All values"),
        (["a", "b"], {}, "2"),
        (LABELS, {"candidates": ["Is it zzz?"], "n_candidates": 0}, "No statement divides"),
        (["rare", *["a", "b"] * 199, "a"], {}, "too few of 'rare'"),
    ],
)
def test_what_cannot_be_explained_is_refused(y: Any, options: dict[str, Any], said: str) -> None:
    def no(request: Any) -> Any:
        if request.schema is None or "t1" not in request.schema["properties"]:
            return {"questions": []}
        keys = request.schema["$defs"]["text"]["required"]
        return {row: dict.fromkeys(keys, "no") for row in request.schema["required"]}

    with pytest.raises(InputError, match=said):
        explain_target(X, y, llm=Session(oracle(no, name="no")), **FEW | options)


def test_a_class_without_answers_is_not_what_a_statement_speaks_for() -> None:
    y = np.repeat([0, 1, 2], 4)
    values = np.where(y == 0, np.nan, y == 2)[:, None]
    assert spoken_for(values, y, 3).tolist() == [2]


def test_strength_is_the_correlation_without_missing_answers() -> None:
    values = RANDOM.random((50, 3))
    y = RANDOM.normal(size=50)
    values[:7, 1] = np.nan
    values[:, 2] = 1.0
    found = strength(values, y, 0)
    assert found[0] == pytest.approx(abs(np.corrcoef(values[:, 0], y)[0, 1]))
    assert found[1] == pytest.approx(abs(np.corrcoef(values[7:, 1], y[7:])[0, 1]))
    assert np.isnan(found[2])


def test_it_shows_what_it_found(labels: TargetExplanation, numbers: TargetExplanation) -> None:
    for found in (labels, numbers):
        page = found.to_html()
        assert question("refund") in page
        assert "a model of TF-IDF" in page
        assert isinstance(found.frame(), pd.DataFrame)
        assert json.loads(found.to_json())["kind"] == "target"
    assert "of the tone" in labels.to_html()
    assert "McFadden" in labels.to_html()
