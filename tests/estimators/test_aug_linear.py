"""Aug-Linear finds what is planted, with an LLM and without, and pays for nothing twice."""

from __future__ import annotations

import json
import pickle
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from interpllm.errors import CapabilityError, InputError, ModelNotFoundError
from interpllm.estimators import AugLinearClassifier, AugLinearRegressor
from interpllm.llm import Session, Store
from interpllm.llm.openai_http import OpenAIBackend
from interpllm.runtime import dumps, load
from interpllm.testing import FakeLLM

GOOD = [f"good{i}" for i in range(60)]
BAD = [f"bad{i}" for i in range(60)]
FILLER = [f"w{i}" for i in range(25)]


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def planted(n: int = 60, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of filler and of one word that says the class."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    words = [random.choice(GOOD[:3] if k else BAD[:3]) for k in y]
    texts = [" ".join([*random.choice(FILLER, 3), word, random.choice(FILLER)]) for word in words]
    return texts, ["yes" if k else "no" for k in y]


def rare(n: int = 80, seed: int = 1) -> tuple[list[str], list[str]]:
    """Texts whose telling words are too rare to be learned one by one."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    texts = [
        " ".join([*random.choice(GOOD[:40] if k else BAD[:40], 2), *random.choice(FILLER, 2)]) for k in y
    ]
    return texts, ["yes" if k else "no" for k in y]


def meaning(text: str) -> list[float]:
    """Words of like meaning have like vectors."""
    return [float("good" in text), float("bad" in text), 0.1 * (len(text) % 3)]


def knowing(**options: Any) -> FakeLLM:
    return FakeLLM(vectors=meaning, batch_size=64, name="knowing", **options)


def small(llm: Any = None, **options: Any) -> AugLinearClassifier:
    return AugLinearClassifier(llm, **{"ngram_range": (1, 1), "cv": 2} | options)


@pytest.fixture(scope="module")
def plain() -> AugLinearClassifier:
    return small(cv=3).fit(*planted())


@pytest.fixture(scope="module")
def helped(tmp_path_factory: pytest.TempPathFactory) -> AugLinearClassifier:
    """Fitted with an LLM that knows the words' meaning, and a vocabulary of words that no row has."""
    cache = tmp_path_factory.mktemp("helped")
    return small(knowing(), vocabulary=[*GOOD[40:], *BAD[40:]], cache=cache).fit(*rare())


# Without an LLM ---------------------------------------------------------------------------------------


def test_planted_words_get_their_sign(plain: AugLinearClassifier) -> None:
    weights = {phrase: values[0] for phrase, values in plain.model_.weights.items()}
    assert min(weights[word] for word in GOOD[:3]) > 0 > max(weights[word] for word in BAD[:3])
    assert plain.predict(["good0 w1", "w1 bad2"]).tolist() == ["yes", "no"]


@pytest.mark.parametrize("labels", [["a", "b", "c"], [3, 1, 2]])
def test_many_classes_of_any_kind(labels: list[Any]) -> None:
    texts = [f"{word} w{i % 7}" for i in range(20) for word in ("red", "green", "blue")]
    model = small().fit(texts, labels * 20)
    assert model.predict(["red", "green", "blue"]).tolist() == labels
    assert model.predict_proba(["red"]).shape == (1, 3)


@pytest.mark.parametrize("labels", [[False, True], [-1, 1]])
def test_two_classes_of_any_kind(labels: list[Any]) -> None:
    texts = [f"{word} w{i % 7}" for i in range(15) for word in ("bad", "good")]
    model = small().fit(texts, labels * 15)
    predicted = model.predict(["bad", "good"])
    assert predicted.tolist() == labels
    assert predicted.dtype == np.asarray(labels).dtype or isinstance(labels[0], str)


def test_probabilities_agree_with_predictions(plain: AugLinearClassifier) -> None:
    texts = [*planted(seed=5)[0], "", "w1 w2"]
    most = plain.classes_[plain.predict_proba(texts).argmax(axis=1)]
    assert most.tolist() == plain.predict(texts).tolist()


def test_rows_of_weight_zero_teach_nothing() -> None:
    texts, y = planted()
    wrong = ["no" if label == "yes" else "yes" for label in y]
    model = small().fit(texts + texts, y + wrong, sample_weight=[1.0] * 60 + [0.0] * 60)
    assert model.score(texts, y) == 1.0


def test_an_example_may_stand_behind_rows_of_weight_zero() -> None:
    texts, y = planted()
    model = small().fit(["elsewhere"] * 90 + texts, ["no"] * 90 + y, sample_weight=[0.0] * 90 + [1.0] * 60)
    rule = model.get_rules().set_index("rule").loc['mentions "good0"']
    assert "good0" in texts[rule["examples"][0] - 90]


def test_uneven_weights_of_rows_that_are_all_right_are_no_trouble() -> None:
    texts, y = planted()
    with warnings.catch_warnings(action="error"):
        small().fit(texts, y, sample_weight=np.random.default_rng(0).random(60) + 0.1)


def test_a_class_weight_moves_the_intercept() -> None:
    texts, y = planted()
    towards = [
        small(class_weight={"yes": w, "no": 1.0}).fit(texts, y).predict_proba([""])[0, 1] for w in (1, 20)
    ]
    assert towards[1] > towards[0] + 0.05


def test_regression_finds_what_words_add() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["up", "down", *FILLER[:6]], 4, replace=False)) for _ in range(80)]
    y = [1000 + 50.0 * ("up" in t) - 50.0 * ("down" in t) for t in texts]
    model = AugLinearRegressor(None, ngram_range=(1, 1), cv=2).fit(texts, y)
    assert model.score(texts, y) > 0.95
    assert model.predict(["up w1"])[0] > 1020 > 980 > model.predict(["down w1"])[0]


