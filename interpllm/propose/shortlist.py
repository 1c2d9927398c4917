"""Which of many questions are worth asking: those whose likeness to a text goes with its label.

To ask every question of the bank of every row takes a small model hours. A sentence-embedding model tells in
seconds how like each text is to each question and to what counts as yes; where that likeness differs between
classes, an answer may, too. It is a rough sign, so it only decides what is asked, never what is answered.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError
from interpllm.llm import Session
from interpllm.runtime import Question

MOST_READ = 400
"""Texts that are embedded at most, drawn from the rows."""


def shortlist(
    session: Session,
    questions: Sequence[Question],
    texts: Sequence[str],
    y: ArrayLike,
    n: int,
    *,
    classification: bool,
    random_state: int | None = 0,
) -> list[Question]:
    """The questions that seem to have most to do with the labels, the most promising first.

    Parameters
    ----------
    session : Session
        With the verb ``embed``, of a model that was made to compare texts, such as
        ``connect("minilm")``; the hidden states of a chat model do not serve.
    questions : sequence of Question
        Such as :func:`interpllm.propose.bank.question_bank`.
    texts : sequence of str, (n_rows,)
        Rows that questions may be proposed from; rows that select or confirm do not belong here.
    y : array-like (n_rows,)
        Labels of any kind, or values where `classification` is False.
    n : int
        How many to choose.
    classification : bool
        Whether `y` holds labels.
    random_state : int, optional
        Seed of the draw, where there are more than `MOST_READ` texts; None is 0.

    Returns
    -------
    list of Question
        All of them, in the order given, where there are no more than `n`.

    Raises
    ------
    InputError
        When there are not as many labels as texts, or `n` is no count.
    CapabilityError, BudgetExceeded, ...
        As `Session.embed`.

    Notes
    -----
    The likeness of a text and a question is the cosine of their vectors, a question's being the mean of those
    of its text and of what counts as yes. Each text's mean over all questions is taken off, since some texts
    are like everything. Questions are ranked by the correlation of what is left with each class, or with low
    and with high values, and the rankings take turns.
    """
    labels = np.asarray(y)
    if len(labels) != len(texts):
        raise InputError(f"There are {len(texts)} texts but {len(labels)} labels; give one label a text.")
    if n < 1:
        raise InputError(f"n must be at least 1; got {n!r:.80}.")
    if len(questions) <= n:
        return list(questions)
    random = np.random.default_rng(0 if random_state is None else random_state)
    rows = np.sort(random.permutation(len(texts))[:MOST_READ])
    of_texts = _unit(session.embed([texts[row] for row in rows]))
    asked = _unit(session.embed([_bare(question.text) for question in questions]))
    meant = _unit(session.embed([_meant(question) for question in questions]))
    likeness = of_texts @ (asked + meant).T
    likeness -= likeness.mean(axis=1, keepdims=True)
    told = labels[rows]
    # One column a class, or the values and the values turned round: being like something is the sign.
    signs = told[:, None] == np.unique(told) if classification else np.outer(told, [1.0, -1.0])
    ranks = np.argsort(-(_standard(likeness).T @ _standard(signs)).round(9), axis=0, kind="stable")
    # The first of each class, then the second ones, so that none is left without questions.
    return [questions[i] for i in dict.fromkeys(ranks.ravel().tolist())][:n]


def _bare(question: str) -> str:
    """The question without the words that all of them share."""
    return question.removeprefix("Does the text ").removeprefix("Is the text ").rstrip("?")


def _meant(question: Question) -> str:
    """What counts as yes; the question itself where nobody said."""
    yes = question.counts.partition("; no: ")[0].removeprefix("Yes: ")
    return yes or _bare(question.text)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float64)


def _standard(columns: NDArray[np.generic]) -> NDArray[np.float64]:
    """Columns of mean 0 and length 1, so that products are correlations; constant ones are 0."""
    centred = columns.astype(np.float64) - columns.astype(np.float64).mean(axis=0)
    lengths = np.linalg.norm(centred, axis=0)
    return np.asarray(centred / np.where(lengths > 1e-12, lengths, 1), dtype=np.float64)
