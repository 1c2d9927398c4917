"""How rules come about: people, a language model or the rows propose; rows that are set apart judge."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace as changed
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from interpllm.errors import CapabilityError, InputError
from interpllm.estimators.base import TextEstimatorMixin, TrainingRows
from interpllm.estimators.baselines import tfidf
from interpllm.estimators.concept_answers import Answering
from interpllm.estimators.concept_recipe import LLM, ROUNDS, WEAK
from interpllm.estimators.concept_rows import ConceptRows
from interpllm.estimators.question_base import KEPT_KAPPA
from interpllm.estimators.rule_candidates import Array, Candidates, Judged, Masks, holding, measured
from interpllm.estimators.rule_rows import Row, TableRowsMixin, columns_of, texts_among
from interpllm.estimators.stand_ins import StandIns
from interpllm.llm import Plan, Session, as_session
from interpllm.propose.data_rules import data_rules
from interpllm.propose.rules import PROMPT_VERSION, Columns, outcome_of, plan_rules, propose_rules
from interpllm.runtime import RuleEvidence
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.rule_book import RuleBook, WrittenRule
from interpllm.select.confirm import compare
from interpllm.select.evidence import rule_evidence
from interpllm.select.parts import Parts, grouped, split_rows

HARDEST = 24
"""Rows that the present rules get wrong, of which later proposals are shown some."""


class RuleRecipe(TableRowsMixin, TextEstimatorMixin):
    """What the rule estimators share; each adds its parameters, and how rules are chosen and weighed."""

    llm: LLM
    task: str | None
    rules: Iterable[str | WrittenRule] | RuleBook | None
    text: str | None
    n_rules: int
    n_proposals: int
    n_rounds: Any
    min_support: int
    cv: int
    random_state: int | None
    cache: str | os.PathLike[str] | None
    verbose: int

    def _choose(self, found: Candidates, judged: Judged, rows: NDArray[np.intp]) -> Any:
        """Choose rules on some rows; what comes back is handed to `_scored` and `_model`."""
        raise NotImplementedError

    def _scored(self, choice: Any, found: Candidates, judged: Judged, rows: NDArray[np.intp]) -> NDArray[Any]:
        """Predict some rows (classes or values) by what was chosen."""
        raise NotImplementedError

    def _model(
        self, choice: Any, found: Candidates, judged: Judged, parts: dict[str, Any], at: Any
    ) -> RowModel:
        """Fit what was chosen to all rows."""
        raise NotImplementedError

    def _fit_rules(self, training: TrainingRows) -> None:
        """Propose, measure, choose, judge and keep: sets ``model_``, ``rules_`` and ``report_``."""
        self._check_parameters()
        rows: list[Row] = list(training.texts)
        columns = columns_of(rows, self._text)
        classes: list[Any] = getattr(self, "classes_", np.empty(0)).tolist()
        texts = texts_among(rows, self._text)
        book = self._book(columns, classes)
        weight = np.ones(len(rows)) if training.sample_weight is None else training.sample_weight
        one_hot = np.eye(max(len(classes), 1))[training.y] if classes else training.y[:, None].astype(float)
        judged = Judged(training.y, one_hot, weight, grouped(len(rows), texts, None)[0], classes)
        seed = 0 if self.random_state is None else int(self.random_state)
        parts = _parts(judged, seed)
        learn = np.sort(np.concatenate([parts.propose, parts.select]))
        session = as_session(self.llm, cache=self.cache)
        answering = Answering(
            session, ConceptRows(texts, None, []), self.task, {"soft": "auto"}, self.verbose
        )
        before = None if session is None else changed(session.usage)
        report: dict[str, Any] = {"unparsed": [], "failed_requests": 0}
        book = self._proposed(
            book, rows, judged, columns, parts.propose, session, answering, report, training.target
        )
        candidates, table = measured(book, rows, learn, answering, self._text, self.min_support)
        choice = self._choose(candidates, judged, learn)
        report["confirm"] = self._confirmed(choice, candidates, judged, learn, parts.confirm, texts, seed)
        report["candidates"] = table
        report["usage"] = None if session is None or before is None else (session.usage - before).__dict__
        report["n_rows"] = {name: len(getattr(parts, name)) for name in ("propose", "select", "confirm")}
        shared = {
            "task": "classification" if classes else "regression",
            "target": training.target,
            "classes": tuple(classes),
            "text": self._text or "",
            "n_rows": len(rows),
            "base": tuple((weight @ one_hot / weight.sum()).round(6))
            if not classes
            else _shares(weight @ one_hot),
            "meta": self._how_made(session, book, report),
        }
        model = self._model(choice, candidates, judged, shared, training.positions)
        table["in_model"] = table["rule"].isin(
            {" and ".join(map(str, conds)) for conds in _conditions(model)}
        )
        self.rules_ = book
        self.report_ = report
        self.model_ = model

    def _how_made(self, session: Session | None, book: RuleBook, report: dict[str, Any]) -> dict[str, Any]:
        """For the document: who proposed what, and the figures of rows that nothing was chosen on."""
        sources = Counter(rule.source for rule in book)
        made: dict[str, Any] = {
            "estimator": type(self).__name__,
            "task": self.task,
            "llm": None if session is None else dict(session.identity),
            "prompts": PROMPT_VERSION if sources["llm"] else None,
            "considered": dict(sources),
            "set aside as no rule": len(report["unparsed"]),
        }
        if report["confirm"] is not None:
            figures = report["confirm"][["score", "low", "high", "n_rows"]]
            made["confirmed"] = {
                str(name): {key: float(x) if np.isfinite(x) else None for key, x in row.items()}
                for name, row in figures.iterrows()
            }
        return made

    # --- propose --------------------------------------------------------------------------------------------

    def _book(self, columns: Columns, classes: list[Any]) -> RuleBook:
        """The rules that people wrote, as they fit the rows."""
        given = RuleBook.of(self.rules if self.rules is not None else ())
        for rule in given:
            fault = columns.fault(rule)
            if fault is not None:
                raise InputError(f"The rule '{rule}' cannot be used: {fault}.")
            if rule.outcome is not None and rule.source == "person":
                try:
                    outcome_of(rule.outcome, classes or None)
                except InputError as error:
                    raise InputError(f"The rule '{rule}' cannot be used: {error}") from None
        return given

    def _proposed(
        self,
        book: RuleBook,
        rows: list[Row],
        judged: Judged,
        columns: Columns,
        propose: NDArray[np.intp],
        session: Session | None,
        answering: Answering,
        report: dict[str, Any],
        target: str,
    ) -> RuleBook:
        """Add what a language model proposes in rounds; what the rows suggest where nobody proposes."""
        n_rounds = self._rounds(session, book)
        seen = [rows[row] for row in propose]
        wrong: list[int] = []
        for number in range(n_rounds):
            assert session is not None
            found = propose_rules(
                session,
                seen,
                judged.y[propose],
                columns,
                n=self._per_round(n_rounds),
                task=self.task,
                classes=judged.classes or None,
                target=target or "the label",
                held=book,
                wrong=wrong,
                random_state=self._seed_of(number),
            )
            report["unparsed"] += [list(pair) for pair in found.rejected]
            report["failed_requests"] += len(found.failures)
            book = book.add(*found.kept)
            if number + 1 < n_rounds and len(book):
                masks, _, _ = holding(list(book), seen, propose, answering, self._text)
                wrong = _wrong(masks, judged.targets[propose], judged.weight[propose])
        if not len(book):
            suggested = data_rules(
                rows, judged.y, columns, classifies=bool(judged.classes), min_support=self.min_support
            )
            book = book.add(*(rule for rule in suggested if book.allows(rule)))
        return book

    def _per_round(self, n_rounds: int) -> int:
        return max(1, self.n_proposals // n_rounds)

    def _seed_of(self, number: int) -> int:
        """Each round shows other rows."""
        return (0 if self.random_state is None else int(self.random_state)) + number

    def _rounds(self, session: Session | None, book: RuleBook) -> int:
        able = session is not None and "complete" in session.capabilities
        if self.n_rounds == "auto":
            weak = session is None or session.identity.get("model") in WEAK
            return ROUNDS if able and not weak else 0
        if self.n_rounds and not able:
            raise CapabilityError(
                "Rules can be proposed only by a language model that completes. Set n_rounds=0, or give such "
                "a model in llm=."
            )
        return int(self.n_rounds)

    # --- judge ----------------------------------------------------------------------------------------------

    def _confirmed(
        self,
        choice: Any,
        found: Candidates,
        judged: Judged,
        learn: NDArray[np.intp],
        confirm: NDArray[np.intp],
        texts: list[str] | None,
        seed: int,
    ) -> pd.DataFrame | None:
        """How good the rules are on rows that nothing was chosen on, beside simple models of these."""
        if not len(confirm):
            return None
        baselines: dict[str, NDArray[Any]] = {}
        if texts is not None:
            baselines = tfidf(texts, judged.y, learn, confirm, classifies=bool(judged.classes))
        return compare(
            judged.y[confirm],
            self._scored(choice, found, judged, confirm),
            baselines,
            seen=judged.y[learn],
            metric="accuracy" if judged.classes else "r2",
            groups=judged.groups[confirm],
            random_state=seed,
        )

    def _evidence(
        self, masks: Masks, speaks_for: Sequence[int | None], sources: Sequence[str], judged: Judged, at: Any
    ) -> tuple[RuleEvidence, ...]:
        """What all rows say of rules; `speaks_for` are positions of classes."""
        return tuple(
            rule_evidence(masks[:, k], judged.y, of, source=source, positions=at)
            for k, (of, source) in enumerate(zip(speaks_for, sources, strict=True))
        )

    # --- verbs ----------------------------------------------------------------------------------------------

    def _inputs(self, X: Any) -> tuple[Any, ...]:
        rows = self._check_predict(X)
        open_ = [question for question in self.model_.questions if question.id in self.model_.unanswered]
        if not open_:
            return (rows,)
        session = as_session(self.llm, cache=self.cache)
        texts = ConceptRows(texts_among(rows, self._text), None, [])
        values = Answering(session, texts, self.task, {"soft": "auto"}, self.verbose).values(open_)
        return rows, {q.id: values[:, k].tolist() for k, q in enumerate(open_)}

    def plan(self, X: Any, y: Any) -> Plan:
        """Tell what `fit` would send to the language model for proposals, before anything is sent.

        Parameters
        ----------
        X : container of n_rows texts, or frame
        y : container of n_rows labels or values

        Returns
        -------
        Plan
            Requests, tokens and seconds of the proposals. Questions that proposed rules ask come on top;
            nobody knows them before.
        """
        session = as_session(self.llm, cache=self.cache)
        n_rounds = self._rounds(session, RuleBook())
        if session is None or not n_rounds:
            return Plan()
        estimator = type(self)(**self.get_params(deep=False))
        training = estimator._check_fit(X, y)
        rows = list(training.texts)
        classes = getattr(estimator, "classes_", np.empty(0)).tolist()
        groups = grouped(len(rows), texts_among(rows, self._text), None)[0]
        parts = split_rows(training.y, groups=groups, random_state=self.random_state or 0)
        plans = (
            plan_rules(
                session,
                [rows[row] for row in parts.propose],
                training.y[parts.propose],
                columns_of(rows, self._text),
                n=self._per_round(n_rounds),
                task=self.task,
                classes=classes or None,
                target=training.target or "the label",
                random_state=self._seed_of(number),
            )
            for number in range(n_rounds)
        )
        return sum(plans, Plan())

    def distill(self, X: Any, *, min_kappa: float = KEPT_KAPPA, llm: Any = "same") -> Any:
        """Let a table of n-grams answer each question of the rules in place of the language model.

        Parameters
        ----------
        X : container of n_rows texts, or frame
        min_kappa : float
            Cohen's kappa with the model's answers, on rows that a stand-in did not learn from, from which on
            it is kept.
        llm : str, Session, LanguageModel or None
            Whose embeddings help; "same" is that of the estimator.

        Returns
        -------
        The estimator itself, with ``fidelity_`` and ``deployable_``.
        """
        check_is_fitted(self, "model_")
        rows = self._check_predict(X)
        texts = texts_among(rows, self._text)
        questions = list(self.model_.questions)
        table: list[dict[str, Any]] = []
        kept: dict[str, Any] = {}
        if questions:
            if texts is None:
                raise InputError(
                    "Stand-ins read texts, and these rows have none; name their column in text=."
                )
            session = as_session(self.llm, cache=self.cache)
            answering = Answering(
                session, ConceptRows(texts, None, []), self.task, {"soft": "auto"}, self.verbose
            )
            values = answering.values(questions)
            helper = session if llm == "same" else as_session(llm, cache=self.cache)
            learn = StandIns(texts, llm=helper, cache=self.cache, random_state=self.random_state)
            for column, question in enumerate(questions):
                found = learn.learn(values[:, column], question.text)
                good = found.model is not None and found.kappa >= min_kappa
                if good:
                    kept[question.id] = found.deciding().model
                table.append(
                    {
                        "id": question.id,
                        "question": question.text,
                        "auc": found.auc,
                        "kappa": found.kappa,
                        "kept": good,
                    }
                )
        self.fidelity_ = pd.DataFrame(table)
        self.model_ = changed(self.model_, stand_ins=kept)
        return self

    @property
    def deployable_(self) -> bool:
        """Whether the model predicts without a language model."""
        check_is_fitted(self, "model_")
        return bool(self.model_.deployable)

    def _check_parameters(self) -> None:
        for name, least in (("n_rules", 1), ("n_proposals", 1), ("min_support", 1), ("cv", 2)):
            value = getattr(self, name)
            if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number of at least {least}, not {value!r}.")
        rounds = self.n_rounds
        if rounds != "auto" and not (isinstance(rounds, int | np.integer) and rounds >= 0):
            raise InputError(f"n_rounds must be 'auto' or a whole number of rounds, not {rounds!r}.")
        for name in ("task", "text"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise InputError(f"{name} must be a str or None, not {value!r}.")


def _parts(judged: Judged, seed: int) -> Parts:
    """Rows that propose, select and confirm; of fewer than three that differ, all select."""
    if len(np.unique(judged.groups)) < 3:
        none = np.empty(0, dtype=np.intp)
        return Parts(none, np.arange(len(judged.y)), none)
    return split_rows(judged.y, groups=judged.groups, random_state=seed)


def _wrong(masks: Masks, targets: Array, weight: Array) -> list[int]:
    """Rows that no rule holds for, and those that most rules that hold speak against; the worst first."""
    held = masks.sum(axis=1)
    values = [weight[m] @ targets[m] / max(weight[m].sum(), 1e-12) for m in masks.T]
    base = weight @ targets / weight.sum()
    said = (masks @ np.array(values) + base) / (held + 1)[:, None]
    loss = ((said - targets) ** 2).sum(axis=1)
    order = np.lexsort((np.arange(len(loss)), -loss))
    return [int(row) for row in order[:HARDEST]]


def _conditions(model: Any) -> list[tuple[Any, ...]]:
    return [clause.conditions for clause in getattr(model, "clauses", ())]


def _shares(sums: Array) -> tuple[float, ...]:
    return tuple(round(float(share), 6) for share in sums / sums.sum())
