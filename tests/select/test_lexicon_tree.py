"""Lexicons are found on some rows and judged on others, and trees of them keep within their limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from interpllm.propose.ngrams import count_ngrams
from interpllm.select.lexicon import Chooser, Ground, Split, contained, foresight, principal, priors
from interpllm.select.lexicon_tree import Limits, Node, grow, prune, widened
from interpllm.select.split import folds


def ground_of(texts: list[str], targets: Any, n_parts: int = 4, **options: Any) -> tuple[Ground, list[str]]:
    """What trees grow on, with every text a group of its own."""
    y = np.asarray(targets, dtype=np.float64)
    columns = y.reshape(len(y), -1)
    ngrams = count_ngrams(texts, options.pop("orders", (1, 1)))
    weight = options.pop("weight", np.ones(len(y)))
    parts = folds(columns[:, 0], np.arange(len(y)), n_parts, stratify=False) if n_parts else []
    fold = np.full(len(y), -1, dtype=np.intp)
    for number, (_, new) in enumerate(parts):
        fold[new] = number
    found = priors(ngrams.matrix, ngrams.lengths[ngrams.orders[1]], columns, weight, parts, "squared")
    judged = options.pop("judged", np.ones(len(y), dtype=bool))
    inside = contained(ngrams.phrases)
    return Ground(ngrams.matrix, columns, weight, judged, fold, found, inside), ngrams.phrases


def synonyms(n: int = 240, seed: int = 0) -> tuple[list[str], NDArray[np.float64]]:
    """Each text has one of twelve words that never stand together, half of them good, and filler."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    words = [f"good{i}" if k else f"bad{i}" for i, k in zip(random.integers(0, 6, n), y, strict=True)]
    return [" ".join([w, *random.choice([f"w{i}" for i in range(9)], 2)]) for w in words], y.astype(float)


def lexicon(node: Node, phrases: list[str]) -> set[str]:
    assert node.columns is not None
    return {phrases[column] for column in node.columns}


def noisy(n: int = 600, seed: int = 3) -> tuple[list[str], NDArray[np.float64]]:
    """Two words tell much and others little."""
    random = np.random.default_rng(seed)
    texts, y = [], []
    for _ in range(n):
        words = [f"w{i}" for i in range(30) if random.random() < 0.2]
        score = ("w0" in words) * 2.0 - ("w1" in words) * 2.0 + ("w2" in words) - ("w3" in words)
        texts.append(" ".join(words or ["none"]))
        y.append(float(random.random() < 1 / (1 + np.exp(-score))))
    return texts, np.array(y)


# One lexicon ------------------------------------------------------------------------------------------


def test_synonyms_that_never_stand_together_become_one_lexicon() -> None:
    ground, phrases = ground_of(*synonyms())
    tree = grow(ground, Limits(max_leaf_nodes=2))
    assert lexicon(tree[0], phrases) in ({f"good{i}" for i in range(6)}, {f"bad{i}" for i in range(6)})
    assert sorted(float(tree[k].value[0].round(1)) for k in (1, 2)) == [0.0, 1.0]


def test_words_that_tell_by_chance_are_worth_nothing_held_back() -> None:
    random = np.random.default_rng(0)
    texts = [f"only{row} w{row % 3}" for row in range(120)]
    ground, _ = ground_of(texts, random.integers(0, 2, 120))
    values = [node.value[0] for node in grow(ground, Limits(min_rows=5)) if node.columns is None]
    assert max(values) < 0.85
    assert min(values) > 0.15


def test_a_lexicon_does_not_say_that_rows_held_back_speak_against_it() -> None:
    # Each text stands alone in what it says, so what is learned without it says the opposite of it.
    texts, y = ["alpha one", "beta two", "gamma three", "delta four"] * 5, [1.0, 1.0, 0.0, 0.0] * 5
    ground, _ = ground_of(texts, y, n_parts=0)
    fold = np.arange(20) % 4
    parts = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(4)]
    found = priors(ground.matrix, np.full(20, 2.0), ground.targets, ground.weight, parts, "squared")
    assert len(grow(replace(ground, fold=fold, priors=found), Limits())) == 1


@pytest.mark.parametrize("most", [1, 3])
def test_a_lexicon_holds_no_more_phrases_than_it_may(most: int) -> None:
    ground, _ = ground_of(*synonyms())
    tree = grow(ground, Limits(max_phrases=most), propose=lambda split, held: [(0, "llm"), (1, "llm")])
    sizes = [len(node.columns) for node in tree if node.columns is not None]
    assert sizes
    assert max(sizes) <= most


