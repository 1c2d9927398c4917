"""The kinds "concept_linear" and "concept_tree" of documents; a model in a model is a document in it."""

from __future__ import annotations

from typing import Any

from interpllm.runtime import linear_document
from interpllm.runtime.concept_model import ConceptModel
from interpllm.runtime.concept_set import read_questions, write_question
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.envelope import FORMAT, VERSION, open_envelope
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.linear_document import NUMBER, read_evidence, write_evidence
from interpllm.runtime.strict_json import check_column, check_fields, expect
from interpllm.runtime.tree_scoring import Node

_COMMON: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "target": (str,),
    "classes": (list,),
    "questions": (list,),
    "means": (list,),
    "stand_ins": (list,),
    "n_rows": (int,),
    "base": (list,),
    "meta": (dict,),
}

#: Fields of the kind "concept_linear": name -> the JSON types it may have.
LINEAR_FIELDS: dict[str, tuple[type, ...]] = {
    **_COMMON,
    "intercept": (list,),
    "weights": (list,),
    "residual": (dict, type(None)),
    "evidence": (dict, type(None)),
}

#: Fields of the kind "concept_tree".
TREE_FIELDS: dict[str, tuple[type, ...]] = {**_COMMON, "nodes": (dict,)}

_NODES: dict[str, set[type]] = {
    "question": {int, type(None)},
    "yes": {int, type(None)},
    "no": {int, type(None)},
    "value": {list},
    "n_rows": {int},
}


def write_concept_linear(model: ConceptLinear) -> dict[str, Any]:
    """Give the fields of a document; weights by output, as of the kind "linear"."""
    ids = [question.id for question in model.questions]
    return {
        **_write_common(model),
        "intercept": list(model.intercept),
        "weights": [[row[k] for row in model.weights] for k in range(model.n_outputs)],
        "residual": write_nested(model.residual) if model.residual else None,
        "evidence": write_evidence(model.evidence, ids),
    }


def read_concept_linear(fields: dict[str, Any]) -> ConceptLinear:
    """Make the model of a document's fields, their types checked."""
    _read_common(fields)
    questions, intercept = fields["questions"], fields["intercept"]
    n_outputs = len(check_column(intercept, NUMBER, len(intercept), "intercept"))
    expect(n_outputs > 0, "there is no output")
    columns = check_column(fields["weights"], {list}, n_outputs, "weights")
    rows = zip(*(check_column(column, NUMBER, len(questions), "weights") for column in columns), strict=True)
    fields["weights"] = tuple(rows)
    if fields["residual"] is not None:
        fields["residual"] = read_nested(fields["residual"])
    if fields["evidence"] is not None:
        fields["evidence"] = read_evidence(fields["evidence"], [question.id for question in questions])
    return ConceptLinear(**fields)


def write_concept_tree(model: ConceptTree) -> dict[str, Any]:
    """Give the fields of a document; nodes by column."""
    columns = {name: [getattr(node, name) for node in model.nodes] for name in Node._fields}
    return {**_write_common(model), "nodes": columns}


def read_concept_tree(fields: dict[str, Any]) -> ConceptTree:
    """Make the model of a document's fields, their types checked."""
    _read_common(fields)
    columns = fields["nodes"]
    check_fields(columns, dict.fromkeys(_NODES, (list,)))
    length = len(columns["n_rows"])
    checked = {n: check_column(columns[n], _NODES[n], length, f"nodes.{n}") for n in _NODES}
    for value in checked["value"]:
        check_column(value, NUMBER, len(value), "nodes.value")
    fields["nodes"] = tuple(map(Node, *checked.values()))
    return ConceptTree(**fields)


def _write_common(model: ConceptModel) -> dict[str, Any]:
    stand_ins = [model.stand_ins.get(question.id) for question in model.questions]
    return {
        "task": model.task,
        "target": model.target,
        "classes": list(model.classes),
        "questions": [write_question(question) for question in model.questions],
        "means": list(model.means),
        "stand_ins": [write_nested(stand_in) if stand_in else None for stand_in in stand_ins],
        "n_rows": model.n_rows,
        "base": list(model.base),
        "meta": dict(model.meta),
    }


def _read_common(fields: dict[str, Any]) -> None:
    """Bring the fields that both kinds have to the form that the models take."""
    questions = read_questions(fields["questions"])
    check_column(fields["means"], NUMBER, len(questions), "means")
    nested = check_column(fields["stand_ins"], {dict, type(None)}, len(questions), "stand_ins")
    fields["questions"] = questions
    fields["stand_ins"] = {
        question.id: read_nested(document)
        for question, document in zip(questions, nested, strict=True)
        if document is not None
    }


def write_nested(model: LinearModel) -> dict[str, Any]:
    """Give a model in a model as a document in a document."""
    return {"format": FORMAT, "version": VERSION, "kind": "linear", **linear_document.write_linear(model)}


def read_nested(document: dict[str, Any]) -> LinearModel:
    """Make the model of a document in a document."""
    open_envelope(document, ["linear"])
    check_fields(document, linear_document.FIELDS)
    return linear_document.read_linear(document)
