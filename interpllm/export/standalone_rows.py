"""What an exported model over rows has besides the verbs: it reads texts and columns.

Its source is copied as it stands into exported models, below that of ``row_scoring``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interpllm.runtime.row_scoring import Row, Terms, scores_of, shares_of
from interpllm.runtime.scoring import Scorer


class RowsScorer:
    """Score rows: texts, or mappings with columns.

    Parameters
    ----------
    scorer : TreesScorer, ListScorer or SetScorer
    link : {"identity", "share", "clip", "logit"}
    text : str or None
        Name of the column of texts; None if no text is read.
    columns : mapping of str to str
        Name -> "number", or "value" for any.
    stand_ins : mapping of str to Scorer
    terms : Terms or None
    """

    def __init__(
        self,
        scorer: Any,
        link: str,
        text: str | None,
        columns: Mapping[str, str],
        stand_ins: Mapping[str, Scorer],
        terms: Terms | None,
    ) -> None:
        self.scorer = scorer
        self.link = link
        self.text = text
        self.columns = columns
        self.stand_ins = stand_ins
        self.terms = terms

    def totals(self, row: Any) -> list[float]:
        """Work out the totals of a row."""
        if isinstance(row, str) and not self.columns:
            return self.of(row, {})
        if not isinstance(row, Mapping):
            raise TypeError(f"a row is a mapping with the columns {[*self.columns]}, not {row!r:.60}")
        text = "" if self.text is None else row[self.text]
        if not isinstance(text, str):
            raise TypeError(f"column {self.text!r} is not a text: {text!r:.60}")
        for name, kind in self.columns.items():
            value = row[name]
            fits = isinstance(value, int | float) or (kind == "value" and isinstance(value, str))
            if value is not None and not fits:
                raise TypeError(f"column {name!r} is not a {kind}: {value!r:.60}; leave it None if missing")
        return self.of(text, row)

    def of(self, text: str, columns: Mapping[str, Any]) -> list[float]:
        """Work out the totals of a text and columns."""
        found: list[float] = self.scorer.totals(Row(text, columns, {}, self.stand_ins, self.terms))
        return found

    def scores(self, row: Any) -> list[float]:
        """Score one row."""
        return scores_of(self.totals(row), self.link)

    def shares(self, row: Any) -> list[float]:
        """Give the probabilities of the classes of one row."""
        return shares_of(self.totals(row), self.link)
