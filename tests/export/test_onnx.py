"""A graph answers as the model does, in onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interpllm.errors import ExportError
from interpllm.export import export, to_onnx
from interpllm.export.check import Request
from interpllm.runtime import Compares, RuleListModel
from tests.export.test_sql import LIST, REGRESSION, ROWS, THREE, TREE, linear, tame
from tests.random_models import concept_linears, concept_trees, models, some
from tests.random_rows import HOSTILE, row_models, rows_for

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("changes", [{}, THREE, REGRESSION, {"weights": {}}, {"classes": (False, True)}])
def test_tables_of_n_grams_answer_alike(changes: dict[str, Any], tmp_path: Path) -> None:
    assert export(linear(**changes), tmp_path / "model.onnx").is_file()


@pytest.mark.parametrize("fitted", ROWS, ids=["tree", "list", "set"])
def test_trees_and_rules_answer_alike(fitted: Any, tmp_path: Path) -> None:
    assert export(fitted, tmp_path / "model.onnx").is_file()


@settings(some, max_examples=30)
@given(
    st.one_of(
        models(), concept_linears(all_answered=True), concept_trees(all_answered=True),
        row_models(questions=False),
    ),
    st.data(),
)  # fmt: skip
def test_random_models_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, fitted: Any, data: st.DataObject
) -> None:
    assume(tame(fitted))
    assume(not any("\x00" in str(label) for label in fitted.classes))
    rows = data.draw(rows_for(fitted)) if getattr(fitted, "columns", None) else []
    assert export(fitted, tmp_path_factory.mktemp("export") / "model.onnx", sample=rows).is_file()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_strings_are_data(hostile: str, tmp_path: Path) -> None:
    path = export(linear(classes=(hostile, "other")), tmp_path / "model.onnx", sample=[hostile])
    props = {prop.key: prop.value for prop in onnx.load(str(path)).metadata_props}
    assert json.loads(props["classes"]) == [hostile, "other"]


def test_the_features_are_named_in_the_file(tmp_path: Path) -> None:
    props = {p.key: p.value for p in onnx.load(str(export(TREE, tmp_path / "m.onnx"))).metadata_props}
    assert json.loads(props["features"]) == to_onnx.feature_names(TREE)
    assert to_onnx.feature_names(TREE) == [
        "mentions: not good", "mentions: bad", "value of: good", "column: age",
        'is: Colour in ["red", "it\'s"]',
    ]  # fmt: skip


def test_features_are_what_the_rows_have() -> None:
    row = {"age": None, "Colour": "red", "note": "Not good"}
    found = to_onnx.features(TREE, [row])[0]
    assert found[:3] == [1.0, 0.0, 1.0]
    assert found[3] != found[3]  # missing
    assert found[4] == 1.0


@pytest.mark.parametrize(
    ("fitted", "change", "message"),
    [
        (linear(), lambda: linear(intercept=(-0.5000001,)), "scores"),
        (linear(), lambda: linear(classes=("bad", "Good")), "predictions"),
        (LIST, lambda: _later(), "scores"),
    ],
)
def test_a_graph_that_differs_is_not_written(
    fitted: Any,
    change: Any,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = to_onnx.render(change(), Request())
    monkeypatch.setattr(to_onnx, "render", lambda *_: other)
    with pytest.raises(ExportError, match=message):
        export(fitted, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def _later() -> RuleListModel:
    first, second = LIST.clauses
    changed = second._replace(conditions=(Compares("x", ">", -1.0),))
    return RuleListModel(task="regression", link="identity", clauses=(first, changed), otherwise=(0.25,))


def test_classes_of_two_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="by strings"):
        export(linear(classes=("a", 1)), tmp_path / "m.onnx")
