"""Explain a module that gives every text a number: in words, tested on texts that they were not made from.

After SASC (Singh et al. 2023, "Explaining black box text modules in natural language with language models"):
stretches of text with strong responses are summarised by a language model, and texts are written to see
whether the summary moves the module. What is added: written pairs are divided into those that choose a
candidate and those that tell of it, texts of the corpus are held against hard negatives, p-values are
adjusted over all candidates, and there is such an outcome as "not explained".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
import pandas as pd

from interpllm.answer import ask, plan_answers
from interpllm.errors import InputError
from interpllm.explain.asking import LLM, as_llm
from interpllm.explain.module_checks import (
    FEWEST,
    Contrast,
    check,
    contrast,
    identify,
    ranked,
    tells,
)
from interpllm.explain.module_corpus import divide
from interpllm.explain.module_explanation import LEVEL, ModuleExplanation
from interpllm.explain.module_responses import (
    N_ORDINARY,
    N_STRONG,
    Array,
    Module,
    respond,
    stretches,
    strongest,
)
from interpllm.llm import Plan, Session
from interpllm.propose.properties import plan_properties, propose_properties
from interpllm.propose.rounds import check_counts
from interpllm.propose.written_texts import WrittenTexts, plan_texts, write_texts
from interpllm.runtime import Question
from interpllm.select.parts import Parts

_STAND_IN = "mentions something of about this length"

Told = Callable[[str], object]


def explain_module(
    f: Module,
    corpus: Sequence[str],
    *,
    llm: LLM,
    name: str = "the module",
    n_candidates: int = 5,
    texts_per_side: int = 24,
    corpus_texts: int = 32,
    max_stretches: int = 10_000,
    parts: Parts | None = None,
    others: Mapping[str, Module] | None = None,
    random_state: int = 0,
    progress: Told | None = None,
) -> ModuleExplanation:
    """Say in words to which texts a module responds more strongly, and test it.

    Parameters
    ----------
    f : callable
        Takes a list of texts and gives one number a text: an embedding dimension, a probe, a reward model, a
        feature (:mod:`interpllm.explain.modules` has some ready-made). Always the same for the same text; NaN
        where it has none.
    corpus : sequence of str
        Texts of the kind that the module is for, without labels; some hundreds at least.
    llm : str, Session or LanguageModel
        What proposes, writes and judges.
    name : str
        What the module is called.
    n_candidates : int
        Properties that are proposed, each of which is tested.
    texts_per_side : int
        Texts that are written with each property, and as many twins without it. A third of these pairs
        chooses among candidates, the others tell of them.
    corpus_texts : int
        Texts of the corpus with strong responses that are asked about at most, and as many hard negatives, of
        which again a third chooses.
    max_stretches : int
        Runs of one to three words that the module is tried on: those of texts with strong responses, and the
        most frequent.
    parts : Parts, optional
        Which texts are proposed from and which confirm; by default half each, near-duplicates together. Texts
        to select on are not used.
    others : mapping of str to callable, optional
        Further modules, by name: is it this one whose responses the foremost candidate tells best?
    random_state : int
    progress : callable, optional
        Called with a few words on what comes next.

    Returns
    -------
    ModuleExplanation

    Raises
    ------
    InputError
        When texts or parameters cannot be used, a text stands in both parts, or the module gives one number
        for all texts.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        What concerns every request stops the call; the replies that came are in the store.

    Notes
    -----
    What a module responds to only in whole texts, such as their length, no stretch shows; it stays
    unexplained.
    """
    session = as_llm(llm)
    check_counts(n_candidates=n_candidates, max_stretches=max_stretches)
    _check_pairs(texts_per_side=texts_per_side, corpus_texts=corpus_texts)
    rivals = _others(others, name)
    tell = progress or (lambda _: None)
    divided = divide(corpus, parts, random_state)
    before = replace(session.usage)

    tell(f"measuring {len(divided.confirm)} texts and the stretches of {len(divided.propose)}")
    values = respond(f, divided.confirm, name)
    sigma = _sigma(values, name)
    proposing = respond(f, divided.propose, name)
    tried = stretches(divided.propose, max_stretches, random_state, proposing)
    found = strongest(f, tried, name, random_state)

    chosen = contrast(divided.confirm, values, corpus_texts)

    problems: list[str] = []
    properties: tuple[str, ...] = ()
    sent = 0
    # What could not be tested in the end is not asked for.
    if not len(chosen.high):
        problems.append(f"fewer than {FEWEST} texts of the corpus have a strong response to be told by")
    elif not found.strong:
        problems.append("the module responds alike to all stretches of text")
    else:
        tell("asking what the strongest stretches have in common")
        proposed = propose_properties(session, found.strong, found.ordinary, n_candidates)
        properties, sent = proposed.kept, proposed.requests
        problems += [f"a request for candidates had no usable reply ({why})" for why in proposed.failures]
        if not properties and not proposed.failures:
            problems.append("no candidate that can be used was proposed")

    if properties:
        tell(f"asking for texts with and without each of {len(properties)} properties")
    written = write_texts(session, properties, texts_per_side, divided.examples)
    problems += [
        f"no texts were written for “{said}” ({texts.failure})"
        for said, texts in zip(properties, written, strict=True)
        if texts.failure
    ]
    if properties:
        tell(f"asking of {2 * len(chosen.high)} texts of the corpus whether each property holds")
    answers, cells = _answers(session, divided.confirm, chosen, properties)

    responses = [(respond(f, one.having, name), respond(f, one.lacking, name)) for one in written]
    n = len(chosen.high)
    checked = [
        check(*pair, answers[:n, column], answers[n:, column], sigma, random_state)
        for column, pair in enumerate(responses)
    ]
    missing = int(np.isnan(answers).sum())
    if missing:
        problems.append(f"{missing} of {answers.size} answers about texts of the corpus are missing")
    candidates = ranked(properties, checked, LEVEL)
    return ModuleExplanation(
        name=name,
        candidates=candidates,
        stretches=found,
        texts=_texts(divided.confirm, values, chosen, properties, answers),
        written=_written(properties, written, responses),
        identification=_identified({name: f} | rivals, candidates, properties, written) if rivals else None,
        n_propose=len(divided.propose),
        n_confirm=len(divided.confirm),
        mean=float(np.nanmean(values)),
        sigma=sigma,
        problems=tuple(problems),
        replies={"proposing": sent, "writing": len(written), "answers": cells},
        usage=session.usage - before,
    )


def plan_module(
    corpus: Sequence[str],
    *,
    llm: LLM,
    n_candidates: int = 5,
    texts_per_side: int = 24,
    corpus_texts: int = 32,
    max_stretches: int = 10_000,
    parts: Parts | None = None,
    random_state: int = 0,
) -> Plan:
    """Tell what `explain_module` would send if every reply is good; sends nothing and calls no module.

    What is asked for hangs on what was proposed before, so that stored replies to later requests are not
    taken off, and tokens are those of texts and stretches of the usual length. What the module itself sends
    is not counted: it is called on the stretches, on the texts to test on, and on those that are written.

    Parameters
    ----------
    corpus, llm, n_candidates, texts_per_side, corpus_texts, max_stretches, parts, random_state
        As for `explain_module`; there are no `f`, `name`, `others` and `progress`, which change nothing that
        is sent.

    Raises
    ------
    InputError, CapabilityError, StoreError
        As `explain_module` raises them.
    """
    session = as_llm(llm)
    check_counts(n_candidates=n_candidates, max_stretches=max_stretches)
    _check_pairs(texts_per_side=texts_per_side, corpus_texts=corpus_texts)
    divided = divide(corpus, parts, random_state)
    shown = stretches(divided.propose, min(max_stretches, N_STRONG + N_ORDINARY), random_state)
    properties = [f"{_STAND_IN} ({number})" for number in range(n_candidates)]
    asked = divided.confirm[: 2 * corpus_texts]
    return (
        plan_properties(session, shown[:N_STRONG], shown[N_STRONG:], n_candidates)
        + plan_texts(session, properties, texts_per_side, divided.examples)
        + plan_answers(session, asked, list(map(_question, properties)))
    )


def _check_pairs(**pairs: int) -> None:
    check_counts(**pairs)
    for name, n in pairs.items():
        if n < FEWEST:
            raise InputError(
                f"{name} must be at least {FEWEST}, since some pairs choose and the others tell; got {n}."
            )


def _others(others: Mapping[str, Module] | None, name: str) -> dict[str, Module]:
    found = dict(others or {})
    if name in found:
        raise InputError(f"Another module is called {name!r:.80}, too; give name= another name.")
    return found


def _sigma(values: Array, name: str) -> float:
    there = values[~np.isnan(values)]
    sigma = float(np.std(there, ddof=1)) if len(there) > 1 else 0.0
    if not sigma > 0:
        raise InputError(
            f"{name} gives the {len(there)} texts to test on one and the same number, so that there is "
            "nothing to explain; give a corpus with texts to which it responds."
        )
    return sigma


def _question(said: str) -> Question:
    return Question.of(f"The text {said}.", source="llm")


def _answers(
    session: Session, texts: Sequence[str], chosen: Contrast, properties: Sequence[str]
) -> tuple[Array, int]:
    """Whether each property holds of each chosen text, strong ones first; and how many cells that are."""
    rows = [texts[row] for row in (*chosen.high, *chosen.low)]
    if not rows or not properties:
        return np.zeros((len(rows), len(properties))), 0
    found = ask(session, rows, list(map(_question, properties)))
    return found.values, int(found.report["cells"])


def _texts(
    texts: Sequence[str], values: Array, chosen: Contrast, properties: Sequence[str], answers: Array
) -> pd.DataFrame:
    rows = np.concatenate([chosen.high, chosen.low])
    told = {
        "text": [texts[row] for row in rows],
        "response": values[rows],
        "side": ["high"] * len(chosen.high) + ["low"] * len(chosen.low),
    }
    asked = {_question(said).text: answers[:, column] for column, said in enumerate(properties)}
    return pd.DataFrame(told | asked)


def _written(
    properties: Sequence[str], written: Sequence[WrittenTexts], responses: Sequence[tuple[Array, Array]]
) -> pd.DataFrame:
    rows = [
        (said, "telling" if told else "choosing", *pair)
        for said, texts, values in zip(properties, written, responses, strict=True)
        for told, *pair in zip(tells(len(texts.having)), texts.having, texts.lacking, *values, strict=True)
    ]
    names = ["candidate", "use", "having", "lacking", "response_having", "response_lacking"]
    return pd.DataFrame(rows, columns=names)


def _identified(
    modules: Mapping[str, Module],
    candidates: pd.DataFrame,
    properties: Sequence[str],
    written: Sequence[WrittenTexts],
) -> pd.DataFrame | None:
    """Which module the foremost candidate tells best, by the pairs that chose nothing."""
    if not len(candidates):
        return None
    texts = written[list(properties).index(candidates["candidate"].iloc[0])]
    if texts.failure:
        return None
    told = tells(len(texts.having))
    having, lacking = (list(compress(side, told)) for side in (texts.having, texts.lacking))
    return identify(modules, having, lacking)
