"""How far answers can be trusted: against a second asking, a second annotator, or gold answers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from interpllm.answer.ask import ask, questions_of
from interpllm.answer.kappa import cohen_kappa, corrected_effect, gwet_ac1, krippendorff_alpha, rogan_gladen
from interpllm.answer.wording import PARAPHRASE
from interpllm.errors import InputError
from interpllm.llm import Session
from interpllm.runtime import Question

# Krippendorff (2004) calls data below .667 unfit even for tentative conclusions.
WARN_ALPHA = 0.67
DROP_ALPHA = 0.4
# Below so many gold answers sensitivity and specificity are little more than guesses.
LEAST_GOLD = 50
_LEAST_ROWS = 20  # texts of a second asking at least, whatever share was asked for


def agreement_by_question(
    values: ArrayLike, others: ArrayLike, questions: Sequence[Question | str]
) -> pd.DataFrame:
    """How two askings of the same texts agree, question by question.

    Parameters
    ----------
    values, others : array-like, (n_texts, n_questions)
        Answers, or probabilities of yes, which count as yes above one half; NaN where there is none.
    questions : sequence of Question or str, (n_questions,)

    Returns
    -------
    DataFrame
        A row a question, by id: ``question``, ``n`` (cells that both answered), ``yes`` (share of yes in
        ``values`` on them), ``kappa``, ``alpha``, ``ac1``, ``self_consistency`` (share of cells with the same
        answer), ``verdict`` ("ok"; "doubtful" below an alpha of .67; "drop" below .4, unless AC1 shows that
        it is for want of one of the two answers; "unknown" where none can be computed).
    """
    listed = questions_of(questions)
    one, other = _hard(values, len(listed), "values"), _hard(others, len(listed), "others")
    if one.shape != other.shape:
        raise InputError(f"values and others must have one shape; got {one.shape} and {other.shape}.")
    rows = []
    for column, question in enumerate(listed):
        a, b = one[:, column], other[:, column]
        both = ~(np.isnan(a) | np.isnan(b))
        alpha, ac1 = krippendorff_alpha([a, b]), gwet_ac1(a, b)
        rows.append(
            {
                "question": question.text,
                "n": int(both.sum()),
                "yes": float(a[both].mean()) if both.any() else math.nan,
                "kappa": cohen_kappa(a, b),
                "alpha": alpha,
                "ac1": ac1,
                "self_consistency": float((a[both] == b[both]).mean()) if both.any() else math.nan,
                "verdict": _verdict(alpha, ac1),
            }
        )
    return pd.DataFrame(rows, index=pd.Index([q.id for q in listed], name="id"))


def _verdict(alpha: float, ac1: float) -> str:
    if math.isnan(alpha):
        return "unknown"
    if alpha < DROP_ALPHA:
        return "drop" if ac1 < WARN_ALPHA else "doubtful"
    return "doubtful" if alpha < WARN_ALPHA else "ok"


def reliability(
    session: Session,
    texts: Sequence[str],
    questions: Sequence[Question | str],
    values: ArrayLike,
    share: float = 0.1,
    *,
    task: str | None = None,
    random_state: int | None = 0,
    **options: Any,
) -> pd.DataFrame:
    """Ask a share of the cells again, in other words and with the options swapped, and compare.

    Parameters
    ----------
    session : Session
        The one that gave ``values``, or another model's.
    texts : sequence of str, (n_texts,)
    questions : sequence of Question or str, (n_questions,)
    values : array-like, (n_texts, n_questions)
        What `ask` gave.
    share : float
        Of the distinct texts, in (0, 1]; at least twenty of them where there are so many. Every question is
        asked about each.
    task : str, optional
        As for `ask`.
    random_state : int or None
        Of the choice of texts.
    **options
        Further parameters of `ask`.

    Returns
    -------
    DataFrame
        As `agreement_by_question` gives it, with ``asked`` (cells asked again), ``parse_failures`` (their
        share whose reply could not be used, refusals included) and ``missing`` (their share without an answer
        for any reason).

    Raises
    ------
    InputError
        When the share or a shape cannot be used, and what `ask` raises.
    """
    listed = questions_of(questions)
    answers = np.asarray(values, dtype=np.float64)
    if answers.shape != (len(texts), len(listed)):
        raise InputError(f"values must be ({len(texts)}, {len(listed)}), a row a text; got {answers.shape}.")
    if not 0 < share <= 1:
        raise InputError(f"share must be above 0 and at most 1; got {share!r}.")
    first = list({text: row for row, text in reversed(list(enumerate(texts)))}.values())
    n = min(len(first), max(_LEAST_ROWS, math.ceil(share * len(first))))
    drawn = np.random.default_rng(random_state).permutation(sorted(first))[:n]
    rows = sorted(int(row) for row in drawn)
    again = ask(
        session, [texts[row] for row in rows], listed, task=task, **{"wording": PARAPHRASE, **options}
    )
    table = agreement_by_question(answers[rows], again.values, listed)
    cells = max(1, len(rows))
    unusable = [sum(again.report[why][q.id] for why in ("refused", "unparseable")) / cells for q in listed]
    table["asked"] = len(rows)
    table["parse_failures"] = unusable
    table["missing"] = np.isnan(again.values).mean(axis=0) if rows else math.nan
    return table


def against_gold(
    values: ArrayLike,
    gold: ArrayLike,
    questions: Sequence[Question | str],
    effects: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Compare answers with known ones, question by question.

    Parameters
    ----------
    values, gold : array-like, (n_texts, n_questions)
        Answers or probabilities of yes, and the true answers (NaN where they are not known).
    questions : sequence of Question or str, (n_questions,)
    effects : mapping, optional
        By id, the difference between two groups' shares of yes that was found.

    Returns
    -------
    DataFrame
        A row a question, by id: ``question``, ``n`` (cells with both answers), ``sensitivity``,
        ``specificity``, ``kappa``, ``attenuation`` (``se + sp - 1``, the factor by which errors shrink
        differences between groups), ``prevalence`` (share of yes in all of ``values``),
        ``prevalence_corrected`` (:func:`rogan_gladen`), and with ``effects`` ``effect`` and
        ``effect_corrected``. NaN for a question with fewer than fifty gold answers, or with one kind only.

    Raises
    ------
    InputError
        When no question has fifty gold answers, or shapes differ.
    """
    listed = questions_of(questions)
    said, true = _hard(values, len(listed), "values"), _hard(gold, len(listed), "gold")
    if said.shape != true.shape:
        raise InputError(f"values and gold must have one shape; got {said.shape} and {true.shape}.")
    both = ~(np.isnan(said) | np.isnan(true))
    if not (both.sum(axis=0) >= LEAST_GOLD).any():
        most = int(both.sum(axis=0).max(initial=0))
        raise InputError(
            f"At least {LEAST_GOLD} gold answers to a question are needed, but there are {most} at most. "
            "Annotate more texts, or leave gold= out."
        )
    rows = []
    for column, question in enumerate(listed):
        a, b = said[both[:, column], column], true[both[:, column], column]
        enough = len(a) >= LEAST_GOLD
        se = float(a[b == 1].mean()) if enough and (b == 1).any() else math.nan
        sp = float(1 - a[b == 0].mean()) if enough and (b == 0).any() else math.nan
        answered = said[~np.isnan(said[:, column]), column]
        p = float(answered.mean()) if len(answered) else math.nan
        row = {
            "question": question.text,
            "n": len(a),
            "sensitivity": se,
            "specificity": sp,
            "kappa": cohen_kappa(a, b) if enough else math.nan,
            "attenuation": se + sp - 1,
            "prevalence": p,
            "prevalence_corrected": rogan_gladen(p, se, sp),
        }
        if effects is not None:
            effect = float(effects.get(question.id, math.nan))
            row |= {"effect": effect, "effect_corrected": corrected_effect(effect, se, sp)}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index([q.id for q in listed], name="id"))


def _hard(values: ArrayLike, n: int, name: str) -> NDArray[np.float64]:
    """Answers as 1 and 0: yes above one half, NaN as it is."""
    soft = np.asarray(values, dtype=np.float64)
    if soft.ndim != 2 or soft.shape[1] != n:
        raise InputError(f"{name} must have a row a text and {n} columns; got the shape {soft.shape}.")
    if ((soft < 0) | (soft > 1)).any():
        raise InputError(f"{name} must be answers from 0 to 1, or NaN.")
    return np.where(np.isnan(soft), np.nan, (soft > 0.5).astype(np.float64))
