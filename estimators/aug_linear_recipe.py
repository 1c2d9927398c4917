"""How an Aug-Linear table is fitted: count, choose, ask for help, choose again, fit, keep."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from numbers import Integral
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.errors import CapabilityError, InputError
from interpllm.estimators.assistance import (
    MOST_EMBEDDED,
    SAMPLE,
    FineTuned,
    Frozen,
    Pool,
    assisted,
    frequent_ngrams,
    pool_of,
    taught_rows,
    widened,
)
from interpllm.estimators.base import TrainingRows, check_jobs
from interpllm.estimators.fit_plan import FitPlan
from interpllm.estimators.table import linear_model
from interpllm.llm import LanguageModel, Session, as_session, connect
from interpllm.llm.plan import Plan
from interpllm.propose.ngrams import NgramRows, count_ngrams, rows_of
from interpllm.propose.teacher import Tuned, texts_read
from interpllm.propose.templates import class_names, templates
from interpllm.propose.zero_shot import cues, options, prompts
from interpllm.select.inputs import column_of, texts_of
from interpllm.select.problem import Choice, Fitted, Problem, fit
from interpllm.select.search import Search, Trial, search_assisted, search_plain
from interpllm.select.size import SIZES, Shrinker, shrink
from interpllm.select.split import folds, near_duplicates, uncut

LLM = str | Session | LanguageModel | None

JUDGED = 2000
"""Rows that a choice is judged on: more folds are not tried once so many rows were judged."""
FEW_ROWS = 1000
"""With fewer rows than this an n-gram of one row may be in the table; else it takes two."""
FEW_LABELS = 500
"""With fewer rows the teacher heeds what the LLM says of texts without any label; with more, a probe of its
states knows as much, and asking takes longer than reading."""
AUTO_ORDERS = (1, 2, 3)


class AugLinearRecipe:
    """What the Aug-Linear classifier and regressor share: everything but the loss."""

    llm: LLM
    task: str | None
    ngram_range: Literal["auto"] | tuple[int, int]
    max_terms: int | None
    vocabulary: Sequence[str] | None
    distill: Literal["auto"] | bool
    finetune: bool
    cv: int
    random_state: int | None
    n_jobs: int | None
    cache: str | os.PathLike[str] | None
    verbose: int

    _check_target: Callable[[Any, int, NDArray[np.int64]], tuple[NDArray[Any], str]]

    _some_classes: ClassVar[tuple[str, ...]] = ()
    """Stand for the classes where they are not known yet, in templates."""

    def plan(self, X: Any, y: Any = None) -> FitPlan:
        """What `fit` on these texts would ask of the language model; nothing is asked.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.
        y : container of n_rows labels or numbers, optional
            As for `fit`. Without them classes are called "one class" and "another", so that little of what
            the store holds is recognised.

        Returns
        -------
        FitPlan
            N-grams, requests, tokens and seconds at most. `fit` will not embed n-grams of an order, nor
            behind a template, that it does not choose; what a fit on these rows chose before is recognised
            by the store, if y is given.

        Raises
        ------
        InputError
            When X, y or a parameter cannot be used.
        ModelNotFoundError
            When a local model was not pulled; the message names the command.
        """
        self._check_parameters()
        texts = texts_of(column_of(X, "X"))
        classes, target = self._some_classes, ""
        if y is not None:
            labels, target = self._check_target(y, len(texts), np.arange(len(texts)))
            classes = tuple(np.unique(labels).tolist()) if self._some_classes else ()
        lo, orders = self._orders()
        ngrams = count_ngrams(texts, (lo, max(orders)), min_rows(len(texts)))
        session, encoder = self._session(), self._encoder()
        taught = taught_rows(uncut(texts, near_duplicates(texts)))
        tuning = Plan() if encoder is None else _tuning(encoder, [texts[i] for i in taught], ngrams)
        if session is None:
            return FitPlan(len(ngrams.phrases), Plan(), tuning)
        candidates = sorted(templates(self.task, target, classes), key=len)
        names = self._scored(session, len(texts), classes)
        read = [texts[i] for i in taught]
        pool = pool_of(self._vocabulary()) if self.distill else []
        plan = Plan()
        if names:
            for template in cues(candidates):
                plan += session.plan(prompts=prompts(read, template), options=options(names))
            plan += _most(session.plan(prompts=prompts(pool, t), options=options(names)) for t in candidates)
        else:
            sample = frequent_ngrams(ngrams, max(orders), SAMPLE)
            for template in candidates:
                plan += session.plan(texts=[ngrams.phrases[i] for i in sample], template=template)
        known = read + pool if self.distill else []
        asked = [
            [ngrams.phrases[i] for i in frequent_ngrams(ngrams, order, MOST_EMBEDDED)]
            + _new_ngrams(self._vocabulary(), ngrams, (lo, order))
            + known
            for order in (max(orders), *orders[:-1])
        ]
        plan += _most(session.plan(texts=some, template=t) for t in candidates for some in asked)
        return FitPlan(len(ngrams.phrases), plan, tuning)

    def _fit_table(
        self,
        rows: TrainingRows,
        targets: NDArray[np.float64],
        weight: NDArray[np.float64],
        loss: Literal["logistic", "multinomial", "squared"],
        classes: list[Any],
        unit: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Choose, fit and keep the table: sets ``model_`` and ``report_``.

        In regression `targets` and ``rows.y`` are in standard units; `unit` is their center and scale.
        """
        lo, orders = self._orders()
        texts, n_classes = rows.texts, len(classes)
        # What is wrong with these is told at once.
        session, encoder, vocabulary = self._session(), self._encoder(), self._vocabulary()
        ngrams = count_ngrams(texts, (lo, max(orders)), min_rows(len(texts)))
        if not ngrams.phrases:
            what = "word" if lo == 1 else f"run of {lo} words"
            rare = " in two rows" if min_rows(len(texts)) > 1 else ""
            raise InputError(
                f"No {what} stands{rare} in the texts of X, so there is nothing to learn from. Check the "
                f"column{'' if lo == 1 else ', or lower ngram_range'}."
            )
        pooled = pool_of(vocabulary) if self.distill and (session is not None or self.finetune) else []
        together = near_duplicates(texts + pooled)
        groups, pool = together[: len(texts)], None
        if pooled:
            ngrams = widened(ngrams, texts, pooled)
            pool = Pool(pooled, rows_of(pooled, ngrams.phrases, ngrams.orders), together[len(texts) :])
        whole = uncut(texts, groups)
        parts = folds(
            rows.y, groups, self.cv, stratify=n_classes > 0, random_state=self.random_state, judged=whole
        )
        if not parts and (session is not None or self.finetune):
            warnings.warn(
                "A class (or all of X) has too few texts that differ to be cross-validated, so nothing could "
                "be chosen and the language model was not asked; give more rows, or llm=None.",
                UserWarning,
                stacklevel=3,
            )
        problem = Problem(ngrams.matrix, ngrams.lengths, ngrams.words, targets, weight, loss, parts, groups)
        everything = np.arange(len(texts))
        with tqdm(desc="choosing", disable=not self.verbose, unit="fit") as bar:
            tried = 1 if self.finetune else _folds_tried(parts)  # each fold fine-tunes an encoder of its own
            search = Search(problem, tried, self.n_jobs, bar.update)
            plain = search_plain(search, orders) if parts else _untried(orders)
            best, losses = plain, {}
            taught = taught_rows(whole)
            frozen, help = self._help(
                session, encoder, ngrams, rows, weight, groups, taught, classes, plain.choice.order, pool
            )
            if frozen is not None and parts:
                candidates = worth_comparing(frozen, templates(self.task, rows.target, classes))
                losses = frozen.choose_template(candidates, search, plain.choice)
            if help is not None and parts:
                search.problem = assisted(problem, help, distill=self.distill is not False)
                best = search_assisted(search)
            fitted, best, curve = self._sized(search, best, everything)
        center, scale = unit
        fitted = fitted.times(scale * best.temperature, center)
        extra = self._beyond(vocabulary, help, fitted, best, ngrams)
        meta = {
            "estimator": type(self).__name__,
            "llm": dict(session.identity) if session is not None and best.choice.uses_llm else None,
            "template": frozen.template if frozen is not None and best.choice.uses_llm else None,
            "finetune": bool(self.finetune and best.choice.uses_llm),
            "choice": asdict(best.choice),
            "cross_validation": _judged(best, len(search.folds)),
        }
        self.model_ = linear_model(
            fitted,
            ngrams,
            y=rows.y if classes else rows.y * scale + center,
            index=rows.positions,
            classes=classes,
            target=rows.target,
            order=best.choice.order,
            norm=best.choice.norm,
            extra=extra,
            meta=meta,
        )
        self.report_ = {
            "plain": asdict(plain),
            "chosen": asdict(best),
            "templates": losses,
            "trials": [asdict(trial) for trial in search.trials.values()],
            "curve": curve,
            "n_terms": self.model_.n_terms,
            "n_terms_beyond_training": sum(p not in self.model_.evidence for p in self.model_.weights),
            "usage": asdict(session.usage) if session is not None else None,
        }

    # Steps of the fit ---------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        if not (isinstance(self.ngram_range, str) and self.ngram_range == "auto"):
            pair = self.ngram_range if isinstance(self.ngram_range, (tuple, list)) else ()
            whole = len(pair) == 2 and all(isinstance(n, Integral) for n in pair)
            if not whole or not 1 <= pair[0] <= pair[1] <= 5:
                raise InputError(
                    f"ngram_range must be 'auto' or (lowest, highest) of 1 to 5, not {self.ngram_range!r}."
                )
        if self.max_terms is not None and not (isinstance(self.max_terms, Integral) and self.max_terms >= 1):
            raise InputError(
                f"max_terms must be a whole number of at least 1 or None, not {self.max_terms!r}."
            )
        if not (isinstance(self.cv, Integral) and self.cv >= 2):
            raise InputError(f"cv must be a number of folds, at least 2, not {self.cv!r}.")
        if self.distill not in ("auto", True, False):
            raise InputError(f"distill must be 'auto', True or False, not {self.distill!r}.")
        if self.finetune not in (True, False):
            raise InputError(f"finetune must be True or False, not {self.finetune!r}.")
        if self.task is not None and not isinstance(self.task, str):
            raise InputError(f"task must be a few words in a str or None, not {self.task!r}.")
        check_jobs(self.n_jobs)
        seed = self.random_state
        if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**32):
            raise InputError(
                f"random_state must be a whole number from 0 to 2**32 - 1 or None, not {seed!r}."
            )
        if isinstance(self.vocabulary, str):
            raise InputError("vocabulary must be a list of texts or words, not one str; put it in a list.")

    def _orders(self) -> tuple[int, tuple[int, ...]]:
        """Smallest order, and the largest ones to choose from."""
        if self.ngram_range == "auto":
            return 1, AUTO_ORDERS
        return self.ngram_range[0], (self.ngram_range[1],)

    def _session(self) -> Session | None:
        session = as_session(self.llm, cache=self.cache)
        if session is not None and "embed" not in session.capabilities:
            raise CapabilityError(
                f"{session.backend!r} cannot embed, and Aug-Linear asks for nothing else. Give llm='local', "
                "another model that embeds, or llm=None for plain n-grams."
            )
        return session

    def _encoder(self) -> Session | None:
        """The local encoder that is fine-tuned, if any."""
        return connect("minilm", cache=self.cache) if self.finetune else None

    def _vocabulary(self) -> list[str]:
        if self.vocabulary is None:
            return []
        return texts_of(column_of(self.vocabulary, "vocabulary"), "vocabulary")

    def _scored(self, session: Session, n_rows: int, classes: Sequence[Any]) -> list[str]:
        """Class names that the LLM is asked to score; none where there are labels enough to do without."""
        few = n_rows < FEW_LABELS and self.distill and "score" in session.capabilities
        return class_names(classes) if few else []

    def _help(
        self,
        session: Session | None,
        encoder: Session | None,
        ngrams: NgramRows,
        rows: TrainingRows,
        weight: NDArray[np.float64],
        groups: NDArray[np.intp],
        taught: NDArray[np.intp],
        classes: list[Any],
        order: int,
        pool: Pool | None,
    ) -> tuple[Frozen | None, Frozen | FineTuned | None]:
        frozen = None
        if session is not None:
            names = self._scored(session, len(rows.texts), classes)
            about = (rows.texts, rows.y, weight, groups, taught, len(classes), names)
            frozen = Frozen(session, ngrams, *about, order, pool, self.verbose)
        if encoder is None:
            return frozen, frozen
        names = [str(c) for c in classes]
        labels = [names[k] for k in rows.y] if classes else rows.y.tolist()
        seed = 0 if self.random_state is None else self.random_state
        tuned = Tuned(encoder, rows.texts, labels, weight, groups, taught, names, seed, self.verbose)
        return frozen, FineTuned(tuned, ngrams, order, frozen, pool)

    def _sized(
        self, search: Search, best: Trial, rows: NDArray[np.intp]
    ) -> tuple[Fitted, Trial, list[dict[str, Any]]]:
        """The fit on all rows, within ``max_terms``, and the curve of score against size."""
        problem, curve = search.problem, []
        if search.folds:
            shrinker = Shrinker(Search(problem, len(search.folds), self.n_jobs), best.choice)
            sizes = [size for size in SIZES if size < best.n_terms]
            curve = [{"size": size, **shrinker.curve_point(size)} for size in sizes]
            curve.append({"size": round(best.n_terms), "score": best.score, "loss": best.loss})
        if self.max_terms is None or self.max_terms >= len(problem.words):
            return fit(problem, rows, best.choice), best, curve
        if not search.folds:
            return shrink(problem, rows, best.choice, best.choice, self.max_terms), best, curve
        small = shrinker.trial(self.max_terms)
        return shrink(problem, rows, best.choice, small.choice, self.max_terms), small, curve

    def _beyond(
        self,
        vocabulary: list[str],
        help: Frozen | FineTuned | None,
        fitted: Fitted,
        best: Trial,
        ngrams: NgramRows,
    ) -> dict[str, NDArray[np.float64]]:
        """Weights of the vocabulary's n-grams that no training row has, by their vectors alone."""
        if help is None or fitted.slope is None:
            return {}
        found = _new_ngrams(vocabulary, ngrams, (ngrams.orders[0], best.choice.order))
        if not found:
            return {}
        vectors = help.embed_phrases(found, best.choice.vectors)
        weights = vectors @ fitted.slope
        extra = dict(zip(found, weights, strict=True))
        if self.max_terms is None:
            return extra
        room = max(0, self.max_terms - int(np.count_nonzero(np.any(fitted.table != 0, axis=1))))
        return dict(sorted(extra.items(), key=lambda item: -np.abs(item[1]).max())[:room])


