"""What is told of two sides was planted, or is nothing; and no row that confirms took part before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interpllm.errors import InputError, LLMError
from interpllm.explain import DifferenceExplanation, explain_difference, plan_difference
from interpllm.llm import Reply, Request, Session, Store
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.select.parts import Parts, split_rows
from interpllm.testing import FakeLLM, Fault

from .planted_sides import OTHERS, PLANTED, oracle, question, reply, sides

A, B = sides()
FEW: dict[str, Any] = {"n_candidates": 24, "n_resamples": 499}
Opener = Callable[..., Session]


def told(seed: int = 0, shuffled: bool = False, **options: Any) -> DifferenceExplanation:
    a, b = sides(seed, shuffled=shuffled)
    session = Session(oracle())
    return explain_difference(a, b, llm=session, random_state=seed, guard=0, **FEW | options)


def topics(found: DifferenceExplanation) -> set[str]:
    """Topics of the statements that hold."""
    table = found.frame()
    return {text.removesuffix("?").split()[-1] for text in table.loc[table["holds"], "statement"]}


@pytest.fixture
def over_http(tmp_path: Path) -> Iterator[Opener]:
    """Opens a session with a fake over HTTP."""
    with ExitStack() as stack:

        def open_(llm: FakeLLM, **options: Any) -> Session:
            backend = OpenAIBackend(stack.enter_context(llm.serve()), model=llm.name, timeout=0.5)
            chosen = {"store": Store(tmp_path / "replies.sqlite"), "backoff": 0.001} | options
            return stack.enter_context(Session(backend, **chosen))

        yield open_


@pytest.fixture(scope="module")
def clean() -> DifferenceExplanation:
    """What comes of a server without faults."""
    return explain_difference(A, B, llm=Session(oracle()), **FEW)


# What it finds ----------------------------------------------------------------------------------------------


def test_planted_statements_are_found_and_no_others() -> None:
    # 100 seeds are in benchmarks/explain_difference.py.
    found = [topics(told(seed)) for seed in range(4)]
    assert sum(set(PLANTED) <= one for one in found) >= 3
    assert sum(bool(one - set(PLANTED)) for one in found) <= 1


def test_shuffled_sides_have_no_difference() -> None:
    assert sum(bool(topics(told(seed, shuffled=True))) for seed in range(8)) <= 1


def test_what_is_truer_of_the_other_side_does_not_hold() -> None:
    found = explain_difference(B, A, llm=Session(oracle()), guard=0, **FEW)
    assert not topics(found) & set(PLANTED)


def test_figures_are_those_of_the_confirming_rows() -> None:
    texts = A + B
    y = np.repeat([0, 1], [len(A), len(B)])
    parts = split_rows(y, texts, random_state=3)
    found = explain_difference(A, B, llm=Session(oracle()), parts=parts, guard=0, **FEW)
    assert found.rows["confirm"] == {
        "A": int((y[parts.confirm] == 0).sum()),
        "B": int(y[parts.confirm].sum()),
    }
    row = found.frame().set_index("statement").loc[question("refund")]
    has = np.array([float("refund" in texts[row].split()) for row in parts.confirm])
    here, there = has[y[parts.confirm] == 0], has[y[parts.confirm] == 1]
    assert (row["share_a"], row["share_b"]) == (here.mean(), there.mean())
    assert row["difference"] == pytest.approx(here.mean() - there.mean())
    assert row["difference_low"] < row["difference"] < row["difference_high"]
    assert row["auroc"] == pytest.approx(0.5 + row["difference"] / 2)


def test_own_statements_are_raced_without_any_proposal() -> None:
    llm = oracle()
    own = [question(topic) for topic in (*OTHERS[:7], "refund")]
    found = explain_difference(
        A, B, llm=Session(llm), candidates=own, n_candidates=0, n_statements=2, n_resamples=499
    )
    assert topics(found) == {"refund"}
    assert found.rows["propose"] == {"A": 0, "B": 0}
    assert all('<text id="' in prompt for prompt in llm.prompts)


@pytest.mark.local
def test_the_librarys_own_statements_stand_in_for_written_ones() -> None:
    llm = oracle(lambda request: None, name="always")  # the fake's rule answers yes to everything
    found = explain_difference(A, B, llm=Session(llm), n_candidates=12, propose="bank", n_resamples=499)
    assert set(found.candidates["source"]) == {"bank"}
    assert len(found.candidates) == 12
    assert not found.frame()["holds"].any()
    assert found.proposals == {}


# Who sees which rows ----------------------------------------------------------------------------------------


def test_no_text_that_confirms_or_selects_is_shown_to_who_proposes() -> None:
    llm = oracle()
    parts = split_rows(np.repeat([0, 1], [len(A), len(B)]), A + B, random_state=0)
    explain_difference(A, B, llm=Session(llm), guard=0, **FEW)
    shown = "".join(prompt for prompt in llm.prompts if '<text id="' not in prompt)
    assert sum((A + B)[row] in shown for row in parts.propose) >= 8
    assert not [row for row in [*parts.select, *parts.confirm] if (A + B)[row] in shown]


def test_rows_that_propose_and_confirm_are_refused() -> None:
    half = np.arange(len(A) + len(B))
    with pytest.raises(InputError, match="to propose and to confirm"):
        explain_difference(A, B, llm=Session(oracle()), parts=Parts(half, half[:0], half))


def test_given_parts_with_near_duplicates_on_both_sides_are_refused() -> None:
    a = [*A, A[0] + " again"]
    rows = np.random.default_rng(0).permutation(np.arange(1, len(a) + len(B)))
    rows = rows[rows != len(A)]
    parts = Parts(np.sort(np.r_[0, rows[:70]]), np.sort(rows[70:140]), np.sort(np.r_[len(A), rows[140:]]))
    with pytest.raises(InputError, match="nearly the same text as row 0"):
        explain_difference(a, B, llm=Session(oracle()), parts=parts)


def test_near_duplicates_never_stand_on_both_sides() -> None:
    llm = oracle()
    twice = [text + " again" for text in A]
    explain_difference(A + twice, B, llm=Session(llm), guard=0, **FEW)
    parts = split_rows(np.repeat([0, 1], [2 * len(A), len(B)]), A + twice + B, random_state=0)
    confirming = {row % len(A) for row in parts.confirm if row < 2 * len(A)}
    others = {row % len(A) for row in [*parts.propose, *parts.select] if row < 2 * len(A)}
    assert not confirming & others
    shown = "".join(prompt for prompt in llm.prompts if '<text id="' not in prompt)
    assert not [row for row in confirming if A[row] in shown]


# What it takes ----------------------------------------------------------------------------------------------


def test_the_plan_sends_nothing_and_is_what_is_sent(tmp_path: Path) -> None:
    llm = oracle()
    session = Session(llm, store=Store(tmp_path / "replies.sqlite"))
    plan = plan_difference(A, B, llm=session, n_candidates=24)
    assert not llm.received
    found = explain_difference(A, B, llm=session, **FEW)
    # One request more: replies that hold all topics let the last request for statements be saved, or not.
    assert abs(plan.requests - found.usage.requests) <= 2
    assert plan_difference(A, B, llm=session, n_candidates=24).requests == 0


def test_the_race_saves_most_of_the_answers() -> None:
    a, b = sides(n=500)
    found = explain_difference(a, b, llm=Session(oracle()), guard=0, **FEW)
    n_select = sum(found.rows["select"].values())
    raced = found.candidates["n_rows"].sum()
    assert n_select == 400
    assert raced <= 0.22 * n_select * len(found.candidates)
    assert set(found.candidates.loc[found.candidates["confirmed"], "statement"]) == set(
        map(question, PLANTED)
    )


def test_the_same_store_gives_the_same_bytes_for_any_number_of_workers(tmp_path: Path) -> None:
    said = set()
    for workers in (1, 8):
        for _ in range(2):
            session = Session(oracle(), store=Store(tmp_path / f"{workers}.sqlite"), max_concurrency=workers)
            said.add(explain_difference(A, B, llm=session, **FEW).to_json())
    assert len(said) == 1


# What goes wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("429", every=7, seconds=0.001),
        Fault("500", every=5),
        Fault("cut", every=6),
        Fault("bad_json", every=4, verb="complete"),
        Fault("refusal", every=9, verb="complete"),
        Fault("hang", at={3, 9}, seconds=1.0),
    ],
    ids=lambda fault: fault.kind,
)
def test_passing_faults_change_no_figure(
    over_http: Opener, clean: DifferenceExplanation, fault: Fault
) -> None:
    session = over_http(oracle(faults=(fault,)), max_concurrency=1)
    found = explain_difference(A, B, llm=session, **FEW)
    assert topics(found) == topics(clean)
    if not found.answers["missing"]:
        # A reply that is asked for again may bring statements in another order.
        by_words = [one.frame().sort_values("statement", ignore_index=True) for one in (found, clean)]
        pd.testing.assert_frame_equal(*by_words)


def test_an_outage_raises_and_the_next_run_pays_for_the_rest_only(
    tmp_path: Path, clean: DifferenceExplanation
) -> None:
    def session(*faults: Fault) -> Session:
        llm = oracle(faults=faults)
        store = Store(tmp_path / "replies.sqlite")
        return Session(llm, store=store, max_retries=0, max_concurrency=1, backoff=0.001)

    first = session(Fault("unreachable", at=range(31, 10**6)))
    with pytest.raises(LLMError):
        explain_difference(A, B, llm=first, **FEW)
    second = session()
    found = explain_difference(A, B, llm=second, **FEW)
    assert found.to_json() == clean.to_json()
    assert found.usage.requests == clean.usage.requests - 30


def test_a_server_that_breaks_for_good_is_no_result(tmp_path: Path) -> None:
    llm = oracle(faults=(Fault("500", at=range(31, 10**6)),))
    session = Session(llm, store=Store(tmp_path / "r.sqlite"), max_retries=0, backoff=0.001)
    with pytest.raises(LLMError):
        explain_difference(A, B, llm=session, **FEW)


def test_refused_texts_are_left_out_and_counted() -> None:
    def declining(request: Request) -> Any:
        if "bad" in str(request.messages[-1]["content"]).split():
            return Reply(None, refusal="I cannot help with that.", finish="stop")
        return reply(request)

    bad = [f"bad {text}" for text in A[:12]] + A[12:]
    found = explain_difference(bad, B, llm=Session(oracle(declining, name="declining")), guard=0, **FEW)
    table = found.frame()
    assert (table["n_a"] + table["n_b"] + table["n_missing"] == sum(found.rows["confirm"].values())).all()
    assert table["n_missing"].sum() > 0
    assert found.answers["refused"] == found.answers["missing"] > 0
    assert topics(found) == set(PLANTED)


def test_a_model_that_proposes_nothing_is_no_result() -> None:
    llm = oracle(lambda request: {"questions": []}, name="silent")
    with pytest.raises(LLMError, match="proposed no statement"):
        explain_difference(A, B, llm=Session(llm), **FEW)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ("A", "A")}, "two different words"),
        ({"n_candidates": 0}, "of your own in candidates"),
        ({"candidates": "Is it long?"}, "must be a list"),
        ({"propose": "oracle"}, "'auto', 'llm' or 'bank'"),
        ({"n_statements": 0}, "n_statements"),
        ({"llm": None}, "takes a language model"),
        ({"parts": Parts(np.arange(9), np.arange(9), np.array([900]))}, "positions of the 240 texts"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(options: dict[str, Any], said: str) -> None:
    llm = oracle()
    with pytest.raises(InputError, match=said):
        explain_difference(A, B, **{"llm": Session(llm)} | options)
    assert not llm.received


def test_an_option_that_nobody_knows_costs_nothing() -> None:
    llm = oracle()
    with pytest.raises(TypeError, match="rows_per_reqest"):
        explain_difference(A, B, llm=Session(llm), rows_per_reqest=8)
    assert not llm.received


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(InputError, match="give more texts"):
        explain_difference(A[:3], B, llm=Session(oracle()))


def test_texts_that_are_cut_are_counted() -> None:
    found = explain_difference(A, B, llm=Session(oracle()), guard=0, max_chars=150, **FEW)
    assert found.answers["cut"] > 0
    assert "read only up to a length" in found.to_html()


# What is shown ----------------------------------------------------------------------------------------------


def test_it_shows_what_it_found(clean: DifferenceExplanation) -> None:
    page = clean.to_html()
    assert question("refund") in page
    assert "5 of 5 statements hold" in page
    assert json.loads(clean.to_json())["kind"] == "difference"
    assert len(clean.plot().patches) == 5


def test_what_was_written_cannot_become_a_part_of_the_page() -> None:
    own = [*map(question, PLANTED[:2]), question("damage") + " <script>alert(1)</script>"]
    found = explain_difference(
        A, B, "<b>x", llm=Session(oracle()), candidates=own, n_candidates=0, n_resamples=499, guard=0
    )
    assert "<script>alert" not in found.to_html()
    assert "<b>x" not in found.to_html()
