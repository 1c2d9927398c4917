"""What differs between dialects of SQL: names, strings, numbers, and how a text is cut into words.

Where a dialect has regular expressions, words are found by one in the text as it is once in small letters.
That is the same as cutting first: the small form of a letter is a letter, and of the two characters that "İ"
becomes the second one is an accent, which belongs to the word before it.
"""

from __future__ import annotations

import re
import string
from abc import ABC, abstractmethod
from collections.abc import Sequence

from interpllm.errors import ExportError
from interpllm.export import sql_characters
from interpllm.export.sql_characters import DOTTED_I

# In the text once in small letters, with one apostrophe; {w} are the characters of words, {m} accents.
_PATTERNS = {"words": "[{w}][{w}{m}]*(?:'[{w}][{w}{m}]*)*|[!?]", "runs": "[{w}][{w}]+"}

# What is written by its number: control characters, marks that reorder what is read, what cannot be seen.
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\xa0\xad\u0300-\u036f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


class Dialect(ABC):
    """Standard SQL; subclasses say where theirs is not."""

    name = ""
    real = "DOUBLE PRECISION"
    materialized = " AS"
    #: What begins a query of several tables.
    opening = "WITH"
    #: Whether rows can be numbered once and for all.
    numbers_rows = True
    char = "chr"

    def identifier(self, name: str) -> str:
        """Quote the name of a table or column."""
        if "\x00" in name:
            raise ExportError(f"SQL cannot name {name!r:.80}: it holds a NUL; nothing was written")
        return '"' + name.replace('"', '""') + '"'

    def string(self, value: str) -> str:
        """Write a string."""
        parts = [part for part in re.split(f"({_UNSEEN.pattern}+)", value) if part]
        written = [
            " || ".join(f"{self.char}({ord(c)})" for c in part)
            if _UNSEEN.match(part)
            else "'" + part.replace("'", "''") + "'"
            for part in parts
        ]
        return written[0] if len(parts) == 1 else f"({' || '.join(written)})" if parts else "''"

    def constant(self, value: float) -> str:
        """Write a number of a table, which is cast where it is used."""
        written = repr(float(value))
        return written if "e" in written else f"{written}e0"

    def number(self, value: float) -> str:
        """Write a number so that it is read as a floating-point one of 64 bits."""
        return self.constant(value)

    def cast(self, expression: str) -> str:
        """Make something a floating-point number."""
        return f"CAST({expression} AS {self.real})"

    def column(self, expression: str) -> str:
        """Read a column of numbers: NaN is missing."""
        number = self.cast(expression)
        return f"CASE WHEN {self.nan(number)} THEN NULL ELSE {number} END"

    def nan(self, number: str) -> str:
        """Tell whether a number is none."""
        return f"isnan({number})"

    def total(self, expression: str) -> str:
        """Add up."""
        return f"sum({expression})"

    def largest(self, expressions: Sequence[str]) -> str:
        """Give the largest."""
        return f"greatest({', '.join(expressions)})"

    def values(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Write a table that stands in the query."""
        lines = ",\n    ".join(f"({', '.join(row)})" for row in rows)
        return f"{name}({', '.join(columns)}) AS (\n  VALUES\n    {lines}\n)"

    def small(self, text: str) -> str:
        """Bring a text to small letters, one apostrophe and one sigma."""
        large, small = sql_characters.cases()
        dotted = f"replace({text}, {self.string(DOTTED_I)}, {self.string(DOTTED_I.lower())})"
        letters = self.string(string.ascii_uppercase + large), self.string(string.ascii_lowercase + small)
        return f"translate({dotted}, {letters[0]}, {letters[1]})"

    def pattern(self, cut: str) -> str:
        """Write the regular expression that finds words."""
        return self.string(_PATTERNS[cut].format(w=r"\p{L}\p{N}_", m=r"\x{300}-\x{36F}"))

    @abstractmethod
    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words (ipl_row, place, word) of all texts."""

    def grams(self, name: str, words: str, lo: int, hi: int) -> list[str]:
        """Write the table of n-grams (ipl_row, size, gram) of words, repeats and all."""
        following = "".join(
            f",\n    lead(word, {n}) OVER (PARTITION BY ipl_row ORDER BY place) AS word_{n + 1}"
            for n in range(1, hi)
        )
        parts = []
        for n in range(lo, hi + 1):
            gram = " || ' ' || ".join(f"word_{i}" for i in range(1, n + 1))
            there = f" WHERE word_{n} IS NOT NULL" if n > 1 else ""
            parts.append(f"SELECT ipl_row, {n} AS size, {gram} AS gram FROM {name}_next{there}")
        return [
            f"{name}_next AS (\n  SELECT ipl_row, word AS word_1{following}\n  FROM {words}\n)",
            f"{name} AS (\n  " + "\n  UNION ALL ".join(parts) + "\n)",
        ]

    def grams_of_texts(self, name: str, words: str, lo: int, hi: int) -> list[str]:
        """Write the same for the words of whole texts, as :meth:`words` gave them."""
        return self.grams(name, words, lo, hi)


class DuckDB(Dialect):
    """DuckDB, of which the lists make n-grams without sorting."""

    name = "duckdb"
    real = "DOUBLE"
    materialized = " AS MATERIALIZED"

    def total(self, expression: str) -> str:
        """Add up, with compensation."""
        return f"fsum({expression})"

    def small(self, text: str) -> str:
        """Bring a text to small letters: lower() is Python's but for "İ" and the last sigma of a word."""
        dotted = f"replace({text}, chr(304), 'i' || chr(775))"
        return f"replace(replace(lower({dotted}), chr(8217), ''''), chr(962), chr(963))"

    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words, and above it that of lists of words."""
        found = f"regexp_extract_all({self.small(text)}, {self.pattern(cut)})"
        return [
            f"{name}_lists AS MATERIALIZED (\n  SELECT {key} AS ipl_row, {found} AS words"
            f"\n  FROM {source}\n)",
            f"{name} AS (\n  SELECT ipl_row, unnest(words) AS word, generate_subscripts(words, 1) AS place"
            f"\n  FROM {name}_lists\n)",
        ]

    def grams_of_texts(self, name: str, words: str, lo: int, hi: int) -> list[str]:
        """Write the table of n-grams of lists of words, without sorting."""
        parts = []
        for n in range(lo, hi + 1):
            slices = (f"words[{i + 1}:{f'-{n - i}' if i < n - 1 else ''}]" for i in range(n))
            columns = ", ".join(f"unnest({part}) AS word_{i}" for i, part in enumerate(slices, start=1))
            gram = " || ' ' || ".join(f"word_{i}" for i in range(1, n + 1))
            lists = f"SELECT ipl_row, {columns} FROM {words}_lists"
            parts.append(f"SELECT ipl_row, {n} AS size, {gram} AS gram FROM ({lists})")
        return [f"{name} AS (\n  " + "\n  UNION ALL ".join(parts) + "\n)"]


class Postgres(Dialect):
    """PostgreSQL; letters are listed, because what it takes for one hangs on the database's locale."""

    name = "postgres"

    def string(self, value: str) -> str:
        """Write a string."""
        if "\x00" in value:
            raise ExportError(f"PostgreSQL cannot hold {value!r:.80}: a NUL is in it; nothing was written")
        return super().string(value)

    def number(self, value: float) -> str:
        """Write a number; without the cast it is a decimal one."""
        return self.cast(self.constant(value))

    def nan(self, number: str) -> str:
        """Tell whether a number is none."""
        return f"{number} = CAST('NaN' AS DOUBLE PRECISION)"

    def pattern(self, cut: str) -> str:
        """Write the regular expression that finds words."""
        letters = f"a-z0-9_{sql_characters.word_ranges()}"
        return "'" + _PATTERNS[cut].replace("'", "''").format(w=letters, m="\u0300-\u036f") + "'"

    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words."""
        found = f"regexp_matches({self.small(text)}, {self.pattern(cut)}, 'g')"
        return [
            f"{name} AS (\n  SELECT {key} AS ipl_row, found.word[1] AS word, found.place\n  FROM {source}"
            f" CROSS JOIN LATERAL {found} WITH ORDINALITY AS found(word, place)\n)"
        ]


class _Escaping(Dialect):
    """Dialects whose strings know backslashes and whose names stand between backticks."""

    numbers_rows = False

    def string(self, value: str) -> str:
        """Write a string."""
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return "'" + _UNSEEN.sub(lambda match: f"\\u{ord(match.group()):04x}", escaped) + "'"


class BigQuery(_Escaping):
    """BigQuery."""

    name = "bigquery"
    real = "FLOAT64"

    def identifier(self, name: str) -> str:
        """Quote a name."""
        return "`" + self.string(name)[1:-1].replace("`", "\\`") + "`"

    def nan(self, number: str) -> str:
        """Tell whether a number is none."""
        return f"IS_NAN({number})"

    def values(self, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Write a table that stands in the query."""
        head = ", ".join(f"{value} AS {column}" for value, column in zip(rows[0], columns, strict=True))
        rest = "".join(f",\n    ({', '.join(row)})" for row in rows[1:])
        return f"{name} AS (\n  SELECT * FROM UNNEST([\n    STRUCT({head}){rest}\n  ])\n)"

    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words."""
        found = f"REGEXP_EXTRACT_ALL({self.small(text)}, {self.pattern(cut)})"
        return [
            f"{name} AS (\n  SELECT {key} AS ipl_row, word, place\n  FROM {source}"
            f" CROSS JOIN UNNEST({found}) AS word WITH OFFSET AS place\n)"
        ]


class Spark(_Escaping):
    """Spark SQL and Databricks."""

    name = "spark"
    real = "DOUBLE"

    def identifier(self, name: str) -> str:
        """Quote a name."""
        return "`" + super().identifier(name)[1:-1].replace('""', '"').replace("`", "``") + "`"

    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words."""
        found = f"regexp_extract_all({self.small(text)}, {self.pattern(cut)}, 0)"
        return [
            f"{name} AS (\n  SELECT {key} AS ipl_row, found.col AS word, found.pos AS place\n  FROM {source}"
            f" LATERAL VIEW posexplode({found}) found AS pos, col\n)"
        ]
