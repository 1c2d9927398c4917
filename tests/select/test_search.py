"""A choice is tried once, judged on rows that it was not fitted on, and the better one is picked."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit

from interpllm.propose.ngrams import count_ngrams
from interpllm.select import search as module
from interpllm.select.problem import Choice, Lesson, Problem, Unlabelled, fit
from interpllm.select.search import (
    Search,
    Trial,
    judge_scores,
    pick,
    search_assisted,
    search_plain,
)
from interpllm.select.split import folds

FILLER = [f"w{i}" for i in range(30)]


def planted(n: int = 120, seed: int = 0, **changes: Any) -> tuple[Problem, list[str]]:
    """Texts of filler and of "good" or "bad", which say the class nine times in ten."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % 2
    said = np.where(random.random(n) < 0.9, y, 1 - y)
    texts = [
        " ".join([*random.choice(FILLER, 4), ("bad", "good")[k], *random.choice(FILLER, 2)]) for k in said
    ]
    ngrams = count_ngrams(texts, (1, 2))
    parts = folds(y, np.arange(n), 3, stratify=True)
    problem = Problem(
        ngrams.matrix,
        ngrams.lengths,
        ngrams.words,
        y[:, None].astype(float),
        np.ones(n),
        "logistic",
        parts,
        np.arange(n),
    )
    return replace(problem, **changes), ngrams.phrases


@pytest.fixture(scope="module")
def problem() -> Problem:
    return planted()[0]


def trial(score: float, loss: float, C: float = 1.0) -> Trial:
    return Trial(Choice(C=C), score, loss, 1.0, 10)


def test_of_scores_about_as_good_as_the_best_the_least_loss_is_picked() -> None:
    best, near, far = trial(0.90, 0.5), trial(0.89, 0.3), trial(0.70, 0.1)
    assert pick([best, near, far], 100, "logistic") is near  # half a standard error is .015


def test_with_many_rows_judged_the_score_decides() -> None:
    best, near = trial(0.90, 0.5), trial(0.88, 0.3)
    assert pick([best, near], 100_000, "logistic") is best


def test_in_a_regression_the_loss_decides() -> None:
    worse, better = trial(0.2, 0.5), trial(0.1, 0.4)
    assert pick([worse, better], 10, "squared") is better


def test_a_score_that_rounds_above_one_can_be_picked() -> None:
    assert pick([trial(1 + 2**-52, 0.5)], 50, "logistic").loss == 0.5


def test_a_choice_is_tried_once(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Choice] = []

    def counting(problem: Problem, rows: Any, choice: Choice, *rest: Any) -> Any:
        calls.append(choice)
        return fit(problem, rows, choice, *rest)

    monkeypatch.setattr(module, "fit", counting)
    search = Search(problem)
    search_plain(search, (1,))
    assert len(calls) == len(set(calls)) * len(problem.folds)
    assert set(calls) == {choice for choice, _ in search.trials}


def test_progress_counts_every_fit(problem: Problem) -> None:
    done: list[int] = []
    search = Search(problem, progress=done.append)
    search.trial(Choice())
    search.trial(Choice())
    assert sum(done) == len(problem.folds)


def test_judging_rows_have_no_part_in_the_fit(problem: Problem) -> None:
    rows, judge = problem.folds[0]
    flipped = problem.targets.copy()
    flipped[judge] = 1 - flipped[judge]
    for choice in (Choice(), Choice(norm="none", penalty="lasso", C=0.6), Choice(weighting="idf")):
        first, second = (fit(p, rows, choice).table for p in (problem, replace(problem, targets=flipped)))
        np.testing.assert_array_equal(first, second)


def test_the_planted_words_are_found() -> None:
    problem, phrases = planted()
    best = search_plain(Search(problem), (1,))
    weights = dict(zip(phrases, fit(problem, np.arange(120), best.choice).table[:, 0], strict=True))
    assert best.score > 0.8
    assert weights["good"] == max(weights.values()) > 0 > weights["bad"] == min(weights.values())


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_threads_change_nothing(problem: Problem, n_jobs: int | None) -> None:
    assert Search(problem, n_jobs=n_jobs).trial(Choice()) == Search(problem).trial(Choice())


