"""Fitting again: what comes out the same is told so, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.audit import Finding, Measure, audit, stability
from interpllm.audit.report import PARTS
from interpllm.errors import InputError
from interpllm.llm import Session, Store
from interpllm.runtime import Clause, Compares, LinearModel, RuleSetModel
from interpllm.testing import FakeLLM, Fault

VOCABULARY = [f"w{number}" for number in range(60)]
RANDOM = np.random.default_rng(0)
TEXTS = [" ".join(RANDOM.choice(VOCABULARY, 15, replace=False)) for _ in range(120)]
LABELS = ["yes" if "w0" in text.split() else "no" for text in TEXTS]


def model_of(words: Any) -> LinearModel:
    return LinearModel(
        task="classification",
        classes=("no", "yes"),
        intercept=(0.0,),
        weights={str(word): (1.0 if number % 2 else -1.0,) for number, word in enumerate(words)},
    )


def measures(found: Finding) -> dict[str, Measure]:
    return {measure.name: measure for measure in found.measures}


def always(X: Any, y: Any, seed: int) -> LinearModel:
    return model_of(VOCABULARY[:10])


def at_random(X: Any, y: Any, seed: int) -> LinearModel:
    # The first text tells one bootstrap from another, as a fit to other rows would.
    random = np.random.default_rng([seed, sum(map(ord, " ".join(X)))])
    return model_of(random.choice(VOCABULARY, 10, replace=False))


def test_a_fit_that_always_gives_the_same_is_perfectly_stable() -> None:
    found = measures(stability(always, TEXTS, LABELS, n_refits=3))
    assert {name: measure.value for name, measure in found.items()} == {
        "stability of features over seeds": 1.0,
        "churn of predictions over seeds": 0.0,
        "stability of features over bootstraps": 1.0,
        "churn of predictions over bootstraps": 0.0,
    }


def test_what_no_common_row_has_does_not_make_the_same_models_differ() -> None:
    found = stability(lambda X, y, seed: model_of(["unheard", *VOCABULARY[:5]]), TEXTS, LABELS, n_refits=3)
    assert measures(found)["stability of features over seeds"].value == 1


def test_features_drawn_at_random_have_no_stability() -> None:
    found = measures(stability(at_random, TEXTS, LABELS, n_refits=40))
    assert abs(found["stability of features over seeds"].value) <= 0.05


def test_churn_of_random_models_is_near_that_of_rows_at_random() -> None:
    churn = measures(stability(at_random, TEXTS, LABELS, n_refits=20))["churn of predictions over seeds"]
    assert churn.null is not None
    assert churn.value == pytest.approx(churn.null, abs=0.1)


def test_the_same_features_under_other_names_are_the_same() -> None:
    rows = [{"celsius": value, "fahrenheit": 1.8 * value + 32} for value in np.linspace(-10, 30, 60)]

    def fit(X: Any, y: Any, seed: int) -> RuleSetModel:
        condition = Compares("celsius", ">", 10.0) if seed % 2 else Compares("fahrenheit", ">", 50.0)
        other = Compares("celsius", "<=", -5.0)
        clauses = (Clause((condition,), (1.0,), 1), Clause((other,), (-1.0,), 1))
        return RuleSetModel(
            task="classification", classes=("no", "yes"), link="logit", intercept=(0.0,), clauses=clauses
        )

    found = stability(fit, rows, ["no", "yes"] * 30, n_refits=4, n_candidates=20)
    assert measures(found)["stability of features over seeds"].value == pytest.approx(1)


def test_bootstraps_draw_as_many_of_each_class() -> None:
    seen = []

    def fit(X: Any, y: Any, seed: int) -> LinearModel:
        seen.append((tuple(X), sorted(y)))
        return always(X, y, seed)

    stability(fit, TEXTS, LABELS, n_refits=3)
    assert all(labels == sorted(LABELS) for _, labels in seen)
    assert len({rows for rows, _ in seen}) == 1 + 3  # the rows as they are, and each bootstrap


def test_wordings_are_handed_to_the_fit() -> None:
    def fit(X: Any, y: Any, seed: int, wording: str = "") -> LinearModel:
        words = VOCABULARY[:10] if wording != "another" else VOCABULARY[10:20]
        return model_of(words)

    found = measures(stability(fit, TEXTS, LABELS, n_refits=3, wordings=["one", "same", "another"]))
    assert found["stability of features over wordings"].value < 0.6
    assert found["stability of features over seeds"].value == 1


def test_a_number_that_is_predicted_has_churn_in_standard_deviations() -> None:
    def fit(X: Any, y: Any, seed: int) -> LinearModel:
        weights = {word: (float(number),) for number, word in enumerate(VOCABULARY[:5])}
        return LinearModel(task="regression", intercept=(float(seed),), weights=weights)

    found = measures(stability(fit, TEXTS, [float(len(text)) for text in TEXTS], n_refits=3))
    assert found["churn of predictions over seeds"].value > 0
    assert found["churn of predictions over bootstraps"].value == 0


def asking(session: Session) -> Any:
    def fit(X: Any, y: Any, seed: int) -> LinearModel:
        session.embed(X[:2])
        return always(X, y, seed)

    return fit


def test_replies_to_the_fits_are_counted_and_stored_ones_too(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        with Session(FakeLLM(name="fake"), store=Store(tmp_path / "replies.sqlite")) as session:
            found.append(stability(asking(session), TEXTS, LABELS, n_refits=3, llm=session))
    assert found[0].requests == found[1].requests == 2 * 6
    assert found[0].as_dict() == found[1].as_dict()


def test_a_fit_whose_language_model_is_out_is_an_error_and_no_score() -> None:
    with Session(FakeLLM(faults=[Fault("401")])) as session:
        report = audit(
            always([], [], 0),
            TEXTS,
            train=(TEXTS, LABELS),
            fit=asking(session),
            llm=session,
            parts={"stability": PARTS["stability"]},
        )
    assert report.findings[0].error is not None
    assert report.frame().empty


def test_two_refits_are_too_few() -> None:
    with pytest.raises(InputError, match="three refits"):
        stability(always, TEXTS, LABELS, n_refits=2)
