"""What a fit would take, before anything is spent."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
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
    encoder : Plan, optional
        What fine-tuning a local encoder takes: about how many texts it reads, and for how long at an assumed
        speed, if it was not fine-tuned on these rows before. Nothing where none is fine-tuned.
    """

    n_ngrams: int
    llm: Plan
    encoder: Plan = field(default_factory=Plan)

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
        """About how long these and the encoder take."""
        return self.llm.seconds + self.encoder.seconds

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        return {"n_ngrams": self.n_ngrams, **asdict(self.llm), "encoder": asdict(self.encoder)}

    def __str__(self) -> str:
        asked = (
            f"{self.n_ngrams:,} n-grams; at most {self.requests:,} requests of {self.llm.items:,} texts "
            f"({self.llm.stored:,} stored), about {self.tokens:,} tokens, {self.llm.seconds:,.0f} seconds"
        )
        if not self.encoder.items:
            return asked
        return (
            f"{asked}; fine-tuning an encoder reads about {self.encoder.items:,} texts, "
            f"{self.encoder.seconds:,.0f} seconds"
        )
