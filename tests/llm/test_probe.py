"""What a server really does is found out once, told, and worked around; nothing it says is trusted."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, ConnectionFailed, InputError, RequestRefused
from interpllm.llm import ProbeResult, Reply, Request, Session
from interpllm.llm.probe import FEATURES
from interpllm.testing import FakeLLM, Fault

from .conftest import SCHEMA

Opener = Callable[..., Session]


def verdicts(result: ProbeResult) -> dict[str, str]:
    return {finding.feature: finding.verdict for finding in result.findings}


def test_a_server_that_does_everything_works(over_http: Opener) -> None:
    assert set(verdicts(over_http(FakeLLM()).probe()).values()) == {"works"}


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (Fault("ignored_schema"), {"json_schema": "ignored", "json_object": "ignored"}),
        (Fault("ignored_logprobs"), {"logprobs_echo": "ignored", "logprobs_chat": "ignored"}),
        (Fault("404", verb="embed"), {"embed": "refused"}),
        (Fault("500", verb="score"), {"logprobs_echo": "broken", "logprobs_chat": "broken"}),
    ],
)
def test_what_a_server_does_not_do_is_found_out(
    over_http: Opener, fault: Fault, found: dict[str, str]
) -> None:
    got = verdicts(over_http(FakeLLM(faults=[fault])).probe())
    assert got == dict.fromkeys(FEATURES, "works") | found


@pytest.mark.parametrize(
    "scores",
    [
        lambda prompt, option: -1.0,
        lambda prompt, option: 0.5 * len(option) - 50.0,
        lambda prompt, option: 20.0 - len(option),
    ],
    ids=["constant", "the unlikely likelier", "more than certain"],
)
def test_log_probabilities_that_cannot_be_right_are_not_trusted(over_http: Opener, scores: Any) -> None:
    session = over_http(FakeLLM(scores=scores))
    assert not session.probe()["logprobs_echo"].works
    assert not session.probe()["logprobs_chat"].works
    with pytest.raises(CapabilityError, match="no log-probabilities that can be trusted"):
        session.score(["a"], [" x", " y"])


def test_vectors_that_are_all_the_same_are_not_trusted(over_http: Opener) -> None:
    assert (
        over_http(FakeLLM(vectors=lambda text: [1.0, 0.0])).probe(["embed"])["embed"].verdict == "untrusted"
    )


def thinking(request: Request) -> Any:
    """What a model says that spends its first 500 tokens on thinking."""
    if request.params.get("max_tokens", 500) < 500:
        return Reply("", finish="length", input_tokens=5, output_tokens=32)
    return None if request.schema else "The sea is calm."


def test_a_model_that_thinks_before_it_speaks_is_given_the_time(over_http: Opener) -> None:
    llm = FakeLLM(thinking)
    found = over_http(llm).probe(["complete", "json_schema", "json_object"])
    assert set(verdicts(found).values()) == {"works"}
    assert llm.received["complete"] == 6


def test_an_empty_reply_is_no_verdict_on_schemas(over_http: Opener) -> None:
    features = ["json_schema", "json_object"]
    session = over_http(FakeLLM(lambda request: Reply("", finish="stop", output_tokens=1)))
    assert set(verdicts(session.probe(features)).values()) == {"broken"}
    assert set(verdicts(session.probe(features)).values()) == {"broken"}
    assert session.usage.requests == 4  # asked anew: a broken reply is not kept


def test_each_feature_takes_one_small_request(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm)
    session.probe()
    assert llm.received.total() == len(FEATURES)
    assert session.usage.tokens < 250


def test_findings_are_kept_for_the_next_process(over_http: Opener) -> None:
    llm = FakeLLM()
    first = over_http(llm).probe()
    again = over_http(llm)
    assert again.probe() == first
    assert again.usage.requests == 0


def test_refresh_finds_out_anew(over_http: Opener) -> None:
    llm = FakeLLM()
    over_http(llm).probe()
    over_http(llm, mode="refresh").probe()
    assert llm.received.total() == 2 * len(FEATURES)


def test_without_a_store_it_is_remembered_by_the_session(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm, mode="off")
    session.probe(), session.probe()
    assert llm.received.total() == len(FEATURES)


def test_a_broken_server_is_no_verdict_for_ever(over_http: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500", at=range(1, 4))])
    assert over_http(llm).probe(["embed"])["embed"].verdict == "broken"
    assert over_http(llm).probe(["embed"])["embed"].verdict == "works"


def test_a_server_that_is_away_is_not_judged(over_http: Opener) -> None:
    session = over_http(FakeLLM(), max_retries=0)
    session.backend.url = "http://127.0.0.1:9/v1"  # type: ignore[attr-defined]
    with pytest.raises(ConnectionFailed):
        session.probe()


def test_a_refused_key_is_not_judged(over_http: Opener) -> None:
    with pytest.raises(RequestRefused, match="401"):
        over_http(FakeLLM(faults=[Fault("401")])).probe(["embed"])


def test_the_schema_is_asked_about_when_one_is_first_needed(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm)
    session.complete(["a"])
    assert llm.received["complete"] == 1
    session.complete([f"q{n}" for n in range(30)], schema=SCHEMA)
    assert llm.received["complete"] == 1 + 1 + 30


def test_an_ignored_schema_goes_into_the_prompt(over_http: Opener) -> None:
    llm = FakeLLM({"how many?": {"x": 5}}, faults=[Fault("ignored_schema")])
    reply = over_http(llm).complete(["how many?"], schema=SCHEMA)[0]
    assert reply.data == {"x": 5}
    assert json.dumps(SCHEMA) in llm.prompts[-1]


def test_a_server_that_ignores_the_schema_and_the_prompt_fails_openly(over_http: Opener) -> None:
    llm = FakeLLM(lambda request: "The answer is five.")
    session = over_http(llm)
    reply = session.complete(["how many?"], schema=SCHEMA)[0]
    assert (reply.data, session.usage.failures, session.usage.parse_failures) == (None, 1, 3)


def test_a_schema_that_the_server_refuses_goes_into_the_prompt(over_http: Opener) -> None:
    llm = FakeLLM({"a": {"x": 1}}, faults=[Fault("400", at={2})])
    session = over_http(llm, max_concurrency=1)
    assert [reply.data for reply in session.complete(["a"], schema=SCHEMA)] == [{"x": 1}]
    assert json.dumps(SCHEMA) in llm.prompts[-1]


def test_scores_come_by_chat_where_echo_does_not_work(over_http: Opener) -> None:
    # The first score call is the probe by echo, which the fault meets.
    scores = {("good? Yes or No", "Yes"): -0.2, ("good? Yes or No", "No"): -1.7}
    llm = FakeLLM(scores=scores, faults=[Fault("ignored_logprobs", at={1}, verb="score")])
    session = over_http(llm)
    assert session.score(["good? Yes or No"], ["Yes", "No"]) == pytest.approx(np.array([[-0.2, -1.7]]))
    assert "first tokens only" in session.probe(["logprobs_echo", "logprobs_chat"]).advice[0]


def test_an_outage_at_the_first_probe_mixes_no_two_measures(over_http: Opener) -> None:
    options, prompts = [" yes indeed", " no never"], [f"Is film {n} good?" for n in range(4)]
    rows = over_http(FakeLLM(), mode="off").score(prompts, options)
    # The three tries to echo fail; all works from then on.
    session = over_http(FakeLLM(faults=[Fault("500", at={1, 2, 3}, verb="score")]))
    assert session.score(prompts, options) == pytest.approx(rows)


def test_a_server_that_fails_at_echo_alone_scores_by_chat_for_good(over_http: Opener) -> None:
    llm = FakeLLM(faults=[Fault("500", at=[1, 2, 3, 5, 6, 7], verb="score")])
    prompts = ["good? Yes or No", "bad? Yes or No"]
    rows = over_http(llm).score(prompts, ["Yes", "No"])
    again = over_http(llm)
    assert again.probe(["logprobs_echo"])["logprobs_echo"].verdict == "refused"
    assert np.array_equal(again.score(prompts, ["Yes", "No"]), rows)
    replayed = over_http(llm, mode="replay").score(prompts, ["Yes", "No"])
    assert np.array_equal(replayed, rows)
    assert again.usage.requests == 0


def test_rows_of_one_measure_are_not_read_for_those_of_another(over_http: Opener) -> None:
    options, prompts = ["yes indeed", "no never"], ["yes or no, 1?", "yes or no, 2?"]
    llm = FakeLLM(faults=[Fault("ignored_logprobs", at={1}, verb="score")])
    by_chat = over_http(llm).score(prompts[:1], options)  # since echo did not work then
    session = over_http(llm, mode="refresh")
    session.probe(["logprobs_echo"])  # now it does
    by_echo = over_http(llm, mode="off").score(prompts, options)
    assert by_chat[0, 0] != by_echo[0, 0]
    assert np.array_equal(over_http(llm).score(prompts, options), by_echo)


def test_what_is_still_to_be_scored_is_told_without_asking(over_http: Opener) -> None:
    llm = FakeLLM()
    session = over_http(llm)
    assert session.unscored(["a", "b"], [" x", " y"]) == ["a", "b"]
    assert not llm.received
    session.score(["a"], [" x", " y"])
    assert session.unscored(["a", "b"], [" x", " y"]) == ["b"]
    assert session.plan(prompts=["a", "b"], options=[" x", " y"]).stored == 1


def test_capabilities_follow_the_findings(over_http: Opener) -> None:
    llm = FakeLLM(faults=[Fault("ignored_logprobs", verb="score"), Fault("404", verb="embed")])
    session = over_http(llm)
    assert session.capabilities == {"complete", "score", "embed"}
    session.probe()
    assert session.capabilities == {"complete"}


def test_a_model_in_process_is_tried_too(in_process: Opener) -> None:
    got = verdicts(in_process(FakeLLM(batch_size=8)).probe())
    assert got == dict.fromkeys([f for f in FEATURES if f != "logprobs_chat"], "works")


def test_verbs_that_a_model_lacks_are_not_tried(in_process: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLLM, "capabilities", frozenset({"embed"}))
    llm = FakeLLM()
    assert verdicts(in_process(llm).probe(["complete", "embed"])) == {"complete": "refused", "embed": "works"}
    assert llm.received["complete"] == 0


def test_a_model_that_takes_no_schema_is_not_asked_for_one(in_process: Opener) -> None:
    llm = FakeLLM()
    llm.schema_support = "prompt"
    assert in_process(llm).probe(["json_schema"])["json_schema"].verdict == "refused"
    assert not llm.received


def test_the_result_is_plain_data(over_http: Opener) -> None:
    result = over_http(FakeLLM()).probe()
    assert json.loads(json.dumps(result.as_dict()))["seconds_per_request"] > 0
    assert [row["feature"] for row in result.rows()] == list(FEATURES)
    assert pickle.loads(pickle.dumps(result)) == result


def test_shortcomings_are_told_with_what_is_done_about_them(over_http: Opener) -> None:
    llm = FakeLLM(faults=[Fault("ignored_schema", verb="complete"), Fault("404", verb="embed")])
    advice = " ".join(over_http(llm).probe().advice)
    assert "validated here" in advice
    assert "embed()" in advice


def test_an_unknown_feature_is_named(over_http: Opener) -> None:
    with pytest.raises(InputError, match="telepathy"):
        over_http(FakeLLM()).probe(["telepathy"])
