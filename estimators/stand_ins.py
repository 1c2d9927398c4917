"""Stand-ins: a table of n-grams that answers a question about a text without a language model.

A stand-in is an Aug-Linear model of a question's answers (Singh et al., Nature Communications 2023). Many
questions are asked of the same texts, so all that does not depend on the answers (n-grams, near-duplicates,
the language model's vectors) is made once, and each question chooses among a few ways to fit only.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import logit
from tqdm import tqdm

from interpllm.errors import InputError
from interpllm.estimators.assistance import MOST_EMBEDDED, frequent_ngrams
from interpllm.estimators.stand_in_choices import (
    CHOICES,
    MIX,
    SCALES,
    Choices,
    agreement,
    best_shift,
    decided,
    shifted,
)
from interpllm.estimators.table import linear_model
from interpllm.llm import LanguageModel, Session, as_session
from interpllm.propose.ngrams import NgramRows, count_ngrams
from interpllm.propose.teacher import Probe
from interpllm.propose.templates import templates
from interpllm.runtime import LinearModel
from interpllm.select.inputs import column_of, is_missing, texts_of
from interpllm.select.problem import Lesson, Problem, Rows
from interpllm.select.split import folds, near_duplicates

ORDERS = (1, 2)
FEW_TEXTS = 100
"""With fewer texts than this an n-gram of one text may be in the table; else it takes two."""
FOLDS = 5
JUDGED = 1000
"""Rows that a choice is judged on and a stand-in measured on: then no further folds are tried."""
FEWEST = 5
"""Answers of each kind without which nothing can be learned and measured."""


@dataclass(frozen=True)
class StandIn:
    """What answers a question without a language model, and how well, on rows that it did not learn from.

    Parameters
    ----------
    model : LinearModel or None
        Of the classes False and True; its probability of True is the answer. Learned from all rows with an
        answer. None where there was too little to learn from; `reason` says what.
    auc : float
        Probability that of two rows, one answered above `cut` and one not, it ranks the former higher. NaN
        where it could not be measured, as the next two.
    kappa : float
        Cohen's kappa between its answers and those that it learned from, both taken as yes or no: the latter
        above `cut`, the former at the cut that agrees best, which is found on other rows than those judged.
    flip_rate : float
        Share of rows where the two differ.
    n_rows : int
        Rows with an answer.
    n_judged : int
        Rows that the figures are of, each answered by a model of others.
    cut : float
        .5, or the median of the answers where nearly all of them are on one side of .5.
    reason : str
        Why there is no model or no figure; "" otherwise.
    shift : float
        What, added to the model's intercept, makes its answers agree best when they are cut at one half.
        Learned from few rows, a model may be sure of no text, and rank texts well for all that. 0 where
        `cut` is not .5.
    answers : array (n_texts,) or None
        Its probability of yes for each text, by a model that has not learned from the text; NaN where there
        is none.
    """

    model: LinearModel | None
    auc: float = float("nan")
    kappa: float = float("nan")
    flip_rate: float = float("nan")
    n_rows: int = 0
    n_judged: int = 0
    cut: float = 0.5
    reason: str = ""
    shift: float = 0.0
    answers: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    def deciding(self) -> StandIn:
        """The same for where a probability above one half is a yes and nothing else counts, as in a tree.

        The probabilities are no longer the shares of yes that they were.
        """
        if self.model is None or self.answers is None:
            return self
        model = replace(self.model, intercept=(self.model.intercept[0] + self.shift,))
        return replace(self, model=model, answers=shifted(self.answers, self.shift), shift=0.0)


class StandIns:
    """Learns stand-ins of many questions on the same texts.

    Parameters
    ----------
    texts : container of n_texts texts
    llm : str, Session, LanguageModel or None
        Its vectors of n-grams and of texts are tried beside plain n-grams. One that cannot embed is as None.
    task : str or None
        What the texts are read for, in a few words; put before the language model.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    random_state : int or None
        Seed of the folds; None is 0.
    groups : container of n_texts values, optional
        Rows of one group never judge what was learned from another one of it; nor do near-duplicates.
    min_rows : int
        Answers without which nothing is learned.
    max_terms : int or None
        N-grams that a stand-in has at most.
    every_row : bool
        Whether each text gets an answer by a model of others, however many texts there are: then weights can
        be fitted to such answers. It takes further fits with more than a thousand texts.
    verbose : int
        1 shows progress bars on standard error.

    Raises
    ------
    InputError
        When a parameter cannot be used; the message names the first offending row.
    """

    def __init__(
        self,
        texts: Any,
        *,
        llm: str | Session | LanguageModel | None = "local",
        task: str | None = None,
        cache: str | os.PathLike[str] | None = None,
        random_state: int | None = None,
        groups: Any = None,
        min_rows: int = 30,
        max_terms: int | None = None,
        every_row: bool = False,
        verbose: int = 0,
    ) -> None:
        self.texts = texts_of(column_of(texts, "texts"), "texts")
        self.min_rows, self.max_terms, self.verbose = min_rows, max_terms, verbose
        self.every_row = every_row
        self.random_state = random_state
        session = as_session(llm, cache=cache)
        self.session = session if session is not None and "embed" in session.capabilities else None
        self.ngrams = count_ngrams(self.texts, ORDERS, 1 if len(self.texts) < FEW_TEXTS else 2)
        self.groups = _joined(near_duplicates(self.texts), groups)
        self.template = "{text}"
        if self.session is not None and self.session.identity.get("pooling") == "last":
            self.template = templates(task, "", ())[-1]  # a causal model's state says more behind a cue
        self._vectors: NDArray[np.float32] | None = None
        self._states: NDArray[np.float32] | None = None

    def learn(self, answers: Any, target: str = "") -> StandIn:
        """The stand-in of one question.

        Parameters
        ----------
        answers : container of n_texts numbers
            From 0 (no) to 1 (yes); NaN or None where there is none.
        target : str
            The question, for the model to say what it answers.

        Raises
        ------
        InputError
            When an answer cannot be used; the message names the first offending row.
        """
        values = answers_of(answers, len(self.texts))
        known = np.flatnonzero(~np.isnan(values))
        values = values[known]
        n = len(known)
        if n < max(1, self.min_rows):
            return StandIn(None, n_rows=n, reason=f"{n} answers, and it takes {self.min_rows}")
        if np.ptp(values) == 0:
            model = _constant(float(values[0]), n, target)
            return StandIn(model, flip_rate=0.0, n_rows=n, reason=f"all {n} answers are {values[0]:g}")
        cut = _cut(values)
        yes = values > cut
        rarer = int(min(yes.sum(), n - yes.sum()))
        parts = folds(
            yes.astype(int), self.groups[known], FOLDS, stratify=True, random_state=self.random_state
        )
        if rarer < FEWEST or not parts or not self.ngrams.phrases:
            return StandIn(None, n_rows=n, cut=cut, reason=f"{rarer} of {n} answers differ from the others")
        judged = parts[
            : max(2, int(np.searchsorted(np.cumsum([len(judge) for _, judge in parts]), JUDGED)) + 1)
        ]
        ngrams = _rows(self.ngrams, known)
        problem = Problem(
            ngrams.matrix,
            ngrams.lengths,
            ngrams.words,
            values[:, None],
            np.ones(n),
            "logistic",
            judged,
            self.groups[known],
        )
        choices = Choices(problem, self.max_terms)
        choices.try_all(CHOICES)
        if self.session is not None:
            self._assist(choices, known, values)
        answered, rows = choices.judge()
        choice, temperature = choices.best(range(len(judged)))
        fitted = choices.fit(np.arange(n), choice).times(temperature)
        meta = {
            "stand_in": True,
            "llm": dict(self.session.identity) if self.session is not None and choice.uses_llm else None,
            "template": self.template if choice.uses_llm else None,
            "choice": asdict(choice),
        }
        model = linear_model(
            fitted,
            ngrams,
            y=yes.astype(int),
            index=known,
            classes=(False, True),
            target=target,
            order=choice.order,
            norm=choice.norm,
            extra={},
            meta=meta,
        )
        if cut == 0.5:
            fold = np.repeat(np.arange(len(judged)), [len(judge) for _, judge in judged])
            said, shift = decided(answered, yes[rows], fold), best_shift(answered, yes[rows])
        else:
            said, shift = answered > cut, 0.0
        auc, kappa, flip_rate = agreement(said, yes[rows], answered)
        crossed = np.full(len(self.texts), np.nan)
        crossed[known[rows]] = answered
        if self.every_row:
            for part in parts[len(judged) :]:
                crossed[known[part[1]]] = choices.answer(*part, choice, temperature)
            new = np.setdiff1d(np.arange(len(self.texts)), known)
            crossed[new] = [no_yes[1] for no_yes in model.predict_proba([self.texts[row] for row in new])]
        return StandIn(model, auc, kappa, flip_rate, n, len(rows), cut, shift=shift, answers=crossed)

    def _assist(self, choices: Choices, known: Rows, values: NDArray[np.float64]) -> None:
        """Try the best ridge with what the language model knows of n-grams and texts."""
        assert self.session is not None
        if self._vectors is None or self._states is None:
            frequent = frequent_ngrams(self.ngrams, max(ORDERS), MOST_EMBEDDED)
            found = self._embed([self.ngrams.phrases[i] for i in frequent], "reading n-grams")
            self._vectors = np.zeros((len(self.ngrams.phrases), found.shape[1]), dtype=np.float32)
            self._vectors[frequent] = found
            self._states = self._embed(self.texts, "reading texts")
        vectors, problem = self._vectors, choices.problem
        # Soft answers are values, not classes: a ridge probe predicts them, whichever they are.
        probe = Probe(self._states[known], values, problem.weight, problem.groups, 0)
        lessons: dict[bytes, Lesson] = {}

        def teach(rows: Rows) -> Lesson:
            if rows.tobytes() not in lessons:
                lessons[rows.tobytes()] = Lesson(np.clip(probe.soft(rows), 0, 1))
            return lessons[rows.tobytes()]

        choices.problem = problem.helped({"llm": lambda _: vectors}, teach)
        ridge = choices.best(range(len(problem.folds)), "ridge")[0]
        choices.try_all([replace(ridge, vectors="llm", scale=scale) for scale in SCALES])
        ridge = choices.best(range(len(problem.folds)), "ridge")[0]
        choices.try_all([replace(ridge, mix=MIX)])

    def _embed(self, texts: list[str], what: str) -> NDArray[np.float32]:
        assert self.session is not None
        with tqdm(total=len(set(texts)), desc=what, disable=not self.verbose, unit="text") as bar:
            return self.session.embed(texts, self.template, progress=bar.update)


def stand_in(
    texts: Any,
    answers: Any,
    *,
    llm: str | Session | LanguageModel | None = "local",
    task: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    random_state: int | None = None,
    groups: Any = None,
    min_rows: int = 30,
    max_terms: int | None = None,
    target: str = "",
    verbose: int = 0,
) -> StandIn:
    """The stand-in of one question; see `StandIns`, which is faster where there are several.

    Parameters
    ----------
    texts, llm, task, cache, random_state, groups, min_rows, max_terms, verbose
        As for `StandIns`.
    answers, target
        As for `StandIns.learn`.

    Raises
    ------
    InputError
        When a parameter cannot be used; the message names the first offending row.
    """
    learner = StandIns(
        texts,
        llm=llm,
        task=task,
        cache=cache,
        random_state=random_state,
        groups=groups,
        min_rows=min_rows,
        max_terms=max_terms,
        verbose=verbose,
    )
    return learner.learn(answers, target)


def answers_of(answers: Any, n_rows: int) -> NDArray[np.float64]:
    """Answers as numbers from 0 to 1, NaN where there is none.

    Raises
    ------
    InputError
        For another length, or an answer that is not such a number.
    """
    given = column_of(answers, "answers").items()
    if len(given) != n_rows:
        raise InputError(f"There are {n_rows} texts but {len(given)} answers; give one a text, NaN for none.")
    values = np.full(n_rows, np.nan)
    for row, value in enumerate(given):
        if is_missing(value):
            continue
        if (
            not isinstance(value, (bool, int, float, np.bool_, np.integer, np.floating))
            or not 0 <= value <= 1
        ):
            raise InputError(
                f"Row {row} of answers is {value!r}; an answer is from 0 (no) to 1 (yes), or NaN."
            )
        values[row] = value
    return values


def _cut(values: NDArray[np.float64]) -> float:
    """Above which answer a row counts as answered yes."""
    hard = bool(np.isin(values, (0.0, 1.0)).all())
    rarer = min(np.count_nonzero(values > 0.5), np.count_nonzero(values <= 0.5))
    return 0.5 if hard or rarer >= FEWEST else float(np.median(values))


def _constant(value: float, n_rows: int, target: str) -> LinearModel:
    """The model of a question that was always answered the same: a row of doubt on the other side."""
    return LinearModel(
        task="classification",
        target=target,
        classes=(False, True),
        intercept=(round(float(logit((value * n_rows + 0.5) / (n_rows + 1))), 6),),
        weights={},
        n_rows=n_rows,
        meta={"stand_in": True},
    )


def _rows(ngrams: NgramRows, rows: Rows) -> NgramRows:
    lengths = {order: counts[rows] for order, counts in ngrams.lengths.items()}
    return NgramRows(ngrams.phrases, ngrams.orders, ngrams.matrix[rows], lengths)


def _joined(near: NDArray[np.intp], groups: Any) -> NDArray[np.intp]:
    """Groups of rows that are near-duplicates, or of one group that was given, or linked by such rows.

    Raises
    ------
    InputError
        When there is not one group a text.
    """
    if groups is None:
        return near
    given = column_of(groups, "groups").items()
    if len(given) != len(near):
        raise InputError(f"There are {len(near)} texts but {len(given)} groups; give one a text.")
    number = {name: i for i, name in enumerate(dict.fromkeys(given))}
    of = near.max() + 1 + np.array([number[name] for name in given])
    size = int(of.max()) + 1
    linked = connected_components(
        coo_array((np.ones(len(near)), (near, of)), shape=(size, size)), directed=False
    )
    return np.asarray(linked[1][near], dtype=np.intp)
