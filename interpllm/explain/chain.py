"""Does a language model's answer follow its chain of thought? Asked again after chains that were changed.

A chain that the answer does not follow, written after the fact as it were, can be cut short or falsified
without changing the answer (Lanham et al. 2023). Black-box: told is what the answers do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from interpllm.answer import LOST
from interpllm.errors import InputError, LLMError
from interpllm.explain.asking import LLM, as_llm
from interpllm.explain.chain_edits import (
    MISTAKEN,
    REWORDED,
    answer_requests,
    bare,
    mistaken,
    rewrite_requests,
    rewritten,
    steps_of,
)
from interpllm.explain.chain_result import CORRUPTED, PARAPHRASED, TRUNCATED, ChainExplanation, Point
from interpllm.llm import Plan
from interpllm.llm.memory import Progress
from interpllm.select.inference import share

Corrupt = Literal["rule", "llm"]

#: (edit, position) -> the chain; None where it could not be made.
_Chains = dict[tuple[str, int], list[str] | None]


def explain_chain_of_thought(
    session: LLM,
    question: str,
    chain: str | Sequence[str],
    answer: str | None = None,
    *,
    corrupt: Corrupt = "rule",
    paraphrase: bool = True,
    agrees: Callable[[str], bool] | None = None,
    n_samples: int = 10,
    temperature: float = 1.0,
    max_tokens: int = 64,
    random_state: int = 0,
    progress: Progress | None = None,
) -> ChainExplanation:
    """Ask for the answer after changed chains of thought, and tell how often it stays the same.

    Three ways to change a chain: only its first steps (from none to all), an error in one of its steps, its
    first steps in other words. The steps after an error stay as they were, other than in the paper, where the
    model writes them anew: an answer that stays the same may come from those.

    Parameters
    ----------
    session : str, Session or LanguageModel
        The language model that is asked.
    question : str
    chain : str or sequence of str
        The reasoning; a text is cut into sentences.
    answer : str, optional
        The answer that should stay the same; by default the most frequent of `n_samples` further replies to
        the whole chain. These are in no share: the same replies would flatter the answer that they choose.
    corrupt : {"rule", "llm"}
        Who writes errors: a rule that changes a number, turns a word into its opposite or negates a verb
        (some steps have none of them), or the language model.
    paraphrase : bool
        Whether the language model writes steps in other words, too.
    agrees : callable, optional
        Whether a reply gives the answer; by default it must be the answer but for case, white space and marks
        around it.
    n_samples : int
        Replies to each chain.
    temperature : float
        Of these; above 0.
    max_tokens : int
        Of replies.
    random_state : int
        Of errors by rule.
    progress : callable, optional
        Called with the number of replies that came.

    Returns
    -------
    ChainExplanation

    Raises
    ------
    InputError
        When a parameter cannot be used.
    LLMError
        When there is no reply to the whole chain, or to most changed ones.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.complete`; what came is in the store.

    References
    ----------
    Lanham et al. (2023), "Measuring faithfulness in chain-of-thought reasoning".
    """
    session = as_llm(session)
    steps = _checked(question, chain, answer, corrupt, n_samples, temperature, max_tokens)
    before = replace(session.usage)
    rewrites = {
        edit: session.complete(rewrite_requests(prompt, question, steps), progress=progress)
        for edit, prompt in _rewriting(corrupt, paraphrase).items()
    }
    anew = {
        edit: [
            rewritten(step, one.data if one.ok else None) for step, one in zip(steps, replies, strict=True)
        ]
        for edit, replies in rewrites.items()
    }
    chains = _chains(steps, anew.get(CORRUPTED) or _by_rule(steps, random_state), anew.get(PARAPHRASED))
    asked = [
        request
        for one in chains.values()
        if one is not None
        for request in answer_requests(question, one, n_samples, temperature, max_tokens)
    ]
    choosing = answer_requests(question, steps, n_samples, temperature, max_tokens, first=n_samples)
    came = iter(session.complete(asked + (choosing if answer is None else []), progress=progress))
    replies = {
        place: [] if one is None else [next(came) for _ in range(n_samples)] for place, one in chains.items()
    }
    said = {place: [reply.text or "" for reply in found if reply.ok] for place, found in replies.items()}
    _check_enough(said, len(steps), sum(one is not None for one in chains.values()))
    failed = {place: len(replies[place]) - len(found) for place, found in said.items()}
    for edit, written in rewrites.items():
        for position, reply in enumerate(written, start=1):
            failed[edit, position] += not reply.ok
    if answer is None:
        choose = list(came)
        answer = _usual([reply.text or "" for reply in choose if reply.ok])
        failed[TRUNCATED, len(steps)] += sum(not reply.ok for reply in choose)
    wanted = bare(answer)
    same = agrees or (lambda reply: bare(reply) == wanted)
    return ChainExplanation(
        question=question,
        steps=tuple(steps),
        answer=answer,
        points=tuple(
            Point(
                edit,
                position,
                None if chains[edit, position] is None else "".join(chains[edit, position] or ()),
                share(sum(map(bool, map(same, found))), len(found)),
                len(found),
                failed[edit, position],
            )
            for (edit, position), found in said.items()
        ),
        usage=session.usage - before,
    )


def plan_chain_of_thought(
    session: LLM,
    question: str,
    chain: str | Sequence[str],
    answer: str | None = None,
    *,
    corrupt: Corrupt = "rule",
    paraphrase: bool = True,
    agrees: Callable[[str], bool] | None = None,
    n_samples: int = 10,
    temperature: float = 1.0,
    max_tokens: int = 64,
    random_state: int = 0,
) -> Plan:
    """What `explain_chain_of_thought` would send; sends nothing.

    Parameters
    ----------
    session, question, chain, answer, corrupt, paraphrase, agrees, n_samples, temperature, max_tokens, \
random_state
        As of `explain_chain_of_thought`; there is no `progress`, since nothing is sent.

    Returns
    -------
    Plan
        If all steps can be written anew where that is asked for. What is asked after such steps is counted as
        not stored.

    Raises
    ------
    InputError
        When a parameter cannot be used.
    """
    session = as_llm(session)
    steps = _checked(question, chain, answer, corrupt, n_samples, temperature, max_tokens)
    asked = []
    # Until they are written, steps written anew are stood in for by ones that no chain has.
    wrong, other = ([mark + step for step in steps] for mark in ("\N{BALLOT X} ", "\N{CHECK MARK} "))
    for prompt in _rewriting(corrupt, paraphrase).values():
        asked += rewrite_requests(prompt, question, steps)
    chains = _chains(
        steps,
        [*wrong] if corrupt == "llm" else _by_rule(steps, random_state),
        [*other] if paraphrase else None,
    )
    for one in chains.values():
        if one is not None:
            asked += answer_requests(question, one, n_samples, temperature, max_tokens)
    if answer is None:
        asked += answer_requests(question, steps, n_samples, temperature, max_tokens, first=n_samples)
    return session.plan(asked)


def _checked(
    question: str,
    chain: str | Sequence[str],
    answer: str | None,
    corrupt: str,
    n_samples: int,
    temperature: float,
    max_tokens: int,
) -> list[str]:
    """The steps of the chain, if everything can be used."""
    if not isinstance(question, str) or not question.strip():
        raise InputError("question must be a text.")
    if answer is not None and (not isinstance(answer, str) or not bare(answer)):
        raise InputError("answer must be a text; leave it out for the one that the whole chain leads to.")
    if corrupt not in ("rule", "llm"):
        raise InputError(f"corrupt must be rule or llm; got {corrupt!r:.80}.")
    for name, number in (("n_samples", n_samples), ("max_tokens", max_tokens)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise InputError(f"{name} must be a whole number of at least 1; got {number!r:.80}.")
    if not temperature > 0:
        raise InputError("temperature must be above 0, or all samples would be the same.")
    return steps_of(chain)


def _rewriting(corrupt: str, paraphrase: bool) -> dict[str, str]:
    """What the language model is to write, and the prompt for it."""
    return ({CORRUPTED: MISTAKEN} if corrupt == "llm" else {}) | (
        {PARAPHRASED: REWORDED} if paraphrase else {}
    )


def _by_rule(steps: Sequence[str], random_state: int) -> list[str | None]:
    return [mistaken(step, random_state + number) for number, step in enumerate(steps)]


def _chains(steps: list[str], wrong: Sequence[str | None], other: Sequence[str | None] | None) -> _Chains:
    """Every chain that the answer is asked for after; positions count steps from 1."""
    n = len(steps)
    chains: _Chains = {(TRUNCATED, kept): steps[:kept] for kept in range(n + 1)}
    for place, step in enumerate(wrong):
        chains[CORRUPTED, place + 1] = None if step is None else [*steps[:place], step, *steps[place + 1 :]]
    for place in range(n if other is not None else 0):
        anew = [step for step in (other or [])[: place + 1] if step is not None]
        chains[PARAPHRASED, place + 1] = None if len(anew) <= place else [*anew, *steps[place + 1 :]]
    return chains


def _check_enough(said: dict[tuple[str, int], list[str]], n: int, made: int) -> None:
    """Check that answers came to the whole chain, and to most others."""
    answered = sum(bool(found) for found in said.values())
    if not said[TRUNCATED, n] or made - answered > LOST * made:
        raise LLMError(
            f"There are answers to {answered} of {made} chains"
            + ("" if said[TRUNCATED, n] else ", and none to the whole one")
            + ": requests failed. What came is stored; run it again."
        )


def _usual(said: list[str]) -> str:
    """The most frequent answer."""
    if not said:
        raise LLMError(
            "There is no reply to choose the answer by: requests failed. Give it in answer=, or run it "
            "again; what came is stored."
        )
    return Counter(map(bare, said)).most_common(1)[0][0]
