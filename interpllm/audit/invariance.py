"""What should not change a prediction, and what should: edits of texts, and what they do to a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from interpllm.audit import edits
from interpllm.audit.base import Finding, Measure
from interpllm.audit.subject import Array, Subject
from interpllm.audit.words import Words, vocabulary
from interpllm.runtime.ledger import Ledger
from interpllm.select.inference import mean, share

RATE = 0.95
"""Share of rows that have to keep their prediction."""

_SHOWN = 5
_PERMUTATIONS = 200
_QUESTION = "Do predictions stay where nothing that matters has changed, and move where it has?"


class _Edit(NamedTuple):
    """A test: edited texts beside what they are compared with.

    Attributes
    ----------
    name, note : str
    before, after : list of (int, str)
        Place of the row, and the text; the same rows in both.
    """

    name: str
    note: str
    before: list[tuple[int, str]]
    after: list[tuple[int, str]]


def invariance(
    model: Any, X: Any, *, n_rows: int = 500, rate: float = RATE, random_state: int = 0
) -> Finding:
    """Edit texts, by what the model looks at and by rule, and see whether predictions stay or move.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
        One that reads texts; columns beside them are left as they are.
    X : container of texts, frame, or rows with columns by name
    n_rows : int
        Rows that are edited, drawn where more are given.
    rate : float
        Share of rows that have to keep their prediction for a test to pass.
    random_state : int

    Returns
    -------
    Finding
        Pass rates with Wilson's intervals of tests in the manner of CheckList: first names swapped, capitals,
        full stop, a typing error, unknown words as padding, addresses and dates taken out, and "not" before
        the strongest phrase, which should lower the prediction. How scores go with the length of texts, and
        what share of the predictions' strength stands on what only tells where a text comes from.

    Raises
    ------
    InputError
        If the model reads no text.

    References
    ----------
    Ribeiro, Wu, Guestrin, Singh: Beyond accuracy: Behavioral testing of NLP models with CheckList. ACL 2020.
    """
    subject = Subject(model, X, n_rows, random_state)
    texts, ledgers = subject.texts("invariance"), subject.explain()
    tests = _edited(texts, vocabulary(subject.model), random_state)
    found = [_kept(subject, test, rate) for test in tests]
    negation, more = _negation(subject, texts, ledgers)
    failures = pd.concat([*(failed for _, failed in found), more], ignore_index=True)
    sources, terms = _sources(texts, ledgers, rate)
    return Finding(
        name="invariance",
        question=_QUESTION,
        measures=[
            *(measure for measure, _ in found),
            negation,
            _length(subject, texts, random_state),
            sources,
        ],
        meaning=(
            f"A test passes where at least {rate:.0%} of the rows keep their prediction: the label, or a "
            "number up to a tenth of the predictions' standard deviation. Edits are made by rule, and some "
            'make odd texts. A model of single words cannot see that "not" turns a phrase; whether it has to '
            "is for the task to say, as is whether length and dates may count. Passing says that these edits "
            "do no harm, not that others do none."
        ),
        details={
            "Rows that failed, some of each test": failures,
            "Words that tell the source of a text": terms,
        },
    )


def _edited(texts: Sequence[str], known: set[str], random_state: int) -> list[_Edit]:
    """All tests of which the prediction should stay."""

    def seeded() -> np.random.Generator:
        return np.random.default_rng(random_state)

    def by(name: str, note: str, edit: Callable[[str], str | None]) -> _Edit:
        after = [(place, new) for place, text in enumerate(texts) if (new := edit(text)) is not None]
        return _Edit(name, note, [(place, texts[place]) for place, _ in after], after)

    random = seeded()
    pairs = [edits.signed(text, known, random) for text in texts]
    return [
        by(
            "first name swapped",
            "another of the same kind, one that the model knows if there is",
            partial(edits.renamed, known=known, random=seeded()),
        ),
        _Edit(
            "signed by another",
            "one first name below the text, or another",
            [(place, one) for place, (one, _) in enumerate(pairs)],
            [(place, other) for place, (_, other) in enumerate(pairs)],
        ),
        by("capital letters", "the whole text", edits.recased),
        by("full stop", "taken from the end, or put there", edits.repunctuated),
        by("typing error", "two letters of one word swapped", partial(edits.mistyped, random=seeded())),
        by(
            "twice as long",
            "as many words below it as it has, none of them known to the model",
            partial(edits.padded, known=known),
        ),
        by("addresses, dates and numbers taken out", "markup and user names, too", edits.without_places),
    ]


def _kept(subject: Subject, test: _Edit, rate: float) -> tuple[Measure, pd.DataFrame]:
    """Share of rows that keep their prediction, and some that do not."""
    name = f"unchanged: {test.name}"
    if not test.after:
        return Measure(name, float("nan"), n=0, note="no row can be edited so"), _failures([], subject, test)
    before, after = (
        subject.predict([subject.with_text(place, text) for place, text in side])
        for side in (test.before, test.after)
    )
    if subject.regression:
        same = np.abs(np.array(before) - np.array(after)) <= 0.1 * subject.unit
    else:
        same = np.array([one == other for one, other in zip(before, after, strict=True)])
    found = share(int(same.sum()), len(same))
    failed = [(at, before[at], after[at]) for at in np.flatnonzero(~same)[:_SHOWN]]
    measure = Measure(name, *found, n=len(same), passed=bool(found.value >= rate), note=test.note)
    return measure, _failures(failed, subject, test)


def _failures(failed: list[tuple[int, Any, Any]], subject: Subject, test: _Edit) -> pd.DataFrame:
    rows = [
        (int(subject.index[test.after[at][0]]), test.name, test.before[at][1], test.after[at][1], one, other)
        for at, one, other in failed
    ]
    return pd.DataFrame(rows, columns=["row", "test", "text", "edited", "predicted", "then"], dtype=object)


def _negation(
    subject: Subject, texts: Sequence[str], ledgers: Sequence[Ledger]
) -> tuple[Measure, pd.DataFrame]:
    """Share of rows whose prediction is weaker when its strongest phrase is negated."""
    directions = subject.directions()
    after: list[tuple[int, str]] = []
    for place, (text, ledger) in enumerate(zip(texts, ledgers, strict=True)):
        sign = directions[place] if subject.regression else 1.0
        speaking = [(sign * ledger.strength(one.values), one) for one in ledger.contributions if one.spans]
        strength, strongest = max(speaking, key=lambda pair: pair[0], default=(0.0, None))
        if strongest is not None and strength > 0:
            after.append((place, edits.negated(text, strongest.spans)))
    places = [place for place, _ in after]
    test = _Edit('"not" before the strongest phrase', "", [(place, texts[place]) for place in places], after)
    name = f"weaker: {test.name}"
    if not after:
        nothing = Measure(name, float("nan"), n=0, note="no row has a phrase that speaks for its prediction")
        return nothing, _failures([], subject, test)
    rows = [subject.with_text(place, text) for place, text in after]
    own = [subject.rows[place] for place in places]
    before, then = (subject.pulls(side, directions[places]) for side in (own, rows))
    weaker = then < before - 1e-9
    labels = subject.predict(rows)
    failed = [(at, subject.predictions[places[at]], labels[at]) for at in np.flatnonzero(~weaker)[:_SHOWN]]
    measure = Measure(
        name,
        *share(int(weaker.sum()), len(weaker)),
        n=len(weaker),
        note="told, not judged: it has to be so where phrases are opinions, not where they are topics",
    )
    return measure, _failures(failed, subject, test)


def _length(subject: Subject, texts: Sequence[str], random_state: int) -> Measure:
    """The strongest rank correlation between the length of texts and a score of the model."""
    name = "scores go with the length of texts"
    lengths = np.array([len(Words(text).found) for text in texts], dtype=float)
    scores = subject.scores(subject.rows)
    scores = scores[:, np.ptp(scores, axis=0) > 0]
    if len(texts) < 3 or np.ptp(lengths) == 0 or not scores.shape[1]:
        return Measure(name, float("nan"), n=len(texts), note="all texts are as long, or have one score")

    def strongest(order: Array) -> tuple[float, float]:
        found = [float(spearmanr(order, column).statistic) for column in scores.T]
        return max((abs(one), one) for one in found)

    size, signed = strongest(lengths)
    random = np.random.default_rng(random_state)
    nulls = np.array([strongest(random.permutation(lengths))[0] for _ in range(_PERMUTATIONS)])
    return Measure(
        name,
        size,
        null=float(nulls.mean()),
        p_value=float((1 + (nulls >= size).sum()) / (1 + _PERMUTATIONS)),
        n=len(texts),
        note=f"largest rank correlation with a score, by size ({signed:+.2f}); the null has lengths shuffled",
    )


def _sources(texts: Sequence[str], ledgers: Sequence[Ledger], rate: float) -> tuple[Measure, pd.DataFrame]:
    """Share of the predictions' strength on words that tell a text's source, and these words."""
    of_rows, among = [], []
    strength_of: dict[tuple[str, str], float] = {}
    for text, ledger in zip(texts, ledgers, strict=True):
        words, places = Words(text), edits.kinds_of_places(text)
        strengths = words.strengths(ledger, total=True)
        total = sum(strengths.values())
        telling = {
            word: kind
            for word, at, end in words.found
            for start, stop, kind in places
            if start < end and at < stop
        }
        if words.distinct:
            among.append(len(telling) / len(words.distinct))
        if total > 0:
            of_rows.append(sum(strengths[word] for word in telling) / total)
            for word, kind in telling.items():
                key = kind, word
                strength_of[key] = strength_of.get(key, 0.0) + strengths[word]
    found = mean(of_rows)
    table = pd.DataFrame(
        [(word, kind, strength) for (kind, word), strength in strength_of.items() if strength > 0],
        columns=["word", "kind", "strength, summed over rows"],
    )
    table = table.sort_values(table.columns[2], ascending=False, kind="stable").reset_index(drop=True)
    measure = Measure(
        "strength on words that tell the source",
        *found,
        null=float(np.mean(among)) if among else None,
        n=len(of_rows),
        passed=None if found.value != found.value else bool(found.value <= 1 - rate),
        note="addresses, user names, dates, numbers, markup; the null is their share of the texts' words; "
        f"{1 - rate:.0%} or less passes",
    )
    return measure, table
