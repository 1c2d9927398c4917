"""The numeric part of a model as an ONNX graph in 64-bit numbers.

No operator of ONNX cuts texts as this library does (StringSplit knows no letters, RegexFullMatch finds no
parts, TfIdfVectorizer wants words cut already), so a graph takes no texts: its input is the matrix that
:func:`features` makes of rows. To score texts by themselves, export to .py, .mjs or .sql.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from interpllm.errors import ExportError, MissingExtraError
from interpllm.export.check import Answers, Request, Trial, restored
from interpllm.export.walk import Answer, Plan, Score, Tree, Weighed, lower, require_plain_labels
from interpllm.runtime import Model, Slope
from interpllm.runtime.concept_scoring import Cut
from interpllm.runtime.row_model import RowModel

ENGINE = "onnxruntime (pip install 'interpllm[onnx]')"

_OPSET = 17


def feature_names(model: Model) -> list[str]:
    """Name the columns of the matrix that a graph takes.

    Parameters
    ----------
    model : any kind of model

    Returns
    -------
    list of str
        ``mentions: phrase`` (0 or 1), ``n-grams: lo-hi`` (how many distinct ones the text has), ``value of:
        phrase``, ``column: name`` (NaN is missing), ``is: column in values`` (0, 1, NaN).
    """
    return [_said(feature) for feature in _features(lower(model))]


def features(model: Model, rows: Sequence[Any]) -> list[list[float]]:
    """Make the matrix that a graph takes.

    Parameters
    ----------
    model : any kind of model
    rows : sequence of str or of mapping

    Returns
    -------
    list of list of float
        One row a row, one column a feature, in the order of :func:`feature_names`.
    """
    plan = lower(model)
    wanted = _features(plan)
    if isinstance(model, RowModel):
        found = model._rows(rows, None)
        return [[_number(f, row.cut, row.terms, row.columns) for f in wanted] for row in found]
    return [[_number(f, cut, dict, {}) for f in wanted] for cut in map(Cut, rows)]


def _features(plan: Plan) -> list[tuple[Any, ...]]:
    phrases = [phrase for table in plan.tables for phrase in table.weights]
    phrases += [phrase for lexicon in plan.lexicons for phrase in lexicon]
    ranges = [table.ngram_range for table in plan.tables if table.norm == "sqrt"]
    numbers = [name for name, kind in plan.columns.items() if kind == "number"]
    return list(
        dict.fromkeys(
            [
                *(("mentions", phrase) for phrase in phrases),
                *(("n-grams", *bounds) for bounds in ranges),
                *(("value of", phrase) for phrase in plan.terms),
                *(("column", name) for name in numbers),
                *(("is", c[1], c[2]) for c in plan.conditions() if c[0] == "is"),
            ]
        )
    )


def _said(feature: tuple[Any, ...]) -> str:
    kind, what, *rest = feature
    if kind == "n-grams":
        return f"n-grams: {what}-{rest[0]}"
    return f"is: {what} in {json.dumps(rest[0])}" if kind == "is" else f"{kind}: {what}"


def _number(feature: tuple[Any, ...], cut: Cut, terms: Any, columns: Any) -> float:
    kind, what, *rest = feature
    if kind == "mentions":
        size = what.count(" ") + 1
        return float(what in cut.phrases(size, size))
    if kind == "n-grams":
        return float(len(cut.phrases(what, rest[0])))
    if kind == "value of":
        return float(terms().get(what, 0.0))
    value = columns[what]
    if value is None or value != value:
        return float("nan")
    return float(value) if kind == "column" else float(value in rest[0])


def render(model: Model, request: Request) -> bytes:
    """Write a graph: input ``features``, outputs ``label``, ``probabilities`` (classes) and ``scores``.

    Parameters
    ----------
    model : any kind of model
    request : Request

    Returns
    -------
    bytes
        What the columns of the input are stands in the metadata, as JSON under ``features``.

    Raises
    ------
    ExportError
        If a question of the model needs a language model, or ONNX cannot hold its classes.
    MissingExtraError
        If onnx is not installed.
    """
    if find_spec("onnx") is None:
        raise MissingExtraError("onnx", "onnx")
    plan = lower(model)
    require_plain_labels(plan, "ONNX")
    if len({isinstance(label, str) for label in plan.classes}) > 1:
        raise ExportError("ONNX has one kind of label; name the classes all by strings; nothing was written")
    return _Graph(plan).written(feature_names(model))


class _Graph:
    """One graph; numbers are 64-bit, truth values are 0 and 1 of these."""

    def __init__(self, plan: Plan) -> None:
        import numpy as np
        import onnx

        self.np, self.onnx = np, onnx
        self.plan = plan
        self.places = {feature: place for place, feature in enumerate(_features(plan))}
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; give the name of what it makes."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, kind: str = "float64") -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        array = self.np.array(values, dtype=object if kind == "text" else kind)
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def columns(self, wanted: Sequence[tuple[Any, ...]]) -> str:
        """Take columns of the input."""
        places = self.constant([self.places[feature] for feature in wanted], "int64")
        return self.add("Gather", "features", places, axis=1)

    def number(self, truth: str) -> str:
        """Make a truth value a number."""
        return self.add("Cast", truth, to=self.onnx.TensorProto.DOUBLE)

    def zeros(self, width: int) -> str:
        """Make a column of zeros a row, whatever stands in the input."""
        first = self.add("Shape", "features", start=0, end=1)
        shape = self.add("Concat", first, self.constant([width], "int64"), axis=0)
        return self.add("Expand", self.constant([[0.0] * width]), shape)

    def score(self, number: int) -> str:
        """Score by a table."""
        table = self.plan.tables[number]
        width = len(table.intercept)
        if not table.weights:
            total = self.zeros(width)
        else:
            found = self.columns([("mentions", phrase) for phrase in table.weights])
            total = self.add("MatMul", found, self.constant([*table.weights.values()]))
        if table.norm == "sqrt":
            size = self.add("Max", self.columns([("n-grams", *table.ngram_range)]), self.constant([[1.0]]))
            total = self.add("Div", total, self.add("Sqrt", size))
        return self.add("Add", total, self.constant([table.intercept]))

    def answer(self, number: int) -> str:
        """Answer a question by a table."""
        return self.add("Sigmoid", self.score(number))

    def condition(self, condition: tuple[Any, ...], answers: dict[int, str]) -> tuple[str, str | None]:
        """Tell whether a condition holds, and whether that can be told (None: always)."""
        kind, what, *rest = condition
        if kind == "mentions":
            phrases = [("mentions", phrase) for phrase in self.plan.lexicons[what]]
            found = self.add("ReduceMax", self.columns(phrases), axes=[1], keepdims=1)
            operator = "Less" if rest[0] else "Greater"
            return self.number(self.add(operator, found, self.constant([[0.5]]))), None
        if kind == "answer":
            operator = "LessOrEqual" if rest[0] else "Greater"
            return self.number(self.add(operator, answers[what], self.constant([[0.5]]))), None
        operators = {"<=": "LessOrEqual", ">": "Greater", "<": "Less", ">=": "GreaterOrEqual"}
        if kind == "term":
            value = self.columns([("value of", what)])
            return self.number(self.add(operators[rest[0]], value, self.constant([[rest[1]]]))), None
        value = self.columns([("column", what) if kind == "column" else ("is", what, rest[0])])
        known = self.number(self.add("Not", self.add("IsNaN", value)))
        operator, bound = (
            (operators[rest[0]], rest[1]) if kind == "column" else ("Less" if rest[1] else "Greater", 0.5)
        )
        return self.number(self.add(operator, value, self.constant([[bound]]))), known

    def trees(self) -> list[str]:
        """Lead rows through all trees: a leaf is reached where all steps above it go its way."""
        plan, np = self.plan, self.np
        answers = {c[1]: self.answer(c[1]) for c in plan.conditions() if c[0] == "answer"}
        told = {c: self.condition(c, answers) for c in plan.conditions()}
        steps: list[str] = []
        paths, values = [], []
        base = np.zeros(len(plan.base))
        for part in plan.parts:
            if not isinstance(part, Tree):
                continue
            if len(part.steps) == 1:
                base += part.steps[0].value
                continue
            above: dict[int, list[tuple[int, bool]]] = {0: []}
            for number, step in enumerate(part.steps):
                if not step.conditions:
                    paths.append(above[number])
                    values.append(step.value)
                    continue
                above[step.yes] = [*above[number], (len(steps), True)]
                above[step.no] = [*above[number], (len(steps), False)]
                steps.append(self.step(step, told))
        if not values:
            return [self.constant([base.tolist()])]
        ways = np.zeros((len(steps), len(values)))
        turned = np.zeros((1, len(values)))
        for leaf, path in enumerate(paths):
            for number, yes in path:
                ways[number, leaf] = 1.0 if yes else -1.0
                turned[0, leaf] += 0.0 if yes else 1.0
        went = self.add("MatMul", self.add("Concat", *steps, axis=1), self.constant(ways))
        agreed = self.add("Add", went, self.constant(turned))
        length = self.constant([[len(path) - 0.5 for path in paths]])
        reached = self.number(self.add("Greater", agreed, length))
        return [self.add("MatMul", reached, self.constant(values)), self.constant([base.tolist()])]

    def step(self, step: Any, told: dict[Any, tuple[str, str | None]]) -> str:
        """Tell which way a step goes: 1 to its yes branch, 0 to its no branch."""
        holds: str | None = None
        for condition in step.conditions:
            truth, known = told[condition]
            if known and step.missing:
                unknown = self.add("Sub", self.constant([[1.0]]), known)
                truth = self.add("Max", truth, unknown)
            elif known:
                truth = self.add("Mul", truth, known)
            holds = truth if holds is None else self.add("Mul", holds, truth)
        assert holds is not None
        return holds

    def part(self, part: Any) -> str:
        """Write what a part that is no tree adds."""
        if isinstance(part, Score):
            return self.score(part.table)
        if isinstance(part, Answer):
            return self.add("Mul", self.answer(part.table), self.constant([part.weights]))
        if isinstance(part, Weighed):
            found = self.columns([("value of", phrase) for phrase, _ in part.weights])
            return self.add("MatMul", found, self.constant([weights for _, weights in part.weights]))
        assert isinstance(part, Slope)
        value = self.columns([("column", part.column)])
        kept = self.add(
            "Min", self.add("Max", value, self.constant([[part.low]])), self.constant([[part.high]])
        )
        filled = self.add("Where", self.add("IsNaN", value), self.constant([[part.missing]]), kept)
        return self.add("Mul", filled, self.constant([part.value]))

    def written(self, names: list[str]) -> bytes:
        """Write the graph."""
        plan, onnx = self.plan, self.onnx
        parts = [self.part(part) for part in plan.parts if not isinstance(part, Tree)]
        if any(isinstance(part, Tree) for part in plan.parts):
            parts += self.trees()
        total = self.zeros(len(plan.base))
        for part in [*parts, self.constant([plan.base])]:
            total = self.add("Add", total, part)
        if plan.mean:
            total = self.add("Div", total, self.constant([[float(len(plan.parts))]]))
        scores, shares = self.linked(total)
        outputs = [("scores", scores, onnx.TensorProto.DOUBLE)]
        if plan.classes:
            label, kind = self.label(scores)
            outputs += [("probabilities", shares, onnx.TensorProto.DOUBLE), ("label", label, kind)]
        else:
            outputs.append(("label", self.add("Squeeze", scores, self.constant([1], "int64")),
                            onnx.TensorProto.DOUBLE))  # fmt: skip
        for name, made, _ in outputs:
            self.nodes.append(onnx.helper.make_node("Identity", [made], [name]))
        tensor = onnx.helper.make_tensor_value_info
        graph = onnx.helper.make_graph(
            self.nodes,
            "interpllm",
            [tensor("features", onnx.TensorProto.DOUBLE, [None, len(self.places)])],
            [tensor(name, kind, [None] if name == "label" else [None, None]) for name, _, kind in outputs],
            self.constants,
        )
        opsets = [onnx.helper.make_opsetid("", _OPSET)]
        model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="interpllm")
        told = {"features": json.dumps(names), "classes": json.dumps(plan.classes)}
        onnx.helper.set_model_props(model, told)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))

    def linked(self, total: str) -> tuple[str, str]:
        """Turn totals into scores and probabilities."""
        plan = self.plan
        one = self.constant([[1.0]])
        if plan.link == "share" and len(plan.base) == 2:
            return self.add("MatMul", total, self.constant([[-1.0], [1.0]])), total
        if plan.link == "clip":
            low = self.add("Max", total, self.constant([[0.0]]))
            share = self.add("Min", low, one)
            twice = self.add("Mul", total, self.constant([[2.0]]))
            both = self.add("Concat", self.add("Sub", one, share), share, axis=1)
            return self.add("Sub", twice, one), both
        if plan.link == "logit" and len(plan.base) == 1:
            less = self.add("Sigmoid", self.add("Neg", total))
            return total, self.add("Concat", less, self.add("Sigmoid", total), axis=1)
        return total, self.add("Softmax", total, axis=1) if plan.link == "logit" else total

    def label(self, scores: str) -> tuple[str, int]:
        """Decide by scores; of equal ones for the first class."""
        plan, kinds = self.plan, self.onnx.TensorProto
        if len(plan.classes) == 2:
            above = self.add("Greater", scores, self.constant([[0.0]]))
            place = self.add("Cast", above, to=kinds.INT64)
            place = self.add("Squeeze", place, self.constant([1], "int64"))
        else:
            place = self.add("ArgMax", scores, axis=1, keepdims=0)
        if isinstance(plan.classes[0], str):
            return self.add("Gather", self.constant(plan.classes, "text"), place), kinds.STRING
        if all(isinstance(label, bool) for label in plan.classes):
            return self.add("Gather", self.constant(plan.classes, "bool"), place), kinds.BOOL
        if any(isinstance(label, float) for label in plan.classes):
            return self.add("Gather", self.constant(plan.classes), place), kinds.DOUBLE
        return self.add("Gather", self.constant(plan.classes, "int64"), place), kinds.INT64


def rerun(path: Path, trial: Trial) -> Answers | None:
    """Let onnxruntime run a written graph on the features of rows; None where it is not installed.

    Raises
    ------
    ExportError
        If it does not run the graph.
    """
    if find_spec("onnxruntime") is None:
        return None
    import numpy as np
    import onnxruntime

    names = feature_names(trial.model)
    matrix = np.array(features(trial.model, trial.rows), dtype=float).reshape(len(trial.rows), len(names))
    try:
        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        wanted = ["scores", "label", *(["probabilities"] if trial.model.classes else [])]
        found = dict(zip(wanted, session.run(wanted, {"features": matrix}), strict=True))
    except Exception as error:  # onnxruntime has no common base of its errors
        raise ExportError(f"the graph does not run ({error!s:.300}); nothing was written") from error
    scores = found["scores"].tolist()
    return Answers(
        scores=[row[0] if len(row) == 1 else row for row in scores],
        probabilities=found["probabilities"].tolist() if trial.model.classes else [],
        predictions=[restored(label, trial.model.classes) for label in found["label"].tolist()],
    )
