"""What a model looks at, as numbers: a column a feature, whatever kind of model it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from interpllm.audit.subject import Array, Subject
from interpllm.runtime.concept_model import ConceptModel
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.rule_models import RuleSetModel
from interpllm.runtime.tokens import ngrams


class Features(NamedTuple):
    """Features and their values on rows.

    Attributes
    ----------
    names : tuple of str
        Phrases, questions and conditions as the model writes them.
    values : array (n_rows, n_features)
        Whether a phrase stands in the row or a condition holds, answers from 0 to 1, numbers of columns; NaN
        where a row has none.
    strengths : array (n_features,)
        Largest weight, times the standard deviation of the values; of models without weights, the latter.
    """

    names: tuple[str, ...]
    values: Array
    strengths: Array

    def varying(self) -> Features:
        """Those features that are not the same on all rows."""
        kept = [
            at for at, column in enumerate(self.values.T) if len(np.unique(column[np.isfinite(column)])) > 1
        ]
        return Features(tuple(self.names[at] for at in kept), self.values[:, kept], self.strengths[kept])

    def strongest(self, n: int | None) -> Features:
        """Those features, in their order, that weigh most."""
        if n is None or n >= len(self.names):
            return self
        kept = np.sort(np.argsort(-self.strengths, kind="stable")[:n])
        return Features(tuple(self.names[at] for at in kept), self.values[:, kept], self.strengths[kept])


def features_of(subject: Subject, most: int | None = None) -> Features:
    """Give what a model looks at in rows.

    Parameters
    ----------
    subject : Subject
    most : int, optional
        Give the strongest alone.

    Returns
    -------
    Features
    """
    model = subject.model
    if isinstance(model, LinearModel):
        found = _phrases(model, subject.texts("this part"), most)
    elif isinstance(model, ConceptModel):
        found = _questions(model, subject.texts("this part"), most)
    else:
        found = _conditions(model, subject)
    return found.strongest(most)


def _phrases(model: LinearModel, texts: list[str], most: int | None) -> Features:
    """N-grams of a table; only the strongest become columns, as there may be many thousands."""
    names = list(model.weights)
    number = {name: place for place, name in enumerate(names)}
    held = [[number[gram] for gram in ngrams(text, *model.ngram_range) if gram in number] for text in texts]
    indices = np.array([one for row in held for one in row], dtype=int)
    ends = np.cumsum([0, *map(len, held)])
    matrix = sp.csr_array((np.ones(len(indices)), indices, ends), shape=(len(texts), len(names)))
    shares = np.asarray(matrix.sum(axis=0)).ravel() / len(texts)
    largest = np.array([max(map(abs, weights)) for weights in model.weights.values()])
    strengths = largest * np.sqrt(shares * (1 - shares))
    order = np.sort(np.argsort(-strengths, kind="stable")[: most if most is not None else len(names)])
    values = matrix[:, order].toarray()
    return Features(tuple(names[at] for at in order), values, strengths[order])


def _questions(model: Any, texts: list[str], most: int | None) -> Features:
    """Questions, as their stand-ins answer them, and n-grams of the residual."""
    answers = [np.array(model.stand_ins[one.id].predict_proba(texts))[:, 1] for one in model.questions]
    values = np.column_stack(answers) if answers else np.empty((len(texts), 0))
    rows = getattr(model, "weights", ((1.0,),) * len(model.questions))
    largest = np.array([max(map(abs, weights)) for weights in rows])
    own = Features(tuple(one.text for one in model.questions), values, largest * values.std(axis=0))
    residual = getattr(model, "residual", None)
    if residual is None:
        return own
    rest = _phrases(residual, texts, most)
    return Features(
        own.names + rest.names,
        np.hstack([own.values, rest.values]),
        np.concatenate([own.strengths, rest.strengths]),
    )


def _conditions(model: RowModel, subject: Subject) -> Features:
    """Distinct conditions of rules and nodes, and what adds in proportion."""
    found = list(dict.fromkeys(model.conditions()))
    names = [str(condition) for condition in found]
    columns = [np.array(model.holding([condition], subject.rows), dtype=float) for condition in found]
    strengths = [column.std() for column in columns]
    if isinstance(model, RuleSetModel):
        for slope in model.slopes:
            values = [row[slope.column] for row in subject.rows]
            column = np.array([np.nan if value is None else value for value in values], dtype=float)
            names.append(slope.column)
            columns.append(column)
            known = column[np.isfinite(column)]
            strengths.append(max(map(abs, slope.value)) * float(known.std() if len(known) else 0.0))
        if model.term_weights and model.vectorizer is not None:
            terms = [model.vectorizer.terms(text) for text in subject.texts("this part")]
            for phrase, weights in model.term_weights.items():
                column = np.array([float(phrase in row) for row in terms])
                names.append(phrase)
                columns.append(column)
                strengths.append(max(map(abs, weights)) * float(column.std()))
    table = np.column_stack(columns) if columns else np.empty((len(subject.rows), 0))
    return Features(tuple(names), table, np.array(strengths, dtype=float))
