"""A stand-in learns what was planted in the answers, and is measured on rows that it has not seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from interpllm.errors import InputError
from interpllm.estimators.stand_in_choices import agreement, best_shift, decided, shifted
from interpllm.estimators.stand_ins import StandIns, stand_in
from interpllm.runtime import dumps, loads
from interpllm.testing import FakeLLM

FILLER = [f"w{i}" for i in range(30)]
PRICES = [f"price{i}" for i in range(40)]


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def texts_and_answers(n: int = 120, words: int = 2, seed: int = 0) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Texts of filler; every third one has a word that makes the answer yes."""
    random = np.random.default_rng(seed)
    yes = np.arange(n) % 3 == 0
    told = [[random.choice(PRICES[:words])] if one else [] for one in yes]
    texts = [" ".join([*random.choice(FILLER, 4), *word]) for word in told]
    return texts, yes.astype(float)


def learner(texts: list[str], **options: Any) -> StandIns:
    return StandIns(texts, **{"llm": None} | options)


def test_a_planted_word_is_found_and_answers_unseen_texts() -> None:
    texts, answers = texts_and_answers()
    found = stand_in(texts, answers, llm=None)
    assert found.model is not None
    assert found.kappa > 0.95
    assert found.auc > 0.98
    assert found.flip_rate < 0.03
    assert found.model.predict(["w1 price0 w99", "w1 w99"]) == [True, False]


def test_answers_without_any_sense_are_not_learned() -> None:
    texts, _ = texts_and_answers()
    found = learner(texts).learn(np.random.default_rng(5).integers(0, 2, len(texts)))
    assert abs(found.kappa) < 0.25
    assert 0.3 < found.auc < 0.7
    assert found.flip_rate > 0.3


def test_a_copy_of_a_text_does_not_judge_what_was_learned_from_it() -> None:
    random = np.random.default_rng(0)
    once = [" ".join(random.choice(FILLER, 8)) + f" only{i}" for i in range(40)]
    found = learner(once * 3).learn(np.tile(random.integers(0, 2, 40), 3))
    assert found.kappa < 0.3


def test_a_group_does_not_judge_what_was_learned_from_it() -> None:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 4)
    texts = [f"{' '.join(random.choice(FILLER, 3))} guest{g}" for g in group]
    answers = random.integers(0, 2, 40)[group]
    assert learner(texts).learn(answers).kappa > 0.8
    assert learner(texts, groups=group).learn(answers).kappa < 0.3


def test_rows_without_an_answer_are_left_out() -> None:
    texts, answers = texts_and_answers()
    wrong = texts + [text.replace("price", "w9 price") for text in texts]
    found = learner(wrong).learn([*answers, *[None, float("nan")] * 60])
    assert found.n_rows == found.n_judged == 120
    assert found.model is not None
    assert found.model.n_rows == 120


def test_examples_are_rows_of_the_texts_that_were_given() -> None:
    texts, answers = texts_and_answers()
    found = learner(["no answer"] * 7 + texts).learn([None] * 7 + answers.tolist())
    assert found.model is not None
    assert found.model.evidence is not None
    row = found.model.evidence["price0"].examples[0]
    assert row is not None
    assert "price0" in (["no answer"] * 7 + texts)[row]


def test_too_few_answers_teach_nothing_and_say_so() -> None:
    texts, answers = texts_and_answers()
    found = learner(texts, min_rows=50).learn([*answers[:40], *[None] * 80])
    assert found.model is None
    assert found.reason == "40 answers, and it takes 50"
    assert np.isnan([found.auc, found.kappa, found.flip_rate]).all()


def test_a_rare_yes_teaches_nothing_and_says_so() -> None:
    texts, _ = texts_and_answers()
    found = learner(texts).learn([1, 1, *[0] * 118])
    assert found.model is None
    assert "2 of 120" in found.reason


