"""A stranger's file is data: what is not exactly a model is refused with DocumentError, never run."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import some

from interpllm.errors import DocumentError
from interpllm.runtime import LinearModel, dumps, load, loads, strict_json

MODEL = LinearModel(
    task="classification",
    classes=("a", "b", "c"),
    ngram_range=(1, 2),
    intercept=(0.1, 0.2, 0.3),
    weights={"great": (1.0, 2.0, 3.0), "not great": (0.0, 0.0, 1.0)},
    evidence={"great": (2, 0.5, (1,))},
    n_rows=4,
)
GOOD: dict[str, Any] = json.loads(dumps(MODEL))


def refuse(text: str | bytes, message: str = ".") -> None:
    with pytest.raises(DocumentError, match=message):
        loads(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("null", "not a JSON object"),
        ("[]", "not a JSON object"),
        ('"interpllm"', "not a JSON object"),
        ("{} {}", "not JSON"),
        ("{}", "not an interpllm model"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"\x80\x04K\x01.", "not UTF-8"),
        ("[" * 1_000_000, "nests too deep"),
        ('{"a":' * 1_000_000, "nests too deep"),
        ('{"a": 1, "a": 1}', "a name twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": [Infinity]}', "Infinity"),
        ('{"a": -Infinity}', "-Infinity"),
        ('{"a": ' + "9" * 100_000 + "}", "digits"),
        ("__import__('os').system('true')", "not JSON"),
    ],
)
def test_what_is_no_document_is_refused(text: str | bytes, message: str) -> None:
    refuse(text, message)


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_refused(name: str) -> None:
    refuse(json.dumps({key: value for key, value in GOOD.items() if key != name}))


VALUES = [None, True, 7, -1, 0.5, "x", [], [[]], [None], {}, {"x": []}, 10**19]
OF_THE_RIGHT_SORT = [
    ("base", []),
    ("target", "x"),
    ("evidence", None),
    ("n_rows", 7),
    ("meta", {}),
    ("meta", {"x": []}),
]
OF_ANOTHER_SORT = [(n, v) for n in sorted(GOOD) for v in VALUES if (n, v) not in OF_THE_RIGHT_SORT]


@pytest.mark.parametrize(("name", "wrong"), OF_ANOTHER_SORT)
def test_a_field_of_another_sort_is_refused(name: str, wrong: Any) -> None:
    refuse(json.dumps({**GOOD, name: wrong}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "pickle"}, "not an interpllm model"),
        ({"version": 2}, "version 2 and this library reads version 1"),
        ({"version": 0}, "version 0"),
        ({"version": True}, "version True"),
        ({"version": 1.0}, "version 1.0"),
        ({"version": "1"}, "version '1'"),
        ({"kind": "forest"}, "kind 'forest' are not known"),
        ({"kind": "__class__"}, "are not known"),
        ({"surprise": 1}, "not known here: 'surprise'"),
        ({"task": "ranking"}, "task is one of"),
        ({"norm": "exec"}, "norm is one of"),
        ({"classes": ["a", "b", "b"]}, "not distinct"),
        ({"classes": ["a", "b", ["c"]]}, "class"),
        ({"classes": ["a", "b", None]}, "class None"),
        ({"classes": ["a", "b"]}, "intercept has 3 numbers for 1"),
        ({"classes": [0, 1, True]}, "not distinct"),
        ({"target": "\ud800"}, "lone surrogate"),
        ({"ngram_range": [1, 1_000_000_000]}, "ngram_range"),
        ({"ngram_range": [1, 1]}, "found in no text"),
        ({"ngram_range": ["1", "2"]}, "ngram_range"),
        ({"phrases": ["great", "great"]}, "phrases are not distinct"),
        ({"phrases": ["great", 1]}, "phrases holds entries of type int"),
        ({"phrases": ["great", None]}, "phrases holds entries of type NoneType"),
        ({"phrases": ["great", ["x"]]}, "phrases holds entries of type list"),
        ({"phrases": ["great", "Not great"]}, "found in no text"),
        ({"phrases": ["great", 'x"\n"""; import os']}, "found in no text"),
        ({"phrases": ["great"]}, "weights has 2 entries where 1 belong"),
        ({"intercept": [0.1, 0.2]}, "weights has 3 entries where 2 belong"),
        ({"intercept": [0.1, 0.2, "x"]}, "intercept holds entries of type str"),
        ({"intercept": [0.1, 0.2, True]}, "intercept holds entries of type bool"),
        ({"weights": [[1, 2], [1, 2], [1]]}, "weights has 1 entries where 2 belong"),
        ({"weights": [[1, 2], [1, 2], [1, "2"]]}, "weights holds entries of type str"),
        ({"weights": [[1, 2], [1, 2], [1, False]]}, "weights holds entries of type bool"),
        ({"weights": [[1, 2], [1, 2], [1, 1e200]]}, "not finite"),
        (
            {"evidence": {"support": [2, 0], "precision": [0.5, None]}},
            "fields are missing: examples, interval",
        ),
        (
            {
                "evidence": {
                    "support": [2, 0],
                    "precision": [0.5, None],
                    "examples": [[1]],
                    "interval": [None, None],
                }
            },
            "evidence.examples has 1",
        ),
        (
            {
                "evidence": {
                    "support": [2, 9],
                    "precision": [0.5, None],
                    "examples": [[1], [1]],
                    "interval": [None, None],
                }
            },
            "does not fit n_rows=4",
        ),
        (
            {
                "evidence": {
                    "support": [2, -1],
                    "precision": [0.5, None],
                    "examples": [[1], [1]],
                    "interval": [None, None],
                }
            },
            "does not fit n_rows=4",
        ),
        ({"n_rows": -1}, "n_rows"),
    ],
)
def test_a_document_that_is_wrong_in_one_place_is_refused(changes: dict[str, Any], message: str) -> None:
    refuse(json.dumps({**GOOD, **changes}), message)


