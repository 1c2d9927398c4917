"""Edits that should not matter are seen where they do, and not where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.audit import Finding, Measure, invariance
from interpllm.audit.edits import (
    kinds_of_places,
    mistyped,
    negated,
    padded,
    recased,
    renamed,
    repunctuated,
    without_places,
)
from interpllm.errors import InputError
from interpllm.runtime import LinearModel, RuleSetModel, TreeModel

ORDERS = [
    "Maria paid the invoice twice, please mend it",
    "John wants the parcel sent on Monday",
    "the invoice is wrong, see https://pay.example.com/abc",
    "my parcel is late again and again",
    "Ahmed asked where the parcel is",
    "invoice number 20931 has two errors",
]


def model(**weights: float) -> LinearModel:
    table = {word.replace("_", " "): (weight,) for word, weight in weights.items()}
    orders = max(word.count(" ") + 1 for word in table)
    return LinearModel(
        task="classification",
        classes=("billing", "delivery"),
        ngram_range=(1, orders),
        intercept=(0.0,),
        weights=table,
    )


def measures(found: Finding) -> dict[str, Measure]:
    return {measure.name: measure for measure in found.measures}


def test_a_model_of_what_matters_passes() -> None:
    found = measures(invariance(model(invoice=-1, parcel=1), ORDERS))
    # A typing error may hit the one word that decides.
    judged = {name for name, measure in found.items() if measure.passed}
    assert judged >= {
        "unchanged: first name swapped",
        "unchanged: signed by another",
        "unchanged: capital letters",
        "unchanged: full stop",
        "unchanged: twice as long",
        "unchanged: addresses, dates and numbers taken out",
        "strength on words that tell the source",
    }


def test_a_model_of_names_is_seen() -> None:
    found = measures(invariance(model(maria=-3, anna=3, john=-3, ahmed=3, invoice=-0.1), ORDERS))
    assert not found["unchanged: first name swapped"].passed


def test_a_model_of_addresses_is_seen_and_its_words_are_named() -> None:
    told = invariance(model(https=-3, example=-3, com=-1, parcel=1), ORDERS)
    measure = measures(told)["strength on words that tell the source"]
    assert measure.note.endswith("5% or less passes")
    assert not measure.passed
    assert measure.null is not None
    assert measure.value > measure.null
    words = told.details["Words that tell the source of a text"]["word"].tolist()
    assert words == ["https", "example", "com"]


def test_scores_that_follow_the_length_have_rank_correlation_one() -> None:
    texts = [" ".join(f"w{number}" for number in range(n)) for n in range(1, 30)]
    line = LinearModel(
        task="regression", intercept=(0.0,), weights={f"w{number}": (1.0,) for number in range(30)}
    )
    found = measures(invariance(line, texts))["scores go with the length of texts"]
    assert found.value == pytest.approx(1)
    assert found.p_value is not None
    assert found.p_value < 0.01


def test_negation_is_seen_by_a_model_that_knows_it_and_only_there() -> None:
    texts = ["the film is good", "a good story", "what a good day"]
    name = 'weaker: "not" before the strongest phrase'
    assert measures(invariance(model(good=1), texts))[name].value == 0
    assert measures(invariance(model(good=1, not_good=-2), texts))[name].value == 1


def test_rows_that_failed_are_shown_with_both_predictions() -> None:
    told = invariance(model(maria=-3, anna=3, john=-3, ahmed=3), ORDERS)
    rows = told.details["Rows that failed, some of each test"]
    first = rows[rows["test"] == "first name swapped"].iloc[0]
    assert ORDERS[first["row"]] == first["text"] != first["edited"]
    assert first["predicted"] != first["then"]


def test_a_test_that_no_row_allows_is_not_measured() -> None:
    found = measures(invariance(model(good=1), ["a good day"]))["unchanged: first name swapped"]
    assert np.isnan(found.value)
    assert found.passed is None


def test_trees_of_words_are_audited_too(tree: TreeModel, texts: list[str]) -> None:
    assert measures(invariance(tree, texts))["unchanged: full stop"].passed


def test_a_model_of_columns_is_refused(rules_of_columns: RuleSetModel) -> None:
    with pytest.raises(InputError, match="reads columns alone"):
        invariance(rules_of_columns, [{"age": 30, "income": 5}])


def test_names_are_swapped_within_their_kind_and_not_inside_words() -> None:
    random = np.random.default_rng(0)
    new = renamed("Maria and Johnson met John", [], random)
    assert new is not None
    assert "Maria" not in new
    assert "Johnson" in new
    assert not new.endswith("John")


def test_edits_change_what_they_say() -> None:
    random = np.random.default_rng(0)
    assert recased("Good day") == "GOOD DAY"
    assert recased("GOOD") is None
    assert (repunctuated("Good."), repunctuated("Good")) == ("Good", "Good.")
    assert negated("good, so good", [(0, 4), (9, 13)]) == "not good, so not good"
    swapped = mistyped("letters", random)
    assert swapped is not None
    assert (sorted(swapped), swapped != "letters") == (sorted("letters"), True)
    assert padded("one two", ["zq0"]) == "one two\nzq1 zq2"


def test_places_that_tell_the_source_are_found() -> None:
    text = "see www.shop.com, mail a.b@c.org by 2024-05-01, ask @sam on Friday, <br>, order 558213"
    assert {kind for _, _, kind in kinds_of_places(text)} == {
        "web address", "e-mail address", "user name", "date", "markup", "number or id",
    }  # fmt: skip
    left = without_places(text)
    assert left is not None
    assert not kinds_of_places(left)
