"""A language model proposes yes/no questions: it is shown rows of different classes and says how they differ.

What comes back is judged question by question (see `interpllm.propose.wording`): it must be answered by yes
or no, say what counts, be new, not be vetoed, and not name the label. Where too few are left, more are asked
for, with the reasons why others were set aside; within bounds, and nothing is made up.

Zhong et al. (2022, "Describing differences between text distributions with natural language") show a model
contrasting texts; QA-Emb (Benara et al., 2024) makes yes/no questions the features; Text Bottleneck Models
(Ludan et al., 2023) come back with rows that are still got wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from numpy.typing import ArrayLike

from interpllm.errors import ReplayMiss
from interpllm.llm import Plan, Reply, Request, Session, Usage
from interpllm.propose.prompts import ANSWER_TOKENS, PER_REQUEST, SPARE, Prompter
from interpllm.propose.rounds import PATIENCE, check_counts
from interpllm.propose.wording import Wordings
from interpllm.runtime import ConceptSet, Question
from interpllm.runtime.features import one_line


@dataclass(frozen=True)
class Proposal:
    """Questions that a language model proposed, and what became of the others.

    Attributes
    ----------
    questions : tuple of Question
        Those that can be used, ``source="llm"``, at most as many as were asked for.
    rejected : tuple of (str, str)
        Wording of each question that was set aside, and why.
    requests : int
        Requests for questions, those that the store answered included.
    failures : tuple of str
        Why requests had no usable reply.
    cut : int
        Rows that were shown only up to the limit.
    usage : Usage
        What the session used for it; `parse_failures` counts replies that had to be asked for again.
    """

    questions: tuple[Question, ...]
    rejected: tuple[tuple[str, str], ...] = ()
    requests: int = 0
    failures: tuple[str, ...] = ()
    cut: int = 0
    usage: Usage = field(default_factory=Usage)

    @property
    def report(self) -> dict[str, Any]:
        """The counts as plain data; ``rejected`` maps each reason to how often it was met."""
        return {
            "proposed": len(self.questions),
            "rejected": dict(Counter(reason for _, reason in self.rejected)),
            "requests": self.requests,
            "failed_requests": len(self.failures),
            "asked_again": self.usage.parse_failures,
            "rows_cut": self.cut,
        }

    def __str__(self) -> str:
        """One line of counts, then the questions."""
        head = (
            f"{len(self.questions)} questions proposed in {self.requests} requests, {len(self.rejected)} set "
            f"aside, {len(self.failures)} requests failed"
        )
        return "\n".join([head, *(f"  {question} {question.counts}" for question in self.questions)])


def propose_questions(
    session: Session,
    texts: Sequence[str],
    y: ArrayLike,
    *,
    n: int,
    task: str | None = None,
    classes: Sequence[str] | None = None,
    target: str = "the label",
    held: ConceptSet | Iterable[str | Question] = (),
    residual: Sequence[int] = (),
    truer_of: str | None = None,
    rows_per_group: int = 8,
    max_chars: int = 600,
    max_requests: int | None = None,
    random_state: int | None = 0,
) -> Proposal:
    """Ask a language model for questions that tell rows of different classes apart.

    Parameters
    ----------
    session : Session
        With the verb ``complete``.
    texts : sequence of str, (n_rows,)
        Rows that questions may be proposed from; rows that select or confirm do not belong here.
    y : array-like (n_rows,)
        Positions in `classes`, or the values of a regression.
    n : int
        Questions wanted.
    task : str, optional
        What the model is for, in the user's words; it is shown to the language model.
    classes : sequence of str, optional
        Names of the classes; None for a regression, where low values stand against high ones.
    target : str
        What is predicted, as a prompt calls it.
    held : ConceptSet, or iterable of str or Question
        What is asked already, and, in a set, what was vetoed: neither is proposed again.
    residual : sequence of int
        Positions of the rows that the present model gets most wrong, the worst first; they are shown, and
        marked, beside others of their class.
    truer_of : str, optional
        The class that all questions are to speak for; None wants some for each class.
    rows_per_group : int
        Rows of each class in one request; at most six classes are shown in one.
    max_chars : int
        Longer rows are shown up to here.
    max_requests : int, optional
        Requests at most, where replies give too few questions; by default twice those that good replies take.
    random_state : int, optional
        Seed of the order in which rows are shown; None is 0, so that a fit can be replayed.

    Returns
    -------
    Proposal
        With fewer than `n` questions, or none, where the model could not give more within `max_requests`.

    Raises
    ------
    InputError
        When all rows are of one class or value, or a parameter cannot be used.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.complete`; replies that came are in the store.

    Notes
    -----
    Requests go out one by one, for about ten questions each, and each is told what the earlier ones
    brought: asked side by side, a capable model proposes the same questions over and over. The same rows
    and parameters make the same requests.
    """
    prompter = Prompter(
        texts,
        y,
        task=task,
        classes=classes,
        target=target,
        held=held,
        residual=residual,
        truer_of=truer_of,
        rows_per_group=rows_per_group,
        max_chars=max_chars,
        random_state=random_state,
    )
    check_counts(n=n, max_requests=1 if max_requests is None else max_requests)
    before = replace(session.usage)
    run = _Run(prompter, n, max_requests, _params(session))
    while (request := run.request()) is not None:
        run.take(session.complete([request])[0])
    return Proposal(
        tuple(run.kept),
        tuple(run.rejected),
        run.n_requests,
        tuple(run.failures),
        len(prompter.cut),
        session.usage - before,
    )


def plan_questions(session: Session, texts: Sequence[str], y: ArrayLike, *, n: int, **shown: Any) -> Plan:
    """What :func:`propose_questions` would send if every reply is good; sends nothing.

    Parameters
    ----------
    session, texts, y, n
        As for :func:`propose_questions`.
    **shown
        The other parameters of :func:`propose_questions`, but for ``max_requests``.

    Returns
    -------
    Plan
        What the store answers is followed; beyond it, prompts are counted without the questions that replies
        would bring, some 15 tokens each.

    Raises
    ------
    InputError
        As :func:`propose_questions`.
    """
    check_counts(n=n)
    run = _Run(Prompter(texts, y, **shown), n, None, _params(session))
    plan = Plan()
    while (request := run.request()) is not None:
        step = session.plan([request])
        plan += step
        reply = _stored(session, request) if step.stored else None
        if reply is None:
            run.expect()
        else:
            run.take(reply)
    return plan


def _stored(session: Session, request: Request) -> Reply | None:
    """What the store answers; None where it takes asking again, which a plan must not do."""
    try:
        return Session(session.backend, store=session.store, mode="replay").complete([request])[0]
    except ReplayMiss:
        return None


class _Run:
    """What has come so far, and what is to be asked next."""

    def __init__(
        self, prompter: Prompter, n: int, max_requests: int | None, params: Mapping[str, Any]
    ) -> None:
        self.prompter, self.n, self.params = prompter, n, params
        # Each class is shown once at least.
        self._enough = max(math.ceil(n / PER_REQUEST), prompter.turns)
        self._most = 2 * self._enough if max_requests is None else max_requests
        self._wordings = Wordings(prompter.held, prompter.classes)
        self._barren = 0
        self._expected = 0
        self._room = 0
        self.kept: list[Question] = []
        self.rejected: list[tuple[str, str]] = []
        self.failures: list[str] = []
        self.n_requests = 0

    def request(self) -> Request | None:
        """The next request, or None where there are enough questions or there is no use in going on."""
        missing = self.n - len(self.kept) - self._expected
        if missing <= 0 or self.n_requests >= self._most or self._barren >= PATIENCE:
            return None
        share = min(math.ceil(missing / max(1, self._enough - self.n_requests)), PER_REQUEST)
        self.n_requests += 1
        # Spare questions are not to take the place of those from classes that were not shown yet.
        self._room = share if self.n_requests < self.prompter.turns else min(missing, share + SPARE)
        return self.prompter.request(share + SPARE, self.kept, self.rejected, self.params)

    def take(self, reply: Reply) -> None:
        """Keep what can be used of a reply."""
        if reply.error is not None:
            self.failures.append(reply.error)
        proposed = reply.data["questions"] if reply.ok else []
        self._barren = 0 if proposed else self._barren + 1
        most = len(self.kept) + self._room
        for item in proposed:
            parts = [one_line(item[name]) for name in ("question", "counts_as_yes", "does_not_count")]
            if len(self.kept) == most:
                break
            fault = self._wordings.fault(*parts)
            if fault is None:
                self.kept.append(_question(*parts))
            else:
                self.rejected.append((parts[0], fault))

    def expect(self) -> None:
        """Count on as many questions as a good reply brings."""
        self._expected += self._room


def _question(question: str, yes: str, no: str) -> Question:
    return Question.of(question, f"Yes: {yes.rstrip('.;')}; no: {no.rstrip('.;')}.", "llm")


def _params(session: Session) -> dict[str, Any]:
    """A model in process stops at few tokens unless told; a server is left its own limit."""
    return {} if session.backend.batch_size == 1 else {"max_tokens": 2 * PER_REQUEST * ANSWER_TOKENS}
