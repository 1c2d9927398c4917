"""Rows of a file as columns, and columns back to a file, with the standard library (Parquet: pyarrow)."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from interpllm.errors import InputError, MissingExtraError

FORMATS = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "txt",
}
# Longer whole numbers are beyond a float's range: they are text.
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,299})(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_OTHER_MARKS = {";": "semicolons", "\t": "tabs"}  # that separate columns in what is called CSV, too
_LONGEST_FIELD = 2**31 - 1  # without it csv refuses texts over 128 kB


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and where they came from.

    Parameters
    ----------
    source : str
        What messages call it: the path, or "standard input".
    columns : dict of str to list
        Values by column name; a value that a row does not have is None.
    """

    source: str
    columns: dict[str, list[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, wanted: str | None, usual: str, option: str) -> str:
        """Name of the column that is meant.

        Parameters
        ----------
        wanted : str or None
            The name that was asked for.
        usual : str
            The name that is taken where none was asked for.
        option : str
            The option that asks for one, for the message.

        Raises
        ------
        InputError
            When there is no such column; the message lists those that there are.
        """
        if (wanted or usual) in self.columns:
            return wanted or usual
        listed = ", ".join(self.columns) or "none"
        hint = f"choose one with {option}" if wanted is None else f"{option} must be one of them"
        raise InputError(f"{self.source} has no column {wanted or usual!r}; {hint} (its columns: {listed}).")

    def texts(self, wanted: str | None) -> list[str]:
        """The text column; the only column is taken whatever its name is.

        Raises
        ------
        InputError
            When there is no such column, or no rows, or a row without text.
        """
        if wanted is None and len(self.columns) == 1:
            wanted = next(iter(self.columns))
        name = self.column(wanted, "text", "--text")
        if not len(self):
            raise InputError(f"{self.source} has no rows below its header.")
        for row, text in enumerate(self.columns[name], start=1):
            if not isinstance(text, str):
                what = "no text" if text is None else f"{type(text).__name__} instead of text"
                raise InputError(
                    f"{self.source}, row {row} (the first is 1): {what} in column {name!r}; mend or drop it."
                )
        return self.columns[name]

    def labels(self, wanted: str | None) -> list[Any]:
        """The label column; where every value is written as a number, as numbers (007 is no number).

        Raises
        ------
        InputError
            When there is no such column, or a row without label, or a number that is not finite.
        """
        name = self.column(wanted, "label", "--label")
        values = self.columns[name]
        for row, value in enumerate(values, start=1):
            if value is None or value == "" or value != value:
                raise InputError(
                    f"{self.source}, row {row} (the first is 1): no label in column {name!r}; fill it in or "
                    "drop the row."
                )
        if all(isinstance(value, str) and _NUMBER.fullmatch(value) for value in values):
            values = [json.loads(value) for value in values]
        for row, value in enumerate(values, start=1):
            if isinstance(value, (int, float)) and abs(value) > sys.float_info.max:
                raise InputError(
                    f"{self.source}, row {row} (the first is 1): the label in column {name!r} is infinite or "
                    "beyond the range of numbers; mend or drop it."
                )
        return values

    def numbers(self, wanted: str | None) -> list[float]:
        """The label column as numbers.

        Raises
        ------
        InputError
            When there is no such column, or a label is missing, not a number, or not finite.
        """
        numbers = []
        for row, value in enumerate(self.labels(wanted), start=1):
            try:
                number = float(value)
            except (TypeError, ValueError):
                number = math.nan
            if not math.isfinite(number):
                raise InputError(
                    f"{self.source}, row {row} (the first is 1): the label {value!r:.80} is not a number; "
                    "leave --regression out if the labels are classes."
                )
            numbers.append(number)
        return numbers


def typed(values: Sequence[Any]) -> list[Any]:
    """Values as numbers where all are written as such, as booleans likewise; an empty one is None."""
    known = [None if value is None or value == "" or value != value else value for value in values]
    written = [value for value in known if value is not None]
    if written and all(isinstance(value, str) for value in written):
        if all(_NUMBER.fullmatch(value) for value in written):
            return [None if value is None else json.loads(value) for value in known]
        if {value.lower() for value in written} <= {"true", "false"}:
            return [None if value is None else value.lower() == "true" for value in known]
    return known


def read(path: str, file_format: str | None = None) -> Table:
    """Read a table.

    Parameters
    ----------
    path : str
        A file, or "-" for standard input.
    file_format : {"csv", "jsonl", "parquet", "txt"} or None
        None goes by the suffix, and for standard input by the first bytes.

    Raises
    ------
    InputError
        When the file is not there, is not what its suffix says, or is empty.
    MissingExtraError
        For Parquet without pyarrow.
    """
    source = "standard input" if path == "-" else path
    if path == "-":
        data = sys.stdin.buffer.read()
    elif not Path(path).is_file():
        raise InputError(f"there is no file {path}; check the path, or give - to read standard input.")
    else:
        data = Path(path).read_bytes()
    file_format = file_format or (_sniffed(data) if path == "-" else FORMATS.get(Path(path).suffix.lower()))
    if file_format is None:
        raise InputError(f"{path}: unknown suffix; say what it is with --format csv|jsonl|parquet|txt.")
    if file_format == "parquet":
        return Table(source, _parquet(data, source))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{source}, line {line}: not UTF-8. Convert it first, for example: "
            "iconv -f latin1 -t utf-8 old.csv > new.csv"
        ) from error
    columns = {"csv": _csv, "jsonl": _jsonl, "txt": _txt}[file_format](text, source)
    return Table(source, columns)


