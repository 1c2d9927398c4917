"""A query answers as the model does, in SQLite and in DuckDB; other dialects are parsed."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from interpllm.errors import ExportError, InputError
from interpllm.export import export, to_sql
from interpllm.export.check import Request
from interpllm.export.to_sql import DIALECTS
from interpllm.runtime import (
    Branch,
    Clause,
    Compares,
    Is,
    Lexicon,
    LinearModel,
    RuleListModel,
    RuleSetModel,
    Slope,
    TermCompares,
    TreeModel,
    Vectorizer,
    dumps,
)
from interpllm.runtime.tokens import runs, words
from tests.random_models import concept_linears, concept_trees, models, some
from tests.random_models import texts as random_texts
from tests.random_rows import HOSTILE, row_models, rows_for

duckdb = pytest.importorskip("duckdb")

ENGINES = pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])


def linear(**changes: Any) -> LinearModel:
    parts: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "ngram_range": (1, 2),
        "norm": "sqrt",
        "intercept": (-0.5,),
        "weights": {"great": (2.0,), "not great": (-3.0,), "don't": (1.0,), "\u03c3": (0.5,)},
    }
    return LinearModel(**{**parts, **changes})


THREE = {"classes": (1, 2, 3), "intercept": (0.1, 0.2, 0.3), "weights": {"great": (1.0, -2.0, 0.5)}}
REGRESSION = {"task": "regression", "classes": ()}


def leaf(*value: float) -> Branch:
    return Branch(None, None, None, value, 1)


TREE = TreeModel(
    task="classification", classes=(False, True), link="share", text="note",
    vectorizer=Vectorizer({"good": 1.5, "bad": 0.25}, "runs", (1, 2), ("the",), "log", "l2"),
    trees=(
        (
            Branch(Compares("age", "<=", 0.1), 1, 2, (0.5, 0.5), 9, "yes"),
            leaf(0.75, 0.25),
            Branch(Is("Colour", ("red", "it's")), 3, 4, (0.5, 0.5), 9, "no"),
            Branch(TermCompares("good", ">", 0.5), 5, 6, (0.5, 0.5), 9, "no"),
            leaf(0.0, 1.0),
            leaf(0.5, 0.5),
            Branch(Lexicon(("not good", "bad"), True), 7, 8, (0.5, 0.5), 9, "no"),
            leaf(1.0, 0.0),
            leaf(0.125, 0.875),
        ),
    ),
)  # fmt: skip
LIST = RuleListModel(
    task="regression", link="identity",
    clauses=(
        Clause((Compares("age", ">", 3.0), Compares("age", "<", 5.0)), (1.5,)),
        Clause((Compares("x", ">=", -1.0),), (2.5,)),
    ),
    otherwise=(0.25,),
)  # fmt: skip
SET = RuleSetModel(
    task="classification", classes=("a", "b"), link="clip",
    vectorizer=Vectorizer({"good": 1.5, "bad": 0.25}, "words", (1, 1), (), "count", "l1"),
    text="note", clauses=(Clause((Is("ok", (True,)),), (0.25,)), Clause((), (0.125,))),
    slopes=(Slope("age", 0.0, 2.0, 1.0, (0.125,)),), term_weights={"good": (0.5,)}, intercept=(0.1,),
)  # fmt: skip
ROWS = [TREE, LIST, SET]


def tame(fitted: Any) -> bool:
    """Whether sums that are rounded otherwise stay within the tolerance."""
    numbers = re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", dumps(fitted))
    return all(abs(float(number)) <= 1e5 for number in numbers)


@ENGINES
@pytest.mark.parametrize("changes", [{}, THREE, REGRESSION, {"weights": {}}, {"norm": "none"}])
def test_tables_of_n_grams_answer_alike(changes: dict[str, Any], dialect: str, tmp_path: Path) -> None:
    assert export(linear(**changes), tmp_path / "model.sql", dialect=dialect).is_file()


@ENGINES
@pytest.mark.parametrize("fitted", ROWS, ids=["tree", "list", "set"])
def test_trees_and_rules_answer_alike(fitted: Any, dialect: str, tmp_path: Path) -> None:
    assert export(fitted, tmp_path / "model.sql", dialect=dialect).is_file()


@ENGINES
@settings(some, max_examples=10)
@given(
    st.one_of(models(), concept_linears(all_answered=True), concept_trees(all_answered=True)),
    st.lists(random_texts, max_size=4),
)
def test_random_models_of_texts_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, dialect: str, fitted: Any, texts: list[str]
) -> None:
    assume(tame(fitted))
    path = tmp_path_factory.mktemp("export") / "model.sql"
    assert export(fitted, path, sample=texts, dialect=dialect).is_file()


@ENGINES
@settings(some, max_examples=20)
@given(row_models(questions=False), st.data())
def test_random_models_of_rows_answer_alike(
    tmp_path_factory: pytest.TempPathFactory, dialect: str, fitted: Any, data: st.DataObject
) -> None:
    assume(tame(fitted))
    path = tmp_path_factory.mktemp("export") / "model.sql"
    try:
        export(fitted, path, sample=data.draw(rows_for(fitted)), dialect=dialect)
    except ExportError as error:
        assert "of several kinds" in str(error)  # noqa: PT017  # a column of SQL has one


@ENGINES
@pytest.mark.parametrize("cut", ["words", "runs"])
def test_words_are_found_by_the_same_letters_in_every_place_of_unicode(cut: str, dialect: str) -> None:
    """Characters that Python's version of Unicode does not know yet, and NUL, are left out."""
    known = [chr(i) for i in range(1, 0x110000) if unicodedata.category(chr(i)) not in ("Cn", "Cs", "Co")]
    if dialect == "sqlite":  # all that are not of one script with thousands of letters
        known = [c for i, c in enumerate(known) if ord(c) < 0x3400 or i % 40 == 0]
    texts = [f"{c} a{c}b'{c}" for c in known]
    tables = ",\n".join(DIALECTS[dialect].words(cut, "found", "rows_", "number", "text"))
    query = f"{DIALECTS[dialect].opening} {tables} SELECT ipl_row, word FROM found ORDER BY ipl_row, place"
    if dialect == "sqlite":
        connection = sqlite3.connect(":memory:")
        connection.execute("CREATE TABLE rows_ (number INTEGER, text TEXT)")
        connection.executemany("INSERT INTO rows_ VALUES (?, ?)", enumerate(texts))
        rows = connection.execute(query).fetchall()
    else:
        connection = duckdb.connect()
        connection.execute("CREATE TABLE rows_ AS SELECT unnest(?) AS number, unnest(?) AS text",
                           [list(range(len(texts))), texts])  # fmt: skip
        rows = connection.execute(query).fetchall()
    got: list[list[str]] = [[] for _ in texts]
    for number, word in rows:
        got[number].append(word)
    expected = [(runs if cut == "runs" else words)(text) for text in texts]
    assert [text for text, a, b in zip(texts, expected, got, strict=True) if a != b] == []


