"""Whether the words that a ledger names are those that hold the prediction: they are masked in the text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy.integrate import trapezoid

from interpllm.audit.base import Finding, Measure
from interpllm.audit.subject import Array, Subject
from interpllm.audit.words import Words, on_words, unknown_words, vocabulary
from interpllm.display import Figure
from interpllm.display.axes import detached_axes, lines
from interpllm.errors import InputError
from interpllm.select.inference import Estimate, mean

STEPS = np.linspace(0.0, 1.0, 11)
"""Shares of a text's words at which the curves are read."""

TOP = (0.05, 0.1, 0.2, 0.5)
"""Shares of the words, at least one word, over which comprehensiveness and sufficiency are averaged."""

_QUESTION = "Are the words that the ledger names first the ones that hold the prediction?"
_OPERATORS = {
    "remove": "taken out of the text, so that their neighbours meet",
    "replace": "replaced, each by a word of its own that the model does not know",
}
_FIGURES = {
    "comprehensiveness": (1, "what the prediction loses without the first words; more is better"),
    "sufficiency": (-1, "what it loses with the first words alone; less is better"),
    "deletion area": (-1, "under the prediction as words are masked, the first ones first; less is better"),
    "insertion area": (1, "under the prediction as words come back, the first ones first; more is better"),
}
_CURVES = {
    "Deletion, mean over rows": "share of the words masked",
    "Insertion, mean over rows": "share of the words kept",
}
_ORDERS = ("ledger", "random order", "reversed order")


def faithfulness(
    model: Any,
    X: Any,
    *,
    masking: Literal["remove", "replace"] = "remove",
    n_rows: int = 200,
    n_random: int = 5,
    random_state: int = 0,
) -> Finding:
    """Mask words of texts in the order of the ledger, and see what is left of the predictions.

    A ledger takes terms out of the model's view; here words are masked in the text, a word wherever it
    stands, so that whatever else it takes part in goes with it. The same is done in random and in reversed
    order.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
        One that reads texts; columns beside them are left as they are.
    X : container of texts, frame, or rows with columns by name
    masking : {"remove", "replace"}
        Words are taken out, so that their neighbours meet and the text gets shorter; or each is replaced by
        one that the model does not know, which keeps the number of the text's n-grams.
    n_rows : int
        Rows that are looked at, drawn where more are given.
    n_random : int
        Random orders a row.
    random_state : int

    Returns
    -------
    Finding
        Comprehensiveness and sufficiency (DeYoung et al. 2020) and the areas under the deletion and insertion
        curves (Petsiuk et al. 2018), of the probability of the predicted class, or of a predicted number in
        standard deviations of the predictions. Intervals are bootstrapped over rows; the null is the same
        figure in random order.

    Raises
    ------
    InputError
        If the model reads no text, or masking is neither.

    References
    ----------
    DeYoung, Jain, Rajani, Lehman, Xiong, Socher, Wallace: ERASER: A benchmark to evaluate rationalized NLP
    models. ACL 2020. Petsiuk, Das, Saenko: RISE: Randomized input sampling for explanation of black-box
    models. BMVC 2018.
    """
    if masking not in _OPERATORS:
        raise InputError(f"masking is one of {', '.join(_OPERATORS)}, not {masking!r}.")
    subject = Subject(model, X, n_rows, random_state)
    texts, ledgers, directions = subject.texts("faithfulness"), subject.explain(), subject.directions()
    known = vocabulary(subject.model)
    random = np.random.default_rng(random_state)
    found = []
    for place, (text, ledger, direction) in enumerate(zip(texts, ledgers, directions, strict=True)):
        words = Words(text)
        if words.distinct:
            strengths = np.array(list(words.strengths(ledger).values()))
            toward = strengths * direction if subject.regression else strengths
            stand_ins = unknown_words(words.distinct, known) if masking == "replace" else None
            orders = _orders(toward, n_random, random)
            found.append(_curves(subject, place, words, orders, stand_ins, direction))
    if not found:
        raise InputError("No row has a word that could be masked; give rows with texts.")
    curves = np.array(found)  # rows, orders, (masked, kept), steps and tops
    placed = [share for ledger in ledgers if (share := on_words(ledger)) == share]
    shares = Measure(
        "ledger that stands on words",
        *mean(placed),
        n=len(placed),
        note="share of the contributions, by size, that have a place in the text; the rest cannot be masked"
        if placed
        else "no ledger has contributions",
    )
    return Finding(
        name="faithfulness",
        question=_QUESTION,
        measures=[*_measures(curves), shares],
        meaning=_meaning(masking, subject),
        details=_tables(curves),
        figures=_figures(curves, "predicted value" if subject.regression else "probability of the class"),
    )


