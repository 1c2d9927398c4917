"""Modules that are often asked about, each a function from texts to numbers for `explain_module`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from interpllm.answer import ask
from interpllm.errors import InputError
from interpllm.explain.module_responses import Array, Module
from interpllm.llm import Session
from interpllm.runtime import Phrase, Question
from interpllm.runtime.tokens import ngrams


def embedding_dimension(session: Session, index: int, template: str = "{text}") -> Module:
    """One dimension of a language model's embedding.

    Parameters
    ----------
    session : Session
        With the verb ``embed``; vectors are stored.
    index : int
        From 0 on.
    template : str
        What the model reads, as for `Session.embed`.

    Returns
    -------
    callable
        Raises InputError when there is no such dimension, and what `Session.embed` raises.
    """

    def dimension(texts: list[str]) -> Array:
        vectors = session.embed(texts, template)
        if not 0 <= index < vectors.shape[1]:
            raise InputError(
                f"The embedding has the dimensions 0 to {vectors.shape[1] - 1}; got {index!r:.80}."
            )
        return vectors[:, index].astype(np.float64)

    return dimension


def class_score(model: Any, label: Any = None) -> Module:
    """The score that a model gives a class, or its prediction of a number.

    Parameters
    ----------
    model : estimator or readable model
        With ``decision_function`` and ``classes_`` (or ``classes``), or with ``predict`` for a number: ours,
        one of scikit-learn over texts, or a file's that `interpllm.load` gave.
    label : optional
        The class; needed where there are more than two, by default the second of two.

    Returns
    -------
    callable

    Raises
    ------
    InputError
        When there is no such class, or it takes a label to know which is meant.
    """
    classes = list(getattr(model, "classes_", getattr(model, "classes", ())))
    if not classes:
        if label is not None:
            raise InputError("The model predicts a number, not classes; leave the label out.")
        return lambda texts: np.asarray(model.predict(texts), dtype=np.float64)
    if label is None and len(classes) == 2:
        label = classes[1]
    if label not in classes:
        raise InputError(f"label must be one of the model's classes {classes!s:.200}; got {label!r:.80}.")
    column = classes.index(label)

    def score(texts: list[str]) -> Array:
        scores = np.asarray(model.decision_function(texts), dtype=np.float64)
        return scores[:, column] if scores.ndim == 2 else scores if column else -scores

    return score


def phrase_weights(weights: Mapping[str | Phrase, float]) -> Module:
    """The sum of the weights of the phrases that a text mentions.

    Parameters
    ----------
    weights : mapping of str or Phrase to float
        Phrases as :func:`interpllm.runtime.tokens.ngrams` gives them; a single one of weight 1 is a phrase
        itself.

    Raises
    ------
    InputError
        When there is none.
    """
    table = {str(getattr(phrase, "text", phrase)): float(weight) for phrase, weight in weights.items()}
    if not table:
        raise InputError("weights is empty; give at least one phrase.")
    orders = [phrase.count(" ") + 1 for phrase in table]

    def total(texts: list[str]) -> Array:
        found = (ngrams(text, min(orders), max(orders)) for text in texts)
        return np.array([sum(table.get(phrase, 0.0) for phrase in phrases) for phrases in found])

    return total


def question_answers(session: Session, question: Question | str) -> Module:
    """A language model's answers to a question, 0 to 1; NaN where there is none.

    Parameters
    ----------
    session : Session
        Every text, and every stretch of text that the module is tried on, is asked about: set
        ``max_stretches`` low where requests are paid for.
    question : Question or str
    """

    def answers(texts: list[str]) -> Array:
        return ask(session, texts, [question]).values[:, 0]

    return answers
