"""What is asked for where a generation is to be explained, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from interpllm.errors import InputError
from interpllm.explain.prompt_values import (
    LogProbability,
    SampleShare,
    Valuer,
    split_span,
    writes_conversations,
)
from interpllm.explain.segments import SEGMENTS, Prompt, Segments
from interpllm.llm import Session

Span = str | tuple[int, int] | None
Value = Literal["auto", "log_probability", "samples"]


@dataclass(frozen=True)
class Task:
    """What was asked for; parameters as of `interpllm.explain.explain_generation`."""

    session: Session
    prompt: Prompt
    answer: str | None
    span: Span
    kind: str
    agrees: Callable[[str], bool] | None
    n_calls: int
    n_held_out: int
    n_samples: int
    temperature: float
    max_tokens: int
    random_state: int

    @classmethod
    def of(
        cls,
        session: Session,
        prompt_segments: Segments,
        answer: str | None = None,
        *,
        span: Span = None,
        template: str = SEGMENTS,
        fixed: Sequence[str | int] | None = None,
        separator: str = "",
        placeholder: str | None = None,
        value: Value = "auto",
        agrees: Callable[[str], bool] | None = None,
        n_calls: int = 64,
        n_held_out: int = 16,
        n_samples: int = 10,
        temperature: float = 1.0,
        max_tokens: int = 64,
        random_state: int = 0,
    ) -> Task:
        """The parameters, checked.

        Raises
        ------
        InputError
        """
        if value not in ("auto", "log_probability", "samples"):
            raise InputError(f"value must be auto, log_probability or samples; got {value!r}.")
        least = {"n_calls": (n_calls, 4), "n_held_out": (n_held_out, 16), "n_samples": (n_samples, 1)}
        for name, (number, lowest) in (least | {"max_tokens": (max_tokens, 1)}).items():
            if isinstance(number, bool) or not isinstance(number, int) or number < lowest:
                raise InputError(f"{name} must be a whole number of at least {lowest}; got {number!r:.80}.")
        if answer is not None and (not isinstance(answer, str) or not answer.strip()):
            raise InputError("answer must be a text; leave it out to have it written.")
        prompt = Prompt.of(prompt_segments, template, fixed, placeholder, separator)
        if answer is not None:
            split_span(answer, span)
        local = writes_conversations(session)
        kind = ("log_probability" if local else "samples") if value == "auto" else value
        if kind == "log_probability" and answer is None and not local:
            raise InputError("For the log-probabilities of this backend give the answer, too: answer='...'.")
        if kind == "samples" and not temperature > 0:
            raise InputError("temperature must be above 0, or all samples would be the same.")
        if agrees is not None and kind != "samples":
            raise InputError("agrees= judges sampled replies: say value='samples', too.")
        return cls(
            session,
            prompt,
            answer,
            span,
            kind,
            agrees,
            n_calls,
            n_held_out,
            n_samples,
            temperature,
            max_tokens,
            random_state,
        )

    @property
    def n(self) -> int:
        """Segments that can be left out."""
        return len(self.prompt.segments)

    def valuer(self, answer: str, span: Span) -> Valuer:
        """What gives subsets their values.

        Parameters
        ----------
        answer : str
        span : str, (int, int) or None
            Of it.
        """
        before, scored = split_span(answer, span)
        if self.kind == "log_probability":
            return LogProbability(self.session, self.prompt, before, scored)
        wanted, whole = scored.strip(), span is None
        agrees = self.agrees or (lambda said: said.strip() == wanted if whole else wanted in said)
        return SampleShare(
            self.session, self.prompt, agrees, self.n_samples, self.temperature, self.max_tokens
        )
