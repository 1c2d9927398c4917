"""Models that were printed, read back: what ``str(model)`` shows is the model.

The lines above the first empty one say what is predicted; below stand nodes or rules, in the grammar of
:mod:`interpllm.runtime.grammar`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from interpllm.errors import DocumentError, InputError
from interpllm.runtime.conditions import Condition
from interpllm.runtime.features import Question
from interpllm.runtime.grammar import Reader
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_scoring import Branch
from interpllm.runtime.rule_models import Clause, RuleListModel, RuleSetModel, Slope
from interpllm.runtime.trees import TreeModel
from interpllm.runtime.vectorizer import Vectorizer

#: No printed model is longer.
MAX_CHARACTERS = 64 * 2**20


def parse(text: str) -> RowModel:
    """Read a model as it was printed.

    Parameters
    ----------
    text : str
        ``str(model)`` of a TreeModel, RuleListModel or RuleSetModel.

    Returns
    -------
    TreeModel, RuleListModel or RuleSetModel
        It predicts as the printed one did, answers to its questions given; stand-ins, evidence and metadata
        are not printed.

    Raises
    ------
    DocumentError
        If it is no printed model; the message names the line.
    """
    lines = text.split("\n")
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(f"the printed model is longer than {MAX_CHARACTERS} characters")
    number = 0
    try:
        parts, questions, number = _header(lines)
        kind = parts.pop("kind")
        body = [(n, line) for n, line in enumerate(lines[number:], start=number) if line.strip()]
        model, read = _KINDS[kind]
        found = read(body, questions, parts)
        return model(**parts, **found)
    except _At as error:
        raise DocumentError(f"line {error.line + 1} of the printed model: {error}") from None
    except InputError as error:
        raise DocumentError(f"the printed model: {error}") from None


class _At(InputError):
    """What is wrong with a line."""

    def __init__(self, line: int, error: Exception | str) -> None:
        super().__init__(str(error))
        self.line = line


def _header(lines: Sequence[str]) -> tuple[dict[str, Any], list[Question], int]:
    """Read the lines up to the first empty one: parts of the model, questions, and how many lines."""
    parts: dict[str, Any] = {}
    questions: list[Question] = []
    for number, line in enumerate(lines):
        if not line.strip():
            return parts, questions, number
        try:
            if number == 0:
                parts.update(_title(line))
            else:
                _line(line, parts, questions)
        except InputError as error:
            raise _At(number, error) from None
    return parts, questions, len(lines)


def _title(line: str) -> dict[str, Any]:
    kind, _, rest = line.partition(": ")
    if kind not in _KINDS:
        raise InputError(f"{kind!r:.80} is not printed whole, only {', '.join(_KINDS)}; load its .json file")
    reader = Reader(rest)
    task = reader.peek()[1]
    reader.place += 1
    parts: dict[str, Any] = {"kind": kind, "task": task}
    if reader.maybe("of"):
        parts["target"] = reader.string()
    if reader.maybe("into"):
        parts["classes"] = reader.several(reader.value)
    reader.need(";", "link", ":")
    parts["link"] = reader.peek()[1]
    reader.place += 1
    reader.end()
    return parts


def _line(line: str, parts: dict[str, Any], questions: list[Question]) -> None:
    """Read one further line of a header."""
    name, _, rest = line.partition(": ")
    if name == "vectorizer":
        parts["vectorizer"] = _vectorizer(rest)
        return
    reader = Reader(rest)
    if name == "training":
        parts["n_rows"] = reader.whole()
        reader.need("rows")
        if reader.maybe(";", "base", ":"):
            parts["base"] = reader.numbers()
    elif name == "text":
        parts["text"] = reader.string()
    elif name == "question":
        questions.append(_question(reader))
    elif name == "trees":
        parts["combine"] = reader.peek()[1]
        reader.place += 1
        if reader.maybe(";", "intercept", ":"):
            parts["intercept"] = reader.numbers()
    elif name == "intercept":
        parts["intercept"] = reader.numbers()
    else:
        raise InputError(f"{line!r:.80} is not understood")
    reader.end()


def _question(reader: Reader) -> Question:
    name = reader.peek()[1]
    reader.place += 1
    text, counts = reader.string(), ""
    if reader.maybe(";", "counts", ":"):
        counts = reader.string()
    reader.need(";", "source", ":")
    source = reader.peek()[1]
    reader.place += 1
    reader.need(";")
    if not reader.maybe("stand-in"):
        reader.need("needs", "a", "language", "model")
    return Question(name, text, counts, source)


def _vectorizer(text: str) -> Vectorizer:
    try:
        parts = json.loads(text)
        return Vectorizer(**{**parts, "ngram_range": tuple(parts["ngram_range"])})
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InputError("the vectorizer is not understood") from None


Body = Sequence[tuple[int, str]]


def _tree_body(body: Body, questions: list[Question], parts: dict[str, Any]) -> dict[str, Any]:
    trees: list[list[Branch]] = []
    open_: list[tuple[int, int]] = []  # nodes of the tree whose branches are still to come, with their indent
    answer = "yes"
    for number, line in body:
        try:
            if re.fullmatch(r"tree \d+", line):
                trees.append([])
                open_, answer = [], "yes"
                continue
            if not trees:
                trees.append([])
            tree = trees[-1]
            indent = len(line) - len(line.lstrip(" "))
            reader = Reader(line, questions)
            if reader.maybe("else"):
                reader.end()
                while open_ and open_[-1][1] > indent:
                    open_.pop()
                if answer == "no" or not open_ or open_[-1][1] != indent:
                    raise InputError("this else belongs to no if")
                answer = "no"
                continue
            if tree:
                if not open_ or indent != open_[-1][1] + 2:
                    raise InputError("this line stands under no if, or too deep")
                parent = open_[-1][0]
                if answer == "yes" and tree[parent].yes is not None:
                    raise InputError("an else is missing before this line")
                here = len(tree)
                tree[parent] = (
                    tree[parent]._replace(yes=here) if answer == "yes" else tree[parent]._replace(no=here)
                )
            if answer == "no":
                open_.pop()
                answer = "yes"
            node = _tree_line(reader)
            if node.condition is not None:
                open_.append((len(tree), indent))
            tree.append(node)
        except InputError as error:
            raise _At(number, error) from None
    return {"trees": tuple(map(tuple, trees))}


def _tree_line(reader: Reader) -> Branch:
    if reader.maybe("->"):
        while not reader.maybe("("):
            reader.place += 1
            if reader.peek()[0] == "end":
                reader.fail("(")
        condition = None
    else:
        reader.need("if")
        condition = reader.condition()
        reader.need("(")
    value = reader.numbers()
    reader.need(";")
    n_rows = reader.whole()
    reader.need("rows")
    missing = "yes" if reader.maybe(";", "missing", ":", "yes") else "no"
    reader.need(")")
    reader.end()
    return Branch(condition, None, None, value, n_rows, missing)


def _list_body(body: Body, questions: list[Question], parts: dict[str, Any]) -> dict[str, Any]:
    clauses = []
    for (number, first), (after, second) in zip(body[::2], body[1::2], strict=False):
        try:
            reader = Reader(first, questions)
            last = reader.maybe("otherwise")
            if not last:
                reader.maybe("else")
                reader.need("if")
            conditions = () if last else reader.conditions()
            reader.end()
        except InputError as error:
            raise _At(number, error) from None
        try:
            node = _tree_line(Reader(second))
        except InputError as error:
            raise _At(after, error) from None
        clauses.append((last, Clause(conditions, node.value, node.n_rows)))
    if len(body) % 2 or not clauses or [last for last, _ in clauses] != [False] * (len(clauses) - 1) + [True]:
        raise _At(body[-1][0] if body else 0, "a rule list ends with what is decided otherwise")
    otherwise = clauses.pop()[1]
    return {
        "clauses": tuple(clause for _, clause in clauses),
        "otherwise": otherwise.value,
        "otherwise_rows": otherwise.n_rows,
    }


def _set_body(body: Body, questions: list[Question], parts: dict[str, Any]) -> dict[str, Any]:
    clauses: list[Clause] = []
    slopes: list[Slope] = []
    weighed: dict[str, tuple[float, ...]] = {}
    conditions: tuple[Condition, ...] | None = None
    for number, line in body:
        try:
            reader = Reader(line, questions)
            if conditions is not None:
                reader.need("add")
                value = reader.numbers()
                reader.need("(")
                while not reader.maybe(";"):
                    reader.place += 1
                    if reader.peek()[0] == "end":
                        reader.fail(";")
                clauses.append(Clause(conditions, value, reader.whole()))
                reader.need("rows", ")")
                conditions = None
            elif reader.maybe("each", "unit", "of", "value", "of"):
                phrase = reader.string()
                reader.need("adds")
                if phrase in weighed:
                    raise InputError(f"the phrase {phrase!r:.80} adds twice")
                weighed[phrase] = reader.numbers()
            elif reader.maybe("each", "unit", "of"):
                slopes.append(_slope(reader))
            else:
                reader.need("if")
                conditions = reader.conditions()
            reader.end()
        except InputError as error:
            raise _At(number, error) from None
    if conditions is not None:
        raise _At(body[-1][0], "the last rule adds nothing")
    return {"clauses": tuple(clauses), "slopes": tuple(slopes), "term_weights": weighed}


def _slope(reader: Reader) -> Slope:
    column = reader.column()
    reader.need("adds")
    value = reader.numbers()
    reader.need("(", "within")
    low = reader.number()
    reader.need("to")
    high = reader.number()
    reader.need(";", "missing", ":")
    missing = reader.number()
    reader.need(")")
    return Slope(column, low, high, missing, value)


_KINDS: Mapping[str, tuple[type[Any], Callable[..., dict[str, Any]]]] = {
    "TreeModel": (TreeModel, _tree_body),
    "RuleListModel": (RuleListModel, _list_body),
    "RuleSetModel": (RuleSetModel, _set_body),
}
