"""What models of questions have in common: the questions, and where their answers come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isnan, nan
from types import MappingProxyType
from typing import Any

from interpllm.errors import InputError
from interpllm.runtime import checks
from interpllm.runtime.concept_scoring import Cut
from interpllm.runtime.features import Question
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.model import ReadableModel
from interpllm.runtime.scoring import Scorer
from interpllm.runtime.tokens import spans

#: How many n-grams of a stand-in are shown for an answer.
_SHOWN = 3

Answers = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, kw_only=True, repr=False)
class ConceptModel(ReadableModel):
    """The parts that models of questions have; each kind documents them with its own."""

    questions: tuple[Question, ...]
    means: tuple[float, ...]
    stand_ins: Mapping[str, LinearModel] = field(default_factory=dict)

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        questions = tuple(self.questions)
        for question in questions:
            checks.require(
                isinstance(question, Question),
                f"{question!r:.80} is not a Question; Question.of(text) makes one",
            )
        self._settle("questions", questions)
        checks.require(
            len(self._places) == len(questions), "two questions have the same id; keep one of them"
        )
        self._settle("means", checks.numbers(self.means, "means"))
        checks.require(
            len(self.means) == len(questions), f"{len(self.means)} means for {len(questions)} questions"
        )
        checks.require(
            all(0.0 <= mean <= 1.0 for mean in self.means), f"means of answers are from 0 to 1: {self.means}"
        )
        for name, model in self.stand_ins.items():
            checks.require(name in self._places, f"a stand-in answers no question of the model: {name!r:.80}")
            checks.require(
                isinstance(model, LinearModel) and same_labels(model.classes, (False, True)),
                f"the stand-in of {name!r:.80} is not a LinearModel with the classes (False, True)",
            )
        ordered = {q.id: self.stand_ins[q.id] for q in questions if q.id in self.stand_ins}
        self._settle("stand_ins", MappingProxyType(ordered))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {question.id: place for place, question in enumerate(self.questions)}

    @cached_property
    def _stand_in_scorers(self) -> list[Scorer | None]:
        models = [self.stand_ins.get(question.id) for question in self.questions]
        return [scorer_of(model) if model else None for model in models]

    @property
    def unanswered(self) -> tuple[str, ...]:
        """Ids of the questions that have no stand-in: their answers have to be given."""
        return tuple(question.id for question in self.questions if question.id not in self.stand_ins)

    @property
    def deployable(self) -> bool:
        """Whether every question has a stand-in, so that texts alone are enough."""
        return not self.unanswered

    # --- answers --------------------------------------------------------------------------------------------

    def _rows(
        self, texts: Iterable[str] | None, answers: Answers | None, reads_texts: bool = False
    ) -> tuple[list[str], list[dict[int, float]]]:
        """Check what is given: the texts ("" where none are needed), and for each the given answers by place.

        `reads_texts`: the texts are needed for more than stand-ins.
        """
        columns = self._columns(answers)
        missing = [
            q for q in self.questions if q.id not in self.stand_ins and self._places[q.id] not in columns
        ]
        checks.require(
            not missing,
            "answers are missing for questions that need a language model: "
            + "; ".join(f"{question.id} {question.text!r:.120}" for question in missing[:10])
            + f" ({len(missing)} in all). Give answers={{id: [one a text]}}, or distil them into stand-ins",
        )
        if texts is None:
            alone = columns and len(columns) == len(self.questions) and not reads_texts
            checks.require(
                bool(alone), "texts are missing; only answers to all questions can do without them"
            )
            rows = [""] * len(next(iter(columns.values())))
        else:
            rows = checks.texts(texts)
        self._fit(columns, len(rows))
        return rows, [{place: column[row] for place, column in columns.items()} for row in range(len(rows))]

    def _columns(self, answers: Answers | None) -> dict[int, list[float]]:
        """Check the answers that are given, by the places of their questions."""
        given = {} if answers is None else answers
        return {place: column_of(given[name], name) for name, place in self._places.items() if name in given}

    def _fit(self, columns: Mapping[int, Sequence[float]], n_texts: int) -> None:
        """Check that there is an answer a text."""
        for place, column in columns.items():
            checks.require(
                len(column) == n_texts,
                f"question {self.questions[place].id} has {len(column)} answers for {n_texts} texts; "
                "give one a text, NaN where it is missing",
            )

    def _is_answered(self, place: int, answer: float, given: Mapping[int, float], cut: Cut) -> bool:
        """Tell whether an answer is there; that of a stand-in only if it knows an n-gram of the text."""
        scorer = self._stand_in_scorers[place]
        if place in given or scorer is None:
            return not isnan(answer)
        return not cut.grams(scorer).isdisjoint(scorer.rows)

    def _reasons(self, place: int, text: str, answer: float) -> tuple[tuple[int, int], ...]:
        """Find where the n-grams stand that speak most for the answer of a stand-in, in the text's order."""
        return reasons(self.stand_ins[self.questions[place].id], text, answer)


def reasons(stand_in: LinearModel, text: str, answer: float) -> tuple[tuple[int, int], ...]:
    """Find where the n-grams stand that speak most for the answer of a stand-in, in the text's order."""
    sign = 1.0 if answer > 0.5 else -1.0
    places = spans(text, *stand_in.ngram_range)
    strengths = {
        phrase: sign * stand_in.weights[phrase][0] for phrase in places if phrase in stand_in.weights
    }
    speaking = [phrase for phrase, strength in strengths.items() if strength > 0]
    strongest = sorted(speaking, key=lambda phrase: (-strengths[phrase], phrase))[:_SHOWN]
    return tuple(sorted(span for phrase in strongest for span in places[phrase]))


def scorer_of(model: LinearModel) -> Scorer:
    """Give what scores texts by the table of a model."""
    return Scorer(model.weights, model.intercept, model.ngram_range, model.norm)


def same_labels(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Tell whether classes are the same: 1, 1.0 and True are three."""
    return [(type(label), label) for label in one] == [(type(label), label) for label in other]


def known(answer: float) -> float | None:
    """Give an answer as a ledger holds it: None for one that is missing."""
    return None if isnan(answer) else answer


def column_of(values: Iterable[Any], name: str) -> list[float]:
    """Check the answers to one question: numbers from 0 to 1; None and NaN are missing."""
    checks.require(
        not isinstance(values, str | bytes), f"the answers to {name} are one string; give a list of numbers"
    )
    found = []
    for row, value in enumerate(values):
        try:
            number = nan if value is None else float(value)
        except (TypeError, ValueError):
            raise InputError(f"answer {row} to {name} is not a number but {value!r:.80}") from None
        checks.require(
            isnan(number) or 0.0 <= number <= 1.0,
            f"answer {row} to {name} is {number}, not from 0 (no) to 1 (yes); give NaN where it is missing",
        )
        found.append(number)
    return found
