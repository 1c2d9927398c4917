"""Explanations of several texts as a table, as text, and as HTML."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from matplotlib import pyplot

from interpllm.explain import LocalExplanation
from interpllm.runtime import (
    Answered,
    Clause,
    ConceptLinear,
    Lexicon,
    LinearModel,
    Question,
    RuleListModel,
    RuleSetModel,
)

COLUMNS = ["row", "phrase", "spans", "output", "contribution", "question", "answer", "evidence"]

TWO = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.5,),
    ngram_range=(1, 2),
    weights={"great": (2.0,), "not great": (-3.0,), "film": (0.0,)},
)
THREE = LinearModel(
    task="classification",
    classes=("a", "b", "c"),
    intercept=(0.0, 0.0, 0.0),
    weights={"great": (2.0, 0.0, -1.0)},
)


def explained(texts: list[str], model: Any = TWO) -> LocalExplanation:
    outputs = model.classes[1:] if len(model.classes) == 2 else model.classes
    return LocalExplanation(model.explain(texts), outputs)


def test_the_table_has_a_row_for_each_contribution() -> None:
    frame = explained(["A film", "Not great"]).frame()
    strong = frame[frame["contribution"] != 0]
    columns = ["row", "phrase", "spans", "output", "contribution", "evidence"]
    assert strong[columns].to_numpy().tolist() == [
        [1, "not great", ((0, 9),), "good", -3.0, ("Not great",)],
        [1, "great", ((4, 9),), "good", 2.0, ("great",)],
    ]


def test_the_table_has_a_row_for_each_class_of_three() -> None:
    frame = explained(["great"], THREE).frame()
    assert frame[["output", "contribution"]].to_numpy().tolist() == [["a", 2.0], ["b", 0.0], ["c", -1.0]]


def test_the_table_of_texts_without_known_phrases_has_its_columns() -> None:
    frame = explained(["nothing"]).frame()
    assert list(frame.columns) == COLUMNS
    assert frame.empty


def test_it_is_a_sequence_of_explanations() -> None:
    found = explained(["great", "not great", ""])
    assert len(found) == 3
    assert found[1].prediction == "bad"
    assert [e.text for e in found[1:]] == ["not great", ""]
    assert isinstance(found[1:], LocalExplanation)


def test_repr_shows_the_first_rows_and_counts_the_others() -> None:
    shown = repr(explained(["great"] * 12))
    assert shown.count("prediction: good") == 10
    assert shown.endswith("... and 2 more rows")


@pytest.mark.parametrize(
    "text", ["<script>alert('great')</script>", 'great" onmouseover="x', "great & <b>film</b>"]
)
def test_html_shows_markup_of_the_text_as_text(text: str) -> None:
    html = explained([text])._repr_html_()
    for raw in ("<script", "<b>", '" onmouseover="'):
        assert raw not in html


def test_html_escapes_the_label() -> None:
    model = LinearModel(
        task="classification", classes=("<i>", "<u>"), intercept=(0.0,), weights={"great": (2.0,)}
    )
    html = explained(["great"], model)._repr_html_()
    assert "<u>" not in html
    assert "&lt;u&gt;" in html


def test_html_colours_only_words_that_speak_for_something() -> None:
    html = explained(["A great film"])._repr_html_()
    assert html.count("<mark") == 1
    assert ">great</mark>" in html


def test_a_rule_list_tells_what_it_looked_at_up_to_the_rule_that_decides() -> None:
    model = RuleListModel(
        task="classification",
        classes=("a", "b"),
        link="share",
        clauses=(
            Clause((Lexicon(("x",)), Lexicon(("y",))), (0.9, 0.1)),
            Clause((Lexicon(("z", "w z")),), (0.2, 0.8)),
        ),
        otherwise=(0.7, 0.3),
    )
    paths = explained(["X w Z", "x"], model).paths()
    assert paths[["row", "step", "part", "condition", "held", "evidence"]].to_numpy().tolist() == [
        [0, 1, 1, 'mentions "x"', True, ("X",)],
        [0, 2, 1, 'mentions "y"', False, ()],
        [0, 3, 2, 'mentions any of: "z", "w z"', True, ("w Z", "Z")],
        [1, 1, 1, 'mentions "x"', True, ("x",)],
        [1, 2, 1, 'mentions "y"', False, ()],
        [1, 3, 2, 'mentions any of: "z", "w z"', False, ()],
    ]


def test_a_condition_on_a_stand_in_quotes_the_words_that_it_answered_by() -> None:
    asked = Question.of("Is it praise?")
    stand_in = LinearModel(
        task="classification", classes=(False, True), intercept=(-1.0,), weights={"great": (3.0,)}
    )
    model = RuleSetModel(
        task="classification",
        classes=("a", "b"),
        link="logit",
        intercept=(0.0,),
        clauses=(Clause((Answered(asked),), (2.0,)),),
        stand_ins={asked.id: stand_in},
    )
    paths = explained(["A GREAT film"], model).paths()
    (step,) = paths.to_dict("records")
    assert (step["question"], step["held"], step["evidence"]) == (asked.id, True, ("GREAT",))
    assert step["answer"] == pytest.approx(1 / (1 + math.exp(-2.0)))


def test_questions_stand_beside_their_answers_in_the_table() -> None:
    one, other = Question.of("One?"), Question.of("Two?")
    model = ConceptLinear(
        task="regression",
        questions=(one, other),
        means=(0.5, 0.5),
        intercept=(1.0,),
        weights=((2.0,), (-1.0,)),
    )
    frame = LocalExplanation(model.explain(None, {one.id: [1.0], other.id: [None]}), ("value",)).frame()
    assert frame["question"].tolist() == [one.id, other.id]
    assert frame["answer"].tolist() == pytest.approx([1.0, math.nan], nan_ok=True)


def test_the_plot_draws_a_row_on_the_axes_that_are_given() -> None:
    _, ax = pyplot.subplots()
    assert explained(["great", "not great film"]).plot(ax, row=1) is ax
    assert [label.get_text() for label in ax.get_yticklabels()] == ["not great", "great", "film"]
    pyplot.close("all")


def test_json_holds_every_ledger_and_reads_back() -> None:
    data = json.loads(explained(["not great", "so"]).to_json())
    assert [row["prediction"] for row in data["rows"]] == ["bad", "good"]
    assert data["rows"][0]["contributions"][0]["spans"] == [[0, 9]]
