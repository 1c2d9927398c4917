"""An explanation of a module: what it responds to, in words that were tested, or that none of them held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from interpllm.display import Block, Figure, Marked, Note, Section, Table
from interpllm.explain.base import Explanation
from interpllm.explain.module_responses import Stretches
from interpllm.llm import Usage
from interpllm.runtime.ledger import printable

if TYPE_CHECKING:
    from interpllm.display.axes import Axes

LEVEL = 0.05
"""A candidate holds if its p, adjusted over all candidates (Holm), is no larger."""

_SHOWN_TEXTS = 3

_MEANING = (
    "score: how much more the module responds to texts written to have the property than to their twins "
    "without it, in standard deviations of its responses to the corpus, with a bootstrap interval. auroc: "
    "how well answers to whether the property holds tell texts of the corpus with strong responses from "
    "texts near to them with weak ones; .5 is chance. p: of both at once, by permutation; p_holm: "
    "adjusted over all candidates. Neither the texts nor the pairs behind these figures had a part in "
    "proposing or in choosing. This is behaviour on such texts: it does not say how the module comes to "
    "its numbers, and another property that goes with this one may be what it responds to."
)


@dataclass(frozen=True, repr=False)
class ModuleExplanation(Explanation):
    """What a module responds to.

    Attributes
    ----------
    name : str
        What the module is called.
    candidates : DataFrame
        As :meth:`frame` gives it.
    stretches : Stretches
        The stretches of text that the candidates were proposed from.
    texts : DataFrame
        The texts of the corpus that were asked about: ``text``, ``response``, ``side`` ("high" or "low"), and
        under what was asked ("The text ...") the answer, 0 to 1, NaN where there is none.
    written : DataFrame
        The texts that were written: ``candidate``, ``use`` ("choosing" or "telling"), ``having``,
        ``lacking``, ``response_having``, ``response_lacking``.
    identification : DataFrame or None
        ``module`` and ``correlation`` of its responses with the leading candidate, the highest first; None
        where no others were given, or nothing was written.
    n_propose, n_confirm : int
        Texts that candidates were proposed from, and that they were tested on.
    mean, sigma : float
        Mean and standard deviation of the responses to the latter.
    problems : tuple of str
        Why something could not be tested: failed replies, too few texts.
    replies : mapping of str to int
        Replies that it rests on by what for: "proposing", "writing", and "answers" (texts times candidates).
    usage : Usage
        What the session used for it, what the module itself sent through the same session included.
    """

    name: str
    candidates: pd.DataFrame
    stretches: Stretches
    texts: pd.DataFrame
    written: pd.DataFrame
    identification: pd.DataFrame | None
    n_propose: int
    n_confirm: int
    mean: float
    sigma: float
    problems: tuple[str, ...] = ()
    replies: Mapping[str, int] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage, compare=False)

    @property
    def outcome(self) -> str:
        """ "explained", "not explained" (candidates were tested and none held) or "not tested"."""
        if self.candidates["holds"].any():
            return "explained"
        return "not explained" if self.candidates["p"].notna().any() else "not tested"

    @property
    def explanation(self) -> str | None:
        """The best candidate that holds, which completes "a text that ..."; None where none does."""
        return str(self.candidates["candidate"].iloc[0]) if self.outcome == "explained" else None

    @property
    def rank(self) -> int | None:
        """Place of the module among the others by `identification`: 1 is identified."""
        if self.identification is None:
            return None
        found = self.identification.set_index("module")["correlation"]
        own = found[self.name]
        # What cannot be told apart from others is not told: ties count against it.
        return int((found.drop(self.name) >= own).sum()) + 1 if own == own else len(found)

    @property
    def statement(self) -> str:
        """The finding in a few sentences."""
        if self.outcome == "not tested":
            return f"Not tested: {'; '.join(self.problems) or 'no candidate could be tested'}."
        first = self.candidates.iloc[0]
        figures = (
            f"{first['score']:+.2f} standard deviations [{first['score_low']:.2f}, "
            f"{first['score_high']:.2f}], AUROC {first['auroc']:.2f} [{first['auroc_low']:.2f}, "
            f"{first['auroc_high']:.2f}], p {first['p_holm']:.2g} (Holm)"
        )
        n = len(self.candidates)
        if self.outcome == "explained":
            said = f"{self.name} responds more strongly to a text that {first['candidate']}: {figures}."
        else:
            said = (
                f"Not explained: none of {n} candidate{'' if n == 1 else 's'} for {self.name} held on "
                f"texts of their own. The foremost one, which failed: “{first['candidate']}” ({figures})."
            )
        if self.identification is not None:
            said += f" By it {self.name} is number {self.rank} of {len(self.identification)} modules."
        return said

    def frame(self) -> pd.DataFrame:
        """One row a candidate: those that hold first, then by what chose among them.

        Returns
        -------
        DataFrame
            ``candidate`` (completes "The text ..."); ``choosing`` (mean of two areas under the curve, on
            pairs that tell nothing); ``score``, ``score_low`` and ``score_high`` (standard deviations),
            ``score_p``; ``auroc``, ``auroc_low``, ``auroc_high``, ``auroc_p``; ``p`` (of both), ``p_holm``,
            ``holds``; ``n_pairs`` and ``n_answers`` that the figures rest on. NaN is what could not be had.
        """
        return self.candidates.copy()

    def plot(self, ax: Axes | None = None) -> Axes:
        """The candidates' scores with their intervals, failed ones marked by a word."""
        from interpllm.display.axes import bars

        shown = self.candidates
        labels = [
            said if holds else f"(failed) {said}"
            for said, holds in zip(shown["candidate"], shown["holds"], strict=True)
        ]
        return bars(
            labels,
            shown["score"],
            low=shown["score_low"],
            high=shown["score_high"],
            xlabel="response to texts with the property less without, in standard deviations",
            ax=ax,
        )

    def blocks(self) -> list[Block]:
        """What a page shows of it."""
        found: list[Block] = [Note(self.statement, "plain" if self.outcome == "explained" else "warning")]
        found += [Note(problem, "warning") for problem in self.problems]
        if len(self.candidates):
            shown = self.candidates.drop(columns=["choosing", "score_p", "auroc_p"])
            found.append(Table(shown, "Candidates, those that hold first"))
            found.append(Note(_MEANING))
        if self.candidates["score"].notna().any():
            found.append(Figure(self.plot(), "Scores of the candidates with their intervals"))
        found.append(Section("Proposed from", [Table(self._stretches(), "Stretches with strong responses")]))
        high = self.texts[self.texts["side"] == "high"].head(_SHOWN_TEXTS)
        texts = [
            Marked(text, _marks(text, self.stretches), f"response {response:.4g}")
            for text, response in zip(high["text"].tolist(), high["response"].tolist(), strict=True)
        ]
        if texts:
            found.append(Section("Texts of the corpus with strong responses, none proposed from", texts))
        if self.identification is not None:
            caption = "Which module's responses the foremost candidate tells best"
            found.append(Section("Identification", [Table(self.identification, caption)]))
        counted = ", ".join(f"{what} {n}" for what, n in self.replies.items())
        sizes = f"{self.n_propose} texts to propose from, {self.n_confirm} to test on"
        found.append(Note(f"{sizes}; replies: {counted or 'none'}."))
        return found

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data, without the usage."""
        return {
            "name": self.name,
            "outcome": self.outcome,
            "explanation": self.explanation,
            "statement": self.statement,
            "candidates": self.candidates.to_dict("records"),
            "stretches": {
                "strong": self._stretches().to_dict("records"),
                "ordinary": self.stretches.ordinary,
                "n": self.stretches.n,
            },
            "texts": self.texts.to_dict("records"),
            "written": self.written.to_dict("records"),
            "identification": None if self.identification is None else self.identification.to_dict("records"),
            "rank": self.rank,
            "n_propose": self.n_propose,
            "n_confirm": self.n_confirm,
            "mean": self.mean,
            "sigma": self.sigma,
            "problems": self.problems,
            "replies": self.replies,
        }

    def __str__(self) -> str:
        shown = self.candidates[["candidate", "score", "auroc", "p_holm", "holds"]]
        table = f"\n{printable(shown.round(3).to_string(index=False))}" if len(shown) else ""
        return f"{printable(self.statement)}{table}"

    def _stretches(self) -> pd.DataFrame:
        return pd.DataFrame({"stretch": self.stretches.strong, "response": self.stretches.strengths})


def _marks(text: str, found: Stretches) -> list[tuple[int, int, float]]:
    """Where strong stretches stand in a text, the strongest first where two overlap."""
    marks: list[tuple[int, int, float]] = []
    folded = text.casefold()
    if len(folded) != len(text):  # a letter that becomes two would move the marks
        return marks
    for stretch in found.strong:
        start = folded.find(stretch.casefold())
        end = start + len(stretch)
        whole = start >= 0 and not (folded[start - 1 : start].isalnum() or folded[end : end + 1].isalnum())
        if whole and all(end <= first or last <= start for first, last, _ in marks):
            marks.append((start, end, 1.0))
    return marks