def _orders(toward: Array, n_random: int, random: np.random.Generator) -> list[Any]:
    """Places of words: as the ledger has them, reversed, and in random order."""
    own = np.argsort(-toward, kind="stable")
    return [own, own[::-1], *(random.permutation(len(own)) for _ in range(n_random))]


def _curves(
    subject: Subject,
    place: int,
    words: Words,
    orders: list[Any],
    stand_ins: Mapping[str, str] | None,
    direction: float,
) -> Array:
    """What is left of a row's prediction: (orders, masked or kept, steps and tops)."""
    n = len(words.distinct)
    counts = [*np.rint(STEPS * n).astype(int), *(max(1, int(np.ceil(top * n))) for top in TOP)]
    asked: dict[frozenset[str], int] = {}
    numbers = np.empty((len(orders), 2, len(counts)), dtype=int)
    for number, order in enumerate(orders):
        ordered = [words.distinct[at] for at in order]
        for at, count in enumerate(counts):
            for side, dropped in enumerate((ordered[:count], ordered[count:])):
                numbers[number, side, at] = asked.setdefault(frozenset(dropped), len(asked))
    rows = [subject.with_text(place, words.without(dropped, stand_ins)) for dropped in asked]
    pulls = subject.pulls(rows, np.full(len(rows), direction))
    return np.asarray(pulls[numbers])


def _rows_of(curves: Array) -> dict[str, Array]:
    """Each figure: (rows, orders), the random ones as their mean."""
    three = np.stack([curves[:, 0], curves[:, 2:].mean(axis=1), curves[:, 1]], axis=1)
    masked, kept = three[:, :, 0], three[:, :, 1]
    full, n = masked[:, :, :1], len(STEPS)
    return {
        "comprehensiveness": (full - masked[:, :, n:]).mean(axis=2),
        "sufficiency": (full - kept[:, :, n:]).mean(axis=2),
        "deletion area": trapezoid(masked[:, :, :n], STEPS, axis=2),
        "insertion area": trapezoid(kept[:, :, :n], STEPS, axis=2),
    }


def _measures(curves: Array) -> list[Measure]:
    measures = []
    for name, rows in _rows_of(curves).items():
        better, note = _FIGURES[name]
        own, by_chance, turned = rows.T
        gain = mean(better * (own - by_chance))
        null = float(by_chance.mean())
        measures.append(
            Measure(
                name,
                *mean(own),
                null=null,
                n=len(rows),
                passed=None if gain.low != gain.low else bool(gain.low > 0),
                note=f"{note}; better than random order by {_said(gain)}",
            )
        )
        measures.append(
            Measure(
                f"{name}, reversed order",
                *mean(turned),
                null=null,
                n=len(rows),
                note="the ledger's last words first",
            )
        )
    return measures


def _said(found: Estimate) -> str:
    return f"{found.value:.3g} ({found.low:.3g} to {found.high:.3g})"


def _tables(curves: Array) -> dict[str, pd.DataFrame]:
    """The curves, a share of the words a row."""
    three = np.stack([curves[:, 0], curves[:, 2:].mean(axis=1), curves[:, 1]], axis=1).mean(axis=0)
    return {
        caption: pd.DataFrame(
            {"share of words": STEPS, **dict(zip(_ORDERS, three[:, side, : len(STEPS)], strict=True))}
        )
        for side, caption in enumerate(_CURVES)
    }


def _figures(curves: Array, ylabel: str) -> list[Figure]:
    figures = []
    for caption, table in _tables(curves).items():
        series = {name: table[name].to_numpy() for name in _ORDERS}
        ax = detached_axes(height=3.2)
        axes = lines(STEPS, series, xlabel=_CURVES[caption], ylabel=ylabel, ax=ax)
        figures.append(Figure(axes, f"{caption}: the ledger's order beside random and reversed order"))
    return figures


def _meaning(masking: str, subject: Subject) -> str:
    scale = (
        "Predictions are told in their standard deviations."
        if subject.regression
        else "Predictions are told as the probability of the predicted class."
    )
    return (
        f"Words were {_OPERATORS[masking]}; the ledger was made another way, by taking terms out of the "
        f"model's view. {scale} The null is the same with words in random order. A ledger that names what "
        "the model looks at beats it; that says nothing on whether the model looks at what it should. Masked "
        "texts are no texts that anybody wrote."
    )
