"""Near-duplicates are found, and no split divides them."""

from __future__ import annotations

import numpy as np
import pytest

from interpllm.select.split import COMMON, folds, fragments, near_duplicates, uncut


def test_a_phrase_cut_from_a_sentence_joins_it() -> None:
    groups = near_duplicates(
        ["An utterly charming and fresh little film, if long.", "other", "charming and fresh little film"]
    )
    assert groups.tolist() == [0, 1, 0]


def test_four_words_in_common_join_nothing() -> None:
    assert near_duplicates(["it is a very good film", "it is a very bad film"]).tolist() == [0, 1]


def test_belonging_is_transitive() -> None:
    texts = ["a b c d e f", "x", "b c d e f g h i j k", "g h i j k l"]
    assert near_duplicates(texts).tolist() == [0, 1, 0, 0]


def test_boilerplate_joins_nothing() -> None:
    texts = [f"word{i} sent from my small old phone" for i in range(COMMON + 1)]
    assert len(set(near_duplicates(texts).tolist())) == len(texts)


@pytest.mark.parametrize("n", [3, COMMON + 5])
def test_short_texts_of_the_same_words_belong_together(n: int) -> None:
    assert near_duplicates(["Good film!"] * n + ["film good!", ""]).tolist() == [0] * n + [1, 2]


SENTENCE = "A gorgeous, witty and seductive movie, and not a dull minute."


@pytest.mark.parametrize(
    ("text", "is_part"),
    [
        ("witty and seductive movie and not", True),
        ("GORGEOUS WITTY", True),
        ("witty", True),
        ("a witty movie", False),
        ("witty and seductive movie and not a bore", False),
        (SENTENCE, False),
        ("", False),
    ],
)
def test_a_fragment_stands_in_a_row_in_a_longer_text(text: str, is_part: bool) -> None:
    texts = ["something else", SENTENCE, text]
    assert fragments(texts, near_duplicates(texts)).tolist() == [False, False, is_part]


def test_texts_are_uncut_where_few_are_fragments() -> None:
    texts = [SENTENCE, "a b c d e f", "not a dull minute"]
    assert uncut(texts, near_duplicates(texts)).all()


def test_where_most_are_fragments_the_others_are_uncut() -> None:
    texts = [SENTENCE, "witty", "not a dull minute", "and seductive"]
    assert uncut(texts, near_duplicates(texts)).tolist() == [True, False, False, False]


GROUPS = np.repeat(np.arange(30), 4)
Y = np.repeat(np.arange(30) % 3, 4)


@pytest.mark.parametrize("stratify", [True, False])
def test_no_fold_divides_a_group(stratify: bool) -> None:
    for fit, judge in folds(Y, GROUPS, 5, stratify=stratify):
        assert not set(GROUPS[fit]) & set(GROUPS[judge])
        assert len(fit) + len(judge) == len(Y)


def test_each_row_judges_once() -> None:
    judged = np.concatenate([judge for _, judge in folds(Y, GROUPS, 5, stratify=True)])
    assert sorted(judged.tolist()) == list(range(len(Y)))


def test_only_rows_that_may_judge_do() -> None:
    may = np.arange(len(Y)) % 2 == 0
    judged = np.concatenate([judge for _, judge in folds(Y, GROUPS, 5, stratify=True, judged=may)])
    assert sorted(judged.tolist()) == np.flatnonzero(may).tolist()


def test_classes_are_balanced() -> None:
    for _, judge in folds(Y, GROUPS, 5, stratify=True):
        assert np.bincount(Y[judge]).tolist() == [8, 8, 8]


def test_the_seed_decides() -> None:
    def drawn(seed: int | None) -> list[list[int]]:
        return [judge.tolist() for _, judge in folds(Y, GROUPS, 5, stratify=True, random_state=seed)]

    assert drawn(None) == drawn(0) == drawn(0) != drawn(1)


def test_there_are_no_more_folds_than_groups_of_the_rarest_class() -> None:
    y, groups = np.array([0] * 20 + [1] * 6), np.array([*range(20), 20, 20, 21, 21, 22, 22])
    assert len(folds(y, groups, 5, stratify=True)) == 3


def test_there_are_no_more_folds_than_groups() -> None:
    assert len(folds(np.arange(8.0), np.repeat(np.arange(4), 2), 5, stratify=False)) == 4


@pytest.mark.parametrize("stratify", [True, False])
def test_one_group_gives_no_folds(stratify: bool) -> None:
    assert folds(np.array([0, 1, 1]), np.zeros(3, dtype=int), 5, stratify=stratify) == []