def test_a_phrase_around_another_of_the_lexicon_is_left_out() -> None:
    texts = ["good film", "good one", "bad film", "bad one"] * 30
    ground, phrases = ground_of(texts, [1.0, 1.0, 0.0, 0.0] * 30, orders=(1, 2))
    found = lexicon(grow(ground, Limits(max_leaf_nodes=2))[0], phrases)
    assert found in ({"good"}, {"bad"})


def test_phrases_inside_others_are_found() -> None:
    phrases = ["a", "b", "a b", "b a", "a b a"]
    assert contained(phrases).tolist() == [[0, 2], [0, 3], [0, 4], [1, 2], [1, 3], [1, 4], [2, 4], [3, 4]]


def test_principal_axes_keep_what_vectors_tell_and_zeros_zero() -> None:
    random = np.random.default_rng(0)
    flat = random.normal(size=(50, 3)) @ random.normal(size=(3, 400))
    flat[7] = 0
    found = principal(flat)
    assert found.shape[1] < 400
    assert not found[7].any()
    rest = np.delete(np.arange(50), 7)
    centred = flat[rest] - flat[rest].mean(axis=0)
    np.testing.assert_allclose(found[rest] @ found[rest].T, centred @ centred.T, rtol=1e-2, atol=1.0)


def test_foresight_is_high_where_words_tell_and_low_where_they_do_not() -> None:
    texts, y = synonyms()
    told = []
    for target in (y, np.random.default_rng(5).permutation(y)):
        ground, _ = ground_of(texts, target)
        parts = [(np.flatnonzero(ground.fold != k), np.flatnonzero(ground.fold == k)) for k in range(4)]
        about = (ground.matrix, np.full(len(y), 3.0), ground.targets, ground.weight, parts)
        told.append(foresight(*about, ground.priors))
    assert told[0] > 0.8
    assert told[1] < 0.1


# Widening ---------------------------------------------------------------------------------------------


def split_on(ground: Ground, column: int) -> tuple[NDArray[np.intp], Split]:
    """A lexicon of one phrase, as if it had been chosen."""
    rows = np.arange(len(ground.weight))
    yes = np.asarray(ground.matrix[:, [column]].sum(axis=1)).ravel() > 0
    inside = np.zeros(ground.priors.shape[:2], dtype=bool)
    inside[:, column] = True
    away = ground.targets[:, 0] - ground.targets.mean()
    gain = away[yes].sum() ** 2 * (1 / yes.sum() + 1 / (~yes).sum())
    return rows, Split(np.array([column]), inside, 0, 1, float(gain), yes, yes)


def test_only_phrases_that_help_on_rows_held_back_widen_a_lexicon() -> None:
    ground, phrases = ground_of(*synonyms())
    place = {phrase: i for i, phrase in enumerate(phrases)}
    rows, split = split_on(ground, place["good0"])
    proposed = [(place[p], "llm") for p in ("good1", "bad1", "w1", "good2")]
    wider, kept = widened(ground, rows, rows, split, proposed)
    assert {phrases[column] for column in kept} == {"good1", "good2"}
    assert [phrases[column] for column in wider.columns] == ["good0", "good1", "good2"]
    assert wider.gain > split.gain


def test_a_phrase_that_one_part_speaks_for_and_the_others_against_is_not_kept() -> None:
    # "odd" is good in part 0 and bad elsewhere, as often as "good1" is good.
    texts = ["good0 w", "bad0 w"] * 60 + ["odd w"] * 40
    y = [1.0, 0.0] * 60 + [1.0] * 10 + [0.0] * 30
    ground, phrases = ground_of(texts, y, n_parts=0)
    fold = np.arange(160) % 4
    fold[120:130], fold[130:] = 0, 1 + np.arange(30) % 3
    ground = replace(ground, fold=fold, priors=np.repeat(ground.priors, 5, axis=0))
    place = {phrase: i for i, phrase in enumerate(phrases)}
    rows, split = split_on(ground, place["good0"])
    assert widened(ground, rows, rows, split, [(place["odd"], "llm")]) == (split, {})


def test_a_row_that_no_other_supports_does_not_keep_its_own_phrase() -> None:
    texts, y = synonyms(120)
    ground, phrases = ground_of([*texts, "once w0"], [*y, 1.0])
    place = {phrase: i for i, phrase in enumerate(phrases)}
    rows, split = split_on(ground, place["good0"])
    wider, kept = widened(ground, rows, rows, split, [(place["once"], "vectors")])
    assert not kept
    assert wider is split


def test_there_is_no_more_room_than_there_is() -> None:
    ground, phrases = ground_of(*synonyms())
    place = {phrase: i for i, phrase in enumerate(phrases)}
    rows, split = split_on(ground, place["good0"])
    proposed = [(place[f"good{i}"], "llm") for i in range(1, 6)]
    assert len(widened(ground, rows, rows, split, proposed, room=2)[1]) == 2
    assert widened(ground, rows, rows, split, proposed, room=0) == (split, {})


