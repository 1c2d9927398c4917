"""Rule lists and rule sets: who proposes, what data decide, what stays and what must not return."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from interpllm.errors import InputError
from interpllm.estimators import RuleListClassifier, RuleSetClassifier, RuleSetRegressor
from interpllm.runtime import RuleBook, dumps, loads, parse
from interpllm.testing import FakeLLM, check_text_estimator

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))


def people(n: int = 200, seed: int = 0) -> tuple[pd.DataFrame, list[str]]:
    """Old men with a high income buy; a tenth of the others too."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": random.integers(20, 80, n).astype(float),
            "sex": random.choice(["f", "m"], n),
            "member": random.choice([True, False], n),
        }
    )
    X.loc[X.index[:5], "age"] = np.nan
    buys = ((X["age"] > 50) & (X["sex"] == "m")) | (random.random(n) < 0.05)
    return X, np.where(buys, "buys", "leaves").tolist()


# Thirty rows are too few to find phrases on; that data decide between rules can be seen on them.
TOY_RULES = [
    'if mentions any of: "lovely", "great", "wonderful", "love", "funny"',
    'if mentions any of: "awful", "dull", "terrible", "hate", "slow"',
    'if mentions any of: "parcel", "invoice", "order", "courier", "delivery", "lamp", "ordered"',
    'if mentions "the"',
]


@pytest.mark.parametrize(
    "est",
    [RuleListClassifier(llm=None, rules=TOY_RULES), RuleSetRegressor(llm=None, rules=TOY_RULES)],
    ids=lambda est: type(est).__name__,
)
def test_an_estimator_keeps_every_promise(est: Any) -> None:
    assert len(check_text_estimator(est)) >= 60


def test_data_choose_the_true_rule_among_wrong_ones() -> None:
    X, y = people()
    wrong = [f'if age > {age} and sex is "m" then buys' for age in (20, 30, 40, 60, 70)]
    wrong += ['if sex is "f" then buys', "if member is true then buys", "if age > 50 then leaves"]
    rules = [*wrong, 'if age > 50 and sex is "m" then buys']
    fake = FakeLLM(lambda _: {"rules": rules})
    model = RuleListClassifier(fake, n_rounds=1, n_proposals=len(rules)).fit(X, y)
    assert str(model.model_.clauses[0].conditions[0]) == "age > 50.0"
    assert model.model_.evidence[0].source == "llm"
    assert model.report_["confirm"].loc["model", "score"] > 0.9


def test_later_rounds_show_what_the_rules_get_wrong() -> None:
    X, y = people()
    fake = FakeLLM(lambda request: {"rules": [f"if age > {20 + len(fake.prompts)} then buys"]})
    RuleListClassifier(fake, n_rounds=2, n_proposals=2).fit(X, y)
    assert "(hard)" not in fake.prompts[0]
    assert "(hard)" in fake.prompts[-1]
    assert 'if age > 21.0 then "buys"' in fake.prompts[-1]


def test_the_plan_counts_the_requests_of_every_round(tmp_path: Path) -> None:
    X, y = people()
    numbers = iter(range(10_000))
    fake = FakeLLM(lambda _: {"rules": [f"if age > {20 + next(numbers) / 100} then buys" for _ in range(12)]})
    model = RuleListClassifier(fake, n_rounds=3, n_proposals=45)
    planned = model.plan(X, y).requests
    assert fake.received["complete"] == 0
    model.fit(X, y)
    assert planned == fake.received["complete"] == 6


def test_what_does_not_parse_is_counted_and_shown() -> None:
    X, y = people()
    fake = FakeLLM(lambda _: {"rules": ["exec('boom')", "if age > 50 then buys"]})
    model = RuleListClassifier(fake, n_rounds=1, n_proposals=1).fit(X, y)
    assert model.report_["unparsed"][0][0] == "exec('boom')"


def test_a_locked_rule_stays_and_a_vetoed_one_does_not_return() -> None:
    X, y = people()
    first = RuleListClassifier(llm=None).fit(X, y)
    best = first.model_.clauses[0]
    book = first.rules_.veto(" and ".join(map(str, best.conditions))).add("if member is true then buys")
    book = book.lock("if member is true")
    again = RuleListClassifier(llm=None, rules=book).fit(X, y)
    assert str(again.model_.clauses[0].conditions[0]) == "member is true"
    assert best.conditions not in [clause.conditions for clause in again.model_.clauses]
    assert again.model_.evidence[0].source == "person"


def test_an_edited_rule_stands_in_the_place_of_the_old_one() -> None:
    book = RuleBook.of(["if age > 50 then buys", 'if sex is "m" then buys']).lock("if age > 50")
    edited = book.edit("if age > 50", "if age > 55 then buys")
    assert [str(rule) for rule in edited] == ['if age > 55.0 then "buys"', 'if sex is "m" then "buys"']
    assert edited.locked == {edited.rules[0].id}
    assert RuleBook.from_json(edited.to_json()) == edited


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (["if income > 5 then buys"], "there is no column 'income'"),
        (["if age > 50 then dies"], "not one of the classes"),
        (["age above fifty"], "expected"),
        ("if age > 5", "one string was given"),
        (['if mentions "x" then buys'], "no text to look at"),
    ],
)
def test_a_rule_of_a_person_that_cannot_be_used_is_an_error(rules: Any, said: str) -> None:
    X, y = people()
    with pytest.raises(InputError, match=said):
        RuleListClassifier(llm=None, rules=rules).fit(X, y)


