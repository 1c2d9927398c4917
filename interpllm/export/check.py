"""Does an export answer as the model does?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan, nextafter
from random import Random
from typing import Any

from interpllm.errors import ExportError, InputError
from interpllm.runtime import (
    Compares,
    Is,
    Lexicon,
    LinearModel,
    Model,
    RuleListModel,
    RuleSetModel,
    TermCompares,
    TreeModel,
)
from interpllm.runtime.checks import texts as checked_texts
from interpllm.runtime.row_model import RowModel

#: The largest difference of a score or a probability that counts as none.
TOLERANCE = 1e-9

#: Texts on which two tokenizers are likely to differ.
NASTY = (
    "",
    " \t ",
    "!?!",
    "DON'T don\u2019t don''t 'quoted' rock 'n' roll '",
    "\u0130STANBUL ISTANBUL \u0131stanbul i\u0307stanbul",
    "STRASSE stra\u00dfe STRA\u1e9eE",
    "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03cc\u03c2 \u03bf\u03b4\u03cc\u03c3",
    "caf\u00e9 cafe\u0301 CAFE\u0301",
    "great\U0001f600great \U0001f469\u200d\U0001f4bb na\u00efve \ufb01ne",
    "\u5317\u4eac \u0939\u093f\u0928\u094d\u0926\u0940 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
    "one\u00a0two\u2028three\u0085four\x1cfive\x00six\r\nseven\ttab",
    "half a character: \ud83d",
    "snake_case x2 \u00b2 \u2460 1,000.50 a-b a/b",
    "the same the same the same the same",
    "'; DROP TABLE texts; -- </script> \u202eback\u202c",
)

#: Id of a question -> an answer a row.
Given = dict[str, list[float | None]]

_MADE_UP = (1.0, 0.0, 0.75, None, 0.25, 1.0, 1.0, 0.0, 0.0, None, 0.5)

_ALONE = 100
_PHRASES_A_TEXT = 20

#: More rows than these take too long in a slow engine.
_MOST_CELLS = 2000


@dataclass(frozen=True)
class Request:
    """How an export is asked for.

    Attributes
    ----------
    name : str
        Name of the file.
    dialect : str
        Of SQL.
    table : str
        SQL: where the rows stand.
    text : str
        SQL: the column of texts; "" is that of the model, or "text".
    id : str
        SQL: the column that tells rows apart; "" numbers them.
    """

    name: str = "model"
    dialect: str = "sqlite"
    table: str = "texts"
    text: str = ""
    id: str = ""

    def text_of(self, model: Model) -> str:
        """Name the column of texts."""
        return self.text or text_column(model) or "text"


@dataclass(frozen=True)
class Trial:
    """What a written file is tried on.

    Attributes
    ----------
    model : any kind of model
    request : Request
    rows : list of str or of dict
    given : dict of str to list
        Answers to the questions that the model cannot answer itself.
    """

    model: Model
    request: Request
    rows: list[Any]
    given: Given


@dataclass(frozen=True)
class Answers:
    """What a model says to some rows.

    Attributes
    ----------
    scores : list of float, or list of list of float
    probabilities : list of list of float
        Empty for regression.
    predictions : list
    """

    scores: list[Any]
    probabilities: list[list[float]]
    predictions: list[Any]


def answers(model: Model, rows: list[Any], given: Given) -> Answers:
    """Ask a model everything that an export can be asked, too."""
    arguments: tuple[Any, ...] = (rows, given) if given else (rows,)
    return Answers(
        scores=model.decision_function(*arguments),
        probabilities=model.predict_proba(*arguments) if model.classes else [],
        predictions=model.predict(*arguments),
    )


def text_column(model: Model) -> str:
    """Name the column of a model's texts; "" where its rows are texts."""
    return model.text if isinstance(model, RowModel) and model.columns and model.reads_text else ""


def trial_rows(model: Model, sample: Iterable[Any]) -> list[Any]:
    """Collect rows to try an export on: the sample, and made-up ones.

    Parameters
    ----------
    model : any kind of model
    sample : iterable of str or of mapping

    Returns
    -------
    list of str or of dict
        Dictionaries if the model looks at columns.

    Raises
    ------
    InputError
        If a row of the sample is not one.
    """
    if not isinstance(model, TreeModel | RuleListModel | RuleSetModel) or not model.columns:
        given = [_text_of(model, row) for row in sample]
        return [*checked_texts(given), *trial_texts(model)]
    name, wanted = text_column(model), list(model.columns)
    rows = []
    for number, row in enumerate(sample):
        if not isinstance(row, Mapping) or not {*wanted, *([name] if name else [])} <= set(row):
            raise InputError(
                f"row {number} of the sample has not the columns that the model looks at: "
                f"{', '.join(wanted)!r:.200}; give rows as dictionaries"
            )
        rows.append({key: row[key] for key in [*wanted, *([name] if name else [])]})
    return [*rows, *_made_up_rows(model, name)]


def _text_of(model: Model, row: Any) -> Any:
    name = getattr(model, "text", "")
    return row[name] if isinstance(row, Mapping) and name in row else row


def trial_texts(model: Model) -> list[str]:
    """Make up texts: nasty ones, some phrases of the model alone, and all in turn.

    The last come in large letters, too, with the typographic apostrophe.
    """
    phrases = list(dict.fromkeys(phrases_of(model)))
    starts = range(0, len(phrases), _PHRASES_A_TEXT)
    together = [" ".join(phrases[start : start + _PHRASES_A_TEXT]) for start in starts]
    shouted = (text.upper().replace("'", "\u2019") for text in together)
    return [*NASTY, *phrases[:_ALONE], *together, *shouted]


