"""A limit on the size keeps the n-grams that move the most rows the farthest."""

from __future__ import annotations

import numpy as np

from interpllm.propose.ngrams import count_ngrams
from interpllm.select.problem import Choice, Fitted, Problem, fit
from interpllm.select.search import Search
from interpllm.select.size import Shrinker, shrink, strongest
from interpllm.select.split import folds


def problem(n: int = 120) -> Problem:
    """Texts of which each says its class in one of ten words."""
    random = np.random.default_rng(0)
    y = np.arange(n) % 2
    texts = [
        " ".join([f"c{k}x{random.integers(5)}", *(f"f{i}" for i in random.integers(0, 40, 4))]) for k in y
    ]
    ngrams = count_ngrams(texts, (1, 1))
    parts = folds(y, np.arange(n), 3, stratify=True)
    targets = y[:, None].astype(float)
    return Problem(
        ngrams.matrix, ngrams.lengths, ngrams.words, targets, np.ones(n), "logistic", parts, np.arange(n)
    )


CHOICE = Choice(order=1)


def test_weight_counts_by_the_root_of_the_support() -> None:
    fitted = Fitted(np.zeros(1), np.array([[1.0], [-2.0], [3.0], [0.0]]))
    assert strongest(fitted, np.array([100.0, 16.0, 1.0, 50.0]), 2).tolist() == [0, 1]


def test_ngrams_without_weight_are_never_among_the_strongest() -> None:
    fitted = Fitted(np.zeros(1), np.array([[1.0], [0.0]]))
    assert strongest(fitted, np.array([1.0, 9.0]), 2).tolist() == [0]


def test_what_all_classes_share_is_no_strength() -> None:
    fitted = Fitted(np.zeros(3), np.array([[5.0, 5.0, 5.0], [1.0, 0.0, 0.0]]))
    assert strongest(fitted, np.ones(2), 1).tolist() == [1]


def test_no_more_terms_than_asked_for_are_kept() -> None:
    given = problem()
    for size in (1, 3, 10):
        assert shrink(given, np.arange(120), CHOICE, CHOICE, size).n_terms == size


def test_a_larger_model_is_no_worse() -> None:
    shrinker = Shrinker(Search(problem()), CHOICE)
    scores = [shrinker.curve_point(size)["score"] for size in (1, 4, 10)]
    assert scores == sorted(scores)
    assert scores[-1] > 0.95


def test_the_ngrams_of_a_fold_are_chosen_without_its_judging_rows() -> None:
    given = problem()
    rows, _ = given.folds[0]
    chosen = Shrinker(Search(given), CHOICE).columns(0, 10)
    support = np.asarray(given.matrix[rows].sum(axis=0)).ravel()
    assert chosen.tolist() == strongest(fit(given, rows, CHOICE), support, 10).tolist()


def test_a_lasso_choice_is_refitted_as_a_ridge() -> None:
    trial = Shrinker(Search(problem()), Choice(order=1, norm="none", penalty="lasso", C=0.6)).trial(5)
    assert trial.choice.penalty == "ridge"
    assert trial.n_terms <= 5
