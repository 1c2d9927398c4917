"""The fake answers what was planted, the same each time, and goes wrong when it was told to."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from interpllm.errors import InputError, RequestRefused, TransientError
from interpllm.llm import LanguageModel, Reply, Request, Session
from interpllm.llm.schema import judge
from interpllm.testing import FakeLLM, Fault
from interpllm.testing.faults import KINDS, Faults

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "kind": {"enum": ["a", "b"]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
        "score": {"type": "number", "minimum": 3},
        "yes": {"type": ["boolean", "null"]},
    },
    "required": ["name", "kind", "tags", "score", "yes"],
}


def ask(llm: FakeLLM, prompt: str, **fields: Any) -> Reply:
    return llm.complete([Request.of(prompt, **fields)])[0]


def post(url: str, path: str, **body: Any) -> httpx.Response:
    return httpx.post(url + path, json=body, trust_env=False, timeout=5)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=5) as made:
        yield made


def test_it_has_the_protocol() -> None:
    assert isinstance(FakeLLM(), LanguageModel)


def test_planted_answers_are_given() -> None:
    llm = FakeLLM({"a": "one", "b": {"x": 2}})
    assert [ask(llm, "a").text, ask(llm, "b").text] == ["one", '{"x": 2}']


def test_a_function_may_answer() -> None:
    assert (
        ask(FakeLLM(lambda request: request.params["temperature"]), "a", params={"temperature": 0.5}).text
        == "0.5"
    )


def test_what_is_not_planted_satisfies_the_schema() -> None:
    assert judge(ask(FakeLLM(), "a", schema=SCHEMA), SCHEMA).ok


def test_another_fake_answers_the_same() -> None:
    one, other = FakeLLM(), FakeLLM()
    assert ask(one, "a") == ask(other, "a")
    assert np.array_equal(one.embed(["a"]), other.embed(["a"]))
    assert np.array_equal(one.score(["a"], ["x", "y"]), other.score(["a"], ["x", "y"]))


def test_another_seed_draws_other_vectors() -> None:
    assert not np.array_equal(FakeLLM(seed=1).embed(["a"]), FakeLLM(seed=2).embed(["a"]))


def test_vectors_have_length_one_and_differ() -> None:
    vectors = FakeLLM(dim=5).embed(["a", "b"])
    assert vectors.shape == (2, 5)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0])
    assert not np.allclose(vectors[0], vectors[1])


def test_what_is_planted_is_part_of_its_name() -> None:
    assert FakeLLM({"a": "1"}).name == FakeLLM({"a": "1"}).name != FakeLLM({"a": "2"}).name


def test_functions_are_taken_for_different_ones() -> None:
    assert FakeLLM(lambda request: "a").name != FakeLLM(lambda request: "b").name


def test_it_counts_and_keeps_what_it_was_asked() -> None:
    llm = FakeLLM()
    ask(llm, "a"), llm.score(["p"], ["x"]), llm.embed(["t"], template="the {text}")
    assert (dict(llm.received), llm.prompts, llm.texts) == (
        {"complete": 1, "score": 1, "embed": 1},
        ["a", "p"],
        ["the t"],
    )


def test_a_deep_copy_is_the_same_fake() -> None:
    llm = FakeLLM()
    assert copy.deepcopy(llm) is llm


def test_it_pickles() -> None:
    llm = FakeLLM({"a": "one"})
    again = pickle.loads(pickle.dumps(llm))
    assert (ask(again, "a").text, again.name) == ("one", llm.name)


@pytest.mark.parametrize(
    ("kind", "raised"), [("429", TransientError), ("cut", TransientError), ("401", RequestRefused)]
)
def test_faults_in_process_are_what_a_session_is_told(kind: str, raised: type[Exception]) -> None:
    with pytest.raises(raised):
        ask(FakeLLM(faults=[Fault(kind)]), "a")


def test_over_http_the_same_is_answered_as_in_process() -> None:
    llm = FakeLLM({"a": "one"}, scores={("p", " x"): -1.0, ("p", " y"): -2.0})
    with llm.serve() as url:
        chat = post(url, "/chat/completions", messages=[{"role": "user", "content": "a"}]).json()
        vectors = post(url, "/embeddings", input=["t", "u"]).json()["data"]
        echoed = post(url, "/completions", prompt="p x", echo=True, logprobs=1).json()["choices"][0][
            "logprobs"
        ]
    assert chat["choices"][0]["message"]["content"] == "one"
    by_index = [row["embedding"] for row in sorted(vectors, key=lambda row: row["index"])]
    assert np.allclose(by_index, llm.embed(["t", "u"]))
    assert dict(zip(echoed["tokens"], echoed["token_logprobs"], strict=True))[" x"] == -1.0


@pytest.mark.parametrize(
    ("kind", "status"), [("400", 400), ("401", 401), ("404", 404), ("429", 429), ("500", 500)]
)
def test_status_faults_have_their_status(kind: str, status: int) -> None:
    with FakeLLM(faults=[Fault(kind, seconds=1.5)]).serve() as url:
        response = post(url, "/embeddings", input=["a"])
    assert response.status_code == status
    assert response.headers.get("Retry-After") == ("1.5" if kind == "429" else None)


def test_a_cut_reply_is_cut() -> None:
    with FakeLLM(faults=[Fault("cut")]).serve() as url, pytest.raises(httpx.RemoteProtocolError):
        post(url, "/embeddings", input=["a"])


def test_a_hanging_call_ends_with_the_server(client: httpx.Client) -> None:
    with FakeLLM(faults=[Fault("hang")]).serve() as url, pytest.raises(httpx.ReadTimeout):
        client.post(url + "/embeddings", json={"input": ["a"]}, timeout=0.1)


def test_a_broken_body_is_no_json() -> None:
    with FakeLLM(faults=[Fault("broken_body")]).serve() as url:
        assert post(url, "/embeddings", input=["a"]).text.startswith("<html>")


def test_ignored_log_probabilities_are_not_there() -> None:
    with FakeLLM(faults=[Fault("ignored_logprobs")]).serve() as url:
        echoed = post(url, "/completions", prompt="a b", echo=True, logprobs=1).json()
        chat = post(
            url, "/chat/completions", messages=[{"role": "user", "content": "a"}], logprobs=True
        ).json()
    assert echoed["choices"][0]["logprobs"] is chat["choices"][0]["logprobs"] is None


def test_another_address_is_not_found(client: httpx.Client) -> None:
    with FakeLLM().serve() as url:
        assert client.get(url + "/nothing").status_code == client.post(url + "/x", json={}).status_code == 404


def test_a_session_goes_through_every_fault_with_nothing_lost() -> None:
    faults = [Fault(kind, probability=0.05, seconds=0.001) for kind in ("429", "500", "cut", "broken_body")]
    llm = FakeLLM({f"q{n}": f"a{n}" for n in range(200)}, faults=faults)
    with llm.serve() as url:
        from interpllm.llm.openai_http import OpenAIBackend

        with Session(OpenAIBackend(url, model="m"), backoff=0.001, max_retries=20) as session:
            replies = session.complete([f"q{n}" for n in range(200)])
    assert [reply.text for reply in replies] == [f"a{n}" for n in range(200)]
    assert llm.received["complete"] == session.usage.requests > 220


# When faults are due ----------------------------------------------------------------------------------


def due(fault: Fault, verbs: list[str], seed: int = 0) -> list[int]:
    faults = Faults([fault], seed)
    return [number for number, verb in enumerate(verbs, start=1) if faults.next(verb) is not None]


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [
        (Fault("500"), [1, 2, 3, 4, 5, 6]),
        (Fault("500", at={2, 5}), [2, 5]),
        (Fault("500", every=3), [3, 6]),
        (Fault("500", verb="embed"), [2, 4, 6]),
        (Fault("500", verb="embed", at={2}), [4]),
        (Fault("500", probability=0.0), []),
        (Fault("500", probability=1.0), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_faults_meet_the_calls_they_were_planned_for(fault: Fault, numbers: list[int]) -> None:
    assert due(fault, ["complete", "embed"] * 3) == numbers


def test_a_probability_meets_the_same_calls_each_time_and_about_so_many() -> None:
    fault = Fault("500", probability=0.2)
    met = due(fault, ["complete"] * 1000)
    assert met == due(fault, ["complete"] * 1000)
    assert met != due(fault, ["complete"] * 1000, seed=1)
    assert 150 < len(met) < 250


def test_the_first_fault_that_is_due_is_met() -> None:
    faults = Faults([Fault("500", at={1}), Fault("429")])
    assert [getattr(faults.next("complete"), "kind", None) for _ in range(2)] == ["500", "429"]


def test_an_unknown_fault_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=", ".join(sorted(KINDS)[:3])):
        Fault("fire")
