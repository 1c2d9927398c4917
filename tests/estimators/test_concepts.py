"""Concept models find planted questions, confirm them on other rows, and need no LLM once distilled."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from concept_oracle import TOPICS, oracle, question, rows, texts_asked
from concept_oracle import answers as answers_of
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from interpllm.errors import CapabilityError, InputError
from interpllm.estimators.concept_vectorizer import ConceptVectorizer
from interpllm.estimators.concepts import ConceptLinearClassifier, ConceptLinearRegressor
from interpllm.llm import connect
from interpllm.runtime import ConceptSet, load
from interpllm.testing import FakeLLM

QUESTIONS = [question(topic) for topic in TOPICS]


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def table(n: int = 240, seed: int = 0, noise: float = 0.0) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Answers that a user has, the labels, and the texts."""
    texts, y = rows(n, seed, noise)
    columns = {question(t): [float(t in text.split()) for text in texts] for t in TOPICS}
    return pd.DataFrame(columns), y, texts


@pytest.fixture(scope="module")
def proposed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ConceptLinearClassifier, FakeLLM]:
    """Fitted with a model that proposes and answers."""
    fake = oracle()
    model = ConceptLinearClassifier(fake, n_concepts=3, cache=tmp_path_factory.mktemp("proposed"))
    return model.fit(*rows()), fake


def asked(model: Any) -> set[str]:
    return {q.text for q in model.model_.questions}


# Finding the questions --------------------------------------------------------------------------------


def test_planted_questions_are_proposed_found_and_confirmed(
    proposed: tuple[ConceptLinearClassifier, FakeLLM],
) -> None:
    model, _ = proposed
    assert asked(model) == {question("refund"), question("damage")}
    confirmed = model.report_["confirm"]
    assert confirmed.loc["model", "score"] == 1.0
    assert {"majority", "tfidf", "aug_linear_plain"} <= set(confirmed.index)
    candidates = model.report_["candidates"].set_index("question")
    assert candidates.loc[list(asked(model)), "q_value"].max() < 0.01
    assert set(candidates["source"]) == {"llm"}
    new, truth = rows(seed=5)
    assert model.score(new, truth) == 1.0


@pytest.mark.parametrize(("batch_size", "beside"), [(16, True), (1, False)])
def test_a_model_in_process_helps_a_baseline_and_a_server_is_not_asked_for_one(
    batch_size: int, beside: bool, tmp_path: Path
) -> None:
    fake = oracle(batch_size=batch_size)
    model = ConceptLinearClassifier(fake, concepts=QUESTIONS[:3], n_rounds=0, soft=False, cache=tmp_path).fit(
        *rows(120)
    )
    assert ("aug_linear_llm" in model.report_["confirm"].index) is beside
    assert (fake.received["embed"] > 0) is beside


def test_the_figures_are_of_rows_that_nothing_else_saw(
    proposed: tuple[ConceptLinearClassifier, FakeLLM],
) -> None:
    model, fake = proposed
    n = model.report_["rows"]
    assert sum(n.values()) == 240
    assert model.report_["confirm"].loc["model", "n_rows"] == n["confirm"]
    shown = [prompt for prompt in fake.prompts if '<text id="' not in prompt]
    texts = rows()[0]
    seen = {row for row, text in enumerate(texts) if any(text in prompt for prompt in shown)}
    assert 0 < len(seen) <= n["propose"]


def test_labels_without_a_rule_give_no_discovery() -> None:
    answers, y, _ = table(noise=0.5)
    model = ConceptLinearClassifier(None).fit(answers, y)
    q = model.report_["candidates"]["q_value"].dropna()
    assert (q > 0.05).all()


def test_answers_that_a_user_has_need_no_llm() -> None:
    answers, y, _ = table()
    model = ConceptLinearClassifier(None, n_concepts=2).fit(answers, y)
    assert asked(model) == {question("refund"), question("damage")}
    assert model.score(answers, y) == 1.0