def _new_ngrams(vocabulary: list[str], ngrams: NgramRows, orders: tuple[int, int]) -> list[str]:
    """N-grams of the vocabulary that are not among those of the rows, the most frequent first."""
    known = set(ngrams.phrases)
    counted = count_ngrams(vocabulary, orders)
    frequent = np.argsort(-counted.support, kind="stable")
    return [p for i in frequent if (p := counted.phrases[i]) not in known][:MOST_EMBEDDED]


def _most(plans: Iterable[Plan]) -> Plan:
    """The plan that asks most, unless one is stored whole: that is what an earlier fit chose."""
    plans = list(plans)
    return next(
        (plan for plan in plans if plan.items and not plan.requests), max(plans, key=lambda p: p.tokens)
    )


def _tuning(encoder: Session, texts: list[str], ngrams: NgramRows) -> Plan:
    """What fine-tuning takes: once for the fold that judges, once for all rows."""
    n_texts = 2 * texts_read(len(texts), min(len(ngrams.phrases), MOST_EMBEDDED))
    assumed = Session(encoder.backend).plan(texts=["a text"]).seconds
    return Plan(items=n_texts, seconds=n_texts * assumed, measured=False)


def min_rows(n_rows: int) -> int:
    """Rows that an n-gram must stand in to be looked at."""
    return 1 if n_rows < FEW_ROWS else 2


def _folds_tried(parts: list[Any]) -> int:
    judged = np.cumsum([len(judge) for _, judge in parts])
    return int(np.searchsorted(judged, JUDGED)) + 1


def worth_comparing(frozen: Frozen, templates: list[str]) -> list[str]:
    """The templates worth comparing: on few rows vectors differ by chance, so one is taken by rule.

    A causal model's state behind a cue says more of the label, a sentence encoder knows the bare text.
    """
    if frozen.names or len(frozen.texts) >= FEW_ROWS:
        return templates
    return [templates[-1] if frozen.session.identity.get("pooling") == "last" else templates[0]]


def _judged(trial: Trial, n_folds: int) -> dict[str, Any] | None:
    """What cross-validation said, or None where there were too few rows for any."""
    return {"score": trial.score, "loss": trial.loss, "folds": n_folds} if n_folds else None


def _untried(orders: Sequence[int]) -> Trial:
    """Too few rows to try anything on: a plain model with a strong penalty."""
    return Trial(
        Choice(order=min(orders), C=3.0), score=float("nan"), loss=float("nan"), temperature=1.0, n_terms=0
    )
