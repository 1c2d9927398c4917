"""Random texts and random models, for hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel, Node, Question
from interpllm.runtime.tokens import ngrams

# The same examples on every run, as many as a slow machine tries in a second or two.
some = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)

# What cutting, lower-casing and counting characters can get wrong.
PIECES = [
    "not", "Good", "BAD", "don't", "don\u2019t", "''", "'", "\u2019", "!", "?", "...", "-", "x_1", "\u00b2",
    "\u0130", "\u0130STANBUL", "i\u0307", "\u0131", "\u00df", "\u1e9e", "STRA\u1e9eE", "\ufb01", "\u0345",
    "\u039f\u0394\u039f\u03a3", "\u03a3", "\u03a3'\u0391", "caf\u00e9", "cafe\u0301", "\u0301", "\u200d",
    "\U0001f600", "\U0001f469\u200d\U0001f4bb", "\U0001d400", "\u5317\u4eac", "\u0939\u093f\u0928",
    "\u0627\u0644", "\x00", "\x1b[31m", "\u2028", "\u0085", "\x1c", "\u00a0", "\ud83d", "\t", "\n",
]  # fmt: skip

texts = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from([*PIECES, " ", " ", " "]), max_size=25).map("".join),
    st.lists(st.sampled_from(["not", "good", "bad", "a", "!", "so so"]), max_size=12).map(" ".join),
)

numbers = st.floats(-1e4, 1e4, allow_nan=False)

labels = st.one_of(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=2, max_size=5, unique=True
    ),
    st.lists(st.integers(-5, 5), min_size=2, max_size=5, unique=True),
    st.lists(st.floats(-5, 5), min_size=2, max_size=3, unique=True),
    st.just([False, True]),
)

fewer = settings(some, max_examples=20)


@st.composite
def models(draw: Any, of: list[Any] | None = None, n_texts: int = 6) -> LinearModel:
    """Draw a model (of these classes) whose phrases come from random texts, with or without evidence."""
    lo = draw(st.integers(1, 3))
    hi = draw(st.integers(lo, 4))
    classes = draw(st.one_of(labels, st.just([]))) if of is None else of
    n_outputs = len(classes) if len(classes) > 2 else 1
    row = st.tuples(*[numbers] * n_outputs)
    phrases = sorted(
        {gram for text in draw(st.lists(texts, max_size=n_texts)) for gram in ngrams(text, lo, hi)}
    )
    ends = st.tuples(st.floats(-5, 0), st.floats(0, 5))
    examples = st.lists(st.integers(0, 8), max_size=3).map(tuple)
    entry = st.tuples(st.integers(0, 9), st.none() | st.floats(0, 1), examples, st.none() | ends)
    known = draw(st.booleans())
    return LinearModel(
        task="classification" if classes else "regression",
        target=draw(st.sampled_from(["", "label", '"""', "\u0130"])),
        classes=classes,
        ngram_range=(lo, hi),
        norm=draw(st.sampled_from(["none", "sqrt"])),
        intercept=draw(row),
        weights={phrase: draw(row) for phrase in phrases},
        evidence={phrase: draw(entry) for phrase in phrases if draw(st.booleans())} if known else None,
        n_rows=9,
        meta=draw(
            st.dictionaries(
                st.text("ab'\u00e9", max_size=3), st.integers(-99, 99) | st.booleans(), max_size=2
            )
        ),
    )


@st.composite
def models_and_texts(draw: Any) -> tuple[LinearModel, list[str]]:
    """Draw a model and texts, some of which are made of its phrases."""
    model = draw(models())
    phrases = sorted(model.weights)
    own = [st.lists(st.sampled_from(phrases), max_size=8).map(" ".join)] if phrases else []
    return model, draw(st.lists(st.one_of(texts, *own), max_size=6))


lines = st.sampled_from(
    ["Is it good?", "names a price", '"""\nimport os', "\x00\x1b[31m?", "\u0130 # \\'?", "<b>&"]
)


