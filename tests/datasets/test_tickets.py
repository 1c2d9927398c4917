"""The bundled tickets are what their note says: enough, varied, unique, split fairly, plain strings."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources
from itertools import combinations

import pandas as pd
import pytest

from interpllm.datasets import load_tickets
from interpllm.errors import InputError


@pytest.fixture(scope="module")
def tickets() -> pd.DataFrame:
    return load_tickets()


@pytest.fixture(scope="module")
def n_words(tickets: pd.DataFrame) -> pd.Series:
    return tickets["text"].str.split().str.len()


def test_there_are_at_least_640_tickets(tickets: pd.DataFrame) -> None:
    assert len(tickets) >= 640


def test_there_are_four_to_six_classes(tickets: pd.DataFrame) -> None:
    assert 4 <= tickets["label"].nunique() <= 6


def test_no_class_is_rare(tickets: pd.DataFrame) -> None:
    assert tickets["label"].value_counts(normalize=True).min() > 0.1


def test_columns_are_text_and_label(tickets: pd.DataFrame) -> None:
    assert list(tickets.columns) == ["text", "label"]


def test_every_value_is_a_str(tickets: pd.DataFrame) -> None:
    assert {type(value) for column in tickets for value in tickets[column]} == {str}


def test_texts_are_single_lines_without_space_around_them(tickets: pd.DataFrame) -> None:
    odd = [
        text for text in tickets["text"] if not text or text != text.strip() or len(text.splitlines()) != 1
    ]
    assert odd == []


def test_no_ticket_is_there_twice(tickets: pd.DataFrame) -> None:
    plain = tickets["text"].str.lower().str.replace(r"\W+", " ", regex=True).str.strip()
    assert plain[plain.duplicated()].tolist() == []


def test_no_two_tickets_share_most_of_their_words(tickets: pd.DataFrame) -> None:
    bags = [(set(re.findall(r"\w+", text.lower())), text) for text in tickets["text"]]
    alike = [(a, b) for (x, a), (y, b) in combinations(bags, 2) if len(x & y) >= 0.6 * len(x | y)]
    assert alike == []


def test_few_tickets_open_with_the_same_four_words(tickets: pd.DataFrame) -> None:
    openings = Counter(" ".join(text.lower().split()[:4]) for text in tickets["text"])
    assert openings.most_common(1)[0][1] <= 3


def test_some_tickets_are_very_short(n_words: pd.Series) -> None:
    assert (n_words <= 5).mean() > 0.03


def test_some_tickets_are_long(n_words: pd.Series) -> None:
    assert (n_words >= 50).sum() >= 30


def test_no_ticket_is_longer_than_a_hundred_words(n_words: pd.Series) -> None:
    assert n_words.max() <= 100


@pytest.mark.parametrize("word", ["refund", "app", "machine", "return", "parcel", "cancel"])
def test_telling_words_occur_in_at_least_three_classes(tickets: pd.DataFrame, word: str) -> None:
    has_word = tickets["text"].str.contains(rf"\b{word}", case=False, regex=True)
    assert tickets.loc[has_word, "label"].nunique() >= 3


def test_train_and_test_are_all_the_rows(tickets: pd.DataFrame) -> None:
    parts = [*load_tickets("train")["text"], *load_tickets("test")["text"]]
    assert sorted(parts) == sorted(tickets["text"])


def test_a_quarter_of_each_class_is_in_the_test_part(tickets: pd.DataFrame) -> None:
    share = load_tickets("test")["label"].value_counts() / tickets["label"].value_counts()
    assert share.between(0.23, 0.27).all()


def test_a_part_is_numbered_from_zero() -> None:
    part = load_tickets("test")
    assert list(part.index) == list(range(len(part)))


def test_two_calls_do_not_share_memory() -> None:
    first = load_tickets()
    first.loc[0, "text"] = "changed"
    assert load_tickets().loc[0, "text"] != "changed"


def test_an_unknown_split_is_refused_with_the_possible_ones() -> None:
    with pytest.raises(InputError, match='"train", "test" or None'):
        load_tickets("valid")  # type: ignore[arg-type]


def test_the_note_gives_the_true_counts(tickets: pd.DataFrame) -> None:
    note = resources.files("interpllm.datasets").joinpath("tickets.md").read_text(encoding="utf-8")
    told = {label: int(a) + int(b) for label, a, b in re.findall(r"\| (\w+) \|.*\| (\d+) \| (\d+) \|", note)}
    assert told == tickets["label"].value_counts().to_dict()
