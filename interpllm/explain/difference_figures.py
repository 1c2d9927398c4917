"""How much truer a statement is of some texts than of others, and what is shown of many such figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.display import Block, Figure, Note, Section, Table
from interpllm.display.axes import Axes, bars
from interpllm.explain.asking import Array
from interpllm.explain.base import Explanation
from interpllm.explain.statements import evidence
from interpllm.llm import Usage
from interpllm.runtime import Question
from interpllm.select.inference import auroc, difference_of_shares, permutation_p, share

NOT_SHOWN = (
    "A statement that holds is answered yes more often of one side than of the other, by the model that "
    "answered here. That is no cause, and no claim about texts of another origin; a reader may judge some "
    "texts otherwise."
)


def share_difference(values: Array, inside: NDArray[np.bool_]) -> Array:
    """Mean answer inside less that outside, for each statement; NaN where a side has no answer.

    Parameters
    ----------
    values : array (n_rows, n_statements)
    inside : array of bool (n_rows,)

    Returns
    -------
    array (n_statements,)
    """
    return _mean(values[inside]) - _mean(values[~inside])


def _mean(values: Array) -> Array:
    """Means of columns over their answers; NaN, without a warning, where there is none."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(there, values, 0.0).sum(axis=0) / there.sum(axis=0))


def figures_of(
    question: Question,
    answers: Array,
    inside: NDArray[np.bool_],
    texts: Sequence[str],
    n_resamples: int,
    random_state: int,
) -> dict[str, Any]:
    """The figures of one statement, as a row of a table.

    Parameters
    ----------
    question : Question
    answers : array (n_rows,)
        NaN where one is missing; such rows are left out and counted.
    inside : array of bool (n_rows,)
        Which rows it should be truer of.
    texts : sequence of str (n_rows,)
    n_resamples, random_state : int
        Of the permutation test.
    """
    there = ~np.isnan(answers)
    a, b = answers[there & inside], answers[there & ~inside]
    yes_a, yes_b = (int((side > 0.5).sum()) for side in (a, b))
    first, second = share(yes_a, len(a)), share(yes_b, len(b))
    difference = difference_of_shares((yes_a, len(a)), (yes_b, len(b)))
    area = auroc(a, b, random_state=random_state)
    rows = np.flatnonzero(inside)
    return {
        "statement": question.text,
        "counts": question.counts,
        "source": question.source,
        "id": question.id,
        "share_a": first.value,
        "share_b": second.value,
        "difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "auroc": area.value,
        "auroc_low": area.low,
        "auroc_high": area.high,
        "n_a": len(a),
        "n_b": len(b),
        "n_missing": int((~there).sum()),
        "p_value": permutation_p(a, b, n_resamples, random_state),
        "examples": evidence([texts[int(row)] for row in rows], answers[rows]),
    }


