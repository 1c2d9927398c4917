"""A tree of prompts: what a node asks, how often a model is asked for it and what happens where not."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from guessing import guesser
from threadpoolctl import threadpool_limits

from interpllm.cli.__main__ import main
from interpllm.errors import CapabilityError, ExportError, InputError
from interpllm.estimators import PromptTreeClassifier
from interpllm.estimators.reopen import reopen
from interpllm.runtime import ConceptTree, load
from interpllm.select.parts import split_rows
from interpllm.testing import FakeLLM, check_text_estimator

ANIMALS = ["cat", "dog", "eel", "fox", "gnu"]
FILLER = ["red", "tall", "old", "slow", "warm", "late", "kind", "loud"]
ABOUT = "{text}\nThis is about a"
MOOD = "{text}\nThe mood is"
NOISE = "{text}\nIts hash is"


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def animals(n: int, k: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    y = [ANIMALS[i] for i in random.integers(0, k, n)]
    return [
        f"{label} {' '.join(random.permutation(FILLER))} {i + 1000 * seed}" for i, label in enumerate(y)
    ], y


def sees(prompt: str, word: str) -> float:
    """Knows which animal a text names where it is asked for one; behind other prompts it knows nothing.

    Whatever the text is, it likes the first word best, by so much that only what is taken off shows the rest.
    """
    liked = 6.0 if word == " cat" else 0.0
    if not prompt.endswith("about a"):
        return -5.0 - 0.1 * (len(prompt) % 3)
    return liked + 4.0 * (word.strip() in prompt.split("\n")[0].split()) - 12.0


def counted(**planted: Any) -> FakeLLM:
    return FakeLLM(scores=planted.pop("scores", sees), **planted)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_planted_prompt_is_found_among_others_and_predicts(k: int) -> None:
    texts, y = animals(300, k)
    model = PromptTreeClassifier(counted(), prompts=[NOISE, ABOUT, MOOD]).fit(texts, y)
    new, truth = animals(100, k, seed=1)
    assert model.score(new, truth) == 1.0
    assert {q.text.partition(" -> ")[0] for q in model.model_.questions} == {"'… This is about a'"}
    assert model.model_.n_leaves == k
    assert model.report_["confirm"].loc["model", "score"] == 1.0
    assert model.report_["best_prompt"] == ABOUT


def test_what_the_model_says_on_average_is_taken_off() -> None:
    # It likes "cat" 6 better and tells a named animal by 4 only: as it stands it says cat of all texts.
    texts, y = animals(200, 2)
    fake = counted()
    raw = fake.score([ABOUT.replace("{text}", text) for text in texts], [" cat", " dog"])
    assert (raw.argmax(axis=1) == 0).all()
    model = PromptTreeClassifier(fake, prompts=[ABOUT]).fit(texts, y)
    assert model.score(texts, y) == 1.0


def test_a_prompt_is_sent_once_a_row_whatever_number_of_words_is_asked() -> None:
    texts, y = animals(300, 5)
    fake = counted()
    PromptTreeClassifier(fake, prompts=[ABOUT, MOOD]).fit(texts, y)
    assert len(fake.prompts) == len(set(fake.prompts))
    about = [prompt for prompt in fake.prompts if prompt.endswith("about a")]
    assert len(about) == len(texts)
    assert len(fake.prompts) < 2 * len(texts), "the prompt that tells nothing is not asked of judging rows"


def test_a_fit_that_is_repeated_sends_nothing(tmp_path: Path) -> None:
    texts, y = animals(200, 3)
    fake = counted()
    first = PromptTreeClassifier(fake, prompts=[ABOUT, MOOD], cache=tmp_path).fit(texts, y)
    sent = len(fake.prompts)
    second = PromptTreeClassifier(fake, prompts=[ABOUT, MOOD], cache=tmp_path).fit(texts, y)
    assert len(fake.prompts) == sent
    assert second.model_ == first.model_


def two_steps(prompt: str, word: str) -> float:
    """Behind the first prompt it tells birds from all else, behind the second fish from the rest."""
    named = {"flies?": "bird", "swims?": "fish"}[prompt.rsplit(" ", 1)[1]]
    return 2.0 * ((named in prompt.split()) == (word == " yes")) - 3.0


def beasts(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    names = random.choice(["bird", "fish", "mole"], n, p=[0.5, 0.2, 0.3])
    texts = [
        f"{name} {' '.join(random.permutation(FILLER))} {i + 1000 * seed}" for i, name in enumerate(names)
    ]
    return texts, ["no" if name == "mole" else "yes" for name in names]


def test_a_row_is_asked_only_the_prompts_on_its_path() -> None:
    fake = FakeLLM(scores=two_steps)
    model = PromptTreeClassifier(fake, prompts=["{text} flies?", "{text} swims?"]).fit(*beasts(300))
    new, truth = beasts(100, seed=1)
    before = len(fake.prompts)
    assert model.score(new, truth) == 1.0
    sent = fake.prompts[before:]
    first = "flies?" if "flies" in model.model_.questions[model.model_.nodes[0].question].text else "swims?"
    settled = "bird" if first == "flies?" else "fish"
    assert len([prompt for prompt in sent if prompt.endswith(first)]) == len(new)
    others = [prompt for prompt in sent if not prompt.endswith(first)]
    assert len(others) == sum(settled not in text.split() for text in new)
    assert not any(settled in prompt.split() for prompt in others)


def test_no_row_is_asked_more_than_the_depth() -> None:
    texts, y = beasts(300)
    fake = FakeLLM(scores=two_steps)
    model = PromptTreeClassifier(fake, prompts=["{text} flies?", "{text} swims?"], max_depth=1).fit(texts, y)
    assert model.model_.n_leaves == 2
    before = len(fake.prompts)
    model.predict(beasts(50, seed=2)[0])
    assert len(fake.prompts) - before == 50


def test_failed_scores_are_missing_counted_and_go_the_way_of_most_rows() -> None:
    texts, y = animals(300, 2)

    def broken(prompt: str, word: str) -> float:
        number = int(prompt.split("\n")[0].rsplit(" ", 1)[1])
        return float("nan") if number % 10 == 0 else sees(prompt, word)

    model = PromptTreeClassifier(FakeLLM(scores=broken), prompts=[ABOUT]).fit(texts, y)
    assert model.report_["answers"] == {"scored": 300, "missing": 30}
    whole = [i for i in range(300) if i % 10]
    assert model.predict(texts)[whole].tolist() == [y[i] for i in whole]
    root, most = model.model_.nodes[0], model.model_.nodes
    way = max((root.yes, root.no), key=lambda number: most[number].n_rows)
    proba = model.predict_proba(texts)
    assert {tuple(row) for row in proba[::10].tolist()} == {most[way].value}


# --- words --------------------------------------------------


class Spelled(FakeLLM):
    """A fake that says what its tokens are: two characters each, a space before them included."""

    def tokens(self, texts: list[str]) -> list[list[str]]:
        return [[" ", *(text[i : i + 2] for i in range(1, len(text), 2))] for text in texts]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"a": "Good", "b": "good "}, "are the same word"),
        ({"a": "good", "b": "goodness"}, "begin alike"),
        ({"a": "good", "b": "gone"}, "the same token 'go'"),
        ({"a": "good", "b": " "}, "is empty"),
        ({"a": "good", "c": "bad"}, "'c'.* none of the classes"),
        ({"a": 1}, "must be a str"),
    ],
)
def test_words_that_cannot_be_told_apart_are_refused(words: dict[str, Any], why: str) -> None:
    fake = Spelled(scores=sees)
    with pytest.raises(InputError, match=why):
        PromptTreeClassifier(fake, prompts=[ABOUT], words=words).fit(["x", "y"] * 20, ["a", "b"] * 20)
    assert not fake.prompts


def test_labels_that_begin_alike_need_words() -> None:
    texts, y = animals(100, 2)
    numbers = [{"cat": 1, "dog": 10}[label] for label in y]
    with pytest.raises(InputError, match="'1' and '10'"):
        PromptTreeClassifier(counted(), prompts=[ABOUT]).fit(texts, numbers)
    model = PromptTreeClassifier(counted(), prompts=[ABOUT], words={1: "cat", 10: "dog"}).fit(texts, numbers)
    assert model.score(texts, numbers) == 1.0


def test_a_space_that_is_a_token_by_itself_is_no_collision() -> None:
    texts, y = animals(100, 2)
    assert PromptTreeClassifier(Spelled(scores=sees), prompts=[ABOUT]).fit(texts, y).score(texts, y) == 1.0


# --- prompts --------------------------------------------------


def test_a_model_that_completes_writes_prompts_from_rows_that_judge_nothing() -> None:
    texts, y = animals(200, 2)
    shown: list[str] = []

    def writes(request: Any) -> Any:
        shown.append(request.messages[-1]["content"])
        return {"prompts": [ABOUT, ABOUT, "no place for it", "{text}", "{text}\nIt is a cat"]}

    fake = counted(answers=writes)
    model = PromptTreeClassifier(fake, n_prompts=4).fit(texts, y)
    table = model.report_["prompts"].set_index("prompt")
    assert table["source"].value_counts().to_dict() == {"bank": 3, "llm": 1}
    assert model.report_["best_prompt"] == ABOUT
    reasons = [why for _, why in model.report_["proposals"]["rejected"]]
    assert len(shown) == 2, "asked again once, and then no more"
    assert {why.partition(" ")[0] for why in reasons} == {"there", "it"}
    assert all(why in shown[1] for why in reasons)
    judging = split_rows(np.array(y), texts, sizes=(0.0, 0.7, 0.3), random_state=0).confirm
    assert model.report_["rows"]["confirm"] == len(judging) > 0
    assert not any(texts[row] in prompt for row in judging for prompt in shown)
    assert any(text in shown[0] for text in texts)


def test_the_embedded_model_is_not_asked_to_write() -> None:
    texts, y = animals(60, 2)
    fake = counted(name="smollm2-135m")
    with pytest.warns(UserWarning, match="No prompt tells more"):
        model = PromptTreeClassifier(fake, n_prompts=3, task="animal").fit(texts, y)
    assert fake.received["complete"] == 0
    assert set(model.report_["prompts"]["source"]) == {"bank"}
    assert len(model.report_["prompts"]) == 3


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"prompts": ["no place"]}, "has no {text}"),
        ({"prompts": ABOUT}, "give a list"),
        ({"prompts": []}, "at least"),
        ({"prompts": [ABOUT, ABOUT]}, "none twice"),
        ({"max_leaves": 1}, "max_leaves"),
        ({"max_depth": 0}, "max_depth"),
        ({"cv": 1}, "cv"),
        ({"random_state": -1}, "random_state"),
        ({"llm": None}, "asks a language model"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_asked(settings: dict[str, Any], why: str) -> None:
    fake = counted()
    with pytest.raises(InputError, match=why):
        PromptTreeClassifier(**{"llm": fake, "prompts": [ABOUT], **settings}).fit(*animals(40, 2))
    assert not fake.prompts


def test_a_model_without_log_probabilities_is_refused() -> None:
    class Mute(FakeLLM):
        @property
        def capabilities(self) -> frozenset[str]:
            return frozenset({"complete"})

    with pytest.raises(CapabilityError):
        PromptTreeClassifier(Mute(), prompts=[ABOUT]).fit(*animals(40, 2))


def test_a_plan_counts_each_prompt_of_each_row_and_asks_nothing() -> None:
    texts, y = animals(50, 3)
    fake = counted()
    assert PromptTreeClassifier(fake, prompts=[ABOUT, MOOD]).plan(texts, y).items == 100
    assert PromptTreeClassifier(fake, n_prompts=4).plan(texts, y).items == 4 * 50 + 1
    assert not fake.received


# --- frames of answers --------------------------------------------------


def frame(y: list[str], k: int, how: str) -> pd.DataFrame:
    """A prompt that tells the label, one that is noise, in one of the ways in which answers come."""
    noise = np.random.default_rng(5).integers(0, k, len(y))
    told = {"it is a": [ANIMALS.index(label) for label in y], "noise": noise.tolist()}
    if how == "labels":
        return pd.DataFrame({name: [ANIMALS[i] for i in column] for name, column in told.items()})
    if how == "probabilities":
        return pd.DataFrame({name: [0.1 + 0.7 * i for i in column] for name, column in told.items()})
    return pd.DataFrame(told)


@pytest.mark.parametrize(
    ("k", "how"),
    [(2, "positions"), (2, "labels"), (2, "probabilities"), (3, "positions"), (3, "labels"), (5, "labels")],
)
def test_the_tree_stage_reads_answers_in_each_way_they_come(k: int, how: str) -> None:
    _, y = animals(200, k)
    model = PromptTreeClassifier(None).fit(frame(y, k, how), y)
    assert {q.text.partition(" -> ")[0] for q in model.model_.questions} == {"'it is a'"}
    _, new = animals(40, k, seed=3)
    assert model.score(frame(new, k, how), new) == 1.0
    assert model.report_["confirm"].loc["best prompt", "score"] == 1.0
    some = frame([ANIMALS[0]] * 4, k, how)
    assert model.predict(some).tolist() == [ANIMALS[0]] * 4, "columns of one value are read as in fit"


def test_columns_of_yes_and_no_can_tell_many_classes() -> None:
    _, y = animals(300, 4)
    X = pd.DataFrame({f"is it a {name}": [float(label == name) for label in y] for name in ANIMALS[:4]})
    model = PromptTreeClassifier(None).fit(X, y)
    assert model.score(X, y) == 1.0
    assert all(question.text.startswith("is it a") for question in model.model_.questions)


def test_missing_cells_are_missing_answers() -> None:
    _, y = animals(200, 2)
    X = frame(y, 2, "labels").astype(object)
    X.iloc[::10, 0] = None
    model = PromptTreeClassifier(None).fit(X, y)
    assert model.report_["prompts"].set_index("prompt").loc["it is a", "missing"] > 0
    assert model.predict(X)[1::10].tolist() == y[1::10]


@pytest.mark.parametrize(
    ("cells", "why"),
    [([0.0, 7.5], "holds 7.5"), (["cat", "cow"], "holds 'cow'"), ([0.5, "cat"], "several kinds")],
)
def test_cells_that_are_no_answers_are_refused(cells: list[Any], why: str) -> None:
    X = pd.DataFrame({"it is a": cells * 20, "noise": [0, 1] * 20}, dtype=object)
    with pytest.raises(InputError, match=why):
        PromptTreeClassifier(None).fit(X, ["cat", "dog"] * 20)


def test_a_frame_without_the_prompts_is_refused_at_predict() -> None:
    _, y = animals(100, 2)
    model = PromptTreeClassifier(None).fit(frame(y, 2, "labels"), y)
    with pytest.raises(InputError, match="no column for the prompt 'it is a'"):
        model.predict(pd.DataFrame({"other": [0, 1], "another": [0, 1]}))


def test_a_prompt_of_twenty_thousand_characters_is_one_question() -> None:
    _, y = animals(100, 2)
    X = pd.DataFrame(
        {"Review: good\n" * 2000 + end: frame(y, 2, "positions")[end] for end in ("it is a", "noise")}
    )
    question = PromptTreeClassifier(None).fit(X, y).model_.questions[0]
    assert question.text.endswith('it is a\' -> "dog"')
    assert len(question.text) < 250


# --- afterwards --------------------------------------------------


def test_distilled_it_needs_no_language_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, y = animals(400, 3)
    model = PromptTreeClassifier(counted(), prompts=[ABOUT, MOOD]).fit(texts, y)
    with pytest.raises(ExportError, match="… This is about a"):
        model.export(tmp_path / "tree.py")
    model.distill(texts, llm=None)
    assert model.deployable_
    assert model.fidelity_["kept"].all()

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("a language model or a network was asked for")

    monkeypatch.setattr("socket.socket", refuse)
    monkeypatch.setattr("interpllm.llm.Session.score", refuse)
    new, truth = animals(100, 3, seed=4)
    assert model.score(new, truth) > 0.97
    model.export(tmp_path / "tree.json")
    assert load(tmp_path / "tree.json").predict(new) == model.predict(new).tolist()


def test_rules_and_explanations_name_prompts_and_words() -> None:
    texts, y = animals(200, 2)
    model = PromptTreeClassifier(counted(), prompts=[ABOUT]).fit(texts, y)
    rules = model.get_rules()
    assert rules["rule"].str.contains("'… This is about a' -> \"dog\"", regex=False).all()
    assert set(rules["prediction"]) == {"cat", "dog"}
    told = model.explain(texts[:1])[0]
    assert told.contributions[0].phrase == "'… This is about a' -> \"dog\""


def test_reopened_from_its_file_it_asks_as_before(tmp_path: Path) -> None:
    texts, y = animals(200, 3)
    PromptTreeClassifier(counted(), prompts=[ABOUT, MOOD]).fit(texts, y).export(tmp_path / "tree.json")
    model = load(tmp_path / "tree.json")
    assert isinstance(model, ConceptTree)
    fake = counted()
    new, truth = animals(50, 3, seed=6)
    assert reopen(model, llm=fake).predict(new).tolist() == truth
    assert len(fake.prompts) == 50


def test_a_model_that_says_nothing_of_its_prompts_cannot_be_asked(tmp_path: Path) -> None:
    texts, y = animals(200, 2)
    PromptTreeClassifier(counted(), prompts=[ABOUT]).fit(texts, y).export(tmp_path / "tree.json")
    document = json.loads((tmp_path / "tree.json").read_text())
    del document["meta"]["prompts"]["offsets"]
    (tmp_path / "tree.json").write_text(json.dumps(document))
    with pytest.raises(InputError, match="which prompts its questions are"):
        reopen(load(tmp_path / "tree.json"), llm=counted()).predict(texts)


def test_the_command_line_predicts_with_a_saved_tree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts, y = animals(200, 2)
    PromptTreeClassifier(counted(), prompts=[ABOUT]).fit(texts, y).distill(texts, llm=None).export(
        tmp_path / "tree.json"
    )
    new, truth = animals(20, 2, seed=7)
    pd.DataFrame({"text": new}).to_csv(tmp_path / "new.csv", index=False)
    main(["predict", str(tmp_path / "tree.json"), str(tmp_path / "new.csv")])
    said = pd.read_csv(StringIO(capsys.readouterr().out))
    assert said["prediction"].tolist() == truth


# Of the checks that are ours, how many apply; scikit-learn's depend on the release that is installed.
@pytest.mark.filterwarnings("ignore:No prompt tells more")
def test_it_keeps_every_promise_of_an_estimator_of_texts() -> None:
    names = check_text_estimator(PromptTreeClassifier(guesser(), n_prompts=2))
    assert sum(not name.startswith("sklearn.") for name in names) == 74
