"""What a prompt with only some of its segments is worth: how likely it makes a language model's answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError, LLMError
from interpllm.explain.segments import Prompt
from interpllm.llm import Plan, Request, Session
from interpllm.llm.memory import Progress
from interpllm.select.inference import NONE, Estimate, share

PROMPT_VERSION = "explain-generation-1"
_WILSON = 2 * 1.959964  # widths of a 95 % interval in standard errors

Masks = NDArray[np.bool_]
Array = NDArray[np.float64]
Agrees = Callable[[str], bool]


class Valued(NamedTuple):
    """The value of one subset, and its variance: 0 where it is no estimate."""

    estimate: Estimate
    variance: float = 0.0


MISSING = Valued(NONE)


class Valuer(Protocol):
    """Gives subsets of a prompt's segments their values."""

    def ask(self, masks: Masks, progress: Progress | None) -> list[Valued]:
        """One value a subset; `MISSING` where there is none."""
        ...

    def plan(self, masks: Masks) -> Plan:
        """What `ask` would send; sends nothing."""
        ...


@dataclass
class Values:
    """Values of subsets, each asked for once.

    Parameters
    ----------
    valuer : Valuer
    """

    valuer: Valuer
    _known: dict[bytes, Valued] = field(default_factory=dict)

    def ask(self, masks: Masks, progress: Progress | None = None) -> None:
        """Find out about those subsets that are not known."""
        new = {row.tobytes(): row for row in masks if row.tobytes() not in self._known}
        if new:
            found = self.valuer.ask(np.array(list(new.values())), progress)
            self._known.update(zip(new, found, strict=True))

    def knows(self, mask: Masks) -> bool:
        """Whether a subset was asked for."""
        return mask.tobytes() in self._known

    def of(self, masks: Masks) -> Array:
        """Values of subsets that were asked for; NaN where there is none."""
        return np.array([self._known[row.tobytes()].estimate.value for row in masks])

    def variances(self, masks: Masks) -> Array:
        """Variances of their values."""
        return np.array([self._known[row.tobytes()].variance for row in masks])

    def estimate(self, mask: Masks) -> Estimate:
        """Value and interval of one."""
        return self._known[mask.tobytes()].estimate

    def counts(self) -> tuple[int, int]:
        """Subsets that were asked for, and those of them without a value."""
        return len(self._known), sum(bool(np.isnan(one.estimate.value)) for one in self._known.values())


@dataclass(frozen=True)
class LogProbability:
    """Teacher-forced log-probability of the answer's tokens, or of those of a span of it.

    Parameters
    ----------
    session : Session
    prompt : Prompt
    before : str
        What of the answer stands before the span.
    span : str
        What is scored.
    """

    session: Session
    prompt: Prompt
    before: str
    span: str

    def ask(self, masks: Masks, progress: Progress | None) -> list[Valued]:
        """One log-probability a subset; see `Valuer`."""
        found = self.session.score(self._prompts(masks), [self.span], exact=True, progress=progress)[:, 0]
        return [
            Valued(Estimate(value, value, value)) if value == value else MISSING for value in found.tolist()
        ]

    def plan(self, masks: Masks) -> Plan:
        """What `ask` would send."""
        return self.session.plan(prompts=self._prompts(masks), options=[self.span], exact=True)

    def _prompts(self, masks: Masks) -> list[str]:
        return [conversation(self.session, self.prompt.messages(mask)) + self.before for mask in masks]


@dataclass(frozen=True)
class SampleShare:
    """Share of sampled replies that give the answer.

    Parameters
    ----------
    session : Session
    prompt : Prompt
    agrees : callable
        Whether a reply gives the answer.
    n_samples : int
    temperature : float
    max_tokens : int
    """

    session: Session
    prompt: Prompt
    agrees: Agrees
    n_samples: int
    temperature: float
    max_tokens: int

    def ask(self, masks: Masks, progress: Progress | None) -> list[Valued]:
        """One share a subset, with Wilson's interval; replies that failed are in no share."""
        replies = self.session.complete(self._requests(masks), progress=progress)
        found = []
        for start in range(0, len(replies), self.n_samples):
            said = [one.text or "" for one in replies[start : start + self.n_samples] if one.ok]
            value = share(sum(bool(self.agrees(text)) for text in said), len(said))
            found.append(Valued(value, ((value.high - value.low) / _WILSON) ** 2) if said else MISSING)
        return found

    def plan(self, masks: Masks) -> Plan:
        """What `ask` would send."""
        return self.session.plan(self._requests(masks))

    def _requests(self, masks: Masks) -> list[Request]:
        params: dict[str, Any] = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return [
            Request(self.prompt.messages(mask), params=params, sample=number, prompt_version=PROMPT_VERSION)
            for mask in masks
            for number in range(self.n_samples)
        ]


def writes_conversations(session: Session) -> bool:
    """Whether the backend tells what text it reads of a conversation."""
    return "score" in session.capabilities and hasattr(session.backend, "conversation")


def conversation(session: Session, messages: Sequence[Any]) -> str:
    """The text of a conversation, to be continued by the answer.

    Raises
    ------
    InputError
        When there are several messages and the backend does not tell how it reads them.
    """
    write: Any = getattr(session.backend, "conversation", None)
    if write is not None:
        return str(write(messages))
    if len(messages) > 1:
        raise InputError(
            f"{session.backend!r} does not tell what text it reads of a conversation, so no reply to it can "
            "be scored. Give texts and a template, or value='samples'."
        )
    return str(messages[0]["content"])


def answer_request(prompt: Prompt, max_tokens: int) -> Request:
    """What asks for the answer to the whole prompt."""
    return Request(
        prompt.messages(np.ones(len(prompt.segments), dtype=bool)),
        params={"temperature": 0.0, "max_tokens": max_tokens},
        prompt_version=PROMPT_VERSION,
    )


def written_answer(session: Session, prompt: Prompt, max_tokens: int) -> str:
    """The answer to the whole prompt, at temperature 0.

    Raises
    ------
    LLMError
        When there is none.
    """
    reply = session.complete([answer_request(prompt, max_tokens)])[0]
    if not reply.ok or not (reply.text or "").strip():
        raise LLMError(
            f"There is no answer to explain ({reply.error or 'it is empty'}); give one in answer=."
        )
    return str(reply.text)


def split_span(answer: str, span: str | tuple[int, int] | None) -> tuple[str, str]:
    """What stands before the span of an answer, and the span with the space that belongs to its first word.

    Raises
    ------
    InputError
        When there is no such span, or several.
    """
    if span is None:
        return "", answer
    if isinstance(span, str):
        if not span or answer.count(span) != 1:
            raise InputError(
                f"span={span!r:.80} stands {answer.count(span) if span else 0} times in the answer "
                f"{answer!r:.200}; give its (start, end) instead."
            )
        span = (answer.index(span), answer.index(span) + len(span))
    start, end = span
    if not 0 <= start < end <= len(answer):
        raise InputError(f"span={span!r} is no stretch of an answer of {len(answer)} characters.")
    if start and answer[start - 1] == " " and not answer[start].isspace():
        start -= 1
    return answer[:start], answer[start:end]
