"""Variants are made of the texts' own words, the same for the same seed."""

from __future__ import annotations

from interpllm.propose.variants import variants

TEXTS = ["one two three four five six seven eight nine ten", "Red, green; blue! white?", "", "alone"]


def test_the_same_seed_gives_the_same_variants() -> None:
    assert variants(TEXTS, 6, 3) == variants(TEXTS, 6, 3) != variants(TEXTS, 6, 4)


def test_each_text_has_as_many_as_asked_for() -> None:
    assert len(variants(TEXTS, 5)) == 5 * len(TEXTS)


def test_no_word_is_invented() -> None:
    assert {word for text in variants(TEXTS, 9) for word in text.split()} <= set(" ".join(TEXTS).split())


def test_a_crop_is_a_run_of_half_to_nine_tenths_of_the_words() -> None:
    for crop in variants(TEXTS[:1], 30)[::3]:
        assert crop in TEXTS[0]
        assert 5 <= len(crop.split()) <= 9


def test_a_dropout_keeps_the_order_of_the_words() -> None:
    for dropout in variants(TEXTS[:1], 30)[1::3]:
        positions = [TEXTS[0].split().index(word) for word in dropout.split()]
        assert positions == sorted(set(positions))


def test_a_splice_begins_as_one_text_and_ends_as_another() -> None:
    for splice in variants(["a b c d e f", "u v w x y z"], 30)[2:30:3]:
        found = splice.split()
        assert found[0] == "a"
        assert found[-1] in {"f", "z"}