def test_missing_answers_count_as_the_mean() -> None:
    answers, y, _ = table()
    answers.iloc[:40, 0] = np.nan
    model = ConceptLinearClassifier(None).fit(answers, y)
    place = [q.text for q in model.model_.questions].index(QUESTIONS[0])
    assert model.model_.means[place] == pytest.approx(answers.iloc[:, 0].mean())
    assert np.isfinite(model.predict_proba(answers)).all()


def test_many_classes() -> None:
    answers, _, texts = table()
    y = ["one" if "refund" in t.split() else "two" if "delay" in t.split() else "three" for t in texts]
    model = ConceptLinearClassifier(None, n_concepts=2).fit(answers, y)
    assert model.score(answers, y) > 0.95
    assert model.predict_proba(answers).shape == (240, 3)


def test_a_number() -> None:
    answers, _, _ = table()
    y = 3 * answers[question("refund")] - answers[question("login")] + 10
    model = ConceptLinearRegressor(None, n_concepts=2).fit(answers, y)
    assert asked(model) == {question("refund"), question("login")}
    assert model.score(answers, y) > 0.99


def test_signs_are_kept() -> None:
    answers, y, _ = table()
    model = ConceptLinearClassifier(None, signs={question("refund"): 1}).fit(answers, y)
    assert question("refund") not in asked(model), "it speaks for the first class"


def test_a_scorecard_has_whole_points() -> None:
    answers, y, _ = table(noise=0.1)
    model = ConceptLinearClassifier(None, n_concepts=3, points=3).fit(answers, y)
    card = model.report_["scorecard"]
    assert np.abs(card["points"]).max() <= 3
    weights = np.array(model.model_.weights)
    np.testing.assert_allclose(weights, np.array(card["points"]) * card["scale"])
    assert model.score(answers, y) > 0.8


def test_ngrams_tell_what_the_questions_leave_over(tmp_path: Path) -> None:
    answers, y, texts = table()
    half = answers[[question("refund"), question("color")]]
    alone = ConceptLinearClassifier(None).fit(half, y, texts=texts)
    both = ConceptLinearClassifier(None, residual="ngrams").fit(half, y, texts=texts)
    assert "damage" in both.model_.residual.weights
    left = both.report_["residual"]
    assert left["score_both"] > left["score_questions"] + 0.1
    assert left["share_questions"] + left["share_ngrams"] == pytest.approx(1)
    right = (both.predict(half, texts=texts) == np.array(y)).mean()
    assert right > (alone.predict(half) == np.array(y)).mean() + 0.1
    both.export(tmp_path / "m.json")
    assert load(tmp_path / "m.json") == both.model_


# How far the answers are to be trusted ----------------------------------------------------------------


def other_opinion(request: Any) -> Any:
    """Answers as the oracle does, but decides on refund by the number of letters."""
    found = answers_of(request)
    content = request.messages[-1]["content"]
    for name in re.findall(r"^(q\d+): (?:Asked \")?Does the text speak of refund", content, re.M):
        for row, said in found.items():
            said[name] = "yes" if len(content) * int(row[1:]) % 3 else "no"
    return found


def test_questions_on_which_two_models_disagree_are_dropped() -> None:
    second = FakeLLM(other_opinion, name="second")
    model = ConceptLinearClassifier(oracle(), concepts=QUESTIONS, n_rounds=0, second_llm=second)
    model.fit(*rows())
    dropped = model.report_["candidates"].set_index("question")["dropped"]
    assert dropped[question("refund")] == "agreement"
    assert pd.isna(dropped[question("damage")])
    assert question("refund") not in asked(model)


def test_other_words_get_the_same_answers_from_a_model_that_reads() -> None:
    model = ConceptLinearClassifier(oracle(), concepts=QUESTIONS, n_rounds=0, reliability=0.2)
    model.fit(*rows())
    agreement = model.report_["agreement"]
    assert len(agreement) == len(QUESTIONS)
    assert agreement["kappa"].min() == 1.0


