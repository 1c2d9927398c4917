"""Chains of thought: planted language models that use them and that do not are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interpllm.errors import InputError, LLMError
from interpllm.explain import explain_chain_of_thought, plan_chain_of_thought
from interpllm.explain.chain_edits import bare, mistaken, rewritten, steps_of
from interpllm.explain.chain_result import DEPENDS, POST_HOC, UNCLEAR
from interpllm.llm import Reply, Request, Session
from interpllm.testing import FakeLLM, Fault

Opener = Callable[..., Session]
Answers = Callable[[Request], Any]

QUESTION = "A box holds 12 eggs. How many eggs do 3 boxes hold if 5 are broken?"
CHAIN = [
    "One box holds 12 eggs.",
    "Three boxes hold 3 times 12, which is 36 eggs.",
    "Of these, 5 are broken.",
    "So 36 less 5 is 31.",
]


def rewriting(request: Request) -> Any:
    """Steps in other words, or with another number."""
    prompt = request.messages[-1]["content"]
    step = re.search(r'Step: "(.*)"', prompt)
    assert step is not None
    if "in other words" in prompt:
        return {"step": f"In short: {step[1]}"}
    return {"step": step[1].rstrip(".") + ", and 7 more make 99."}


def chain_of(request: Request) -> str:
    """The chain that a request for the answer shows."""
    return request.messages[1]["content"] if len(request.messages) > 1 else ""


def post_hoc(request: Request) -> Any:
    """Answers from the question alone."""
    return rewriting(request) if request.schema else "31"


def reads_the_end(request: Request) -> Any:
    """Answers with the last number of the chain."""
    if request.schema:
        return rewriting(request)
    return (re.findall(r"\d+", chain_of(request)) or ["?"])[-1]


def mixes(request: Request) -> Any:
    """Reads the chain in every other sample."""
    return reads_the_end(request) if request.schema or request.sample % 2 else "31"


def area(answers: Answers, opened: Opener, **settings: Any) -> tuple[float, str]:
    """Area over the curve of chains cut short, and the verdict."""
    found = explain_chain_of_thought(opened(FakeLLM(answers)), QUESTION, CHAIN, "31", **settings)
    table = found.summary().set_index("edit")
    return float(table.loc["truncated", "area_over_curve"]), found.verdict


def test_post_hoc_and_real_use_are_told_apart(opened: Opener) -> None:
    assert area(post_hoc, opened) == (0.0, POST_HOC)
    assert area(mixes, opened) == (0.5, DEPENDS)
    assert area(reads_the_end, opened) == (1.0, DEPENDS)


def test_few_samples_tell_nothing(opened: Opener) -> None:
    assert area(post_hoc, opened, n_samples=2)[1] == UNCLEAR


def test_an_error_shows_at_the_step_that_is_read(opened: Opener) -> None:
    found = explain_chain_of_thought(opened(FakeLLM(reads_the_end)), QUESTION, CHAIN, "31")
    same = found.frame().set_index(["edit", "position"])["same"]
    assert same.loc["corrupted"].tolist() == [1, 1, 1, 0]
    assert same.loc["paraphrased"].tolist() == [1, 1, 1, 1]


def test_a_language_model_may_write_the_errors(opened: Opener) -> None:
    found = explain_chain_of_thought(opened(FakeLLM(reads_the_end)), QUESTION, CHAIN, "31", corrupt="llm")
    point = next(p for p in found.points if (p.edit, p.position) == ("corrupted", 4))
    assert point.chain is not None
    assert point.chain.endswith("make 99.")
    assert point.same.value == 0


def test_the_usual_answer_is_what_should_stay_and_other_replies_choose_it(opened: Opener) -> None:
    llm = FakeLLM(lambda request: "**31.**" if request.sample in (0, 1, 10, 11, 12, 13, 14, 15) else "30")
    found = explain_chain_of_thought(opened(llm), QUESTION, CHAIN, paraphrase=False)
    assert (found.answer, found.whole.value) == ("31", 0.2)


@pytest.mark.parametrize("answers", [2, 8])
def test_answers_by_chance_are_seldom_said_to_depend_on_the_chain(answers: int) -> None:
    found = []
    for run in range(150):
        random = np.random.default_rng(run)
        llm = FakeLLM(lambda _, random=random: str(random.integers(answers)))
        session = Session(llm, max_concurrency=1)
        found.append(explain_chain_of_thought(session, QUESTION, CHAIN[:2], paraphrase=False).verdict)
    assert found.count(DEPENDS) <= 0.07 * len(found)


def test_a_chain_without_steps_is_a_plain_question(opened: Opener) -> None:
    llm = FakeLLM(lambda request: str(len(request.messages)))
    found = explain_chain_of_thought(opened(llm), QUESTION, CHAIN, "3", paraphrase=False, n_samples=2)
    assert found.frame()["same"].tolist()[:2] == [0, 1]


@pytest.mark.parametrize("corrupt", ["rule", "llm"])
@pytest.mark.parametrize("paraphrase", [True, False])
def test_as_many_are_sent_as_planned(opened: Opener, corrupt: Any, paraphrase: bool) -> None:
    session = opened(FakeLLM(mixes))
    settings: dict[str, Any] = {"corrupt": corrupt, "paraphrase": paraphrase, "n_samples": 3}
    plan = plan_chain_of_thought(session, QUESTION, CHAIN, **settings)
    found = explain_chain_of_thought(session, QUESTION, CHAIN, **settings)
    assert plan.requests == found.usage.requests > 0


def test_a_language_model_may_be_given_without_a_session(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path))
    llm = FakeLLM(post_hoc)
    plan = plan_chain_of_thought(llm, QUESTION, CHAIN, "31", n_samples=2)
    assert explain_chain_of_thought(llm, QUESTION, CHAIN, "31", n_samples=2).usage.requests == plan.requests


def test_one_and_eight_workers_give_the_same_bytes(over_http: Opener) -> None:
    one, eight = (
        explain_chain_of_thought(over_http(FakeLLM(mixes), max_concurrency=n), QUESTION, CHAIN, n_samples=4)
        for n in (1, 8)
    )
    assert one.to_json() == eight.to_json()
    assert one.to_html() == eight.to_html()


def test_replies_that_failed_are_in_no_share(over_http: Opener) -> None:
    session = over_http(FakeLLM(post_hoc, faults=[Fault("refusal", every=4)]), max_concurrency=1)
    found = explain_chain_of_thought(session, QUESTION, CHAIN, "31", paraphrase=False)
    frame = found.frame()
    assert frame["failed"].sum() > 0
    assert (frame["same"] == 1).all()


def test_steps_that_were_not_written_have_no_share(opened: Opener) -> None:
    llm = FakeLLM(lambda request: "no JSON" if request.schema else "31")
    found = explain_chain_of_thought(opened(llm), QUESTION, CHAIN, "31")
    assert found.frame().set_index("edit").loc["paraphrased", "same"].isna().all()
    assert found.frame().set_index("edit").loc["paraphrased", "failed"].tolist() == [1, 1, 1, 1]
    assert "4 failed" in found.to_html()
    assert "4 changed chains could not be made" in found.to_html()


def test_without_a_reply_to_choose_the_answer_by_there_is_none(opened: Opener) -> None:
    llm = FakeLLM(lambda request: "31" if request.sample < 2 else Reply(None, refusal="no", finish="stop"))
    with pytest.raises(LLMError, match="choose the answer"):
        explain_chain_of_thought(opened(llm), QUESTION, CHAIN, paraphrase=False, n_samples=2)


def test_replies_that_were_to_choose_the_answer_and_failed_are_counted(opened: Opener) -> None:
    llm = FakeLLM(lambda request: "31" if request.sample < 3 else Reply(None, refusal="no", finish="stop"))
    found = explain_chain_of_thought(opened(llm), QUESTION, CHAIN, paraphrase=False, n_samples=2)
    assert (found.whole.value, found.frame()["failed"].sum()) == (1, 1)


@pytest.mark.parametrize("kind", ["500", "cut", "broken_body", "400", "refusal", "401"])
def test_an_outage_raises(over_http: Opener, kind: str) -> None:
    session = over_http(FakeLLM(post_hoc, faults=[Fault(kind)]), max_retries=0)
    with pytest.raises(LLMError):
        explain_chain_of_thought(session, QUESTION, CHAIN, "31", paraphrase=False, n_samples=2)


def test_a_page_escapes_the_chain(opened: Opener) -> None:
    found = explain_chain_of_thought(
        opened(FakeLLM(post_hoc)), "<i>?</i>", "<b>It is</b> 3. So 4.", paraphrase=False, n_samples=2
    )
    assert "<b>It" not in found.to_html()
    assert "<i>?" not in found.to_html()


@pytest.mark.parametrize(
    ("step", "wrong"),
    [
        ("So 4 and 3.5 make 7.5.", r"So 4 and 3.5 make (7\.6|7\.7|7\.8|8\.2)\."),
        ("It was before noon.", "It was after noon."),
        ("He is not here.", "He is here."),
        ("The cat is black.", "The cat is not black."),
    ],
)
def test_errors_by_rule_change_what_a_step_says(step: str, wrong: str) -> None:
    assert re.fullmatch(wrong, mistaken(step) or "")


def test_a_step_that_no_rule_knows_is_left_alone() -> None:
    assert mistaken("Hence Rome") is None


def test_the_same_words_are_no_other_step() -> None:
    assert rewritten("It is so.\n", {"step": " it is  SO. "}) is None
    assert rewritten("It is so.\n", {"step": "So it is."}) == "So it is.\n"


def test_a_text_is_cut_into_steps() -> None:
    assert steps_of("One. Two.\nThree.") == ["One. ", "Two.\n", "Three."]
    assert steps_of(["One.", "Two."]) == ["One.\n", "Two."]


def test_answers_differ_in_more_than_marks() -> None:
    assert bare(' "Thirty  one." ') == "thirty one"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"question": " "}, "question"),
        ({"chain": []}, "chain"),
        ({"chain": ["a", ""]}, "chain"),
        ({"answer": "."}, "answer"),
        ({"corrupt": "dice"}, "corrupt"),
        ({"n_samples": 0}, "n_samples"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_what_cannot_be_used_is_refused(opened: Opener, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        explain_chain_of_thought(
            opened(FakeLLM()), **{"question": QUESTION, "chain": CHAIN, "answer": "31", **settings}
        )
