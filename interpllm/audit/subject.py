"""A model and the rows that it is audited on, as every part of an audit looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.runtime.ledger import Ledger
from interpllm.runtime.model import ReadableModel
from interpllm.runtime.row_model import RowModel

Array = NDArray[np.float64]


class Subject:
    """A readable model and rows that it predicts without a language model.

    Parameters
    ----------
    model : model of `interpllm.runtime`, or a fitted estimator
        Of an estimator its `model_` is audited.
    X : container of texts, frame, or rows with columns by name
    n_rows : int, optional
        Rows that are looked at: drawn where more are given.
    random_state : int

    Attributes
    ----------
    model : model of `interpllm.runtime`
    rows : list of str or of mapping
    index : array of int
        Places of the rows in X.

    Raises
    ------
    InputError
        If it is no readable model, if it cannot predict by itself, or if there are no rows or not such as it
        reads.
    """

    def __init__(self, model: Any, X: Any, n_rows: int | None = None, random_state: int = 0) -> None:
        self.model = readable(model)
        open_ = getattr(self.model, "unanswered", ())
        if open_:
            raise InputError(
                f"{len(open_)} questions of the model need a language model ({', '.join(open_[:5])}): give "
                "them stand-ins with distil() first; what is audited predicts by itself."
            )
        given = listed(X, reads_columns(self.model))
        if not given:
            raise InputError("There are no rows to audit the model on; give some.")
        self.index = np.arange(len(given))
        if n_rows is not None and n_rows < len(given):
            random = np.random.default_rng(random_state)
            self.index = np.sort(random.choice(len(given), n_rows, replace=False))
        self.rows = [given[place] for place in self.index]
        self.predictions = self.predict(self.rows)

    @property
    def regression(self) -> bool:
        """Whether the model predicts a number."""
        return self.model.task == "regression"

    def predict(self, rows: Sequence[Any]) -> list[Any]:
        """Predict the class of rows, or their value."""
        return list(self.model.predict(rows)) if rows else []

    def scores(self, rows: Sequence[Any]) -> Array:
        """Decision function of rows: (n_rows, n_outputs)."""
        found = np.asarray(self.model.decision_function(rows), dtype=float)
        return found.reshape(len(rows), -1)

    def explain(self) -> list[Ledger]:
        """Ledgers of the rows."""
        return list(self.model.explain(self.rows))

    # --- texts ----------------------------------------------------------------------------------------------

    def texts(self, part: str) -> list[str]:
        """The texts of the rows.

        Parameters
        ----------
        part : str
            What needs them, for the message.

        Raises
        ------
        InputError
            If the model reads no text.
        """
        if isinstance(self.model, RowModel) and not self.model.reads_text:
            columns = ", ".join(self.model.columns)
            raise InputError(
                f"{part} changes words of texts, and this model reads columns alone ({columns:.200}); "
                "leave this part out"
            )
        return [row if isinstance(row, str) else row[self.model.text] for row in self.rows]

    def with_text(self, place: int, text: str) -> Any:
        """A row with another text, its columns as they are."""
        row = self.rows[place]
        return text if isinstance(row, str) else {**row, self.model.text: text}

    # --- what a prediction is held by -----------------------------------------------------------------------

    def directions(self) -> Array:
        """Where each prediction lies: the place of its class; regression: 1 above the base, -1 below."""
        if not self.regression:
            places = {label: place for place, label in enumerate(self.model.classes)}
            return np.array([places[label] for label in self.predictions], dtype=float)
        base = np.array([ledger.base[0] for ledger in self.explain()])
        return np.where(self.scores(self.rows)[:, 0] >= base, 1.0, -1.0)

    @property
    def unit(self) -> float:
        """What pulls are told in: 1, for probabilities; regression: the predictions' standard deviation."""
        spread = float(np.std(np.asarray(self.predictions, dtype=float))) if self.regression else 1.0
        return spread or 1.0

    def pulls(self, rows: Sequence[Any], directions: Array) -> Array:
        """How strongly a model still says of rows what it said before.

        Parameters
        ----------
        rows : sequence of rows
        directions : array (n_rows,)
            What was said, by :meth:`directions`.

        Returns
        -------
        array (n_rows,)
            The probability of the class; regression: the value, its sign turned where it lay below the base,
            in standard deviations of the predictions.
        """
        if self.regression:
            return np.asarray(directions * self.scores(rows)[:, 0] / self.unit)
        shares = np.asarray(self.model.predict_proba(rows), dtype=float)
        return shares[np.arange(len(rows)), directions.astype(int)]


def readable(model: Any) -> Any:
    """The readable model that is given, or that an estimator holds.

    Raises
    ------
    InputError
        If it is none.
    """
    found = getattr(model, "model_", model)
    if not isinstance(found, ReadableModel):
        raise InputError(
            f"{type(model).__name__} is no readable model: give a fitted estimator of interpllm, or what "
            "interpllm.runtime.load reads."
        )
    return found


def reads_columns(model: Any) -> bool:
    """Whether the rows of a model have columns by name; else they are texts."""
    return isinstance(model, RowModel) and (bool(model.text) or not model.reads_text)


def listed(X: Any, columns: bool) -> list[Any]:
    """Rows as a list; a frame's as mappings, or, where columns are not read, those of its only column."""
    if isinstance(X, str | bytes | Mapping):
        raise InputError("One row was given where a list of rows is expected; put it in a list: [row].")
    if hasattr(X, "to_dicts") and columns:
        return list(X.to_dicts())
    if hasattr(X, "columns") and hasattr(X, "to_dict"):
        if columns:
            return list(X.to_dict(orient="records"))
        if len(X.columns) != 1:
            raise InputError("The model reads texts; give the column of texts alone.")
        return list(X.iloc[:, 0])
    return list(X)