def test_gold_answers_tell_how_right_the_model_is() -> None:
    answers, y, _ = table()
    gold = answers.copy()
    gold.iloc[:60, :] = 1 - gold.iloc[:60, :]
    model = ConceptLinearClassifier(None, gold=gold).fit(answers, y)
    figures = model.report_["gold"].set_index("question")
    assert figures.loc[question("refund"), "n"] == 240
    assert 0.4 < figures["sensitivity"].iloc[0] < 0.9


# Questions that people hold ---------------------------------------------------------------------------


def test_given_questions_are_asked_and_no_others() -> None:
    fake = oracle()
    model = ConceptLinearClassifier(fake, concepts=QUESTIONS[:3], n_rounds=0).fit(*rows())
    assert asked(model) <= set(QUESTIONS[:3])
    assert len(fake.prompts) == texts_asked(fake), "nothing was proposed"


def test_a_locked_question_stays_and_a_vetoed_one_does_not_come_back() -> None:
    held = ConceptSet.of([question("weather")]).lock(question("weather"))
    held = held.add(question("refund")).veto(question("refund"))
    model = ConceptLinearClassifier(oracle(), concepts=held).fit(*rows())
    assert question("weather") in asked(model)
    assert question("refund") not in set(model.report_["candidates"]["question"])


def test_an_added_question_asks_for_nothing_else() -> None:
    fake = oracle()
    texts, y = rows()
    model = ConceptLinearClassifier(fake, concepts=QUESTIONS[:3], n_rounds=0).fit(texts, y)
    before = len(fake.prompts)
    edited = ConceptSet.of(QUESTIONS[:3]).add(question("login"))
    clone(model).set_params(concepts=edited).fit(texts, y)
    more = fake.prompts[before:]
    assert more
    assert all("speak of login" in prompt and "speak of refund" not in prompt for prompt in more)


def test_a_second_fit_sends_nothing_and_gives_the_same_model() -> None:
    fake = oracle()
    first = ConceptLinearClassifier(fake).fit(*rows())
    before = len(fake.prompts)
    second = ConceptLinearClassifier(fake).fit(*rows())
    assert len(fake.prompts) == before
    assert second.model_ == first.model_


def test_a_grid_search_over_the_model_sends_nothing_after_the_first_pass() -> None:
    fake = oracle()
    texts, y = rows(120)
    given = {"concepts": QUESTIONS, "n_rounds": 0}
    ConceptVectorizer(llm=fake, **given).fit_transform(texts)
    before = len(fake.prompts)
    search = GridSearchCV(ConceptLinearClassifier(fake, **given), {"n_concepts": [1, 2, 3]}, cv=5)
    search.fit(texts, y)
    assert search.best_params_["n_concepts"] >= 2
    assert len(fake.prompts) == before


def test_a_question_that_restates_the_label_is_dropped() -> None:
    answers, _, texts = table()
    y = ["refund" if "refund" in text.split() else "other" for text in texts]
    model = ConceptLinearClassifier(None).fit(answers, y)
    dropped = model.report_["candidates"].set_index("question")["dropped"]
    assert dropped[question("refund")] == "label"


@pytest.mark.parametrize(("said", "dropped"), [(True, True), (False, False), ("who knows", False)])
def test_the_model_is_asked_whether_what_predicts_all_restates_the_label(said: Any, dropped: bool) -> None:
    answers, _, texts = table()
    y = ["angry" if "refund" in text.split() else "calm" for text in texts]
    fake = FakeLLM(lambda request: dict.fromkeys(request.schema["properties"], said))
    model = ConceptLinearClassifier(fake, concepts=QUESTIONS, n_rounds=0, bank=False).fit(answers, y)
    table_of = model.report_["candidates"].set_index("question")["dropped"]
    assert (table_of[question("refund")] == "label") is dropped
    assert model.report_["restated"] == {
        "judged": 1,
        "restate": int(said is True),
        "missing": int(said == "who knows"),
    }
    assert "speak of refund" in fake.prompts[0]
    assert "speak of damage" not in fake.prompts[0]


