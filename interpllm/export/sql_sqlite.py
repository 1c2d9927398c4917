"""SQLite, which has no regular expressions and knows small letters of ASCII only.

A recursive query walks through a text character by character. It carries along the character and its kind,
and the word that is open, with whether an apostrophe came after it, which belongs to it only if a letter
follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from interpllm.export import sql_characters
from interpllm.export.sql_characters import DOTTED_I
from interpllm.export.sql_dialects import Dialect

_OTHER, _LETTER, _ACCENT, _APOSTROPHE, _MARK, _DOTTED = range(6)

_WALK = """\
{name}_walk(ipl_row, step, rest, letter, kind, word, waits, done, mark) AS (
  SELECT {key}, 0, {text} || '  ', '', 0, '', 0, '', ''
  FROM {source}
  UNION ALL
  SELECT
    ipl_row,
    step + 1,
    substr(rest, 2),
    {letter},
    {kind},
    {word},
    kind = 3 AND word <> '' AND waits = 0,
    {done},
    CASE kind WHEN 4 THEN letter ELSE '' END
  FROM {name}_walk
  WHERE rest <> ''
)"""

_WORDS = """\
{name} AS MATERIALIZED (
  SELECT ipl_row, done AS word, 2 * step AS place FROM {name}_walk WHERE {there}
  UNION ALL SELECT ipl_row, mark, 2 * step + 1 FROM {name}_walk WHERE mark <> ''
)"""

# An accent goes on with the word before it; after an apostrophe it does not.
_WORD_OF = {
    "words": "CASE WHEN kind IN (1, 5) AND waits THEN word || '''' || letter "
    "WHEN kind IN (1, 5) THEN word || letter WHEN kind = 2 AND word <> '' AND NOT waits THEN word || letter "
    "WHEN kind = 3 AND NOT waits THEN word ELSE '' END",
    "runs": "CASE kind WHEN 1 THEN word || letter ELSE '' END",
}
_DONE_OF = {
    "words": "CASE WHEN kind IN (0, 4) OR (kind IN (2, 3) AND waits) THEN word ELSE '' END",
    "runs": "CASE kind WHEN 1 THEN '' WHEN 5 THEN word || 'i' ELSE word END",
}


class SQLite(Dialect):
    """SQLite 3.35 or newer, with its mathematical functions."""

    name = "sqlite"
    real = "REAL"
    materialized = " AS MATERIALIZED"
    opening = "WITH RECURSIVE"
    char = "char"

    def column(self, expression: str) -> str:
        """Read a column of numbers; here it may hold texts, which are none, and would be read as 0."""
        number = f"CAST({expression} AS REAL)"
        return f"CASE WHEN typeof({expression}) IN ('integer', 'real') THEN {number} END"

    def largest(self, expressions: Sequence[str]) -> str:
        """Give the largest."""
        return f"max({', '.join(expressions)})"

    def words(self, cut: str, name: str, source: str, key: str, text: str) -> list[str]:
        """Write the table of words (ipl_row, place, word) of all texts."""
        large, small = sql_characters.cases()
        at = f"instr('{large}', substr(rest, 1, 1))"
        letter = (
            "CASE WHEN substr(rest, 1, 1) < char(128) THEN lower(substr(rest, 1, 1)) "
            f"WHEN substr(rest, 1, 1) = '{DOTTED_I}' THEN 'i' || char(775) "
            f"WHEN {at} > 0 THEN substr('{self.quoted(small)}', {at}, 1) ELSE substr(rest, 1, 1) END"
        )
        kind = (
            f"CASE WHEN substr(rest, 1, 1) GLOB '[a-zA-Z0-9_]' THEN {_LETTER} "
            f"WHEN substr(rest, 1, 1) = '''' THEN {_APOSTROPHE} "
            f"WHEN substr(rest, 1, 1) IN ('!', '?') THEN {_MARK} WHEN substr(rest, 1, 1) < char(128) THEN "
            f"{_OTHER} WHEN substr(rest, 1, 1) = char(8217) THEN {_APOSTROPHE} "
            f"WHEN substr(rest, 1, 1) BETWEEN char(768) AND char(879) THEN {_ACCENT} "
            f"WHEN substr(rest, 1, 1) = '{DOTTED_I}' THEN {_DOTTED} "
            f"WHEN substr(rest, 1, 1) GLOB '[{sql_characters.word_ranges()}]' THEN {_LETTER} "
            f"ELSE {_OTHER} END"
        )
        walk = _WALK.format(
            name=name, key=key, text=text, source=source, letter=letter, kind=kind,
            word=_WORD_OF[cut], done=_DONE_OF[cut],
        )  # fmt: skip
        if cut == "runs":
            walk = walk.replace("CASE kind WHEN 4 THEN letter ELSE '' END", "''")
        there = "length(done) > 1" if cut == "runs" else "done <> ''"
        return [walk, _WORDS.format(name=name, there=there)]

    @staticmethod
    def quoted(letters: str) -> str:
        """Write letters within quotes; an apostrophe is among the small forms."""
        return letters.replace("'", "''")
