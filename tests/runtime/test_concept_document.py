"""Documents of models of questions: what they look like, and that a stranger's is data."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_models import some

from interpllm.errors import DocumentError
from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel, Node, Question, dumps, loads

CHEAP, LOUD = Question("cheap", "Is it cheap?", "a price is named"), Question("loud", "Is it loud?")
STAND_IN = LinearModel(
    task="classification", classes=(False, True), intercept=(0.5,), weights={"bargain": (1.0,)}
)
PARTS: dict[str, Any] = {
    "task": "classification",
    "classes": ("bad", "good"),
    "questions": (CHEAP, LOUD),
    "means": (0.5, 0.25),
    "stand_ins": {"cheap": STAND_IN},
    "n_rows": 4,
}
LINEAR = ConceptLinear(
    **PARTS,
    intercept=(0.1,),
    weights=((1.0,), (-2.0,)),
    residual=LinearModel(
        task="classification", classes=("bad", "good"), intercept=(0.0,), weights={"great": (3.0,)}
    ),
    evidence={"loud": (2, 0.5, (1,))},
)
TREE = ConceptTree(
    **PARTS,
    nodes=(
        Node(0, 1, 2, (0.5, 0.5), 4),
        Node(None, None, None, (0.0, 1.0), 1),
        Node(1, 3, 4, (0.5, 0.5), 3),
        Node(None, None, None, (1.0, 0.0), 2),
        Node(None, None, None, (0.25, 0.75), 1),
    ),
)
GOOD_LINEAR: dict[str, Any] = json.loads(dumps(LINEAR))
GOOD_TREE: dict[str, Any] = json.loads(dumps(TREE))
NESTED: dict[str, Any] = json.loads(dumps(STAND_IN))

TEXT = """{
"base": [],
"classes": ["bad","good"],
"format": "interpllm",
"kind": "concept_tree",
"means": [0.5,0.25],
"meta": {},
"n_rows": 4,
"nodes": {"n_rows":[4,1,3,2,1],"no":[2,null,4,null,null],"question":[0,null,1,null,null],\
"value":[[0.5,0.5],[0.0,1.0],[0.5,0.5],[1.0,0.0],[0.25,0.75]],"yes":[1,null,3,null,null]},
"questions": [{"counts":"a price is named","id":"cheap","source":"user","text":"Is it cheap?"},\
{"counts":"","id":"loud","source":"user","text":"Is it loud?"}],
"""


def refuse(document: dict[str, Any], message: str = ".") -> None:
    with pytest.raises(DocumentError, match=message):
        loads(json.dumps(document))


def test_a_document_is_one_sorted_field_a_line() -> None:
    assert dumps(TREE).startswith(TEXT)


def test_a_stand_in_is_a_whole_document() -> None:
    assert GOOD_LINEAR["stand_ins"] == [NESTED, None]
    assert loads(json.dumps(GOOD_LINEAR["stand_ins"][0])) == STAND_IN


def test_a_model_that_comes_back_answers_to_the_last_bit() -> None:
    given_answers = {"loud": [0.3, None]}
    for model in (LINEAR, TREE):
        texts = ["a great bargain", "nothing"]
        assert loads(dumps(model)).decision_function(texts, given_answers) == model.decision_function(
            texts, given_answers
        )


@pytest.mark.parametrize("name", sorted(GOOD_LINEAR))
def test_a_missing_field_of_a_linear_model_is_refused(name: str) -> None:
    refuse({key: value for key, value in GOOD_LINEAR.items() if key != name})


@pytest.mark.parametrize("name", sorted(GOOD_TREE))
def test_a_missing_field_of_a_tree_is_refused(name: str) -> None:
    refuse({key: value for key, value in GOOD_TREE.items() if key != name})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surprise": 1}, "not known here: 'surprise'"),
        ({"questions": ["Is it?", "Is it?"]}, "questions holds entries of type str"),
        ({"questions": GOOD_LINEAR["questions"][:1]}, "means has 2 entries where 1 belong"),
        ({"questions": GOOD_LINEAR["questions"][:1] * 2}, "the same id"),
        ({"questions": [{"id": "cheap"}, {"id": "loud"}]}, "fields are missing: counts"),
        ({"means": [0.5, None]}, "means holds entries of type NoneType"),
        ({"means": [0.5, 2]}, "from 0 to 1"),
        ({"stand_ins": [NESTED]}, "stand_ins has 1 entries where 2 belong"),
        ({"stand_ins": [NESTED, 3]}, "stand_ins holds entries of type int"),
        ({"stand_ins": [{}, None]}, "not an interpllm model"),
        ({"stand_ins": [{**NESTED, "version": 2}, None]}, "version 2"),
        ({"stand_ins": [{**NESTED, "kind": "concept_tree"}, None]}, "kind 'concept_tree' are not known here"),
        ({"stand_ins": [{**NESTED, "surprise": 1}, None]}, "not known here: 'surprise'"),
        ({"stand_ins": [{**NESTED, "classes": [0, 1]}, None]}, r"classes \(False, True\)"),
        ({"stand_ins": [{**NESTED, "phrases": ["Not found"]}, None]}, "found in no text"),
        ({"residual": {}}, "not an interpllm model"),
        ({"residual": NESTED}, "predicts something else"),
        ({"intercept": []}, "there is no output"),
        ({"intercept": ["x"]}, "intercept holds entries of type str"),
        ({"weights": []}, "weights has 0 entries where 1 belong"),
        ({"weights": [[1.0]]}, "weights has 1 entries where 2 belong"),
        ({"weights": [[1.0, True]]}, "weights holds entries of type bool"),
        (
            {"evidence": {"support": [0, 2], "precision": [None, 0.5]}},
            "fields are missing: examples, interval",
        ),
        (
            {
                "evidence": {
                    "support": [0, 9],
                    "precision": [None, 0.5],
                    "examples": [[], [1]],
                    "interval": [None, None],
                }
            },
            "does not fit n_rows=4",
        ),
    ],
)
def test_a_linear_model_that_is_wrong_in_one_place_is_refused(changes: dict[str, Any], message: str) -> None:
    refuse({**GOOD_LINEAR, **changes}, message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nodes": []}, "nodes is a list"),
        ({"nodes": {}}, "fields are missing"),
        ({"question": [0, None, 1, None]}, "nodes.question has 4 entries where 5 belong"),
        ({"question": [0.0, None, 1, None, None]}, "nodes.question holds entries of type float"),
        ({"question": [True, None, 1, None, None]}, "nodes.question holds entries of type bool"),
        ({"question": [7, None, 1, None, None]}, "which is not there"),
        ({"yes": [0, None, 3, None, None]}, "leads back"),
        ({"yes": [1, None, 10**15, None, None]}, "not a tree"),
        ({"value": [[0.5, 0.5]] * 4 + [0.5]}, "nodes.value holds entries of type float"),
        ({"value": [[0.5, 0.5]] * 4 + [[0.5, "x"]]}, "nodes.value holds entries of type str"),
        ({"value": [[0.5, 0.5]] * 4 + [[0.5, 0.6]]}, "not the shares"),
        ({"n_rows": [1, 1, 1, 1, -1]}, "n_rows of node 4"),
        ({name: [] for name in Node._fields}, "no node"),
    ],
)
def test_a_tree_that_is_wrong_in_one_place_is_refused(changes: dict[str, Any], message: str) -> None:
    nodes = changes["nodes"] if "nodes" in changes else {**GOOD_TREE["nodes"], **changes}
    refuse({**GOOD_TREE, "nodes": nodes}, message)


@pytest.mark.parametrize("good", [GOOD_LINEAR, GOOD_TREE], ids=["linear", "tree"])
def test_a_random_value_in_any_field_is_a_model_or_a_document_error(good: dict[str, Any]) -> None:
    values = st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.integers(-3, 9),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(sorted(good)), inner),
        max_leaves=8,
    )

    @some
    @given(st.sampled_from(sorted(good)), values)
    def read(name: str, value: Any) -> None:
        with contextlib.suppress(DocumentError):
            loads(json.dumps({**good, name: value}))

    read()