@dataclass(frozen=True, repr=False)
class DifferenceExplanation(Explanation):
    """What is truer of some texts than of others.

    Parameters
    ----------
    names : (str, str)
        What the two sides are called.
    goal : str or None
    statements : DataFrame
        See :meth:`frame`, and ``examples``: texts that confirm and of which the statement is true.
    candidates : DataFrame
        All that were tried, the confirmed ones first: ``statement``, ``counts``, ``source``, ``id``,
        ``confirmed``, ``score`` (difference of mean answers on the ``n_rows`` rows of the race that it was
        put to, of which ``n_missing`` have no answer).
    rows : mapping
        How many rows of each side propose, select and confirm.
    proposals : mapping
        What came of asking for statements.
    answers : mapping
        ``cells`` that were needed, ``missing`` ones, and why: ``refused``, ``unparseable``, ``failed``; how
        many texts were ``cut``, in one step at most.
    n_chained : int
        Rows that may have near-duplicates in other parts.
    usage : Usage
        What the session used for it; no part of :meth:`to_json`.
    """

    names: tuple[str, str]
    goal: str | None
    statements: pd.DataFrame
    candidates: pd.DataFrame
    rows: Mapping[str, Any]
    proposals: Mapping[str, Any]
    answers: Mapping[str, int]
    n_chained: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def title(self) -> str:
        """What a page is headed by."""
        return f"What is truer of {self.names[0]} than of {self.names[1]}"

    def frame(self) -> pd.DataFrame:
        """The confirmed statements, the largest difference first.

        Returns
        -------
        DataFrame
            ``statement``, ``counts`` (what counts as yes), ``source``, ``id``; ``share_a`` and ``share_b``
            (of the texts of each side that it is true of); ``difference``, with Newcombe's interval;
            ``auroc`` (chance that an answer about A is above one about B), with a bootstrap interval; ``n_a``
            and ``n_b`` texts answered, ``n_missing`` not; ``p_value`` (permutation test of the mean answers,
            two-sided); ``p_holm``, adjusted for all rows of this table; ``holds``: ``p_holm`` is at most .05
            and A is ahead. Intervals are of 95 %, each for itself.
        """
        return self.statements.drop(columns="examples")

    def plot(self, ax: Axes | None = None) -> Axes:
        """Differences of shares, with their intervals."""
        table = self.statements
        return bars(
            table["statement"].tolist(),
            table["difference"].to_numpy(),
            low=table["difference_low"].to_numpy(),
            high=table["difference_high"].to_numpy(),
            xlabel=f"share of {self.names[0]} less share of {self.names[1]}",
            ax=ax,
        )

    def blocks(self) -> Sequence[Block]:
        """What a page shows of it."""
        a, b = self.names
        table, n_holds = self.frame(), int(self.statements["holds"].sum())
        shown = table[
            [
                *("statement", "share_a", "share_b", "difference", "difference_low", "difference_high"),
                *("auroc", "p_holm", "holds", "n_missing"),
            ]
        ].rename(columns={"share_a": f"share of {a}", "share_b": f"share of {b}"})
        tested = self.rows["confirm"]
        head = (
            f"{n_holds} of {len(table)} statements hold on {tested[a]} texts of {a} and {tested[b]} of {b} "
            f"that nothing was written from or chosen on (Holm-adjusted p at most .05); "
            f"{len(self.candidates)} were tried."
        )
        blocks: list[Block] = [Note(head, "plain" if n_holds else "warning")]
        blocks += [Note(f"The goal: {self.goal}")] if self.goal else []
        blocks += warnings_of(self.answers, self.n_chained)
        formats = dict.fromkeys(shown.columns, ".2f") | {"p_holm": ".4f", "n_missing": "d"}
        blocks += [
            Table(shown, formats=formats),
            Figure(self.plot(), f"Difference of shares between {a} and {b} for each statement"),
            Note(NOT_SHOWN),
        ]
        quoted = [
            {"statement": statement, f"a text of {a}": text}
            for statement, texts in zip(
                self.statements["statement"], self.statements["examples"], strict=True
            )
            for text in texts
        ]
        if quoted:
            blocks.append(Section("Texts of which they are true", [Table(pd.DataFrame(quoted))]))
        return [*blocks, *foot_of(self.candidates, self.usage)]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "kind": "difference",
            "names": list(self.names),
            "goal": self.goal,
            "statements": self.statements.to_dict("records"),
            "candidates": self.candidates.to_dict("records"),
            "rows": self.rows,
            "proposals": self.proposals,
            "answers": self.answers,
            "n_chained": self.n_chained,
        }


def warnings_of(answers: Mapping[str, int], n_chained: int) -> list[Note]:
    """What a reader must not miss of how the figures came about."""
    found = []
    if missing := answers.get("missing", 0):
        found.append(
            Note(
                f"{missing} of {answers['cells']} answers are missing ({answers['refused']} refused, "
                f"{answers['unparseable']} not understood, {answers['failed']} failed); they count neither "
                "as yes nor as no.",
                "warning",
            )
        )
    if cut := answers.get("cut", 0):
        found.append(Note(f"{cut} texts or more were read only up to a length.", "warning"))
    if n_chained:
        found.append(
            Note(
                f"{n_chained} texts are like so many others, as texts made from a template are, that near-"
                "duplicates of them may stand in several parts.",
                "warning",
            )
        )
    return found


def foot_of(candidates: pd.DataFrame, usage: Usage) -> list[Block]:
    """What stands at the end of a page: all that was tried, and what it took."""
    tried = candidates[["statement", "source", "confirmed", "score", "n_rows", "n_missing"]]
    section = Section("All statements that were tried", [Table(tried, formats={"score": ".2f"})])
    return [section, Note(spent(usage))]


def spent(usage: Usage) -> str:
    """What it took, in a sentence."""
    return (
        f"{usage.requests} requests sent, {usage.cache_hits} answered from the store, "
        f"{usage.input_tokens + usage.output_tokens} tokens, {usage.failures} without a usable reply."
    )
