"""Aug-Tree finds planted lexicons, keeps only proposals that help, and pays for nothing twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from interpllm.errors import CapabilityError, InputError
from interpllm.estimators import AugTreeClassifier, AugTreeRegressor
from interpllm.llm import Request
from interpllm.propose import ngrams as counting
from interpllm.runtime import dumps, load
from interpllm.testing import FakeLLM
from interpllm.testing.faults import Fault

FILLER = [f"w{i}" for i in range(12)]


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def synonyms(n: int = 200, n_words: int = 6, seed: int = 0) -> tuple[list[str], list[str]]:
    """Each text has one telling word of many that never stand together, and filler."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    telling = [f"{'good' if k else 'bad'}{random.integers(n_words)}" for k in y]
    return [" ".join([*random.choice(FILLER, 3), word]) for word in telling], [
        "yes" if k else "no" for k in y
    ]


def meaning(text: str) -> list[float]:
    """Words of like meaning have like vectors."""
    return [float("good" in text), float("bad" in text), 0.1 * (len(text) % 3)]


def knowing(answers: Any = None, **options: Any) -> FakeLLM:
    return FakeLLM(answers, **{"vectors": meaning, "batch_size": 64, "name": "knowing"} | options)


def writing(like: dict[str, list[str]], **options: Any) -> FakeLLM:
    """A model whose vectors know nothing and that writes these phrases for these keywords."""

    def answer(request: Request) -> Any:
        asked = str(request.messages[-1]["content"])
        return {"keywords": [{"keyword": k, "phrases": p} for k, p in like.items() if json.dumps(k) in asked]}

    return FakeLLM(answer, vectors=lambda text: [1.0, 0.0], **{"name": "writing"} | options)


def small(llm: Any = None, **options: Any) -> AugTreeClassifier:
    return AugTreeClassifier(llm, **{"ngram_range": (1, 1)} | options)


def lexicons(model: Any) -> list[set[str]]:
    return [set(condition.phrases) for condition in model.model_.conditions()]


# Without an LLM ---------------------------------------------------------------------------------------


def test_planted_synonyms_make_one_lexicon() -> None:
    model = small(max_leaf_nodes=2).fit(*synonyms())
    (found,) = lexicons(model)
    assert found in ({f"good{i}" for i in range(6)}, {f"bad{i}" for i in range(6)})
    assert model.score(*synonyms(seed=1)) == 1.0


def test_a_node_reads_as_a_sentence() -> None:
    assert 'if mentions any of: "' in str(small(max_leaf_nodes=2).fit(*synonyms()).model_)


@pytest.mark.parametrize("labels", [["a", "b", "c"], [3, 1, 2]])
def test_many_classes_of_any_kind(labels: list[Any]) -> None:
    texts = [f"{word} w{i % 7} x{i % 5}" for i in range(35) for word in ("red", "green", "blue")]
    model = small().fit(texts, labels * 35)
    assert model.predict(["red", "green", "blue"]).tolist() == labels


def test_regression_finds_what_a_word_adds() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.choice(["up", "down", *FILLER], 6, replace=False)) for _ in range(200)]
    y = [1000 + 50.0 * ("up" in t.split()) - 50.0 * ("down" in t.split()) for t in texts]
    model = AugTreeRegressor(None, ngram_range=(1, 1)).fit(texts, y)
    assert model.score(texts, y) > 0.9
    assert model.predict(["up w1"])[0] > 1020 > 980 > model.predict(["down w1"])[0]
    assert model.model_.base == pytest.approx((np.mean(y),))


def test_rows_of_weight_zero_teach_nothing() -> None:
    texts, y = synonyms()
    wrong = ["no" if label == "yes" else "yes" for label in y]
    model = small().fit(texts + texts, y + wrong, sample_weight=[1.0] * len(y) + [0.0] * len(y))
    assert model.score(texts, y) == 1.0


