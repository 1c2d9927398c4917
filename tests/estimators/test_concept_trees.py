"""Trees ask of a row only what stands on its path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from concept_oracle import TOPICS, oracle, question, rows, texts_asked
from threadpoolctl import threadpool_limits

from interpllm.errors import InputError
from interpllm.estimators.concept_trees import ConceptTreeClassifier, ConceptTreeRegressor
from interpllm.runtime import load
from interpllm.select.tree import Branch, counted


@pytest.fixture(autouse=True)
def one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Small problems on one core, and nothing in the user's cache folder."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))
    with threadpool_limits(limits=1):
        yield


def table(n: int = 240) -> tuple[pd.DataFrame, list[str], list[str]]:
    texts, y = rows(n)
    return pd.DataFrame({question(t): [float(t in x.split()) for x in texts] for t in TOPICS}), y, texts


def test_a_planted_either_or_is_a_tree_of_two_questions() -> None:
    answers, y, _ = table()
    model = ConceptTreeClassifier(None).fit(answers, y)
    assert {q.text for q in model.model_.questions} == {question("refund"), question("damage")}
    assert model.model_.n_leaves == 3
    assert model.score(answers, y) == 1.0
    assert model.report_["confirm"].loc["model", "score"] == 1.0


def test_a_row_is_asked_only_what_stands_on_its_path() -> None:
    fake = oracle()
    held = [question("refund"), question("damage")]
    model = ConceptTreeClassifier(fake, concepts=held, n_rounds=0).fit(*rows())
    new = rows(40, seed=9)[0]
    before = len(fake.prompts)
    model.predict(new)
    first = model.model_.questions[model.model_.nodes[0].question].text.rsplit(" ", 1)[1].rstrip("?")
    second = ({"refund", "damage"} - {first}).pop()
    sent = [prompt for prompt in fake.prompts[before:] if f"speak of {second}?" in prompt]
    assert texts_asked(fake) > 0
    assert sent
    settled = [text for text in new if first in text.split()]
    assert settled
    assert not any(text in prompt for text in settled for prompt in sent)


def test_a_number_is_the_mean_of_a_leaf() -> None:
    answers, _, _ = table()
    y = (2.0 + 3.0 * answers[question("login")]).to_numpy()
    model = ConceptTreeRegressor(None).fit(answers, y)
    assert sorted(set(model.predict(answers).tolist())) == pytest.approx([2.0, 5.0])


def test_without_a_rule_it_asks_nothing_and_says_so() -> None:
    answers, _, _ = table()
    y = np.random.default_rng(1).integers(0, 2, len(answers))
    with pytest.warns(UserWarning, match="No question tells more"):
        model = ConceptTreeClassifier(None).fit(answers, y)
    assert model.model_.n_leaves == 1


def test_missing_answers_go_the_way_of_most_rows_in_fit_and_in_predict() -> None:
    answers, y, _ = table()
    answers.iloc[::7] = np.nan
    model = ConceptTreeClassifier(None).fit(answers, y)
    proba = model.predict_proba(answers)
    expected: dict[tuple[float, ...], int] = {}
    for node in model.model_.nodes:
        if node.question is None:
            expected[node.value] = expected.get(node.value, 0) + node.n_rows
    assert pd.Series(map(tuple, proba)).value_counts().to_dict() == expected


def test_distilled_it_is_a_file_that_predicts(tmp_path: Path) -> None:
    answers, y, texts = table(400)
    model = ConceptTreeClassifier(None).fit(answers, y, texts=texts).distill(answers, texts=texts)
    assert model.deployable_
    new, truth = rows(200, seed=9)
    assert model.score(new, truth) > 0.95
    model.export(tmp_path / "tree.json")
    assert load(tmp_path / "tree.json").predict(new) == model.predict(new).tolist()


def test_fewer_than_two_leaves_are_refused() -> None:
    answers, y, _ = table()
    with pytest.raises(InputError, match="max_leaves"):
        ConceptTreeClassifier(None, max_leaves=1).fit(answers, y)


def test_with_labels_the_leaves_hold_the_shares_of_what_stand_ins_send_there() -> None:
    texts, _ = rows(300)
    refund = np.array([float("refund" in text.split()) for text in texts])
    coin = (np.random.default_rng(0).random(300) < 0.5).astype(float)
    answers = pd.DataFrame({"Does it speak of refund?": refund, "Decided by a coin?": coin})
    y = np.where(coin + 0.5 * refund > 0.6, "yes", "no")
    model = ConceptTreeClassifier(None).fit(answers, y, texts=texts)
    sure = [max(node.value) for node in model.model_.nodes if node.question is None]
    assert min(sure) > 0.95
    model.distill(answers, y, texts=texts, min_kappa=-1)
    largest = max((node for node in model.model_.nodes if node.question is None), key=lambda n: n.n_rows)
    assert largest.n_rows > 200, "the stand-in hardly ever says yes"
    assert max(largest.value) < 0.7, "no stand-in tells the coin"


def test_a_leaf_of_too_few_rows_has_the_shares_of_the_node_above() -> None:
    leaf = Branch(None, None, None, np.array([1.0, 0.0]), 50)
    tree = [Branch(0, 1, 2, np.array([0.5, 0.5]), 100), leaf, leaf]
    y = np.array(["a", "b"] * 20)
    answers = np.zeros((40, 1))
    answers[:4] = 1
    found = counted(tree, answers, y, ["a", "b"], np.ones(40)).branches
    assert found[1].n_rows == 4
    np.testing.assert_allclose(found[1].value, found[0].value)
    answers[:10] = 1
    y[:10] = "b"
    np.testing.assert_allclose(counted(tree, answers, y, ["a", "b"], np.ones(40)).branches[1].value, [0, 1])