@pytest.mark.parametrize("place", ["intercept", "weights", "precision"])
def test_a_number_that_overflows_to_infinity_is_refused(place: str) -> None:
    lists = {"intercept": "0.3", "weights": "3.0", "precision": "0.5"}
    refuse(dumps(MODEL).replace(lists[place], "1e999", 1), "not finite")


def test_metadata_that_nests_deeper_than_any_is_refused() -> None:
    refuse(json.dumps({**GOOD, "meta": {"x": json.loads("[" * 60 + "]" * 60)}}), "nests deeper")


def test_a_document_over_the_size_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_BYTES", 10)
    refuse(dumps(MODEL), "larger than 10 bytes")


def test_a_document_of_too_many_parts_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_PARTS", 10)
    refuse('{"a": [' + "[]," * 20, "more than 10 lists and objects")


def test_a_file_is_read_no_further_than_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_BYTES", 1000)
    with pytest.raises(DocumentError, match="larger than 1000 bytes"):
        load("/dev/zero")


def test_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "stranger.json").write_text("{}")
    with pytest.raises(DocumentError, match=r"stranger\.json: this is not an interpllm model"):
        load(tmp_path / "stranger.json")


@some
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=8), st.data())
def test_a_random_value_in_any_field_is_a_model_or_a_document_error(value: Any, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(GOOD)))
    with contextlib.suppress(DocumentError):
        loads(json.dumps({**GOOD, name: value}))


@some
@given(st.integers(0, len(dumps(MODEL)) - 1), st.characters())
def test_a_random_character_anywhere_is_a_model_or_a_document_error(place: int, character: str) -> None:
    text = dumps(MODEL)
    with contextlib.suppress(DocumentError):
        loads(text[:place] + character + text[place + 1 :])


@some
@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    refuse(data)
