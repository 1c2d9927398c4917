"""Random conditions, models over rows, and rows that stand at their bounds, for hypothesis."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from interpllm.runtime import (
    Answered,
    Branch,
    Clause,
    Compares,
    Condition,
    Is,
    Lexicon,
    Question,
    RuleListModel,
    RuleSetModel,
    Slope,
    TermCompares,
    TreeModel,
    Vectorizer,
)
from interpllm.runtime.tokens import ngrams
from tests.random_models import labels, texts

HOSTILE = [
    "'; DROP TABLE texts; --", '"', "\\", "</script><b>", "a\nb\tc", "\u202eevil\u202c", "cafe\u0301",
    "\u0130", "\U0001f600\U0001f469\u200d\U0001f4bb", "`x`", "${x}", "{{x}}", "%s", "--", "/*", "\u2028",
    "NULL", "true", "if", "and", "mentions", "NaN", "\x7f", "\u00a0", "-> x (0.5)",
    "else", "column", "a, b", "1",
]  # fmt: skip

names = st.one_of(st.sampled_from(["age", "sex", "Total spent", "text", "x.y-z", *HOSTILE]))
bounds = st.one_of(
    st.sampled_from([0.0, -0.0, 0.1, 0.5, 1.0, 1e-300, -1e99, 1 / 3, 5e-324, 2.0**53]),
    st.floats(-1e6, 1e6, allow_nan=False),
)
signs = st.sampled_from(["<=", ">", "<", ">="])
values = st.one_of(st.sampled_from(HOSTILE), st.integers(-3, 3), st.sampled_from([0.5, True, "male", ""]))

VECTORIZERS = [
    Vectorizer({"good": 1.5, "bad": 0.25, "not good": 3.0}, "runs", (1, 2), (), "log", "l2"),
    Vectorizer({"good": 1.0, "don't": 2.0}, "words", (1, 1), ("bad",), "count", "l1"),
    Vectorizer({"good": 1.0, "bad": 1.0}, "runs", (1, 1), (), "binary", "none"),
]

QUESTIONS = [
    Question.of("Is it good?", "praise counts"),
    Question.of('Does it say "no"?\u202e'),
    Question.of("A statement", source="bank"),
]


@st.composite
def lexicons(draw: Any) -> Lexicon:
    """A lexicon of n-grams of random texts."""
    found = [gram for text in draw(st.lists(texts, max_size=2)) for gram in ngrams(text, 1, 3)]
    phrases = [gram for gram in dict.fromkeys(found) if "\x00" not in gram and _writable(gram)][:6]
    return Lexicon(tuple(phrases or ["good", "not bad"][: draw(st.integers(1, 2))]), draw(st.booleans()))


def _writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@st.composite
def conditions(draw: Any, vectorizer: Vectorizer | None = None, questions: bool = True) -> Condition:
    """One condition."""
    kinds = ["mentions", "column", "is"] + ["term"] * (vectorizer is not None) + ["answer"] * questions
    kind = draw(st.sampled_from(kinds))
    if kind == "mentions":
        return draw(lexicons())
    if kind == "column":
        return Compares("n " + draw(names), draw(signs), draw(bounds))
    if kind == "is":
        unique = st.lists(values, min_size=1, max_size=3, unique=True)
        return Is(draw(names), tuple(draw(unique)), draw(st.booleans()))
    if kind == "term":
        assert vectorizer is not None
        return TermCompares(draw(st.sampled_from(sorted(vectorizer.idf))), draw(signs), draw(bounds))
    return Answered(draw(st.sampled_from(QUESTIONS)), draw(st.booleans()))


@st.composite
def row_models(draw: Any, questions: bool = True) -> TreeModel | RuleListModel | RuleSetModel:
    """A tree, several, a rule list or a rule set; binary, multiclass or regression."""
    kind = draw(st.sampled_from([TreeModel, RuleListModel, RuleSetModel]))
    classes = draw(st.one_of(labels, st.just([])))
    vectorizer = draw(st.one_of(st.none(), st.sampled_from(VECTORIZERS)))
    condition = conditions(vectorizer, questions)
    links = ["identity"] if not classes else ["share", "logit", *(["clip"] if len(classes) == 2 else [])]
    if kind is RuleListModel:
        links = ["share" if classes else "identity"]
    if kind is RuleSetModel:
        links = [link for link in links if link != "share"]
    link = draw(st.sampled_from(links))
    n_totals = len(classes) if link == "share" else (len(classes) if len(classes) > 2 else 1)
    value = _shares(n_totals) if link == "share" else st.tuples(*[bounds] * n_totals)
    parts: dict[str, Any] = {
        "task": "classification" if classes else "regression",
        "classes": classes,
        "target": draw(st.sampled_from(["", "label", *HOSTILE])),
        "link": link,
        "text": "text column",
        "vectorizer": vectorizer,
        "n_rows": draw(st.integers(0, 99)),
        "base": draw(st.one_of(st.just(()), _shares(len(classes)) if classes else st.tuples(bounds))),
    }
    clause = st.builds(Clause, st.lists(condition, max_size=3).map(tuple), value, st.integers(0, 50))
    if kind is TreeModel:
        combine = draw(st.sampled_from(["mean", "sum"])) if link != "share" else "mean"
        trees = draw(st.lists(_trees(condition, value), min_size=1, max_size=3))
        intercept = draw(st.tuples(*[bounds] * n_totals)) if combine == "sum" else ()
        return TreeModel(**parts, trees=tuple(trees), combine=combine, intercept=intercept)
    clauses = tuple(draw(st.lists(clause, max_size=4)))
    if kind is RuleListModel:
        return RuleListModel(**parts, clauses=clauses, otherwise=draw(value), otherwise_rows=3)
    slope = st.builds(
        lambda name, ends, missing, each: Slope("n " + name, min(ends), max(ends), missing, each),
        names, st.tuples(bounds, bounds), bounds, value,
    )  # fmt: skip
    slopes = draw(st.lists(slope, max_size=2, unique_by=lambda slope: slope.column))
    phrases = sorted(vectorizer.idf) if vectorizer else []
    weighed = draw(st.dictionaries(st.sampled_from(phrases), value)) if phrases else {}
    return RuleSetModel(
        **parts, clauses=clauses, intercept=draw(value), slopes=tuple(slopes), term_weights=weighed
    )


def _shares(n: int) -> Any:
    return st.lists(st.integers(0, 9), min_size=n, max_size=n).map(
        lambda counts: tuple((count + 1) / (sum(counts) + n) for count in counts)
    )


@st.composite
def _trees(draw: Any, condition: Any, value: Any) -> tuple[Branch, ...]:
    nodes: list[Branch] = []

    def grow(depth: int) -> int:
        number = len(nodes)
        stop = depth >= 3 or draw(st.booleans())
        branch = Branch(
            None if stop else draw(condition), None, None, draw(value), draw(st.integers(0, 50)),
            draw(st.sampled_from(["yes", "no"])) if not stop else "no",
        )  # fmt: skip
        nodes.append(branch)
        if not stop:
            yes = grow(depth + 1)
            nodes[number] = nodes[number]._replace(yes=yes, no=grow(depth + 1))
        return number

    grow(0)
    return tuple(nodes)


@st.composite
def rows_for(draw: Any, model: TreeModel | RuleListModel | RuleSetModel, n: int = 6) -> list[dict[str, Any]]:
    """Rows with the model's columns, at its bounds and beside them, with phrases of its conditions."""
    marks: dict[str, list[Any]] = {name: [None] for name in model.columns}
    said = ["", "good not good bad", "Don't"]
    for condition in model.conditions():
        if isinstance(condition, Compares):
            bound = condition.bound
            marks[condition.column] += [bound, math.nextafter(bound, 1e300), math.nextafter(bound, -1e300), 7]
        elif isinstance(condition, Is):
            own = [value for value in condition.values if model.columns[condition.column] == "value"]
            marks[condition.column] += [*own, *(["other"] if own else [])]
        elif isinstance(condition, Lexicon):
            said += condition.phrases
        elif isinstance(condition, TermCompares):
            said += [condition.phrase, f"{condition.phrase} and {condition.phrase}"]
    for slope in getattr(model, "slopes", ()):
        marks[slope.column] += [slope.low, slope.high, 1.5]
    found = []
    for _ in range(n):
        row = {name: draw(st.sampled_from(some)) for name, some in marks.items()}
        row = {
            name: value if model.columns[name] == "value" or not isinstance(value, str) else None
            for name, value in row.items()
        }
        row["text column"] = draw(st.one_of(st.sampled_from(said), texts))
        found.append(row)
    return found


def answers_for(model: TreeModel | RuleListModel | RuleSetModel, n: int = 6) -> dict[str, list[Any]]:
    """Answers to the questions of a model, missing ones among them."""
    made = [0.9, None, 0.5, 0.1, 1.0, 0.0]
    return {q.id: [made[(i + k) % 6] for i in range(n)] for k, q in enumerate(model.questions)}