def test_nothing_is_asked_where_no_question_predicts_all() -> None:
    answers, y, _ = table()
    fake = FakeLLM()
    model = ConceptLinearClassifier(fake, concepts=QUESTIONS, n_rounds=0).fit(answers, y)
    assert model.report_["restated"] is None
    assert not fake.prompts


def test_questions_that_nobody_answers_are_named() -> None:
    answers, y, texts = table()
    with pytest.raises(InputError, match="Nobody can answer"):
        ConceptLinearClassifier(None, bank=True).fit(answers, y, texts=texts)


# Without the LLM --------------------------------------------------------------------------------------


def test_distilled_it_predicts_without_the_llm(tmp_path: Path) -> None:
    answers, y, texts = table(400)
    model = ConceptLinearClassifier(None, n_concepts=2).fit(answers, y, texts=texts)
    assert not model.deployable_
    model.distill(answers, texts=texts)
    assert model.deployable_
    assert model.fidelity_["kappa"].min() > 0.9
    new, truth = rows(200, seed=9)
    assert model.score(new, truth) > 0.95
    model.export(tmp_path / "model.json")
    loaded = load(tmp_path / "model.json")
    assert loaded.predict(new) == model.predict(new).tolist()


def test_a_stand_in_below_the_gate_is_not_kept() -> None:
    answers, y, texts = table(400)
    chance = np.random.default_rng(0).random(400) < 0.5
    answers["Decided by a coin?"] = chance.astype(float)
    held = ConceptSet.of([*QUESTIONS, "Decided by a coin?"]).lock("Decided by a coin?")
    model = ConceptLinearClassifier(None, concepts=held, n_rounds=0).fit(answers, y, texts=texts)
    model.distill(answers, texts=texts)
    row = model.fidelity_.set_index("question").loc["Decided by a coin?"]
    assert not row["kept"]
    assert "kappa" in row["reason"]
    assert not model.deployable_
    with pytest.raises(InputError, match="Nobody can answer"):
        model.predict(texts)


def coin_table() -> tuple[pd.DataFrame, np.ndarray[Any, Any], list[str]]:
    """A label of two causes: one stands in the text, the other one no n-gram tells."""
    answers, _, texts = table(300)
    answers = answers[[question("refund")]].copy()
    answers["Decided by a coin?"] = (np.random.default_rng(0).random(300) < 0.5).astype(float)
    y = np.where(answers.sum(axis=1) + np.random.default_rng(1).normal(0, 0.4, 300) > 0.9, "yes", "no")
    return answers, y, texts


def test_with_labels_what_no_stand_in_answers_well_counts_less() -> None:
    answers, y, texts = coin_table()
    model = ConceptLinearClassifier(None).fit(answers, y, texts=texts)
    place = [q.text for q in model.model_.questions].index("Decided by a coin?")
    other = 1 - place
    model.distill(answers, texts=texts, min_kappa=-1)
    before = [weight for (weight,) in model.model_.weights]
    model.distill(answers, y, texts=texts, min_kappa=-1)
    after = [weight for (weight,) in model.model_.weights]
    assert before[place] > 0.7 * before[other] > 0
    assert 0 <= after[place] < 0.5 * after[other]
    told = model.report_["distilled"]
    assert told["score"] >= told["score_before"] > 0.5


