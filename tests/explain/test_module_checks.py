"""The checks of an explanation: exact on known numbers, and NaN where there is nothing to tell."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.explain.module_checks import check, contrast, identify, ranked, tells

RANDOM = np.random.default_rng(5)
YES, NO = np.ones(12), np.zeros(12)
RESPONSES = RANDOM.normal(3, 1, 24), RANDOM.normal(0, 1, 24)


def test_a_strong_response_and_right_answers_have_a_small_p() -> None:
    found = check(*RESPONSES, YES, NO, sigma=1.0)
    assert found.score.value == pytest.approx((RESPONSES[0] - RESPONSES[1])[tells(24)].mean())
    assert found.auroc.value == 1
    assert found.p == max(found.score_p, found.auroc_p) < 0.005


def test_a_response_the_wrong_way_has_a_large_p() -> None:
    assert check(*RESPONSES[::-1], YES, NO, sigma=1.0).p > 0.95


def test_answers_the_wrong_way_have_a_large_p() -> None:
    assert check(*RESPONSES, NO, YES, sigma=1.0).p > 0.95


@pytest.mark.parametrize("few", ["pairs", "answers"])
def test_too_little_is_not_tested(few: str) -> None:
    n = 6 if few == "pairs" else 24
    answers = np.full(12, np.nan) if few == "answers" else YES
    found = check(RESPONSES[0][:n], RESPONSES[1][:n], answers, NO, 1.0)
    assert np.isnan(found.p)


def test_a_candidate_that_was_not_tested_does_not_hold_and_counts_in_the_correction() -> None:
    good = check(*RESPONSES, YES, NO, 1.0)
    none = check(*RESPONSES, np.full(12, np.nan), NO, 1.0)
    frame = ranked(["good", "none"], [good, none], 0.05).set_index("candidate")
    assert frame.loc["good", "p_holm"] == pytest.approx(2 * good.p)
    assert frame["holds"].to_dict() == {"good": True, "none": False}


def test_hard_negatives_are_the_nearest_weak_texts() -> None:
    texts = [f"{kind} topic{n} said" for kind in ("strong", "weak") for n in range(10)] + ["far away"] * 30
    values = np.array([1.0] * 10 + [0.0] * 40)
    found = contrast(texts, values, 10)
    assert [texts[row].split()[1] for row in found.high] == [texts[row].split()[1] for row in found.low]


def test_each_negative_stands_beside_one_strong_text_only() -> None:
    values = RANDOM.normal(size=200)
    found = contrast([f"the same words {n % 3}" for n in range(200)], values, 30)
    assert len(set(found.low)) == len(found.low) == len(found.high)
    assert values[found.low].max() <= np.median(values) < values[found.high].min()


def test_strong_texts_of_a_rare_module_are_those_that_it_responds_to() -> None:
    values = RANDOM.normal(0, 0.1, 300)
    values[:12] += 1
    assert set(contrast([f"text {n}" for n in range(300)], values, 32).high) == set(range(12))


def test_a_module_that_responds_to_most_texts_has_negatives_too() -> None:
    found = contrast([f"text {n}" for n in range(50)], np.array([1.0] * 40 + [0.0] * 10), 32)
    assert set(found.low) == set(range(40, 50))


def test_texts_without_words_are_compared_as_well() -> None:
    assert len(contrast(["..."] * 40, RANDOM.normal(size=40), 10).high)


def test_the_module_whose_responses_go_with_the_property_comes_first() -> None:
    having, lacking = [f"yes {n}" for n in range(16)], [f"no {n}" for n in range(16)]
    modules = {
        "constant": lambda texts: np.ones(len(texts)),
        "length": lambda texts: np.array([len(text) for text in texts]),
        "true": lambda texts: np.array([text.startswith("yes") for text in texts]),
    }
    found = identify(modules, having, lacking)
    assert found["module"].tolist() == ["true", "length", "constant"]
    assert found["correlation"].iloc[0] == pytest.approx(1)
    assert np.isnan(found["correlation"].iloc[2])
