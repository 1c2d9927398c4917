"""What gives the label away is seen; what does not is not."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.audit import Finding, Measure, leakage
from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, LinearModel, Question, RuleSetModel

RANDOM = np.random.default_rng(0)
FILLER = [f"word{number}" for number in range(40)]
LABELS = ["billing", "delivery"] * 60
PLAIN = [
    " ".join([*RANDOM.choice(FILLER, 8, replace=False), *(["invoice"] if RANDOM.random() < own else [])])
    for own in (0.6 if label == "billing" else 0.3 for label in LABELS)
]
MARKED = [f"{text} {'zz' if label == 'billing' else ''}" for text, label in zip(PLAIN, LABELS, strict=True)]


def model(**weights: float) -> LinearModel:
    table = {word: (weight,) for word, weight in weights.items()}
    return LinearModel(
        task="classification", classes=("billing", "delivery"), intercept=(0.1,), weights=table
    )


def measures(found: Finding) -> dict[str, Measure]:
    return {measure.name: measure for measure in found.measures}


def test_a_word_that_only_one_class_has_is_seen() -> None:
    told = leakage(model(zz=-2, invoice=-0.5, word1=0.1), MARKED, LABELS)
    found = measures(told)["strongest single feature, area under the curve"]
    assert (found.value, found.passed) == (1.0, False)
    assert "'zz'" in found.note
    assert told.details["Features that tell most by themselves"]["feature"][0] == "zz"
    assert measures(told)["frequent features of one class alone"].value == pytest.approx(1 / 3)


def test_an_honest_word_is_not() -> None:
    found = measures(leakage(model(invoice=-0.5, word1=0.1), PLAIN, LABELS))
    strongest = found["strongest single feature, area under the curve"]
    assert strongest.passed
    assert strongest.null is not None
    assert 0.5 < strongest.null < strongest.value < 0.8
    assert strongest.p_value == pytest.approx(1 / 51)
    assert found["frequent features of one class alone"].value == 0


def test_the_strongest_of_many_features_of_pure_noise_is_nothing_special() -> None:
    noise = model(**{f"word{number}": 0.1 * (number + 1) for number in range(40)})
    for seed in range(5):
        shuffled = [str(label) for label in np.random.default_rng(seed).permutation(LABELS)]
        found = measures(leakage(noise, PLAIN, shuffled))["strongest single feature, area under the curve"]
        assert found.p_value is not None
        assert found.p_value > 0.05
        assert (found.low, found.high) == (None, None)


def test_rows_and_weights_that_name_the_label_are_counted() -> None:
    texts = [
        f"{text} {label if row % 2 else ''}"
        for row, (text, label) in enumerate(zip(PLAIN, LABELS, strict=True))
    ]
    found = measures(leakage(model(billing=-1, delivery=1), texts, LABELS))
    named = found["rows that name their label"]
    assert named.value == 0.5
    assert named.null == pytest.approx(0.25, abs=0.05)
    assert found["strength on words that name a label"].value == 1


def test_rows_of_the_training_set_are_found() -> None:
    train = [PLAIN[0].upper(), "so many words in a row that nobody else has", "other"]
    rows = [*PLAIN[:9], "here are so many words in a row"]
    told = leakage(model(invoice=-1), rows, LABELS[:10], train=train)
    found = measures(told)
    assert (found["rows that are training rows"].value, found["rows that are training rows"].passed) == (
        0.1,
        False,
    )
    assert found["rows that resemble training rows"].value == 0.2
    table = told.details["Rows that resemble training rows"]
    assert table["training text"].tolist() == [train[0], train[1]]


def test_questions_that_name_a_label_do_not_pass() -> None:
    asked = [Question.of("Is it about billing?"), Question.of("Does it mention a date?")]
    stand_in = LinearModel(
        task="classification", classes=(False, True), intercept=(0.0,), weights={"invoice": (2.0,)}
    )
    concepts = ConceptLinear(
        task="classification",
        classes=("billing", "delivery"),
        intercept=(0.0,),
        questions=tuple(asked),
        weights=((-1.0,), (0.5,)),
        means=(0.5, 0.5),
        stand_ins={one.id: stand_in for one in asked},
    )
    found = measures(leakage(concepts, PLAIN, LABELS))["questions that name a label"]
    assert (found.value, found.passed) == (0.5, False)


def test_columns_are_looked_at_too(rules_of_columns: RuleSetModel) -> None:
    rows = [{"age": 60 if row % 2 else 20, "income": row % 7 * 3} for row in range(100)]
    found = measures(leakage(rules_of_columns, rows, ["yes" if row % 2 else "no" for row in range(100)]))
    assert found["strongest single feature, area under the curve"].passed is False


def test_a_number_is_told_by_rank_correlation() -> None:
    texts = ["up " * (row % 2) + "and" for row in range(40)]
    line = LinearModel(task="regression", intercept=(0.0,), weights={"up": (1.0,), "and": (0.5,)})
    found = measures(leakage(line, texts, [float(row % 2) for row in range(40)]))
    assert found["strongest single feature, rank correlation"].value == pytest.approx(1)


def test_numbers_are_needed_where_a_number_is_predicted() -> None:
    line = LinearModel(task="regression", intercept=(0.0,), weights={"invoice": (1.0,)})
    with pytest.raises(InputError, match="give numbers"):
        leakage(line, PLAIN, LABELS)
    with pytest.raises(InputError, match="missing"):
        leakage(line, PLAIN[:2], [1.0, float("nan")])


def test_a_label_for_each_row_is_needed() -> None:
    with pytest.raises(InputError, match="2 labels for 3 rows"):
        leakage(model(invoice=1), PLAIN[:3], ["billing", "delivery"])
    with pytest.raises(InputError, match="one label"):
        leakage(model(invoice=1), PLAIN[:2], ["billing", "billing"])
