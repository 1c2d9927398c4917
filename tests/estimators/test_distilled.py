"""A student predicts as its teacher does, says how well, and learns nothing that the teacher did not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from interpllm.errors import InputError
from interpllm.estimators import DistilledClassifier, DistilledRegressor, LLMClassifier
from interpllm.runtime import load
from interpllm.testing import FakeLLM

FILLER = [f"w{i}" for i in range(25)]


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def texts(n: int = 60, seed: int = 0) -> list[str]:
    """Texts of filler; every second one is good."""
    random = np.random.default_rng(seed)
    return [" ".join([*random.choice(FILLER, 4), "good" if k % 2 else "bad"]) for k in range(n)]


def says(found: list[str]) -> list[str]:
    return ["yes" if "good" in text else "no" for text in found]


def half_sure(found: list[str]) -> list[list[float]]:
    return [[0.3, 0.7] if "good" in text else [0.6, 0.4] for text in found]


def student(teacher: Any, **options: Any) -> DistilledClassifier:
    return DistilledClassifier(teacher, **{"llm": None, "cv": 2, "ngram_range": (1, 1)} | options)


def number(teacher: Any, **options: Any) -> DistilledRegressor:
    return DistilledRegressor(teacher, **{"llm": None, "cv": 2, "ngram_range": (1, 1)} | options)


@pytest.fixture(scope="module")
def taught() -> DistilledClassifier:
    return student(says).fit(texts())


def test_a_student_predicts_as_the_teacher_does(taught: DistilledClassifier) -> None:
    assert taught.predict(["w1 good", "w1 bad"]).tolist() == ["yes", "no"]
    assert taught.classes_.tolist() == ["no", "yes"]


def test_fidelity_is_told_of_texts_that_the_student_had_not_seen(taught: DistilledClassifier) -> None:
    fidelity = taught.fidelity_
    assert fidelity is not None
    assert fidelity["n_rows"] == 12
    assert fidelity["agreement"] == fidelity["kappa"] == fidelity["auc"] == 1.0
    assert "score" not in fidelity


def test_fidelity_to_a_teacher_that_guesses_is_near_nothing() -> None:
    random = np.random.default_rng(0)
    model = student(lambda found: random.random(len(found)) > 0.5, holdout=0.4).fit(texts(100))
    assert model.fidelity_ is not None
    assert abs(model.fidelity_["kappa"]) < 0.5


def test_no_fidelity_where_none_was_asked_for() -> None:
    assert student(says, holdout=0).fit(texts()).fidelity_ is None


def test_probabilities_are_the_teachers_not_only_its_labels() -> None:
    model = student(half_sure, classes=["no", "yes"]).fit(texts(200))
    assert model.predict_proba(["w1 good w2", "w1 bad w2"])[:, 1] == pytest.approx([0.7, 0.4], abs=0.1)


def test_the_teacher_and_not_the_labels_is_followed() -> None:
    found = texts()
    wrong = ["no" if label == "yes" else "yes" for label in says(found)]
    model = student(says).fit(found, wrong)
    assert model.predict(["w1 good"]).tolist() == ["yes"]
    assert model.fidelity_ is not None
    assert (model.fidelity_["score"], model.fidelity_["teacher_score"]) == (0.0, 0.0)


def test_a_teacher_that_is_not_fitted_is_cross_fitted_on_the_labels() -> None:
    teacher = make_pipeline(CountVectorizer(), LogisticRegression())
    model = student(teacher).fit(texts(), says(texts()))
    assert model.report_["teacher"] == {"answered": 60, "unanswered": 0, "cross_fitted": True}
    assert model.score(texts(40, seed=1), says(texts(40, seed=1))) > 0.95


def test_a_teacher_that_is_not_fitted_needs_labels() -> None:
    with pytest.raises(InputError, match="The teacher is not fitted: give y"):
        student(make_pipeline(CountVectorizer(), LogisticRegression())).fit(texts())


def test_a_frozen_teacher_stays_fitted() -> None:
    teacher = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts(seed=1), says(texts(seed=1)))
    model = student(FrozenEstimator(teacher)).fit(texts())
    assert not model.report_["teacher"]["cross_fitted"]
    assert model.predict(["w1 good"]).tolist() == ["yes"]


def test_what_the_teacher_does_not_answer_is_left_out_and_counted() -> None:
    def teacher(found: list[str]) -> list[Any]:
        return [None if "w3" in text.split() else says([text])[0] for text in found]

    found = texts()
    model = student(teacher).fit(found)
    silent = sum("w3" in text.split() for text in found)
    assert model.report_["teacher"]["unanswered"] == silent > 0
    assert model.model_.n_rows == 60 - silent
    assert all("w3" not in found[row].split() for row in model.get_rules()["examples"].explode().dropna())


def test_rows_of_weight_zero_are_not_asked_about() -> None:
    asked: list[str] = []

    def teacher(found: list[str]) -> list[str]:
        asked.extend(found)
        return says(found)

    student(teacher).fit(texts(), sample_weight=[1.0] * 40 + [0.0] * 20)
    assert asked == texts()[:40]


def likely(prompt: str, option: str) -> float:
    asked = prompt.rpartition("Text: ")[2]
    return 2.0 * (("good" in asked) == (option == " yes"))


def test_a_language_model_teaches_without_any_labels() -> None:
    fake = FakeLLM(scores=likely, batch_size=64)
    model = student(LLMClassifier(fake, classes=["no", "yes"])).fit(texts())
    assert model.predict(["w1 good", "w1 bad"]).tolist() == ["yes", "no"]
    assert len(fake.prompts) == len(set(texts()))


def test_without_a_teacher_the_language_model_is_asked() -> None:
    fake = FakeLLM(scores=likely, batch_size=64)
    model = student(None, llm=fake).fit(texts(), says(texts()))
    assert model.report_["teacher"]["cross_fitted"]
    assert model.predict(["w1 good", "w1 bad"]).tolist() == ["yes", "no"]


def test_the_exported_model_predicts_without_the_teacher(taught: DistilledClassifier, tmp_path: Path) -> None:
    model = load(taught.export(tmp_path / "model.json"))
    assert model.predict(texts(seed=7)) == taught.predict(texts(seed=7)).tolist()
    assert model.meta["estimator"] == "DistilledClassifier"
    assert model.meta["fidelity"]["agreement"] == 1.0


def test_many_classes() -> None:
    def teacher(found: list[str]) -> list[str]:
        return [min(("w1", "w2", "w3"), key=lambda word: (word not in text.split(), word)) for text in found]

    model = student(teacher).fit([f"{word} x{i % 7}" for i in range(30) for word in ("w1", "w2", "w3")])
    assert model.predict(["w3 x1", "w2 x1"]).tolist() == ["w3", "w2"]
    assert model.fidelity_ is not None
    assert np.isnan(model.fidelity_["auc"])
    assert model.model_.meta["fidelity"]["auc"] is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"holdout": 0.9}, "holdout must be a share"),
        ({"cv": 1}, "cv must be"),
        ({"teacher": lambda found: ["a"] * len(found)}, "knows 1 class"),
        ({"teacher": None, "llm": None}, "asks a language model"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        student(says).set_params(**options).fit(texts(), says(texts()))


def test_a_number_is_predicted_as_the_teacher_does() -> None:
    model = number(lambda found: [5.0 if "good" in text else 1.0 for text in found]).fit(texts())
    assert model.predict(["w1 good", "w1 bad"]) == pytest.approx([5.0, 1.0], abs=0.5)
    assert model.fidelity_ is not None
    assert model.fidelity_["n_rows"] == 12
    assert model.fidelity_["r2"] > 0.9
    assert model.fidelity_["correlation"] > 0.95
    assert model.fidelity_["mean_absolute_error"] < 0.5


def test_a_regressor_tells_the_scores_of_both_where_there_are_values() -> None:
    y = [2.0 * ("good" in text) for text in texts()]
    model = number(lambda found: [2.0 * ("good" in text) for text in found]).fit(texts(), y)
    assert model.fidelity_ is not None
    assert model.fidelity_["teacher_score"] == 1.0
    assert model.fidelity_["score"] == model.fidelity_["r2"] > 0.9
