"""Claims are plain data: refused where they say nothing, kept as JSON, and never executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from interpllm.audit.claim_base import Claim
from interpllm.audit.claim_checks import check_claims
from interpllm.audit.claim_documents import KINDS, as_document, claims_from_json, claims_to_json, schema_of
from interpllm.audit.claims import Extreme, MeanDifference, Monotone, Share, Sign, Threshold
from interpllm.audit.model_claims import TermExtreme, TermFigure, TermSign
from interpllm.audit.where import Where
from interpllm.errors import InputError

MEN = (Where("sex", "is", "m"),)
ONE_OF_EACH: list[Claim] = [
    MeanDifference(column="pay", group=MEN, among=(Where("age", "above", 30),), relation="about", value=3.5),
    Share(which=MEN, value=0.4, sentence="Two in five are men.", tolerance=0.01),
    Threshold(statistic="largest", column="pay", value=9, scope="rows"),
    Sign(column="age", with_column="pay", direction="negative"),
    Extreme(by="city", group=3, which=MEN),
    Monotone(x="age", column="pay", direction="falling"),
    TermSign(term="not great", prediction="bad"),
    TermFigure(term="great", figure="prevalence", relation="at least", value=0.1),
    TermExtreme(term="great", prediction=None),
]


def test_every_kind_has_an_example_here() -> None:
    assert [type(claim) for claim in ONE_OF_EACH] == list(KINDS.values())


def test_claims_come_back_from_json_as_they_were() -> None:
    assert claims_from_json(claims_to_json(ONE_OF_EACH)) == ONE_OF_EACH


@pytest.mark.parametrize("claim", ONE_OF_EACH, ids=lambda claim: claim.kind)
def test_the_schema_of_a_kind_has_just_the_fields_of_its_documents(claim: Claim) -> None:
    schema = schema_of(type(claim))
    assert set(schema["properties"]) == set(as_document(claim)) - {"sentence"}
    assert None not in schema["properties"].values()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MeanDifference(column="pay", group=()), "needs a group"),
        (lambda: MeanDifference(column="pay", which=MEN, group=MEN), "column or which, not both"),
        (lambda: MeanDifference(group=MEN), "column or which, not both"),
        (lambda: MeanDifference(column="pay", group=MEN, relation="over"), "relation of a claim"),
        (lambda: MeanDifference(column="pay", group=MEN, scope="everywhere"), "scope of a claim"),
        (lambda: MeanDifference(column="pay", group=MEN, value=float("inf")), "value of a claim"),
        (lambda: MeanDifference(column="pay", group=MEN, tolerance=-1), "not below 0"),
        (lambda: MeanDifference(column="pay", group=("sex = m",)), "sequence of Where"),
        (lambda: Share(which=MEN, value=40), "from 0 to 1"),
        (lambda: Share(which=(), value=0.4), "at least one condition"),
        (lambda: Threshold(statistic="mode", column="pay", value=1), "statistic of a claim"),
        (lambda: Threshold(statistic="share", column="pay", value=1), "leave the column out"),
        (lambda: Threshold(statistic="median", which=MEN, value=1), "column"),
        (lambda: Sign(column="", with_column="pay"), "column of a claim of sign is a name"),
        (lambda: Extreme(by="city", group=None), "one value"),
        (lambda: TermFigure(term="great", value=True), "value of a claim"),
    ],
)
def test_a_claim_that_says_nothing_is_refused(make: Callable[[], Claim], said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ('{"kind": "share"}', "an array"),
        ('[{"kind": "guess"}]', "Claim 1: A claim is an object whose kind"),
        ('[{"kind": "sign", "column": "a"}]', "Claim 1: A claim of sign needs 'with_column'"),
        ('[{"kind": "sign", "column": "a", "with_column": "b", "code": "x"}]', "has no 'code'"),
        ('[{"kind": "share", "value": 0.1, "which": ["x > 3"]}]', "A condition has a column"),
    ],
)
def test_what_is_no_document_of_claims_is_refused_by_its_place(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        claims_from_json(text)


def _hostile(value: Any, code: str) -> Any:
    """A document with code in place of every text that may be any."""
    fixed = {"kind", "relation", "scope", "statistic", "direction", "figure"}
    if isinstance(value, dict):
        return {key: one if key in fixed else _hostile(one, code) for key, one in value.items()}
    if isinstance(value, list):
        return [_hostile(one, code) for one in value]
    return code if isinstance(value, str) else value


@pytest.mark.parametrize("claim", ONE_OF_EACH, ids=lambda claim: claim.kind)
def test_code_in_any_text_of_a_claim_is_looked_up_and_not_run(claim: Claim, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    code = f"__import__('pathlib').Path({str(ran)!r}).touch() or @pd.eval('1')"
    document = _hostile(as_document(claim), code)
    hostile = claims_from_json(json.dumps([document]))
    rows = pd.DataFrame({"pay": [1.0, 2.0], "age": [3.0, 4.0], "sex": ["m", "f"], "city": [1, 2]})
    assert check_claims(hostile, rows).verdicts == ["uncheckable"]
    assert not ran.exists()