def test_weights_move_the_shares() -> None:
    texts = ["w0 w1", "w1 w2", "w2 w3", "w3 w4"] * 10
    shares = [
        small(max_depth=1).fit(texts, ["a", "b"] * 20, sample_weight=[w, 1.0] * 20).predict_proba([""])[0, 0]
        for w in (1.0, 9.0)
    ]
    assert shares[1] > shares[0] + 0.2


def test_limits_hold_in_the_fitted_model() -> None:
    texts, y = synonyms(n_words=12)
    model = small(max_depth=3, max_leaf_nodes=5, min_samples_leaf=12, max_phrases=4).fit(texts, y)
    (tree,) = model.model_.trees
    assert model.report_["depth"][0] <= 3
    assert model.model_.n_leaves <= 5
    assert min(node.n_rows for node in tree) >= 12
    assert max(map(len, lexicons(model))) <= 4


def test_a_price_on_leaves_takes_splits_back() -> None:
    texts, y = synonyms(n_words=40)
    sizes = [
        small(ccp_alpha=alpha, max_phrases=4).fit(texts, y).model_.n_leaves for alpha in (0.0, 0.02, 0.5)
    ]
    assert sizes[0] > sizes[1] > sizes[2] == 1


def test_texts_are_cut_once_whatever_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = Counter[str]()
    plain = counting.ngrams

    def counted(text: str, lo: int, hi: int) -> list[str]:
        cut[text] += 1
        return plain(text, lo, hi)

    monkeypatch.setattr(counting, "ngrams", counted)
    texts, y = synonyms()
    small(knowing(), n_trees=4).fit(texts, y)
    assert cut == Counter(texts)


def test_a_forest_is_as_many_trees_that_differ() -> None:
    model = small(n_trees=4).fit(*synonyms())
    assert len(set(model.model_.trees)) == 4
    assert model.report_["n_trees"] == len(model.report_["held_back_score"]) == 4
    assert model.score(*synonyms(seed=1)) > 0.95


def test_threads_change_nothing() -> None:
    fits = [small(n_trees=4, n_jobs=jobs).fit(*synonyms()) for jobs in (None, 2)]
    assert dumps(fits[0].model_) == dumps(fits[1].model_)


def test_a_seed_changes_the_draws_and_only_a_seed_does() -> None:
    fits = [dumps(small(n_trees=3, random_state=seed).fit(*synonyms()).model_) for seed in (None, 0, 1)]
    assert fits[0] == fits[1] != fits[2]


def test_labels_by_chance_leave_nothing_to_say() -> None:
    texts, _ = synonyms()
    y = np.random.default_rng(7).integers(0, 2, len(texts))
    model = small(min_samples_leaf=20).fit(texts, y)
    assert abs(model.report_["held_back_score"][0] - 0.5) < 0.15


def test_an_exported_model_predicts_the_same(tmp_path: Path) -> None:
    model = small(n_trees=2).fit(*synonyms())
    texts = [*synonyms(seed=3)[0], "", "good5 bad1"]
    again = load(model.export(tmp_path / "model.json"))
    assert again.predict_proba(texts) == model.model_.predict_proba(texts)


# With an LLM ------------------------------------------------------------------------------------------


def test_vectors_tell_of_words_too_rare_to_be_learned_one_by_one(tmp_path: Path) -> None:
    rare, new = synonyms(160, n_words=60), synonyms(400, n_words=60, seed=2)
    alone = small().fit(*rare)
    helped = small(knowing(), cache=tmp_path).fit(*rare)
    assert helped.report_["told_by_weights"]["vectors"] > helped.report_["told_by_weights"]["rows"]
    assert helped.score(*new) > alone.score(*new) + 0.05


def test_what_the_model_writes_widens_a_lexicon_where_the_rows_bear_it_out(tmp_path: Path) -> None:
    texts, y = synonyms()
    llm = writing({"good0": ["good1", "bad1", "w1", "unheard of"], "bad0": ["bad1", "good1"]})
    model = small(llm, max_phrases=3, max_leaf_nodes=2, cache=tmp_path).fit(texts, y)
    report = model.report_
    assert report["keywords"]["proposed"] == 5
    assert report["keywords"]["rejected"] == {"in no row, or in too few": 1}
    kinds = {phrase[:3] for phrase in lexicons(model)[0]}
    assert kinds in ({"goo"}, {"bad"})


