"""Prompts as questions: what is asked of a row, in words, and how a language model or a column answers it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from tqdm import tqdm

from interpllm.errors import InputError
from interpllm.estimators.concept_rows import (
    ConceptRows,
    answer_frame,
    column_names,
    pandas_frame,
    yes_no,
)
from interpllm.llm import Session
from interpllm.llm.plan import Plan
from interpllm.propose.class_prompt import ClassQuestion, usual
from interpllm.runtime import Question
from interpllm.runtime.features import one_line

Array = NDArray[np.float64]

MAX_CHARS = 4000
"""Longer texts are cut before they are put into a prompt."""
SHOWN = 200
"""Characters of a prompt that a question shows, from its end."""


@dataclass(frozen=True)
class Asked:
    """What one question asks.

    Parameters
    ----------
    prompt : str
        A prompt with ``{text}``, or the name of a column of answers.
    of : int or None
        Position of the class whose word is meant; None: the column holds answers of its own, yes or no.
    """

    prompt: str
    of: int | None


@dataclass(frozen=True)
class PromptBook:
    """The questions of a tree of prompts, and what it takes to answer them.

    Parameters
    ----------
    words : tuple of str (n_classes,)
    asks : dict of str to Asked
        Id of a question -> what it asks.
    offsets : dict of str to array (n_classes,)
        Prompt -> what is taken off the log-probabilities of the words behind it.
    kind : {"numbers", "labels", "positions"}, optional
        What the frame held that the tree was fitted on; None where it was fitted on texts.
    """

    words: tuple[str, ...]
    asks: dict[str, Asked]
    offsets: dict[str, Array]
    kind: str | None = None

    @classmethod
    def of(
        cls, words: Sequence[str], prompts: Sequence[str], told: Sequence[str] = (), kind: str | None = None
    ) -> PromptBook:
        """One question a prompt of two classes, one a prompt and class of more, one a column of `told`."""
        several = range(len(words)) if len(words) > 2 else [1]
        asks = [Asked(prompt, of) for prompt in prompts for of in ([None] if prompt in told else several)]
        return cls(tuple(words), {_id(asked, words): asked for asked in asks}, {}, kind)

    @classmethod
    def of_columns(
        cls, frame: pd.DataFrame, prompts: Sequence[str] | None, words: Sequence[str], classes: Sequence[Any]
    ) -> PromptBook:
        """The questions of a frame's columns, or of `prompts`, of which some may be columns.

        Raises
        ------
        InputError
            When the columns hold no answers.
        """
        kind, columns = kind_of(frame, classes), column_names(frame)
        told = columns if kind == "numbers" and len(classes) > 2 else []
        return cls.of(words, columns if prompts is None else list(prompts), told, kind)

    def rows(self, frame: pd.DataFrame, texts: list[str] | None, classes: Sequence[Any]) -> ConceptRows:
        """Rows with the answers of a frame's columns, each called by a prompt, a question, or its id.

        Raises
        ------
        InputError
            When an answer cannot be read, or no column answers any question.
        """
        columns = column_names(frame)
        answers: dict[str, Array] = {}
        kind = self.kind
        for question in self.questions():
            name = next((name for name in (question.id, question.text) if name in columns), None)
            asked = self.asks[question.id]
            if name is not None:
                answers[question.id] = yes_no(frame.iloc[:, columns.index(name)], name)
            elif asked.prompt in columns:
                if kind is None or (kind == "numbers") != (asked.of is None or len(classes) == 2):
                    kind = kind_of(frame, classes)
                column = frame.iloc[:, columns.index(asked.prompt)]
                answers[question.id] = column_answers(column, asked.prompt, kind, classes, asked.of)
        if self.asks and not answers and texts is None:
            raise InputError(
                f"X has {len(columns)} columns, and no column for the prompt "
                f"{next(iter(self.asks.values())).prompt[-120:]!r}; give one for each prompt of the model, "
                "called as the prompt or as the id of its question, or texts alone."
            )
        values = np.column_stack([*answers.values()]) if answers else np.empty((len(frame), 0))
        return ConceptRows(texts, values, list(answers))

    @property
    def prompts(self) -> list[str]:
        """Each prompt once."""
        return list(dict.fromkeys(asked.prompt for asked in self.asks.values()))

    def questions(self, sources: Mapping[str, str] | None = None) -> list[Question]:
        """The questions in words; `sources` says who wrote a prompt."""
        found = []
        for name, asked in self.asks.items():
            text = one_line(asked.prompt.replace("{text}", "…"))
            text = text if len(text) <= SHOWN else "…" + text[1 - SHOWN :].lstrip()
            if asked.of is not None:
                text = f"'{text}' -> {json.dumps(self.words[asked.of], ensure_ascii=False)}"
            found.append(Question(name, text, "", (sources or {}).get(asked.prompt, "user")))
        return found

    def kept(self, names: Sequence[str]) -> PromptBook:
        """The part that answers some questions."""
        asks = {name: self.asks[name] for name in names}
        prompts = {asked.prompt for asked in asks.values()}
        offsets = {prompt: found for prompt, found in self.offsets.items() if prompt in prompts}
        return PromptBook(self.words, asks, offsets, self.kind)

    def document(self) -> dict[str, Any]:
        """The book as JSON values."""
        return {
            "words": list(self.words),
            "asks": {name: [asked.prompt, asked.of] for name, asked in self.asks.items()},
            "offsets": {prompt: [float(x) for x in found] for prompt, found in self.offsets.items()},
            "kind": self.kind,
        }

    @classmethod
    def read(cls, document: Any) -> PromptBook:
        """The book in a model's document.

        Raises
        ------
        InputError
            When it is not there, or is none.
        """
        try:
            words = tuple(map(str, document["words"]))
            asks = {
                str(name): Asked(str(prompt), None if of is None else range(len(words)).index(of))
                for name, (prompt, of) in document["asks"].items()
            }
            offsets = {str(p): np.array(found, dtype=np.float64) for p, found in document["offsets"].items()}
            if any(found.shape != (len(words),) for found in offsets.values()):
                raise ValueError("offsets")
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError(
                "The model does not say which prompts its questions are; only one that PromptTreeClassifier "
                "wrote can be asked again. Give answers in place of texts."
            ) from None
        return cls(words, asks, offsets, document.get("kind"))


def _id(asked: Asked, words: Sequence[str]) -> str:
    """Made of what is asked, so that the same prompt and words are the same question in every fit."""
    said = json.dumps([asked.prompt, asked.of, None if asked.of is None else list(words)])
    return "p" + sha256(said.encode()).hexdigest()[:8]


class PromptAnswering:
    """Answers questions by what a language model says next behind a prompt; a prompt is asked once a row.

    Parameters
    ----------
    session : Session or None
    rows : ConceptRows
        Its columns, called by the ids of questions, stand before what a model would say.
    book : PromptBook
    verbose : int
        1 shows a progress bar.
    """

    def __init__(
        self, session: Session | None, rows: ConceptRows, book: PromptBook, verbose: int = 0
    ) -> None:
        self.session, self.rows, self.book, self.verbose = session, rows, book, verbose
        self._said: dict[str, Array] = {}
        self._known: dict[str, NDArray[np.bool_]] = {}
        self.report = {"scored": 0, "missing": 0}

    def values(self, questions: Sequence[Question], index: NDArray[np.intp] | None = None) -> Array:
        """Answers (n, n_questions) from 0 to 1 of some rows (all by default), NaN where one is missing.

        Two classes: the probability of the second. More: 1 where the class is the likeliest, else 0.

        Raises
        ------
        InputError
            When a question is neither answered by a column nor can be asked.
        """
        at = np.arange(len(self.rows)) if index is None else index
        given = self.rows.take(at).answered(questions)
        found = np.empty((len(at), len(questions)))
        for column, question in enumerate(questions):
            if question.id in given:
                found[:, column] = given[question.id]
                continue
            asked = self.book.asks[question.id]
            said = self.said(asked.prompt, at) - self.book.offsets.get(asked.prompt, 0.0)
            if said.shape[1] == 2:
                found[:, column] = expit(said[:, 1] - said[:, 0])
            else:
                named = (said.argmax(axis=1) == asked.of).astype(np.float64)
                found[:, column] = np.where(np.isnan(said).any(axis=1), np.nan, named)
        return found

    def calibrate(self, prompt: str, index: NDArray[np.intp]) -> None:
        """Find out what the model says behind a prompt on average of some rows."""
        self.book.offsets[prompt] = usual(self.said(prompt, index))[0]

    def said(self, prompt: str, index: NDArray[np.intp]) -> Array:
        """Log-probabilities of the words behind a prompt, (n, n_classes), as the model gives them."""
        words, texts = self.book.words, self.rows.texts
        if self.session is None or "{text}" not in prompt:
            missing = "there is no language model" if self.session is None else "it has no {text} in it"
            raise InputError(
                f"Nobody can answer the prompt {prompt[-120:]!r}: {missing}. Give a language model in llm= "
                "and prompts with {text}, or a frame with a column of answers for each prompt."
            )
        assert texts is not None, "rows without texts have an answer for every question, or were refused"
        said = self._said.setdefault(prompt, np.full((len(texts), len(words)), np.nan))
        known = self._known.setdefault(prompt, np.zeros(len(texts), dtype=bool))
        new = index[~known[index]]
        if len(new):
            shown = [texts[row] for row in new]
            with tqdm(total=len(set(shown)), desc="asking", disable=not self.verbose, unit="text") as bar:
                came = _question(prompt, words).score(self.session, shown, bar.update)
            assert came is not None, "log-probabilities were insisted on"
            said[new], known[new] = came, True
            self.report["scored"] += len(new)
            self.report["missing"] += int(np.isnan(came).any(axis=1).sum())
        return said[index]


def plan_scores(session: Session, texts: Sequence[str], prompts: Sequence[str], words: Sequence[str]) -> Plan:
    """What scoring words behind prompts would still send."""
    plans = [_question(prompt, words).plan(session, texts) for prompt in prompts]
    return sum(plans, start=Plan())


def _question(prompt: str, words: Sequence[str]) -> ClassQuestion:
    # The word brings the space that it stands behind.
    return ClassQuestion(prompt.rstrip(), words, "score", MAX_CHARS)


# Columns of answers ---------------------------------------------------------------------------------------


def kind_of(frame: pd.DataFrame, classes: Sequence[Any]) -> str:
    """What a frame of answers holds: "numbers" (yes or no, or probabilities), "labels", or "positions".

    Raises
    ------
    InputError
        When it holds something else; the message names the column.
    """
    seen = {name: _known(frame.iloc[:, k]) for k, name in enumerate(frame.columns)}
    kinds = {
        "numbers": lambda x: isinstance(x, (int, float, np.number, np.bool_)) and 0 <= x <= 1,
        "labels": lambda x: x in classes,
        "positions": lambda x: isinstance(x, (int, float, np.number)) and x in range(len(classes)),
    }
    for kind, fits in kinds.items():
        if all(fits(value) for values in seen.values() for value in values):
            return kind
    for name, values in seen.items():
        for value in values:
            if not any(fits(value) for fits in kinds.values()):
                raise InputError(
                    f"Column {name!r:.100} of X, one of {frame.shape[1]}, holds {value!r:.60}: an answer is "
                    f"0 to 1, a label, or the position of a class among {list(classes)!s:.200}. Give texts "
                    "on their own, or in texts=."
                )
    raise InputError(
        "The columns of X hold answers of several kinds. Give all as numbers from 0 to 1, all as labels, or "
        "all as positions of classes."
    )


def prompt_frame(X: Any, texts: Any) -> pd.DataFrame | None:
    """X as a pandas frame if its columns are prompts, else None: one column of strings alone is texts."""
    frame = pandas_frame(X)
    if frame is None or (frame.shape[1] == 1 and texts is None and answer_frame(frame) is None):
        return None
    return frame


def column_answers(column: pd.Series, name: str, kind: str, classes: Sequence[Any], of: int | None) -> Array:
    """Answers (n_rows,) to a question, out of the column of its prompt; NaN where one is missing."""
    if kind == "numbers":
        return yes_no(column, name)
    named = classes[of] if kind == "labels" and of is not None else of
    missing = column.isna().to_numpy()
    said = np.array([value == named for value in column], dtype=np.float64)
    return np.where(missing, np.nan, said)


def _known(column: pd.Series) -> list[Any]:
    return list(column.dropna().unique())