@pytest.mark.parametrize("answer", [0, 1])
def test_answers_that_are_all_the_same_make_a_constant_model(answer: int) -> None:
    texts, _ = texts_and_answers()
    found = learner(texts).learn([answer] * 120)
    assert found.model is not None
    assert found.model.predict(["price0", "w1"]) == [bool(answer)] * 2
    assert np.isnan(found.kappa)
    assert found.reason


def test_soft_answers_are_learned_as_probabilities() -> None:
    texts, answers = texts_and_answers(200)
    model = learner(texts).learn(0.15 + 0.5 * answers).model
    assert model is not None
    p = np.array(model.predict_proba(["w1 price0 w2", "w1 w2 w3"]))[:, 1]
    assert p == pytest.approx([0.65, 0.15], abs=0.1)


def test_soft_answers_on_one_side_of_a_half_are_cut_at_their_median() -> None:
    texts, answers = texts_and_answers(200)
    soft = 0.7 + 0.2 * answers + np.random.default_rng(0).uniform(0, 0.02, 200)
    found = learner(texts).learn(soft)
    assert found.cut == pytest.approx(float(np.median(soft)))
    assert found.auc > 0.6


def test_no_more_terms_than_asked_for() -> None:
    texts, answers = texts_and_answers()
    found = learner(texts, max_terms=3).learn(answers)
    assert found.model is not None
    assert 0 < found.model.n_terms <= 3
    assert found.kappa > 0.9


def test_the_model_is_a_document_that_loads() -> None:
    texts, answers = texts_and_answers()
    model = learner(texts).learn(answers, "States a price").model
    assert model is not None
    assert model.target == "States a price"
    assert loads(dumps(model)) == model


def meaning(text: str) -> list[float]:
    return [float("price" in text), 1.0, 0.1 * (len(text) % 3)]


def test_vectors_tell_of_words_that_are_too_rare_to_be_learned() -> None:
    texts, answers = texts_and_answers(120, words=40)
    plain, fake = learner(texts).learn(answers), FakeLLM(vectors=meaning, batch_size=64, name="knows prices")
    helped = learner(texts, llm=fake).learn(answers)
    assert helped.auc > plain.auc + 0.02
    assert helped.model is not None
    assert helped.model.meta["llm"] == {"model": "knows prices"}


def test_many_questions_ask_for_the_vectors_once(tmp_path: Path) -> None:
    texts, answers = texts_and_answers()
    fake = FakeLLM(vectors=meaning, batch_size=64, name="counted")
    school = learner(texts, llm=fake, cache=tmp_path / "replies")
    school.learn(answers)
    asked = list(fake.texts)
    school.learn(1 - answers)
    learner(texts, llm=fake, cache=tmp_path / "replies").learn(np.roll(answers, 1))
    assert fake.texts == asked
    assert len(set(asked)) == len(asked)


class Mute(FakeLLM):
    """Has no embeddings, like most chat servers."""

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"complete"})


