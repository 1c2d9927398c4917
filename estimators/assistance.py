"""What a language model adds to an n-gram model: vectors of n-grams, and a teacher.

`Frozen` reads an LLM as it is; `FineTuned` teaches a local encoder the task first, and may have an LLM as it
is beside it. Both give the search the same two things: ``vectors``, which make one vector an n-gram, and
``teach(rows)``, a `Lesson` for students of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.llm import Session
from interpllm.propose.ngrams import NgramRows, count_ngrams, rows_of
from interpllm.propose.teacher import Probe, Tuned
from interpllm.propose.zero_shot import cues, zero_shot
from interpllm.runtime.tokens import words
from interpllm.select.problem import Choice, Lesson, Problem, Rows, Unlabelled
from interpllm.select.search import Search
from interpllm.select.sparse import Array

MOST_EMBEDDED = 25_000
"""N-grams that are embedded at most, the most frequent ones; the others are weighed by their rows alone."""
MOST_TAUGHT = 15_000
"""Texts whose states are read at most; the others are learned from by their labels alone."""
SAMPLE = 400
"""N-grams that templates are compared on."""


POOL_WORDS = 4
"""What of the vocabulary has so many words or more is a text, which a teacher can answer."""


@dataclass(frozen=True)
class Pool:
    """Texts without labels, for a teacher to answer.

    Parameters
    ----------
    texts : list of str, (n_texts,)
    ngrams : NgramRows
        With the columns of the training rows.
    groups : array of int (n_texts,)
        Near-duplicates, numbered together with the training rows.
    """

    texts: list[str]
    ngrams: NgramRows
    groups: NDArray[np.intp]


def pool_of(vocabulary: list[str]) -> list[str]:
    """The texts of a vocabulary, as many as are taught from."""
    texts = [text for text in dict.fromkeys(vocabulary) if len(words(text)) >= POOL_WORDS]
    return [texts[i] for i in taught_rows(np.ones(len(texts), dtype=bool))]


def widened(ngrams: NgramRows, texts: list[str], pool: list[str]) -> NgramRows:
    """The n-grams of the training rows with the most frequent ones of a pool beside them."""
    both = count_ngrams(texts + pool, ngrams.orders, 2)
    frequent = np.argsort(-both.support, kind="stable")[:MOST_EMBEDDED]
    phrases = {*ngrams.phrases, *(both.phrases[i] for i in frequent)}
    return rows_of(texts, sorted(phrases, key=lambda p: (p.count(" "), p)), ngrams.orders)


class Frozen:
    """An LLM as it is.

    Parameters
    ----------
    session : Session
        With the verb ``embed``.
    ngrams : NgramRows
    texts : list of str, (n_rows,)
    y : array (n_rows,)
        Positions of classes, or values.
    weight : array (n_rows,)
    groups : array of int (n_rows,)
        Near-duplicates.
    taught : array of int (n_taught,)
        Positions of the rows whose states the teacher reads, sorted.
    n_classes : int
        0 for regression.
    names : list of str
        What the classes are called, where there are so few labels that the teacher heeds what the LLM says of
        texts without any; else empty.
    order : int
        Longest n-grams to embed.
    pool : Pool or None
        Texts without labels that students learn from, too.
    verbose : int
        1 shows progress bars.
    """

    def __init__(
        self,
        session: Session,
        ngrams: NgramRows,
        texts: list[str],
        y: NDArray[Any],
        weight: Array,
        groups: NDArray[np.intp],
        taught: Rows,
        n_classes: int,
        names: list[str],
        order: int,
        pool: Pool | None = None,
        verbose: int = 0,
    ) -> None:
        self.names, self.order, self.pool = names, order, pool
        self._pool_states: NDArray[np.float32] | None = None
        self._pool_said: Array | None = None
        self.session, self.ngrams, self.texts, self.verbose = session, ngrams, texts, verbose
        self.y, self.weight, self.groups, self.n_classes = y, weight, groups, n_classes
        self.template = "{text}"
        self._vectors: NDArray[np.float32] | None = None
        self._probe: Probe | None = None
        self._taught = taught
        self._lessons: dict[bytes, Lesson] = {}

    def choose_template(self, candidates: Sequence[str], search: Search, choice: Choice) -> dict[str, float]:
        """Take the template that tells most about the labels.

        With few labels that is the one behind which the LLM itself names classes best, which takes no
        learning; else the one whose vectors of frequent n-grams, and nothing else, predict best.

        Returns
        -------
        dict
            Template -> cross-validated loss.
        """
        if len(candidates) == 1:
            self.template = candidates[0]
            return {}
        if self.names:
            losses = {template: self._zero_shot_loss(template) for template in cues(candidates)}
        else:
            losses = {template: self._ngram_loss(template, search, choice) for template in candidates}
        self.template = min(losses, key=lambda t: losses[t])
        return losses

    def _zero_shot_loss(self, template: str) -> float:
        t = self._taught
        said = self._zero_shot([self.texts[i] for i in t], template)
        nothing = np.zeros((len(t), 0), dtype=np.float32)
        probe = Probe(nothing, self.y[t], self.weight[t], self.groups[t], self.n_classes, said)
        return probe.loss(np.arange(len(t)))

    def _ngram_loss(self, template: str, search: Search, choice: Choice) -> float:
        frequent = frequent_ngrams(self.ngrams, self.order, SAMPLE)
        found = self._embed([self.ngrams.phrases[i] for i in frequent], template, "comparing templates")
        vectors = np.zeros((len(self.ngrams.phrases), found.shape[1]), dtype=np.float32)
        vectors[frequent] = found
        problem = search.problem.helped({"llm": partial(_always, vectors)})
        # So strong a penalty leaves the n-grams' own weights near zero beside the block of vectors.
        alone = replace(choice, penalty="ridge", C=1e-3, scale=1.0, vectors="llm", norm="sqrt")
        return Search(problem, n_folds=1).trial(alone).loss

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        """Vectors of the n-grams, (n_phrases, n_dims); the same for all rows."""
        if self._vectors is None:
            self._vectors = _vectors(self.ngrams, self.order, self.embed_phrases, self.pool)
        return self._vectors

    def embed_phrases(self, phrases: list[str], vectors: str = "llm") -> NDArray[np.float32]:
        """Vectors of any n-grams, (n, n_dims)."""
        return self._embed(phrases, self.template, "reading n-grams")

    @property
    def vectors(self) -> dict[str, Callable[[Rows], NDArray[np.float32]]]:
        """Name of vectors -> how they are had."""
        return {"llm": self.embed}

    def teach(self, rows: Rows) -> Lesson:
        """Cross-fitted probabilities of a probe on the texts' states."""
        name = rows.tobytes()
        if name not in self._lessons:
            if self._probe is None:
                t = self._taught
                texts = [self.texts[i] for i in t]
                states = self._embed(texts, self.template, "reading texts")
                said = self._zero_shot(texts, self.template) if self.names else None
                self._probe = Probe(states, self.y[t], self.weight[t], self.groups[t], self.n_classes, said)
            known = np.isin(self._taught, rows, assume_unique=True)
            position = np.searchsorted(rows, self._taught[known])
            soft = np.full((len(rows), max(1, self.n_classes) if self.n_classes != 2 else 1), np.nan)
            soft[position] = self._probe.soft(np.flatnonzero(known))
            self._lessons[name] = Lesson(soft, self._of_pool(np.flatnonzero(known)))
        return self._lessons[name]

    def _of_pool(self, taught: Rows) -> Unlabelled | None:
        if self.pool is None or self._probe is None:
            return None
        if self._pool_states is None:
            self._pool_states = self._embed(self.pool.texts, self.template, "reading texts without labels")
            self._pool_said = self._zero_shot(self.pool.texts, self.template) if self.names else None
        soft = self._probe.answer(taught, self._pool_states, self._pool_said)
        return Unlabelled(self.pool.ngrams.matrix, self.pool.ngrams.lengths, soft, self.pool.groups)

    def _zero_shot(self, texts: list[str], template: str) -> Array:
        what = "asking without labels"
        with tqdm(total=len(set(texts)), desc=what, disable=not self.verbose, unit="text") as bar:
            return zero_shot(self.session, texts, template, self.names, bar.update)

    def _embed(self, texts: list[str], template: str, what: str) -> NDArray[np.float32]:
        with tqdm(total=len(set(texts)), desc=what, disable=not self.verbose, unit="text") as bar:
            return self.session.embed(texts, template, progress=bar.update)


