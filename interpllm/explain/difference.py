"""What is truer of some texts than of others, in statements that were written, chosen and confirmed apart."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.explain.asking import LLM, Array, Asking, Planning, as_llm
from interpllm.explain.difference_figures import DifferenceExplanation, figures_of, share_difference
from interpllm.explain.material import Material, in_turn, material
from interpllm.explain.statements import (
    Source,
    Wanted,
    plan_proposed,
    proposed,
    table_of_candidates,
    wanted,
)
from interpllm.llm import Plan
from interpllm.propose.rounds import check_counts
from interpllm.runtime import Question
from interpllm.select.inference import holm
from interpllm.select.inputs import column_of, texts_of
from interpllm.select.parts import Parts
from interpllm.select.race import SPEND, Race, race

TARGET = "which group a text is from"


def explain_difference(
    A: Any,
    B: Any,
    goal: str | None = None,
    *,
    llm: LLM = "local",
    names: tuple[str, str] = ("A", "B"),
    candidates: Iterable[str | Question] = (),
    n_candidates: int = 40,
    n_statements: int = 5,
    propose: Source = "auto",
    parts: Parts | None = None,
    spend: float = SPEND,
    n_resamples: int = 9999,
    random_state: int = 0,
    cache: str | os.PathLike[str] | None = None,
    verbose: int = 0,
    **options: Any,
) -> DifferenceExplanation:
    """Tell in a few checked statements what is truer of the texts A than of the texts B.

    Statements are written from one part of the texts, raced on a second, and what is told of them comes
    from a third one, which played no part before. For what is truer of B, exchange the two.

    Parameters
    ----------
    A, B : containers of texts
        Lists, arrays, Series or frames of one column.
    goal : str, optional
        What the statements are to be about, in a sentence; told to the language model.
    llm : str, Session or LanguageModel
        Who answers, and writes statements.
    names : (str, str)
        What the two are called. A name that says something, such as "refunds", helps who writes.
    candidates : iterable of str or Question
        Statements of your own, raced with the others.
    n_candidates : int
        Statements to be written beside them.
    n_statements : int
        The best so many are confirmed.
    propose : {"auto", "llm", "bank"}
        Who writes: the language model, or the library, whose own statements are chosen by their likeness to
        the texts (this loads the embedded model "minilm"). "auto" is the language model where it is behind a
        server, as small models in process write poorly.
    parts : Parts, optional
        Positions in A followed by B; by default 30, 40 and 30 % of both.
    spend : float
        Share of the requests for all candidates and all rows of the second part that the race may spend.
    n_resamples : int
        Permutations a statement.
    random_state : int
    cache : path, optional
        Where answers are kept, if `llm` is not a session.
    verbose : int
        1 shows progress.
    **options
        Further arguments of `interpllm.answer.ask`, such as ``rows_per_request``.

    Returns
    -------
    DifferenceExplanation

    Raises
    ------
    InputError
        When texts, parts or a parameter cannot be used: also when a row is to propose and to confirm.
    LLMError, BudgetExceeded, RequestRefused, ConnectionFailed, ReplayMiss, StoreError
        When the language model cannot be asked; answers that came are kept, and the same call goes on.

    Notes
    -----
    The task is that of Zhong et al. (2022, "Describing differences between text distributions with natural
    language") and of D5 (Zhong et al. 2023, "Goal driven discovery of distributional differences via language
    descriptions"); to confirm on rows of their own is added. Where a statement is answered alike for
    A and B the chance that any of the confirmed ones is said to hold is at most 5 %: their p are adjusted by
    Holm's procedure. Candidates that lose the race need no correction, since who wins is settled on rows that
    have no part in p. The texts of each side are taken for independent draws.
    """
    texts, y = _both(A, B, names)
    how = _wanted(candidates, n_candidates, propose, goal, names, cache, random_state)
    check_counts(n_statements=n_statements, n_resamples=n_resamples)
    session = as_llm(llm, cache)
    before = replace(session.usage)
    rows = material(texts, y, names, parts, bool(how.n), random_state)
    asking = Asking(session, goal, options, verbose)
    questions, report = proposed(session, rows, how)
    raced = _raced(asking, questions, rows, n_statements, spend, random_state)
    best = [questions[column] for column in raced.best]
    values = asking.values(rows.of(rows.parts.confirm), best)
    table = _confirmed(best, values, rows, n_resamples, random_state)
    return DifferenceExplanation(
        names=names,
        goal=goal,
        statements=table,
        candidates=_tried(questions, raced),
        rows=rows.counts(),
        proposals=report,
        answers=dict(asking.report),
        n_chained=rows.parts.n_chained,
        usage=session.usage - before,
    )


def plan_difference(
    A: Any,
    B: Any,
    goal: str | None = None,
    *,
    llm: LLM = "local",
    names: tuple[str, str] = ("A", "B"),
    candidates: Iterable[str | Question] = (),
    n_candidates: int = 40,
    n_statements: int = 5,
    propose: Source = "auto",
    parts: Parts | None = None,
    spend: float = SPEND,
    random_state: int = 0,
    cache: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Plan:
    """What :func:`explain_difference` would send, and about what that takes; sends nothing.

    Parameters
    ----------
    A, B, goal, llm, names, candidates, n_candidates, n_statements, propose, parts, spend, random_state, cache
        As for :func:`explain_difference`, as are further arguments. `n_resamples` and `verbose`, which change
        nothing that is sent, are not among them.

    Returns
    -------
    Plan
        Of all that is not stored yet. Statements that are still to be written are taken for some of usual
        length, and stacks of texts are taken to agree with single ones.

    Raises
    ------
    InputError
        As :func:`explain_difference`.
    """
    texts, y = _both(A, B, names)
    how = _wanted(candidates, n_candidates, propose, goal, names, cache, random_state)
    check_counts(n_statements=n_statements)
    session = as_llm(llm, cache)
    rows = material(texts, y, names, parts, bool(how.n), random_state)
    questions, plan = plan_proposed(session, rows, how)
    planning = Planning(session, goal, options)
    raced = _raced(planning, questions, rows, n_statements, spend, random_state)
    planning.values(rows.of(rows.parts.confirm), [questions[column] for column in raced.best])
    return plan + planning.plan


def _both(A: Any, B: Any, names: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    if len(names) != 2 or names[0] == names[1] or not all(isinstance(name, str) and name for name in names):
        raise InputError(f"names must be two different words for A and B; got {names!r:.80}.")
    first, second = texts_of(column_of(A, "A"), "A"), texts_of(column_of(B, "B"), "B")
    return first + second, np.repeat([0, 1], [len(first), len(second)])


def _wanted(
    candidates: Iterable[str | Question],
    n: int,
    source: Source,
    goal: str | None,
    names: Sequence[str],
    cache: Any,
    random_state: int,
) -> Wanted:
    return wanted(
        candidates,
        n,
        source=source,
        goal=goal,
        target=TARGET,
        truer_of=names[0],
        cache=cache,
        random_state=random_state,
    )


def _raced(
    asking: Asking, questions: list[Question], rows: Material, k: int, spend: float, random_state: int
) -> Race:
    """The statements with the largest difference of shares, on the rows that select."""
    select = rows.parts.select[in_turn(rows.y[rows.parts.select], random_state)]
    texts, inside = rows.of(select), rows.y[select] == 0
    return race(
        lambda part, columns: asking.values(texts[part], [questions[column] for column in columns]),
        lambda values, part: share_difference(values, inside[part]),
        len(select),
        len(questions),
        k,
        spend=spend,
        stack=asking.stack,
    )


def _confirmed(
    questions: Sequence[Question], values: Array, rows: Material, n_resamples: int, random_state: int
) -> pd.DataFrame:
    """What is told of the best, from the rows that confirm, the surest first."""
    texts, inside = rows.of(rows.parts.confirm), rows.y[rows.parts.confirm] == 0
    table = pd.DataFrame(
        [
            figures_of(question, values[:, column], inside, texts, n_resamples, random_state)
            for column, question in enumerate(questions)
        ]
    )
    table["p_holm"] = holm(table["p_value"])
    table["holds"] = (table["p_holm"] <= 0.05) & (table["auroc"] > 0.5)
    return table.sort_values("difference", ascending=False, kind="stable").reset_index(drop=True)


def _tried(questions: Sequence[Question], raced: Race) -> pd.DataFrame:
    confirmed = np.isin(np.arange(len(questions)), raced.best)
    columns = {
        "confirmed": confirmed,
        "score": raced.scores,
        "n_rows": raced.n_read,
        "n_missing": raced.n_missing,
    }
    return table_of_candidates(questions, columns)