@st.composite
def questions(draw: Any) -> tuple[Question, ...]:
    """Draw up to three questions of distinct ids."""
    found = draw(st.lists(st.tuples(lines, st.sampled_from(["", "a \u2028 b", "yes: x"])), max_size=3))
    return tuple(
        {(q := Question.of(f"{i}: {text}", counts)).id: q for i, (text, counts) in enumerate(found)}.values()
    )


shares = st.floats(0, 1)


@st.composite
def concept_parts(draw: Any, all_answered: bool = False) -> dict[str, Any]:
    """Draw what models of questions have in common; `all_answered` by stand-ins."""
    asked = draw(questions())
    classes = draw(st.one_of(labels, st.just([])))
    answered = [q for q in asked if all_answered or draw(st.booleans())]
    return {
        "task": "classification" if classes else "regression",
        "target": draw(st.sampled_from(["", '"""'])),
        "classes": classes,
        "questions": asked,
        "means": [draw(shares) for _ in asked],
        "stand_ins": {q.id: draw(models(of=[False, True], n_texts=1)) for q in answered},
        "n_rows": 9,
        "meta": draw(st.sampled_from([{}, {"made": ["by", 1]}])),
    }


@st.composite
def concept_linears(draw: Any, all_answered: bool = False) -> ConceptLinear:
    """Draw a weighted sum of answers, with or without a residual."""
    parts = draw(concept_parts(all_answered))
    n_outputs = len(parts["classes"]) if len(parts["classes"]) > 2 else 1
    row = st.tuples(*[numbers] * n_outputs)
    return ConceptLinear(
        **parts,
        intercept=draw(row),
        weights=[draw(row) for _ in parts["questions"]],
        residual=draw(st.none() | models(of=parts["classes"], n_texts=1)),
        evidence=draw(st.none() | st.just({q.id: (2, 0.5, (3,)) for q in parts["questions"][1:]})),
    )


@st.composite
def answered(draw: Any, model: Any) -> tuple[list[str], dict[str, list[float | None]]]:
    """Draw texts, and answers to the questions of a model that need them and to some others."""
    phrases = sorted({phrase for stand_in in model.stand_ins.values() for phrase in stand_in.weights})
    own = [st.lists(st.sampled_from(phrases), max_size=8).map(" ".join)] if phrases else []
    rows = draw(st.lists(st.one_of(texts, *own), max_size=3))
    given = [q.id for q in model.questions if q.id in model.unanswered or draw(st.booleans())]
    answer = st.none() | shares | st.just(float("nan"))
    return rows, {name: [draw(answer) for _ in rows] for name in given}


@st.composite
def concept_trees(draw: Any, all_answered: bool = False) -> ConceptTree:
    """Draw a tree that asks each of its questions, some of them more than once."""
    parts = draw(concept_parts(all_answered))
    asked = [*range(len(parts["questions"]))]
    asked += draw(st.lists(st.sampled_from(asked), max_size=3)) if asked else []
    n_values = max(len(parts["classes"]), 1)

    def value() -> list[float]:
        drawn = [draw(st.integers(1, 9)) for _ in range(n_values)]
        return [count / sum(drawn) for count in drawn] if parts["classes"] else [draw(numbers)]

    nodes = [Node(None, None, None, tuple(value()), draw(st.integers(0, 9)))]
    for place in asked:
        leaf = draw(st.sampled_from([i for i, node in enumerate(nodes) if node.question is None]))
        nodes[leaf] = nodes[leaf]._replace(question=place, yes=len(nodes), no=len(nodes) + 1)
        nodes += [Node(None, None, None, tuple(value()), draw(st.integers(0, 9))) for _ in range(2)]
    return ConceptTree(**parts, nodes=nodes)


@st.composite
def concept_trees_and_rows(draw: Any) -> tuple[ConceptTree, list[str], dict[str, list[float | None]]]:
    """Draw a tree, texts and answers."""
    model = draw(concept_trees())
    return model, *draw(answered(model))


@st.composite
def concept_linears_and_rows(draw: Any) -> tuple[ConceptLinear, list[str], dict[str, list[float | None]]]:
    """Draw a weighted sum of answers, texts and answers."""
    model = draw(concept_linears())
    return model, *draw(answered(model))


any_model = st.one_of(models(), concept_linears(), concept_trees())
