"""Which segments of a prompt make a language model's answer likelier: they are left out, singly and together.

Black-box and behavioural: told is how the answer's probability changes with what stands in the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from interpllm.answer import LOST
from interpllm.errors import LLMError
from interpllm.explain.asking import LLM, as_llm
from interpllm.explain.generation_result import LEAST_SCORE, GenerationExplanation, Pair, Part
from interpllm.explain.generation_task import Span, Task, Value
from interpllm.explain.prompt_values import Masks, Values, answer_request, split_span, written_answer
from interpllm.explain.segment_groups import MOST_PARTS, Parts, coarse, finer, most_rounds
from interpllm.explain.segments import SEGMENTS, Segments
from interpllm.explain.shapley import (
    PAIRS,
    Attribution,
    Design,
    attribute,
    cross_fitted,
    design,
    held_out,
    linear_datamodeling_score,
    predicted,
)
from interpllm.llm import Plan
from interpllm.llm.memory import Progress
from interpllm.select.inference import Estimate

_PAIRED = 3  # strongest parts, of which every two are left out together


def explain_generation(
    session: LLM,
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
    progress: Progress | None = None,
) -> GenerationExplanation:
    """Explain one answer of a language model by segments of its prompt.

    Each segment gets its Shapley value: what it adds to the answer's value, averaged over what else stands in
    the prompt. Up to 8 segments that is exact; up to 32 it is estimated by paired KernelSHAP; above, groups
    of neighbouring segments are valued first, and the strongest are opened. The values are checked on subsets
    that they were not fitted to, and where they do not predict these, segments are not ranked.

    Parameters
    ----------
    session : str, Session or LanguageModel
        The language model that is explained.
    prompt_segments : sequence of str, of (name, text) or of messages; or mapping of slot to value
        Texts are put together as they are (see `separator`) into one message; messages have ``role`` and
        ``content``; a mapping fills the slots ``{name}`` of the template.
    answer : str, optional
        What is explained; by default the language model writes it first, at temperature 0.
    span : str or (int, int), optional
        A part of the answer, given what stands before it; the whole by default. The space before its first
        word belongs to it.
    template : str
        What stands around texts, with ``{segments}`` where they go; it always stays.
    fixed : sequence of str or int, optional
        Names or places of segments that always stay. By default of messages the system's and the last.
    separator : str
        Between texts that stand beside each other.
    placeholder : str, optional
        What a segment is replaced by; by default it is left out.
    value : {"auto", "log_probability", "samples"}
        "log_probability": of the answer's tokens, in nats, for a model in process or a server whose
        completions echo log-probabilities (there the prompt is plain text, and the answer must be given).
        "samples": share of sampled replies that give the answer. "auto": the former for a model in process.
    agrees : callable, optional
        Whether a sampled reply gives the answer; by default it must be the answer but for white space around
        it, or hold the span.
    n_calls : int
        Subsets of segments that values are estimated from; at least 2 n + 10 of n segments.
    n_held_out : int
        Further subsets that the estimate is checked on.
    n_samples : int
        Replies to each subset where the value is a share of them.
    temperature : float
        Of these.
    max_tokens : int
        Of replies.
    random_state : int
        Of the subsets.
    progress : callable, optional
        Called with the number of values or replies that came.

    Returns
    -------
    GenerationExplanation

    Raises
    ------
    InputError
        When a parameter cannot be used, or the answer's tokens are not the same after every subset.
    LLMError
        When the whole prompt, the one without segments or most subsets have no value.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As `Session.score` and `Session.complete`; what came is in the store.

    References
    ----------
    Lundberg and Lee (2017), "A unified approach to interpreting model predictions"; Covert and Lee (2021),
    "Improving KernelSHAP"; Cohen-Wang et al. (2024), "ContextCite: attributing model generation to context".
    """
    session = as_llm(session)
    task = Task.of(
        session,
        prompt_segments,
        answer,
        span=span,
        template=template,
        fixed=fixed,
        separator=separator,
        placeholder=placeholder,
        value=value,
        agrees=agrees,
        n_calls=n_calls,
        n_held_out=n_held_out,
        n_samples=n_samples,
        temperature=temperature,
        max_tokens=max_tokens,
        random_state=random_state,
    )
    before = replace(session.usage)
    said = written_answer(session, task.prompt, max_tokens) if answer is None else answer
    values = Values(task.valuer(said, span))
    parts, game, found = _valued(task, values, progress)
    pairs, score = _checked(task, values, parts, game, found, progress)
    asked, failed = values.counts()
    complete = game.exact and not failed
    # Of two or three parts every subset is known, and none is left to predict.
    few = complete and len(parts) < 4 and bool(np.any(np.abs(found.values) > 1e-9))
    return GenerationExplanation(
        prompt=task.prompt,
        answer=said,
        span=split_span(said, span)[1],
        kind=task.kind,
        method="exact" if complete else "paired KernelSHAP",
        parts=_described(values, parts, found, ranked=few or score.value >= LEAST_SCORE),
        pairs=pairs,
        whole=values.estimate(_whole(task.n)),
        none=values.estimate(~_whole(task.n)),
        score=score,
        n_values=asked,
        n_failed=failed,
        usage=session.usage - before,
    )


def plan_generation(
    session: LLM, prompt_segments: Segments, answer: str | None = None, **settings: Any
) -> Plan:
    """What `explain_generation` would send; sends nothing.

    Parameters
    ----------
    session, prompt_segments, answer
        As of `explain_generation`.
    **settings
        Its other parameters, but for `progress`, since nothing is sent.

    Returns
    -------
    Plan
        Of up to 32 segments the very number of items; of more at most so many, since what is asked later
        depends on what came. Subsets that depend on what comes are counted as not stored.

    Raises
    ------
    InputError
        When a parameter cannot be used.
    """
    session = as_llm(session)
    task = Task.of(session, prompt_segments, answer, **settings)
    plan = Plan()
    if answer is None:
        plan += session.plan([answer_request(task.prompt, task.max_tokens)])
    parts = coarse(task.n)
    first = design(len(parts), task.n_calls, task.random_state, task.n_held_out)
    masks = np.vstack([_whole(task.n), ~_whole(task.n), first.masks @ parts])
    if not first.exact:
        later = (most_rounds(task.n) - 1) * len(design(MOST_PARTS, task.n_calls).masks)
        unknown = held_out(task.n, task.n_held_out + PAIRS + later, masks, task.random_state)
        masks = np.vstack([masks, unknown])
    # An answer that is not written yet is taken to be as long as it may be.
    valuer = (
        task.valuer("x" * 4 * task.max_tokens, None) if answer is None else task.valuer(answer, task.span)
    )
    return plan + valuer.plan(masks)


def _valued(task: Task, values: Values, progress: Progress | None) -> tuple[Parts, Design, Attribution]:
    """Shapley values of the segments, or of groups of them of which the strongest were opened."""
    ends = np.vstack([~_whole(task.n), _whole(task.n)])
    values.ask(ends, progress)
    parts = coarse(task.n)
    for left in reversed(range(most_rounds(task.n))):
        game = design(len(parts), task.n_calls, task.random_state, task.n_held_out)
        masks = game.masks @ parts
        values.ask(masks, progress)
        _check_enough(values, masks, task.n)
        noise = np.concatenate([values.variances(ends), values.variances(masks)])
        found = attribute(game, values.of(masks), *_ends(values, task.n), noise, task.random_state)
        if left:
            parts = finer(parts, found.values)
    return parts, game, found


def _checked(
    task: Task,
    values: Values,
    parts: Parts,
    game: Design,
    found: Attribution,
    progress: Progress | None,
) -> tuple[tuple[Pair, ...], Estimate]:
    """What the strongest parts do together, and how well subsets are predicted that nothing was fitted to."""
    strongest = np.argsort(-np.abs(found.values), kind="stable")[:_PAIRED]
    both = {pair: ~(parts[pair[0]] | parts[pair[1]]) for pair in combinations(strongest.tolist(), 2)}
    none, whole = _ends(values, task.n)
    if game.exact:
        # Every subset is known: each is predicted by a fit that saw neither it nor its complement.
        masks = game.masks @ parts
        few = len(parts) < 4
        real = values.of(masks)
        expected = (
            np.full(len(real), np.nan) if few else cross_fitted(game, real, none, whole, task.random_state)
        )
    else:
        new = sum(not values.knows(mask) for mask in both.values())
        fitted = np.vstack([game.masks, *(~_of_parts(pair, len(parts)) for pair in both)])
        # As many subsets whatever the answers, so that a plan can tell how many.
        chosen = held_out(len(parts), task.n_held_out + len(both) - new, fitted, task.random_state)
        masks = chosen @ parts
        values.ask(np.vstack([*both.values(), masks]), progress)
        real, expected = values.of(masks), predicted(chosen, found.values, none)
    score = linear_datamodeling_score(expected, real, task.random_state)
    alone = [whole - values.of(~parts[[place]])[0] for place in range(len(parts))]
    pairs = tuple(
        Pair(*pair, alone[pair[0]], alone[pair[1]], whole - values.of(mask[None])[0])
        for pair, mask in both.items()
    )
    return pairs, score


def _described(values: Values, parts: Parts, found: Attribution, ranked: bool) -> tuple[Part, ...]:
    """Each part with its figures."""
    none, whole = _ends(values, parts.shape[1])
    left_out, alone = whole - values.of(~parts), values.of(parts) - none
    order = np.argsort(-found.values, kind="stable")
    ranks = {place: rank for rank, place in enumerate(order.tolist(), start=1)}
    return tuple(
        Part(
            tuple(np.flatnonzero(members).tolist()),
            float(found.values[place]),
            float(found.standard_errors[place]),
            float(left_out[place]),
            float(alone[place]),
            ranks[place] if ranked else None,
        )
        for place, members in enumerate(parts)
    )


def _check_enough(values: Values, masks: Masks, n: int) -> None:
    """Check that there is something to explain, and enough to explain it by."""
    none, whole = _ends(values, n)
    missing = np.isnan(values.of(masks)).mean() if len(masks) else 0.0
    if np.isnan(none) or np.isnan(whole) or missing > LOST:
        of = f"{missing:.0%} of the subsets"
        if np.isnan(whole) or np.isnan(none):
            of = "the whole prompt" if np.isnan(whole) else "the prompt without its segments"
        raise LLMError(
            f"The language model gave no value for {of}: requests failed, or the prompt "
            "is longer than it can read. What came is stored; run it again."
        )


def _ends(values: Values, n: int) -> tuple[float, float]:
    """Values of the prompt without segments, and of the whole one."""
    none, whole = values.of(np.vstack([~_whole(n), _whole(n)])).tolist()
    return none, whole


def _whole(n: int) -> Masks:
    return np.ones((1, n), dtype=bool)


def _of_parts(chosen: Sequence[int], n: int) -> Masks:
    mask = np.zeros(n, dtype=bool)
    mask[list(chosen)] = True
    return mask