def test_the_report_says_who_each_widening_phrase_came_from(tmp_path: Path) -> None:
    # Few rows have each telling word, and much filler tells something by chance; the model writes for each
    # telling word all the others.
    random = np.random.default_rng(0)
    kinds, filler = ("bad", "good"), [f"w{i}" for i in range(300)]
    y = np.arange(400) % 2
    texts = [" ".join([f"{kinds[k]}{random.integers(60)}", *random.choice(filler, 8)]) for k in y]
    words = {kind: [f"{kind}{i}" for i in range(60)] for kind in kinds}
    like = {word: others for others in words.values() for word in others}
    model = small(writing(like), cache=tmp_path, max_leaf_nodes=8).fit(texts, y)
    told = [entry["widened_by"].get("llm", []) for entry in model.report_["lexicons"]]
    assert model.report_["widened"]["llm"] == sum(map(len, told)) > 0
    for widened, held in zip(told, lexicons(model), strict=True):
        assert set(widened) <= held
        assert {word.rstrip("0123456789") for word in widened} <= set(kinds)


def test_what_hurts_on_rows_held_back_is_not_kept(tmp_path: Path) -> None:
    texts, y = synonyms()
    like = {f"{kind}{i}": FILLER for kind in ("good", "bad") for i in range(6)}
    model = small(writing(like), cache=tmp_path, max_leaf_nodes=2).fit(texts, y)
    assert model.report_["widened"] == {"llm": 0, "vectors": 0}
    assert model.report_["refused"] >= len(FILLER)
    assert not lexicons(model)[0] & set(FILLER)


def test_a_reply_that_is_garbage_is_counted_and_brings_nothing(tmp_path: Path) -> None:
    llm = knowing(lambda request: "Of course! good, better, best", name="garbage")
    model = small(llm, cache=tmp_path).fit(*synonyms())
    keywords = model.report_["keywords"]
    assert keywords["failed_requests"] == keywords["requests"] > 0
    assert keywords["proposed"] == model.report_["widened"]["llm"] == 0
    assert model.report_["usage"]["failures"] == keywords["failed_requests"]
    assert model.score(*synonyms(seed=1)) == 1.0


def test_a_server_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    steady = small(writing({"good0": ["good1"]}), cache=tmp_path / "a").fit(*synonyms())
    faults = [Fault("bad_json", at=(1,), verb="complete")]
    shaky = small(writing({"good0": ["good1"]}, faults=faults), cache=tmp_path / "b").fit(*synonyms())
    assert dumps(shaky.model_) == dumps(steady.model_)
    assert shaky.report_["keywords"]["asked_again"] == 1


def test_the_embedded_model_is_not_asked_to_write(tmp_path: Path) -> None:
    llm = knowing(name="smollm2-135m")
    small(llm, cache=tmp_path).fit(*synonyms())
    assert llm.received["complete"] == 0
    assert llm.received["embed"] > 0


class OnlyWrites(FakeLLM):
    """Completes, and nothing else."""

    capabilities = frozenset({"complete"})  # type: ignore[assignment]


class OnlyScores(FakeLLM):
    """Scores, and nothing else."""

    capabilities = frozenset({"score"})  # type: ignore[assignment]


def test_a_model_that_only_writes_is_enough(tmp_path: Path) -> None:
    model = small(OnlyWrites(), cache=tmp_path).fit(*synonyms())
    assert model.report_["keywords"]["requests"] > 0
    assert set(model.report_["told_by_weights"]) == {"rows"}


def test_a_model_that_can_neither_embed_nor_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match=r"neither embed nor complete.*llm='local'"):
        small(OnlyScores(), cache=tmp_path).fit(*synonyms())


def test_nothing_is_asked_at_predict(tmp_path: Path) -> None:
    llm = knowing()
    model = small(llm, cache=tmp_path).fit(*synonyms())
    before = llm.received.total()
    model.predict(["good0"]), model.explain(["bad0"]), model.get_rules()
    assert llm.received.total() == before


