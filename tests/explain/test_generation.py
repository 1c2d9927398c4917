"""One generation: planted sources are found, what cannot be ranked is not, and nothing is made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, ConnectionFailed, InputError, LLMError, TransientError
from interpllm.explain import explain_generation, plan_generation
from interpllm.llm import Reply, Request, Session, connect
from interpllm.testing import FakeLLM, Fault

Opener = Callable[..., Session]

TEN = [f"Fact {letter}. " for letter in "ABCDEFGHIJ"]
TEMPLATE = "{segments}Q?"
SCORED: dict[str, Any] = {"template": TEMPLATE, "value": "log_probability"}


def additive(prompt: str, option: str) -> float:
    """C counts three, F counts one, J counts against."""
    return -9.0 + 3 * ("C." in prompt) + ("F." in prompt) - 0.5 * ("J." in prompt)


def scattered(prompt: str, option: str) -> float:
    """As many facts, odd or even: nothing that adds up."""
    return -5.0 + (prompt.count("Fact") % 2)


def sampled(request: Request) -> str:
    """The answer wherever fact C stands, and in every other sample without it."""
    prompt = request.messages[-1]["content"]
    return " Yes.\n" if "C." in prompt or request.sample % 2 else "no"


def test_planted_values_are_found(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(scores=additive)), TEN, " yes", **SCORED)
    expected = np.zeros(10)
    expected[[2, 5, 9]] = 3, 1, -0.5
    np.testing.assert_allclose(found.frame()["value"], expected, atol=1e-9)
    assert found.frame()["rank"].tolist()[2] == 1
    assert found.score.value == pytest.approx(1.0)


def test_up_to_eight_segments_it_is_exact(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(scores=additive)), TEN[:6], " yes", **SCORED)
    assert (found.method, found.n_values) == ("exact", 64)
    assert (found.frame()["standard_error"] == 0).all()


def test_so_many_calls_that_too_few_subsets_would_be_left_take_them_all(opened: Opener) -> None:
    session = opened(FakeLLM(scores=additive))
    plan = plan_generation(session, TEN[:9], " yes", n_calls=500, **SCORED)
    found = explain_generation(session, TEN[:9], " yes", n_calls=500, **SCORED)
    assert (found.method, found.n_values, plan.items) == ("exact", 512, 512)


@pytest.mark.parametrize("n", [3, 4])
def test_ranks_that_nothing_checked_are_told_to_be_so(opened: Opener, n: int) -> None:
    found = explain_generation(opened(FakeLLM(scores=additive)), TEN[:n], " yes", **SCORED)
    assert found.ranked
    assert ("no check stands behind these ranks" in found.to_html()) == (n == 3)


def test_of_a_hundred_segments_the_planted_ones_are_found_singly(opened: Opener) -> None:
    facts = [f"Fact {number}. " for number in range(100)]
    llm = FakeLLM(scores=lambda prompt, option: 3 * ("t 37." in prompt) + 2.0 * ("t 80." in prompt))
    found = explain_generation(opened(llm), facts, " yes", **SCORED)
    frame = found.frame()
    assert frame.sort_values("rank")["segment"].tolist()[:2] == ["38", "81"]
    assert len(frame) <= 32
    assert frame["value"].sum() == pytest.approx(5)
    assert "".join(frame["text"]) == "".join(facts)


def test_what_does_not_add_up_is_not_ranked(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(scores=scattered)), TEN, " yes", **SCORED)
    assert found.frame()["rank"].isna().all()
    assert found.frame()["value"].notna().all()
    assert "not ranked" in found.plot().get_xlabel()
    assert "Segments are not ranked" in found.to_html()


def test_what_never_varies_is_not_ranked(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(scores=lambda *_: -2.0)), TEN, " yes", **SCORED)
    assert not found.ranked


def test_copies_of_a_source_make_up_for_each_other(opened: Opener) -> None:
    llm = FakeLLM(scores=lambda prompt, option: 4.0 * ("B." in prompt or "G." in prompt))
    pairs = explain_generation(opened(llm), TEN, " yes", **SCORED).redundancy()
    first = pairs[(pairs["first"] == "2") & (pairs["second"] == "7")].iloc[0]
    assert (first["without_first"], first["without_second"], first["without_both"]) == (0, 0, 4)
    assert first["redundancy"] == 4


def test_a_seam_in_the_midst_of_a_token_raises(opened: Opener) -> None:
    session = opened(FakeLLM(scores=additive))
    with pytest.raises(InputError, match="run together"):
        explain_generation(session, TEN, "yes", **SCORED)


def test_a_span_is_scored_after_what_stands_before_it(opened: Opener) -> None:
    llm = FakeLLM(scores=lambda prompt, option: 2.0 * ("C." in prompt and option == " it" and "so" in prompt))
    found = explain_generation(opened(llm), TEN, " so it is", span="it", **SCORED)
    assert found.span == " it"
    assert found.frame()["value"][2] == pytest.approx(2)


def test_without_log_probabilities_it_is_a_share_of_samples(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(sampled)), TEN, "Yes.", template=TEMPLATE, n_samples=4)
    assert (found.whole.value, found.none.value) == (1.0, 0.5)
    assert found.none.low == pytest.approx(0.1500, abs=1e-3)  # Wilson, 2 of 4
    assert found.frame()["value"][2] == pytest.approx(0.5)
    assert (found.frame()["standard_error"] > 0).all()


def test_a_predicate_may_judge_replies(opened: Opener) -> None:
    found = explain_generation(
        opened(FakeLLM(sampled)), TEN, "Yes.", template=TEMPLATE, n_samples=2, agrees=lambda said: True
    )
    assert found.none.value == 1.0


def test_an_answer_that_was_not_given_is_written_first(opened: Opener) -> None:
    llm = FakeLLM(lambda request: "42" if request.params["temperature"] == 0 else "41")
    found = explain_generation(opened(llm), TEN, template=TEMPLATE, n_samples=2)
    assert found.answer == "42"
    assert found.whole.value == 0


@pytest.mark.parametrize("n", [3, 8, 9, 14])
@pytest.mark.parametrize("value", ["log_probability", "samples"])
def test_as_many_are_sent_as_planned(opened: Opener, n: int, value: str) -> None:
    facts = [f"Fact {letter}. " for letter in "ABCDEFGHIJKLMN"[:n]]
    session = opened(FakeLLM(sampled, scores=additive))
    settings: dict[str, Any] = {"template": TEMPLATE, "value": value, "n_samples": 2}
    plan = plan_generation(session, facts, " yes", **settings)
    found = explain_generation(session, facts, " yes", **settings)
    assert (plan.requests, plan.items) == (found.usage.requests, found.usage.items)


def test_a_long_prompt_takes_no_more_than_planned(opened: Opener) -> None:
    facts = [f"Fact {number}. " for number in range(300)]
    session = opened(FakeLLM(scores=lambda prompt, option: 1.0 * ("t 37." in prompt)))
    plan = plan_generation(session, facts, " yes", **SCORED)
    assert 100 < explain_generation(session, facts, " yes", **SCORED).usage.items <= plan.items


def test_a_language_model_may_be_given_without_a_session(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path))
    llm = FakeLLM(scores=additive)
    assert plan_generation(llm, TEN, " yes", **SCORED).items == 83
    assert explain_generation(llm, TEN, " yes", **SCORED).frame()["rank"].tolist()[2] == 1
    with pytest.raises(InputError, match="takes a language model"):
        explain_generation(None, TEN, " yes")  # type: ignore[arg-type]


def test_a_plan_with_an_unwritten_answer_counts_it(opened: Opener) -> None:
    session = opened(FakeLLM(sampled))
    plan = plan_generation(session, TEN[:3], template=TEMPLATE, n_samples=2)
    found = explain_generation(session, TEN[:3], template=TEMPLATE, n_samples=2)
    assert plan.requests == found.usage.requests == 17


def test_a_store_answers_it_all_again(opened: Opener) -> None:
    llm = FakeLLM(scores=additive)
    first = explain_generation(opened(llm), TEN, " yes", **SCORED)
    again = explain_generation(opened(llm, mode="replay"), TEN, " yes", **SCORED)
    assert again.usage.requests == 0
    assert again.to_json() == first.to_json()


def test_one_and_eight_workers_give_the_same_bytes(over_http: Opener) -> None:
    one, eight = (
        explain_generation(
            over_http(FakeLLM(sampled), max_concurrency=workers), TEN, "Yes.", template=TEMPLATE, n_samples=2
        )
        for workers in (1, 8)
    )
    assert one.to_json() == eight.to_json()
    assert one.to_html() == eight.to_html()


def test_values_that_failed_are_left_out_and_counted(opened: Opener) -> None:
    llm = FakeLLM(scores=additive, faults=[Fault("400", at={10, 20, 30})])
    found = explain_generation(opened(llm, max_concurrency=1), TEN, " yes", **SCORED)
    assert found.n_failed == 3
    assert found.frame()["value"][2] == pytest.approx(3)
    assert "3 have no value" in found.to_html()


def test_a_segment_whose_absence_has_no_value_is_said_to_have_none(opened: Opener) -> None:
    def without_c(prompt: str, option: str) -> float:
        return float("nan") if prompt.count("Fact") == 9 and "C." not in prompt else additive(prompt, option)

    found = explain_generation(opened(FakeLLM(scores=without_c)), TEN, " yes", **SCORED)
    assert found.sentences()[1] == "Leaving out 'Fact C.' has no value, as its requests failed."


def test_with_a_value_missing_nothing_is_called_exact(opened: Opener) -> None:
    llm = FakeLLM(scores=additive, faults=[Fault("400", at={5})])
    found = explain_generation(opened(llm, max_concurrency=1), TEN[:3], " yes", **SCORED)
    assert (found.method, found.ranked) == ("paired KernelSHAP", False)
    assert found.frame()["standard_error"].isna().all()


@pytest.mark.parametrize("kind", ["429", "500", "cut", "broken_body", "refusal"])
def test_passing_faults_of_a_server_change_no_share(over_http: Opener, kind: str) -> None:
    session = over_http(FakeLLM(sampled, faults=[Fault(kind, every=9, seconds=0.001)]), max_concurrency=1)
    found = explain_generation(session, TEN, "Yes.", template=TEMPLATE, n_samples=4)
    assert found.whole.value == 1.0
    assert found.frame().sort_values("rank")["segment"].iloc[0] == "3"


@pytest.mark.parametrize("kind", ["500", "cut", "broken_body", "400", "refusal", "401"])
def test_an_outage_raises(over_http: Opener, kind: str) -> None:
    session = over_http(FakeLLM(sampled, faults=[Fault(kind)]), max_retries=0)
    with pytest.raises(LLMError):
        explain_generation(session, TEN, "Yes.", template=TEMPLATE, n_samples=2)


def test_a_server_that_is_not_there_raises(opened: Opener) -> None:
    llm = FakeLLM(scores=additive, faults=[Fault("unreachable")])
    with pytest.raises((ConnectionFailed, TransientError, LLMError)):
        explain_generation(opened(llm, max_retries=0), TEN, " yes", **SCORED)


def test_most_values_missing_is_no_explanation(opened: Opener) -> None:
    llm = FakeLLM(scores=lambda prompt, option: float("nan") if 1 < prompt.count("Fact") < 10 else -1.0)
    with pytest.raises(LLMError, match="of the subsets"):
        explain_generation(opened(llm), TEN, " yes", **SCORED)


def heard(before: str, word: str) -> float:
    """As `additive` of the word that is explained; what a probe of the server asks is answered soundly."""
    return additive(before, word) if word == " yes" else -0.1 if word == " Paris" else -1.0


def test_echoed_log_probabilities_of_a_server_are_scored_by_tokens(over_http: Opener) -> None:
    found = explain_generation(over_http(FakeLLM(scores=heard)), TEN, " yes", **SCORED)
    assert found.frame()["value"][2] == pytest.approx(3)


def test_a_server_tells_a_merged_seam_by_its_offsets(over_http: Opener) -> None:
    session = over_http(FakeLLM(scores=heard))
    with pytest.raises(InputError, match=r"in the token ' Q\?yes'"):
        explain_generation(session, TEN[:2], "yes", template="{segments} Q?", value="log_probability")


def test_a_server_without_echo_cannot_be_scored(over_http: Opener) -> None:
    session = over_http(FakeLLM(sampled, faults=[Fault("ignored_logprobs", verb="score")]))
    with pytest.raises(CapabilityError):
        explain_generation(session, TEN, " yes", **SCORED)


def test_a_page_escapes_prompt_and_answer(opened: Opener) -> None:
    session = opened(FakeLLM(lambda request: "<b>boo</b>"))
    html = explain_generation(session, ["<script>x</script> ", "y "]).to_html()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<b>boo" not in html


def test_usage_is_counted_and_no_part_of_the_json(opened: Opener) -> None:
    found = explain_generation(opened(FakeLLM(scores=additive)), TEN, " yes", **SCORED)
    assert found.usage.items == found.n_values == 83
    assert "usage" not in found.as_dict()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"answer": " "}, "answer"),
        ({"answer": "yes", "span": "no"}, "0 times"),
        ({"answer": "no no", "span": "no"}, "2 times"),
        ({"answer": "yes", "span": (2, 9)}, "no stretch"),
        ({"value": "magic"}, "value must be"),
        ({"value": "log_probability"}, "give the answer"),
        ({"temperature": 0.0}, "temperature"),
        ({"n_held_out": 3}, "at least 16"),
        ({"n_calls": True}, "n_calls"),
        ({"value": "log_probability", "answer": " a", "agrees": bool}, "samples"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_sent(
    opened: Opener, settings: dict[str, Any], said: str
) -> None:
    llm = FakeLLM(sampled)
    with pytest.raises(InputError, match=said):
        explain_generation(opened(llm), TEN, **settings)
    assert not llm.received


def test_a_refusal_is_not_explained(opened: Opener) -> None:
    llm = FakeLLM(lambda request: Reply(None, refusal="no", finish="stop"))
    with pytest.raises(LLMError, match="no answer to explain"):
        explain_generation(opened(llm), TEN)


@pytest.mark.local
def test_the_embedded_models_source_of_a_copied_answer_is_found() -> None:
    facts = ["The bakery closes at six. ", "The parrot is called Otto. ", "It rained. ", "Tea is served."]
    with connect("local", mode="off") as session:
        found = explain_generation(
            session, facts, "Otto", template="{segments}\n\nWhat is the parrot called? Answer in a word."
        )
    assert found.frame()["rank"].tolist()[1] == 1
    assert found.frame()["value"][1] > 2
