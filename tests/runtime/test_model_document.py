"""Documents come back as they were, have stable bytes, and are written whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from random_models import any_model, concept_linears, concept_trees, fewer, models, models_and_texts, some

from interpllm.errors import InputError
from interpllm.runtime import LinearModel, Model, dumps, load, loads, save
from interpllm.runtime.envelope import write_atomically

MODEL = LinearModel(
    task="classification",
    target="tone",
    classes=("schlecht", "gut"),
    ngram_range=(1, 2),
    intercept=(0.1,),
    weights={"sch\u00f6n": (1.5,), "nicht sch\u00f6n": (-3,)},
    evidence={"sch\u00f6n": (2, 0.5, (1,))},
    n_rows=4,
    base=(0.25, 0.75),
    meta={"made": {"by": ["a", "fit"]}},
)

TEXT = """{
"base": [0.25,0.75],
"classes": ["schlecht","gut"],
"evidence": {"examples":[[],[1]],"interval":[null,null],"precision":[null,0.5],"support":[0,2]},
"format": "interpllm",
"intercept": [0.1],
"kind": "linear",
"meta": {"made":{"by":["a","fit"]}},
"n_rows": 4,
"ngram_range": [1,2],
"norm": "none",
"phrases": ["nicht sch\u00f6n","sch\u00f6n"],
"target": "tone",
"task": "classification",
"version": 1,
"weights": [[-3.0,1.5]]
}
"""


def test_a_document_is_one_sorted_field_a_line() -> None:
    assert dumps(MODEL) == TEXT


@some
@given(any_model)
def test_a_model_comes_back_equal(model: Model) -> None:
    assert loads(dumps(model)) == model


@some
@given(any_model)
def test_a_document_comes_back_to_the_same_bytes(model: Model) -> None:
    assert dumps(loads(dumps(model))) == dumps(model)


@pytest.mark.parametrize(
    ("kind", "drawn"),
    [("linear", models()), ("concept_linear", concept_linears()), ("concept_tree", concept_trees())],
)
def test_a_document_is_utf8_json_that_any_reader_can_read(kind: str, drawn: Any) -> None:
    @fewer
    @given(drawn)
    def read(model: Model) -> None:
        assert json.loads(dumps(model).encode())["kind"] == kind

    read()


@some
@given(models_and_texts())
def test_a_model_that_comes_back_scores_to_the_last_bit(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    assert loads(dumps(model)).decision_function(texts) == model.decision_function(texts)


def test_labels_keep_their_type() -> None:
    classes = [1, 2.0, "3", False]
    parts = {"task": "classification", "classes": classes, "intercept": [0.0] * 4, "weights": {}}
    found = loads(dumps(LinearModel(**parts))).classes
    assert [(type(label), label) for label in found] == [(type(label), label) for label in classes]


def test_the_order_of_the_table_does_not_show() -> None:
    parts = {"task": "regression", "intercept": (0.0,)}
    forward = LinearModel(**parts, weights={"a": (1.0,), "b": (2.0,)})
    assert dumps(forward) == dumps(LinearModel(**parts, weights={"b": (2.0,), "a": (1.0,)}))


def test_the_hash_seed_does_not_show() -> None:
    program = (
        "from interpllm.runtime import *\n"
        "weights = {word: (.1 * i,) for i, word in enumerate('abcdefgh')}\n"
        "m = LinearModel(task='regression', intercept=(.1,), weights=weights)\n"
        "print(dumps(m), m.decision_function(['h g f e d c b a']))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


def test_saved_and_loaded(tmp_path: Path) -> None:
    path = save(MODEL, tmp_path / "model.json")
    assert path.read_text(encoding="utf-8") == TEXT
    assert load(path) == MODEL


def test_only_models_can_be_saved() -> None:
    with pytest.raises(InputError, match="a dict cannot be saved"):
        dumps({"weights": {}})  # type: ignore[arg-type]


# --- writing ------------------------------------------------------------------------------------------------


def test_saving_replaces_the_old_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("old")
    save(MODEL, tmp_path / "model.json")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [
        ("model.json", TEXT)
    ]


def test_a_file_that_is_not_accepted_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_text("old")

    def refuse(written: Path) -> None:
        assert written.read_bytes() == b"new"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new", refuse)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("model.json", "old")]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    save(MODEL, tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert load(tmp_path / "real.json") == MODEL


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    assert save(MODEL, tmp_path / "m.json").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("path", [".", os.devnull])
def test_what_is_no_file_is_not_replaced(path: str) -> None:
    with pytest.raises(InputError, match="not a file"):
        save(MODEL, path)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere does not exist; create it"):
        save(MODEL, tmp_path / "nowhere" / "model.json")
