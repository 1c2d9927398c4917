"""The kinds "tree", "rule_list" and "rule_set" of documents: conditions are lists in lists."""

from __future__ import annotations

from typing import Any

from interpllm.runtime.concept_document import read_nested, write_nested
from interpllm.runtime.concept_set import read_questions, write_question
from interpllm.runtime.conditions import from_json
from interpllm.runtime.features import Question
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_scoring import Branch
from interpllm.runtime.rule_models import Clause, RuleListModel, RuleSetModel, Slope
from interpllm.runtime.strict_json import check_column, check_fields, expect
from interpllm.runtime.trees import TreeModel
from interpllm.runtime.vectorizer import Vectorizer

_COMMON: dict[str, tuple[type, ...]] = {
    "task": (str,),
    "target": (str,),
    "classes": (list,),
    "link": (str,),
    "text": (str,),
    "questions": (list,),
    "stand_ins": (list,),
    "vectorizer": (dict, type(None)),
    "base": (list,),
    "evidence": (list, type(None)),
    "n_rows": (int,),
    "meta": (dict,),
}

#: Fields of the kind "tree": name -> the JSON types it may have.
TREE_FIELDS: dict[str, tuple[type, ...]] = {
    **_COMMON,
    "trees": (list,),
    "combine": (str,),
    "intercept": (list,),
}

#: Fields of the kind "rule_list".
LIST_FIELDS: dict[str, tuple[type, ...]] = {
    **_COMMON, "clauses": (list,), "otherwise": (list,), "otherwise_rows": (int,)
}  # fmt: skip

#: Fields of the kind "rule_set".
SET_FIELDS: dict[str, tuple[type, ...]] = {
    **_COMMON, "clauses": (list,), "intercept": (list,), "slopes": (list,), "term_weights": (dict,)
}  # fmt: skip

_VECTORIZER: dict[str, tuple[type, ...]] = {
    "idf": (dict,),
    "cut": (str,),
    "ngram_range": (list,),
    "stop_words": (list,),
    "count": (str,),
    "norm": (str,),
}


def write_tree(model: TreeModel) -> dict[str, Any]:
    """Give the fields of a document."""
    trees = [
        [[n.condition and n.condition.json, n.yes, n.no, list(n.value), n.n_rows, n.missing] for n in tree]
        for tree in model.trees
    ]
    return {
        **_write_common(model),
        "trees": trees,
        "combine": model.combine,
        "intercept": list(model.intercept),
    }


def read_tree(fields: dict[str, Any]) -> TreeModel:
    """Make the model of a document's fields, their types checked."""
    questions = _read_common(fields)
    trees = []
    for tree in check_column(fields["trees"], {list}, len(fields["trees"]), "trees"):
        nodes = []
        for node in check_column(tree, {list}, len(tree), "trees"):
            expect(len(node) == 6, f"a node has {len(node)} parts, not 6")
            condition = None if node[0] is None else from_json(node[0], questions)
            nodes.append(Branch(condition, *node[1:]))
        trees.append(nodes)
    fields["trees"] = trees
    return TreeModel(**fields)


def write_rule_list(model: RuleListModel) -> dict[str, Any]:
    """Give the fields of a document."""
    return {
        **_write_common(model),
        "clauses": _write_clauses(model.clauses),
        "otherwise": list(model.otherwise),
        "otherwise_rows": model.otherwise_rows,
    }


def read_rule_list(fields: dict[str, Any]) -> RuleListModel:
    """Make the model of a document's fields, their types checked."""
    fields["clauses"] = _read_clauses(fields["clauses"], _read_common(fields))
    return RuleListModel(**fields)


def write_rule_set(model: RuleSetModel) -> dict[str, Any]:
    """Give the fields of a document."""
    return {
        **_write_common(model),
        "clauses": _write_clauses(model.clauses),
        "intercept": list(model.intercept),
        "slopes": [[*slope[:4], list(slope.value)] for slope in model.slopes],
        "term_weights": {phrase: list(value) for phrase, value in model.term_weights.items()},
    }


def read_rule_set(fields: dict[str, Any]) -> RuleSetModel:
    """Make the model of a document's fields, their types checked."""
    fields["clauses"] = _read_clauses(fields["clauses"], _read_common(fields))
    slopes = check_column(fields["slopes"], {list}, len(fields["slopes"]), "slopes")
    expect(all(len(slope) == 5 for slope in slopes), "a slope does not have 5 parts")
    fields["slopes"] = [Slope(*slope) for slope in slopes]
    return RuleSetModel(**fields)


def _write_clauses(clauses: tuple[Clause, ...]) -> list[Any]:
    return [[[c.json for c in clause.conditions], list(clause.value), clause.n_rows] for clause in clauses]


def _read_clauses(values: list[Any], questions: dict[str, Question]) -> list[Clause]:
    found = []
    for entry in check_column(values, {list}, len(values), "clauses"):
        expect(len(entry) == 3 and isinstance(entry[0], list), "a rule is not (conditions, value, n_rows)")
        found.append(Clause(tuple(from_json(c, questions) for c in entry[0]), *entry[1:]))
    return found


def _write_common(model: RowModel) -> dict[str, Any]:
    vectorizer = model.vectorizer
    return {
        "task": model.task,
        "target": model.target,
        "classes": list(model.classes),
        "link": model.link,
        "text": model.text,
        "questions": [write_question(question) for question in model.questions],
        "stand_ins": [
            write_nested(model.stand_ins[question.id]) if question.id in model.stand_ins else None
            for question in model.questions
        ],
        "vectorizer": vectorizer
        and {
            "idf": dict(vectorizer.idf),
            "cut": vectorizer.cut,
            "ngram_range": list(vectorizer.ngram_range),
            "stop_words": list(vectorizer.stop_words),
            "count": vectorizer.count,
            "norm": vectorizer.norm,
        },
        "base": list(model.base),
        "evidence": None
        if model.evidence is None
        else [[*entry[:-1], list(entry.examples)] for entry in model.evidence],
        "n_rows": model.n_rows,
        "meta": dict(model.meta),
    }


def _read_common(fields: dict[str, Any]) -> dict[str, Question]:
    """Bring the fields that all kinds have to the form that the models take; gives questions by id."""
    questions = read_questions(fields.pop("questions"))
    nested = check_column(fields["stand_ins"], {dict, type(None)}, len(questions), "stand_ins")
    fields["stand_ins"] = {
        question.id: read_nested(document)
        for question, document in zip(questions, nested, strict=True)
        if document is not None
    }
    if fields["vectorizer"] is not None:
        check_fields(fields["vectorizer"], _VECTORIZER)
        fields["vectorizer"] = Vectorizer(**fields["vectorizer"])
    if fields["evidence"] is not None:
        entries = check_column(fields["evidence"], {list}, len(fields["evidence"]), "evidence")
        expect(all(len(entry) == 8 for entry in entries), "an entry of evidence does not have 8 parts")
        fields["evidence"] = entries
    return {question.id: question for question in questions}
