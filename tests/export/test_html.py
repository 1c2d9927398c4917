"""A page answers as the model does, colours the words that made it, and takes nothing for markup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from interpllm.errors import ExportError
from interpllm.export import export, node, to_html
from interpllm.export.check import Request
from tests.export.test_javascript import evaluate
from tests.export.test_sql import LIST, REGRESSION, ROWS, SET, THREE, TREE, linear
from tests.random_rows import HOSTILE

pytestmark = pytest.mark.skipif(node.find_node() is None, reason="Node.js is not installed")


def script(fitted: Any) -> str:
    return to_html.script_of(to_html.render(fitted, Request("page.html")))


@pytest.mark.parametrize("fitted", [linear(), linear(**THREE), linear(**REGRESSION), *ROWS])
def test_pages_answer_alike(fitted: Any, tmp_path: Path) -> None:
    assert export(fitted, tmp_path / "page.html").is_file()


@pytest.mark.parametrize("hostile", [*HOSTILE, "<!--", "<img src=x onerror=alert(1)>", "{{script}}"])
def test_hostile_strings_are_data(hostile: str, tmp_path: Path) -> None:
    fitted = linear(classes=(hostile, "other"), target=hostile)
    page = export(fitted, tmp_path / "page.html", sample=[hostile]).read_text(encoding="utf-8")
    assert page.lower().count("</script") == 1
    assert "<img" not in page
    assert "\u202e" not in page


def test_a_page_loads_nothing(tmp_path: Path) -> None:
    page = export(linear(), tmp_path / "page.html").read_text(encoding="utf-8")
    assert "default-src 'none'" in page
    assert not any(word in page for word in ("http:", "https:", "src=", "@import", "innerHTML", "fetch("))


def test_words_are_coloured_by_what_they_add() -> None:
    text = "Not great, GREAT!"
    stretches = evaluate(script(linear(norm="none")), "m.coloured(x, m.explain(x))", text)
    assert [(s["text"], s["adds"]) for s in stretches] == [
        ("Not ", -3.0), ("great", -1.0), (", ", 0), ("GREAT", 2.0), ("!", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fitted", "row", "reasons"),
    [
        (LIST, {"age": 4, "x": 0}, ["age > 3 and age < 5"]),
        (LIST, {"age": None, "x": 0}, ["x >= -1"]),
        (
            SET,
            {"age": 1, "ok": True, "note": "good"},
            ["ok is true", '"good"', "age = 1"],
        ),
        (TREE, {"age": None, "Colour": "red", "note": ""}, ["age <= 0.1 (missing)"]),
    ],
)
def test_reasons_are_the_conditions_that_decided(fitted: Any, row: Any, reasons: list[str]) -> None:
    told = [reason["name"] for reason in evaluate(script(fitted), "m.explain(x)", row)]
    assert set(reasons) <= set(told)


def test_a_script_that_ends_early_is_refused() -> None:
    page = to_html.render(linear(), Request("page.html"))
    with pytest.raises(ExportError, match="ends the page's script early"):
        to_html.script_of(page.replace("// The page.", "// </script>"))
