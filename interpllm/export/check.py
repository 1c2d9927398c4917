"""Does an export answer as the model does?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from interpllm.errors import ExportError
from interpllm.runtime import LinearModel, Model

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
)

#: Id of a question -> an answer a text.
Given = dict[str, list[float | None]]

_MADE_UP = (1.0, 0.0, 0.75, None, 0.25, 1.0, 1.0, 0.0, 0.0, None, 0.5)

_ALONE = 100
_PHRASES_A_TEXT = 20


@dataclass(frozen=True)
class Answers:
    """What a model says to some texts.

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


def answers(model: Model, texts: list[str], given: Given) -> Answers:
    """Ask a model everything that an export can be asked, too."""
    arguments: tuple[Any, ...] = (texts, given) if given else (texts,)
    return Answers(
        scores=model.decision_function(*arguments),
        probabilities=model.predict_proba(*arguments) if model.classes else [],
        predictions=model.predict(*arguments),
    )


def trial_texts(model: Model, sample: Iterable[str]) -> list[str]:
    """Collect texts to try an export on: the sample, nasty ones, some phrases alone, and all in turn."""
    phrases = list(dict.fromkeys(phrase for table in tables(model) for phrase in table.weights))
    starts = range(0, len(phrases), _PHRASES_A_TEXT)
    together = (" ".join(phrases[start : start + _PHRASES_A_TEXT]) for start in starts)
    return [*sample, *NASTY, *phrases[:_ALONE], *together]


def trial_answers(model: Model, n_texts: int) -> Given:
    """Make up answers to the questions that a model cannot answer itself, missing ones among them."""
    if isinstance(model, LinearModel):
        return {}
    start = range(len(model.unanswered))
    return {
        name: [_MADE_UP[(7 * place + row) % len(_MADE_UP)] for row in range(n_texts)]
        for place, name in zip(start, model.unanswered, strict=True)
    }


def tables(model: Model) -> list[LinearModel]:
    """List the tables of n-grams in a model: itself, or its stand-ins and its residual."""
    if isinstance(model, LinearModel):
        return [model]
    residual = getattr(model, "residual", None)
    return [*model.stand_ins.values(), *([residual] if residual else [])]


def compare(expected: Answers, got: Answers, texts: list[str]) -> None:
    """Raise ExportError at the first text that an export answers otherwise than the model."""
    label_tolerance = (
        0.0 if expected.probabilities else TOLERANCE
    )  # a regression's predictions are its scores
    for name, tolerance in (
        ("scores", TOLERANCE),
        ("probabilities", TOLERANCE),
        ("predictions", label_tolerance),
    ):
        mine, theirs = getattr(expected, name), getattr(got, name)
        if len(mine) != len(theirs):
            raise ExportError(f"the export gives {len(theirs)} {name} for {len(mine)}; nothing was written")
        for text, here, there in zip(texts, mine, theirs, strict=False):
            if not _same(here, there, tolerance):
                raise ExportError(
                    f"the export differs from the model in the {name} of {text!r:.200}: "
                    f"{there!r:.200} instead of {here!r:.200}; nothing was written"
                )


def _same(mine: Any, theirs: Any, tolerance: float) -> bool:
    if type(mine) is not type(theirs):
        return False
    if isinstance(mine, list):
        return len(mine) == len(theirs) and all(map(_same, mine, theirs, [tolerance] * len(mine)))
    return abs(mine - theirs) <= tolerance if isinstance(mine, float) else mine == theirs
