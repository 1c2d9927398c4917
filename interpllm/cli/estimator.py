"""The estimator that options describe, and the rows that it is fitted on."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interpllm.cli import options
from interpllm.cli.questions import frame_of, question_file
from interpllm.cli.table import Table, read
from interpllm.errors import InputError

if TYPE_CHECKING:
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor
    from interpllm.estimators.concept_base import ConceptEstimator

AUG, LINEAR, TREE = "aug-linear", "concepts", "concept-tree"
_KINDS = {AUG: "weighed n-grams", LINEAR: "weighed questions", TREE: "a tree of questions"}
_MOST_NUMBER_CLASSES = 20

# Option -> the kinds of models that it is for; every kind has the others.
_FOR = {
    "ngrams": (AUG,),
    "max_terms": (AUG,),
    "vocabulary": (AUG,),
    "finetune": (AUG,),
    "no_distill": (AUG,),
    "balanced": (AUG,),
    "cv": (AUG,),
    "jobs": (AUG,),
    "answers": (LINEAR, TREE),
    "concepts": (LINEAR, TREE),
    "n_concepts": (LINEAR, TREE),
    "rounds": (LINEAR, TREE),
    "bank": (LINEAR, TREE),
    "second_llm": (LINEAR, TREE),
    "reliability": (LINEAR, TREE),
    "min_kappa": (LINEAR, TREE),
    "residual": (LINEAR,),
    "points": (LINEAR,),
    "max_leaves": (TREE,),
}


@dataclass(frozen=True)
class Training:
    """Rows to fit on.

    Parameters
    ----------
    X : list of str, or frame of answers
    y : list
        Labels, or numbers.
    regression : bool
        Whether they are numbers to be predicted.
    texts : list of str or None
        Those beside a frame of answers.
    """

    X: Any
    y: list[Any]
    regression: bool
    texts: list[str] | None = None


def add_training(command: argparse.ArgumentParser, kinds: Sequence[str] = (AUG, LINEAR, TREE)) -> None:
    """What decides how a model is fitted, and on what; the first of the kinds is the default."""
    options.add_rows(command, "texts with labels", label="column of labels (default: label)")
    command.add_argument(
        "--answers",
        action="store_true",
        default=None,
        help="DATA is a table of answers: all columns but the label and the text are questions, their values "
        "0 to 1, yes, no or empty (default of --llm is then none)",
    )
    options.add_llm(command, default=None, said="local")
    command.add_argument(
        "--no-llm", dest="llm", action="store_const", const="none", help="the same as --llm none"
    )
    every = command.add_argument_group("how the model is made")
    every.add_argument(
        "--estimator",
        choices=kinds,
        default=kinds[0],
        help=f"kind of model: {', '.join(map(_KINDS.__getitem__, kinds))} (default: {kinds[0]})",
    )
    every.add_argument(
        "--regression",
        action=argparse.BooleanOptionalAction,
        help="labels are numbers to be predicted (default: where they are numbers with fractions, or more "
        f"than {_MOST_NUMBER_CLASSES} different ones)",
    )
    every.add_argument(
        "--task", metavar="SENTENCE", help="what is to be predicted, told to the language model"
    )
    every.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    every.add_argument("--quiet", action="store_true", help="no progress on standard error")
    if AUG in kinds:
        _add_ngrams(command.add_argument_group("for aug-linear"))
    _add_questions(command.add_argument_group("for concepts and concept-tree"))


def _add_ngrams(group: Any) -> None:
    group.add_argument(
        "--ngrams",
        type=_ngram_range,
        metavar="N|LO-HI|auto",
        help="longest n-grams, or shortest and longest, such as 1-3 (default: auto, by cross-validation)",
    )
    group.add_argument(
        "--max-terms", type=options.at_least_one, metavar="N", help="at most so many n-grams in the model"
    )
    group.add_argument(
        "--vocabulary", metavar="FILE", help="texts or words without labels, to widen the model's vocabulary"
    )
    group.add_argument(
        "--finetune",
        action="store_true",
        default=None,
        help="fine-tune the local encoder first: slower, often more accurate",
    )
    group.add_argument(
        "--no-distill",
        action="store_true",
        default=None,
        help="learn from the labels alone, not from the LLM's",
    )
    group.add_argument(
        "--balanced",
        action="store_true",
        default=None,
        help="weigh classes by the inverse of how often they are",
    )
    group.add_argument(
        "--cv", type=options.at_least_one, metavar="K", help="folds of the inner choices (default: 5)"
    )
    group.add_argument("--jobs", type=int, metavar="N", help="processes at once")


def _add_questions(group: Any) -> None:
    group.add_argument(
        "--concepts",
        metavar="FILE",
        help="questions to begin with: a file of interpllm concepts, a model of questions, or a .txt file "
        "with one a line",
    )
    group.add_argument(
        "--n-concepts", type=options.at_least_one, metavar="N", help="questions at most (default: 20)"
    )
    group.add_argument(
        "--rounds",
        type=_rounds,
        metavar="N|auto",
        help="rounds in which the language model proposes questions; 0: none (default: auto, 2 where it can)",
    )
    group.add_argument(
        "--bank",
        action=argparse.BooleanOptionalAction,
        help="try the library's own questions, too (default: where there are no others)",
    )
    group.add_argument(
        "--second-llm",
        metavar="SPEC",
        help="answers, too; questions on which the two disagree are dropped",
    )
    group.add_argument(
        "--reliability",
        type=float,
        metavar="SHARE",
        help="share of texts about which each question is asked again in other words (default: 0)",
    )
    group.add_argument(
        "--min-kappa",
        type=float,
        metavar="KAPPA",
        help="agreement (Cohen's kappa) of two wordings or models below which a question is dropped",
    )
    group.add_argument(
        "--residual",
        choices=("ngrams",),
        help="concepts only: let n-grams tell what the questions leave over",
    )
    group.add_argument(
        "--points",
        type=options.at_least_one,
        metavar="N",
        help="concepts only: a scorecard of whole points, at most N a question",
    )
    group.add_argument(
        "--max-leaves", type=options.at_least_one, metavar="N", help="concept-tree only: leaves at most"
    )


def training_of(args: argparse.Namespace) -> Training:
    """The rows in ``DATA``."""
    _check(args)
    table = read(args.data, args.format)
    labels = table.labels(args.label)
    regression = _looks_continuous(labels) if args.regression is None else args.regression
    y = table.numbers(args.label) if regression else labels
    if not args.answers:
        return Training(table.texts(args.text), y, regression)
    text = text_beside(args, table)
    X = frame_of(table, columns_of_answers(args, table))
    return Training(X, y, regression, None if text is None else table.texts(text))


def text_beside(args: argparse.Namespace, table: Table) -> str | None:
    """The column of texts beside answers, if there is one."""
    if args.text is not None:
        return table.column(args.text, "text", "--text")
    return "text" if "text" in table.columns else None


def columns_of_answers(args: argparse.Namespace, table: Table) -> list[str]:
    """All columns but the label and the texts."""
    beside = {text_beside(args, table), args.label or "label"}
    return [name for name in table.columns if name not in beside]


def fit(estimator: Any, training: Training, label: str | None) -> None:
    """Fit the estimator on the rows."""
    beside = {} if training.texts is None else {"texts": training.texts}
    estimator.fit(training.X, _named(training.y, label or "label"), **beside)


def estimator_of(
    args: argparse.Namespace, regression: bool, llm: Any = "as told"
) -> AugLinearClassifier | AugLinearRegressor | ConceptEstimator:
    """The unfitted estimator that the options describe.

    Parameters
    ----------
    args : Namespace
    regression : bool
        Whether a number is to be predicted.
    llm : Session or None, optional
        In place of the language model that the options name.
    """
    _check(args)
    if args.llm is None:
        args.llm = "none" if args.answers else "local"
    settings: dict[str, Any] = {
        "llm": options.llm_of(args) if llm == "as told" else llm,
        "task": args.task,
        "random_state": args.seed,
        "cache": args.cache,
        "verbose": options.verbose(args),
    }
    if args.estimator == AUG:
        return _aug_linear(args, regression, settings)
    return _concepts(args, regression, settings)


def _aug_linear(
    args: argparse.Namespace, regression: bool, settings: dict[str, Any]
) -> AugLinearClassifier | AugLinearRegressor:
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor

    settings |= _given(args, ngrams="ngram_range", max_terms="max_terms", finetune="finetune", cv="cv")
    settings |= {"n_jobs": args.jobs}
    if args.vocabulary:
        settings["vocabulary"] = read(args.vocabulary).texts(args.text)
    if args.no_distill:
        settings["distill"] = False
    if not regression:
        return AugLinearClassifier(**settings, class_weight="balanced" if args.balanced else None)
    if args.balanced:
        raise InputError("--balanced is for classes, and the labels are numbers; leave it out.")
    return AugLinearRegressor(**settings)


def _concepts(args: argparse.Namespace, regression: bool, settings: dict[str, Any]) -> ConceptEstimator:
    from interpllm.estimators import (
        ConceptLinearClassifier,
        ConceptLinearRegressor,
        ConceptTreeClassifier,
        ConceptTreeRegressor,
    )

    if regression and args.points is not None:
        raise InputError("--points is for classes, and the labels are numbers; leave it out.")
    settings |= _given(
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


def _given(args: argparse.Namespace, **names: str) -> dict[str, Any]:
    """Parameters by name, of the options that were given; the estimator knows the others' defaults."""
    return {
        name: getattr(args, option) for option, name in names.items() if getattr(args, option) is not None
    }


