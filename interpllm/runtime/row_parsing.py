"""Trees, rule lists and rule sets that were printed, read back line by line."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from interpllm.errors import InputError
from interpllm.runtime.conditions import Condition
from interpllm.runtime.features import Question
from interpllm.runtime.grammar import Reader
from interpllm.runtime.header_parsing import At, Lines, Parts
from interpllm.runtime.row_scoring import Branch
from interpllm.runtime.rule_models import Clause, Slope


def read_tree(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the trees of a TreeModel."""
    return {"trees": tuple(map(tuple, read_trees(body, partial(Reader, questions=questions))))}


def read_trees(body: Lines, reader_of: Callable[[str], Reader]) -> list[list[Branch]]:
    """Read the nodes of trees; `reader_of` a line reads it, conditions and all."""
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
            reader = reader_of(line)
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
            raise At(number, error) from None
    return trees


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


def read_list(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the rules of a list, and what is decided otherwise."""
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
            raise At(number, error) from None
        try:
            node = _tree_line(Reader(second))
        except InputError as error:
            raise At(after, error) from None
        clauses.append((last, Clause(conditions, node.value, node.n_rows)))
    if len(body) % 2 or not clauses or [last for last, _ in clauses] != [False] * (len(clauses) - 1) + [True]:
        raise At(body[-1][0] if body else 0, "a rule list ends with what is decided otherwise")
    otherwise = clauses.pop()[1]
    return {
        "clauses": tuple(clause for _, clause in clauses),
        "otherwise": otherwise.value,
        "otherwise_rows": otherwise.n_rows,
    }


def read_set(body: Lines, questions: list[Question], parts: Parts) -> Parts:
    """Read the rules of a set, and what adds in proportion."""
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
            raise At(number, error) from None
    if conditions is not None:
        raise At(body[-1][0], "the last rule adds nothing")
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
