"""Whether the model that is printed is the model that predicts: what is printed is read back and compared."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from interpllm.audit.base import Finding, Measure
from interpllm.audit.shuffles import SHOWN
from interpllm.audit.subject import Subject
from interpllm.errors import DocumentError
from interpllm.runtime import LinearModel, parse, printed
from interpllm.select.inference import share

EXACT = 1e-9
"""Scores that differ by no more are the same."""

_NAME = "display = predict"
_QUESTION = "Is the model that is printed the model that predicts?"


def display(model: Any, X: Any, *, n_rows: int = 1000, random_state: int = 0) -> Finding:
    """Print the model, read what was printed, and compare the predictions of both.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
    X : container of texts, frame, or rows with columns by name
    n_rows : int
        Rows that are compared: drawn where more are given; where fewer are, the rest is made of them, a
        column from one row and another from another, texts spliced from the halves of two.
    random_state : int

    Returns
    -------
    Finding
        The share of rows that are predicted alike, of which anything below 1 is a failure, and the largest
        difference between scores. Of a table of n-grams, also what its strongest alone predict: that is what
        ``str(model)`` shows.

    Raises
    ------
    InputError
        If the model cannot predict by itself, or not these rows.
    """
    subject = Subject(model, X, n_rows, random_state)
    rows, made = _filled(subject, n_rows, random_state)
    whole = printed(subject.model)
    try:
        both: list[Any] = [subject.model, parse(whole)]
    except DocumentError as error:
        return Finding(_NAME, _QUESTION, error=f"what is printed cannot be read back: {error}")
    answers = _answers(subject.model, rows)
    given = (rows, answers) if answers else (rows,)
    pair = [one.predict(*given) for one in both]
    alike = sum(a == b for a, b in zip(*pair, strict=True))
    scores = [np.asarray(one.decision_function(*given)).reshape(len(rows), -1) for one in both]
    apart = float(np.abs(scores[0] - scores[1]).max())
    shuffled = np.random.default_rng(random_state).permutation(len(rows))
    by_chance = float(np.abs(scores[0] - scores[1][shuffled]).max())
    about = f"{len(rows) - made} given rows" + (f" and {made} made of them" if made else "")
    return Finding(
        name=_NAME,
        question=_QUESTION,
        measures=[
            Measure(
                "rows predicted alike",
                *share(alike, len(rows)),
                null=_chance(pair[0]),
                n=len(rows),
                passed=alike == len(rows),
                note=f"{about}; only 1 will do, the null is what chance makes alike",
            ),
            Measure(
                "largest difference of scores",
                apart,
                null=by_chance,
                n=len(rows),
                passed=apart <= EXACT,
                note=f"at most {EXACT:g} will do; the null is between rows that were shuffled",
            ),
            *_by_the_strongest(subject.model, rows, pair[0]),
        ],
        meaning=(
            f"The {len(whole.splitlines())} printed lines were read back as a model of their own. Where "
            "both predict alike, nothing decides that is not to be read. It says nothing on whether the "
            "model is right, or easy to read."
            + (" Answers to questions came from the stand-ins." if answers else "")
        ),
    )


def _by_the_strongest(model: Any, rows: list[Any], own: list[Any]) -> list[Measure]:
    """What the n-grams that ``str(model)`` shows predict by themselves; nothing of other models."""
    if not isinstance(model, LinearModel) or len(model.weights) <= SHOWN:
        return []
    strongest = {rule.phrase: model.weights[rule.phrase] for rule in model.rules()[:SHOWN]}
    others = replace(model, weights=strongest, evidence=None).predict(rows)
    about = f"{SHOWN} of {len(model.weights)} n-grams"
    if model.classes:
        alike = sum(a == b for a, b in zip(own, others, strict=True))
        return [
            Measure(
                "predictions that the strongest n-grams alone give",
                *share(alike, len(rows)),
                null=Counter(own).most_common(1)[0][1] / len(rows),
                n=len(rows),
                note=f"{about}; the null is to say the most frequent class of every row",
            )
        ]
    values = np.array(own)
    return [
        Measure(
            "mean difference from what the strongest n-grams alone predict",
            float(np.abs(values - np.array(others)).mean()),
            null=float(np.abs(values - np.median(values)).mean()),
            n=len(rows),
            note=f"{about}; the null is to say the median of every row",
        )
    ]


def _chance(predictions: list[Any]) -> float:
    """Share that would be alike if predictions of the same shares were dealt out anew."""
    n = len(predictions)
    return sum((count / n) ** 2 for count in Counter(predictions).values())


def _answers(model: Any, rows: list[Any]) -> dict[str, list[float]]:
    """Answers to a model's questions by its stand-ins, which are not printed."""
    stand_ins = getattr(model, "stand_ins", {})
    if not stand_ins:
        return {}
    texts = [row if isinstance(row, str) else row[model.text] for row in rows]
    return {
        name: [shares[1] for shares in stand_in.predict_proba(texts)] for name, stand_in in stand_ins.items()
    }


def _filled(subject: Subject, n_rows: int, random_state: int) -> tuple[list[Any], int]:
    """The rows, with as many made of them as are missing, and how many these are."""
    rows, random = subject.rows, np.random.default_rng(random_state)
    made: list[Any] = []
    for _ in range(n_rows - len(rows)):
        one, other = (rows[place] for place in random.integers(len(rows), size=2))
        if isinstance(one, str) or isinstance(other, str):
            made.append(_spliced(one, other))
            continue
        mixed = {name: (one, other)[int(random.integers(2))].get(name, value) for name, value in one.items()}
        column = getattr(subject.model, "text", "")
        if isinstance(one.get(column), str) and isinstance(other.get(column), str):
            mixed[column] = _spliced(one[column], other[column])
        made.append(mixed)
    return [*rows, *made], len(made)


def _spliced(one: str, other: str) -> str:
    """The first half of a text and the second half of another."""
    return one[: len(one) // 2] + other[len(other) // 2 :]
