"""The kind "linear" of documents: a table by columns, which is smaller and read faster than one by rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from interpllm.runtime.evidence import UNSEEN, Evidence
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.strict_json import check_column, check_fields, expect

#: The types of a number of JSON.
NUMBER = {int, float}
_MAYBE_NUMBER = {int, float, type(None)}

#: Name of each field -> the JSON types it may have. A document has all of them and no others.
FIELDS: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "target": (str,),
    "classes": (list,),
    "ngram_range": (list,),
    "norm": (str,),
    "intercept": (list,),
    "phrases": (list,),
    "weights": (list,),
    "evidence": (dict, type(None)),
    "n_rows": (int,),
    "base": (list,),
    "meta": (dict,),
}


def write_linear(model: LinearModel) -> dict[str, Any]:
    """Give the fields of a document."""
    phrases = sorted(model.weights)
    return {
        "task": model.task,
        "target": model.target,
        "classes": list(model.classes),
        "ngram_range": list(model.ngram_range),
        "norm": model.norm,
        "intercept": list(model.intercept),
        "phrases": phrases,
        "weights": [[model.weights[phrase][k] for phrase in phrases] for k in range(model.n_outputs)],
        "evidence": write_evidence(model.evidence, phrases),
        "n_rows": model.n_rows,
        "base": list(model.base),
        "meta": dict(model.meta),
    }


def read_linear(fields: dict[str, Any]) -> LinearModel:
    """Make the model of a document's fields, their types checked."""
    phrases, intercept, columns = fields.pop("phrases"), fields["intercept"], fields["weights"]
    n_phrases, n_outputs = len(phrases), len(intercept)
    check_column(phrases, {str}, n_phrases, "phrases")
    expect(len(set(phrases)) == n_phrases, "phrases are not distinct")
    check_column(intercept, NUMBER, n_outputs, "intercept")
    check_column(columns, {list}, n_outputs, "weights")
    expect(n_outputs > 0, "there is no output")
    rows = zip(*(check_column(column, NUMBER, n_phrases, "weights") for column in columns), strict=True)
    fields["weights"] = dict(zip(phrases, rows, strict=True))
    if fields["evidence"] is not None:
        fields["evidence"] = read_evidence(fields["evidence"], phrases)
    return LinearModel(**fields)


def write_evidence(
    evidence: Mapping[str, Evidence] | None, names: Sequence[str]
) -> dict[str, list[Any]] | None:
    """Give evidence as columns, an entry a name."""
    if evidence is None:
        return None
    entries = [evidence.get(name, UNSEEN) for name in names]
    return {column: [getattr(entry, column) for entry in entries] for column in Evidence._fields}


def read_evidence(columns: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Give columns back as evidence by name."""
    types: dict[str, set[type]] = {
        "support": {int},
        "precision": _MAYBE_NUMBER,
        "examples": {list},
        "interval": {list, type(None)},
    }
    check_fields(columns, dict.fromkeys(types, (list,)))
    checked = [check_column(columns[name], types[name], len(names), f"evidence.{name}") for name in types]
    return dict(zip(names, zip(*checked, strict=True), strict=True))
