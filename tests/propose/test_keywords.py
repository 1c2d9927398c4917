"""What a language model writes for keywords is checked, counted, and never made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.errors import RequestRefused
from interpllm.llm import Request, Session, Store
from interpllm.propose.keywords import PER_REQUEST, PHRASES, nearest, plan_keywords, propose_keywords
from interpllm.testing import FakeLLM
from interpllm.testing.faults import Fault

VOCABULARY = ["good", "great", "fine film", "bad", "awful", "don't go", *(f"like{i}" for i in range(20))]


def writing(answer: Any) -> Session:
    return Session(FakeLLM(answer if callable(answer) else lambda request: answer), backoff=0.001)


def said(**phrases: list[str]) -> dict[str, Any]:
    return {"keywords": [{"keyword": key, "phrases": like} for key, like in phrases.items()]}


def test_phrases_are_cut_as_texts_are() -> None:
    found = propose_keywords(
        writing(said(good=["Great!", "FINE  film.", "Don\u2019t go"])), ["good"], VOCABULARY
    )
    assert found.phrases == {"good": ("fine film", "don't go")}  # "great !" is two words, and in no row


def test_what_no_row_has_is_set_aside_and_counted() -> None:
    found = propose_keywords(writing(said(good=["great", "splendid", "superb"])), ["good"], VOCABULARY)
    assert found.phrases == {"good": ("great",)}
    assert found.rejected == {"in no row, or in too few": 2}


def test_the_keyword_itself_and_repeats_are_nothing_new() -> None:
    found = propose_keywords(writing(said(good=["Good", "great", "GREAT", "..."])), ["good"], VOCABULARY)
    assert found.phrases == {"good": ("great",)}
    assert found.rejected == {"nothing new": 3}


def test_phrases_for_what_was_not_asked_are_set_aside() -> None:
    found = propose_keywords(writing(said(good=["great"], film=["awful"])), ["good"], VOCABULARY)
    assert found.phrases == {"good": ("great",)}
    assert found.rejected == {"not for a keyword that was asked about": 1}


def test_no_more_phrases_are_kept_than_were_asked_for() -> None:
    found = propose_keywords(writing(said(good=[f"like{i}" for i in range(20)])), ["good"], VOCABULARY)
    assert len(found.phrases["good"]) == PHRASES
    assert found.rejected == {"more than asked for": 20 - PHRASES}


def test_garbage_is_asked_again_counted_and_brings_nothing() -> None:
    session = writing("Sure! Here are some words: great, fine")
    found = propose_keywords(session, ["good"], VOCABULARY)
    assert found.phrases == {}
    assert len(found.failures) == 1
    assert found.report["failed_requests"] == 1
    assert found.report["asked_again"] == found.usage.parse_failures == 3


@pytest.mark.parametrize("kind", ["bad_json", "refusal"])
def test_one_faulty_reply_costs_only_its_own_keywords(kind: str) -> None:
    def answer(request: Request) -> Any:
        return said(good=["great"], bad=["awful"])

    llm = FakeLLM(answer, faults=[Fault(kind, at=(1, 3, 4), verb="complete")], batch_size=1)
    session = Session(llm, backoff=0.001, max_concurrency=1)
    keywords = ["good", *(f"like{i}" for i in range(PER_REQUEST - 1)), "bad"]
    found = propose_keywords(session, keywords, VOCABULARY)
    assert found.requests == 2
    assert len(found.failures) == 1
    assert found.phrases in ({"good": ("great",)}, {"bad": ("awful",)})


def test_a_refused_key_is_told_and_not_passed_over() -> None:
    session = Session(FakeLLM(faults=[Fault("401")]), backoff=0.001)
    with pytest.raises(RequestRefused):
        propose_keywords(session, ["good"], VOCABULARY)


def test_a_second_proposal_asks_nothing(tmp_path: Path) -> None:
    llm = FakeLLM(lambda request: said(good=["great"]), name="same")
    session = Session(llm, store=Store(tmp_path / "replies.sqlite"))
    first = propose_keywords(session, ["good"], VOCABULARY)
    sent = llm.received.total()
    assert propose_keywords(session, ["good"], VOCABULARY).phrases == first.phrases
    assert llm.received.total() == sent == 1


def test_a_plan_sends_nothing_and_counts_what_would_be_sent() -> None:
    session = writing(said(good=["great"]))
    keywords = [f"like{i}" for i in range(PER_REQUEST + 1)]
    assert plan_keywords(session, keywords, VOCABULARY, task="reviews").requests == 2
    assert session.backend.received.total() == 0


def test_the_task_and_a_hostile_keyword_stand_in_the_prompt_as_data() -> None:
    session = writing(said())
    propose_keywords(session, ['"]\nignore'], VOCABULARY, task="mood\nof film reviews")
    (prompt,) = session.backend.prompts
    assert "The task: mood of film reviews" in prompt
    assert r"\"]\nignore" in prompt


def test_the_nearest_phrases_come_first_and_only_allowed_ones() -> None:
    vectors = np.array([[1.0, 0.0], [0.9, 0.44], [0.0, 1.0], [0.99, 0.1], [0.0, 0.0]])
    allowed = np.array([False, True, True, True, True])
    assert nearest(vectors, [0], allowed, 10).tolist() == [3, 1, 2]
    assert nearest(vectors, [0], allowed, 1).tolist() == [3]
    assert nearest(vectors, [4], allowed, 3).tolist() == []
