"""Explanations of several texts as a table, as text, and as HTML."""

from __future__ import annotations

import pytest

from interpllm.explain import LocalExplanation
from interpllm.runtime import LinearModel

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


def explained(texts: list[str], model: LinearModel = TWO) -> LocalExplanation:
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