def _check(args: argparse.Namespace) -> None:
    """Refuse options that the kind of model has no use for, rather than pass them over."""
    for option, kinds in _FOR.items():
        if getattr(args, option, None) is not None and args.estimator not in kinds:
            raise InputError(
                f"--{option.replace('_', '-')} is for --estimator {' or '.join(kinds)}, and this is "
                f"{args.estimator}; leave it out, or choose another estimator."
            )


def _named(values: Sequence[Any], name: str) -> Any:
    """Values as a Series, so that the model knows what its target is called."""
    import pandas as pd

    return pd.Series(list(values), name=name, dtype=None if _all_numbers(values) else object)


def _all_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _looks_continuous(labels: Sequence[Any]) -> bool:
    if not _all_numbers(labels):
        return False
    return len(set(labels)) > _MOST_NUMBER_CLASSES or any(label != int(label) for label in labels)


def _rounds(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, or a whole number")
    return int(text)


def _ngram_range(text: str) -> tuple[int, int] | str:
    if text == "auto":
        return text
    match = re.fullmatch(r"([1-9])(?:-([1-9]))?", text)
    if match is None or (match[2] or match[1]) < match[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, a length such as 2, or a range such as 1-2")
    return (int(match[1]), int(match[2])) if match[2] else (1, int(match[1]))
