"""Explanations add up, point at the right characters, and can be drawn."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from random_models import models_and_texts, some

from interpllm.runtime import Ledger, LinearModel


def explain(text: str, weights: dict[str, Any], **changes: Any) -> Ledger:
    parts = {
        "task": "classification",
        "classes": ("bad", "good"),
        "ngram_range": (1, 2),
        "intercept": (0.25,),
    }
    return LinearModel(**{**parts, "weights": weights, **changes}).explain([text])[0]


@some
@given(models_and_texts())
def test_base_plus_contributions_is_the_decision(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    for explanation in model.explain(texts):
        for k, decision in enumerate(explanation.decision):
            parts = [contribution.values[k] for contribution in explanation.contributions]
            assert explanation.base[k] + math.fsum(parts) == pytest.approx(decision, abs=1e-9)


@some
@given(models_and_texts())
def test_decision_and_prediction_are_those_of_the_verbs(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    explanations = model.explain(texts)
    assert [explanation.prediction for explanation in explanations] == model.predict(texts)
    scores = model.decision_function(texts)
    assert [e.decision for e in explanations] == [tuple(s) if isinstance(s, list) else (s,) for s in scores]


@some
@given(models_and_texts())
def test_segments_are_the_text_cut_up(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    for explanation in model.explain(texts):
        segments = list(explanation.segments())
        assert "".join(segment.text for segment in segments) == explanation.text
        assert all(explanation.text[s.start : s.end] == s.text for s in segments)


@some
@given(models_and_texts())
def test_the_strength_of_a_character_is_the_sum_over_the_phrases_that_cover_it(
    drawn: tuple[LinearModel, list[str]],
) -> None:
    model, texts = drawn
    for explanation in model.explain(texts):
        got = [segment.strength for segment in explanation.segments() for _ in segment.text]
        for place, strength in enumerate(got):
            covering = [
                explanation.strength(contribution.values)
                for contribution in explanation.contributions
                if any(start <= place < end for start, end in contribution.spans)
            ]
            assert strength == pytest.approx(math.fsum(covering), abs=1e-9)


def test_contributions_are_sorted_by_strength_and_divided_by_the_norm() -> None:
    explanation = explain("great but dull !", {"great": (1.0,), "dull": (-3.0,)}, norm="sqrt")
    norm = math.sqrt(7)
    assert [(c.phrase, c.values) for c in explanation.contributions] == [
        ("dull", (-3.0 / norm,)),
        ("great", (1.0 / norm,)),
    ]


def test_a_phrase_that_stands_twice_counts_once_and_has_two_spans() -> None:
    (contribution,) = explain("Great, great", {"great": (1.0,)}).contributions
    assert (contribution.spans, contribution.values) == (((0, 5), (7, 12)), (1.0,))


def test_spans_are_offsets_in_the_original_text() -> None:
    text = "\U0001f600 \u0130stanbul, stra\u1e9ee!"
    explanation = explain(text, {"i\u0307stanbul stra\u00dfe": (1.0,), "stra\u00dfe !": (1.0,)})
    assert [text[start:end] for c in explanation.contributions for start, end in c.spans] == [
        "\u0130stanbul, stra\u1e9ee",
        "stra\u1e9ee!",
    ]


def test_coverage_is_the_share_of_distinct_ngrams_in_the_table() -> None:
    assert explain("great great film", {"great": (1.0,), "great film": (0.0,)}).coverage == 2 / 4


def test_a_text_without_words_has_no_coverage_and_the_base_as_decision() -> None:
    explanation = explain(" ... ", {"great": (1.0,)}, norm="sqrt")
    assert (explanation.coverage, explanation.decision) == (0.0, explanation.base)


def test_overlapping_phrases_are_summed_per_run_of_characters() -> None:
    explanation = explain("a not bad film", {"not": (-1.0,), "bad": (-2.0,), "not bad": (5.0,)})
    found = [(segment.text, segment.strength) for segment in explanation.segments()]
    assert found == [("a ", 0.0), ("not", 4.0), (" ", 5.0), ("bad", 3.0), (" film", 0.0)]


def test_occurrences_of_one_phrase_that_overlap_count_once() -> None:
    found = [
        (segment.text, segment.strength) for segment in explain("so so so", {"so so": (1.0,)}).segments()
    ]
    assert found == [("so so so", 1.0)]


def test_strengths_speak_for_the_prediction_also_when_it_is_the_first_class() -> None:
    explanation = explain("dull", {"dull": (-2.0,)})
    assert (explanation.prediction, [s.strength for s in explanation.segments()]) == ("bad", [2.0])


def test_with_three_classes_a_strength_is_relative_to_the_mean() -> None:
    explanation = explain(
        "refund", {"refund": (3.0, 0.0, 0.0)}, classes=("money", "post", "other"), intercept=(0.0, 0.0, 0.0)
    )
    assert [segment.strength for segment in explanation.segments()] == [2.0]


def test_a_regression_strength_is_up_or_down() -> None:
    explanation = explain("dull", {"dull": (-2.0,)}, task="regression", classes=())
    assert [segment.strength for segment in explanation.segments()] == [-2.0]


def test_colours_surround_the_phrases_and_nothing_else() -> None:
    drawn = explain("a great but dull film", {"great": (4.0,), "dull": (-1.0,)}).to_ansi()
    assert drawn == "a \x1b[30;48;5;75mgreat\x1b[0m but \x1b[30;48;5;223mdull\x1b[0m film"


def test_without_colour_the_phrases_are_marked() -> None:
    drawn = explain("a great but dull film", {"great": (4.0,), "dull": (-1.0,)}).to_ansi(color=False)
    assert drawn == "a {+great+} but [-dull-] film"


@pytest.mark.parametrize("color", [True, False])
def test_drawing_does_not_obey_control_characters_of_the_text(color: bool) -> None:
    text = "\x1b[2J great \x9b31m\u202e \x07 \ud83d"
    drawn = re.sub(r"\x1b\[(30;48;5;75|0)m", "", explain(text, {"great": (1.0,)}).to_ansi(color=color))
    assert not re.search(r"[\x1b\x9b\x07\u202e\ud83d]", drawn)


@some
@given(models_and_texts())
def test_drawing_without_colour_keeps_the_length_of_the_text(drawn: tuple[LinearModel, list[str]]) -> None:
    model, texts = drawn
    for explanation in model.explain(texts):
        plain = Ledger(explanation.text, "", (), (), (), 0.0).to_ansi(color=False)
        assert len(plain) == len(explanation.text)


def test_a_printed_explanation_is_a_ledger() -> None:
    assert str(explain("great but dull", {"great": (4.0,), "dull": (-1.0,)})) == (
        "prediction: good\n"
        "decision: +3.25   base: +0.25   known n-grams: 40%\n"
        "  +4.0000  great\n"
        "  -1.0000  dull"
    )
