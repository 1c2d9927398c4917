"""How strongly a statement goes with a label or a number, and what is shown of many such figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import ttest_ind

from interpllm.display import Block, Figure, Note, Table
from interpllm.display.axes import Axes, bars
from interpllm.explain.asking import Array
from interpllm.explain.base import Explanation
from interpllm.explain.difference_figures import figures_of, foot_of, share_difference, warnings_of
from interpllm.explain.material import Material
from interpllm.explain.statements import evidence
from interpllm.llm import Usage
from interpllm.runtime import Question
from interpllm.select.inference import permutation_p

NOT_SHOWN = (
    "What a statement adds depends on those above it: one that says nearly the same as another adds "
    "nothing, however true it is. That a statement goes with the label, in the answers of the model that "
    "answered here, is no cause. TF-IDF learned from more rows than the statements were weighed on."
)


def share_differences(values: Array, y: NDArray[Any], n_classes: int) -> Array:
    """Mean answer in each class less that in the others, (n_classes, n_statements); NaN without answers."""
    return np.array([share_difference(values, y == k) for k in range(n_classes)])


def spoken_for(values: Array, y: NDArray[Any], n_classes: int) -> NDArray[np.intp]:
    """The class that each statement goes with most, (n_statements,); never one without answers."""
    return np.nan_to_num(share_differences(values, y, n_classes), nan=-np.inf).argmax(axis=0)


def strength(values: Array, y: NDArray[Any], n_classes: int) -> Array:
    """How strongly each statement goes with a class, or with a number.

    Parameters
    ----------
    values : array (n_rows, n_statements)
    y : array (n_rows,)
        Positions of classes; values where `n_classes` is 0.
    n_classes : int

    Returns
    -------
    array (n_statements,)
        Of classes the largest of :func:`share_differences`; of values the correlation, without its sign. NaN
        where answers do not tell.
    """
    if n_classes:
        found = share_differences(values, y, n_classes)
        return np.asarray(
            np.where(np.isnan(found).all(axis=0), np.nan, np.nan_to_num(found, nan=-1).max(axis=0))
        )
    there = ~np.isnan(values)
    n = np.maximum(there.sum(axis=0), 1)
    numbers = np.where(there, y[:, None], 0.0)
    answers = np.where(there, values, 0.0)
    answers = np.where(there, answers - answers.sum(axis=0) / n, 0.0)
    numbers = np.where(there, numbers - numbers.sum(axis=0) / n, 0.0)
    spread = np.sqrt((answers**2).sum(axis=0) * (numbers**2).sum(axis=0))
    products = np.abs((answers * numbers).sum(axis=0))
    return np.asarray(np.where(spread > 1e-12, products / np.where(spread > 1e-12, spread, 1.0), np.nan))


def figures(
    question: Question,
    known: Array,
    answers: Array,
    rows: Material,
    side: int | None,
    n_resamples: int,
    random_state: int,
) -> dict[str, Any]:
    """The figures of one statement by itself, as a row of a table.

    Parameters
    ----------
    question : Question
    known, answers : array
        Its answers on the rows that select, and on those that confirm.
    rows : Material
    side : int or None
        The class that it speaks for, as the selecting rows say; None where numbers are told of.
    n_resamples, random_state : int
        Of the permutation test.
    """
    texts, y = rows.of(rows.parts.confirm), rows.y[rows.parts.confirm]
    if side is not None:
        row = figures_of(question, answers, y == side, texts, n_resamples, random_state)
        renamed = {"share_a": "share_in", "share_b": "share_out", "n_a": "n_in", "n_b": "n_out"}
        found = {renamed.get(name, name): value for name, value in row.items()}
        return found | {"speaks_for": rows.names[side], "as_on_select": row["auroc"] > 0.5}
    yes, no = (y[side] for side in (answers > 0.5, answers <= 0.5))
    low = high = float("nan")
    if min(len(yes), len(no)) > 1 and max(np.ptp(yes), np.ptp(no)) > 0:
        low, high = ttest_ind(yes, no, equal_var=False).confidence_interval()
    difference = float(yes.mean() - no.mean()) if len(yes) and len(no) else float("nan")
    before = rows.y[rows.parts.select]
    up = np.nan_to_num(share_difference(known[:, None], before > np.median(before))[0])
    return {
        "statement": question.text,
        "counts": question.counts,
        "source": question.source,
        "id": question.id,
        "mean_yes": float(yes.mean()) if len(yes) else float("nan"),
        "mean_no": float(no.mean()) if len(no) else float("nan"),
        "difference": difference,
        "difference_low": float(low),
        "difference_high": float(high),
        "n_yes": len(yes),
        "n_no": len(no),
        "n_missing": int(np.isnan(answers).sum()),
        "p_value": permutation_p(yes, no, n_resamples, random_state),
        "examples": evidence(texts, answers),
        "speaks_for": "high values" if up > 0 else "low values",
        "as_on_select": difference * up > 0,
    }


@dataclass(frozen=True, repr=False)
class TargetExplanation(Explanation):
    """Statements that tell of a label or a number.

    Parameters
    ----------
    target : str
        What the label or number is called.
    goal : str or None
    classes : tuple of str
        None of them where numbers are told of.
    statements : DataFrame
        See :meth:`frame`, and ``examples``: texts that confirm and of which the statement is true.
    total : DataFrame
        ``model`` ("all statements", "TF-IDF", "statements less TF-IDF"), with the share of the deviance that
        it explains on the rows that confirm: ``value``, ``low``, ``high``.
    candidates : DataFrame
        All that were tried, the chosen ones first; ``score`` is the largest difference of shares between a
        class and the others, or the correlation without its sign, on the ``n_rows`` rows of the race that it
        was put to.
    rows, proposals, answers, n_chained, usage
        As of :class:`~interpllm.explain.difference_figures.DifferenceExplanation`.
    """

    target: str
    goal: str | None
    classes: tuple[str, ...]
    statements: pd.DataFrame
    total: pd.DataFrame
    candidates: pd.DataFrame
    rows: Mapping[str, Any]
    proposals: Mapping[str, Any]
    answers: Mapping[str, int]
    n_chained: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def title(self) -> str:
        """What a page is headed by."""
        return f"Statements that tell of {self.target}"

    @property
    def measure(self) -> str:
        """What the shares of :meth:`frame` and ``total`` are called."""
        return "McFadden's R squared" if self.classes else "R squared"

    def frame(self) -> pd.DataFrame:
        """The chosen statements in the order in which they joined.

        Returns
        -------
        DataFrame
            ``statement``, ``counts``, ``source``, ``id``; ``speaks_for``, the class (or "high values", "low
            values") that the selecting rows say it speaks for. By itself, for classes: ``share_in`` and
            ``share_out`` (of texts in and out of the class that it is true of), their ``difference`` with
            Newcombe's interval, ``auroc`` with a bootstrap interval, ``n_in``, ``n_out``; for numbers:
            ``mean_yes`` and ``mean_no``, their ``difference`` with Welch's interval, ``n_yes``, ``n_no``.
            ``n_missing`` answers; ``p_value`` (permutation test), ``p_holm``, ``holds`` (``p_holm`` at most
            .05, in the direction that the selecting rows say). With those above it: ``explained``, the share
            of the deviance that the statements so far explain, and ``added``, what this one adds, both with
            bootstrap intervals of 95 %, each for itself.
        """
        return self.statements.drop(columns="examples")

    def plot(self, ax: Axes | None = None) -> Axes:
        """What each statement adds, with its interval."""
        table = self.statements
        return bars(
            table["statement"].tolist(),
            table["added"].to_numpy(),
            low=table["added_low"].to_numpy(),
            high=table["added_high"].to_numpy(),
            xlabel=f"{self.measure} added to those above",
            ax=ax,
        )

    def blocks(self) -> Sequence[Block]:
        """What a page shows of it."""
        table, total = self.frame(), self.total.set_index("model")
        share, words = total.loc["all statements"], total.loc["TF-IDF"]
        n = self.rows["confirm"]
        n_rows = sum(n.values()) if self.classes else n
        head = (
            f"{int(table['holds'].sum())} of {len(table)} statements hold on {n_rows} texts that nothing was "
            f"written from, chosen or fitted on (Holm-adjusted p at most .05); {len(self.candidates)} were "
            f"tried. Together they explain {share['value']:.0%} of {self.target} ({share['low']:.0%} to "
            f"{share['high']:.0%}; {self.measure}), a model of TF-IDF {words['value']:.0%} "
            f"({words['low']:.0%} to {words['high']:.0%})."
        )
        by_itself = ["share_in", "share_out"] if self.classes else ["mean_yes", "mean_no"]
        shown = table[
            [
                *("statement", "speaks_for", *by_itself, "difference", "p_holm", "holds"),
                *("added", "added_low", "added_high", "explained", "n_missing"),
            ]
        ]
        formats = dict.fromkeys(shown.columns, ".2f") | {"p_holm": ".4f", "n_missing": "d"}
        if not self.classes:
            formats |= dict.fromkeys([*by_itself, "difference"], ".3g")
        blocks: list[Block] = [Note(head, "plain" if table["holds"].any() else "warning")]
        blocks += [Note(f"The goal: {self.goal}")] if self.goal else []
        blocks += warnings_of(self.answers, self.n_chained)
        blocks += [
            Table(shown, formats=formats),
            Figure(self.plot(), "What each statement adds to the share of the deviance explained"),
            Table(self.total, self.measure, dict.fromkeys(["value", "low", "high"], ".3f")),
            Note(NOT_SHOWN),
        ]
        return [*blocks, *foot_of(self.candidates, self.usage)]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "kind": "target",
            "target": self.target,
            "goal": self.goal,
            "classes": list(self.classes),
            "measure": self.measure,
            "statements": self.statements.to_dict("records"),
            "total": self.total.to_dict("records"),
            "candidates": self.candidates.to_dict("records"),
            "rows": self.rows,
            "proposals": self.proposals,
            "answers": self.answers,
            "n_chained": self.n_chained,
        }
