"""A reply satisfies its schema or is counted as a failure; what is found in it is never guessed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from interpllm.errors import InputError
from interpllm.llm import Reply, Request, Session
from interpllm.llm.schema import in_words, is_strict, judge, out_of_words, parse
from interpllm.testing import FakeLLM, Fault

from .conftest import SCHEMA

Opener = Callable[..., Session]


@pytest.mark.parametrize(
    "text",
    [
        '{"x": 1}',
        ' \n{"x": 1}\n',
        '```json\n{"x": 1}\n```',
        'Here it is:\n```\n{"x": 1}\n```\nDone.',
        'So {"x": 1}.',
    ],
    ids=["bare", "spaced", "fenced", "fenced in prose", "in prose"],
)
def test_json_is_found_where_models_put_it(text: str) -> None:
    assert parse(text, SCHEMA) == {"x": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one",
        '{"x": 1',
        "{'x': 1}",
        '{"x": NaN}',
        '{"x": "1"}',
        '{"y": 1}',
        '{"x": 1} or {"x": 2}',
        '```\n{"x": 1}\n```\n```\n{"x": 2}\n```',
        "[" * 100_000,
        '{"x": ' + "9" * 5000 + "}",
    ],
)
def test_what_is_no_such_json_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text, SCHEMA)


def test_the_fault_is_told() -> None:
    assert (
        judge(Reply('{"x": "one"}'), SCHEMA).error == "parse failure: at $.x: 'one' is not of type 'integer'"
    )


def test_a_reply_that_was_cut_says_so() -> None:
    assert "cut at max_tokens" in (judge(Reply('{"x":', finish="length"), SCHEMA).error or "")


@pytest.mark.parametrize(
    "reply",
    [Reply(None, refusal="No."), Reply("I will", finish="content_filter"), Reply(None)],
    ids=["refused", "filtered", "empty"],
)
def test_a_refusal_is_no_answer(reply: Reply) -> None:
    judged = judge(reply, None)
    assert judged.text is None
    assert judged.error


def test_a_faulty_reply_is_shown_to_the_model(in_process: Opener) -> None:
    llm = FakeLLM(lambda request: '{"x": 5}' if len(request.messages) > 1 else "five")
    session = in_process(llm)
    assert session.complete(["how many?"], schema=SCHEMA)[0].data == {"x": 5}
    assert (llm.received["complete"], session.usage.parse_failures, session.usage.failures) == (2, 1, 0)


def test_asking_again_ends(in_process: Opener) -> None:
    llm = FakeLLM({"how many?": "five"})
    session = in_process(llm)
    reply = session.complete(["how many?"], schema=SCHEMA)[0]
    assert (reply.data, reply.text) == (None, "five")
    assert (reply.error or "").startswith("parse failure")
    assert (llm.received["complete"], session.usage.parse_failures, session.usage.failures) == (3, 3, 1)


def test_a_refusal_is_not_asked_again(in_process: Opener) -> None:
    llm = FakeLLM(faults=[Fault("refusal", at={1})])
    session = in_process(llm)
    reply = session.complete(["a"], schema=SCHEMA)[0]
    assert (reply.data, reply.text, llm.received["complete"]) == (None, None, 1)
    assert (reply.error or "").startswith("refused")
    assert (session.usage.failures, session.usage.parse_failures) == (1, 0)


def test_replies_of_one_call_do_not_mix(in_process: Opener) -> None:
    llm = FakeLLM({f"q{n}": {"x": n} for n in range(40)}, faults=[Fault("bad_json", at=range(1, 40, 3))])
    replies = in_process(llm).complete([f"q{n}" for n in range(40)], schema=SCHEMA)
    assert [reply.data for reply in replies] == [{"x": n} for n in range(40)]


def test_a_backend_without_schemas_is_asked_in_words(in_process: Opener) -> None:
    llm = FakeLLM({"how many?": {"x": 5}})
    llm.schema_support = "prompt"
    assert in_process(llm).complete(["how many?"], schema=SCHEMA)[0].data == {"x": 5}
    assert '"integer"' in llm.prompts[0]


def test_requests_keep_their_own_schema(in_process: Opener) -> None:
    own = Request.of("a", schema={"type": "array"})
    replies = in_process(FakeLLM()).complete([own, "b"], schema=SCHEMA)
    assert [reply.data for reply in replies] == [[], {"x": 0}]


def test_words_come_off_as_they_went_on() -> None:
    request = Request.of("how many?", schema=SCHEMA)
    assert out_of_words(in_words(request).messages[-1]["content"]) == ("how many?", SCHEMA)
    assert out_of_words("how many?") == ("how many?", None)


def test_nothing_is_fetched_for_a_schema(in_process: Opener) -> None:
    with pytest.raises(InputError, match="only refer to itself"):
        in_process(FakeLLM({"a": {"x": 1}})).complete(
            ["a"], schema={"$ref": "http://127.0.0.1:9/schema.json"}
        )


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (SCHEMA, False),
        (SCHEMA | {"additionalProperties": False}, True),
        (SCHEMA | {"additionalProperties": False, "required": []}, False),
        ({"type": "array", "items": SCHEMA}, False),
        ({"type": "integer"}, True),
    ],
)
def test_only_closed_schemas_are_strict(schema: dict[str, Any], strict: bool) -> None:
    assert is_strict(schema) is strict


def test_judging_leaves_an_error_as_it_is() -> None:
    failed = Reply(None, error="TransientError: 500")
    assert judge(failed, SCHEMA) == replace(failed)
