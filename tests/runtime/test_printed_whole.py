"""Sums of n-grams and models of questions: printed whole, read back to the last bit, or refused by line."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpllm.errors import DocumentError, InputError
from interpllm.runtime import (
    ConceptLinear,
    ConceptTree,
    LinearModel,
    Node,
    Question,
    TreeModel,
    parse,
    printed,
)
from tests.random_models import answered, concept_linears, concept_trees, models, some, texts
from tests.random_rows import HOSTILE, row_models

bounds = st.sampled_from([0.0, -0.0, 1e-300, -1e-300, 5e-324, 1e100, -1e100, 1 / 3, 0.1 + 0.2, 2.0**53 + 1])
nasty_labels = st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=4, unique=True)


@st.composite
def nasty_models(draw: Any) -> LinearModel:
    """A model with numbers and labels that printing can get wrong."""
    model = draw(models())
    row = st.tuples(*[bounds] * model.n_outputs)
    weights = {phrase: draw(st.one_of(st.just(own), row)) for phrase, own in model.weights.items()}
    other: dict[str, Any] = {}
    if model.classes and draw(st.booleans()):
        labels = draw(nasty_labels.filter(lambda found: len(found) == max(len(model.classes), 2)))
        other = {"classes": labels}
    return replace(
        model, weights=weights, intercept=draw(row), target=draw(st.sampled_from(HOSTILE)), **other
    )


def bits(model: Any, rows: list[str], answers: Any = None) -> str:
    """What a model says of rows; repr tells -0.0 from 0.0 and 1 from True."""
    given_ = [rows] if isinstance(model, LinearModel) else [rows, answers]
    shares = model.predict_proba(*given_) if model.classes else None
    return repr((model.classes, model.predict(*given_), model.decision_function(*given_), shares))


@settings(some, max_examples=1000)
@given(st.data())
def test_a_table_of_n_grams_predicts_as_it_is_printed(data: st.DataObject) -> None:
    model = data.draw(st.one_of(models(), nasty_models()))
    read = parse(printed(model))
    assert printed(read) == printed(model)
    assert read == replace(model, evidence=None, meta={})
    own = (
        [st.lists(st.sampled_from(sorted(model.weights)), max_size=8).map(" ".join)] if model.weights else []
    )
    rows = data.draw(st.lists(st.one_of(texts, *own), max_size=4))
    assert bits(read, rows) == bits(model, rows)


def bare(model: Any) -> Any:
    """A model without what is not printed."""
    parts: dict[str, Any] = {"stand_ins": {}, "meta": {}}
    if isinstance(model, ConceptLinear):
        rest = model.residual
        parts |= {"evidence": None, "residual": rest and replace(rest, evidence=None, meta={})}
    return replace(model, **parts)


@settings(some, max_examples=400)
@given(st.data())
def test_a_model_of_questions_predicts_as_it_is_printed(data: st.DataObject) -> None:
    model = data.draw(st.one_of(concept_linears(), concept_trees()))
    read = parse(printed(model))
    assert printed(read) == printed(bare(model))
    if isinstance(model, ConceptLinear):
        assert read == bare(model)
    rows, answers = data.draw(answered(model))
    for question in model.questions:
        answers.setdefault(question.id, [data.draw(st.none() | st.floats(0, 1)) for _ in rows])
    assert bits(read, rows, answers) == bits(model, rows, answers)


@settings(some, max_examples=40)
@given(row_models())
def test_models_over_rows_are_printed_whole_already(model: TreeModel) -> None:
    assert printed(model) == str(model)


LINEAR = LinearModel(
    task="classification",
    target="opinion",
    classes=("bad", 'go"od\n'),
    ngram_range=(1, 2),
    norm="sqrt",
    intercept=(-0.5,),
    n_rows=8,
    base=(0.25, 0.75),
    weights={"great": (2.0,), "not great": (-3.0,), "caf\u00e9": (-0.0,)},
)
ASKED = (Question.of("Is it praised?", "praise counts", "llm"), Question.of("Is it slow?"))
CONCEPTS = ConceptLinear(
    task="classification",
    classes=("a", 1, 2.5),
    intercept=(0.1, 0.2, 0.3),
    questions=ASKED,
    weights=((0.0, 0.5, 0.0), (2.0, 0.0, -2.0)),
    means=(0.5, 0.25),
    residual=LinearModel(
        task="classification",
        classes=("a", 1, 2.5),
        intercept=(0.0, 0.0, 0.0),
        weights={"great": (1.0, 0.0, 0.0)},
    ),
)
TREE = ConceptTree(
    task="regression",
    questions=ASKED[:1],
    means=(0.5,),
    nodes=(Node(0, 1, 2, (1.5,), 9), Node(None, None, None, (2.0,), 4), Node(None, None, None, (1.0,), 5)),
)


def test_a_table_of_n_grams_is_printed_strongest_first() -> None:
    assert printed(LINEAR).split("\n") == [
        r'LinearModel: classification of "opinion" into "bad", "go\"od\n"',
        "training: 8 rows; base: 0.25, 0.75",
        "score: -0.5 plus the sum of the weights of all distinct n-grams of 1 to 2 words in a text, "
        "divided by the square root of how many there are",
        r'weights: log-odds of "go\"od\n" against "bad"; above 0 says "go\"od\n"',
        "n-grams: 3",
        "",
        '"not great" adds -3.0',
        '"great" adds 2.0',
        '"caf\u00e9" adds -0.0',
    ]


def test_a_sum_of_answers_is_printed_with_its_questions_and_what_they_leave_over() -> None:
    praised, slow = (question.id for question in ASKED)
    assert printed(CONCEPTS).split("\n") == [
        'ConceptLinear: classification into "a", 1, 2.5',
        "score: 0.1, 0.2, 0.3 plus the sum of weight times answer (no 0, yes 1, a missing one its mean) "
        "plus the score of the n-grams below",
        'weights: scores of "a", 1, 2.5 in this order; the highest says which, softmax how probable',
        f'question: {praised} "Is it praised?"; counts: "praise counts"; source: llm; '
        "needs a language model; mean: 0.5",
        f'question: {slow} "Is it slow?"; source: user; needs a language model; mean: 0.25',
        "",
        f'yes to {slow} "Is it slow?" adds 2.0, 0.0, -2.0',
        f'yes to {praised} "Is it praised?" adds 0.0, 0.5, 0.0',
        "",
        "n-grams for what the questions leave over:",
        'LinearModel: classification into "a", 1, 2.5',
        "score: 0.0, 0.0, 0.0 plus the sum of the weights of all distinct n-grams of 1 to 1 words in a text",
        'weights: scores of "a", 1, 2.5 in this order; the highest says which, softmax how probable',
        "n-grams: 1",
        "",
        '"great" adds 1.0, 0.0, 0.0',
    ]


def test_a_tree_of_questions_is_printed_node_by_node() -> None:
    name = ASKED[0].id
    assert printed(TREE).split("\n") == [
        "ConceptTree: regression",
        "answers: yes above 0.5; a missing one goes with more rows, to no where as many went either way",
        f'question: {name} "Is it praised?"; counts: "praise counts"; source: llm; '
        "needs a language model; mean: 0.5",
        "",
        f'if yes to {name} "Is it praised?" (1.5; 9 rows)',
        "  -> 2.0 (2.0; 4 rows)",
        "else",
        "  -> 1.0 (1.0; 5 rows)",
    ]


@pytest.mark.parametrize(
    ("model", "old", "new", "said"),
    [
        (LINEAR, '"great" adds 2.0', '"Great" adds 2.0', "line 8 .*found in no text"),
        (LINEAR, '"great" adds 2.0', '"so very great" adds 2.0', "line 8 .*found in no text"),
        (LINEAR, '"great" adds 2.0', '"great" adds 2.0, 1.0', "line 8 .*2 numbers for 1 outputs"),
        (LINEAR, '"great" adds 2.0', '"great" adds nan', "line 8 .*expected a number"),
        (LINEAR, '"great" adds 2.0', '"great" adds 1e999', "line 8 .*expected a finite number"),
        (LINEAR, '"great" adds 2.0', '"great" adds 1e101', "line 8 .*not finite"),
        (LINEAR, '"great" adds 2.0', '"great" adds 2.0; import os', "line 8 .*expected the end"),
        (LINEAR, '"great" adds 2.0', '"not great" adds 2.0', "line 8 .*stands twice"),
        (LINEAR, '"great" adds 2.0', "__import__('os')", "line 8 .*not understood"),
        (LINEAR, '"great" adds 2.0', "", "line 9 .*3 n-grams were announced, and 2 are there"),
        (LINEAR, "n-grams: 3", "n-grams: -3", "line 5 .*a whole number"),
        (LINEAR, "n-grams: 3\n", "", "there is no line 'n-grams'"),
        (LINEAR, "n-grams: 3", "n-grams: 3\nn-grams: 3", "line 6 .*stands twice"),
        (LINEAR, "n-grams: 3", "vectorizer: {}", "line 5 .*not understood"),
        (LINEAR, "1 to 2 words", "0 to 2 words", "line 3 .*ngram_range"),
        (LINEAR, "square root", "cube root", "line 3 .*no way to make a score"),
        (LINEAR, "score: -0.5", "score: -0.5, 1.0", "line 3 .*2 numbers where 1 belong"),
        (LINEAR, "against", "for", "line 4 .*expected 'log-odds"),
        (LINEAR, 'into "bad", ', "into ", "line 1 .*two classes"),
        (LINEAR, 'into "bad"', "into bad", "line 1 .*expected a string.* not printed whole"),
        (LINEAR, "classification of", "forecast of", "line 1 .*task is one of"),
        (LINEAR, "LinearModel", "ConceptTree", "line 3 .*not understood"),
        (
            CONCEPTS,
            '"Is it slow?" adds',
            '"Is it fast?" adds',
            "line 7 .*'Is it slow\\?', not 'Is it fast\\?'",
        ),
        (CONCEPTS, f"yes to {ASKED[1].id}", "yes to q0", "line 7 .*id of one of the questions"),
        (CONCEPTS, "2.0, 0.0, -2.0", "2.0", "line 7 .*are 1 where 3 belong"),
        (CONCEPTS, "mean: 0.25", "mean: 1.25", "line 5 .*from 0 to 1"),
        (CONCEPTS, "; mean: 0.25", "", "line 5 .*expected ; mean :"),
        (CONCEPTS, " plus the score of the n-grams below", "", "line 9 .*n-grams follow"),
        (
            CONCEPTS,
            f'yes to {ASKED[0].id} "Is it praised?" adds 0.0, 0.5, 0.0',
            "",
            "line 7 .*no line up to here",
        ),
        (CONCEPTS, "n-grams for what", "n-grams of what", "line 10 .*expected yes to"),
        (CONCEPTS, '"great" adds 1.0, 0.0, 0.0', '"great" adds 1.0', "line 16 .*1 numbers for 3 outputs"),
        (CONCEPTS, "\nLinearModel", "\nConceptLinear", "line 11 .*only LinearModel"),
        (TREE, "0.5; a missing", "0.6; a missing", "line 2 .*expected 'yes above 0.5"),
        (TREE, "9 rows)", "9 rows; missing: yes)", "which way a missing answer goes"),
        (TREE, "else\n  -> 1.0 (1.0; 5 rows)", "", "has a question or branches"),
        (TREE, "if yes to", "if no to", "line 5 .*expected yes to"),
        (TREE, "9 rows)", "9.5 rows)", "line 5 .*a whole number"),
    ],
)
def test_a_printed_model_that_was_changed_is_refused(model: Any, old: str, new: str, said: str) -> None:
    whole = printed(model)
    assert old in whole
    with pytest.raises(DocumentError, match=said):
        parse(whole.replace(old, new, 1))


@pytest.mark.parametrize("model", [LINEAR, CONCEPTS, TREE])
def test_a_printed_model_that_was_cut_short_is_refused(model: Any) -> None:
    lines = printed(model).split("\n")
    for kept in range(len(lines)):
        with pytest.raises(DocumentError):
            parse("\n".join(lines[:kept]))


@pytest.mark.parametrize("model", [LINEAR, CONCEPTS, TREE])
def test_whatever_is_done_to_a_printed_model_it_is_read_or_refused(model: Any) -> None:
    draw, whole = random.Random(0), printed(model)
    for _ in range(2000):
        start, length = draw.randrange(len(whole)), draw.randrange(6)
        other = "".join(draw.choice('"\\\n ,;:()0159.e-\u0130\x00yns') for _ in range(draw.randrange(4)))
        try:
            parse(whole[:start] + other + whole[start + length :])
        except DocumentError:
            continue


@pytest.mark.parametrize("model", [LINEAR, CONCEPTS, TREE])
def test_the_short_view_is_refused_and_says_what_to_print(model: Any) -> None:
    with pytest.raises(DocumentError, match=r"line \d.* interpllm\.runtime\.printed\(model\)"):
        parse(str(model))


def test_the_short_view_of_a_long_table_says_how_to_print_the_whole() -> None:
    weights = {f"word{number}": (float(number),) for number in range(30)}
    shown = str(LinearModel(task="regression", intercept=(0.0,), weights=weights))
    assert shown.endswith("and 10 more; interpllm.runtime.printed(model) prints all")


def test_what_is_no_model_is_not_printed() -> None:
    with pytest.raises(InputError, match="no readable model"):
        printed("a text")  # type: ignore[arg-type]


def test_what_is_no_string_is_not_read() -> None:
    with pytest.raises(DocumentError, match="is a string"):
        parse(b"LinearModel")  # type: ignore[arg-type]
