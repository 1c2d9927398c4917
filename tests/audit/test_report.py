"""The whole audit: errors are no figures, what is shown is escaped, and it comes out the same."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interpllm.audit import Audited, Finding, Measure, audit, plan_audit
from interpllm.audit.claims import Share, Threshold
from interpllm.audit.model_claims import TermSign
from interpllm.audit.report import PARTS
from interpllm.audit.where import Where
from interpllm.errors import ConnectionFailed, InputError
from interpllm.llm import Session
from interpllm.runtime import LinearModel, RuleSetModel, TreeModel
from interpllm.testing import FakeLLM, Fault

LABELS = ["good", "bad", "good", "bad", "good", "bad", "bad", "good"]


def test_every_part_is_there_and_what_is_missing_is_said(unigrams: LinearModel, texts: list[str]) -> None:
    report = audit(unigrams, texts)
    errors = {finding.name: finding.error for finding in report.findings}
    assert list(errors) == [
        *("faithfulness", "display = predict", "simulatability"),
        *("stability", "invariance", "leakage"),
    ]
    assert errors["faithfulness"] is None
    assert "training rows" in str(errors["stability"])
    assert "labels" in str(errors["leakage"])


def test_the_same_rows_and_seed_give_the_same_bytes(tree: TreeModel, texts: list[str]) -> None:
    one, other = (audit(tree, texts, LABELS, random_state=3) for _ in range(2))
    assert one.to_json() == other.to_json()
    assert one.to_html() == other.to_html()


def test_another_seed_gives_other_nulls(unigrams: LinearModel, texts: list[str]) -> None:
    one, other = (audit(unigrams, texts, random_state=seed).to_json() for seed in (0, 1))
    assert one != other


def test_a_language_model_that_fails_is_an_error_and_no_figure(
    unigrams: LinearModel, texts: list[str]
) -> None:
    def judged(model: Any, given: Audited) -> Finding:
        raise ConnectionFailed("nobody answers at <http://localhost>")

    report = audit(unigrams, texts, parts={"judged": judged})
    assert report.frame().empty
    assert report.findings[0].error == "nobody answers at <http://localhost>"
    assert "nobody answers at &lt;http://localhost&gt;" in report.to_html()


def test_parts_of_others_find_their_place_and_their_requests_are_counted(
    unigrams: LinearModel, texts: list[str]
) -> None:
    def judged(model: Any, given: Audited) -> Finding:
        return Finding("judged", "Can a judge tell?", [Measure("gain", 0.2, null=0.0)], requests=7, tokens=90)

    report = audit(unigrams, texts, parts={"display": PARTS["display"], "judged": judged})
    assert list(dict.fromkeys(report.frame()["part"])) == ["display = predict", "judged"]
    assert (report.requests, report.tokens) == (7, 90)
    assert "7 replies, stored ones included; 90 tokens" in report.to_html()


def test_the_judge_is_asked_what_was_planned_and_an_outage_is_an_error(
    tree: TreeModel, texts: list[str]
) -> None:
    fake = FakeLLM(batch_size=1)
    planned = plan_audit(tree, texts, llm=Session(fake)).requests
    assert fake.received["complete"] == 0
    report = audit(tree, texts, llm=Session(fake))
    assert planned == report.requests == fake.received["complete"] > 0
    down = FakeLLM(faults=[Fault("unreachable")])
    broken = audit(tree, texts, llm=Session(down, max_retries=0, backoff=0.001))
    judged = next(one for one in broken.findings if one.name == "simulatability")
    assert "cannot be reached" in str(judged.error)
    assert not judged.measures


def test_a_language_model_is_given_as_everywhere(tree: TreeModel, texts: list[str]) -> None:
    parts = {"simulatability": PARTS["simulatability"]}
    given = [FakeLLM(batch_size=1), Session(FakeLLM(batch_size=1))]
    one, other = (audit(tree, texts, llm=llm, parts=parts).to_json() for llm in given)
    assert one == other
    assert plan_audit(tree, texts).requests == 0
    with pytest.raises(InputError, match="A language model is"):
        audit(tree, texts, llm="nobody")
    with pytest.raises(InputError, match="A language model is"):
        plan_audit(tree, texts, llm="nobody")


def test_claims_are_a_part_where_there_are_any(unigrams: LinearModel, texts: list[str]) -> None:
    claims = [
        Share(which=(Where("label", "is", "good"),), value=0.5, scope="rows"),
        Threshold(statistic="count", which=(Where("text", "mentions", "zeppelin"),), value=1, scope="rows"),
        TermSign(term=next(iter(unigrams.weights)), prediction="nobody"),
    ]
    (finding,) = audit(unigrams, texts, LABELS, claims=claims, parts={}).findings
    assert finding.error is None
    assert finding.details["claims"]["verdict"].tolist() == ["supported", "contradicted", "uncheckable"]
    wrong = audit(unigrams, texts, claims=["pay rises"], parts={})  # type: ignore[list-item]
    assert "Claims are objects" in str(wrong.findings[0].error)


def test_wordings_are_handed_to_the_function_that_fits(unigrams: LinearModel, texts: list[str]) -> None:
    seen = []

    def fit(X: Any, y: Any, seed: int, wording: str = "own") -> LinearModel:
        seen.append(wording)
        return unigrams

    parts = {"stability": PARTS["stability"]}
    report = audit(unigrams, texts, train=(texts, LABELS), fit=fit, wordings=["a", "b", "c"], parts=parts)
    assert report.findings[0].error is None
    assert {"a", "b", "c"} <= set(seen)


def test_every_figure_has_a_null_or_an_interval_or_was_not_measured(
    unigrams: LinearModel, texts: list[str]
) -> None:
    def fit(X: Any, y: Any, seed: int) -> LinearModel:
        return unigrams

    frame = audit(unigrams, texts, LABELS, train=(texts, LABELS), fit=fit).frame()
    alone = frame["null"].isna() & frame["low"].isna() & frame["p_value"].isna()
    assert frame.loc[alone, "value"].isna().all()
    parts = {"faithfulness", "display = predict", "simulatability", "stability", "invariance", "leakage"}
    assert set(frame["part"]) == parts


def test_what_texts_say_is_escaped_and_the_page_loads_nothing(texts: list[str]) -> None:
    bad = '<script>alert("x")</script>'
    model = LinearModel(
        task="classification",
        classes=("a", bad),
        intercept=(0.0,),
        weights={"maria": (3.0,), "ivan": (-3.0,), "lovely": (0.1,)},
    )
    html = audit(model, [f"Maria {bad} lovely", *texts], [bad, "a", *LABELS[:7]]).to_html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'src="data:' in html


def test_figures_that_are_none_are_null_in_json(unigrams: LinearModel, texts: list[str]) -> None:
    found = json.loads(audit(unigrams, texts).to_json())
    invariance = next(one for one in found["findings"] if one["name"] == "invariance")
    swapped = next(one for one in invariance["measures"] if "first name" in one["name"])
    assert swapped["value"] is None


def test_a_model_of_columns_is_audited_where_it_can_be(rules_of_columns: RuleSetModel) -> None:
    rows = [{"age": 20 + row, "income": row % 20} for row in range(40)]
    report = audit(rules_of_columns, rows, ["yes" if row > 20 else "no" for row in range(40)])
    errors = {finding.name: finding.error for finding in report.findings}
    done = [name for name, error in errors.items() if error is None]
    assert done == ["display = predict", "simulatability", "leakage"]
    assert "reads columns alone" in str(errors["faithfulness"])


def test_what_is_no_readable_model_is_refused() -> None:
    with pytest.raises(InputError, match="no readable model"):
        audit(object(), ["text"])


def test_rows_that_the_model_cannot_read_are_refused(unigrams: LinearModel) -> None:
    with pytest.raises(InputError):
        audit(unigrams, ["a film", None])
    with pytest.raises(InputError, match="no rows"):
        audit(unigrams, [])


def test_its_lines_tell_value_interval_null_and_judgement(unigrams: LinearModel, texts: list[str]) -> None:
    lines = str(audit(unigrams, texts)).splitlines()
    line = next(line for line in lines if line.strip().startswith("comprehensiveness:"))
    assert "null" in line
    assert "to" in line
    assert line.endswith("passed")