def test_the_interval_of_a_mean_is_students() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["up", "down", *FILLER[:6]], 4, replace=False)) for _ in range(80)]
    y = [1000 + 50.0 * ("up" in t) - 50.0 * ("down" in t) + random.normal() for t in texts]
    rules = AugLinearRegressor(None, ngram_range=(1, 1), cv=2).fit(texts, y).get_rules().set_index("rule")
    rule = rules.loc['mentions "up"']
    having = np.array([value for text, value in zip(texts, y, strict=True) if "up" in text])
    ends = t.interval(0.95, len(having) - 1, having.mean(), having.std(ddof=1) / np.sqrt(len(having)))
    assert (rule["low"], rule["high"]) == pytest.approx(ends, rel=1e-5)
    assert np.isnan(rule["recall"])


# What it holds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4])
def test_no_more_terms_than_asked_for(size: int) -> None:
    model = small(max_terms=size).fit(*planted())
    assert 0 < model.model_.n_terms == model.report_["n_terms"] <= size


def test_few_terms_are_the_telling_ones() -> None:
    assert set(small(max_terms=6).fit(*planted()).model_.weights) == {*GOOD[:3], *BAD[:3]}


def test_a_fixed_ngram_range_is_kept() -> None:
    model = small(ngram_range=(2, 2)).fit(["not good", "very good"] * 8, [0, 1] * 8)
    assert set(model.model_.weights) == {"not good", "very good"}


def test_the_report_tells_score_by_size(helped: AugLinearClassifier) -> None:
    report = helped.report_
    assert {"plain", "chosen", "templates", "trials", "curve", "n_terms", "usage"} <= set(report)
    sizes = [point["size"] for point in report["curve"]]
    assert sizes[:3] == [10, 20, 50]
    assert sizes == sorted(sizes)
    # The last one is the whole table, judged on the same rows as the others.
    chosen = report["chosen"]
    assert report["curve"][-1] == {
        "size": round(chosen["n_terms"]),
        "score": chosen["score"],
        "loss": chosen["loss"],
    }
    assert all(0 <= point["score"] <= 1 for point in report["curve"])


def test_a_report_without_an_llm_says_so(plain: AugLinearClassifier) -> None:
    assert plain.report_["usage"] is None
    assert plain.report_["chosen"] == plain.report_["plain"]


def test_explanations_add_up(plain: AugLinearClassifier) -> None:
    texts = ["good0 w1 unheard", "", "bad1 good1"]
    for explanation, score in zip(plain.explain(texts), plain.decision_function(texts), strict=True):
        total = explanation.base[0] + sum(c.values[0] for c in explanation.contributions)
        assert total == pytest.approx(score, abs=1e-9)


