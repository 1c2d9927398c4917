"""The global view: terms with their effects, and groups of them with what their names are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from interpllm.display import Block, Figure, Note, Section, Table
from interpllm.display.axes import bars
from interpllm.explain.base import Explanation
from interpllm.explain.effects import Effect
from interpllm.explain.term_groups import TermGroup
from interpllm.llm import Usage
from interpllm.runtime.ledger import printable

if TYPE_CHECKING:
    import pandas as pd

    from interpllm.display.axes import Axes

_BARS = 20

WHAT_IT_MEANS = (
    "The effect is how much more a term adds to the model's decision, towards the class named, where it is "
    "present than where it is not: exact on these rows, and its interval says how it would vary over rows "
    "like them. It is no effect in the world, and not what the decision would be without the term."
)

_SAID = {
    "checked": "The name tells the group's unseen terms from others.",
    "failed": "The name does not surely tell the group's unseen terms from others, so the group has none.",
    "no reply": "The language model gave no usable reply, so the group has no name.",
    "too small": "Too few terms to name from one half and try on the other; nothing was asked.",
}


class GlobalExplanation(Explanation):
    """What a model goes by, over many rows.

    Parameters
    ----------
    terms : sequence of Effect
        Those that move the decisions most, the strongest first.
    groups : sequence of TermGroup
        Empty without a language model.
    n_rows : int
    requests : int
        Replies of a language model that names rest on, stored ones included.
    usage : Usage
        What was sent for it.
    """

    def __init__(
        self,
        terms: Sequence[Effect],
        groups: Sequence[TermGroup],
        n_rows: int,
        *,
        requests: int = 0,
        usage: Usage | None = None,
    ) -> None:
        self.terms = tuple(terms)
        self.groups = tuple(groups)
        self.n_rows = n_rows
        self.requests = requests
        self.usage = Usage() if usage is None else usage

    def frame(self) -> pd.DataFrame:
        """One row a term, the one that moves decisions most first.

        Returns
        -------
        pandas.DataFrame
            term : the phrase, condition, rule or question; question : its id, None without one; prediction :
            the class it speaks for (regression: "+" or "-"); weight : what one unit of it adds towards that,
            before norms, NaN for trees; n : rows of which it is known whether it is present (of trees: whose
            path looks at it; of questions: answered); n_present : rows in which it is; prevalence,
            prevalence_low, prevalence_high : their share, with Wilson's interval; effect, effect_low,
            effect_high : mean of what it adds to the decision where present less where not, with a bootstrap
            interval at 95 %; importance : mean over all rows of how far what it adds is from its mean;
            label_difference, label_low, label_high : share of the label where present less where not
            (regression: mean of the label), NaN without labels; group : number of its group, counted from 1;
            name : that of the group, if it was checked.
        """
        import pandas as pd

        place = {term: number for number, group in enumerate(self.groups) for term in group.terms}
        rows = []
        for one in self.terms:
            group = place.get(one.term.phrase)
            known = None if group is None else self.groups[group]
            rows.append(
                {
                    "term": one.term.phrase,
                    "question": one.term.question,
                    "prediction": one.prediction,
                    "weight": one.weight,
                    "n": one.n,
                    "n_present": one.n_present,
                    **_named("prevalence", one.prevalence, "prevalence"),
                    **_named("effect", one.effect, "effect"),
                    "importance": one.importance,
                    **_named("label_difference", one.label, "label"),
                    "group": None if group is None else group + 1,
                    "name": known.name if known is not None and known.status == "checked" else None,
                }
            )
        columns = [
            *("term", "question", "prediction", "weight", "n", "n_present"),
            *("prevalence", "prevalence_low", "prevalence_high", "effect", "effect_low", "effect_high"),
            *("importance", "label_difference", "label_low", "label_high", "group", "name"),
        ]
        return pd.DataFrame(rows, columns=columns).astype({"group": "Int64"})

    def group_frame(self) -> pd.DataFrame:
        """One row a group.

        Returns
        -------
        pandas.DataFrame
            group : counted from 1; name : as the language model wrote it, whether it holds or not; status :
            "checked", "failed", "no reply" or "too small"; n_terms; hits, n_unseen : unseen terms of the
            group that were said to belong, and how many there were; false_alarms, n_others : the same of
            others; balanced_accuracy, low, high : of telling them apart, chance is .5; p_value : exact,
            adjusted over all groups (Holm); terms.
        """
        import pandas as pd

        rows = [
            {
                "group": number,
                "name": group.name,
                "status": group.status,
                "n_terms": len(group.terms),
                "hits": group.hits and group.hits[0],
                "n_unseen": group.hits and group.hits[1],
                "false_alarms": group.false_alarms and group.false_alarms[0],
                "n_others": group.false_alarms and group.false_alarms[1],
                "balanced_accuracy": group.balanced_accuracy.value,
                "low": group.balanced_accuracy.low,
                "high": group.balanced_accuracy.high,
                "p_value": group.p_value,
                "terms": group.terms,
            }
            for number, group in enumerate(self.groups, start=1)
        ]
        columns = [
            *("group", "name", "status", "n_terms", "hits", "n_unseen", "false_alarms", "n_others"),
            *("balanced_accuracy", "low", "high", "p_value", "terms"),
        ]
        counts = dict.fromkeys(("hits", "n_unseen", "false_alarms", "n_others"), "Int64")
        return pd.DataFrame(rows, columns=columns).astype(counts)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the effects of the strongest terms with their intervals; classes stand in the labels."""
        shown = self.terms[:_BARS]
        return bars(
            [f"{one.term.phrase} → {one.prediction}" for one in shown],
            [one.effect.value for one in shown],
            low=[one.effect.low for one in shown],
            high=[one.effect.high for one in shown],
            xlabel="effect on the decision, where present against absent",
            ax=ax,
        )

    def blocks(self) -> list[Block]:
        """The terms with their effects, a plot, and the groups with what their names are worth."""
        table = self.frame().drop(columns=["question", "importance"]).dropna(axis="columns", how="all")
        shown: list[Block] = [
            Note(WHAT_IT_MEANS),
            Table(table, f"{len(self.terms)} terms, {self.n_rows} rows"),
        ]
        drawn = [one for one in self.terms[:_BARS] if one.effect.low == one.effect.low]
        if drawn:
            shown.append(Figure(self.plot(), "Effects of the strongest terms with their intervals."))
        if self.groups:
            inner: list[Block] = []
            for number, group in enumerate(self.groups, start=1):
                text = f"{_SAID[group.status]} {_trial(group)}".strip()
                said = (
                    f"The name that was tried: {group.name}. "
                    if group.name and group.status == "failed"
                    else ""
                )
                listed = ", ".join(f"“{term}”" for term in group.terms)
                inner.append(Section(f"{number}. {group.title}", [Note(said + text), Note(listed)]))
            shown.append(Section("Groups of terms", inner))
            spent = f"{self.requests} replies of a language model; {self.usage.tokens} tokens spent on them."
            shown.append(Note(spent))
        return shown

    def as_dict(self) -> dict[str, Any]:
        """The terms and the groups."""
        return {
            "n_rows": self.n_rows,
            "terms": self.frame().astype({"group": object}).to_dict("records"),
            "groups": [
                {
                    **{part.name: getattr(group, part.name) for part in fields(group)},
                    "balanced_accuracy": group.balanced_accuracy._asdict(),
                }
                for group in self.groups
            ],
            "requests": self.requests,
        }

    def __str__(self) -> str:
        columns = ["term", "prediction", "weight", "n_present", "effect", "effect_low", "effect_high"]
        lines = [self.frame()[columns].to_string(index=False, float_format=lambda value: f"{value:.3f}")]
        for number, group in enumerate(self.groups, start=1):
            lines.append(f"group {number}: {group.title} ({group.status}): {', '.join(group.terms)}")
        return printable("\n".join(lines))


def _named(name: str, estimate: Any, stem: str) -> dict[str, float]:
    return {name: estimate.value, f"{stem}_low": estimate.low, f"{stem}_high": estimate.high}


def _trial(group: TermGroup) -> str:
    if group.hits is None or group.false_alarms is None:
        return ""
    told = group.balanced_accuracy
    return (
        f"Of {group.hits[1]} unseen terms of the group {group.hits[0]} were found, of "
        f"{group.false_alarms[1]} others {group.false_alarms[0]}: balanced accuracy "
        f"{told.value:.2f} ({told.low:.2f} to {told.high:.2f}; chance .50), p {group.p_value:.3f}."
    )