@ENGINES
@pytest.mark.parametrize("hostile", [name for name in HOSTILE if name != "text"])
def test_hostile_strings_are_data(hostile: str, dialect: str, tmp_path: Path) -> None:
    plain = linear(classes=(hostile, "other"), target=hostile)
    path = tmp_path / "model.sql"
    assert export(plain, path, sample=[hostile], dialect=dialect, table=hostile.replace(".", "")).is_file()
    rules = RuleSetModel(
        task="classification", classes=("a", hostile), link="logit",
        clauses=(Clause((Is(hostile, (hostile,)),), (1.0,)),), intercept=(0.0,),
    )  # fmt: skip
    if (hostile, dialect) == ("true", "sqlite"):  # it loses columns of that name between tables of a query
        with pytest.raises(ExportError, match="no such column"):
            export(rules, path, dialect=dialect)
        return
    assert export(rules, path, sample=[{hostile: hostile}], dialect=dialect).is_file()


@ENGINES
def test_a_missing_text_has_no_prediction(dialect: str, tmp_path: Path) -> None:
    query = export(linear(), tmp_path / "model.sql", dialect=dialect).read_text(encoding="utf-8")
    connection: Any = sqlite3.connect(":memory:") if dialect == "sqlite" else duckdb.connect()
    connection.execute("CREATE TABLE texts (name VARCHAR, text VARCHAR)")
    connection.execute("INSERT INTO texts VALUES ('x', NULL), ('y', 'great')")
    rows = sorted(connection.execute(query).fetchall())
    assert rows[0] == ("x", None, 1, None, None, None, None)
    assert rows[1][:4] == ("y", "great", 2, "good")


