"""The additive model of n-grams: a table that is read, printed, exported and summed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from interpllm.runtime import checks
from interpllm.runtime.evidence import UNSEEN, Evidence
from interpllm.runtime.features import Phrase
from interpllm.runtime.ledger import Contribution, Ledger, Rule, printable
from interpllm.runtime.model import ReadableModel, one_or_more, or_dash
from interpllm.runtime.scoring import Scorer, probabilities
from interpllm.runtime.tokens import spans

_ROWS_PRINTED = 20


@dataclass(frozen=True, kw_only=True, repr=False)
class LinearModel(ReadableModel):
    """A table of n-gram weights; the score of a text is a sum of its rows.

    ``score(text) = intercept + (sum of the weights of the text's distinct n-grams) / norm``, once an output.
    There is one output for regression and for two classes (the log-odds of ``classes[1]``), else one a class.

    Parameters
    ----------
    task : {"classification", "regression"}
    target : str
        Name of what is predicted; "" if unknown.
    classes : sequence of str, int, float or bool
        In the order of the outputs; empty for regression.
    ngram_range : (int, int)
        Smallest and largest number of words of an n-gram.
    norm : {"none", "sqrt"}
        Divide the sum by 1, or by the square root of the number of the text's distinct n-grams of these
        orders, in the table or not.
    intercept : sequence of float
        One an output.
    weights : mapping of str to sequence of float
        N-gram, spelled as :func:`interpllm.runtime.tokens.ngrams` gives it -> one weight an output.
    evidence : mapping of str to Evidence, optional
        N-gram -> support, precision, examples, interval. Without an entry: not seen in training, so that its
        weight is the language model's alone.
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

    ngram_range: tuple[int, int] = (1, 1)
    norm: str = "none"
    intercept: tuple[float, ...]
    weights: Mapping[str, tuple[float, ...]]
    evidence: Mapping[str, Evidence] | None = None

    __hash__ = None  # compared by what they hold, which cannot be hashed

    def __post_init__(self) -> None:
        super().__post_init__()
        norms = ("none", "sqrt")
        checks.require(self.norm in norms, f"norm is one of {norms}, not {self.norm!r}")
        self._settle("ngram_range", checks.orders(self.ngram_range))
        self._settle("intercept", checks.numbers(self.intercept, "intercept"))
        checks.require(
            len(self.intercept) == self.n_outputs,
            f"intercept has {len(self.intercept)} numbers for {self.n_outputs} outputs",
        )
        weights = checks.table(self.weights, self.n_outputs, self.ngram_range)
        self._settle("weights", MappingProxyType(weights))
        if self.evidence is not None:
            self._settle("evidence", MappingProxyType(checks.evidence(self.evidence, weights, self.n_rows)))

    @property
    def n_terms(self) -> int:
        """Number of n-grams in the table."""
        return len(self.weights)

    # --- predict --------------------------------------------------------------------------------------------

    @cached_property
    def _scorer(self) -> Scorer:
        return Scorer(self.weights, self.intercept, self.ngram_range, self.norm)

    def _scores(self, texts: Iterable[str]) -> list[list[float]]:
        return [*map(self._scorer.scores, checks.texts(texts))]

    def decision_function(self, texts: Iterable[str]) -> list[float] | list[list[float]]:
        """Score texts.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        list of float, or list of list of float
            One score a text for regression and two classes, else one a class and text.

        Raises
        ------
        InputError
            If a row is not a text.
        """
        return one_or_more(self._scores(texts), self.n_outputs)

    def predict(self, texts: Iterable[str]) -> list[Any]:
        """Predict the class of texts, or their value.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        list
            One of `classes` a text; regression: one float a text.

        Raises
        ------
        InputError
            If a row is not a text.
        """
        return [*map(self._decide, self._scores(texts))]

    def predict_proba(self, texts: Iterable[str]) -> list[list[float]]:
        """Predict the probabilities of the classes of texts.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        list of list of float
            One a class and text, in the order of `classes`.

        Raises
        ------
        InputError
            If a row is not a text, or the model is a regression.
        """
        checks.require(bool(self.classes), "a regression model has no probabilities; use predict")
        return [*map(probabilities, self._scores(texts))]

    # --- read -----------------------------------------------------------------------------------------------

    def explain(self, texts: Iterable[str]) -> list[Ledger]:
        """Tell which phrases made each prediction, where they stand and what each added.

        Parameters
        ----------
        texts : iterable of str

        Returns
        -------
        list of Ledger
            For each text: base + sum of contributions = decision function, to 1e-9.

        Raises
        ------
        InputError
            If a row is not a text.
        """
        return [*map(self._explain, checks.texts(texts))]

    def _explain(self, text: str) -> Ledger:
        places = spans(text, *self.ngram_range)
        norm = self._scorer.norm(len(places))
        contributions = [
            Contribution(phrase, tuple(where), tuple(weight / norm for weight in self.weights[phrase]))
            for phrase, where in places.items()
            if phrase in self.weights
        ]
        contributions.sort(key=lambda c: -max(map(abs, c.values)))
        scores = self._scorer.scores(text)
        return Ledger(
            text=text,
            prediction=self._decide(scores),
            decision=tuple(scores),
            base=self.intercept,
            contributions=tuple(contributions),
            coverage=len(contributions) / len(places) if places else 0.0,
            classes=self.classes,
        )

    def rules(self) -> list[Rule]:
        """List the table as statements about texts.

        Returns
        -------
        list of Rule
            One a phrase, strongest first; phrases of one strength in alphabetical order.
        """
        return sorted(
            (self._rule(phrase) for phrase in self.weights), key=lambda r: (-abs(r.weight), r.phrase)
        )

    def _rule(self, phrase: str) -> Rule:
        evidence, source = None, ""
        if self.evidence is not None:
            evidence = self.evidence.get(phrase, UNSEEN)
            source = "data" if evidence.support else "llm"
        return self._told(str(Phrase(phrase)), phrase, self._lean(self.weights[phrase]), evidence, source)

    def __str__(self) -> str:
        rules = self.rules()
        shown = rules[:_ROWS_PRINTED]
        lines = [*self._summary(), "", f"{'weight':>10}  {'support':>7}  {'precision':>9}  rule"]
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

    def _summary(self) -> list[str]:
        by = " / sqrt(number of distinct n-grams in the text)" if self.norm == "sqrt" else ""
        base = ", ".join(f"{value:+.4f}" for value in self.intercept)
        lo, hi = self.ngram_range
        return [
            self._title(),
            f"score = {base} + sum of the weights of the text's n-grams{by}",
            f"{self.n_terms} n-grams of {lo} to {hi} words",
        ]

    def __repr__(self) -> str:
        lo, hi = self.ngram_range
        return f"<LinearModel: {self.task}, {self.n_terms} n-grams of {lo} to {hi} words>"
