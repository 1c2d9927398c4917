"""The smallest change that leads a model to another prediction, for each form of model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from interpllm.explain.additive import Part, Sum, fewest_changes
from interpllm.explain.flips import answers_of, conditional, fewest_flips
from interpllm.explain.subject import Subject
from interpllm.runtime import ConceptLinear, Ledger, Lexicon, LinearModel
from interpllm.runtime.concept_model import scorer_of
from interpllm.runtime.ledger import Label
from interpllm.runtime.literals import literal
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.scoring import winner
from interpllm.runtime.tokens import gram, spans


class Change(NamedTuple):
    """One thing that would have to be otherwise.

    Attributes
    ----------
    said : str
        In words.
    kind : {"phrase", "answer", "condition"}
        A phrase is taken out of the model's view, an answer is turned, a condition holds where it did not.
    spans : tuple of (int, int)
        What of the text would have to go; empty where nothing would, or something would have to come.
    """

    said: str
    kind: str
    spans: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Found:
    """The smallest change for one row.

    Parameters
    ----------
    changes : tuple of Change or None
        None if there is none.
    prediction : label or None
        With them.
    complete : bool
        Whether the search came to its end: without changes, that there are none; with them, that there is no
        smaller set.
    """

    changes: tuple[Change, ...] | None
    prediction: Label | None
    complete: bool


def smallest(subject: Subject, ledgers: Sequence[Ledger], target: int | None) -> Iterator[Found | None]:
    """For each row the smallest change to another class, or to that of `target`.

    Yields
    ------
    Found or None
        None where the target is predicted already.
    """
    model = subject.model
    nows = [model.classes.index(ledger.prediction) for ledger in ledgers]
    if isinstance(model, LinearModel):
        searches: Iterable[Any] = (_removals(model, ledger) for ledger in ledgers)
    elif isinstance(model, ConceptLinear):
        searches = _answers(model, subject, ledgers)
    else:
        searches = conditional(model, subject.inputs)
    for ledger, now, search in zip(ledgers, nows, searches, strict=True):
        if target == now:
            yield None
        elif isinstance(search, _Additive):
            yield _changed(model, search, now, target)
        else:
            yield _flipped(model, search, ledger, now, target)


class _Additive(NamedTuple):
    sum: Sum
    changes: Sequence[Change]


def _changed(model: Any, search: _Additive, now: int, target: int | None) -> Found:
    chosen, complete = fewest_changes(search.sum, now, target)
    if chosen is None:
        return Found(None, None, complete)
    changes = tuple(search.changes[number] for number in chosen)
    return Found(changes, model.classes[search.sum.decide(chosen)], complete)


def _removals(model: LinearModel, ledger: Ledger) -> _Additive:
    """Phrases that are taken out of the model's view, and out of the count that a norm divides by."""
    scorer = scorer_of(model)
    grams = set(map(gram, spans(ledger.text, *model.ngram_range)))
    names = [part.phrase for part in ledger.contributions]
    rows = [_per_class(model.weights[name]) for name in names]

    def decide(chosen: Sequence[int]) -> int:
        return winner(scorer.of(grams - {gram(names[number]) for number in chosen}))

    total = tuple(map(sum, zip(*rows, strict=True))) if rows else (0.0,) * len(model.classes)
    return _Additive(
        Sum(
            _per_class(model.intercept),
            total,
            [Part(number, tuple(-weight for weight in row)) for number, row in enumerate(rows)],
            lambda k: 1.0 / scorer.norm(len(grams) - k),
            decide,
        ),
        [Change(f"without {literal(p.phrase)}", "phrase", p.spans) for p in ledger.contributions],
    )


def _answers(model: ConceptLinear, subject: Subject, ledgers: Sequence[Ledger]) -> Iterator[_Additive]:
    """Answers that are turned: yes to a plain no, no to a plain yes, a missing one to either."""
    for ledger, answers in zip(ledgers, answers_of(model, subject.inputs), strict=True):
        parts, changes, turned = [], [], []
        for place, (question, answer) in enumerate(zip(model.questions, answers, strict=True)):
            counted = model.means[place] if answer is None else answer
            for new in (0.0, 1.0) if answer is None else (0.0 if answer > 0.5 else 1.0,):
                gain = tuple(weight * (new - counted) for weight in _per_class(model.weights[place]))
                parts.append(Part(place, gain))
                said = f"{'yes' if new else 'no'} to {literal(question.text)}"
                changes.append(Change(said, "answer"))
                turned.append((place, new))

        def decide(
            chosen: Sequence[int],
            text: str = ledger.text,
            answers: Sequence[float | None] = answers,
            turned: Sequence[tuple[int, float]] = turned,
        ) -> int:
            told = {**dict(enumerate(answers)), **dict(turned[number] for number in chosen)}
            by_id = {question.id: [told[place]] for place, question in enumerate(model.questions)}
            return model.classes.index(model.predict([text], by_id)[0])

        scores = _per_class(ledger.decision)
        yield _Additive(Sum((0.0,) * len(scores), scores, parts, lambda k: 1.0, decide), changes)


def _flipped(model: Any, search: Any, ledger: Ledger, now: int, target: int | None) -> Found:
    found = fewest_flips(
        search.read, search.truth, lambda place: place == target if target is not None else place != now
    )
    if found.flips is None:
        return Found(None, None, found.complete)
    changes = []
    for atom, held in found.flips.items():
        looked = atom.condition
        places = _mentions(looked.phrases, ledger.text) if isinstance(looked, Lexicon) and not held else ()
        kind = "condition" if isinstance(model, RowModel) else "answer"
        changes.append(Change(atom.said(held), kind, places))
    return Found(tuple(changes), model.classes[winner(found.scores)], found.complete)


def _mentions(phrases: Sequence[str], text: str) -> tuple[tuple[int, int], ...]:
    sizes = [phrase.count(" ") + 1 for phrase in phrases]
    places = spans(text, min(sizes), max(sizes))
    return tuple(sorted(span for phrase in phrases for span in places.get(phrase, ())))


def _per_class(values: Sequence[float]) -> tuple[float, ...]:
    """One number a class: of two classes the single score is the second's, and the first's is 0."""
    return (0.0, values[0]) if len(values) == 1 else tuple(values)
