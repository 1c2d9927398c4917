"""What does a model go by, over many rows?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from interpllm.errors import InputError
from interpllm.explain.effects import Effect, effects
from interpllm.explain.overview import GlobalExplanation
from interpllm.explain.subject import Subject, subject_of
from interpllm.explain.term_groups import able, name_groups, plan_groups
from interpllm.llm import LanguageModel, Plan, Session, Usage, as_session
from interpllm.propose.rounds import check_counts
from interpllm.runtime.ledger import Ledger

LLM = str | Session | LanguageModel | None


def explain_terms(
    model: Any,
    X: Any,
    y: Any = None,
    *,
    llm: LLM = None,
    embedder: LLM = None,
    n_terms: int = 60,
    n_groups: int = 8,
    answers: Mapping[str, Sequence[float | None]] | None = None,
    random_state: int = 0,
) -> GlobalExplanation:
    """Tell what a model goes by over many rows.

    Parameters
    ----------
    model : fitted estimator or model of the runtime
    X : container of n_rows texts, or rows with columns
        As its `predict` takes them. Rows that the model was not fitted on tell how it will do; those that it
        was fitted on tell what it learned.
    y : container of n_rows labels or values, optional
        To hold the label's share where a term is present against where it is not.
    llm : str, Session, LanguageModel or None
        Names groups of terms, and is tried on its names: two requests a group at most.
    embedder : str, Session, LanguageModel or None
        What groups terms by meaning, such as "minilm"; None takes `llm`.
    n_terms : int
        Terms that are told, those that move the decisions of these rows most.
    n_groups : int
        Groups of terms.
    answers : mapping of str to sequence of float, optional
        Id of a question -> its answer for each row; as the verbs of the runtime's models take it.
    random_state : int
        Of the resamples, and of the halves of the groups.

    Returns
    -------
    GlobalExplanation

    Raises
    ------
    NotFittedError
        When the estimator is not fitted.
    InputError
        When X, y or a number cannot be used.
    CapabilityError, RequestRefused, ConnectionFailed, BudgetExceeded, ReplayMiss, StoreError
        As the session's verbs; a single reply that failed leaves its group without a name.

    Notes
    -----
    A group's name is made from one half of its terms and tried on the other, among terms of other groups; it
    is shown as the group's name only if they are told apart (Holm-adjusted exact p of at most .05). With two
    or three unseen terms that takes a perfect score.
    """
    subject, labels = _checked(model, X, y, answers, n_terms, n_groups)
    ledgers = _ledgers(subject)
    if labels is not None and len(labels) != len(ledgers):
        raise InputError(f"y has {len(labels)} entries for {len(ledgers)} rows; give one a row.")
    found = effects(subject.model, ledgers, labels, n_terms, random_state)
    session = as_session(llm)
    if session is None or not found:
        return GlobalExplanation(found, (), len(ledgers))
    helper = as_session(embedder) or session
    able(session, helper)
    sessions = [session] if helper is session else [session, helper]
    before = [replace(one.usage) for one in sessions]
    groups = name_groups(session, helper, _distinct(found), n_groups, random_state)
    after = [one.usage - earlier for one, earlier in zip(sessions, before, strict=True)]
    usage = Usage(**{part.name: sum(getattr(one, part.name) for one in after) for part in fields(Usage)})
    requests = sum((group.status != "too small") + (group.name is not None) for group in groups)
    return GlobalExplanation(found, groups, len(ledgers), requests=requests, usage=usage)


def plan_terms(
    model: Any,
    X: Any,
    *,
    llm: LLM,
    embedder: LLM = None,
    n_terms: int = 60,
    n_groups: int = 8,
    answers: Mapping[str, Sequence[float | None]] | None = None,
    random_state: int = 0,
) -> Plan:
    """Tell what `explain_terms` with the same arguments sends at most; sends nothing to `llm`.

    Labels, `y`, change nothing that is sent, and are not taken.

    Returns
    -------
    Plan
        The embeddings of the terms, a name for each group and a trial of it. Which terms go together is not
        known before, and groups of less than four are not named, so it may become fewer. Answers that an
        estimator asks for to predict are not counted.

    Raises
    ------
    As `explain_terms`.
    """
    subject, _ = _checked(model, X, None, answers, n_terms, n_groups)
    session = as_session(llm)
    if session is None:
        return Plan()
    helper = as_session(embedder) or session
    able(session, helper)
    found = effects(subject.model, _ledgers(subject), None, n_terms, random_state)
    return plan_groups(session, helper, _distinct(found), n_groups) if found else Plan()


def _checked(
    model: Any, X: Any, y: Any, answers: Any, n_terms: int, n_groups: int
) -> tuple[Subject, list[Any] | None]:
    check_counts(n_terms=n_terms, n_groups=n_groups)
    subject = subject_of(model, X, answers)
    if y is None:
        return subject, None
    labels = np.ravel(np.asarray(y)).tolist()
    classes = subject.model.classes
    if classes and not set(labels) & set(classes):
        raise InputError(f"No label in y is a class of the model ({', '.join(map(repr, classes))}).")
    return subject, labels


def _ledgers(subject: Subject) -> list[Ledger]:
    found = list(subject.ledgers())
    if not found:
        raise InputError("X has no rows; give texts of the kind that the model is for, some hundreds.")
    return found


def _distinct(found: Sequence[Effect]) -> list[str]:
    return list(dict.fromkeys(one.term.phrase for one in found))