def test_a_column_of_texts_stands_beside_others() -> None:
    random = np.random.default_rng(1)
    said = random.choice(["a fine thing", "broken on arrival", "it came"], 150)
    X = pd.DataFrame({"review": said, "stars": random.integers(1, 6, 150)})
    y = [
        "angry" if "broken" in text or stars < 2 else "calm"
        for text, stars in zip(said, X["stars"], strict=True)
    ]
    rules = ['if mentions any of: "broken", "smashed" then angry', "if stars < 2 then angry"]
    model = RuleListClassifier(llm=None, rules=rules, text="review").fit(X, y)
    assert model.score(X, y) == 1.0
    assert model.explain(X[X["review"] == "broken on arrival"])[0].contributions[0].spans == ((0, 6),)


def test_questions_in_rules_are_answered_by_the_model_and_then_by_stand_ins() -> None:
    texts = [f"{word} {i}" for i in range(60) for word in ("lovely meal", "cold soup")]
    y = [i % 2 for i in range(120)]

    def answer(request: Any) -> Any:
        if request.schema and "rules" in request.schema.get("properties", {}):
            return {"rules": ['if yes to "Does the text praise?" then 0']}
        shown = json.dumps(request.messages)
        names = [f"t{k}" for k in range(1, 1 + shown.count("<text id="))]
        told = [part.split("</text")[0] for part in shown.split("<text id=")[1:]]
        return {
            name: {"q1": "yes" if "lovely" in text else "no"} for name, text in zip(names, told, strict=True)
        }

    fake = FakeLLM(
        answer, scores=lambda prompt, option: -1.0 if ("lovely" in prompt) == ("yes" in option) else -9.0
    )
    model = RuleListClassifier(fake, n_rounds=1, n_proposals=1).fit(texts, y)
    assert model.score(texts, y) == 1.0
    assert not model.deployable_
    model.distill(texts, llm=None)
    assert model.deployable_
    assert model.set_params(llm=None).predict(["a lovely meal 7"]).tolist() == [0]


@pytest.mark.parametrize("learner", ["sparse", "figs", "rulefit", "hstree"])
def test_learners_give_a_model_that_is_printed_and_predicts_the_same(learner: str) -> None:
    X, y = people()
    filled = X.fillna({"age": 20.0})
    model = RuleSetClassifier(llm=None, learner=learner, n_rules=6, random_state=0).fit(filled, y)
    rows = filled.to_dict("records")
    assert parse(str(model.model_)).predict(rows) == model.predict(filled).tolist()
    assert loads(dumps(model.model_)) == model.model_
    assert model.score(filled, y) > 0.85
    assert len(model.get_rules()) >= 1


def test_a_regression_adds_up_rules() -> None:
    X, _ = people()
    y = np.where(X["age"] > 50, 10.0, 2.0) + np.where(X["sex"] == "m", 1.0, 0.0)
    model = RuleSetRegressor(llm=None, rules=["if age > 50", 'if sex is "m"']).fit(X, y)
    assert model.score(X, y) > 0.99


def test_a_missing_value_is_neither_above_nor_below() -> None:
    X, y = people()
    model = RuleListClassifier(llm=None, rules=["if age > 50 then buys", "if age <= 50 then leaves"]).fit(
        X, y
    )
    told = model.explain(X.iloc[:1])[0]
    assert not told.contributions


def test_equal_rules_are_one_and_the_report_says_so() -> None:
    X, y = people()
    model = RuleListClassifier(llm=None, rules=["if age > 50 then buys", "if age > 50.2 then buys"]).fit(X, y)
    table = model.report_["candidates"]
    assert table["dropped"].notna().sum() == 1
    assert "same rows" in table["dropped"].dropna().iloc[0]


@pytest.mark.shared
def test_planted_rules_are_found_in_every_table(shared_data: Path) -> None:
    from rules_planted import TRUE, load, proposer, wrong_rules

    for name, written in TRUE.items():
        X, y = load(shared_data / "planted_tables" / name, "train")
        random = np.random.default_rng(3)
        truths = list(RuleBook.of(written))
        proposed = [f'{rule} then "admitted"' for rule in truths]
        proposed += wrong_rules(truths, X, random)
        random.shuffle(proposed)
        model = RuleListClassifier(
            proposer(proposed), text=None, n_rounds=1, n_proposals=len(proposed), random_state=0
        ).fit(X, y)
        kept = {clause.conditions for clause in model.model_.clauses}
        assert {frozenset(rule.conditions) for rule in truths} <= {frozenset(c) for c in kept}, name
