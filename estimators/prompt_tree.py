"""A tree of prompts: each node asks a language model which class word comes next."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from interpllm.errors import InputError
from interpllm.estimators.concept_base import ConceptClassifierMixin
from interpllm.estimators.concept_recipe import LLM
from interpllm.estimators.concept_rows import ConceptRows, column_names, concept_rows, texts_beside
from interpllm.estimators.prompt_answers import PromptAnswering, PromptBook, plan_scores, prompt_frame
from interpllm.estimators.prompt_search import can_propose, candidates, search
from interpllm.estimators.question_tree import QuestionTree, tree_of
from interpllm.llm import Session, as_session
from interpllm.llm.plan import Plan
from interpllm.propose.class_words import check_words, class_words
from interpllm.propose.completions import bundled_prompts, plan_prompts
from interpllm.select.parts import SIZES, split_rows
from interpllm.select.tree import grow


class PromptTreeClassifier(QuestionTree, ConceptClassifierMixin, BaseEstimator):
    """A tree whose nodes put the text into a prompt and look which class word a language model says next.

    A prompt is scored on the words of all classes at once. With two classes a node asks whether the second
    word is the likelier one; with more, whether one of the words is the likeliest. A row is asked only the
    prompts on its path, each at most once.

    Parameters
    ----------
    llm : str, Session, LanguageModel or None
        Whose log-probabilities are compared, and who proposes prompts where it can. None: X holds answers.
    prompts : sequence of str, optional
        Prompts with ``{text}``. By default a model that completes writes them; for the embedded one, which
        writes poor ones, and where too few come, the library has some of its own.
    words : mapping of label to str, optional
        What is said for a class. By default the labels themselves.
    task : str, optional
        What the class says of a text, in a few words.
    n_prompts : int
        Prompts to try, where none are given. Each is asked of every training row.
    max_leaves : int
        Leaves at most; cross-validation decides how many.
    max_depth : int, optional
        Questions that a row is asked at most.
    cv : int
        Folds of the inner cross-validation.
    random_state : int or None
        Seed of splits and of what is shown; None is 0.
    cache : path or None
        Folder of stored replies; None is the user's cache folder.
    verbose : int
        1 shows progress bars on standard error.

    Attributes
    ----------
    model_ : interpllm.runtime.ConceptTree
        Its questions are pairs of a prompt and a word; ``meta["prompts"]`` has what it takes to ask them.
    classes_ : ndarray of shape (n_classes,)
    report_ : dict
        ``prompts``: a table of those that were tried, with their own accuracy on the rows that chose;
        ``leaves``: cross-validated score by size; ``confirm``: accuracy with interval on rows that nothing
        was chosen on, beside the majority, the best single prompt and TF-IDF; ``proposals``, ``answers``
        (how many were scored, how many are missing), ``rows``, ``usage``.
    fidelity_, deployable_
        As for `ConceptLinearClassifier`, after `distill`.

    Notes
    -----
    Morris et al. (2023), "Tree Prompting: Efficient Task Adaptation without Fine-Tuning". A language model
    likes some words more whatever the text is; what it says on average of at most 200 training texts is taken
    off (Zhou et al. 2024). A missing answer goes the way of most rows.

    Examples
    --------
    >>> from interpllm import PromptTreeClassifier
    >>> from interpllm.testing import FakeLLM
    >>> likes = FakeLLM(scores=lambda prompt, word: float(("good" in prompt) == (word == " great")))
    >>> model = PromptTreeClassifier(likes, prompts=["{text} It was"], words={0: "awful", 1: "great"})
    >>> texts = [f"{kind} film number {n}" for n in range(20) for kind in ("good", "dull")]
    >>> print(model.fit(texts, [1, 0] * 20).model_.questions[0])
    '… It was' -> "great"
    >>> model.predict(["a good one"]).tolist()
    [1]
    """

    _is_classifier = True

    def __init__(
        self,
        llm: LLM = "local",
        *,
        prompts: Sequence[str] | None = None,
        words: Mapping[Any, str] | None = None,
        task: str | None = None,
        n_prompts: int = 10,
        max_leaves: int = 16,
        max_depth: int | None = None,
        cv: int = 5,
        random_state: int | None = None,
        cache: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        self.llm = llm
        self.prompts = prompts
        self.words = words
        self.task = task
        self.n_prompts = n_prompts
        self.max_leaves = max_leaves
        self.max_depth = max_depth
        self.cv = cv
        self.random_state = random_state
        self.cache = cache
        self.verbose = verbose

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, texts: Any = None, groups: Any = None
    ) -> PromptTreeClassifier:
        """Find prompts, ask them of the rows, and grow the tree.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
            The columns of a frame are prompts. It holds yes or no (1 or 0) or probabilities (of the second of
            two classes), or labels, or positions of classes; missing values are allowed.
        y : container of n_rows labels
        sample_weight : container of n_rows numbers, optional
        texts : container of n_rows texts, optional
            Beside a frame of answers.
        groups : container of n_rows values, optional
            Rows of one group are never divided between choosing and judging.

        Returns
        -------
        PromptTreeClassifier

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used, or class words cannot be told apart.
        CapabilityError
            When the language model gives no log-probabilities.
        """
        self._check_parameters()
        self._check_given(y)
        frame = prompt_frame(X, texts)
        rows = concept_rows(X, texts) if frame is None else _unread(frame, texts)
        prepared = self._prepare_rows(rows, X, y, groups, sample_weight)
        rows, task = prepared.rows, prepared.task
        session = None if rows.texts is None else as_session(self.llm, cache=self.cache)
        before = None if session is None else replace(session.usage)
        words = class_words(task.classes, self.words)
        if frame is None or set(self.prompts or ()) - set(map(str, frame.columns)):
            self._check_asked(session, words)
        proposing = frame is None and self.prompts is None and can_propose(session)
        seed = 0 if self.random_state is None else int(self.random_state)
        parts = split_rows(
            task.y,
            groups=task.groups,
            # A prompt is not made of the rows that were shown when it was written: they choose, too.
            sizes=(0.0, SIZES[0] + SIZES[1], SIZES[2]),
            random_state=seed,
        )
        proposals, sources = None, {}
        if frame is not None:
            frame = frame.iloc[prepared.positions]
            book = PromptBook.of_columns(frame, self.prompts, words, task.classes)
            rows = book.rows(frame, rows.texts, task.classes)
        else:
            if self.prompts is not None:
                sources = dict.fromkeys(self.prompts, "user")
            else:
                shown = parts.select if proposing else None
                sources, proposals = candidates(session, rows, task, shown, words, self.n_prompts, seed)
            book = PromptBook.of(words, list(sources))
        answering = PromptAnswering(session, rows, book, self.verbose)
        found = search(
            answering,
            book.questions(sources),
            task,
            parts,
            max_leaves=self.max_leaves,
            max_depth=self.max_depth,
            n_folds=self.cv,
            random_state=seed,
        )
        values = answering.values(found.questions)
        tree = grow(
            values,
            task.y,
            found.n_leaves,
            classifies=True,
            weight=task.weight,
            max_depth=self.max_depth,
            random_state=seed,
        )
        asked = book.kept([found.questions[column].id for column in tree.columns])
        found.report["prompts"]["in_tree"] = found.report["prompts"]["prompt"].isin(asked.prompts)
        used = None if session is None or before is None else asdict(session.usage - before)
        report = {**found.report, "proposals": proposals, "answers": answering.report, "usage": used}
        meta = {**self._how_made(report), "prompts": asked.document()}
        self.model_ = tree_of(tree, found.questions, values, task, meta)
        self.report_ = report
        return self

    def plan(self, X: Any, y: Any) -> Plan:
        """What `fit` on these rows would ask of the language model; nothing is asked.

        Parameters
        ----------
        X : container of n_rows texts
        y : container of n_rows labels

        Returns
        -------
        Plan
            Prompts that are still to be proposed are counted as so many of the library's own.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used.
        """
        self._check_parameters()
        self._check_given(y)
        session = as_session(self.llm, cache=self.cache)
        if session is None or prompt_frame(X, None) is not None:
            return Plan()
        texts = concept_rows(X).texts or []
        labels, target = self._check_target(y, len(texts), np.arange(len(texts)))
        classes, codes = np.unique(labels, return_inverse=True)
        words = class_words(classes.tolist(), self.words)
        if self.prompts is not None:
            return plan_scores(session, texts, list(self.prompts), words)
        plan = plan_scores(session, texts, bundled_prompts(self.task, target, words)[: self.n_prompts], words)
        if can_propose(session):
            plan += plan_prompts(session, texts, codes, n=self.n_prompts, words=words, task=self.task)
        return plan

    # Steps ------------------------------------------------------------------------------------------------

    def _answering(self, session: Session | None, rows: ConceptRows) -> PromptAnswering:
        return PromptAnswering(session, rows, self._book(), self.verbose)

    def _read(self, X: Any, texts: Any) -> ConceptRows:
        frame = prompt_frame(X, texts)
        if frame is None:
            return concept_rows(X, texts)
        return self._book().rows(frame, texts_beside(frame, texts), self.model_.classes)

    def _book(self) -> PromptBook:
        return PromptBook.read(self.model_.meta.get("prompts"))

    def _check_asked(self, session: Session | None, words: list[str]) -> None:
        if session is None:
            raise InputError(
                "A tree of prompts asks a language model: give llm='local', an address or a session (with "
                "texts= beside answers), or a frame of answers with a column for each prompt in X."
            )
        check_words(words, session)
        for prompt in self.prompts or ():
            if not isinstance(prompt, str) or "{text}" not in prompt:
                raise InputError(f"The prompt {prompt!r:.100} has no {{text}}, where the text goes.")

    def _check_parameters(self) -> None:
        for name, least in (("n_prompts", 1), ("max_leaves", 2), ("max_depth", 1), ("cv", 2)):
            value = getattr(self, name)
            if name == "max_depth" and value is None:
                continue
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        if self.task is not None and not isinstance(self.task, str):
            raise InputError(f"task must be a few words in a str or None, not {self.task!r}.")
        if isinstance(self.prompts, str):
            raise InputError("prompts is one str; give a list of prompts, each with {text}.")
        if self.prompts is not None and (not len(self.prompts) or len(set(self.prompts)) < len(self.prompts)):
            raise InputError("prompts has to hold a prompt at least, and none twice; None proposes some.")
        seed = self.random_state
        if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**32):
            raise InputError(
                f"random_state must be a whole number from 0 to 2**32 - 1 or None, not {seed!r}."
            )


def _unread(frame: pd.DataFrame, texts: Any) -> ConceptRows:
    """Rows whose answers are still to be read: what they mean depends on the classes."""
    columns = column_names(frame)
    return ConceptRows(texts_beside(frame, texts), np.full(frame.shape, np.nan), columns)
