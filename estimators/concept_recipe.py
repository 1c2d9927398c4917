"""How a concept model is fitted: split, propose, answer, screen, select, confirm, fit, keep."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from interpllm.answer import LEAST_GOLD, against_gold, agreement_by_question, ask, reliability
from interpllm.errors import CapabilityError, InputError
from interpllm.estimators.concept_answers import Answering, Array
from interpllm.estimators.concept_rows import ConceptRows, concept_rows
from interpllm.estimators.concept_search import (
    Found,
    Screened,
    Task,
    candidates,
    chosen_of,
    confirm,
    screened,
)
from interpllm.llm import LanguageModel, Session, as_session
from interpllm.llm.plan import Plan
from interpllm.propose.bank import question_bank
from interpllm.propose.questions import plan_questions
from interpllm.runtime import ConceptSet, Question
from interpllm.select.parts import SIZES, Parts, grouped, split_rows
from interpllm.select.sparse import Loss

LLM = str | Session | LanguageModel | None
Concepts = ConceptSet | Sequence[str | Question] | None

ROUNDS = 2
"""Rounds of proposals by a language model that can write questions."""
PER_ROUND = 20
"""Questions asked for in a round."""
BANK = 40
"""Questions of the library's own that are asked where there are no others: all of them would take hours."""
WEAK = frozenset({"smollm2-135m"})
"""Models whose questions are no use; with them the library's own questions are tried instead."""


@dataclass(frozen=True)
class Prepared:
    """The checked arguments of a fit.

    Parameters
    ----------
    rows : ConceptRows
    task : Task
    positions : array (n_rows,)
        Which row of the X that was given each one is.
    """

    rows: ConceptRows
    task: Task
    positions: NDArray[np.int64]


