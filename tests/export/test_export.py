"""Exports answer as the model does, or are not written."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import concept_linears, concept_trees, models_and_texts, some
from random_models import texts as random_texts

from interpllm.errors import ExportError, InputError
from interpllm.export import check, export, to_json, to_python
from interpllm.export.check import Request
from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel, Node, Question, dumps, load


def model(**changes: Any) -> LinearModel:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "ngram_range": (1, 2),
        "norm": "sqrt",
        "intercept": (-0.5,),
        "weights": {"great": (2.0,), "not great": (-3.0,), "i\u0307yi": (1.0,)},
    }
    return LinearModel(**{**parts, **changes})


THREE = {"classes": ("a", "b", "c"), "intercept": (0.1, 0.2, 0.3), "weights": {"great": (1.0, -2.0, 0.5)}}
REGRESSION = {"task": "regression", "classes": ()}


def run(path: Path, given_text: str = "", *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *flags, str(path)],
        input=given_text,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


# --- what is written ----------------------------------------------------------------------------------------


def test_json_is_the_document(tmp_path: Path) -> None:
    path = export(model(), tmp_path / "model.json")
    assert path.read_text(encoding="utf-8") == dumps(model())
    assert load(path) == model()


def test_python_predicts_a_line_a_text_without_anything_installed(tmp_path: Path) -> None:
    path = export(model(), tmp_path / "model.py")
    done = run(path, "Great!\nnot great\n\n\u0130yi\n", "-I", "-S", "-W", "error")
    assert (done.stdout, done.stderr) == ("good\nbad\nbad\ngood\n", "")


def test_python_reads_a_last_line_without_its_end_and_windows_ends(tmp_path: Path) -> None:
    path = export(model(), tmp_path / "model.py")
    assert run(path, "great\r\ngreat").stdout == "good\ngood\n"


def test_python_imports_only_the_standard_library(tmp_path: Path) -> None:
    tree = ast.parse(export(model(), tmp_path / "model.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_python_lists_the_table_strongest_first(tmp_path: Path) -> None:
    source = export(model(), tmp_path / "model.py").read_text(encoding="utf-8")
    assert '\nTABLE = """\n-3.0\tnot great\n2.0\tgreat\n1.0\ti\u0307yi\n"""\n' in source


def test_python_of_a_regression_prints_values_and_has_no_probabilities(tmp_path: Path) -> None:
    path = export(model(**REGRESSION, norm="none"), tmp_path / "model.py")
    assert run(path, "great\n").stdout == "1.5\n"
    with pytest.raises(ValueError, match="no probabilities"):
        verbs(path)["predict_proba"](["great"])


def test_python_refuses_one_text_in_place_of_a_list(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="put it in a list"):
        verbs(export(model(), tmp_path / "model.py"))["predict"]("great")


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (export(model(), tmp_path / folder).read_bytes() for folder in ("model.py", "model.py"))
    assert first == second


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": ('"""\nimport os\n', "\\'good\x00\r\n")},
        {"target": '"""\nraise SystemExit(3)\n"""'},
        {"meta": {"note": '"""\nraise SystemExit(3)'}},
        {"classes": (0, 1)},
        {"classes": (False, True)},
        {"classes": (0.5, 1e-300)},
        {"weights": {}},
        THREE,
        REGRESSION,
    ],
)
@pytest.mark.parametrize("name", ["model.json", "model.py"])
def test_any_model_can_be_exported(changes: dict[str, Any], name: str, tmp_path: Path) -> None:
    assert export(model(**changes), tmp_path / name).is_file()


def verbs(path: Path) -> dict[str, Any]:
    source = path.read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": "exported"}
    exec(compile(source, str(path), "exec"), names)
    return names


@some
@given(models_and_texts())
def test_python_answers_as_the_model_does(drawn: tuple[LinearModel, list[str]]) -> None:
    fitted, texts = drawn
    names: dict[str, Any] = {"__name__": "exported"}
    exec(to_python.render(fitted, Request()), names)
    assert names["decision_function"](texts) == fitted.decision_function(texts)
    assert names["predict"](texts) == fitted.predict(texts)
    if fitted.classes:
        assert names["predict_proba"](texts) == fitted.predict_proba(texts)


@settings(some, max_examples=5)
@given(models_and_texts())
def test_a_random_model_passes_its_own_trial_in_a_bare_interpreter(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[LinearModel, list[str]]
) -> None:
    fitted, texts = drawn
    assert export(fitted, tmp_path_factory.mktemp("export") / "model.py", sample=texts).is_file()


# --- formats and paths --------------------------------------------------------------------------------------


def test_format_overrides_the_suffix(tmp_path: Path) -> None:
    assert load(export(model(), tmp_path / "model.txt", format="json")) == model()


@pytest.mark.parametrize(("name", "format"), [("model", None), ("model.pkl", None), ("model.json", "pickle")])
def test_an_unknown_format_is_refused_with_the_known_ones(
    name: str, format: str | None, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"\.json, \.py"):
        export(model(), tmp_path / name, format=format)


