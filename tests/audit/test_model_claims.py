"""Claims about a model are looked up in its terms."""

from __future__ import annotations

import pytest

from interpllm.audit.claim_base import Claim
from interpllm.audit.claim_checks import check_claims
from interpllm.audit.model_claims import TermExtreme, TermFigure, TermSign
from interpllm.runtime import Evidence, LinearModel

from .toy_models import LINEAR, RULE_LIST

SEEN = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.0,),
    weights={"great": (2.0,), "awful": (-3.0,)},
    evidence={"great": Evidence(30, 0.8), "awful": Evidence(10, 0.9)},
    n_rows=100,
)
ROWS = {"text": ["great"]}


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (TermSign(term="awful", prediction="bad"), "supported"),
        (TermSign(term="awful", prediction="good"), "contradicted"),
        (TermSign(term='mentions "awful"', prediction="bad"), "supported"),
        (TermFigure(term="great", relation="above", value=1.9), "supported"),
        (TermFigure(term="great", relation="about", value=3), "contradicted"),
        (TermFigure(term="great", figure="prevalence", relation="about", value=0.3), "supported"),
        (TermFigure(term="awful", figure="prevalence", relation="at least", value=0.3), "contradicted"),
        (TermExtreme(term="awful"), "supported"),
        (TermExtreme(term="great"), "contradicted"),
        (TermExtreme(term="great", direction="smallest"), "supported"),
        (TermExtreme(term="great", figure="prevalence"), "supported"),
    ],
    ids=lambda part: part.words() if isinstance(part, Claim) else part,
)
def test_the_terms_of_a_model_decide(claim: Claim, verdict: str) -> None:
    assert check_claims([claim], ROWS, SEEN).verdicts == [verdict]


def test_the_strongest_of_a_class_is_compared_with_its_class_only() -> None:
    claims = [TermExtreme(term=term, prediction="good") for term in ("great", "awful")]
    assert check_claims(claims, ROWS, LINEAR).verdicts == ["supported", "contradicted"]


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (TermSign(term="champagne", prediction="good"), "no term 'champagne'"),
        (TermSign(term="great", prediction="fine"), "no term of the model speaks for 'fine'"),
        (TermFigure(term="great", figure="prevalence", value=0.1), "does not tell"),
    ],
)
def test_what_the_model_does_not_tell_is_uncheckable(claim: Claim, why: str) -> None:
    report = check_claims([claim], ROWS, LINEAR)
    assert report.verdicts == ["uncheckable"]
    assert why in report.frame()["why"][0]


def test_without_a_model_nothing_is_said_of_it() -> None:
    report = check_claims([TermSign(term="great", prediction="good")], ROWS)
    assert report.frame()["why"][0] == "it is about a model, and none was given"


def test_rules_are_terms_too() -> None:
    name = RULE_LIST.rules()[0].rule
    claims = [TermSign(term=name, prediction="bad"), TermFigure(term=name, relation="about", value=0.9)]
    assert check_claims(claims, ROWS, RULE_LIST).verdicts == ["supported", "supported"]
