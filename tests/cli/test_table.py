"""Rows in and out: each format says the same, and what is wrong is named by its line."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from interpllm.cli.table import Table, read, typed, write_csv, write_jsonl
from interpllm.errors import InputError

TEXTS = ["plain", 'with "quotes", commas', "two\nlines", "café 𝄞 İ", ""]
LABELS = ["a", "b", "a", "b", "a"]


def as_csv() -> bytes:
    stream = io.StringIO(newline="")
    write_csv(stream, {"text": TEXTS, "label": LABELS})
    return stream.getvalue().encode()


def as_jsonl() -> bytes:
    stream = io.StringIO()
    write_jsonl(stream, ({"text": t, "label": y} for t, y in zip(TEXTS, LABELS, strict=True)))
    return stream.getvalue().encode()


def as_parquet() -> bytes:
    import pandas as pd

    stream = io.BytesIO()
    pd.DataFrame({"text": TEXTS, "label": LABELS}).to_parquet(stream)
    return stream.getvalue()


ALL = pytest.mark.parametrize(
    ("suffix", "data"),
    [(".csv", as_csv()), (".jsonl", as_jsonl()), (".parquet", as_parquet())],
    ids=["csv", "jsonl", "parquet"],
)


@ALL
def test_each_format_reads_the_same_rows(suffix: str, data: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(data)
    assert read(str(path)).columns == {"text": TEXTS, "label": LABELS}


@ALL
def test_standard_input_is_known_by_its_bytes(
    suffix: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read("-").columns == {"text": TEXTS, "label": LABELS}


def test_utf8_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    path.write_bytes(b"\xef\xbb\xbftext\r\nhello\r\n")
    assert read(str(path)).columns == {"text": ["hello"]}


def test_long_text_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("text\n" + "word " * 100_000)
    assert len(read(str(path)).texts(None)[0]) == 500_000


def test_line_separator_inside_a_json_text_does_not_cut_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "one\u2028two"}\n', encoding="utf-8")
    assert read(str(path)).texts(None) == ["one\u2028two"]


def test_lines_of_a_text_file_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\n\ntwo")
    assert read(str(path)).texts(None) == ["one", "", "two"]


def test_json_rows_may_leave_values_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "x"}\n{"label": "b", "text": "y"}\n')
    assert read(str(path)).columns == {"text": ["x", "y"], "label": [None, "b"]}


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"text,text\nx,y\n", "two columns named 'text'"),
        ("a.csv", b"text,label\nok,a\none, two,b\n", "line 3: 3 values for 2 columns"),
        ("a.csv", b'text\n"open', "not CSV"),
        ("a.csv", b"text;label\ngreat;good\n", "separated by semicolons; save the file with commas"),
        ("a.csv", b"text\tlabel\ngreat\tgood\n", "separated by tabs; save the file with commas"),
        ("a.csv", b"text\nok\ncaf\xe9\n", "line 3: not UTF-8"),
        ("a.jsonl", b'{"text": "x"}\n{oops\n', "line 2: not JSON"),
        ("a.jsonl", b'["x"]\n', "line 1: not a JSON object"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.parquet", b"PAR1 no", "not a Parquet file"),
        ("a.xlsx", b"PK", "unknown suffix"),
    ],
)
def test_damaged_file_is_refused_with_the_place(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=said):
        read(str(path))


def test_missing_file_is_refused() -> None:
    with pytest.raises(InputError, match=r"there is no file nowhere\.csv"):
        read("nowhere.csv")


def test_missing_column_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no column 'text'; choose one with --text \(its columns: a, b\)"):
        Table("x.csv", {"a": ["1"], "b": ["2"]}).texts(None)


def test_semicolons_and_tabs_below_the_header_are_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("review\ngood; cheap\ta lot\n")
    assert read(str(path)).texts(None) == ["good; cheap\ta lot"]


def test_only_column_is_the_text() -> None:
    assert Table("x.csv", {"review": ["fine"]}).texts(None) == ["fine"]


@pytest.mark.parametrize("text", [None, 3, 2.5])
def test_row_without_text_is_named(text: object) -> None:
    with pytest.raises(InputError, match="row 2"):
        Table("x.csv", {"text": ["fine", text]}).texts(None)


@pytest.mark.parametrize("label", [None, "", float("nan")])
def test_row_without_label_is_named(label: object) -> None:
    with pytest.raises(InputError, match="row 2"):
        Table("x.csv", {"label": ["a", label]}).labels(None)


@pytest.mark.parametrize("labels", [["1", "1e999"], [1, float("inf")], [1.5, float("-inf")], [1, 10**400]])
def test_label_beyond_the_range_of_numbers_is_named(labels: list[object]) -> None:
    with pytest.raises(InputError, match=r"row 2.*'label' is infinite or beyond the range"):
        Table("x.csv", {"label": labels}).labels(None)


def test_column_of_overlong_digits_stays_text() -> None:
    assert typed(["1", "9" * 5000]) == ["1", "9" * 5000]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (["0", "1"], [0, 1]),
        (["1.5", "-2"], [1.5, -2]),
        (["007", "1"], ["007", "1"]),
        (["nan", "1"], ["nan", "1"]),
        (["1", "9" * 5000], ["1", "9" * 5000]),
        (["1e999", "x"], ["1e999", "x"]),
        (["1", "x"], ["1", "x"]),
        ([True, False], [True, False]),
    ],
)
def test_labels_are_numbers_only_where_all_are(written: list[object], read_as: list[object]) -> None:
    labels = Table("x.csv", {"label": written}).labels(None)
    assert [(type(label), label) for label in labels] == [(type(label), label) for label in read_as]


@pytest.mark.parametrize(("label", "shown"), [("cheap", "'cheap'"), ("nan", "'nan'"), ("9" * 5000, "'9{79}")])
def test_label_that_is_no_number_is_named(label: str, shown: str) -> None:
    with pytest.raises(InputError, match=f"row 2.*label {shown} is not a number"):
        Table("x.csv", {"label": ["1.5", label]}).numbers(None)
