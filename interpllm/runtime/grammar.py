"""The closed grammar of rules: what a model prints, or a person or a language model writes, read as data.

    condition :=  mentions "a"  |  mentions any of: "a", "b"  |  does not mention "a"  |  mentions none of: ..
               |  NAME <= 5  (also <, >, >=)  |  NAME is "a"  |  NAME is not "a"  |  NAME is one of: "a", 3
               |  NAME is none of: ...  |  yes to "question"  |  no to "question"  |  value of "a" <= 0.5
    NAME      :=  letters, digits, "_", "." and "-", a letter first  |  column "any name"
    rule      :=  if condition and condition ... then OUTCOME

Strings are those of JSON, in double quotes. Nothing else is understood, and nothing is executed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from interpllm.errors import DocumentError, InputError
from interpllm.runtime.conditions import (
    KEYWORDS,
    SIGNS,
    Answered,
    Compares,
    Condition,
    Is,
    Mentions,
    TermCompares,
)
from interpllm.runtime.features import Question, wording
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_scoring import Branch
from interpllm.runtime.rule_models import Clause, RuleListModel, RuleSetModel, Slope
from interpllm.runtime.tokens import words
from interpllm.runtime.trees import TreeModel
from interpllm.runtime.vectorizer import Vectorizer

#: No printed model and no rule is longer.
MAX_CHARACTERS = 64 * 2**20

_TOKEN = re.compile(
    r'\s*+(?:(?P<string>"(?:[^"\\]|\\.)*+")'
    r"|(?P<number>[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?(?![A-Za-z_]))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_.-]*+)"
    r"|(?P<sign>->|<=|>=|==|!=|[<>=(),:;{}\[\]\u2264\u2265]))"
)
_SAME_SIGN = {"\u2264": "<=", "\u2265": ">="}

Found = TypeVar("Found")


class ParsedRule(NamedTuple):
    """A rule that was read.

    Attributes
    ----------
    conditions : tuple of Condition
    outcome : str, int, float, bool or None
        What follows, as it was written; None where nothing is said.
    """

    conditions: tuple[Condition, ...]
    outcome: Any


def parse_rule(text: str, questions: Sequence[Question] = ()) -> ParsedRule:
    """Read a rule that a person or a language model wrote.

    Parameters
    ----------
    text : str
        ``if <conditions> then <outcome>``; "if" and the outcome may be left out.
    questions : sequence of Question
        Those that are known; a question of the rule with the wording of one of them is that one.

    Returns
    -------
    ParsedRule

    Raises
    ------
    InputError
        If the grammar has no such rule; the message shows where it stopped.
    """
    reader = _Reader(text, questions)
    reader.maybe("if")
    conditions = reader.conditions()
    outcome = None
    if reader.maybe("then") or reader.maybe("->"):
        outcome = reader.outcome()
    reader.end()
    return ParsedRule(conditions, outcome)


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


class _Reader:
    """Tokens of one text, read from left to right."""

    def __init__(self, text: str, questions: Sequence[Question] = ()) -> None:
        if not isinstance(text, str):
            raise InputError(f"a rule is a string, not {text!r:.80}")
        self.text = text
        self.known = {wording(question.text): question for question in questions}
        self.tokens: list[tuple[str, str, int]] = []
        self.place = 0
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise InputError(f"{text[at : at + 40]!r} is not understood in the rule {text!r:.300}")
            kind = str(match.lastgroup)
            self.tokens.append((kind, match.group(kind), match.start(kind)))
            at = match.end()

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        """The kind and the text of a token to come; empty at the end."""
        place = self.place + ahead
        return self.tokens[place][:2] if place < len(self.tokens) else ("end", "")

    def maybe(self, *expected: str) -> bool:
        """Read these words or signs if they come next."""
        for ahead, one in enumerate(expected):
            kind, found = self.peek(ahead)
            if kind not in ("word", "sign") or found.lower() != one:
                return False
        self.place += len(expected)
        return True

    def need(self, *expected: str) -> None:
        """Read these words or signs."""
        if not self.maybe(*expected):
            self.fail(" ".join(expected))

    def fail(self, wanted: str) -> None:
        """Say what should stand here."""
        at = self.tokens[self.place][2] if self.place < len(self.tokens) else len(self.text)
        rest = self.text[at : at + 40]
        raise InputError(
            f"expected {wanted} where {rest!r} stands, in {self.text!r:.300}"
            if rest
            else f"expected {wanted} at the end of {self.text!r:.300}"
        )

    def end(self) -> None:
        """Nothing more."""
        if self.place < len(self.tokens):
            self.fail("the end")

    def string(self) -> str:
        """Read a string of JSON."""
        kind, found = self.peek()
        if kind != "string":
            self.fail("a string in double quotes")
        self.place += 1
        try:
            return str(json.loads(found))
        except ValueError:
            raise InputError(f"{found!r:.200} is not a string of JSON") from None

    def number(self) -> float:
        """Read a number."""
        kind, found = self.peek()
        if kind != "number":
            self.fail("a number")
        self.place += 1
        return float(found)

    def whole(self) -> int:
        """Read a whole number."""
        found = self.number()
        if found != int(found):
            raise InputError(f"{found} is not a whole number")
        return int(found)

    def numbers(self) -> tuple[float, ...]:
        """Read numbers with commas between."""
        return self.several(self.number)

    def value(self) -> Any:
        """Read a string, a number or a boolean."""
        kind, found = self.peek()
        if kind == "string":
            return self.string()
        if kind == "number":
            self.place += 1
            return int(found) if re.fullmatch(r"[-+]?\d{1,20}", found) else float(found)
        if self.maybe("true"):
            return True
        if self.maybe("false"):
            return False
        return self.fail("a string in double quotes, a number, true or false")

    def several(self, read: Callable[[], Found]) -> tuple[Found, ...]:
        """Read one or more with commas between."""
        found = [read()]
        while self.maybe(","):
            found.append(read())
        return tuple(found)

    def outcome(self) -> Any:
        """Read what a rule leads to: a value, or the words to the end as they stand."""
        kind, _ = self.peek()
        if kind in ("string", "number") and self.peek(1)[0] == "end":
            return self.value()
        if self.peek()[1].lower() in ("true", "false") and self.peek(1)[0] == "end":
            return self.value()
        if kind == "end":
            self.fail("a class")
        at = self.tokens[self.place][2]
        self.place = len(self.tokens)
        return self.text[at:].strip()

    def conditions(self) -> tuple[Condition, ...]:
        """Read conditions with "and" between, or "every row"."""
        if self.maybe("every", "row"):
            return ()
        found = [self.condition()]
        while self.maybe("and"):
            found.append(self.condition())
        return tuple(found)

    def condition(self) -> Condition:
        """Read one condition."""
        if self.maybe("mentions"):
            if self.maybe("any", "of"):
                return self.mentions(many=True)
            if self.maybe("none", "of"):
                return self.mentions(many=True, negated=True)
            return self.mentions()
        if self.maybe("does", "not", "mention"):
            return self.mentions(negated=True, many=self.maybe("any", "of"))
        for word, negated in (("yes", False), ("no", True)):
            if self.maybe(word, "to"):
                self.maybe(":")
                return Answered(self.question(), negated)
        if self.maybe("value", "of"):
            return TermCompares(self.string(), *self.bound())
        column = self.column()
        if self.maybe("is"):
            negated = self.maybe("not")
            if self.maybe("one", "of"):
                self.maybe(":")
                return Is(column, self.several(self.value), negated)
            if not negated and self.maybe("none", "of"):
                self.maybe(":")
                return Is(column, self.several(self.value), True)
            return Is(column, (self.value(),), negated)
        for sign, negated in (("==", False), ("=", False), ("!=", True)):
            if self.maybe(sign):
                return Is(column, (self.value(),), negated)
        return Compares(column, *self.bound())

    def mentions(self, many: bool = False, negated: bool = False) -> Mentions:
        """Read the phrases of a lexicon, as texts are cut."""
        if many:
            self.maybe(":")
        found = self.several(self.string) if many else (self.string(),)
        return Mentions(tuple(dict.fromkeys(map(_cut, found))), negated)

    def question(self) -> Question:
        """Read a question: one that is known by its wording, or a new one."""
        text = self.string()
        return self.known.get(wording(text)) or Question.of(text)

    def column(self) -> str:
        """Read the name of a column."""
        if self.maybe("column"):
            return self.string()
        kind, found = self.peek()
        if kind != "word" or found.lower() in KEYWORDS:
            self.fail("a condition")
        self.place += 1
        return found

    def bound(self) -> tuple[str, float]:
        """Read a sign and a number."""
        sign = _SAME_SIGN.get(self.peek()[1], self.peek()[1])
        if sign not in SIGNS:
            self.fail(f"one of {' '.join(SIGNS)} or is")
        self.place += 1
        return sign, self.number()


def _cut(phrase: str) -> str:
    """Bring a phrase to the form in which texts have it."""
    found = " ".join(words(phrase))
    if not found:
        raise InputError(f"the phrase {phrase!r:.80} has no word")
    return found


# --- printed models -----------------------------------------------------------------------------------------


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
    reader = _Reader(rest)
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
    reader = _Reader(rest)
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


def _question(reader: _Reader) -> Question:
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
            reader = _Reader(line, questions)
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


def _tree_line(reader: _Reader) -> Branch:
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
            reader = _Reader(first, questions)
            last = reader.maybe("otherwise")
            if not last:
                reader.maybe("else")
                reader.need("if")
            conditions = () if last else reader.conditions()
            reader.end()
        except InputError as error:
            raise _At(number, error) from None
        try:
            node = _tree_line(_Reader(second))
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
            reader = _Reader(line, questions)
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


def _slope(reader: _Reader) -> Slope:
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


def kinds() -> Collection[str]:
    """Names of the kinds of models that are printed whole."""
    return _KINDS.keys()
