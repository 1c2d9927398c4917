"""What the concept estimators accept as rows: texts, or answers that the user already has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.runtime import Question
from interpllm.select.inputs import column_of, texts_of


@dataclass(frozen=True)
class ConceptRows:
    """Checked rows.

    Parameters
    ----------
    texts : list of str or None
        None where only answers were given.
    answers : array (n_rows, n_questions) or None
        0 to 1, NaN where missing; None where only texts were given.
    columns : list of str
        What the columns of the answers are called.
    """

    texts: list[str] | None
    answers: NDArray[np.float64] | None
    columns: list[str]

    def __len__(self) -> int:
        if self.texts is not None:
            return len(self.texts)
        return 0 if self.answers is None else len(self.answers)

    def take(self, rows: NDArray[np.intp]) -> ConceptRows:
        """Some of the rows."""
        texts = None if self.texts is None else [self.texts[row] for row in rows]
        return ConceptRows(texts, None if self.answers is None else self.answers[rows], self.columns)

    def answered(self, questions: Iterable[Question]) -> dict[str, list[float]]:
        """Id -> answers, of those questions that have a column by their wording or id.

        Raises
        ------
        InputError
            When answers were given, and a question has none.
        """
        found, missing = {}, []
        for question in questions:
            name = next((name for name in (question.text, question.id) if name in self.columns), None)
            if name is None:
                missing.append(question.text)
            elif self.answers is not None:
                found[question.id] = self.answers[:, self.columns.index(name)].tolist()
        if missing and self.texts is None:
            raise InputError(
                f"X has no column for the question {missing[0]!r}; the model asks {len(missing)} that X does "
                "not answer. Give a column by its wording or id, or the texts in texts=."
            )
        return found


def concept_rows(X: Any, texts: Any = None) -> ConceptRows:
    """Take texts or answers out of a container.

    Parameters
    ----------
    X : container of texts, or frame of answers
        A frame whose columns are questions holds 0 and 1, probabilities, or missing values; anything else is
        taken for texts.
    texts : container of texts, optional
        The texts beside a frame of answers.

    Raises
    ------
    InputError
        When they cannot be used; the message names the first offending row or column.
    """
    frame = answer_frame(X)
    if frame is None:
        if texts is not None:
            raise InputError("texts= stands beside answers; with texts in X, leave it out.")
        return ConceptRows(texts_of(column_of(X, "X")), None, [])
    columns = column_names(frame)
    answers = np.column_stack([yes_no(frame.iloc[:, k], name) for k, name in enumerate(columns)])
    return ConceptRows(texts_beside(frame, texts), answers, columns)


def column_names(frame: pd.DataFrame) -> list[str]:
    """What the columns are called.

    Raises
    ------
    InputError
        When two have the same name.
    """
    columns = [str(name) for name in frame.columns]
    doubled = {name for name in columns if columns.count(name) > 1}
    if doubled:
        raise InputError(f"X has two columns called {sorted(doubled)[0]!r}; each question is one column.")
    return columns


def texts_beside(frame: pd.DataFrame, texts: Any) -> list[str] | None:
    """The texts beside a frame of answers, where there are any.

    Raises
    ------
    InputError
        When there are more or fewer than rows of answers.
    """
    beside = None if texts is None else texts_of(column_of(texts, "texts"))
    if beside is not None and len(beside) != len(frame):
        raise InputError(
            f"X has {len(frame)} rows of answers and texts has {len(beside)}; they stand side by side."
        )
    return beside


def answer_frame(X: Any) -> pd.DataFrame | None:
    """X as a pandas frame if it is a frame of answers, else None."""
    X = pandas_frame(X)
    if X is None:
        return None
    is_number: list[Any] = [
        pd.api.types.is_numeric_dtype(X.iloc[:, k]) or X.iloc[:, k].isna().all() for k in range(X.shape[1])
    ]
    if all(is_number):
        return X
    if X.shape[1] == 1:
        return None
    wrong = str(X.columns[is_number.index(False)])
    raise InputError(
        f"Column {wrong!r} of X, one of {X.shape[1]}, holds no numbers. A frame of answers has 0, 1, "
        "probabilities or missing values in every column; give the texts on their own, or in texts=."
    )


def pandas_frame(X: Any) -> pd.DataFrame | None:
    """X as a pandas frame if it is a frame with columns, else None."""
    if hasattr(X, "to_pandas") and hasattr(X, "columns"):
        X = pd.DataFrame({name: X[name].to_list() for name in X.columns})
    return X if isinstance(X, pd.DataFrame) and len(X.columns) else None


def yes_no(column: pd.Series, name: str) -> NDArray[np.float64]:
    """The answers of a column, from 0 to 1 or NaN.

    Raises
    ------
    InputError
        When one is none; the message names the row.
    """
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isnan(values) & ~((values >= 0) & (values <= 1)))
    if len(wrong):
        raise InputError(
            f"Row {wrong[0]} of column {name!r} is {values[wrong[0]]:g}; an answer is 0 (no) to 1 (yes), or "
            "missing."
        )
    return values
