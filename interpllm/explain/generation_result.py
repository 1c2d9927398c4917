"""What came of explaining one generation: figures of its segments, and what they are good for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, Figure, Marked, Note, Section, Table
from interpllm.explain.base import Explanation
from interpllm.explain.segments import Prompt
from interpllm.llm import Usage
from interpllm.select.inference import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

LEAST_SCORE = 0.3
"""Below this linear datamodeling score segments are not ranked."""

_TOLD = 3
_QUANTILE = 1.959964
_SHOWN = 80
_UNIT = {"log_probability": "log-probability of the answer", "samples": "share of replies with the answer"}


@dataclass(frozen=True)
class Part:
    """A segment, or a group of neighbouring ones.

    Parameters
    ----------
    segments : tuple of int
        Numbers of its segments.
    value, standard_error : float
        Its Shapley value.
    left_out : float
        What the whole prompt's value falls by without it.
    alone : float
        What the value rises by with it as the only one.
    rank : int or None
        1 is the largest value; None where parts are not ranked.
    """

    segments: tuple[int, ...]
    value: float
    standard_error: float
    left_out: float
    alone: float
    rank: int | None


@dataclass(frozen=True)
class Pair:
    """Two parts that were left out together.

    Parameters
    ----------
    a, b : int
        Numbers of the parts.
    without_a, without_b, without_both : float
        What the whole prompt's value falls by.
    """

    a: int
    b: int
    without_a: float
    without_b: float
    without_both: float

    @property
    def redundancy(self) -> float:
        """Above 0 each makes up for the other; below 0 each needs the other."""
        return self.without_both - self.without_a - self.without_b


@dataclass(frozen=True, repr=False)
class GenerationExplanation(Explanation):
    """Segments of a prompt, and what each does to the probability of the answer.

    Attributes
    ----------
    prompt : Prompt
    answer, span : str
        What was answered, and what of it is explained.
    kind : {"log_probability", "samples"}
        What a prompt's value is: nats, or a share of sampled replies.
    method : {"exact", "paired KernelSHAP"}
    parts : tuple of Part
        In the order of the prompt.
    pairs : tuple of Pair
        Of the three strongest parts.
    whole, none : Estimate
        Value of the whole prompt, and of the one without segments; with Wilson's interval for shares.
    score : Estimate
        Linear datamodeling score: rank correlation of predicted and real values of subsets that the values
        were not fitted to, with its interval; NaN where it cannot be told. Below .3 there are no ranks.
    n_values, n_failed : int
        Subsets that were valued, and those of them without a value.
    usage : Usage
        Of the session; not part of `to_json`.
    """

    prompt: Prompt
    answer: str
    span: str
    kind: str
    method: str
    parts: tuple[Part, ...]
    pairs: tuple[Pair, ...]
    whole: Estimate
    none: Estimate
    score: Estimate
    n_values: int
    n_failed: int
    usage: Usage = field(compare=False)

    @property
    def ranked(self) -> bool:
        """Whether parts are ranked."""
        return all(part.rank is not None for part in self.parts)

    def name(self, part: int) -> str:
        """Name of a part: of its segment, or of the first and the last of its group."""
        members = self.parts[part].segments
        first, last = (self.prompt.segments[members[place]].name for place in (0, -1))
        return first if first == last else f"{first} to {last}"

    def text(self, part: int) -> str:
        """What stands in a part."""
        return "".join(self.prompt.segments[place].text for place in self.parts[part].segments)

    def frame(self) -> pd.DataFrame:
        """One row a segment, or group of neighbouring ones, in the order of the prompt.

        Returns
        -------
        DataFrame
            ``segment`` (name) and ``text``; ``value`` (Shapley value) with ``standard_error``, ``low`` and
            ``high`` (95 %, normal); ``left_out`` (what the whole prompt's value falls by without it);
            ``alone`` (what the value of the prompt without segments rises by with it); ``rank`` (missing
            where parts are not ranked).
        """
        import pandas as pd

        rows = [
            {
                "segment": self.name(place),
                "text": self.text(place),
                "value": part.value,
                "standard_error": part.standard_error,
                "low": part.value - _QUANTILE * part.standard_error,
                "high": part.value + _QUANTILE * part.standard_error,
                "left_out": part.left_out,
                "alone": part.alone,
                "rank": part.rank,
            }
            for place, part in enumerate(self.parts)
        ]
        return pd.DataFrame(rows).astype({"rank": "Int64"})

    def redundancy(self) -> pd.DataFrame:
        """One row a pair of the strongest parts.

        Returns
        -------
        DataFrame
            ``first``, ``second``; ``without_first``, ``without_second``, ``without_both`` (what the value
            falls by); ``redundancy`` (both less each: above 0 each makes up for the other).
        """
        import pandas as pd

        names = ["first", "second", "without_first", "without_second", "without_both", "redundancy"]
        rows = [
            (
                self.name(pair.a),
                self.name(pair.b),
                pair.without_a,
                pair.without_b,
                pair.without_both,
                pair.redundancy,
            )
            for pair in self.pairs
        ]
        return pd.DataFrame(rows, columns=names)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Bars of Shapley values, the largest first; in the order of the prompt where nothing is ranked."""
        from interpllm.display.axes import bars

        table = self.frame()
        table["label"] = table["segment"] + ": " + table["text"].str.strip()
        if self.ranked:
            table = table.sort_values("rank")
        unit = _UNIT[self.kind]
        return bars(
            table["label"].tolist(),
            table["value"],
            low=table["low"],
            high=table["high"],
            xlabel=unit if self.ranked else f"{unit} (not ranked)",
            ax=ax,
        )

    def sentences(self) -> list[str]:
        """What is shown, said in words."""
        unit = _UNIT[self.kind]
        base = (
            f"The {unit} is {_figure(self.whole.value)} for the whole prompt and {_figure(self.none.value)} "
        )
        said = [base + f"with every segment {self.prompt.operator}."]
        if not self.ranked:
            return [*said, self._refusal()]
        top = sorted(range(len(self.parts)), key=lambda place: self.parts[place].rank or 0)[:_TOLD]
        done = "Leaving out" if self.prompt.placeholder is None else "Replacing"
        for place in top:
            part = self.parts[place]
            text = " ".join(self.text(place).split())
            cut = text if len(text) <= _SHOWN else text[:_SHOWN] + " ..."
            said.append(f"{done} {cut!r} {_does(part.left_out)}.")
        if self.score.value != self.score.value:
            said.append(
                "Of so few segments no other subset is left to check the values on: no check stands "
                "behind these ranks."
            )
        return said

    def blocks(self) -> Sequence[Block]:
        """The prompt with its segments marked, the figures, and what they are good for."""
        counts = f"{self.n_values} subsets of the segments were valued"
        notes = [Note(one) for one in self.sentences()[: None if self.ranked else 1]]
        found: list[Block] = [Note(f"Answer: {self.answer}")]
        if self.span != self.answer:
            found.append(Note(f"Of it, what is explained: {self.span.strip()}"))
        if not self.ranked:
            found.append(Note(self._refusal(), "warning"))
        if self.n_failed:
            counts += f"; {self.n_failed} have no value and are left out"
        how = "all subsets" if self.method == "exact" else "paired KernelSHAP"
        score = (
            "cannot be told"
            if self.score.value != self.score.value
            else f"is {self.score.value:.2f} ({self.score.low:.2f} to {self.score.high:.2f})"
        )
        return [
            *found,
            *notes,
            self._marked(),
            Table(self.frame(), "Shapley values"),
            Figure(self.plot(), "Shapley values of the segments, as in the table"),
            Section("Left out together", [Table(self.redundancy())]) if self.pairs else Note("One segment."),
            Note(
                f"Values come from {how}. The rank correlation of what they predict with the values of "
                f"subsets that they were not fitted to {score}."
            ),
            Note(f"{counts}. This is how the answer's probability behaves; it shows no mechanism."),
        ]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain data; see `frame` and `redundancy` for the figures."""
        return {
            "answer": self.answer,
            "span": self.span,
            "kind": self.kind,
            "method": self.method,
            "operator": self.prompt.operator,
            "whole": self.whole._asdict(),
            "none": self.none._asdict(),
            "linear_datamodeling_score": self.score._asdict(),
            "ranked": self.ranked,
            "segments": [asdict(segment) for segment in self.prompt.segments],
            "parts": [asdict(part) for part in self.parts],
            "pairs": [asdict(pair) | {"redundancy": pair.redundancy} for pair in self.pairs],
            "values": self.n_values,
            "failed": self.n_failed,
        }

    def _refusal(self) -> str:
        if self.score.value != self.score.value:
            why = "whether these values predict other subsets cannot be told"
        else:
            why = f"they predict other subsets with a rank correlation of {self.score.value:.2f} only"
        return f"Segments are not ranked: {why}, and {LEAST_SCORE} is asked for."

    def _marked(self) -> Marked:
        """The whole prompt, each segment on the ground of its part's value."""
        strength = {place: part.value for part in self.parts for place in part.segments}
        text, spans = "", []
        for piece, place in self.prompt.shown():
            if place is not None and self.ranked:
                spans.append((len(text), len(text) + len(piece), strength[place]))
            text += piece
        return Marked(text, spans, "The prompt" if self.ranked else "The prompt; nothing is marked")


def _does(fall: float) -> str:
    if fall != fall:
        return "has no value, as its requests failed"
    return f"{'lowers' if fall >= 0 else 'raises'} it by {_figure(abs(fall))}"


def _figure(value: float) -> str:
    return f"{value:.3g}"
