"""Does the printed form of a model let its reader tell what the model will do? Hase and Bansal (2020).

A judge predicts the model's output on rows that the model was not fitted on, and on the same rows changed
where the model looks (Doshi-Velez and Kim 2017: counterfactual simulation): without the printed form, with
it, and with one whose parts are dealt out anew. What it gains over the last is due to what is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.answer import LOST
from interpllm.audit.base import Finding, Measure
from interpllm.audit.judges import Judge, asked, requests_for
from interpllm.audit.trials import ARMS, SETS, Trial, trial_of
from interpllm.errors import DocumentError, InputError, LLMError, RequestsPending
from interpllm.llm import LanguageModel, Plan, Session, Usage, as_session
from interpllm.select.inference import mean, paired_p, share

Array = NDArray[np.float64]

MOST_CHARACTERS = 12_000
"""Of the printed form; it is cut at the end of a line."""

_HOW = {
    "without": "without the printed model",
    "with": "with the printed model",
    "shuffled": "with a shuffled printed model",
}

MEANING = (
    "Accuracy is how often the judge says what the model says, right or wrong. Without the printed form it "
    "may guess by what it knows of the task; with a shuffled one it sees the same words and numbers where "
    "they do not belong. What it gains over these two is what the printed form tells it, of these rows, and "
    "for this judge: one that gains nothing may be a poor reader. It does not say that the model is right."
)


def simulatability(
    model: Any,
    X: Any,
    *,
    judge: str | Session | LanguageModel | Judge,
    n_rows: int = 40,
    max_characters: int | None = MOST_CHARACTERS,
    random_state: int = 0,
) -> Finding:
    """Measure how much better a judge predicts a model when it sees the printed model.

    Parameters
    ----------
    model : readable model of classes, or fitted estimator
        It predicts from X alone: its questions, if any, have stand-ins.
    X : sequence of str, sequence of mapping, or DataFrame
        Rows that the model was not fitted on.
    judge : str, Session, LanguageModel or callable
        A language model, as `interpllm.llm.connect` takes it, or ``judge(printed or None, rows)``, which
        gives a label a row, and None where it cannot tell. `interpllm.audit.judges.reader` is one that reads
        what is printed.
    n_rows : int
        Unseen rows, chosen so that all predictions are about as frequent; as many changed ones at most.
    max_characters : int or None
        The printed form, ``str(model)``, is cut at the end of a line so that it is no longer. None: all that
        `interpllm.runtime.printed` gives, of tables of n-grams, too, which a program can read.
    random_state : int

    Returns
    -------
    Finding
        Accuracy in each arm, with Wilson's interval, beside the share of the most frequent prediction; and
        the gains, paired by row (an unseen row and what was made of it together), with bootstrap intervals
        and p by permutation of signs. A judge that could not be reached, or left out more than a fifth of the
        rows of an arm, is an error, and no figure.

    Raises
    ------
    InputError
        When the model is a regression, or the rows cannot be used.
    """
    judge = _as_judge(judge)
    trial = trial_of(model, X, n_rows, max_characters, random_state)
    before = replace(judge.usage) if isinstance(judge, Session) else Usage()
    said: dict[str, list[Any]] = {}
    error = None
    try:
        for arm, printed in trial.printed.items():
            said[arm] = _answers(judge, printed, trial)
    except RequestsPending:
        raise
    except (LLMError, DocumentError) as failed:
        error = str(failed)
    usage = judge.usage - before if isinstance(judge, Session) else Usage()
    n_requests = len(_requests(trial)) if isinstance(judge, Session) and error is None else 0
    expected = _expected(said, isinstance(judge, Session))
    if error is None:
        error = _lost(expected)
    name, question = "simulatability", "Can a reader of the printed model tell what the model will predict?"
    if error is not None:
        return Finding(name, question, error=error, requests=n_requests, tokens=usage.tokens)
    right = {arm: _right(said[arm], trial.truth) for arm in said}
    return Finding(
        name,
        question,
        [
            *_accuracies(right, trial),
            *_gains(right, trial, random_state),
            *_told([right[arm] for arm in expected], trial),
        ],
        MEANING,
        {"what the judge was shown": _shown(trial), "rows": _table(said, trial)},
        requests=n_requests,
        tokens=usage.tokens,
    )


def plan_simulatability(
    model: Any,
    X: Any,
    *,
    judge: str | Session | LanguageModel | Judge,
    n_rows: int = 40,
    max_characters: int | None = MOST_CHARACTERS,
    random_state: int = 0,
) -> Plan:
    """What `simulatability` would ask a language model; sends nothing.

    Parameters
    ----------
    model, X, judge, n_rows, max_characters, random_state
        As for `simulatability`.

    Returns
    -------
    Plan
        Of nothing, where a program judges.
    """
    judge = _as_judge(judge)
    trial = trial_of(model, X, n_rows, max_characters, random_state)
    return judge.plan(_requests(trial)) if isinstance(judge, Session) else Plan()


def _as_judge(judge: str | Session | LanguageModel | Judge) -> Session | Judge:
    """A session with the language model that is named or given; a program as it is."""
    if callable(judge) and not isinstance(judge, Session | LanguageModel):
        return judge
    session = as_session(judge)
    if session is None:
        raise InputError(
            'A judge is a language model, such as "local", or a program, such as interpllm.audit.reader.'
        )
    return session


def _answers(judge: Session | Judge, printed: str | None, trial: Trial) -> list[Any]:
    model = trial.model
    said: list[Any] = []
    for rows in trial.sets:
        if isinstance(judge, Session):
            said += asked(judge, printed, rows, model.classes, model.target)
            continue
        found = list(judge(printed, rows))
        if len(found) != len(rows):
            raise InputError(f"The judge gave {len(found)} labels for {len(rows)} rows; it gives one a row.")
        said += found
    return said


def _requests(trial: Trial) -> list[Any]:
    return [
        request
        for printed in trial.printed.values()
        for rows in trial.sets
        for request in requests_for(printed, rows, trial.model.classes, trial.model.target)
    ]


def _expected(said: Mapping[str, list[Any]], language_model: bool) -> dict[str, list[Any]]:
    """Arms of which answers were expected: a program may say nothing where it is shown nothing."""
    silent = not language_model and all(label is None for label in said.get("without", ()))
    return {arm: labels for arm, labels in said.items() if not (silent and arm == "without")}


def _lost(said: Mapping[str, list[Any]]) -> str | None:
    """Why there is no result, where too many answers of an arm are missing."""
    for arm, labels in said.items():
        missing = sum(label is None for label in labels)
        if missing > LOST * len(labels):
            return (
                f"the judge gave no answer for {missing} of {len(labels)} rows {_HOW[arm]}: that is no "
                "result; where it is a language model, try it with interpllm doctor, and run this again"
            )
    return None


def _right(said: Sequence[Any], truth: Sequence[Any]) -> Array:
    """1 where the judge said what the model says, 0 where something else, NaN where nothing."""
    return np.array([np.nan if a is None else a == b for a, b in zip(said, truth, strict=True)], dtype=float)


def _accuracies(right: Mapping[str, Array], trial: Trial) -> list[Measure]:
    measures = []
    of = {SETS[0]: slice(0, trial.n_unseen), SETS[1]: slice(trial.n_unseen, None)}
    for arm in ARMS:
        for name, part in of.items():
            truth = trial.truth[part]
            if not truth:
                continue
            told = f"accuracy of the judge {_HOW[arm]}, {name}"
            frequent = max(Counter(truth).values()) / len(truth)
            found = right[arm][part] if arm in right else np.full(len(truth), np.nan)
            found = found[~np.isnan(found)]
            if not len(found):
                note = "the judge gave no answer" if arm in right else "nothing in the model can be shuffled"
                measures.append(Measure(told, float("nan"), n=0, note=note))
                continue
            estimate = share(int(found.sum()), len(found))
            measures.append(Measure(told, *estimate, null=frequent, n=len(found)))
    return measures


def _gains(right: Mapping[str, Array], trial: Trial, random_state: int) -> list[Measure]:
    measures = []
    for arm, words in (("without", "none"), ("shuffled", "a shuffled one")):
        told = f"gain of the judge by the printed model over {words}"
        paired = right["with"] - right[arm] if arm in right else np.full(len(trial.rows), np.nan)
        # A row and what was made of it are no two independent ones: they count as one pair.
        pairs = pd.Series(paired).groupby(trial.source).mean().dropna().to_numpy()
        if not len(pairs):
            measures.append(Measure(told, float("nan"), n=0, note="no row has answers in both arms"))
            continue
        estimate = mean(pairs, random_state=random_state)
        p = paired_p(pairs, random_state=random_state)
        # Of few rows the bootstrap's interval is too narrow: the permutation has to say so, too.
        judged = arm == "shuffled" and estimate.low == estimate.low
        passed = bool(estimate.low > 0 and p < 0.05) if judged else None
        measures.append(Measure(told, *estimate, null=0.0, p_value=p, n=len(pairs), passed=passed))
    return measures


def _told(right: Sequence[Array], trial: Trial) -> list[Measure]:
    """What the reader must know: answers that are missing, and how the rows were changed."""
    cells = np.concatenate(right)
    lacking = int(np.isnan(cells).sum())
    n_changed = len(trial.rows) - trial.n_unseen
    flipped = round(trial.share_flipped * n_changed) if n_changed else 0
    changed = "share of changed rows that the model decides otherwise"
    return [
        Measure("share of rows without an answer", *share(lacking, len(cells)), n=len(cells)),
        Measure(
            changed, *share(flipped, n_changed), n=n_changed, note="" if n_changed else "no row could be"
        ),
    ]


def _shown(trial: Trial) -> pd.DataFrame:
    rows = [
        {
            "arm": arm,
            "characters": len(printed or ""),
            "share_of_model": trial.share_printed if printed is not None else 0.0,
        }
        for arm, printed in trial.printed.items()
    ]
    return pd.DataFrame(rows)


def _table(said: Mapping[str, Sequence[Any]], trial: Trial) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "set": [SETS[number >= trial.n_unseen] for number in range(len(trial.rows))],
            "source": trial.source,
            "row": [row if isinstance(row, str) else repr(dict(row)) for row in trial.rows],
            "model": trial.truth,
        }
    )
    for arm, labels in said.items():
        table[arm] = pd.Series(labels, dtype=object)
    return table
