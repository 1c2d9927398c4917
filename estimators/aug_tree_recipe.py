"""How trees of lexicons are fitted: count, weigh, ask for like phrases, grow, keep."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from math import ceil
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.errors import CapabilityError, InputError
from interpllm.estimators.assistance import MOST_EMBEDDED, SAMPLE, Frozen, frequent_ngrams
from interpllm.estimators.aug_linear_recipe import LLM, min_rows, worth_comparing
from interpllm.estimators.base import TrainingRows, check_jobs
from interpllm.estimators.concept_recipe import WEAK, loss_for
from interpllm.estimators.fit_plan import FitPlan
from interpllm.estimators.lexicon_widening import ASKED, Widener, keywords_of
from interpllm.estimators.tree_report import report_of, shares, trees_of
from interpllm.llm import Session, as_session
from interpllm.llm.plan import Plan
from interpllm.propose.keywords import Keywords, plan_keywords, propose_keywords
from interpllm.propose.ngrams import NgramRows, count_ngrams
from interpllm.propose.templates import templates
from interpllm.runtime import TreeModel
from interpllm.select.inputs import column_of, texts_of
from interpllm.select.lexicon import Ground, contained, foresight, principal, priors
from interpllm.select.lexicon_tree import Limits, Node, grow
from interpllm.select.problem import Choice, Problem
from interpllm.select.search import Search
from interpllm.select.sparse import Array, Loss
from interpllm.select.split import Fold, folds, near_duplicates, uncut

PARTS = 5
"""Parts of the cross-fit."""
LOOKED_AT = 0.5
"""Share of the words that a node looks at, where there are several trees."""


class _Counted(NamedTuple):
    """The rows, cut into n-grams once."""

    ngrams: NgramRows
    lengths: Array
    parts: list[Fold]
    groups: NDArray[np.intp]
    judged: NDArray[np.bool_]


class AugTreeRecipe:
    """What the classifier and the regressor share: everything but the targets."""

    llm: LLM
    task: str | None
    n_trees: int
    max_depth: int | None
    max_leaf_nodes: int | None
    min_samples_leaf: int | float
    max_phrases: int | None
    ccp_alpha: float
    ngram_range: tuple[int, int]
    random_state: int | None
    n_jobs: int | None
    cache: str | os.PathLike[str] | None
    verbose: int

    _some_classes: ClassVar[tuple[str, ...]] = ()

    def plan(self, X: Any) -> FitPlan:
        """What `fit` on these texts would ask of the language model; nothing is asked.

        Parameters
        ----------
        X : container of n_rows texts
            As for `fit`.

        Returns
        -------
        FitPlan
            N-grams, requests, tokens and seconds at most. As the labels are not known here, nor the template
            and the keywords that `fit` will choose, what the store holds may go unrecognised.

        Raises
        ------
        InputError
            When X or a parameter cannot be used.
        """
        self._check_parameters()
        texts = texts_of(column_of(X, "X"))
        ngrams = count_ngrams(texts, self.ngram_range, min_rows(len(texts)))
        session, plan = self._session(), Plan()
        if session is None:
            return FitPlan(len(ngrams.phrases), plan)
        if "embed" in session.capabilities:
            candidates = sorted(templates(self.task, "", self._some_classes), key=len)
            sample = frequent_ngrams(ngrams, self.ngram_range[1], SAMPLE)
            for template in candidates:
                plan += session.plan(texts=[ngrams.phrases[i] for i in sample], template=template)
            embedded = frequent_ngrams(ngrams, self.ngram_range[1], MOST_EMBEDDED)
            plan += session.plan(texts=[ngrams.phrases[i] for i in embedded], template=candidates[-1])
        if _writes(session):
            frequent = np.argsort(-ngrams.support, kind="stable")[:ASKED]
            keywords = [ngrams.phrases[i] for i in frequent]
            plan += plan_keywords(session, keywords, ngrams.phrases, task=self.task)
        return FitPlan(len(ngrams.phrases), plan)

    def _fit_trees(
        self,
        rows: TrainingRows,
        targets: Array,
        weight: Array,
        classes: list[Any],
        unit: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Weigh, grow and keep the trees: sets ``model_`` and ``report_``.

        In regression `targets` are in standard units; `unit` is their center and scale.
        """
        session = self._session()  # what is wrong with it is told at once
        counted = self._count(rows, bool(classes))
        ngrams = counted.ngrams
        vectors, template, losses = self._vectors(session, counted, rows, targets, weight, classes)
        found, told = _best_priors(counted, targets, weight, loss_for(classes), vectors)
        fold = np.full(len(targets), -1, dtype=np.intp)
        for number, (_, new) in enumerate(counted.parts):
            fold[new] = number
        ground = Ground(
            ngrams.matrix, targets, weight, counted.judged, fold, found, contained(ngrams.phrases)
        )
        written = Keywords()
        if session is not None and _writes(session):
            keywords = keywords_of(ground, ngrams.phrases, ngrams.support)
            written = propose_keywords(session, keywords, ngrams.phrases, task=self.task)
        widener = Widener(ground, ngrams.phrases, written.phrases, vectors)
        forest = self._grow(ground, widener if session is not None else None, bool(classes))
        center, scale = unit
        for tree in forest:
            for node in tree:
                node.value = node.value * scale + center
        n_classes = len(classes)
        base = np.average(targets, axis=0, weights=weight) * scale + center
        self.model_ = TreeModel(
            task="classification" if classes else "regression",
            target=rows.target,
            classes=tuple(classes),
            trees=trees_of(forest, ngrams.phrases, n_classes),
            link="share" if classes else "identity",
            combine="mean",
            base=shares(base, n_classes),
            n_rows=len(targets),
            meta={
                "estimator": type(self).__name__,
                "llm": None if session is None else dict(session.identity),
                "template": template,
                "n_trees": int(self.n_trees),
                "max_phrases": None if self.max_phrases is None else int(self.max_phrases),
            },
        )
        self.report_ = report_of(forest, ngrams.phrases, n_classes) | {
            "n_ngrams": len(ngrams.phrases),
            "n_trees": len(forest),
            "parts": len(counted.parts),
            "rows_judged": int(counted.judged.sum()),
            "templates": losses,
            "told_by_weights": told,
            "keywords": written.report,
            "usage": None if session is None else asdict(session.usage),
        }

    # Steps of the fit ---------------------------------------------------------------------------------

    def _count(self, rows: TrainingRows, classifies: bool) -> _Counted:
        """Cut the texts, once, and say which rows judge and in which parts."""
        texts = rows.texts
        ngrams = count_ngrams(texts, self.ngram_range, min_rows(len(texts)))
        if not ngrams.phrases:
            raise InputError(
                f"No run of {self.ngram_range[0]} words stands in {min_rows(len(texts))} rows of X, so there "
                "is nothing to look for. Check the column, or lower ngram_range."
            )
        groups = near_duplicates(texts)
        parts = folds(rows.y, groups, PARTS, stratify=classifies, random_state=self.random_state)
        return _Counted(ngrams, ngrams.lengths[self.ngram_range[1]], parts, groups, uncut(texts, groups))

    def _vectors(
        self,
        session: Session | None,
        counted: _Counted,
        rows: TrainingRows,
        targets: Array,
        weight: Array,
        classes: list[Any],
    ) -> tuple[NDArray[np.float32] | None, str | None, dict[str, float]]:
        """Vectors of n-grams, the template they were read in, and how the templates compared."""
        if session is None or "embed" not in session.capabilities:
            return None, None, {}
        ngrams, hi, nothing = counted.ngrams, self.ngram_range[1], np.arange(0)
        about = (rows.texts, rows.y, weight, counted.groups, nothing, len(classes), list[str]())
        frozen = Frozen(session, ngrams, *about, order=hi, verbose=self.verbose)
        losses: dict[str, float] = {}
        if counted.parts:
            problem = Problem(
                *(ngrams.matrix, ngrams.lengths, ngrams.words, targets, weight, loss_for(classes)),
                *(counted.parts, counted.groups),
            )
            candidates = worth_comparing(frozen, templates(self.task, rows.target, classes))
            losses = frozen.choose_template(candidates, Search(problem, 1), Choice(order=hi))
        return frozen.embed(np.arange(len(targets))), frozen.template, losses

    def _grow(self, ground: Ground, widener: Widener | None, classifies: bool) -> list[list[Node]]:
        """One tree on all rows, or several, each on a draw of the rows and at each node half of the words."""
        n = len(ground.weight)
        least = self.min_samples_leaf
        limits = Limits(
            self.max_depth,
            self.max_leaf_nodes,
            max(1, int(least) if isinstance(least, Integral) else ceil(least * ground.judged.sum())),
            self.max_phrases,
            # Scikit-learn's Gini impurity counts both classes, where one column tells of both here.
            self.ccp_alpha / (2 if classifies and ground.targets.shape[1] == 1 else 1),
        )
        if self.n_trees == 1:
            return [grow(ground, limits, propose=widener)]
        heads = _heads(ground)
        seeds = np.random.SeedSequence(0 if self.random_state is None else self.random_state)

        def tree(seed: np.random.SeedSequence) -> list[Node]:
            random = np.random.default_rng(seed)
            drawn = np.bincount(random.integers(0, n, n), minlength=n)
            while not (drawn * ground.weight)[ground.judged].any():
                drawn = np.bincount(random.integers(0, n, n), minlength=n)

            def veil() -> NDArray[np.bool_]:
                return (random.random(len(heads)) >= LOOKED_AT)[heads]

            return grow(replace(ground, weight=ground.weight * drawn), limits, propose=widener, veil=veil)

        spawned = seeds.spawn(self.n_trees)
        jobs = Parallel(n_jobs=self.n_jobs or 1, require="sharedmem", return_as="generator")(
            delayed(tree)(seed) for seed in spawned
        )
        return list(tqdm(jobs, total=self.n_trees, desc="growing", disable=not self.verbose, unit="tree"))

    def _session(self) -> Session | None:
        session = as_session(self.llm, cache=self.cache)
        if session is not None and not {"embed", "complete"} & session.capabilities:
            raise CapabilityError(
                f"{session.backend!r} can neither embed nor complete, so it cannot widen a lexicon. Give "
                "llm='local', another model, or llm=None for the rows' own n-grams."
            )
        return session

    def _check_parameters(self) -> None:
        pair: Sequence[Any] = self.ngram_range if isinstance(self.ngram_range, (tuple, list)) else ()
        whole = len(pair) == 2 and all(isinstance(n, Integral) for n in pair)
        if not whole or not 1 <= pair[0] <= pair[1] <= 5:
            raise InputError(f"ngram_range must be (lowest, highest) of 1 to 5, not {self.ngram_range!r}.")
        least: Mapping[str, tuple[Any, int, bool]] = {
            "n_trees": (self.n_trees, 1, False),
            "max_depth": (self.max_depth, 1, True),
            "max_leaf_nodes": (self.max_leaf_nodes, 2, True),
            "max_phrases": (self.max_phrases, 1, True),
        }
        for name, (value, lowest, may_be_none) in least.items():
            if value is None and may_be_none:
                continue
            if isinstance(value, bool) or not isinstance(value, Integral) or value < lowest:
                rest = " or None" if may_be_none else ""
                raise InputError(f"{name} must be a whole number of at least {lowest}{rest}, not {value!r}.")
        check_jobs(self.n_jobs)
        rows = self.min_samples_leaf
        fits = (isinstance(rows, Integral) and rows >= 1) or (
            isinstance(rows, Real) and not isinstance(rows, Integral) and 0 < rows < 1
        )
        if isinstance(rows, bool) or not fits:
            raise InputError(
                "min_samples_leaf must be a number of rows of at least 1, or a share of them between 0 and "
                f"1, not {rows!r}."
            )
        if not (isinstance(self.ccp_alpha, Real) and self.ccp_alpha >= 0):
            raise InputError(f"ccp_alpha must be a number of at least 0, not {self.ccp_alpha!r}.")
        if self.task is not None and not isinstance(self.task, str):
            raise InputError(f"task must be a few words in a str or None, not {self.task!r}.")
        seed = self.random_state
        if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**32):
            raise InputError(
                f"random_state must be a whole number from 0 to 2**32 - 1 or None, not {seed!r}."
            )