@pytest.mark.parametrize("kind", ["signs", "points", "residual"])
def test_weights_for_stand_ins_are_of_the_same_kind(kind: str) -> None:
    answers, y, texts = coin_table()
    options: dict[str, Any] = {"signs": {"Decided by a coin?": 1}, "points": 3, "residual": "ngrams"}
    model = ConceptLinearClassifier(None, **{kind: options[kind]}).fit(answers, y, texts=texts)
    if kind == "signs":
        y = np.where(answers["Decided by a coin?"] == 1, "no", "yes")  # now it speaks the other way
    model.distill(answers, y, texts=texts, min_kappa=-1)
    weights = np.array(model.model_.weights)
    if kind == "signs":
        assert weights[[q.text for q in model.model_.questions].index("Decided by a coin?"), 0] >= 0
    elif kind == "points":
        card = model.report_["distilled"]["scorecard"]
        np.testing.assert_allclose(weights, np.array(card["points"]) * card["scale"])
    else:
        assert model.model_.residual is not None
        assert "residual" in model.report_["distilled"]


def test_labels_of_other_classes_are_refused_before_anything_is_learned() -> None:
    answers, y, texts = coin_table()
    model = ConceptLinearClassifier(None).fit(answers, y, texts=texts)
    with pytest.raises(InputError, match="rows of each class"):
        model.distill(answers, np.where(y == "yes", "maybe", "no"), texts=texts)
    assert not hasattr(model, "fidelity_")


# Refusals ---------------------------------------------------------------------------------------------


def test_proposals_without_a_model_are_refused() -> None:
    answers, y, _ = table()
    with pytest.raises(CapabilityError, match="n_rounds=0"):
        ConceptLinearClassifier(None, n_rounds=2).fit(answers, y)


def test_an_answer_out_of_range_is_refused_with_its_row() -> None:
    answers, y, _ = table()
    answers.iloc[7, 2] = 3.0
    with pytest.raises(InputError, match="Row 7 of column 'Does the text speak of damage"):
        ConceptLinearClassifier(None).fit(answers, y)


def test_predicting_answers_without_a_question_names_it() -> None:
    answers, y, _ = table()
    model = ConceptLinearClassifier(None).fit(answers, y)
    with pytest.raises(InputError, match="no column for the question"):
        model.predict(answers.drop(columns=question("refund")))


def test_a_sign_of_an_unknown_question_is_refused() -> None:
    answers, y, _ = table()
    with pytest.raises(InputError, match="none of the questions"):
        ConceptLinearClassifier(None, signs={"Is it?": 1}).fit(answers, y)


def test_it_pickles_and_explains(proposed: tuple[ConceptLinearClassifier, FakeLLM]) -> None:
    model, _ = proposed
    again = pickle.loads(pickle.dumps(model))
    assert again.model_ == model.model_
    texts = rows(20, seed=3)[0]
    decisions = model.decision_function(texts)
    for decision, explanation in zip(decisions, model.explain(texts), strict=True):
        total = explanation.base[0] + sum(part.values[0] for part in explanation.contributions)
        assert total == pytest.approx(decision, abs=1e-9)


def test_the_plan_is_what_is_metered(tmp_path: Path) -> None:
    session = connect(oracle(), cache=tmp_path)
    texts, y = rows(120)
    model = ConceptLinearClassifier(session, concepts=QUESTIONS, n_rounds=0)
    plan = model.plan(texts)
    model.fit(texts, y)
    assert session.usage.requests == pytest.approx(plan.requests, rel=0.1)


# The transformer --------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_the_vectorizer_gives_named_columns(container: str) -> None:
    pytest.importorskip(container)
    vectorizer = ConceptVectorizer(QUESTIONS[:2], oracle(), n_rounds=0).set_output(transform=container)
    found = vectorizer.fit_transform(rows(30)[0])
    assert list(found.columns) == [q.id for q in vectorizer.concepts_]
    assert found.shape == (30, 2)


def test_the_vectorizer_keeps_what_is_missing() -> None:
    answers, _, _ = table(30)
    answers.iloc[3, 1] = np.nan
    found = ConceptVectorizer(llm=None).fit_transform(answers)
    assert np.isnan(found[3, 1])
    assert np.isnan(found).sum() == 1
