"""The unfitted estimator of each kind, with the settings that its options describe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from interpllm.cli.kinds import LINEAR, TREE, given
from interpllm.cli.questions import question_file
from interpllm.cli.table import read
from interpllm.errors import InputError

if TYPE_CHECKING:
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor
    from interpllm.estimators.concept_base import ConceptEstimator

Settings = dict[str, Any]


def aug_linear(
    args: argparse.Namespace, regression: bool, settings: dict[str, Any]
) -> AugLinearClassifier | AugLinearRegressor:
    """A table of n-grams."""
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor

    settings |= given(args, ngrams="ngram_range", max_terms="max_terms", finetune="finetune", cv="cv")
    settings |= {"n_jobs": args.jobs}
    if args.vocabulary:
        settings["vocabulary"] = read(args.vocabulary).texts(args.text)
    if args.no_distill:
        settings["distill"] = False
    if not regression:
        return AugLinearClassifier(**settings, class_weight="balanced" if args.balanced else None)
    if args.balanced:
        _only_classes("--balanced", regression)
    return AugLinearRegressor(**settings)


def concepts(args: argparse.Namespace, regression: bool, settings: dict[str, Any]) -> ConceptEstimator:
    """A sum or a tree of questions."""
    from interpllm.estimators import (
        ConceptLinearClassifier,
        ConceptLinearRegressor,
        ConceptTreeClassifier,
        ConceptTreeRegressor,
    )

    if args.points is not None:
        _only_classes("--points", regression)
    settings |= given(
        args,
        n_concepts="n_concepts",
        rounds="n_rounds",
        bank="bank",
        second_llm="second_llm",
        reliability="reliability",
        min_kappa="min_kappa",
        residual="residual",
        points="points",
        max_leaves="max_leaves",
    )
    if args.concepts:
        settings["concepts"] = question_file(args.concepts)
    kinds: dict[tuple[str, bool], Any] = {
        (LINEAR, False): ConceptLinearClassifier,
        (LINEAR, True): ConceptLinearRegressor,
        (TREE, False): ConceptTreeClassifier,
        (TREE, True): ConceptTreeRegressor,
    }
    made: ConceptEstimator = kinds[args.estimator, regression](**settings)
    return made


def aug_tree(args: argparse.Namespace, regression: bool, settings: Settings) -> Any:
    """A tree of phrases, or several."""
    from interpllm.estimators import AugTreeClassifier, AugTreeRegressor

    settings |= given(
        args,
        ngrams="ngram_range",
        max_leaves="max_leaf_nodes",
        max_depth="max_depth",
        trees="n_trees",
        max_phrases="max_phrases",
        jobs="n_jobs",
    )
    if args.balanced:
        _only_classes("--balanced", regression)
        settings["class_weight"] = "balanced"
    return (AugTreeRegressor if regression else AugTreeClassifier)(**settings)


def rules(args: argparse.Namespace, regression: bool, settings: Settings) -> Any:
    """Rules that a language model or a person writes."""
    from interpllm.estimators import RuleListClassifier, RuleSetClassifier, RuleSetRegressor

    settings |= given(args, n_rules="n_rules", rounds="n_rounds", cv="cv")
    if args.rules:
        settings["rules"] = _rule_file(args.rules)
    # Columns that were named hold what they are called for; without, the text stands alone.
    settings["text"] = args.text if args.columns is not None else "auto"
    if args.balanced:
        _only_classes("--balanced", regression)
        settings["class_weight"] = "balanced"
    if args.learner in (None, "list") and not regression:
        return RuleListClassifier(**settings)
    if args.learner == "list":
        raise InputError("--learner list is for classes, and the labels are numbers; take sparse.")
    kind = RuleSetRegressor if regression else RuleSetClassifier
    return kind(**settings, learner=args.learner or "sparse")


def prompt_tree(args: argparse.Namespace, regression: bool, settings: Settings) -> Any:
    """A tree of prompts."""
    from interpllm.estimators import PromptTreeClassifier

    _only_classes("--estimator prompt-tree", regression)
    settings |= given(args, max_leaves="max_leaves", max_depth="max_depth")
    if args.prompts:
        settings["prompts"] = [line for line in read(args.prompts, "txt").texts(None) if line.strip()]
    return PromptTreeClassifier(**settings)


def _rule_file(path: str) -> Any:
    """The rules in a file: a saved book, or lines of text."""
    from interpllm.runtime import RuleBook

    if path.endswith(".json"):
        return RuleBook.load(path)
    return RuleBook.of([line for line in read(path, "txt").texts(None) if line.strip()])


def _only_classes(option: str, regression: bool) -> None:
    if regression:
        raise InputError(f"{option} is for classes, and the labels are numbers; leave it out.")
