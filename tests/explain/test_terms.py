"""What a model goes by: exact effects, and names of groups that hold on terms they were not made from."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, ConnectionFailed, InputError
from interpllm.explain import explain_terms, plan_terms
from interpllm.explain.term_groups import name_groups
from interpllm.llm import Request, Session, Store
from interpllm.llm.base import Reply
from interpllm.runtime import Branch, ConceptLinear, Lexicon, LinearModel, Question, TreeModel
from interpllm.testing import FakeLLM
from interpllm.testing.faults import Fault

TWO = LinearModel(
    task="classification",
    classes=("bad", "good"),
    intercept=(0.0,),
    norm="sqrt",
    weights={"great": (3.0,), "dull": (-2.0,), "film": (0.5,), "never": (9.0,)},
)
ROWS = ["great film", "dull film", "great", "so so", "film film", "great dull film indeed"]
LABELS = ["good", "bad", "good", "bad", "good", "bad"]


def column(found: Any, term: str) -> Any:
    frame = found.frame()
    return frame[frame["term"] == term].iloc[0]


def test_the_effect_is_the_mean_of_what_is_added_where_present_less_where_absent() -> None:
    found = explain_terms(TWO, ROWS)
    great = column(found, "great")
    assert great["effect"] == pytest.approx((3 / 2**0.5 + 3 + 3 / 2) / 3, abs=1e-12)
    assert (great["prediction"], great["weight"], great["n_present"], great["n"]) == ("good", 3.0, 3, 6)
    dull = column(found, "dull")
    assert dull["effect"] == pytest.approx((2 / 2**0.5 + 2 / 2) / 2, abs=1e-12)
    assert (dull["prediction"], dull["weight"]) == ("bad", 2.0)


def test_the_effects_are_those_of_the_ledgers() -> None:
    found = explain_terms(TWO, ROWS)
    for one in found.terms:
        sign = 1.0 if one.prediction == "good" else -1.0
        parts = [
            {part.phrase: sign * part.values[0] for part in ledger.contributions}
            for ledger in TWO.explain(ROWS)
        ]
        there = [row[one.term.phrase] for row in parts if one.term.phrase in row]
        assert one.effect.value == pytest.approx(np.mean(there), abs=1e-12)


def test_of_labels_it_tells_how_their_share_differs() -> None:
    great = column(explain_terms(TWO, ROWS, LABELS), "great")
    assert great["label_difference"] == pytest.approx(2 / 3 - 1 / 3)
    assert great["label_low"] < great["label_difference"] < great["label_high"]


def test_an_interval_of_an_effect_holds_the_effect_in_the_population() -> None:
    """Of 100 samples of 80 rows, about 95 % of the intervals hold the mean over all rows."""
    random = np.random.default_rng(0)
    every = [
        " ".join(
            ["great"] * int(random.random() < 0.5) + ["so"] + [f"w{i}" for i in range(random.integers(1, 9))]
        )
        for _ in range(4000)
    ]
    true = explain_terms(TWO, every).terms[0].effect.value
    held = 0
    for seed in range(100):
        sample = [every[row] for row in random.choice(len(every), 80)]
        effect = explain_terms(TWO, sample, n_terms=1, random_state=seed).terms[0].effect
        held += effect.low <= true <= effect.high
    assert 88 <= held <= 100


def test_a_term_of_no_row_is_not_told() -> None:
    assert "never" not in explain_terms(TWO, ROWS).frame()["term"].tolist()


def test_a_question_is_present_where_it_is_answered_yes_and_missing_answers_are_neither() -> None:
    asked = Question.of("Is it good?")
    model = ConceptLinear(
        task="classification",
        classes=("bad", "good"),
        questions=(asked,),
        means=(0.5,),
        intercept=(0.0,),
        weights=((4.0,),),
    )
    found = explain_terms(model, None, answers={asked.id: [1.0, 0.75, 0.25, None]})
    (one,) = found.terms
    assert (one.n, one.n_present) == (3, 2)
    assert one.effect.value == pytest.approx((4.0 + 3.0) / 2 - 1.0)


def test_a_condition_of_a_tree_counts_on_the_rows_whose_path_looks_at_it() -> None:
    leaves = [Branch(None, None, None, value, 1) for value in ((0.0, 1.0), (0.5, 0.5), (1.0, 0.0))]
    tree = (
        Branch(Lexicon(("x",)), 1, 2, (0.5, 0.5), 4),
        leaves[0],
        Branch(Lexicon(("y",)), 3, 4, (0.75, 0.25), 2),
        leaves[1],
        leaves[2],
    )
    model = TreeModel(task="classification", classes=("a", "b"), link="share", trees=(tree,))
    found = explain_terms(model, ["x y", "x", "y", "z"])
    y = column(found, 'mentions "y"')
    assert (y["n"], y["n_present"]) == (2, 1)
    assert y["effect"] == pytest.approx(0.5 - -0.5)
    assert np.isnan(y["weight"])


# --- groups -------------------------------------------------------------------------------------------------

THEMES = ["money", "travel", "food"]
TERMS = [f"{theme}{i}" for theme in THEMES for i in range(10)]
MODEL = LinearModel(
    task="classification",
    classes=("a", "b"),
    intercept=(0.0,),
    weights={term: (1.0 + 0.01 * i,) for i, term in enumerate(TERMS)},
)
TEXTS = [*TERMS, *TERMS]


def theme_of(term: str) -> str:
    return term.rstrip("0123456789")


def vector(text: str) -> list[float]:
    place = THEMES.index(theme_of(text))
    return [float(i == place) + 0.01 * (int(text[-1]) == i) for i in range(3)]


def own_terms(prompt: str) -> list[str]:
    return [
        json.loads(line[2:]) for line in prompt.partition("Terms of other")[0].split("\n") if line[:2] == "- "
    ]


def listed_terms(prompt: str) -> dict[int, str]:
    return {int(n): json.loads(term) for n, term in re.findall(r"^(\d+)\. (\".*\")$", prompt, re.M)}


def honest(request: Request) -> Any:
    """Names a group by the theme of its terms, and knows which terms are of a theme."""
    prompt = str(request.messages[0]["content"])
    if "belong" not in request.schema["properties"]:  # type: ignore[index]
        return {"name": f"terms of {theme_of(own_terms(prompt)[0])}"}
    theme = re.search(r'called "\D*terms of (\w+)"', prompt).group(1)  # type: ignore[union-attr]
    return {"belong": [n for n, term in listed_terms(prompt).items() if theme_of(term) == theme]}


def vague(request: Request) -> Any:
    """Names that everything belongs to."""
    prompt = str(request.messages[0]["content"])
    if "belong" not in request.schema["properties"]:  # type: ignore[index]
        return {"name": "words"}
    return {"belong": list(listed_terms(prompt))}


def fake(answers: Callable[[Request], Any] = honest, **options: Any) -> FakeLLM:
    return FakeLLM(answers, vectors=vector, **{"name": answers.__name__} | options)


def grouped(llm: FakeLLM, **options: Any) -> Any:
    session = Session(llm, store=None, mode="off", backoff=0.0, max_retries=1)
    return explain_terms(MODEL, TEXTS, llm=session, n_groups=3, **options)


def test_names_that_tell_unseen_terms_from_others_are_shown() -> None:
    found = grouped(fake())
    assert {group.title for group in found.groups} == {f"terms of {theme}" for theme in THEMES}
    assert [group.status for group in found.groups] == ["checked"] * 3
    assert {theme_of(term): name for term, name in found.frame()[["term", "name"]].to_numpy()} == {
        theme: f"terms of {theme}" for theme in THEMES
    }


def test_a_name_that_everything_belongs_to_is_not_shown_as_one() -> None:
    found = grouped(fake(vague))
    assert [(group.status, group.balanced_accuracy.value) for group in found.groups] == [("failed", 0.5)] * 3
    assert found.frame()["name"].isna().all()
    assert "without a name that holds" in found.to_html()


def test_names_that_are_guessed_pass_no_more_often_than_the_level_says() -> None:
    random = np.random.default_rng(0)

    def guessing(request: Request) -> Any:
        prompt = str(request.messages[0]["content"])
        if "belong" not in request.schema["properties"]:  # type: ignore[index]
            return {"name": f"name {random.integers(10**9)}"}
        return {"belong": [n for n in listed_terms(prompt) if random.random() < 0.5]}

    session = Session(fake(guessing), store=None, mode="off")
    runs = [name_groups(session, session, TERMS, 3, seed) for seed in range(15)]
    passed = sum(any(group.status == "checked" for group in groups) for groups in runs)
    assert passed <= 3  # at a level of .05, 4 or more of 15 happen five times in a thousand


def test_no_term_that_a_name_is_tried_on_was_shown_when_it_was_made() -> None:
    llm = fake()
    found = grouped(llm)
    naming = [prompt for prompt in llm.prompts if "Terms of this group" in prompt]
    for group in found.groups:
        assert not set(group.named_from) & set(group.tried_on)
        shown = next(prompt for prompt in naming if set(own_terms(prompt)) == set(group.named_from))
        assert not [term for term in group.tried_on if json.dumps(term) in shown]


def test_the_plan_is_what_is_sent() -> None:
    llm = fake()
    session = Session(llm, store=None, mode="off")
    plan = plan_terms(MODEL, TEXTS, llm=session, n_groups=3)
    assert not llm.received
    found = explain_terms(MODEL, TEXTS, llm=session, n_groups=3)
    assert plan.requests == found.usage.requests
    assert found.requests == 6


def test_groups_too_small_to_try_a_name_on_ask_for_nothing() -> None:
    llm = fake()
    found = explain_terms(MODEL, TERMS[:3] + TERMS[10:14], llm=Session(llm), n_groups=2)
    assert {len(group.terms): group.status for group in found.groups} == {3: "too small", 4: "failed"}
    assert llm.received["complete"] == 2


def test_a_reply_that_fails_leaves_its_group_without_a_name_and_is_counted() -> None:
    def mute(request: Request) -> Any:
        terms = own_terms(str(request.messages[0]["content"]))
        return Reply("I would rather not.") if terms and theme_of(terms[0]) == "money" else honest(request)

    found = grouped(fake(mute))
    by_theme = {theme_of(group.terms[0]): group for group in found.groups}
    assert (by_theme["money"].status, by_theme["money"].name) == ("no reply", None)
    assert by_theme["travel"].status == by_theme["food"].status == "checked"
    assert found.usage.failures == 1


def test_an_outage_is_an_error_and_no_score() -> None:
    with pytest.raises(ConnectionFailed):
        grouped(fake(faults=[Fault("unreachable", verb="complete")]))


def test_the_same_store_gives_the_same_bytes_for_one_worker_and_for_eight(tmp_path: Path) -> None:
    def run(workers: int, mode: Any) -> str:
        llm = fake(name="same")
        with Session(llm, store=Store(tmp_path / "r.sqlite"), mode=mode, max_concurrency=workers) as session:
            return explain_terms(MODEL, TEXTS, llm=session, n_groups=3).to_json()

    assert run(8, "use") == run(1, "replay") == run(8, "replay")


def test_what_cannot_embed_is_refused_and_told_what_to_give() -> None:
    class Mute(FakeLLM):
        @property
        def capabilities(self) -> frozenset[str]:
            return frozenset({"complete"})

    with pytest.raises(CapabilityError, match="embedder='minilm'"):
        explain_terms(MODEL, TEXTS, llm=Session(Mute()))


def test_terms_may_be_embedded_by_another_model() -> None:
    one, other = fake(), fake(name="other")
    found = explain_terms(MODEL, TEXTS, llm=Session(one), embedder=Session(other), n_groups=3)
    assert (one.received["embed"], other.received["complete"]) == (0, 0)
    assert found.usage.items == len(TERMS) + 6


def test_a_model_without_rows_is_refused() -> None:
    with pytest.raises(InputError, match="no rows"):
        explain_terms(TWO, [])
    with pytest.raises(InputError, match="no rows"):
        plan_terms(TWO, [], llm=Session(FakeLLM()))


def test_labels_of_other_classes_are_refused() -> None:
    with pytest.raises(InputError, match="class of the model"):
        explain_terms(TWO, ROWS, ["x"] * 6)


def test_labels_of_another_number_are_refused() -> None:
    with pytest.raises(InputError, match="5 entries for 6 rows"):
        explain_terms(TWO, ROWS, LABELS[:5])


def test_its_page_escapes_terms_and_what_the_language_model_wrote() -> None:
    def nasty(request: Request) -> Any:
        found = honest(request)
        return {"name": "<script>" + found["name"]} if "name" in found else found

    html = grouped(fake(nasty)).to_html()
    assert "<script>" not in html
    assert "&lt;script&gt;terms of money" in html