def test_a_sample_row_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1 is not a text"):
        export(model(), tmp_path / "model.json", sample=["fine", None])  # type: ignore[list-item]


# --- the trial ----------------------------------------------------------------------------------------------


def tampered(monkeypatch: pytest.MonkeyPatch, module: ModuleType, old: str, new: str) -> None:
    """Let a renderer write something else than it should."""
    render = module.render

    def wrong(*arguments: Any) -> str:
        source = render(*arguments)
        assert old in source
        return source.replace(old, new)

    monkeypatch.setattr(module, "render", wrong)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2.0\tgreat", "2.00001\tgreat", "scores"),
        ("-3.0\tnot great\n", "", "scores"),
        ("INTERCEPT = (-0.5,)", "INTERCEPT = (-0.5000001,)", "scores"),
        ("('bad', 'good')", "('good', 'bad')", "predictions"),
        ("('bad', 'good')", "('bad', 'Good')", "predictions"),
        ("odds / (1.0 + odds)", "odds / (2.0 + odds)", "probabilities"),
        ("import re\n", "import re\nimport numpy\n", "No module named 'numpy'"),
        ("import re\n", "import re\nimport interpllm\n", "No module named 'interpllm'"),
        ("import re\n", "import re, sys\nsys.exit(3)\n", "does not run"),
        ("import re\n", "import re\nprint('hello')\n", "writes what it should not"),
        ('.rstrip("\\r\\n")', '.rstrip("\\r\\n")[1:]', "from the command line"),
    ],
)
def test_a_python_export_that_differs_is_not_written(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered(monkeypatch, to_python, old, new)
    with pytest.raises(ExportError, match=message):
        export(model(), tmp_path / "model.py")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("[[2.0,", "[[2.00001,", "scores"), ('["bad","good"]', '["good","bad"]', "predictions")],
)
def test_a_json_export_that_differs_is_not_written(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered(monkeypatch, to_json, old, new)
    with pytest.raises(ExportError, match=message):
        export(model(), tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = export(model(), tmp_path / "model.py")
    before = path.read_bytes()
    tampered(monkeypatch, to_python, "2.0\tgreat", "9.0\tgreat")
    with pytest.raises(ExportError):
        export(model(), path)
    assert path.read_bytes() == before


def test_every_phrase_is_tried() -> None:
    fitted = model(weights={f"w{i}": (float(i),) for i in range(50)})
    trial = check.trial_rows(fitted, ["mine"])
    assert trial[0] == "mine"
    assert set(" ".join(trial[1:]).split()) >= set(fitted.weights)


def test_a_difference_within_the_tolerance_is_none() -> None:
    mine = check.Answers([1.0], [[0.5, 0.5]], ["a"])
    check.compare(mine, check.Answers([1.0 + 1e-10], [[0.5, 0.5 + 1e-10]], ["a"]), ["text"])


@pytest.mark.parametrize(
    ("mine", "theirs", "same"),
    [(0.0, 1e-12, True), (0.0, 0.0, False), ([0.5, 0.5, 0.1], [0.5, 0.5 + 1e-12, 0.1], True)],
)
def test_another_label_is_none_only_where_rounding_decides(mine: Any, theirs: Any, same: bool) -> None:
    expected, got = check.Answers([mine], [[0.5, 0.5]], ["a"]), check.Answers([theirs], [[0.5, 0.5]], ["b"])
    if same:
        check.compare(expected, got, ["text"])
    else:
        with pytest.raises(ExportError, match="predictions"):
            check.compare(expected, got, ["text"])


@pytest.mark.parametrize(
    "theirs",
    [
        check.Answers([1.0 + 1e-8], [[0.5, 0.5]], [1]),
        check.Answers([1.0], [[0.5, 0.5 + 1e-8]], [1]),
        check.Answers([1.0], [[0.5, 0.5, 0.0]], [1]),
        check.Answers([1.0], [[0.5, 0.5]], [2]),
        check.Answers([1.0], [[0.5, 0.5]], [True]),
        check.Answers([1.0], [[0.5, 0.5]], [1.0]),
        check.Answers([[1.0]], [[0.5, 0.5]], [1]),
        check.Answers([], [], []),
    ],
)
def test_a_difference_above_the_tolerance_or_another_label_is_one(theirs: check.Answers) -> None:
    with pytest.raises(ExportError, match="nothing was written"):
        check.compare(check.Answers([1.0], [[0.5, 0.5]], [1]), theirs, ["text"])


# --- models of questions ------------------------------------------------------------------------------------


STAND_IN = LinearModel(
    task="classification", classes=(False, True), intercept=(-1.0,), weights={"bargain": (3.0,)}
)
PARTS: dict[str, Any] = {
    "task": "classification",
    "classes": ("bad", "good"),
    "questions": (Question("cheap", "Is it cheap?"), Question("loud", 'Is it \'loud\', """ or \\\\?')),
    "means": (0.25, 0.75),
    "stand_ins": {"cheap": STAND_IN, "loud": STAND_IN},
}


def concept_linear(**changes: Any) -> ConceptLinear:
    parts = {**PARTS, "intercept": (-1.0,), "weights": ((3.0,), (-0.5,)), "residual": model(), **changes}
    return ConceptLinear(**parts)


def concept_tree(**changes: Any) -> ConceptTree:
    leaves = [Node(None, None, None, shares, 1) for shares in ((0.0, 1.0), (1.0, 0.0), (0.25, 0.75))]
    nodes = [Node(0, 1, 2, (0.5, 0.5), 3), leaves[0], Node(1, 3, 4, (0.6, 0.4), 2), *leaves[1:]]
    return ConceptTree(**{**PARTS, "nodes": nodes, **changes})


BOTH = pytest.mark.parametrize("make", [concept_linear, concept_tree])


@BOTH
def test_json_of_a_model_of_questions_is_the_document(make: Any, tmp_path: Path) -> None:
    assert load(export(make(), tmp_path / "model.json")) == make()


@BOTH
def test_python_of_questions_predicts_without_anything_installed(make: Any, tmp_path: Path) -> None:
    path = export(make(), tmp_path / "model.py")
    done = run(path, "a bargain\nnothing\n", "-I", "-S", "-W", "error")
    expected = "".join(f"{label}\n" for label in make().predict(["a bargain", "nothing"]))
    assert (done.stdout, done.stderr) == (expected, "")


@BOTH
def test_python_tells_the_questions(make: Any, tmp_path: Path) -> None:
    told = verbs(export(make(), tmp_path / "model.py"))["QUESTIONS"]
    assert told == [(question.id, question.text) for question in make().questions]


@BOTH
def test_python_of_a_model_that_needs_a_language_model_is_refused(make: Any, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"cheap 'Is it cheap\?'. Distil"):
        export(make(stand_ins={"loud": STAND_IN}), tmp_path / "model.py")
    assert list(tmp_path.iterdir()) == []


@BOTH
def test_json_of_a_model_that_needs_a_language_model_is_tried_with_answers(make: Any, tmp_path: Path) -> None:
    fitted = make(stand_ins={"loud": STAND_IN})
    assert load(export(fitted, tmp_path / "model.json")) == fitted


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (concept_linear, '"means": [0.25', '"means": [0.26'),
        (concept_tree, '"value":[[0.5,0.5],[0.0,1.0]', '"value":[[0.5,0.5],[0.1,0.9]'),
    ],
)
def test_a_json_export_that_differs_in_given_answers_is_not_written(
    make: Any, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered(monkeypatch, to_json, old, new)
    with pytest.raises(ExportError, match="scores"):
        export(make(stand_ins={}), tmp_path / "model.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "old", "new"),
    [
        (concept_linear, "WEIGHTS = ((3.0,)", "WEIGHTS = ((3.1,)"),
        (concept_linear, "3.0\tbargain", "3.1\tbargain"),
        (concept_linear, "2.0\tgreat", "2.1\tgreat"),
        (concept_tree, "question=1, yes=3, no=4", "question=1, yes=4, no=3"),
        (concept_tree, "3.0\tbargain", "0.5\tbargain"),
    ],
)
def test_a_python_export_of_questions_that_differs_is_not_written(
    make: Any, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tampered(monkeypatch, to_python, old, new)
    with pytest.raises(ExportError, match="scores"):
        export(make(), tmp_path / "model.py")
    assert list(tmp_path.iterdir()) == []


def test_every_phrase_of_stand_ins_and_residual_is_tried() -> None:
    assert set(" ".join(check.trial_texts(concept_linear())).split()) >= {"bargain", "great"}


@settings(some, max_examples=4)
@given(concept_linears(all_answered=True) | concept_trees(all_answered=True))
def test_random_questions_pass_their_own_trial_in_a_bare_interpreter(
    tmp_path_factory: pytest.TempPathFactory, fitted: ConceptLinear | ConceptTree
) -> None:
    assert export(fitted, tmp_path_factory.mktemp("export") / "model.py").is_file()


@settings(some, max_examples=20)
@given(concept_linears(all_answered=True) | concept_trees(all_answered=True), st.data())
def test_python_of_questions_answers_as_the_model_does(
    fitted: ConceptLinear | ConceptTree, data: st.DataObject
) -> None:
    phrases = [phrase for table in check.tables(fitted) for phrase in table.weights]
    texts = [data.draw(random_texts), " ".join(phrases[:8]), *phrases[:3]]
    names: dict[str, Any] = {"__name__": "exported"}
    exec(to_python.render(fitted, Request()), names)
    assert names["decision_function"](texts) == fitted.decision_function(texts)
    assert names["predict"](texts) == fitted.predict(texts)
    if fitted.classes:
        assert names["predict_proba"](texts) == fitted.predict_proba(texts)