# Trees ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ground() -> Ground:
    return ground_of(*noisy())[0]


def leaves(tree: list[Node]) -> list[Node]:
    return [node for node in tree if node.columns is None]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_no_node_is_deeper_than_it_may(ground: Ground, depth: int) -> None:
    assert max(node.depth for node in grow(ground, Limits(max_depth=depth))) == depth


@pytest.mark.parametrize("most", [2, 5, 9])
def test_no_more_leaves_than_there_may_be(ground: Ground, most: int) -> None:
    assert len(leaves(grow(ground, Limits(max_leaf_nodes=most)))) == most


@pytest.mark.parametrize("least", [10, 60])
def test_no_leaf_has_fewer_rows_than_it_must(ground: Ground, least: int) -> None:
    tree = grow(ground, Limits(min_rows=least))
    assert len(tree) > 1
    assert min(min(node.n_rows, node.n_held) for node in leaves(tree)) >= least


def test_nodes_stand_before_those_they_lead_to_and_share_out_their_rows(ground: Ground) -> None:
    tree = grow(ground, Limits(max_leaf_nodes=12))
    for number, node in enumerate(tree):
        if node.yes is not None and node.no is not None:
            assert number < min(node.yes, node.no)
            assert tree[node.yes].n_rows + tree[node.no].n_rows == node.n_rows


def test_pruning_takes_back_more_with_a_higher_price_and_all_in_the_end(ground: Ground) -> None:
    tree = grow(ground, Limits(min_rows=5))
    sizes = [len(leaves(prune(tree, alpha))) for alpha in (0.0, 1e-4, 1e-3, 5e-3, 2e-2, 1.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 3
    assert sizes[-1] == 1


def test_pruning_keeps_what_is_worth_its_price(ground: Ground) -> None:
    pruned = prune(grow(ground, Limits(min_rows=5)), 1e-3)
    for node in pruned:
        if (
            node.yes is not None
            and node.no is not None
            and pruned[node.yes].yes is pruned[node.no].yes is None
        ):
            assert node.impurity - pruned[node.yes].impurity - pruned[node.no].impurity > 1e-3


def test_rows_that_do_not_judge_do_not_say_what_a_leaf_is_worth() -> None:
    texts, y = synonyms(120)
    judged = np.array([True] * 120 + [False] * 120)
    ground, _ = ground_of(texts * 2, np.r_[y, y], judged=judged)
    assert grow(ground, Limits())[0].n_held == 120


def test_rows_of_weight_zero_are_left_out(ground: Ground) -> None:
    half = ground.weight * (np.arange(len(ground.weight)) < 300)
    assert grow(replace(ground, weight=half), Limits(max_leaf_nodes=4))[0].n_rows == 300


def test_weights_move_what_leaves_are_worth() -> None:
    texts, y = ["good w"] * 40 + ["bad w"] * 40, np.r_[np.ones(30), np.zeros(50)]
    values = []
    for heavy in (1.0, 5.0):
        ground, _ = ground_of(texts, y, weight=np.where(y > 0, heavy, 1.0))
        values.append(max(node.value[0] for node in grow(ground, Limits(max_leaf_nodes=2))))
    assert values[1] > values[0] + 0.05


def test_many_outputs_are_told_apart() -> None:
    texts = [f"{word} w{i % 4}" for i in range(60) for word in ("red", "green", "blue")]
    ground, _ = ground_of(texts, np.tile(np.eye(3), (60, 1)))
    values = [node.value.round(1).tolist() for node in leaves(grow(ground, Limits()))]
    assert sorted(values) == sorted(np.eye(3).tolist())


def test_a_veiled_phrase_is_in_no_lexicon(ground: Ground) -> None:
    veil = np.zeros(ground.matrix.shape[1], dtype=bool)
    veil[:15] = True
    tree = grow(ground, Limits(max_leaf_nodes=8), veil=lambda: veil)
    assert len(tree) > 1
    assert not any(veil[node.columns].any() for node in tree if node.columns is not None)


def test_without_parts_a_tree_grows_all_the_same() -> None:
    ground, _ = ground_of(["good", "bad"] * 3, [1.0, 0.0] * 3, n_parts=0)
    assert len(grow(ground, Limits())) == 3


def test_a_chooser_has_nothing_to_say_of_rows_that_are_all_the_same() -> None:
    ground, _ = ground_of(["good w"] * 30, [1.0, 0.0] * 15)
    every = np.arange(30)
    barred = np.zeros(ground.priors.shape[:2], dtype=bool)
    assert Chooser(ground, None, 1).best(every, every, barred) is None
