"""Does the printed form of a model let its reader tell what the model will do? Hase and Bansal (2020).

A judge predicts the model's output on rows that the model was not fitted on, and on the same rows changed
where the model looks (Doshi-Velez and Kim 2017: counterfactual simulation): without the printed form, with
it, and with one whose parts are dealt out anew. What it gains over the last is due to what is printed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import permutation_test

from interpllm.audit.base import Finding, Measure
from interpllm.audit.counterfactuals import Row, counterfactuals
from interpllm.audit.judges import Judge, asked, requests_for
from interpllm.audit.shuffles import SHOWN, shuffled
from interpllm.errors import DocumentError, InputError, LLMError, RequestsPending
from interpllm.llm import Plan, Session, Usage
from interpllm.propose.rounds import check_counts
from interpllm.runtime import LinearModel
from interpllm.select.inference import mean, share

Array = NDArray[np.float64]

ARMS = ("without", "with", "shuffled")
SETS = ("unseen rows", "changed rows")

MOST_CHARACTERS = 12_000
"""Of the printed form; it is cut at the end of a line."""

MEANING = (
    "Accuracy is how often the judge says what the model says, right or wrong. Without the printed form it "
    "may guess by what it knows of the task; with a shuffled one it sees the same words and numbers where "
    "they do not belong. What it gains over these two is what the printed form tells it, of these rows, and "
    "for this judge: one that gains nothing may be a poor reader. It does not say that the model is right."
)


@dataclass(frozen=True)
class Trial:
    """What a judge is shown, and what it should say.

    Attributes
    ----------
    rows : list of str or mapping
        Unseen rows, then changed ones.
    truth : list
        What the model predicts of each.
    source : array of int
        The unseen row that each row is, or was made of.
    n_unseen : int
    printed : mapping of str to str or None
        Arm -> what is shown. There is no arm "shuffled" where nothing can be shuffled.
    share_printed : float
        How much of the model is printed: by weight of its n-grams, else by lines.
    share_flipped : float
        Changed rows that the model decides otherwise.
    """

    rows: list[Row]
    truth: list[Any]
    source: NDArray[np.intp]
    n_unseen: int
    printed: Mapping[str, str | None]
    share_printed: float
    share_flipped: float


def simulatability(
    model: Any,
    X: Any,
    *,
    judge: Session | Judge,
    n_rows: int = 40,
    max_characters: int = MOST_CHARACTERS,
    random_state: int = 0,
) -> Finding:
    """Measure how much better a judge predicts a model when it sees the printed model.

    Parameters
    ----------
    model : readable model of classes, or fitted estimator
        It predicts from X alone: its questions, if any, have stand-ins.
    X : sequence of str, sequence of mapping, or DataFrame
        Rows that the model was not fitted on.
    judge : Session or callable
        A language model, or ``judge(printed or None, rows)``, which gives a label a row, and None where it
        cannot tell. `interpllm.audit.judges.reader` is one that reads what is printed.
    n_rows : int
        Unseen rows, chosen so that all predictions are about as frequent; as many changed ones at most.
    max_characters : int
        The printed form is cut at the end of a line so that it is no longer.
    random_state : int

    Returns
    -------
    Finding
        Accuracy in each arm, with Wilson's interval, beside the share of the most frequent prediction; and
        the gains, paired by row (an unseen row and what was made of it together), with bootstrap intervals
        and p by permutation of signs. A judge that could not be reached is an error, and no figure.

    Raises
    ------
    InputError
        When the model is a regression, or the rows cannot be used.
    """
    trial = _trial(model, X, n_rows, max_characters, random_state)
    model = getattr(model, "model_", model)
    before = replace(judge.usage) if isinstance(judge, Session) else Usage()
    said: dict[str, list[Any]] = {}
    error = None
    try:
        for arm, printed in trial.printed.items():
            said[arm] = _answers(judge, printed, trial, model)
    except RequestsPending:
        raise
    except (LLMError, DocumentError) as failed:
        error = str(failed)
    usage = judge.usage - before if isinstance(judge, Session) else Usage()
    n_requests = len(_requests(trial, model)) if isinstance(judge, Session) and error is None else 0
    if error is None and all(label is None for label in said["with"]):
        error = "the judge answered nothing with the printed form before it"
    name, question = "simulatability", "Can a reader of the printed model tell what the model will predict?"
    if error is not None:
        return Finding(name, question, error=error, requests=n_requests, tokens=usage.tokens)
    right = {arm: _right(said[arm], trial.truth) for arm in said}
    return Finding(
        name,
        question,
        [*_accuracies(right, trial), *_gains(right, trial, random_state), *_told(right, trial)],
        MEANING,
        {"what the judge was shown": _shown(trial), "rows": _table(said, trial)},
        requests=n_requests,
        tokens=usage.tokens,
    )


def plan_simulatability(
    model: Any,
    X: Any,
    *,
    judge: Session,
    n_rows: int = 40,
    max_characters: int = MOST_CHARACTERS,
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
    """
    trial = _trial(model, X, n_rows, max_characters, random_state)
    return judge.plan(_requests(trial, getattr(model, "model_", model)))