def _made_up_rows(model: TreeModel | RuleListModel | RuleSetModel, name: str) -> list[dict[str, Any]]:
    """Make up rows that come to every bound from both sides, each with other values and texts beside it."""
    chance = Random(0)
    values = {column: _values(model, column) for column in model.columns}
    cells = [(column, value) for column in values for value in values[column]]
    step = max(1, len(cells) // _MOST_CELLS)
    texts = trial_texts(model)
    rows: list[dict[str, Any]] = []
    for column, value in cells[::step]:
        row = {other: chance.choice(values[other]) for other in values}
        row[column] = value
        rows.append(row | ({name: texts[len(rows) % len(texts)]} if name else {}))
    for number in range(len(rows), len(texts) if name else 0):
        row = {other: chance.choice(values[other]) for other in values}
        rows.append({**row, name: texts[number]})
    return rows


def _values(model: TreeModel | RuleListModel | RuleSetModel, column: str) -> list[Any]:
    """List the values of a column that a model may take for something else."""
    bounds: list[float] = [0.0, 1.0]
    for condition in model.conditions():
        if isinstance(condition, Compares) and condition.column == column:
            bounds.append(condition.bound)
    if isinstance(model, RuleSetModel):
        bounds += [bound for s in model.slopes if s.column == column for bound in (s.low, s.high)]
    known = [v for c in model.conditions() if isinstance(c, Is) and c.column == column for v in c.values]
    if model.columns[column] == "number":
        near = [x for b in bounds for x in (nextafter(b, -inf), b, nextafter(b, inf), b - 1.0, b + 1.0)]
        plain = [float(value) for value in known if not isinstance(value, str)]
        return [*dict.fromkeys([*near, *plain]), None, nan]
    if any(isinstance(value, str) for value in known):
        return [*dict.fromkeys(known), "another value", "", None]
    if all(isinstance(value, bool) for value in known):
        return [True, False, None]
    return [*dict.fromkeys(known), 0.5, None]


def trial_answers(model: Model, n_rows: int) -> Given:
    """Make up answers to the questions that a model cannot answer itself, missing ones among them."""
    if isinstance(model, LinearModel):
        return {}
    start = range(len(model.unanswered))
    return {
        name: [_MADE_UP[(7 * place + row) % len(_MADE_UP)] for row in range(n_rows)]
        for place, name in zip(start, model.unanswered, strict=True)
    }


def phrases_of(model: Model) -> list[str]:
    """List the phrases that a model looks for."""
    found = [phrase for table in tables(model) for phrase in table.weights]
    if isinstance(model, RowModel):
        for condition in model.conditions():
            if isinstance(condition, Lexicon):
                found += condition.phrases
            elif isinstance(condition, TermCompares):
                found.append(condition.phrase)
        found += getattr(model, "term_weights", ())
    return found


def tables(model: Model) -> list[LinearModel]:
    """List the tables of n-grams in a model: itself, or its stand-ins and its residual."""
    if isinstance(model, LinearModel):
        return [model]
    residual = getattr(model, "residual", None)
    return [*model.stand_ins.values(), *([residual] if residual else [])]


def restored(label: Any, classes: tuple[Any, ...]) -> Any:
    """Give the class that an engine with fewer kinds of values means by a label; itself if none.

    Where there are no classes it is a number.
    """
    if not classes:
        return float(label)
    for known in classes:
        if isinstance(label, str) is isinstance(known, str) and label == known:
            return known
    return label


def compare(expected: Answers, got: Answers, rows: list[Any], tolerance: float = TOLERANCE) -> None:
    """Raise ExportError at the first row that an export answers otherwise than the model.

    Another class than the model's is no difference where its two best scores lie within the tolerance and the
    export's are rounded otherwise.
    """
    # A regression's predictions are its scores.
    label_tolerance = 0.0 if expected.probabilities else tolerance
    for name, allowed in (
        ("scores", tolerance),
        ("probabilities", tolerance),
        ("predictions", label_tolerance),
    ):
        mine, theirs = getattr(expected, name), getattr(got, name)
        if len(mine) != len(theirs):
            raise ExportError(f"the export gives {len(theirs)} {name} for {len(mine)}; nothing was written")
        for number, (row, here, there) in enumerate(zip(rows, mine, theirs, strict=False)):
            if _same(here, there, allowed):
                continue
            if name == "predictions" and tied(expected.scores[number], got.scores[number], tolerance):
                continue
            raise ExportError(
                f"the export differs from the model in the {name} of {row!r:.200}: "
                f"{there!r:.200} instead of {here!r:.200}; nothing was written"
            )


def tied(mine: Any, theirs: Any, tolerance: float = TOLERANCE) -> bool:
    """Tell whether rounding alone decides between the two best classes; with equal scores it does not."""
    if isinstance(mine, float):
        return mine != theirs and abs(mine) <= tolerance
    best, second = sorted(mine)[:-3:-1]
    return mine != theirs and best - second <= tolerance


def _same(mine: Any, theirs: Any, tolerance: float) -> bool:
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs, [tolerance] * len(mine)))
    return abs(mine - theirs) <= tolerance if isinstance(mine, float) else mine == theirs
