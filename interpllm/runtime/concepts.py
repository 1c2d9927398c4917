"""The additive model of questions: answers, each with a weight, and n-grams for what they leave over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.concept_model import Answers, ConceptModel, known, same_labels, scorer_of
from interpllm.runtime.concept_scoring import ConceptScorer, Cut
from interpllm.runtime.evidence import PROPOSER, UNSEEN, Evidence
from interpllm.runtime.features import Question
from interpllm.runtime.ledger import Contribution, Ledger, Rule, printable
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.model import one_or_more, or_dash
from interpllm.runtime.scoring import probabilities

_ROWS_PRINTED = 40


@dataclass(frozen=True, kw_only=True, repr=False)
class ConceptLinear(ConceptModel):
    """Questions with weights; the score of a text is a sum of weighted answers.

    ``score(text) = intercept + sum of weight * answer + residual.score(text)``, once an output. There is one
    output for regression and for two classes (the log-odds of ``classes[1]``), else one a class. An answer
    is the one that is given, else the probability of yes by the question's stand-in.

    Parameters
    ----------
    task : {"classification", "regression"}
    target : str
        Name of what is predicted; "" if unknown.
    classes : sequence of str, int, float or bool
        In the order of the outputs; empty for regression.
    intercept : sequence of float
        One an output.
    questions : sequence of Question
    weights : sequence of sequence of float
        One row a question: a weight an output.
    means : sequence of float
        One a question: what stands for a missing answer (its mean over the training rows).
    stand_ins : mapping of str to LinearModel, optional
        Id of a question -> the model of classes (False, True) that answers it without a language model.
    residual : LinearModel, optional
        N-grams for what the questions leave over: of the same task and classes; its score is added.
    evidence : mapping of str to Evidence, optional
        Id of a question -> support, precision, examples, interval.
    base : sequence of float
        Of the training rows: the shares of the classes, or the mean; empty if unknown.
    n_rows : int
        Number of training rows; 0 if unknown.
    meta : mapping, optional
        Anything that JSON can hold: how the model was made, its figures.

    Raises
    ------
    InputError
        If the parts do not make a model; the message names the first that does not fit.
    """

    intercept: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    residual: LinearModel | None = None
    evidence: Mapping[str, Evidence] | None = None

    __hash__ = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("intercept", checks.numbers(self.intercept, "intercept"))
        n = len(self.intercept)
        checks.require(
            n == self.n_outputs, f"intercept has {n} numbers for {self.n_outputs} output{'s' * (n != 1)}"
        )
        rows = tuple(self.weights)
        checks.require(
            len(rows) == len(self.questions),
            f"{len(rows)} rows of weights for {len(self.questions)} questions",
        )
        self._settle("weights", tuple(map(self._row, self.questions, rows)))
        if self.evidence is not None:
            found = checks.evidence(self.evidence, self._places, self.n_rows)
            self._settle("evidence", MappingProxyType(found))
        if self.residual is not None:
            checks.require(isinstance(self.residual, LinearModel), "the residual is not a LinearModel")
            checks.require(
                self.residual.task == self.task and same_labels(self.residual.classes, self.classes),
                "the residual predicts something else; it needs the task and the classes of the model",
            )

    def _row(self, question: Question, row: Iterable[float]) -> tuple[float, ...]:
        found = checks.numbers(row, f"the row of question {question.id}")
        checks.require(
            len(found) == self.n_outputs,
            f"the row of question {question.id} has {len(found)} numbers for {self.n_outputs} outputs",
        )
        return found

    @property
    def n_terms(self) -> int:
        """Number of questions, and of the residual's n-grams."""
        return len(self.questions) + (self.residual.n_terms if self.residual else 0)

    @cached_property
    def _scorer(self) -> ConceptScorer:
        residual = scorer_of(self.residual) if self.residual else None
        return ConceptScorer(self.intercept, self.weights, self.means, self._stand_in_scorers, residual)

    # --- predict --------------------------------------------------------------------------------------------

    def _scores(self, texts: Iterable[str] | None, answers: Answers | None) -> list[list[float]]:
        scored = []
        for text, given in zip(*self._rows(texts, answers, self.residual is not None), strict=True):
            cut = Cut(text)
            scored.append(self._scorer.total(cut, self._scorer.answers(cut, given)))
        return scored

    def decision_function(
        self, texts: Iterable[str] | None, answers: Answers | None = None
    ) -> list[float] | list[list[float]]:
        """Score texts.

        Parameters
        ----------
        texts : iterable of str or None
            None will do where all answers are given and there is no residual.
        answers : mapping of str to sequence of float, optional
            Id of a question -> its answer for each text, from 0 (no) to 1 (yes), NaN or None where it is
            missing. Questions that are not named are answered by their stand-ins; names that are no question
            of the model are passed over.

        Returns
        -------
        list of float, or list of list of float
            One score a text for regression and two classes, else one a class and text.

        Raises
        ------
        InputError
            If a row is not a text, an answer is not one, or a question without a stand-in has no answers.
        """
        return one_or_more(self._scores(texts, answers), self.n_outputs)

    def predict(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[Any]:
        """Predict the class of texts, or their value.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list
            One of `classes` a text; regression: one float a text.
        """
        return [*map(self._decide, self._scores(texts, answers))]

    def predict_proba(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[list[float]]:
        """Predict the probabilities of the classes of texts.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of list of float
            One a class and text, in the order of `classes`.

        Raises
        ------
        InputError
            If the model is a regression, too.
        """
        checks.require(bool(self.classes), "a regression model has no probabilities; use predict")
        return [*map(probabilities, self._scores(texts, answers))]

    # --- read -----------------------------------------------------------------------------------------------

    def explain(self, texts: Iterable[str] | None, answers: Answers | None = None) -> list[Ledger]:
        """Tell what each answer, and each n-gram of the residual, added to each prediction.

        Parameters
        ----------
        texts, answers
            As for :meth:`decision_function`, with its errors.

        Returns
        -------
        list of Ledger
            For each text: base + sum of contributions = decision function, to 1e-9.
        """
        rows, given = self._rows(texts, answers, self.residual is not None)
        return [*map(self._explain, rows, given)]

    def _explain(self, text: str, given: Mapping[int, float]) -> Ledger:
        cut = Cut(text)
        answers = self._scorer.answers(cut, given)
        contributions = [
            Contribution(
                question.text,
                () if place in given else self._reasons(place, text, answers[place]),
                tuple(values),
                question.id,
                known(answers[place]),
            )
            for place, (question, values) in enumerate(
                zip(self.questions, self._scorer.parts(answers), strict=True)
            )
        ]
        base = self.intercept
        if self.residual:
            rest = self.residual.explain([text])[0]
            contributions += rest.contributions
            base = tuple(map(sum, zip(base, rest.base, strict=True)))
        contributions.sort(key=lambda c: -max(map(abs, c.values)))
        answered = [self._is_answered(place, answer, given, cut) for place, answer in enumerate(answers)]
        scores = self._scorer.total(cut, answers)
        return Ledger(
            text=text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=base,
            contributions=tuple(contributions),
            coverage=sum(answered) / len(answered) if answered else 0.0,
            classes=self.classes,
        )

    def rules(self) -> list[Rule]:
        """List the questions, and the residual's n-grams, as statements about texts.

        Returns
        -------
        list of Rule
            Strongest first. The weight is that of a plain yes; an n-gram's is before its norm.
        """
        own = map(self._rule, self.questions, self.weights)
        rest = self.residual.rules() if self.residual else []
        return sorted([*own, *rest], key=lambda r: (-abs(r.weight), r.phrase))

    def _rule(self, question: Question, row: tuple[float, ...]) -> Rule:
        evidence = None if self.evidence is None else self.evidence.get(question.id, UNSEEN)
        source = PROPOSER.get(question.source, question.source)
        return self._told(f"yes to: {question}", question.text, self._lean(row), evidence, source)

    def __str__(self) -> str:
        rules = self.rules()
        shown = rules[:_ROWS_PRINTED]
        base = ", ".join(f"{value:+.4f}" for value in self.intercept)
        also = f", {self.residual.n_terms} n-grams for what they leave over" if self.residual else ""
        llm = "none" if self.deployable else ", ".join(self.unanswered)
        lines = [
            self._title(),
            f"score = {base} + sum of weight * answer (no 0, yes 1){' + n-grams' if self.residual else ''}",
            f"{len(self.questions)} questions{also}; need a language model: {llm}",
            "",
            f"{'weight':>10}  {'support':>7}  {'precision':>9}  rule",
        ]
        lines += [
            f"{rule.weight:+10.4f}  {or_dash(rule.support, 'd'):>7}  {or_dash(rule.precision, '.3f'):>9}  "
            f"{printable(f'{rule.rule} -> {rule.prediction}')}"
            for rule in shown
        ]
        if len(rules) > len(shown):
            lines.append(
                f"{'...':>10}  and {len(rules) - len(shown)} more; "
                "interpllm.runtime.printed(model) prints all"
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        also = f", {self.residual.n_terms} n-grams" if self.residual else ""
        return f"<ConceptLinear: {self.task}, {len(self.questions)} questions{also}>"