def test_a_second_fit_asks_nothing_and_is_the_same_to_the_byte(tmp_path: Path) -> None:
    llm = writing({"good0": ["good1"]})
    first = small(llm, cache=tmp_path).fit(*synonyms())
    sent = llm.received.total()
    second = small(llm, cache=tmp_path).fit(*synonyms())
    assert llm.received.total() == sent > 0
    assert second.report_["usage"]["requests"] == 0
    assert dumps(first.model_) == dumps(second.model_)


def test_a_forest_asks_no_more_than_a_tree(tmp_path: Path) -> None:
    asked = []
    for n_trees in (1, 5):
        llm = writing({"good0": ["good1"]})
        small(llm, n_trees=n_trees, cache=tmp_path / str(n_trees)).fit(*synonyms())
        asked.append(llm.received.total())
    assert asked[0] == asked[1]


@pytest.mark.parametrize("task", [None, "mood of a text"])
def test_a_plan_asks_nothing_and_bounds_what_a_fit_asks(tmp_path: Path, task: str | None) -> None:
    llm, (texts, y) = writing({}), synonyms()
    model = small(llm, task=task, cache=tmp_path)
    plan = model.plan(texts)
    assert llm.received.total() == 0
    model.fit(texts, y)
    assert llm.received["complete"] > 0
    assert llm.received.total() <= plan.requests
    assert len(llm.texts) + len(llm.prompts) <= plan.llm.items


def test_a_plan_without_an_llm_costs_nothing() -> None:
    plan = small().plan(["one two", "two three"])
    assert (plan.n_ngrams, plan.requests, plan.tokens, plan.seconds) == (3, 0, 0, 0)


# What goes wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_trees": 0},
        {"n_trees": 2.5},
        {"max_depth": 0},
        {"max_leaf_nodes": 1},
        {"max_leaf_nodes": True},
        {"min_samples_leaf": 0},
        {"min_samples_leaf": 1.0},
        {"min_samples_leaf": "few"},
        {"max_phrases": 0},
        {"ccp_alpha": -0.1},
        {"ngram_range": (2, 1)},
        {"ngram_range": "auto"},
        {"task": 3},
        {"random_state": -1},
        {"llm": 3},
    ],
    ids=str,
)
def test_a_parameter_that_cannot_be_used_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"language model" if "llm" in wrong else next(iter(wrong))):
        small(**wrong).fit(*synonyms())


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(InputError, match="Check the column"):
        small().fit(["...", "", "--"] * 2, [0, 1, 0] * 2)


@pytest.mark.parametrize("n", [2, 5])
@pytest.mark.parametrize("n_trees", [1, 3])
def test_few_rows_are_enough(n: int, n_trees: int) -> None:
    texts, y = ["good film", "bad film", "good", "bad", "good one"], [1, 0, 1, 0, 1]
    assert np.isfinite(small(n_trees=n_trees).fit(texts[:n], y[:n]).predict_proba(["good"])).all()


def test_texts_that_are_all_the_same_predict_the_larger_class() -> None:
    model = small().fit(["the same text again and again"] * 9, [0, 1, 1] * 3)
    assert model.predict(["the same text again and again"]).tolist() == [1]


def test_a_constant_target_is_predicted() -> None:
    model = AugTreeRegressor(None, ngram_range=(1, 1)).fit(synonyms()[0], [7.0] * 200)
    assert model.predict(["good0"])[0] == pytest.approx(7.0)


# With the embedded model ------------------------------------------------------------------------------


@pytest.mark.local
def test_the_embedded_model_gives_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERPLLM_CACHE")
    texts = [f"{word} {end}" for word in ("great", "awful") for end in ("film", "plot", "cast", "score")] * 3
    model = small("local", cache=tmp_path).fit(texts, ([1] * 4 + [0] * 4) * 3)
    assert model.predict(["great", "awful"]).tolist() == [1, 0]
    assert model.report_["usage"]["requests"] > 0
    assert "vectors" in model.report_["told_by_weights"]
