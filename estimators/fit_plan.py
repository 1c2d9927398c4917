"""What a fit would take, before anything is spent."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from interpllm.llm.plan import Plan


@dataclass(frozen=True)
class FitPlan:
    """What a fit would take, told before anything is spent.

    Parameters
    ----------
    n_ngrams : int
        N-grams that could be in the table.
    llm : Plan
        What the language model would be asked.
    """

    n_ngrams: int
    llm: Plan

    @property
    def requests(self) -> int:
        """Calls of the language model that the store does not answer."""
        return self.llm.requests

    @property
    def tokens(self) -> int:
        """About how many tokens those are."""
        return self.llm.tokens

    @property
    def seconds(self) -> float:
        """About how long they take."""
        return self.llm.seconds

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {"n_ngrams": self.n_ngrams, **asdict(self.llm)}

    def __str__(self) -> str:
        return (
            f"{self.n_ngrams:,} n-grams; at most {self.requests:,} requests of {self.llm.items:,} texts "
            f"({self.llm.stored:,} stored), about {self.tokens:,} tokens, {self.seconds:,.0f} seconds"
        )
