"""LLMClassifier asks in the way that the model can, and never makes an answer up."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interpllm.errors import CapabilityError, InputError, LLMError
from interpllm.estimators import LLMClassifier
from interpllm.llm import Request, connect
from interpllm.testing import FakeLLM
from interpllm.testing.faults import Fault

TEXTS = ["a good film", "a bad film", "good", "bad", "so good", "so bad"]
Y = ["liked", "hated"] * 3


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))


def text_in(prompt: str) -> str:
    """The text that a prompt asks about, which stands last."""
    return prompt.rpartition("Text: ")[2].rpartition("\n")[0]


def likely(prompt: str, option: str) -> float:
    return 2.0 * (("good" in text_in(prompt)) == (option == " liked"))


def biased(prompt: str, option: str) -> float:
    """As likely, by a model that likes one name far better than the other."""
    return likely(prompt, option) + 5.0 * (option == " hated")


def named(request: Request) -> Any:
    # A request that was asked again still begins with what it asked at first.
    said = text_in(str(request.messages[0]["content"]).partition("\n\nReply with")[0])
    if "mute" in said:
        return "I would rather not say."
    return {"class": "liked" if "good" in said else "hated"}


def scoring(scores: Any = likely, **options: Any) -> FakeLLM:
    return FakeLLM(scores=scores, batch_size=8, **options)


class ChatOnly(FakeLLM):
    """Gives text and no log-probabilities."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"complete"})


class Promising(FakeLLM):
    """Says that it can score, and turns out not to."""

    def score(self, prompts: Any, options: Any) -> Any:
        raise CapabilityError("no log-probabilities after all")


def chat() -> ChatOnly:
    return ChatOnly(named, batch_size=8)


def test_the_likelier_name_is_the_class() -> None:
    model = LLMClassifier(scoring()).fit(TEXTS, Y)
    assert model.predict(["really good", "really bad"]).tolist() == ["liked", "hated"]


def test_probabilities_are_those_of_the_names_among_each_other() -> None:
    model = LLMClassifier(scoring(), calibrate=False).fit(TEXTS, Y)
    assert model.predict_proba(["good"])[0] == pytest.approx([1 / (1 + np.exp(2)), 1 / (1 + np.exp(-2))])


def test_what_a_model_says_of_any_text_is_taken_off() -> None:
    raw = LLMClassifier(scoring(biased), calibrate=False).fit(TEXTS, Y)
    assert raw.predict(["good", "bad"]).tolist() == ["hated", "hated"]
    assert LLMClassifier(scoring(biased)).fit(TEXTS, Y).predict(["good", "bad"]).tolist() == [
        "liked",
        "hated",
    ]


def test_calibration_takes_no_labels() -> None:
    swapped = ["hated" if label == "liked" else "liked" for label in Y]
    one, other = (LLMClassifier(scoring(biased)).fit(TEXTS, y) for y in (Y, swapped))
    np.testing.assert_array_equal(one.predict_proba(["good"]), other.predict_proba(["good"]))


def test_a_model_without_log_probabilities_is_asked_for_a_name() -> None:
    fake = chat()
    model = LLMClassifier(fake).fit(TEXTS, Y)
    assert not fake.received
    assert model.predict(["good", "bad"]).tolist() == ["liked", "hated"]
    assert model.predict_proba(["good"])[0] == pytest.approx([0.0, 1.0], abs=1e-8)
    assert np.isfinite(model.decision_function(["good"])).all()


def test_a_model_that_cannot_score_after_all_is_asked_for_a_name() -> None:
    model = LLMClassifier(Promising(named, batch_size=8)).fit(TEXTS, Y)
    assert model.predict(["good", "bad"]).tolist() == ["liked", "hated"]


def test_log_probabilities_that_were_insisted_on_are_not_replaced() -> None:
    with pytest.raises(CapabilityError):
        LLMClassifier(Promising(named), ask="score").fit(TEXTS, Y)


def test_names_can_be_asked_for_where_log_probabilities_are_to_be_had() -> None:
    fake = FakeLLM(named, batch_size=8)
    LLMClassifier(fake, ask="complete").fit(TEXTS, Y).predict(["good"])
    assert set(fake.received) == {"complete"}


def test_an_answer_that_is_none_is_nan_and_its_row_is_named() -> None:
    model = LLMClassifier(chat()).fit(TEXTS, Y)
    proba = model.predict_proba(["good", "mute", "bad"])
    assert np.isnan(proba).any(axis=1).tolist() == [False, True, False]
    assert np.isnan(model.decision_function(["mute"])).all()
    with pytest.raises(LLMError, match=r"1 of 3 texts have no usable answer \(rows 1\)"):
        model.predict(["good", "mute", "bad"])


def test_a_score_that_failed_is_nan() -> None:
    fake = scoring(lambda prompt, option: float("nan") if "mute" in prompt else likely(prompt, option))
    model = LLMClassifier(fake).fit([*TEXTS, "mute"], [*Y, "liked"])
    assert model.report_["calibrated_on"] == 6
    assert np.isnan(model.predict_proba(["mute", "good"])).any(axis=1).tolist() == [True, False]