def _sniffed(data: bytes) -> str:
    if data.startswith(b"PAR1"):
        return "parquet"
    return "jsonl" if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "csv"


def _csv(text: str, source: str) -> dict[str, list[Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = next((row for row in reader if row), None)
        if names is None:
            raise InputError(f"{source} is empty; a CSV file starts with a line of column names.")
        for mark, called in _OTHER_MARKS.items():
            if len(names) == 1 and mark in names[0]:
                raise InputError(
                    f"{source}: the columns seem to be separated by {called}; save the file with commas "
                    "between them, or, if it is one column, rename it."
                )
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(f"{source} has two columns named {twice!r}; rename one.")
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for row in reader:
            if not row and len(names) > 1:  # a blank line; in a file of one column it is an empty text
                continue
            if len(row) > len(names):
                raise InputError(
                    f"{source}, line {reader.line_num}: {len(row)} values for {len(names)} columns; a text "
                    'that holds a comma stands in "quotes".'
                )
            values = row or [""]
            for name, value in zip(names, [*values, *[None] * (len(names) - len(values))], strict=True):
                columns[name].append(value)
    except csv.Error as error:
        raise InputError(f"{source}, line {reader.line_num}: not CSV ({error}).") from error
    return columns


def _jsonl(text: str, source: str) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    n_rows = 0
    for line_number, line in enumerate(text.split("\n"), start=1):  # splitlines would cut inside texts
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}, line {line_number}: not JSON ({error}).") from error
        if not isinstance(row, dict):
            raise InputError(
                f"{source}, line {line_number}: not a JSON object; each line is one, "
                'such as {"text": "...", "label": "..."}.'
            )
        for name in row:
            if name not in columns:
                columns[name] = [None] * n_rows
        for name, values in columns.items():
            values.append(row.get(name))
        n_rows += 1
    if not n_rows:
        raise InputError(f"{source} is empty; a JSON Lines file has one object a line.")
    return columns


def _txt(text: str, source: str) -> dict[str, list[Any]]:
    return {"text": [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []}


def _parquet(data: bytes, source: str) -> dict[str, list[Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet") from error
    try:
        columns: dict[str, list[Any]] = pyarrow.parquet.read_table(io.BytesIO(data)).to_pydict()
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{source} is not a Parquet file that can be read ({reason}).") from error
    return columns


def write_csv(stream: IO[str], columns: dict[str, Sequence[Any]]) -> None:
    """Write columns as CSV."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))


def write_jsonl(stream: IO[str], rows: Iterable[dict[str, Any]]) -> None:
    """Write one JSON object a line."""
    for row in rows:
        stream.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