class ConceptRecipe:
    """What the concept estimators share: how questions are found, answered and judged."""

    llm: LLM
    concepts: Concepts
    task: str | None
    n_concepts: int
    n_rounds: int | Literal["auto"]
    bank: bool | int | Literal["auto"]
    second_llm: LLM
    min_kappa: float
    reliability: float
    gold: Any
    soft: bool | Literal["auto"]
    signs: Mapping[str, int] | None
    random_state: int | None
    cache: str | os.PathLike[str] | None
    verbose: int

    def plan(self, X: Any, y: Any = None) -> Plan:
        """What `fit` on these rows would ask of the language model; nothing is asked.

        Parameters
        ----------
        X : container of n_rows texts, or frame of answers
            As for `fit`.
        y : container of n_rows labels or values, optional
            With them the requests for questions are counted, too.

        Returns
        -------
        Plan
            Requests, tokens and seconds, and money where the session knows prices. Questions that are still
            to be proposed are not known yet: they are counted as so many of the library's own. The request
            that asks which questions restate the label is left out: only questions whose answers alone
            predict nearly all of it are asked about. So are the vectors that a model in process makes for
            the baseline of `fit`.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used.
        """
        self._check_parameters()
        rows = concept_rows(X)
        session = as_session(self.llm, cache=self.cache)
        concepts = self._concepts(rows)
        n_rounds, n_bank = self._proposers(session, rows, concepts)
        answering = self._answering(session, rows)
        asked = [*concepts, *question_bank()[: n_bank + n_rounds * PER_ROUND]]
        plan = answering.plan(asked)
        if y is not None and n_rounds and session is not None and rows.texts is not None:
            codes = pd.factorize(np.asarray(y, dtype=object))[0] if self._is_classifier else np.asarray(y)
            names = [str(name) for name in pd.unique(pd.Series(y))] if self._is_classifier else None
            shown: dict[str, Any] = {"n": PER_ROUND, "task": self.task, "classes": names, "held": concepts}
            for _ in range(n_rounds):
                plan += plan_questions(session, rows.texts, codes, **shown)
        return plan

    # Steps of the fit -------------------------------------------------------------------------------------

    _is_classifier: bool

    def _find(self, prepared: Prepared) -> Found:
        """The questions that hold, their answers on all rows, and the report."""
        rows, task = prepared.rows, prepared.task
        session = as_session(self.llm, cache=self.cache)
        concepts = self._concepts(rows)
        n_rounds, n_bank = self._proposers(session, rows, concepts)
        seed = 0 if self.random_state is None else int(self.random_state)
        proposes = n_rounds or 0 < n_bank < len(question_bank())
        parts = split_rows(
            task.y,
            groups=task.groups,
            # Rows that nothing is proposed from would be wasted on that.
            sizes=SIZES if proposes else (0.0, SIZES[0] + SIZES[1], SIZES[2]),
            stratify=bool(task.classes),
            random_state=seed,
        )
        answering = self._answering(session, rows)
        questions, proposals = candidates(
            answering,
            concepts,
            parts,
            task,
            session=session,
            n_rounds=n_rounds,
            per_round=PER_ROUND,
            n_bank=n_bank,
            cache=self.cache,
            random_state=seed,
        )
        kappa, agreement = self._agreement(answering, questions, parts)
        tried = screened(
            questions,
            answering,
            parts.select,
            task,
            locked=concepts.locked,
            signs=self._signs(questions),
            kappa=kappa,
            min_kappa=self.min_kappa,
        )
        columns, how, told = self._choose(tried, seed)
        kept = chosen_of(questions, columns)
        values = answering.values(kept)
        learn = np.sort(np.concatenate([parts.propose, parts.select]))
        predicted = self._learn(values, task, learn, how).predict(values[parts.confirm])
        scores, effects = confirm(
            predicted, values[parts.confirm], len(questions), answering, parts, task, seed
        )
        table = tried.table
        table["chosen"] = np.isin(np.arange(len(questions)), columns)
        for name in ("effect", "output", "p_value", "q_value"):
            table[name] = pd.Series(effects[name].tolist(), index=columns, dtype=object).reindex(table.index)
        table = table.infer_objects()
        report = {
            "rows": {name: len(getattr(parts, name)) for name in ("propose", "select", "confirm")},
            "candidates": table,
            "proposals": proposals,
            "restated": tried.restated,
            **told,
            "confirm": scores,
            "agreement": agreement,
            "gold": self._against_gold(values, kept, prepared.positions),
            "answers": answering.report,
            "usage": None if session is None else asdict(session.usage),
        }
        return Found(kept, values, how, report)

    def _choose(self, tried: Screened, seed: int) -> tuple[NDArray[np.intp], Any, dict[str, Any]]:
        """Columns of the questions that the model asks, how it is fitted, and what to report of that."""
        raise NotImplementedError

    def _learn(self, values: Array, task: Task, rows: NDArray[np.intp], how: Any) -> Any:
        """A model of answers, with ``predict``, fitted on some rows."""
        raise NotImplementedError

    def _agreement(
        self, answering: Answering, questions: list[Question], parts: Parts
    ) -> tuple[Array | None, pd.DataFrame | None]:
        """Cohen's kappa of each question between two ways to ask, on a share of the selecting rows."""
        session, texts = answering.session, answering.rows.texts
        if session is None or texts is None or not (self.reliability or self.second_llm is not None):
            return None, None
        values = answering.values(questions, parts.select)
        chosen = [texts[row] for row in parts.select]
        if self.second_llm is not None:
            second = as_session(self.second_llm, cache=self.cache)
            assert second is not None
            others = ask(second, chosen, questions, task=self.task, soft=self.soft)
            frame = agreement_by_question(values, others.values, questions)
        else:
            frame = reliability(
                session, chosen, questions, values, share=self.reliability, task=self.task, soft=self.soft
            )
        return frame["kappa"].to_numpy(dtype=np.float64), frame

    def _against_gold(
        self, values: Array, questions: list[Question], positions: NDArray[np.int64]
    ) -> pd.DataFrame | None:
        """How right the answers are, where the user has gold ones."""
        if self.gold is None:
            return None
        gold = concept_rows(self.gold)
        if gold.answers is None or (len(positions) and positions.max() >= len(gold)):
            raise InputError("gold must be a frame of answers with a row for each row of X; NaN where none.")
        here = [question for question in questions if {question.text, question.id} & set(gold.columns)]
        if not here:
            return None
        known = gold.take(positions).answered(here)
        told = np.column_stack([known[question.id] for question in here])
        of = [questions.index(question) for question in here]
        enough = [k for k in range(len(here)) if np.isfinite(told[:, k]).sum() >= LEAST_GOLD]
        if not enough:
            return None
        return against_gold(values[:, [of[k] for k in enough]], told[:, enough], [here[k] for k in enough])

    def _answering(self, session: Session | None, rows: ConceptRows) -> Answering:
        return Answering(session, rows, self.task, {"soft": self.soft}, self.verbose)

    def _concepts(self, rows: ConceptRows) -> ConceptSet:
        """The questions to begin with: the user's, and those that are columns of X."""
        concepts = ConceptSet.of(self.concepts) if self.concepts is not None else ConceptSet()
        known = {name for question in concepts for name in (question.id, question.text)}
        if rows.answers is None or known:
            return concepts
        return concepts.add(*rows.columns)

    def _proposers(self, session: Session | None, rows: ConceptRows, concepts: ConceptSet) -> tuple[int, int]:
        """Rounds of proposals, and how many of the library's own questions are tried."""
        able = session is not None and rows.texts is not None and "complete" in session.capabilities
        if self.n_rounds == "auto":
            weak = session is None or session.identity.get("model") in WEAK
            n_rounds = ROUNDS if able and not weak and rows.answers is None else 0
        else:
            n_rounds = int(self.n_rounds)
        if n_rounds and not able:
            raise CapabilityError(
                "Questions can be proposed only from texts, by a language model that completes. Set "
                "n_rounds=0, or give such a model in llm= and texts in X."
            )
        every = len(question_bank())
        if self.bank == "auto":
            return n_rounds, 0 if n_rounds or len(concepts) else min(BANK, every)
        if isinstance(self.bank, bool):
            return n_rounds, every * self.bank
        return n_rounds, min(int(self.bank), every)

    def _signs(self, questions: Sequence[Question]) -> dict[str, int]:
        """Id -> sign that the weight must have."""
        found: dict[str, int] = {}
        for name, sign in (self.signs or {}).items():
            of = [question.id for question in questions if name in (question.id, question.text)]
            if not of:
                raise InputError(
                    f"signs names {name!r:.100}, which is none of the questions; write it as in concepts=."
                )
            found[of[0]] = int(sign)
        return found

    def _check_parameters(self) -> None:
        if not (isinstance(self.n_concepts, Integral) and self.n_concepts >= 1):
            raise InputError(f"n_concepts must be a whole number of at least 1, not {self.n_concepts!r}.")
        rounds = self.n_rounds
        if rounds != "auto" and not (isinstance(rounds, Integral) and rounds >= 0):
            raise InputError(f"n_rounds must be 'auto' or a whole number of rounds, not {rounds!r}.")
        if self.bank != "auto" and not (isinstance(self.bank, Integral) and self.bank >= 0):
            raise InputError(
                f"bank must be 'auto', True, False, or a number of questions, not {self.bank!r}."
            )
        if self.task is not None and not isinstance(self.task, str):
            raise InputError(f"task must be a few words in a str or None, not {self.task!r}.")
        if not (isinstance(self.reliability, Real) and 0 <= self.reliability <= 1):
            raise InputError(f"reliability must be a share from 0 to 1, not {self.reliability!r}.")
        if not (isinstance(self.min_kappa, Real) and -1 <= self.min_kappa <= 1):
            raise InputError(f"min_kappa must be from -1 to 1, not {self.min_kappa!r}.")
        for name, sign in (self.signs or {}).items():
            if sign not in (-1, 0, 1):
                raise InputError(f"signs must be 1, -1 or 0; that of {name!r:.100} is {sign!r}.")
        seed = self.random_state
        if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**32):
            raise InputError(
                f"random_state must be a whole number from 0 to 2**32 - 1 or None, not {seed!r}."
            )


def loss_for(classes: Sequence[Any]) -> Loss:
    """The loss for these classes; none is regression."""
    if not classes:
        return "squared"
    return "logistic" if len(classes) == 2 else "multinomial"


def groups_of(rows: ConceptRows, groups: Any) -> NDArray[np.intp]:
    """Rows that no split divides: near-duplicates, and the user's groups.

    Raises
    ------
    InputError
        When groups are not one a row.
    """
    given = None
    if groups is not None:
        if len(pd.Series(groups)) != len(rows):
            raise InputError(
                f"groups has {len(pd.Series(groups))} entries for {len(rows)} rows; give one a row."
            )
        given = pd.factorize(pd.Series(groups), use_na_sentinel=False)[0]
    return grouped(len(rows), rows.texts, given)[0]
