"""Rows changed where a model looks: with its strongest phrases cut, or those of other rows put in.

Half of the changed rows, where that can be had, are such that the model decides otherwise. Whoever does not
look where the model looks cannot tell which half a row belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from interpllm.runtime.tokens import spans

Row = str | Mapping[str, Any]

MOST_CUT = 8
"""So many of a row's phrases are cut at most, the strongest first."""

MOST_ADDED = 3
"""So many phrases of a row that is predicted otherwise are put in at most."""


class Counterfactual(NamedTuple):
    """A changed row.

    Attributes
    ----------
    source : int
        Number of the row that it was made of.
    row : str or mapping
    prediction : label
        What the model predicts of it.
    flipped : bool
        Whether that is something else than for the row that it was made of.
    """

    source: int
    row: Row
    prediction: Any
    flipped: bool


def counterfactuals(model: Any, rows: Sequence[Row], random_state: int = 0) -> list[Counterfactual]:
    """Change rows so that the prediction changes for half of them.

    Parameters
    ----------
    model : readable model
    rows : sequence of str or mapping
    random_state : int
        Chooses the rows that are predicted otherwise, and which rows are to flip.

    Returns
    -------
    list of Counterfactual
        At most one a row, in their order. Where fewer than half can be made to flip, no more are kept that do
        not.
    """
    random = np.random.default_rng(random_state)
    ledgers = model.explain(rows)
    predictions = [ledger.prediction for ledger in ledgers]
    variants: list[list[Row]] = []
    for number, row in enumerate(rows):
        others = [n for n, label in enumerate(predictions) if label != predictions[number]]
        alike = [n for n, label in enumerate(predictions) if label == predictions[number] and n != number]
        donors = [int(random.choice(found)) for found in (others, alike) if found]
        if isinstance(row, str) or not model.columns:
            variants.append(_texts(model, row, ledgers[number], [ledgers[n] for n in donors]))
        else:
            variants.append(_columns(model, row, [rows[n] for n in donors]))
    flat = [variant for found in variants for variant in found]
    told = iter(model.predict(flat) if flat else ())
    flips: dict[int, Counterfactual] = {}
    stays: dict[int, Counterfactual] = {}
    for number, found in enumerate(variants):
        for variant in found:
            label = next(told)
            if variant == rows[number]:
                continue
            kept, flipped = (stays, False) if label == predictions[number] else (flips, True)
            kept.setdefault(number, Counterfactual(number, variant, label, flipped))
    return _halves(flips, stays, random)


def _halves(
    flips: dict[int, Counterfactual], stays: dict[int, Counterfactual], random: np.random.Generator
) -> list[Counterfactual]:
    """One a row, as many of either kind as can be."""
    either = sorted({*flips, *stays})
    to_flip = [n for n in either if n not in stays]
    both = [n for n in either if n in stays and n in flips]
    wanted = max(0, len(either) // 2 - len(to_flip))
    to_flip += [both[place] for place in random.permutation(len(both))[:wanted]]
    to_stay = [n for n in either if n not in to_flip]
    to_stay = [to_stay[place] for place in random.permutation(len(to_stay))[: max(len(to_flip), 1)]]
    to_flip = to_flip[: max(len(to_stay), 1)]
    return sorted([*(flips[n] for n in to_flip), *(stays[n] for n in to_stay)], key=lambda one: one.source)


def _texts(model: Any, row: Row, ledger: Any, donors: Sequence[Any]) -> list[Row]:
    """A text with phrases cut, with those of other texts at its end, and without a word that says nothing."""
    known = [part for part in ledger.contributions if part.spans]
    speaking = [part.spans for part in known if ledger.strength(part.values) > 0][:MOST_CUT]
    together = [speaking[: n + 1] for n in range(len(speaking))]
    single = [[part.spans] for part in reversed(known[:MOST_CUT])]
    found = [_cut(ledger.text, parts) for parts in (*together, *single)]
    emptied = found[len(speaking) - 1] if speaking else ledger.text
    for donor in donors:
        given = [c for c in donor.contributions if c.spans and donor.strength(c.values) > 0][:MOST_ADDED]
        words = [donor.text[slice(*part.spans[0])] for part in given]
        found += [" ".join([emptied, *words[: n + 1]]).strip() for n in range(len(words))]
    taken = [span for part in known for span in part.spans]
    free = [
        place
        for places in spans(ledger.text, 1, 1).values()
        for place in places
        if not any(start < place[1] and place[0] < end for start, end in taken)
    ]
    found += [_cut(ledger.text, [[max(free, key=lambda place: place[1] - place[0])]])] if free else []
    texts = [text for text in found if text.strip()]
    return list(texts) if isinstance(row, str) else [{**row, model.text: text} for text in texts]


def _cut(text: str, parts: Sequence[Sequence[tuple[int, int]]]) -> str:
    """The text without some stretches, its spaces as if they had never been there."""
    gone = np.zeros(len(text), dtype=bool)
    for places in parts:
        for start, end in places:
            gone[start:end] = True
    return " ".join("".join(" " if cut else char for char, cut in zip(text, gone, strict=True)).split())


def _columns(model: Any, row: Mapping[str, Any], donors: Sequence[Any]) -> list[Row]:
    """A row with values of other rows in the columns that the model looks at, together and one by one."""
    names = list(model.columns)
    sets = [*(names[: n + 1] for n in range(len(names))), *([name] for name in names)]
    return [{**row, **{name: donor[name] for name in taken}} for donor in donors for taken in sets]