def test_rules_tell_support_and_precision_in_the_rows(plain: AugLinearClassifier) -> None:
    texts, y = planted()
    rules = plain.get_rules().set_index("rule")
    rule = rules.loc['mentions "good0"']
    having = [label for text, label in zip(texts, y, strict=True) if "good0" in text]
    assert (rule["support"], rule["precision"], rule["prediction"]) == (len(having), 1.0, "yes")
    assert all("good0" in texts[row] for row in rule["examples"])
    assert (rule["recall"], rule["lift"]) == (
        pytest.approx(len(having) / y.count("yes")), pytest.approx(len(y) / y.count("yes"))
    )  # fmt: skip
    assert (rule["source"], rule["n_train"], rule["high"]) == ("data", len(y), 1.0)


def test_an_exported_model_predicts_the_same(helped: AugLinearClassifier, tmp_path: Path) -> None:
    texts = [*rare(seed=9)[0], "", "good55"]
    model = load(helped.export(tmp_path / "model.json"))
    np.testing.assert_allclose(model.decision_function(texts), helped.decision_function(texts), atol=1e-9)


# With an LLM ------------------------------------------------------------------------------------------


def test_words_of_like_meaning_share_a_weight(helped: AugLinearClassifier) -> None:
    assert helped.report_["chosen"]["choice"]["scale"] > 0
    assert helped.report_["chosen"]["score"] > helped.report_["plain"]["score"] + 0.1


def test_a_vocabulary_adds_unseen_words_with_the_sign_of_their_meaning(helped: AugLinearClassifier) -> None:
    weights = {phrase: values[0] for phrase, values in helped.model_.weights.items()}
    assert min(weights[word] for word in GOOD[40:]) > 0 > max(weights[word] for word in BAD[40:])
    assert helped.report_["n_terms_beyond_training"] == 40
    rules = helped.get_rules().set_index("rule")
    assert rules.loc['mentions "good50"', "support"] == 0


def test_rows_too_alike_to_be_judged_are_said_to_be(tmp_path: Path) -> None:
    alike = ["one and the same text of the rare class"] * 5
    texts, y = planted(20)
    with pytest.warns(UserWarning, match="too few texts that differ"):
        small(knowing(), cache=tmp_path).fit(texts + alike, y + ["rare"] * 5)


def tells(prompt: str, option: str) -> float:
    """Names the class of a text behind one cue, and behind others by chance."""
    right = (option == " yes") == ("good" in prompt)
    return -0.1 if right and prompt.startswith("Is the text") else -1.0


def test_with_few_labels_what_the_llm_says_of_further_texts_is_learned(tmp_path: Path) -> None:
    texts, y = rare(24)
    pool = rare(400, seed=3)[0]
    new, expected = rare(100, seed=4)
    scored = []
    for scores in (tells, None):
        llm = FakeLLM(scores=scores, batch_size=64)
        model = small(llm, vocabulary=pool, cache=tmp_path, random_state=0).fit(texts, y)
        scored.append(model.score(new, expected))
    assert model.report_["usage"]["failures"] == 0
    assert scored[0] > 0.95
    assert scored[0] > scored[1] + 0.1


def test_with_few_labels_the_template_is_the_one_behind_which_the_llm_names_classes_best(
    tmp_path: Path,
) -> None:
    llm = FakeLLM(scores=tells, batch_size=64)
    model = small(llm, vocabulary=rare(200, seed=3)[0], cache=tmp_path).fit(*rare(60))
    losses = model.report_["templates"]
    assert min(losses, key=losses.get).startswith("Is the text no or yes?")
    assert "{text}" not in losses, "the bare text asks for nothing"


def test_with_many_labels_nothing_is_scored(tmp_path: Path) -> None:
    llm = FakeLLM(scores=tells, batch_size=64)
    small(llm, cache=tmp_path).fit(*planted(500))
    assert not llm.received["score"]


def test_cut_texts_teach_and_whole_ones_judge(tmp_path: Path) -> None:
    texts, y = planted(60)
    cut = [" ".join(text.split()[start : start + 2]) for start in (0, 1) for text in texts]
    model = small().fit(texts + cut, y + ["no", "yes"] * 60)  # filler alone tells nothing
    assert model.report_["chosen"]["score"] > 0.95


def test_a_limit_holds_for_the_vocabulary_too(tmp_path: Path) -> None:
    llm = knowing()
    model = small(llm, vocabulary=[*GOOD, *BAD], max_terms=30, cache=tmp_path).fit(*rare())
    assert model.model_.n_terms == 30


def test_an_llm_without_a_clue_is_left_out(tmp_path: Path) -> None:
    alone = small().fit(*planted())
    model = small(FakeLLM(batch_size=64), cache=tmp_path).fit(*planted())
    assert model.score(*planted(seed=7)) >= alone.score(*planted(seed=7)) - 0.02