class FineTuned:
    """A local encoder that has learned the task from the rows, beside an LLM as it is.

    Parameters
    ----------
    tuned : Tuned
    ngrams : NgramRows
    order : int
        Longest n-grams to embed.
    frozen : Frozen or None
        Whose vectors are tried, too, and whose cross-fitted probe teaches about the rows themselves, whose
        labels the encoder knows by heart.
    pool : Pool or None
        Texts without labels that students learn from, too.
    """

    def __init__(
        self, tuned: Tuned, ngrams: NgramRows, order: int, frozen: Frozen | None, pool: Pool | None = None
    ) -> None:
        self.tuned, self.ngrams, self.order, self.frozen, self.pool = tuned, ngrams, order, frozen, pool
        self._rows: Rows = np.arange(0)
        self._vectors: dict[bytes, NDArray[np.float32]] = {}
        self._lessons: dict[bytes, Lesson] = {}

    @property
    def vectors(self) -> dict[str, Callable[[Rows], NDArray[np.float32]]]:
        """Name of vectors -> how they are had."""
        return {"tuned": self.embed, **({} if self.frozen is None else self.frozen.vectors)}

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        """Vectors of the n-grams by the encoder that learned from these rows, (n_phrases, n_dims)."""
        name = rows.tobytes()
        if name not in self._vectors:
            self._rows = rows
            self._vectors[name] = _vectors(self.ngrams, self.order, self.tuned.learned(rows).embed, self.pool)
        return self._vectors[name]

    def embed_phrases(self, phrases: list[str], vectors: str = "tuned") -> NDArray[np.float32]:
        """Vectors of any n-grams, (n, n_dims); those of the encoder by the one that was asked for last."""
        if vectors == "llm" and self.frozen is not None:
            return self.frozen.embed_phrases(phrases)
        return self.tuned.learned(self._rows).embed(phrases)

    def teach(self, rows: Rows) -> Lesson:
        """Probabilities of the texts and of variants of them."""
        name = rows.tobytes()
        if name not in self._lessons:
            if self.frozen is not None:
                own = self.frozen.teach(rows).soft
            else:
                own = self.tuned.soft(rows, [self.tuned.texts[row] for row in rows])
            texts, groups = self.tuned.variants(rows)
            if self.pool is not None:
                texts, groups = texts + self.pool.texts, np.concatenate([groups, self.pool.groups])
            found = rows_of(texts, self.ngrams.phrases, self.ngrams.orders)
            soft = self.tuned.soft(rows, texts)
            self._lessons[name] = Lesson(own, Unlabelled(found.matrix, found.lengths, soft, groups))
        return self._lessons[name]