def test_a_model_that_cannot_embed_is_as_none() -> None:
    texts, answers = texts_and_answers()
    fake = Mute(name="mute")
    assert learner(texts, llm=fake).learn(answers) == learner(texts).learn(answers)
    assert not fake.received


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([0] * 119, "120 texts but 119 answers"),
        ([*[0] * 119, 1.5], "Row 119 of answers is 1.5"),
        ([*[0] * 119, "yes"], "Row 119 of answers is 'yes'"),
    ],
)
def test_answers_that_are_none_are_refused_by_row(answers: list[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        learner(texts_and_answers()[0]).learn(answers)


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(InputError, match="120 texts but 3 groups"):
        learner(texts_and_answers()[0], groups=[1, 2, 3])


def test_the_same_answers_give_the_same_stand_in() -> None:
    texts, answers = texts_and_answers()
    assert learner(texts).learn(answers) == learner(texts).learn(answers)


def test_agreement_is_nothing_beyond_chance_where_all_is_one_side() -> None:
    truth = np.array([True, True, False, True])
    auc, kappa, flips = agreement(np.ones(4, dtype=bool), truth, np.array([0.9, 0.8, 0.6, 0.7]))
    assert (auc, kappa, flips) == (1.0, 0.0, 0.25)


# Yes or no --------------------------------------------------------------------------------------------


def test_the_shift_is_the_smallest_of_a_kappa_near_the_best() -> None:
    random = np.random.default_rng(0)
    yes = random.random(60) < 0.2
    soft = np.clip(0.1 + 0.1 * yes + random.normal(0, 0.05, 60), 0.01, 0.45)
    kappas = {cut: agreement(soft > cut, yes, soft)[1] for cut in np.unique(soft)[:-1]}
    best = max(kappas, key=lambda cut: kappas[cut])
    flips = agreement(soft > best, yes, soft)[2]
    # Half a standard error of the share that agrees, in units of kappa: 1 - kappa is flips over chance's.
    near = 0.5 * np.sqrt(flips * (1 - flips) / 60) * (1 - kappas[best]) / flips
    shift = best_shift(soft, yes)
    assert agreement(shifted(soft, shift) > 0.5, yes, soft)[1] >= kappas[best] - near - 1e-9
    nearer = [cut for cut in kappas if -np.log(cut / (1 - cut)) < shift - 1e-9]
    assert all(kappas[cut] < kappas[best] - near for cut in nearer if cut > best)
    assert kappas[best] > 0.3


def test_a_cut_does_not_run_among_texts_of_one_score() -> None:
    # Each fold has a score of its own for texts without a known n-gram; a yes among them is out of reach.
    fold = np.repeat(np.arange(5), 40)
    soft = 0.05 + 0.002 * fold
    yes = np.zeros(200, dtype=bool)
    soft[::10], yes[::10] = 0.9, True
    yes[[1, 2, 41]] = True
    assert agreement(decided(soft, yes, fold), yes, soft)[1] > 0.85


def test_what_is_right_at_one_half_is_not_shifted() -> None:
    assert best_shift(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True])) == 0.0


def test_no_answer_has_a_say_in_the_cut_that_it_is_judged_at() -> None:
    soft = np.array([0.1, 0.2, 0.3, 0.4, 0.1, 0.2, 0.3, 0.4])
    yes = np.array([False] * 4 + [True] * 3 + [False])
    fold = np.repeat([0, 1], 4)
    said = decided(soft, yes, fold)
    for row in range(4):
        other = yes.copy()
        other[row] = True
        assert decided(soft, other, fold)[row] == said[row]


def test_a_weak_stand_in_of_a_rare_yes_agrees_only_at_a_cut_of_its_own() -> None:
    random = np.random.default_rng(0)
    yes = np.arange(150) % 10 == 0
    told = random.random((150, 6)) < np.where(yes, 0.5, 0.1)[:, None]
    texts = [" ".join([*random.choice(FILLER, 6), *np.array(PRICES[:6])[words]]) for words in told]
    found = learner(texts).learn(yes.astype(float))
    assert found.answers is not None
    at_one_half = agreement(found.answers > 0.5, yes, found.answers)[1]
    assert found.kappa > at_one_half + 0.1
    deciding = found.deciding()
    assert deciding.model is not None
    assert found.model is not None
    assert found.shift > 0
    moved = deciding.model.intercept[0] - found.model.intercept[0]
    assert moved == pytest.approx(found.shift, abs=1e-9)


def test_every_row_is_answered_by_a_model_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpllm.estimators.stand_ins.JUDGED", 30)
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(FILLER, 8)) + f" only{i}" for i in range(100)]
    answers = [*random.integers(0, 2, 90).astype(float), *[None] * 10]
    some = learner(texts).learn(answers).answers
    every = learner(texts, every_row=True).learn(answers).answers
    assert some is not None
    assert every is not None
    assert np.isnan(some[:90]).any()
    assert not np.isnan(every).any()
    told = np.array(answers[:90], dtype=float)
    assert abs(np.corrcoef(every[:90], told)[0, 1]) < 0.35, "learned by heart, it would be near 1"