def _best_priors(
    counted: _Counted, targets: Array, weight: Array, loss: Loss, vectors: NDArray[np.float32] | None
) -> tuple[Array, dict[str, float]]:
    """Weights of phrases with the vectors, or without where these tell no more of rows held back."""
    matrix, lengths, parts = counted.ngrams.matrix, counted.lengths, counted.parts
    judging = [(fit, new[counted.judged[new]]) for fit, new in parts]
    tried = {"rows": priors(matrix, lengths, targets, weight, parts, loss)}
    if vectors is not None and parts:
        tried["vectors"] = priors(matrix, lengths, targets, weight, parts, loss, principal(vectors))
    told = {
        name: foresight(matrix, lengths, targets, weight, judging, found) for name, found in tried.items()
    }
    return tried[max(told, key=lambda name: told[name])], told


def _writes(session: Session) -> bool:
    """Whether the model can be asked to write phrases; the embedded one's are of no use, its vectors are."""
    return "complete" in session.capabilities and session.identity.get("model") not in WEAK


def _heads(ground: Ground) -> NDArray[np.intp]:
    """For each phrase the rarest of it and those inside it: phrases with one head are looked at together."""
    support = np.asarray(ground.matrix.sum(axis=0)).ravel()
    heads = np.arange(len(support))
    inner, outer = ground.inside.T
    for i, o in zip(inner.tolist(), outer.tolist(), strict=True):
        # Pairs are sorted by their inner phrase, the shortest first: single words come before runs of them.
        if heads[o] == o or (support[i], i) < (support[heads[o]], heads[o]):
            heads[o] = i
    return heads
