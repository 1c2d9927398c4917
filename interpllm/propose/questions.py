"""A language model proposes yes/no questions: it is shown rows of different classes and says how they differ.

What comes back is judged question by question (see `interpllm.propose.wording`): it must be answered by yes
or no, say what counts, be new, not be vetoed, and not name the label. Where too few are left, more are asked
for, with the reasons why others were set aside; within bounds, and nothing is made up.

Zhong et al. (2022, "Describing differences between text distributions with natural language") show a model
contrasting texts; QA-Emb (Benara et al., 2024) makes yes/no questions the features; Text Bottleneck Models
(Ludan et al., 2023) come back with rows that are still got wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, zip_longest
from typing import Any

from numpy.typing import ArrayLike

from interpllm.llm import Plan, Reply, Session, Usage
from interpllm.propose.prompts import ANSWER_TOKENS, PER_REQUEST, Prompter, check_counts
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
    rows_per_group: int = 6,
    max_chars: int = 600,
    tries: int = 3,
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
    rows_per_group : int
        Rows of each class in one request; at most four classes are shown in one.
    max_chars : int
        Longer rows are shown up to here.
    tries : int
        How often questions are asked for at most, where earlier replies gave too few.
    random_state : int, optional
        Seed of the order in which rows are shown; None is 0, so that a fit can be replayed.

    Returns
    -------
    Proposal
        With fewer than `n` questions, or none, where the model could not give more within `tries`.

    Raises
    ------
    InputError
        When all rows are of one class or value, or a parameter cannot be used.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.complete`; replies that came are in the store.

    Notes
    -----
    The same rows and parameters make the same requests in the same order.
    """
    prompter = Prompter(
        texts,
        y,
        task=task,
        classes=classes,
        target=target,
        held=held,
        residual=residual,
        rows_per_group=rows_per_group,
        max_chars=max_chars,
        random_state=random_state,
    )
    check_counts(n=n, tries=tries)
    params = _params(session)
    wordings = Wordings(prompter.held, classes or ())
    before = replace(session.usage)
    kept: list[Question] = []
    rejected: list[tuple[str, str]] = []
    failures: list[str] = []
    n_requests = 0
    for _ in range(tries):
        requests = prompter.requests(n - len(kept), kept, rejected, params)
        replies = session.complete(requests)
        n_requests += len(requests)
        failures += [reply.error for reply in replies if reply.error is not None]
        came = list(_in_turns(replies))
        for item in came:
            if len(kept) == n:
                break
            fault = wordings.fault(*item)
            if fault is None:
                kept.append(_question(*item))
            else:
                rejected.append((one_line(item[0]), fault))
        if len(kept) == n or not came:
            break  # a model that has nothing to say, or cannot say it, was asked often enough
    used = session.usage - before
    return Proposal(tuple(kept), tuple(rejected), n_requests, tuple(failures), len(prompter.cut), used)


def plan_questions(session: Session, texts: Sequence[str], y: ArrayLike, *, n: int, **shown: Any) -> Plan:
    """What :func:`propose_questions` would send at its first try; sends nothing.

    Parameters
    ----------
    session, texts, y, n
        As for :func:`propose_questions`.
    **shown
        The other parameters of :func:`propose_questions`, but for ``tries``.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        As :func:`propose_questions`.
    """
    prompter = Prompter(texts, y, **shown)
    check_counts(n=n)
    return session.plan(prompter.requests(n, [], [], _params(session)))


def _in_turns(replies: Iterable[Reply]) -> Iterator[tuple[str, str, str]]:
    """The first questions of all replies, then the second ones: each request saw other rows."""
    lists = [reply.data["questions"] for reply in replies if reply.ok]
    for item in chain.from_iterable(zip_longest(*lists)):
        if item is not None:
            yield item["question"], item["counts_as_yes"], item["does_not_count"]


def _question(question: str, yes: str, no: str) -> Question:
    yes, no = (one_line(part).rstrip(".;") for part in (yes, no))
    return Question.of(question, f"Yes: {yes}; no: {no}.", "llm")


def _params(session: Session) -> dict[str, Any]:
    """A model in process stops at few tokens unless told; a server is left its own limit."""
    return {} if session.backend.batch_size == 1 else {"max_tokens": 2 * PER_REQUEST * ANSWER_TOKENS}