def test_without_distilling_no_whole_text_is_read(tmp_path: Path) -> None:
    llm = knowing()
    texts, y = rare()
    model = small(llm, distill=False, cache=tmp_path).fit(texts, y)
    assert not any(text in sent for sent in llm.texts for text in texts)
    assert model.report_["chosen"]["choice"]["mix"] == 0


def test_each_ngram_is_read_once_in_the_chosen_template(tmp_path: Path) -> None:
    llm = knowing()
    small(llm, cache=tmp_path).fit(*rare())
    assert len(llm.texts) == len(set(llm.texts))


def test_nothing_but_the_readable_model_is_asked_at_predict(tmp_path: Path) -> None:
    llm = knowing()
    model = small(llm, cache=tmp_path).fit(*rare())
    before = llm.received.total()
    model.predict(["good0"]), model.explain(["bad0"])
    assert llm.received.total() == before


def test_threads_change_nothing(tmp_path: Path) -> None:
    fits = [small(knowing(), n_jobs=jobs, cv=3, cache=tmp_path).fit(*rare()) for jobs in (None, 2)]
    assert dumps(fits[0].model_) == dumps(fits[1].model_)


# What is paid -----------------------------------------------------------------------------------------


def test_a_second_fit_asks_nothing_and_is_the_same_to_the_byte(tmp_path: Path) -> None:
    llm = knowing()
    first = small(llm, cache=tmp_path).fit(*rare())
    sent = llm.received.total()
    second = small(llm, cache=tmp_path).fit(*rare())
    assert llm.received.total() == sent > 0
    assert second.report_["usage"]["requests"] == 0
    assert dumps(first.model_) == dumps(second.model_)


def over_http(url: str, folder: Path) -> Session:
    return Session(OpenAIBackend(url, model="knowing"), store=Store(folder / "replies.sqlite"), backoff=0.001)


def test_a_second_fit_asks_a_server_nothing(tmp_path: Path) -> None:
    llm = knowing()
    with llm.serve() as url:
        with over_http(url, tmp_path) as session:
            first = small(session).fit(*rare())
        sent = llm.received.total()
        with over_http(url, tmp_path) as session:
            second = small(session).fit(*rare())
    assert llm.received.total() == sent > 0
    assert dumps(first.model_) == dumps(second.model_)


@pytest.mark.parametrize("task", [None, "mood of a text"])
def test_a_plan_asks_nothing_and_bounds_what_a_fit_asks(tmp_path: Path, task: str | None) -> None:
    llm, (texts, y) = knowing(), rare()
    model = small(llm, task=task, vocabulary=[*GOOD, *BAD], cache=tmp_path, ngram_range="auto")
    plan = model.plan(texts)
    assert llm.received.total() == 0
    model.fit(texts, y)
    assert 0 < llm.received["embed"] <= plan.requests
    assert len(llm.texts) <= plan.llm.items


def test_a_plan_with_the_labels_knows_what_an_earlier_fit_asked(tmp_path: Path) -> None:
    llm, (texts, y) = knowing(), rare()
    model = small(llm, task="mood of a text", cache=tmp_path, ngram_range="auto")
    before = model.plan(texts, y)
    model.fit(texts, y)
    assert before.requests > 0
    assert model.plan(texts, y).requests == 0
    assert model.plan([*texts, "one text more"], [*y, y[0]]).requests > 0


def test_an_encoder_that_is_not_here_is_said_before_any_work() -> None:
    with pytest.raises(ModelNotFoundError, match="minilm"):
        small(finetune=True).fit(["one text", "another"], ["yes", "no"])


@pytest.mark.local
def test_a_plan_counts_what_fine_tuning_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERPLLM_CACHE")
    texts, _ = rare()
    plan = small(finetune=True).plan(texts)
    assert plan.requests == 0
    assert plan.seconds == plan.encoder.seconds > 0
    assert "fine-tuning an encoder reads" in str(plan)
    twice = small(finetune=True).plan([*texts, *(f"{text} again" for text in texts)])
    assert twice.encoder.items > 1.5 * plan.encoder.items


def test_a_plan_without_an_llm_costs_nothing() -> None:
    plan = small().plan(["one two", "two three"])
    assert (plan.n_ngrams, plan.requests, plan.tokens, plan.seconds) == (3, 0, 0, 0)


