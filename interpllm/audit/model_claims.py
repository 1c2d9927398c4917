"""Claims about a readable model, and whether it says so itself: signs, sizes and prevalence of its terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from interpllm.audit.claim_base import COMPARISONS, Claim, compared
from interpllm.audit.verdicts import Found, judged
from interpllm.audit.where import Uncheckable, Value, alike
from interpllm.errors import InputError
from interpllm.runtime.ledger import Rule

FIGURES = ("weight", "prevalence")


@dataclass(frozen=True, kw_only=True)
class ModelClaim(Claim):
    """A claim about a term of a model; it is exact, as the model is all there is.

    Parameters
    ----------
    term : str
        A phrase, question or rule, as ``model.rules()`` lists it.
    sentence : str
    """

    term: str

    def __post_init__(self) -> None:
        super().__post_init__()
        self._named("term")


@dataclass(frozen=True, kw_only=True)
class TermSign(ModelClaim):
    """A term speaks for a class; regression: it moves the prediction up or down.

    Parameters
    ----------
    term : str
    prediction : str, int, float or bool
        The class; regression: "+" or "-".
    sentence : str
    """

    kind: ClassVar[str] = "term sign"
    prediction: Value

    def words(self) -> str:
        """What is checked, in words."""
        return f"in the model, {self.term!r} speaks for {self.prediction!r}"


@dataclass(frozen=True, kw_only=True)
class TermFigure(ModelClaim):
    """The weight or the prevalence of a term is on one side of a number, or about it.

    Parameters
    ----------
    term : str
    figure : {"weight", "prevalence"}
        The weight as ``model.rules()`` gives it: towards what the term speaks for. Prevalence: the share of
        training rows that have the term.
    relation : {"above", "at least", "below", "at most", "about"}
    value : float
    tolerance : float, optional
        For "about"; by default a tenth of the value, of a prevalence .05.
    sentence : str
    """

    kind: ClassVar[str] = "term figure"
    figure: str = "weight"
    relation: str = "above"
    value: float
    tolerance: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("figure", FIGURES)
        self._one_of("relation", COMPARISONS)
        self._compares(self.value, self.tolerance)

    def words(self) -> str:
        """What is checked, in words."""
        said = compared(self.relation, self.value, self.tolerance)
        return f"in the model, the {self.figure} of {self.term!r} is {said}"


@dataclass(frozen=True, kw_only=True)
class TermExtreme(ModelClaim):
    """No term of a model has more weight, or is more prevalent; or none has less.

    Parameters
    ----------
    term : str
    figure : {"weight", "prevalence"}
        Weights are compared by their size, whatever they speak for.
    direction : {"largest", "smallest"}
    prediction : str, int, float, bool or None
        Only terms that speak for this class (regression: "+" or "-") are compared; None: all.
    sentence : str
    """

    kind: ClassVar[str] = "term extreme"
    figure: str = "weight"
    direction: str = "largest"
    prediction: Value | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._one_of("figure", FIGURES)
        self._one_of("direction", ("largest", "smallest"))

    def words(self) -> str:
        """What is checked, in words."""
        of = "" if self.prediction is None else f" of those that speak for {self.prediction!r}"
        return f"in the model, {self.term!r} has the {self.direction} {self.figure}{of}"


def check_model_claim(claim: ModelClaim, rules: Sequence[Rule]) -> tuple[str, Found]:
    """Look a claim up in the terms of a model.

    Parameters
    ----------
    claim : ModelClaim
    rules : sequence of Rule
        Of ``model.rules()``.

    Returns
    -------
    verdict : {"supported", "contradicted"}
    found : Found

    Raises
    ------
    Uncheckable
        When the model has no such term, or does not tell its prevalence.
    """
    rule = _term(claim.term, rules)
    if isinstance(claim, TermSign):
        _known(claim.prediction, rules)
        right = alike(rule.prediction) == alike(claim.prediction)
        weight = rule.weight if right else -abs(rule.weight)
        return ("supported" if right else "contradicted"), Found(weight, n=1)
    if isinstance(claim, TermFigure):
        found = Found(_figure(rule, claim.figure), n=1)
        return judged(
            found, claim.relation, claim.value, claim.tolerance, "rows", claim.figure == "prevalence"
        ), found
    if not isinstance(claim, TermExtreme):
        raise InputError(f"{claim!r:.80} is no claim about a model.")
    rivals = list(rules)
    if claim.prediction is not None:
        _known(claim.prediction, rules)
        rivals = [one for one in rules if alike(one.prediction) == alike(claim.prediction)]
    others = [abs(_figure(one, claim.figure)) for one in rivals if one is not rule]
    if not others:
        raise Uncheckable(f"the model has no other term that {claim.term!r:.80} could be compared with")
    mine = abs(_figure(rule, claim.figure))
    beaten = mine >= max(others) if claim.direction == "largest" else mine <= min(others)
    lead = mine - max(others) if claim.direction == "largest" else min(others) - mine
    belongs = rule in rivals
    note = "" if belongs else f"it speaks for {rule.prediction!r}"
    return ("supported" if beaten and belongs else "contradicted"), Found(lead, n=len(rivals), note=note)


def _term(name: str, rules: Sequence[Rule]) -> Rule:
    wanted = alike(name)
    found = [rule for rule in rules if wanted in (alike(rule.phrase), alike(rule.rule))]
    if len(found) != 1:
        what = "no term" if not found else f"{len(found)} terms"
        raise Uncheckable(f"the model has {what} {name!r:.80}")
    return found[0]


def _known(prediction: Any, rules: Sequence[Rule]) -> None:
    if alike(prediction) not in {alike(rule.prediction) for rule in rules}:
        raise Uncheckable(f"no term of the model speaks for {prediction!r:.80}")


def _figure(rule: Rule, figure: str) -> float:
    value = rule.weight if figure == "weight" else rule.coverage
    if value is None:
        raise Uncheckable(f"the model does not tell in how many rows {rule.phrase!r:.80} stands")
    return value
