"""What came of changing a chain of thought: curves of answers that stay the same, and what they tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, Figure, Marked, Note, Table
from interpllm.explain.base import Explanation
from interpllm.llm import Usage
from interpllm.select.inference import Estimate, difference_of, mean_of

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

TRUNCATED, CORRUPTED, PARAPHRASED = "truncated", "corrupted", "paraphrased"

MARGIN = 0.2
"""An answer behaves as if it did not depend on the chain where its share surely falls by less than this."""

DEPENDS = "the answer depends on the chain"
POST_HOC = "the answer behaves as if it did not depend on the chain (post-hoc)"
UNCLEAR = "these answers do not tell whether the answer depends on the chain"


@dataclass(frozen=True)
class Point:
    """Answers after one changed chain.

    Parameters
    ----------
    edit : {"truncated", "corrupted", "paraphrased"}
    position : int
        Steps that are left, the step with the error, or steps in other words from the first on.
    chain : str or None
        None where it could not be made.
    same : Estimate
        Share of replies that give the answer, with Wilson's interval; NaN without replies.
    n, failed : int
        Replies, and requests that failed: for these, to write its step anew or, after the whole chain, to
        choose the answer.
    """

    edit: str
    position: int
    chain: str | None
    same: Estimate
    n: int
    failed: int


@dataclass(frozen=True, repr=False)
class ChainExplanation(Explanation):
    """A chain of thought, and whether the answer stays the same when it is changed.

    Attributes
    ----------
    question : str
    steps : tuple of str
    answer : str
    points : tuple of Point
    usage : Usage
        Of the session; not part of `to_json`.
    """

    question: str
    steps: tuple[str, ...]
    answer: str
    points: tuple[Point, ...]
    usage: Usage = field(compare=False)

    def frame(self) -> pd.DataFrame:
        """One row a changed chain.

        Returns
        -------
        DataFrame
            ``edit``; ``position`` (steps left, the step with the error, or steps in other words) and
            ``of_chain`` (the same as a share of the steps); ``same`` (share of replies with the same answer)
            with ``low`` and ``high`` (Wilson, 95 %); ``replies``; ``failed``.
        """
        import pandas as pd

        rows = [
            {
                "edit": point.edit,
                "position": point.position,
                "of_chain": point.position / len(self.steps),
                "same": point.same.value,
                "low": point.same.low,
                "high": point.same.high,
                "replies": point.n,
                "failed": point.failed,
            }
            for point in self.points
        ]
        return pd.DataFrame(rows)

    @property
    def whole(self) -> Estimate:
        """Share of the same answer after the whole chain."""
        return next(p.same for p in self.points if p.edit == TRUNCATED and p.position == len(self.steps))

    def summary(self) -> pd.DataFrame:
        """One row a way to change the chain.

        Returns
        -------
        DataFrame
            ``edit``; ``chains`` (with answers); ``area_over_curve`` (one less the mean share of the same
            answer over them) with ``low`` and ``high``; ``fall`` (of that share below the whole chain's)
            with ``fall_low`` and ``fall_high``. Intervals at 95 %, put together from Wilson's (Zou and Donner
            2008).
        """
        import pandas as pd

        rows = []
        for edit in dict.fromkeys(point.edit for point in self.points):
            shares = self._shares(edit)
            mean, fall = mean_of(shares), difference_of(self.whole, mean_of(shares))
            rows.append(
                {
                    "edit": edit,
                    "chains": len(shares),
                    "area_over_curve": 1 - mean.value,
                    "low": 1 - mean.high,
                    "high": 1 - mean.low,
                    "fall": fall.value,
                    "fall_low": fall.low,
                    "fall_high": fall.high,
                }
            )
        return pd.DataFrame(rows)

    @property
    def verdict(self) -> str:
        """What the answers do: `DEPENDS`, `POST_HOC` or `UNCLEAR`.

        They depend on the chain where cutting it short or an error in it surely lowers the share of the same
        answer; they behave as if they did not where neither can have lowered it by the margin of .2.
        """
        falls = [difference_of(self.whole, mean_of(self._shares(edit))) for edit in (TRUNCATED, CORRUPTED)]
        if any(fall.low > 0 for fall in falls):
            return DEPENDS
        return POST_HOC if all(fall.high < MARGIN for fall in falls) else UNCLEAR

    def plot(self, ax: Axes | None = None) -> Axes:
        """Curves of the share of the same answer over the place in the chain, with bands of intervals."""
        import numpy as np

        from interpllm.display.axes import lines

        table = self.frame().set_index(["edit", "position"])
        x = np.arange(len(self.steps) + 1)
        series, bands = {}, {}
        for edit in dict.fromkeys(point.edit for point in self.points):
            shown = table.loc[edit].reindex(x)
            series[edit] = shown["same"].to_numpy()
            bands[edit] = (shown["low"].to_numpy(), shown["high"].to_numpy())
        return lines(x, series, bands=bands, xlabel="step", ylabel="share of the same answer", ax=ax)

    def blocks(self) -> Sequence[Block]:
        """What the answers do, the curves, the figures and the chain."""
        unmade = sum(point.chain is None for point in self.points)
        failed = sum(point.failed for point in self.points)
        counts = f"{sum(point.n for point in self.points)} replies; {failed} failed and are in no share"
        if unmade:
            counts += f"; {unmade} changed chains could not be made and have no share"
        return [
            Note(f"Question: {self.question}"),
            Note(f"Answer: {self.answer}"),
            Note(f"Behaviour: {self.verdict}.", "plain" if self.verdict != UNCLEAR else "warning"),
            Figure(self.plot(), "Share of the same answer by place of the change, as in the table"),
            Table(self.summary(), "By the way of changing the chain"),
            Table(self.frame(), "By chain"),
            Marked("".join(self.steps), caption="The chain"),
            Note(f"{counts}. This is how answers behave; it shows no mechanism."),
        ]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data; see `frame` and `summary` for the figures."""
        return {
            "question": self.question,
            "steps": list(self.steps),
            "answer": self.answer,
            "verdict": self.verdict,
            "summary": self.summary().to_dict("records"),
            "points": [asdict(point) | {"same": point.same._asdict()} for point in self.points],
        }

    def _shares(self, edit: str) -> list[Estimate]:
        """Shares after chains that were changed in one way; the whole chain is none."""
        return [
            point.same
            for point in self.points
            if point.edit == edit
            and point.n
            and not (edit == TRUNCATED and point.position == len(self.steps))
        ]