# What goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"ngram_range": (2, 1)},
        {"ngram_range": (0, 1)},
        {"ngram_range": "all"},
        {"ngram_range": 2},
        {"ngram_range": (1,)},
        {"max_terms": 0},
        {"max_terms": "many"},
        {"cv": 1},
        {"cv": 2.5},
        {"n_jobs": 0},
        {"n_jobs": "x"},
        {"class_weight": {"yes": -2, "no": 1}},
        {"class_weight": {"yes": 0, "no": 1}},
        {"distill": "yes"},
        {"finetune": "yes"},
        {"task": 3},
        {"random_state": -1},
        {"vocabulary": "word"},
        {"vocabulary": [None]},
        {"llm": 3},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_used_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"language model" if "llm" in wrong else next(iter(wrong))):
        small(**wrong).fit(*planted())


class CannotEmbed(FakeLLM):
    """Completes and scores."""

    capabilities = frozenset({"complete", "score"})  # type: ignore[assignment]


def test_an_llm_that_cannot_embed_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match=r"cannot embed.*llm='local'"):
        small(CannotEmbed(), cache=tmp_path).fit(*planted())


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(InputError, match="No word stands"):
        small().fit(["...", "", "--"] * 2, [0, 1, 0] * 2)


@pytest.mark.filterwarnings("ignore:A class .* too few texts that differ")
@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("llm", [None, FakeLLM(batch_size=64)], ids=["plain", "llm"])
def test_few_rows_are_enough(n: int, llm: Any, tmp_path: Path) -> None:
    texts, y = ["good film", "bad film", "good", "bad", "good one"], [1, 0, 1, 0, 1]
    model = AugLinearClassifier(llm, cache=tmp_path).fit(texts[:n], y[:n])
    assert model.predict(["good", "bad"]).tolist() == [1, 0]


def test_few_rows_of_a_regression_are_enough() -> None:
    assert AugLinearRegressor(None).fit(["up", "down"], [1.0, 0.0]).predict(["up"])[0] > 0.5


@pytest.mark.parametrize("max_terms", [None, 1])
def test_texts_that_are_all_the_same_predict_the_larger_class(max_terms: int | None) -> None:
    model = small(max_terms=max_terms).fit(["the same text again and again"] * 9, [0, 1, 1] * 3)
    assert model.predict(["the same text again and again"]).tolist() == [1]


def test_a_constant_target_is_predicted() -> None:
    model = AugLinearRegressor(None, ngram_range=(1, 1), cv=2).fit(planted()[0], [7.0] * 60)
    assert model.predict(["good0"])[0] == pytest.approx(7.0)


def test_parameters_survive_a_clone_and_a_pickle(helped: AugLinearClassifier) -> None:
    assert clone(helped).get_params()["vocabulary"] == helped.vocabulary
    again = pickle.loads(pickle.dumps(small().fit(*planted())))
    assert again.predict(["good0", "bad0"]).tolist() == ["yes", "no"]


def test_the_documents_meta_is_plain_data(helped: AugLinearClassifier) -> None:
    meta = json.loads(dumps(helped.model_))["meta"]
    assert meta["llm"] == {"model": "knowing"}
    assert meta["choice"] == helped.report_["chosen"]["choice"]


# With the embedded models -----------------------------------------------------------------------------


@pytest.mark.local
def test_the_embedded_encoder_helps_with_tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from interpllm.datasets import load_tickets

    monkeypatch.delenv("INTERPLLM_CACHE")
    tickets: pd.DataFrame = load_tickets().sample(60, random_state=0)
    text, label = tickets.columns[:2]
    model = small("minilm", cache=tmp_path, distill=False).fit(tickets[text], tickets[label])
    assert model.model_.meta["cross_validation"]["score"] > 1 / tickets[label].nunique()
    assert model.report_["usage"]["requests"] > 0


@pytest.mark.local
def test_fine_tuning_is_repeated_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERPLLM_CACHE")
    texts = [f"{word} {end}" for word in ("great", "awful") for end in ("film", "plot", "cast", "score")] * 3
    y = [1] * 4 + [0] * 4
    begun = time.monotonic()
    first = small(None, finetune=True, cache=tmp_path).fit(texts, y * 3)
    once = time.monotonic() - begun
    second = small(None, finetune=True, cache=tmp_path).fit(texts, y * 3)
    assert dumps(first.model_) == dumps(second.model_)
    assert once < 60
