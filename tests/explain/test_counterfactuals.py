"""The smallest change to another prediction: as small as exhaustive search finds, and checked on the text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from interpllm.errors import InputError
from interpllm.explain import additive, counterfactual, flips
from interpllm.runtime import (
    Branch,
    Clause,
    Compares,
    ConceptLinear,
    ConceptTree,
    Is,
    Lexicon,
    LinearModel,
    Node,
    Question,
    RuleListModel,
    RuleSetModel,
    TreeModel,
)
from interpllm.runtime.concept_model import scorer_of
from interpllm.runtime.row_scoring import holds
from interpllm.runtime.scoring import winner
from interpllm.runtime.tokens import gram, ngrams

WORDS = ["good", "bad", "not", "so", "film", "plot"]
CLASSES = {2: ("a", "b"), 3: ("a", "b", "c"), 4: ("a", "b", "c", "d")}


def linear(random: np.random.Generator, n_classes: int, norm: str, phrases: list[str]) -> LinearModel:
    n = n_classes if n_classes > 2 else 1
    return LinearModel(
        task="classification",
        classes=CLASSES[n_classes],
        ngram_range=(1, 2),
        norm=norm,
        intercept=tuple(random.normal(size=n) * 0.4),
        weights={phrase: tuple(random.normal(size=n)) for phrase in phrases},
    )


def drawn(random: np.random.Generator) -> tuple[str, list[str]]:
    """A text, and some of its n-grams."""
    text = " ".join(random.choice(WORDS, size=random.integers(1, 7)))
    grams = ngrams(text, 1, 2)
    return text, list(random.choice(grams, size=min(len(grams), 7), replace=False))


def fewest_removals(model: LinearModel, text: str, target: int | None) -> int | None:
    """By trying every set of phrases."""
    scorer, grams = scorer_of(model), set(map(gram, ngrams(text, 1, 2)))
    now = winner(scorer.of(grams))
    for k in range(1, len(model.weights) + 1):
        for gone in itertools.combinations(model.weights, k):
            found = winner(scorer.of(grams - set(map(gram, gone))))
            if found == target if target is not None else found != now:
                return k
    return None


@pytest.mark.parametrize("norm", ["none", "sqrt"])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_removals_are_as_few_as_exhaustive_search_finds(n_classes: int, norm: str) -> None:
    random = np.random.default_rng(n_classes)
    for _ in range(100):
        text, phrases = drawn(random)
        model = linear(random, n_classes, norm, phrases)
        (found,) = counterfactual(model, [text]).found
        expected = fewest_removals(model, text, None)
        assert (len(found.changes) or None) == expected
        assert found.status == ("none" if expected is None else "found")


@pytest.mark.parametrize("norm", ["none", "sqrt"])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_removals_to_a_class_are_as_few_as_exhaustive_search_finds(n_classes: int, norm: str) -> None:
    random = np.random.default_rng(10 + n_classes)
    for _ in range(60):
        text, phrases = drawn(random)
        model = linear(random, n_classes, norm, phrases)
        target = int(random.integers(n_classes))
        (found,) = counterfactual(model, [text], model.classes[target]).found
        if found.prediction == model.classes[target]:
            assert found.status == "there already"
        else:
            assert (len(found.changes) or None) == fewest_removals(model, text, target)


def test_removals_are_checked_on_the_text_that_is_left() -> None:
    # Cutting "great" joins "not" and "bad", and "not bad" speaks for what "great" spoke for.
    weights = {"great": (2.0,), "not bad": (3.0,), "bad": (-1.0,)}
    model = LinearModel(
        task="classification", classes=("no", "yes"), ngram_range=(1, 2), intercept=(0.0,), weights=weights
    )
    (found,) = counterfactual(model, ["not great bad"]).found
    assert [change.said for change in found.changes] == ['without "great"']
    assert (found.new_prediction, found.cut_text, found.cut_prediction) == ("no", "not  bad", "yes")
    assert found.holds_on_text is False
    assert "still predicted yes" in str(found)


def test_a_phrase_that_overlaps_another_takes_it_along_on_the_text() -> None:
    weights = {"not bad": (2.0,), "bad": (-0.5,)}
    model = LinearModel(
        task="classification", classes=("no", "yes"), ngram_range=(1, 2), intercept=(0.2,), weights=weights
    )
    (found,) = counterfactual(model, ["a not bad film"]).found
    assert (found.new_prediction, found.cut_prediction, found.holds_on_text) == ("no", "yes", False)


def test_where_nothing_leads_there_it_is_said_in_words() -> None:
    model = LinearModel(task="classification", classes=("no", "yes"), intercept=(1.0,), weights={"x": (1.0,)})
    (found,) = counterfactual(model, ["x"]).found
    assert (found.status, found.changes, found.cut_text) == ("none", (), None)
    assert str(found) == "No set of such changes leads from yes to another prediction."


QUESTIONS = tuple(Question.of(f"question {i}?") for i in range(5))


def answered(random: np.random.Generator) -> list[float | None]:
    kinds: list[float | None] = [0.0, 1.0, 0.2, 0.9, None]
    return [kinds[i] for i in random.integers(5, size=5)]


def turned(answers: list[float | None]) -> Iterator[tuple[int, list[float | None]]]:
    """All ways to turn answers, the fewest first, with how many are turned."""
    ways = [(a, *((0.0, 1.0) if a is None else (0.0 if a > 0.5 else 1.0,))) for a in answers]
    every = [(sum(map(bool, picks)), [way[i] for way, i in zip(ways, picks, strict=True)]) for picks in
             itertools.product(*(range(len(way)) for way in ways))]  # fmt: skip
    yield from sorted(every, key=lambda found: found[0])


@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("aimed", [False, True])
def test_turned_answers_of_a_sum_are_as_few_as_exhaustive_search_finds(n_classes: int, aimed: bool) -> None:
    random = np.random.default_rng(n_classes)
    n = n_classes if n_classes > 2 else 1
    for _ in range(30):
        model = ConceptLinear(
            task="classification",
            classes=CLASSES[n_classes],
            questions=QUESTIONS,
            means=random.uniform(size=5).tolist(),
            intercept=tuple(random.normal(size=n)),
            weights=[tuple(random.normal(size=n)) for _ in QUESTIONS],
        )
        answers = answered(random)
        given = {question.id: [a] for question, a in zip(QUESTIONS, answers, strict=True)}
        now = model.predict(None, given)[0]
        target = model.classes[int(random.integers(n_classes))] if aimed else None
        (found,) = counterfactual(model, None, target, answers=given).found
        expected = None
        for k, tried in turned(answers):
            told = model.predict(None, {q.id: [a] for q, a in zip(QUESTIONS, tried, strict=True)})[0]
            if k and expected is None and (told == target if aimed else told != now):
                expected = k
        if target == now:
            assert found.status == "there already"
        else:
            assert (len(found.changes) or None) == expected


def grown(random: np.random.Generator, n_classes: int, condition: Any, depth: int = 3) -> list[Branch]:
    """A random tree of shares."""
    nodes: list[Branch] = []

    def grow(level: int) -> int:
        number, shares = len(nodes), tuple(random.dirichlet(np.ones(n_classes)))
        nodes.append(Branch(None, None, None, shares, 5, str(random.choice(["yes", "no"]))))
        if level < depth and (level == 0 or random.uniform() < 0.8):
            yes = grow(level + 1)
            nodes[number] = nodes[number]._replace(condition=condition(), yes=yes, no=grow(level + 1))
        return number

    grow(0)
    return nodes


def test_turned_answers_of_a_tree_are_as_few_as_exhaustive_search_finds() -> None:
    random = np.random.default_rng(0)
    for _ in range(60):
        tree = grown(random, 3, lambda: int(random.integers(5)))
        asked = sorted({node.condition for node in tree if node.condition is not None})
        nodes = [
            Node(None if n.condition is None else asked.index(n.condition), n.yes, n.no, n.value, n.n_rows)
            for n in tree
        ]
        own = [QUESTIONS[place] for place in asked]
        model = ConceptTree(
            task="classification", classes=CLASSES[3], nodes=nodes, questions=own, means=[0.5] * len(own)
        )
        answers = answered(random)[: len(own)]
        given = {question.id: [a] for question, a in zip(own, answers, strict=True)}
        now = model.predict(None, given)[0]
        expected = None
        for k, tried in turned(answers):
            told = model.predict(None, {q.id: [a] for q, a in zip(own, tried, strict=True)})[0]
            if expected is None and told != now:
                expected = k
        (found,) = counterfactual(model, None, answers=given).found
        assert (len(found.changes) or None) == expected


def fewest_flips(model: Any, row: Any, rows: list[Any], target: Any = None) -> int | None:
    """Over rows of every kind that there is: the fewest conditions on a path that were otherwise before."""
    now = model.predict([row])[0]
    (read,) = model._rows([row], None)
    before = {str(condition): holds(condition.plain, read) for condition in model.conditions()}
    sizes = []
    for told in model.explain(rows):
        if told.prediction == target if target is not None else told.prediction != now:
            looked = {step.condition: step.held for step in told.path}
            sizes.append(sum(held != before[name] for name, held in looked.items()))
    return min(sizes) if sizes else None


def on_numbers(random: np.random.Generator, n_bounds: int) -> Any:
    def condition() -> Compares:
        bound = float(random.integers(1, n_bounds + 1))
        return Compares(f"n{random.integers(3)}", str(random.choice(["<=", "<"])), bound)

    return condition


NUMBERS = [
    {f"n{i}": value for i, value in enumerate(cells)}
    for cells in itertools.product((0.5, 1.0, 1.5, 2.0, 2.5), repeat=3)
]


@pytest.mark.parametrize("aimed", [False, True])
def test_conditions_of_a_tree_are_as_few_as_exhaustive_search_finds(aimed: bool) -> None:
    random = np.random.default_rng(1)
    for _ in range(40):
        tree = grown(random, 3, on_numbers(random, 2))
        model = TreeModel(task="classification", classes=CLASSES[3], trees=(tuple(tree),), link="share")
        row = NUMBERS[int(random.integers(len(NUMBERS)))]
        target = "c" if aimed and model.predict([row])[0] != "c" else None
        (found,) = counterfactual(model, [row], target).found
        assert (len(found.changes) or None) == fewest_flips(model, row, NUMBERS, target)


def test_conditions_of_a_sum_of_trees_are_as_few_as_exhaustive_search_finds() -> None:
    random = np.random.default_rng(2)
    for _ in range(25):
        trees = tuple(tuple(grown(random, 3, on_numbers(random, 2), depth=2)) for _ in range(3))
        model = TreeModel(task="classification", classes=CLASSES[3], trees=trees, link="share")
        row = NUMBERS[int(random.integers(len(NUMBERS)))]
        (found,) = counterfactual(model, [row]).found
        assert (len(found.changes) or None) == fewest_flips(model, row, NUMBERS)


def test_conditions_of_a_rule_list_are_as_few_as_exhaustive_search_finds() -> None:
    random = np.random.default_rng(3)
    for _ in range(40):
        condition = on_numbers(random, 2)
        clauses = [
            Clause(
                tuple(condition() for _ in range(random.integers(1, 3))), tuple(random.dirichlet(np.ones(3)))
            )
            for _ in range(4)
        ]
        model = RuleListModel(
            task="classification",
            classes=CLASSES[3],
            clauses=tuple(clauses),
            otherwise=tuple(random.dirichlet(np.ones(3))),
            link="share",
        )
        row = NUMBERS[int(random.integers(len(NUMBERS)))]
        (found,) = counterfactual(model, [row]).found
        assert (len(found.changes) or None) == fewest_flips(model, row, NUMBERS)


def test_conditions_of_a_rule_set_are_as_few_as_exhaustive_search_finds() -> None:
    random = np.random.default_rng(4)
    cells = list(itertools.product((0.0, 1.0), repeat=5))
    for _ in range(40):
        rules = [
            Clause(
                tuple(
                    Compares(f"n{i}", str(random.choice(["<=", ">"])), 0.5)
                    for i in random.choice(5, size=random.integers(1, 4), replace=False)
                ),
                (float(random.normal()),),
            )
            for _ in range(5)
        ]
        model = RuleSetModel(
            task="classification",
            classes=CLASSES[2],
            clauses=tuple(rules),
            intercept=(float(random.normal()),),
            link="logit",
        )
        seen = [{f"n{i}": v for i, v in enumerate(cell)} for cell in cells]
        row = seen[int(random.integers(len(seen)))]
        now = model.predict([row])[0]
        used = set(model.columns)
        sizes = [
            sum(row[name] != other[name] for name in used)
            for other, told in zip(seen, model.predict(seen), strict=True)
            if told != now
        ]
        (found,) = counterfactual(model, [row]).found
        assert (len(found.changes) or None) == (min(sizes) if sizes else None)


PHRASES = ["good", "bad", "film", "good film", "bad good film"]
TEXTS = [" zz ".join(some) for k in range(len(PHRASES) + 1) for some in itertools.combinations(PHRASES, k)]


def test_mentions_of_a_tree_are_as_few_as_exhaustive_search_finds() -> None:
    """Phrases hold others: what mentions "good film" mentions "good"."""
    random = np.random.default_rng(5)

    def condition() -> Lexicon:
        return Lexicon(tuple(sorted(random.choice(PHRASES, size=random.integers(1, 3), replace=False))))

    for _ in range(60):
        tree = grown(random, 2, condition)
        model = TreeModel(task="classification", classes=CLASSES[2], trees=(tuple(tree),), link="share")
        row = str(random.choice(TEXTS))
        (found,) = counterfactual(model, [row]).found
        assert (len(found.changes) or None) == fewest_flips(model, row, TEXTS)


def leaf(*shares: float) -> Branch:
    return Branch(None, None, None, shares, 1)


def test_conditions_that_cannot_hold_together_lead_nowhere() -> None:
    """Only a number that is at most 1 and above 2 would come to the other class."""
    tree = (
        Branch(Compares("n", "<=", 1.0), 1, 2, (0.5, 0.5), 2),
        Branch(Compares("n", ">", 2.0), 3, 4, (0.5, 0.5), 1),
        leaf(0.9, 0.1),
        leaf(0.1, 0.9),
        leaf(0.8, 0.2),
    )
    model = TreeModel(task="classification", classes=CLASSES[2], trees=(tree,), link="share")
    assert [one.status for one in counterfactual(model, [{"n": 1.0}, {"n": 3.0}]).found] == ["none"] * 2


def test_values_of_a_column_are_held_against_each_other() -> None:
    tree = (
        Branch(Is("c", ("x", "y")), 1, 2, (0.5, 0.5), 2),
        Branch(Is("c", ("y", "z"), True), 3, 4, (0.5, 0.5), 1),
        leaf(0.9, 0.1),
        leaf(0.1, 0.9),
        leaf(0.8, 0.2),
    )
    model = TreeModel(task="classification", classes=CLASSES[2], trees=(tree,), link="share")
    (found,) = counterfactual(model, [{"c": "z"}]).found
    assert [change.said for change in found.changes] == ['c is one of: "x", "y"', 'c is none of: "y", "z"']


def test_words_of_a_tree_that_have_to_go_are_cut_out_of_the_text() -> None:
    tree = (Branch(Lexicon(("good", "fine")), 1, 2, (0.5, 0.5), 2), leaf(0.1, 0.9), leaf(0.8, 0.2))
    model = TreeModel(task="classification", classes=CLASSES[2], trees=(tree,), link="share", text="t")
    found = counterfactual(model, [{"t": "good, really good"}, {"t": "so so"}]).found
    assert [(one.cut_text, one.holds_on_text) for one in found] == [(", really ", True), (None, None)]


def test_a_search_that_is_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flips, "MOST_SETS", 1)
    tree = (Branch(Compares("n", "<=", 1.0), 1, 2, (0.5, 0.5), 2), leaf(0.1, 0.9), leaf(0.8, 0.2))
    model = TreeModel(task="classification", classes=CLASSES[2], trees=(tree,), link="share")
    (found,) = counterfactual(model, [{"n": 0.0}]).found
    assert found.status == "search stopped"


def test_a_search_for_one_of_many_classes_that_is_stopped_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(additive, "MOST_SETS", 0)
    weights = {"x": (3.0, 0.0, 0.0), "y": (3.0, 0.0, 0.0)}
    model = LinearModel(task="classification", classes=CLASSES[3], intercept=(0.0, 1.0, 2.0), weights=weights)
    assert [one.status for one in counterfactual(model, ["x y"], "c").found] == ["search stopped"]


def test_a_regression_has_no_class_to_change_to() -> None:
    model = LinearModel(task="regression", intercept=(0.0,), weights={"x": (1.0,)})
    with pytest.raises(InputError, match="regression"):
        counterfactual(model, ["x"])


def test_an_unknown_class_is_refused_and_the_known_are_listed() -> None:
    model = LinearModel(task="classification", classes=("no", "yes"), intercept=(0.0,), weights={})
    with pytest.raises(InputError, match="'maybe' is no class of the model; its classes are 'no', 'yes'"):
        counterfactual(model, ["x"], "maybe")


def test_rows_may_come_one_by_one() -> None:
    model = LinearModel(
        task="classification", classes=("no", "yes"), intercept=(-1.0,), weights={"x": (2.0,)}
    )
    assert [one.status for one in counterfactual(model, iter(["x", "y"])).found] == ["found", "none"]


def test_answers_to_a_model_that_asks_nothing_are_refused() -> None:
    model = LinearModel(task="classification", classes=("no", "yes"), intercept=(-1.0,), weights={})
    with pytest.raises(InputError, match="asks no questions"):
        counterfactual(model, ["x"], answers={"q": [1.0]})


def test_what_is_no_model_of_ours_is_refused() -> None:
    with pytest.raises(InputError, match="from_sklearn"):
        counterfactual(object(), ["x"])


def test_its_page_escapes_texts_and_labels() -> None:
    model = LinearModel(
        task="classification", classes=("<i>", "<u>"), intercept=(-1.0,), weights={"great": (2.0,)}
    )
    html = counterfactual(model, ["<script>great</script>"]).to_html()
    assert not [raw for raw in ("<script>great", "<u>", "<i>") if raw in html]