def frequent_ngrams(ngrams: NgramRows, order: int, most: int, pool: Pool | None = None) -> NDArray[np.intp]:
    """Positions of the `most` most frequent n-grams of at most `order` words, in rows and pool, sorted."""
    support = ngrams.support if pool is None else ngrams.support + pool.ngrams.support
    used = np.flatnonzero(ngrams.words <= order)
    return np.sort(used[np.argsort(-support[used], kind="stable")[:most]])


def taught_rows(uncut: NDArray[np.bool_]) -> Rows:
    """Positions of the rows that a teacher reads, sorted: `MOST_TAUGHT` by a fixed draw, uncut ones first."""
    drawn = np.random.default_rng(0).permutation(len(uncut))
    return np.sort(drawn[np.argsort(~uncut[drawn], kind="stable")][:MOST_TAUGHT])


def _vectors(
    ngrams: NgramRows,
    order: int,
    embed: Callable[[list[str]], NDArray[np.float32]],
    pool: Pool | None,
) -> NDArray[np.float32]:
    """Vectors of the most frequent n-grams, zeros for the others, (n_phrases, n_dims)."""
    frequent = frequent_ngrams(ngrams, order, MOST_EMBEDDED, pool)
    found = embed([ngrams.phrases[i] for i in frequent])
    vectors = np.zeros((len(ngrams.phrases), found.shape[1]), dtype=np.float32)
    vectors[frequent] = found
    return vectors


def _always(vectors: NDArray[np.float32], _: Rows) -> NDArray[np.float32]:
    return vectors


def assisted(problem: Problem, help: Frozen | FineTuned, *, distill: bool) -> Problem:
    """The problem with the language model's help among what a fit may use.

    Parameters
    ----------
    problem : Problem
        With at least one fold.
    help : Frozen or FineTuned
    distill : bool
        Whether the teacher is part of the help.
    """
    if distill:
        # A probe keeps the penalty that suits its first students: those of the first fold, whatever n_jobs.
        help.teach(problem.folds[0][0])
    return problem.helped(help.vectors, help.teach if distill else None)