def with_meaning(seed: int = 3) -> Problem:
    """A hundred words of two meanings, each in too few texts to be learned, but told by their vectors."""
    random = np.random.default_rng(seed)
    words = [f"v{i}" for i in range(150)]
    meaning = np.arange(150) % 2
    texts, y = [], np.arange(100) % 2
    for k in y:
        texts.append(" ".join([*random.choice(np.array(words)[meaning == k], 2), *random.choice(FILLER, 3)]))
    ngrams = count_ngrams(texts, (1, 1))
    vectors = np.array(
        [[2 * meaning[words.index(p)] - 1 if p in words else 0, random.normal()] for p in ngrams.phrases],
        dtype=np.float32,
    )
    parts = folds(y, np.arange(100), 3, stratify=True)
    problem = Problem(
        ngrams.matrix,
        ngrams.lengths,
        ngrams.words,
        y[:, None].astype(float),
        np.ones(100),
        "logistic",
        parts,
        np.arange(100),
    )
    return problem.helped({"llm": partial(_always, vectors)})


def _always(value: Any, _: Any) -> Any:
    return value


def test_vectors_that_carry_meaning_are_chosen() -> None:
    search = Search(with_meaning())
    plain = search_plain(search, (1,))
    best = search_assisted(search)
    assert best.choice.scale > 0
    assert best.score > plain.score + 0.1


def test_vectors_without_meaning_do_no_harm(problem: Problem) -> None:
    noise = np.random.default_rng(0).normal(size=(problem.matrix.shape[1], 4)).astype(np.float32)
    search = Search(problem.helped({"llm": partial(_always, noise)}))
    plain = search_plain(search, (1,))
    assert search_assisted(search).score >= plain.score - 0.04


def test_what_vectors_add_to_the_table_is_their_slope() -> None:
    problem = with_meaning()
    rows = np.arange(100)
    found = fit(problem, rows, Choice(order=1, norm="none", C=1e-4, scale=100.0, vectors="llm"))
    vectors = problem.embed["llm"](rows)
    assert found.slope is not None
    np.testing.assert_allclose(found.table, vectors @ found.slope, atol=2e-3)


def test_a_lesson_moves_the_targets_and_nan_leaves_the_label(problem: Problem) -> None:
    rows = np.arange(len(problem.targets))
    silent = replace(problem, teach=lambda rows: Lesson(np.full((len(rows), 1), np.nan)))
    against = replace(problem, teach=lambda rows: Lesson(1 - problem.targets[rows]))
    plain, taught = Choice(order=1), Choice(order=1, mix=0.9)
    np.testing.assert_array_equal(fit(silent, rows, taught).table, fit(problem, rows, plain).table)
    turned = fit(against, rows, taught).table[:, 0] @ fit(problem, rows, plain).table[:, 0]
    assert turned < 0


def test_further_texts_teach_what_the_rows_do_not_hold(problem: Problem) -> None:
    rows = np.arange(len(problem.targets))
    rare = int(np.argmin(problem.matrix.sum(axis=0)))
    more = sp.csr_matrix((np.ones(20), (np.arange(20), np.full(20, rare))), shape=(20, len(problem.words)))
    said = Unlabelled(
        more, dict.fromkeys(problem.lengths, np.ones(20)), np.full((20, 1), 0.99), np.arange(20)
    )
    taught = replace(problem, teach=lambda rows: Lesson(problem.targets[rows], said))
    choice = Choice(mix=0.3)
    assert fit(taught, rows, choice).table[rare] > fit(problem, rows, choice).table[rare] + 0.5


def test_lasso_takes_vectors_in_one_column() -> None:
    problem = with_meaning()
    lasso = Choice(order=1, norm="none", penalty="lasso", C=0.3)
    assert Search(problem).trial(replace(lasso, scale=1.0, vectors="llm")).score > (
        Search(problem).trial(lasso).score + 0.1
    )


def test_the_temperature_undoes_a_factor() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=(4000, 1)) * 2
    targets = (random.random((4000, 1)) < expit(truth)).astype(float)
    _, loss, once = judge_scores(truth, targets, np.ones(4000), "logistic")
    _, same, twice = judge_scores(5 * truth, targets, np.ones(4000), "logistic")
    assert once == pytest.approx(1, abs=0.1)
    assert twice == pytest.approx(once / 5, rel=1e-2)
    assert same == pytest.approx(loss, abs=1e-5)


def test_rows_are_judged_by_their_weight() -> None:
    scores, targets = np.array([[1.0], [1.0]]), np.array([[1.0], [0.0]])
    assert judge_scores(scores, targets, np.array([3.0, 1.0]), "logistic")[0] == 0.75


def test_a_perfect_regression_has_r_squared_one() -> None:
    values = np.array([[1.0], [2.0], [4.0]])
    assert judge_scores(values, values, np.ones(3), "squared") == (1.0, 0.0, 1.0)


def test_the_mean_has_r_squared_zero() -> None:
    values = np.array([[1.0], [2.0], [6.0]])
    assert judge_scores(np.full((3, 1), 3.0), values, np.ones(3), "squared")[0] == pytest.approx(0.0)