def test_the_majority_stands_in_with_a_warning_where_it_was_asked_for() -> None:
    model = LLMClassifier(chat(), fallback="majority").fit([*TEXTS, "fine"], [*Y, "liked"])
    with pytest.warns(UserWarning, match=r"1 of 2 texts have no usable answer \(rows 1\)"):
        assert model.predict(["bad", "mute"]).tolist() == ["hated", "liked"]


def test_the_majority_heeds_weights() -> None:
    model = LLMClassifier(chat(), fallback="majority").fit(TEXTS, Y, [1, 9, 1, 1, 1, 1])
    assert model.majority_ == "hated"


def test_a_busy_server_fails_no_row() -> None:
    fake = scoring(faults=[Fault("429", at=[1, 2])])
    model = LLMClassifier(connect(fake, max_retries=3)).fit(TEXTS, Y)
    assert model.predict(TEXTS).tolist() == Y


def test_the_cue_is_the_task() -> None:
    model = LLMClassifier(scoring(), task="sentiment of the {film} review.").fit(TEXTS, Y)
    assert model.prompt_.endswith("Text: {text}\nSentiment of the (film) review:")
    assert model.prompt_.startswith("Sentiment of the (film) review: hated or liked?\n")


def test_without_a_task_the_cue_is_the_name_of_the_target() -> None:
    model = LLMClassifier(scoring()).fit(TEXTS, pd.Series(Y, name="verdict"))
    assert model.prompt_.endswith("Text: {text}\nVerdict:")


def test_examples_stand_in_the_prompt_with_their_names() -> None:
    model = LLMClassifier(scoring(), examples=2, random_state=3).fit(TEXTS, Y)
    shown = re.findall(r"Text: (.*)\nClass: (.*)\n", model.prompt_)
    assert len(shown) == model.report_["examples"] == 4
    assert all(dict(zip(TEXTS, Y, strict=True))[text] == name for text, name in shown)
    assert {name for _, name in shown} == {"liked", "hated"}


def test_an_example_that_looks_like_a_place_for_the_text_is_none() -> None:
    texts = [f"{text} {{text}}" for text in TEXTS]
    model = LLMClassifier(scoring(), examples=1).fit(texts, Y)
    assert model.prompt_.count("{text}") == 1


def test_classes_that_were_given_need_no_labels() -> None:
    model = LLMClassifier(scoring(), classes=["liked", "hated"]).fit(TEXTS)
    assert model.classes_.tolist() == ["hated", "liked"]
    assert model.majority_ is None
    assert model.predict(["good"]).tolist() == ["liked"]


def test_a_class_that_no_row_has_is_still_one() -> None:
    model = LLMClassifier(scoring(), classes=["hated", "indifferent", "liked"]).fit(TEXTS, Y)
    assert model.predict_proba(["good"]).shape == (1, 3)
    assert model.predict(["good", "bad"]).tolist() == ["liked", "hated"]


def test_names_stand_for_labels_that_say_nothing() -> None:
    model = LLMClassifier(scoring(), names={0: "hated", 1: "liked"}).fit(TEXTS, [1, 0] * 3)
    assert model.predict(["good", "bad"]).tolist() == [1, 0]


def test_long_texts_are_cut() -> None:
    fake = scoring()
    LLMClassifier(fake, max_chars=10).fit(["good " * 100, "bad"], ["liked", "hated"])
    assert max(len(text_in(prompt)) for prompt in fake.prompts) == 10


def test_what_was_asked_once_is_not_asked_again() -> None:
    fake = scoring()
    model = LLMClassifier(fake).fit(TEXTS, Y)
    asked = len(fake.prompts)
    model.predict(TEXTS)
    assert len(fake.prompts) == asked == len(TEXTS)


@pytest.mark.parametrize("make", [scoring, chat])
def test_the_plan_is_what_is_then_sent(make: Any) -> None:
    fake = make()
    model = LLMClassifier(fake, calibrate=False).fit(TEXTS, Y)
    plan = model.plan([*TEXTS, "good"])
    assert not fake.received
    model.predict([*TEXTS, "good"])
    assert plan.items == len(set(fake.prompts)) == 6
    assert plan.requests == sum(fake.received.values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"llm": None}, "asks a language model"),
        ({"examples": -1}, "examples must be a whole number"),
        ({"max_chars": 0}, "max_chars must be a whole number"),
        ({"ask": "shout"}, "ask must be"),
        ({"fallback": "guess"}, "fallback must be"),
        ({"classes": ["liked"]}, "classes holds 1 label"),
        ({"classes": ["liked", "loved"]}, "y holds 'hated'"),
        ({"names": {"liked": "same", "hated": "same"}}, "different names"),
    ],
)
def test_what_cannot_be_used_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        LLMClassifier(**{"llm": scoring()} | options).fit(TEXTS, Y)


@pytest.mark.parametrize("options", [{"examples": 1}, {"fallback": "majority"}])
def test_what_needs_labels_says_so(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="need labels"):
        LLMClassifier(scoring(), classes=Y[:2], **options).fit(TEXTS)