@ENGINES
def test_table_text_and_id_are_as_named(dialect: str, tmp_path: Path) -> None:
    names = {"table": "main.Reviews 1", "text": "the body", "id": "key"}
    query = export(linear(), tmp_path / "m.sql", dialect=dialect, **names).read_text(encoding="utf-8")
    connection: Any = sqlite3.connect(":memory:") if dialect == "sqlite" else duckdb.connect()
    connection.execute('CREATE TABLE "Reviews 1" ("key" VARCHAR, "the body" VARCHAR)')
    connection.execute("""INSERT INTO "Reviews 1" VALUES ('k', 'great')""")
    assert connection.execute(query).fetchall()[0][:3] == ("k", "great", "good")


@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize("fitted", [linear(), linear(**THREE), linear(classes=("`'\\", '"x')), *ROWS])
def test_every_dialect_is_one_select(fitted: Any, dialect: str) -> None:
    sqlglot = pytest.importorskip("sqlglot")
    query = to_sql.render(fitted, Request("m.sql", dialect, "a.texts", "", "key"))
    parsed = sqlglot.parse(query, read=dialect)
    assert [type(statement).__name__ for statement in parsed if statement] == ["Select"]


@pytest.mark.parametrize("dialect", ["bigquery", "spark"])
def test_a_dialect_that_cannot_number_rows_needs_an_id(dialect: str) -> None:
    with pytest.raises(InputError, match="name a column that tells them apart"):
        to_sql.render(linear(), Request("m.sql", dialect))


def test_a_dialect_that_is_not_known_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dialect is one of sqlite, duckdb"):
        export(linear(), tmp_path / "m.sql", dialect="oracle")


def test_a_dialect_without_an_engine_here_is_written_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="untried"):
        assert export(linear(), tmp_path / "m.sql", dialect="postgres").is_file()


@pytest.mark.parametrize("classes", [("a", 1), (1, 2**60)])
def test_classes_that_no_column_holds_are_refused(classes: Any, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="strings"):
        export(linear(classes=classes), tmp_path / "m.sql")
    assert list(tmp_path.iterdir()) == []


@ENGINES
@pytest.mark.parametrize(
    ("fitted", "old", "new", "message"),
    [
        (linear(), "'great', 0, 2.0e0)", "'great', 0, 2.0000001e0)", "scores"),
        (linear(), "'good'", "'god'", "predictions"),
        (linear(), "score_0 > 0", "score_0 >= -9", "predictions"),
        (linear(), "sqrt(", "abs(", "scores"),
        (TREE, "<= 0.1e0", "< 0.1e0", "scores"),
        (TREE, "coalesce(c_0 <=", "(0=1 AND c_0 <=", "not run"),
        (LIST, "CASE WHEN c_0 > 3.0e0", "CASE WHEN c_0 >= 3.0e0", "scores"),
        (SET, "THEN 1.0e0 WHEN c_1 <", "THEN 1.5e0 WHEN c_1 <", "scores"),
    ],
)
def test_a_query_that_differs_is_not_written(
    fitted: Any,
    old: str,
    new: str,
    message: str,
    dialect: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = to_sql.render(fitted, Request("m.sql", dialect))
    assert old in query
    monkeypatch.setattr(to_sql, "render", lambda *_: query.replace(old, new))
    with pytest.raises(ExportError, match=message):
        export(fitted, tmp_path / "m.sql", dialect=dialect)
    assert list(tmp_path.iterdir()) == []
