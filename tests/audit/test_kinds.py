"""Every kind of model goes through every part: with figures, or with a reason why not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import some
from random_rows import row_models, rows_for

from interpllm.audit import audit
from interpllm.audit.features import features_of
from interpllm.audit.report import PARTS
from interpllm.audit.subject import Subject
from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel, Node, Question

ASKED = [Question.of("Is it praised?"), Question.of("Is it slow?")]
LABELS = ["good", "bad", "good", "bad", "good", "bad", "bad", "good"]


@pytest.fixture
def concepts(unigrams: LinearModel) -> dict[str, Any]:
    """A table and a tree of questions that stand-ins answer."""
    stand_ins = {
        one.id: LinearModel(
            task="classification", classes=(False, True), intercept=(-0.5,), weights={word: (2.0,)}
        )
        for one, word in zip(ASKED, ("lovely", "slow"), strict=True)
    }
    shared: dict[str, Any] = {
        "task": "classification",
        "classes": ("bad", "good"),
        "questions": tuple(ASKED),
        "means": (0.5, 0.5),
        "stand_ins": stand_ins,
    }
    nodes = (
        Node(0, 1, 2, (0.5, 0.5), 8),
        Node(None, None, None, (0.1, 0.9), 4),
        Node(1, 3, 4, (0.8, 0.2), 4),
        Node(None, None, None, (0.9, 0.1), 2),
        Node(None, None, None, (0.7, 0.3), 2),
    )
    table = ConceptLinear(**shared, intercept=(0.0,), weights=((2.0,), (-1.0,)), residual=unigrams)
    return {"table": table, "tree": ConceptTree(**shared, nodes=nodes)}


def test_questions_and_the_n_grams_beside_them_are_features(
    concepts: dict[str, Any], texts: list[str], unigrams: LinearModel
) -> None:
    found = features_of(Subject(concepts["table"], texts))
    assert found.names == ("Is it praised?", "Is it slow?", *unigrams.weights)
    assert found.values.shape == (len(texts), 8)


@pytest.mark.parametrize("kind", ["table", "tree"])
def test_models_of_questions_are_audited(concepts: dict[str, Any], texts: list[str], kind: str) -> None:
    errors = {one.name: one.error for one in audit(concepts[kind], texts, LABELS).findings}
    done = [name for name, error in errors.items() if error is None]
    assert done == ["faithfulness", "display = predict", "invariance", "leakage"]


@settings(some, max_examples=15)
@given(data=st.data())
def test_models_over_rows_give_figures_or_a_reason(data: st.DataObject) -> None:
    model = data.draw(row_models(questions=False))
    rows = data.draw(rows_for(model))
    parts = {name: part for name, part in PARTS.items() if name != "display"}  # tested by itself
    report = audit(model, rows, list(range(len(rows))), parts=parts)
    assert all(finding.error or finding.measures for finding in report.findings)