def _trial(model: Any, X: Any, n_rows: int, max_characters: int, random_state: int) -> Trial:
    model = getattr(model, "model_", model)
    check_counts(n_rows=n_rows, max_characters=max_characters)
    if not getattr(model, "classes", ()):
        raise InputError("Simulatability is measured of models that predict classes, not of a regression.")
    if isinstance(X, str):
        raise InputError("One text was given where a list of rows is expected; put it in a list.")
    rows = list(X.to_dict(orient="records") if hasattr(X, "to_dict") and hasattr(X, "columns") else X)
    if not rows:
        raise InputError("There are no rows; give some that the model was not fitted on.")
    unseen = _balanced(rows, model.predict(rows), n_rows, random_state)
    changed = counterfactuals(model, unseen, random_state)
    other = shuffled(model, random_state)
    printed = {"without": None, "with": _cut(str(model), max_characters)}
    if other is not None:
        printed["shuffled"] = _cut(str(other), max_characters)
    return Trial(
        [*unseen, *(one.row for one in changed)],
        [*model.predict(unseen), *(one.prediction for one in changed)],
        np.array([*range(len(unseen)), *(one.source for one in changed)], dtype=np.intp),
        len(unseen),
        printed,
        _share_printed(model, printed["with"] or ""),
        float(np.mean([one.flipped for one in changed])) if changed else float("nan"),
    )


def _balanced(rows: Sequence[Row], predictions: Sequence[Any], n: int, random_state: int) -> list[Row]:
    """Distinct rows, in turn of each prediction, in random order."""
    random = np.random.default_rng(random_state)
    by_label: dict[Any, dict[str, Row]] = {}
    for place in random.permutation(len(rows)):
        by_label.setdefault(predictions[place], {}).setdefault(repr(rows[place]), rows[place])
    waiting = [list(found.values()) for _, found in sorted(by_label.items(), key=lambda item: str(item[0]))]
    chosen: list[Row] = []
    while len(chosen) < n and any(waiting):
        chosen += [found.pop() for found in waiting if found][: n - len(chosen)]
    return chosen


def _answers(judge: Session | Judge, printed: str | None, trial: Trial, model: Any) -> list[Any]:
    said: list[Any] = []
    for rows in (trial.rows[: trial.n_unseen], trial.rows[trial.n_unseen :]):
        if isinstance(judge, Session):
            said += asked(judge, printed, rows, model.classes, model.target)
            continue
        found = list(judge(printed, rows))
        if len(found) != len(rows):
            raise InputError(f"The judge gave {len(found)} labels for {len(rows)} rows; it gives one a row.")
        said += found
    return said


def _requests(trial: Trial, model: Any) -> list[Any]:
    sets = (trial.rows[: trial.n_unseen], trial.rows[trial.n_unseen :])
    return [
        request
        for printed in trial.printed.values()
        for rows in sets
        for request in requests_for(printed, rows, model.classes, model.target)
    ]


def _right(said: Sequence[Any], truth: Sequence[Any]) -> Array:
    """1 where the judge said what the model says, 0 where something else, NaN where nothing."""
    return np.array([np.nan if a is None else a == b for a, b in zip(said, truth, strict=True)], dtype=float)


def _accuracies(right: Mapping[str, Array], trial: Trial) -> list[Measure]:
    measures = []
    of = {SETS[0]: slice(0, trial.n_unseen), SETS[1]: slice(trial.n_unseen, None)}
    for arm in ARMS:
        how = "with a shuffled printed model" if arm == "shuffled" else f"{arm} the printed model"
        for name, part in of.items():
            truth = trial.truth[part]
            if not truth:
                continue
            told = f"accuracy of the judge {how}, {name}"
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
        passed = bool(estimate.low > 0) if arm == "shuffled" else None
        p = _sign_p(pairs, random_state)
        measures.append(Measure(told, *estimate, null=0.0, p_value=p, n=len(pairs), passed=passed))
    return measures


def _sign_p(pairs: Array, random_state: int) -> float:
    """p of a mean difference of pairs, when it does not matter which of a pair is which."""
    if not pairs.any():
        return 1.0
    return float(
        permutation_test(
            (pairs,),
            lambda x, axis: np.mean(x, axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=9999,
            random_state=np.random.default_rng(random_state),
        ).pvalue
    )


def _told(right: Mapping[str, Array], trial: Trial) -> list[Measure]:
    """What the reader must know: answers that are missing, and how the rows were changed."""
    cells = np.concatenate([*right.values()])
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


def _cut(printed: str, most: int) -> str:
    if len(printed) <= most:
        return printed
    lines = printed[: most + 1].split("\n")[:-1]
    return "\n".join(lines) or printed[:most]


def _share_printed(model: Any, printed: str) -> float:
    """How much of a model is shown: of a table of n-grams by size of weights, else by lines."""
    kept = printed.count("\n") + 1
    total = str(model).count("\n") + 1
    if isinstance(model, LinearModel):
        sizes = [abs(rule.weight) for rule in model.rules()]
        below = max(0, kept - (total - min(len(sizes), SHOWN) - (len(sizes) > SHOWN)))
        return sum(sizes[: min(below, SHOWN)]) / (sum(sizes) or 1.0)
    return kept / total
