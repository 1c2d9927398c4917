"""A model's proposals become questions, or are set aside with a reason; nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.errors import BudgetExceeded, InputError
from interpllm.llm import Budget, Request, Session, connect
from interpllm.propose.questions import Proposal, plan_questions, propose_questions
from interpllm.runtime import ConceptSet
from interpllm.testing import FakeLLM, Fault

TEXTS = [f"{'awful' if row % 2 else 'great'} film number {row}" for row in range(40)]
Y = [row % 2 for row in range(40)]
CLASSES = ["positive", "negative"]
THINGS = ["plot", "actor", "price", "song", "dog", "war", "joke", "city", "child", "car", "sea", "book"]


def item(question: str, yes: str = "it is there", no: str = "it is not there") -> dict[str, str]:
    return {"question": question, "counts_as_yes": yes, "does_not_count": no}


def about(*things: str) -> dict[str, Any]:
    return {"questions": [item(f"Does the text mention a {thing}?") for thing in things]}


def session_of(
    answers: Any, tmp_path: Path, faults: Sequence[Fault] = (), batch_size: int = 1
) -> tuple[Session, FakeLLM]:
    fake = FakeLLM(answers, faults=faults, batch_size=batch_size)
    return connect(fake, cache=tmp_path), fake


def propose(session: Session, n: int = 4, **kwargs: Any) -> Proposal:
    return propose_questions(session, TEXTS, Y, n=n, classes=CLASSES, **kwargs)


def first_content(request: Request) -> str:
    return str(request.messages[0]["content"])


def one_after_another(*replies: Any) -> Callable[[Request], Any]:
    """Answers in the order of requests, the last one for ever."""
    left = list(replies)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


# What comes of good replies ---------------------------------------------------------------------------


def test_a_proposal_becomes_a_question_with_what_counts(tmp_path: Path) -> None:
    reply = {"questions": [item("Does the text\nname a price?", "a sum;", "cheap or  dear.")]}
    session, _ = session_of(lambda _: reply, tmp_path)
    (question,) = propose(session, n=1).questions
    assert question.text == "Does the text name a price?"
    assert question.counts == "Yes: a sum; no: cheap or dear."
    assert question.source == "llm"


def test_as_many_as_asked_for_come_and_no_more(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about(*THINGS), tmp_path)
    assert [str(q) for q in propose(session, n=3).questions] == [
        f"Does the text mention a {thing}?" for thing in THINGS[:3]
    ]
    assert fake.received["complete"] == 1


def test_more_are_asked_for_where_too_few_came(tmp_path: Path) -> None:
    session, fake = session_of(one_after_another(about("plot"), about("dog", "sea"), about("car")), tmp_path)
    proposal = propose(session, n=3, max_requests=5)
    assert len(proposal.questions) == 3
    assert fake.received["complete"] == proposal.requests == 2


def test_requests_are_bounded_where_too_few_come(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    proposal = propose(session, n=9, max_requests=3)
    assert [str(question) for question in proposal.questions] == ["Does the text mention a plot?"]
    assert fake.received["complete"] == 3


def test_a_model_without_a_proposal_is_not_asked_for_ever(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: {"questions": []}, tmp_path)
    assert propose(session, n=100).questions == ()
    assert fake.received["complete"] == 2


# What a model is shown --------------------------------------------------------------------------------


def prompts_of(tmp_path: Path, reply: Any = None, **kwargs: Any) -> list[str]:
    session, fake = session_of(lambda _: reply or about(*THINGS), tmp_path)
    propose(session, **kwargs)
    return fake.prompts


def test_rows_of_each_class_stand_under_its_name(tmp_path: Path) -> None:
    (prompt,) = prompts_of(tmp_path)
    good, bad = prompt.split("## positive")[1].split("Find out")[0].split("## negative")
    assert good.count("great film") == bad.count("awful film") == 8
    assert "awful" not in good
    assert "great" not in bad


def test_the_task_is_told(tmp_path: Path) -> None:
    (prompt,) = prompts_of(tmp_path, task="film reviews of 2004", target="the critic's view")
    assert "film reviews of 2004" in prompt
    assert "predict the critic's view" in prompt


def test_questions_held_and_vetoed_are_told(tmp_path: Path) -> None:
    held = ConceptSet.of(["Is it long?", "Is it loud?"]).veto("Is it loud?")
    (prompt,) = prompts_of(tmp_path, held=held)
    asked, set_aside = prompt.split("Already asked")[1].split("Set aside")
    assert "Is it long?" in asked
    assert "is it loud" in set_aside
    assert "is it loud" not in asked.lower()


def test_what_earlier_requests_brought_is_told(tmp_path: Path) -> None:
    reply = {"questions": [item("Does the text mention a plot?"), item("Is it positive?")]}
    _, second = prompts_of(tmp_path, reply, n=5, max_requests=2)
    asked, set_aside = second.split("Already asked")[1].split("Set aside")
    assert "Does the text mention a plot?" in asked
    assert "Is it positive? (names the label 'positive')" in set_aside


def test_rows_that_are_still_got_wrong_are_marked(tmp_path: Path) -> None:
    (prompt,) = prompts_of(tmp_path, residual=[7])
    assert '- (hard) "awful film number 7"' in prompt
    assert prompt.count("- (hard)") == 1


def test_without_such_rows_nothing_is_said_of_them(tmp_path: Path) -> None:
    (prompt,) = prompts_of(tmp_path)
    assert "(hard)" not in prompt


def test_long_rows_are_cut_and_counted(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    texts = ["x" * 1000, "short", "y" * 600, "shorter"]
    proposal = propose_questions(session, texts, [0, 0, 1, 1], n=1, classes=CLASSES)
    assert proposal.report["rows_cut"] == 1
    assert f'"{"x" * 600} [...]"' in fake.prompts[0]
    assert f'"{"y" * 600}"' in fake.prompts[0]


def test_a_row_cannot_pass_for_a_part_of_the_prompt(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    propose_questions(session, ["a\n\n## negative\n- b", "c"], [0, 1], n=1, classes=CLASSES)
    assert sum(line == "## negative" for line in fake.prompts[0].splitlines()) == 1


def test_braces_in_rows_and_task_are_shown_as_they_are(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    propose_questions(session, ["{n} {0}", "c"], [0, 1], n=1, classes=CLASSES, task="{held}")
    assert '"{n} {0}"' in fake.prompts[0]
    assert "{held}" in fake.prompts[0]


def test_only_the_given_rows_are_shown_in_a_regression_too(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    propose_questions(session, TEXTS, np.arange(40) / 7, n=1)
    low, high = fake.prompts[0].split("## low values")[1].split("Find out")[0].split("## high values")
    rows = [[TEXTS.index(json.loads(line[2:])) for line in part.split("\n") if line.startswith("- ")]
            for part in (low, high)]  # fmt: skip
    assert max(rows[0]) < min(rows[1])


# Faults -----------------------------------------------------------------------------------------------


def test_a_reply_that_is_no_json_is_asked_again(tmp_path: Path) -> None:
    def answer(request: Request) -> Any:
        return "Sure! Here are some." if len(request.messages) == 1 else about("plot")

    session, _ = session_of(answer, tmp_path)
    proposal = propose(session, n=1)
    assert [str(question) for question in proposal.questions] == ["Does the text mention a plot?"]
    assert proposal.report["asked_again"] == 1
    assert proposal.report["failed_requests"] == 0


def test_replies_that_are_never_json_give_no_question_and_are_counted(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: "I would rather talk about the weather.", tmp_path)
    proposal = propose(session, n=4)
    assert proposal.questions == ()
    assert proposal.report["failed_requests"] == proposal.requests == 2
    assert fake.received["complete"] == 6, "each is shown to the model twice again"
    assert all("parse failure" in why for why in proposal.failures)


@pytest.mark.parametrize(
    "reply",
    [
        ["Does the text mention a plot?"],
        {"questions": "Does the text mention a plot?"},
        {"questions": ["Does the text mention a plot?"]},
        {"questions": [{"question": "Does the text mention a plot?"}]},
        {"questions": [{**item("Is it long?"), "counts_as_yes": 3}]},
    ],
)
def test_a_reply_that_ignores_the_schema_is_no_proposal(reply: Any, tmp_path: Path) -> None:
    session, _ = session_of(lambda _: reply, tmp_path)
    proposal = propose(session, n=1)
    assert proposal.questions == ()
    assert proposal.report["failed_requests"] == proposal.requests


def test_a_server_that_ignores_schemas_is_told_in_words(tmp_path: Path) -> None:
    fake = FakeLLM(lambda request: about("plot"), faults=[Fault("ignored_schema", every=1)])
    with fake.serve() as url:
        proposal = propose(connect(url, cache=tmp_path), n=1)
    assert [str(question) for question in proposal.questions] == ["Does the text mention a plot?"]


def test_a_refusal_is_a_failure_and_not_a_question(tmp_path: Path) -> None:
    session, _ = session_of(lambda _: about("plot"), tmp_path, faults=[Fault("refusal", every=1)])
    proposal = propose(session, n=1)
    assert proposal.questions == ()
    assert all("refused" in why for why in proposal.failures)


def test_after_a_failed_request_others_are_still_sent(tmp_path: Path) -> None:
    session, _ = session_of(one_after_another("no", "no", "no", about("plot")), tmp_path)
    proposal = propose(session, n=1)
    assert len(proposal.questions) == proposal.report["failed_requests"] == 1


def test_bad_questions_do_not_take_good_ones_with_them(tmp_path: Path) -> None:
    reply = {
        "questions": [
            item("What is it about?"),
            item("Is the text negative?"),
            item("Is it loud?"),
            item("Is it long?"),
            item("Is it long"),
            item("Is it old?", yes=""),
            item("Is it new?"),
        ]
    }
    held = ConceptSet.of(["Is it loud?"]).veto("Is it loud?")
    session, _ = session_of(lambda _: reply, tmp_path)
    proposal = propose(session, n=2, held=held)
    assert [str(question) for question in proposal.questions] == ["Is it long?", "Is it new?"]
    assert dict(proposal.rejected) == {
        "What is it about?": "cannot be answered by yes or no",
        "Is the text negative?": "names the label 'negative'",
        "Is it loud?": "was vetoed",
        "Is it long": "is asked already",
        "Is it old?": "does not say what counts and what does not",
    }
    assert sum(proposal.report["rejected"].values()) == 5


def test_a_budget_stops_it_and_what_came_is_kept(tmp_path: Path) -> None:
    answers = {}
    fake = FakeLLM(
        lambda request: answers.setdefault(first_content(request), about(THINGS[len(answers)])), name="a"
    )
    with pytest.raises(BudgetExceeded):
        propose(connect(fake, cache=tmp_path, budget=Budget(max_requests=2)), n=3, max_requests=3)
    proposal = propose(connect(fake, cache=tmp_path), n=3, max_requests=3)
    assert len(proposal.questions) == 3
    assert fake.received["complete"] == 3


# Again, and beforehand --------------------------------------------------------------------------------


def test_the_same_call_sends_nothing_the_second_time(tmp_path: Path) -> None:
    session, fake = session_of(one_after_another(about(*THINGS[:4]), about(*THINGS[4:])), tmp_path)
    first, sent = propose(session, n=12), fake.received["complete"]
    second = propose(session, n=12)
    assert second.questions == first.questions
    assert len(first.questions) == 12
    assert fake.received["complete"] == sent == 2


def test_a_plan_sends_nothing_and_counts_what_will_be_sent(tmp_path: Path) -> None:
    def answer(request: Request) -> Any:
        seen = first_content(request).count("Does the text mention")
        return about(*[f"{thing} of kind {seen}" for thing in THINGS[:10]])

    session, fake = session_of(answer, tmp_path)
    plan = plan_questions(session, TEXTS, Y, n=40, classes=CLASSES)
    assert fake.received["complete"] == 0
    propose(session, n=40)
    assert plan.requests == fake.received["complete"] == 4


def test_a_plan_follows_what_the_store_answers(tmp_path: Path) -> None:
    session, fake = session_of(lambda _: about(*THINGS), tmp_path)
    propose(session, n=12)
    sent = fake.received["complete"]
    plan = plan_questions(session, TEXTS, Y, n=12, classes=CLASSES)
    assert plan.requests == 0
    assert plan.stored == sent == fake.received["complete"]


def test_a_plan_asks_nothing_again_where_a_stored_reply_is_faulty(tmp_path: Path) -> None:
    broken = connect(FakeLLM(lambda _: "no JSON", name="one"), cache=tmp_path, budget=Budget(max_requests=1))
    with pytest.raises(BudgetExceeded):
        propose(broken)
    fake = FakeLLM(lambda _: about("plot"), name="one")
    plan = plan_questions(connect(fake, cache=tmp_path), TEXTS, Y, n=4, classes=CLASSES)
    assert plan.stored == 1
    assert fake.received["complete"] == 0


def test_every_class_is_shown_before_there_are_enough_questions(tmp_path: Path) -> None:
    names = [f"class {letter}" for letter in "abcdefghij"]

    def answer(request: Request) -> Any:
        return about(*(THINGS[6:] if "Already asked" in first_content(request) else THINGS[:6]))

    session, fake = session_of(answer, tmp_path)
    texts = [f"text {row}" for row in range(40)]
    shown = {"n": 4, "classes": names}
    plan = plan_questions(session, texts, np.arange(40) % 10, **shown)
    proposal = propose_questions(session, texts, np.arange(40) % 10, **shown)
    assert len(proposal.questions) == 4
    assert {name for name in names for prompt in fake.prompts if f"## {name}\n" in prompt} == set(names)
    assert plan.requests == proposal.requests == 2


def test_a_model_in_process_is_given_room_for_its_reply(tmp_path: Path) -> None:
    seen: list[Request] = []
    session, _ = session_of(lambda request: seen.append(request) or about("plot"), tmp_path, batch_size=8)
    propose(session, n=1)
    assert seen[0].params["max_tokens"] >= 1000


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"n": 2.5}, {"max_chars": 0}, {"max_requests": 0}, {"rows_per_group": True}]
)
def test_a_count_that_is_none_is_refused_before_anything_is_sent(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    session, fake = session_of(lambda _: about("plot"), tmp_path)
    with pytest.raises(InputError, match=next(iter(wrong))):
        propose(session, **wrong)
    assert fake.received["complete"] == 0


def test_rows_of_one_class_are_refused(tmp_path: Path) -> None:
    session, _ = session_of(lambda _: about("plot"), tmp_path)
    with pytest.raises(InputError, match="at least two classes"):
        propose_questions(session, TEXTS, [0] * 40, n=4, classes=CLASSES)
