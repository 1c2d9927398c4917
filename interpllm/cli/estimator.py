"""The estimator that options describe, and the rows that it is fitted on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interpllm.cli import makers, options
from interpllm.cli.kinds import (
    AUG,
    AUG_TREE,
    KINDS,
    LINEAR,
    PROMPT_TREE,
    RULES,
    TREE,
    add_ngrams,
    add_questions,
    add_rules,
    add_trees,
    check,
)
from interpllm.cli.questions import frame_of
from interpllm.cli.table import Table, read, typed

_MOST_NUMBER_CLASSES = 20


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


def add_training(command: argparse.ArgumentParser, kinds: Sequence[str] = tuple(KINDS)) -> None:
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
        help=f"kind of model: {', '.join(map(KINDS.__getitem__, kinds))} (default: {kinds[0]})",
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
        add_ngrams(command.add_argument_group("for aug-linear"))
    add_questions(command.add_argument_group("for concepts and concept-tree"))
    add_trees(command.add_argument_group("for aug-tree and prompt-tree"))
    if RULES in kinds:
        add_rules(command.add_argument_group("for rules"))


def training_of(args: argparse.Namespace) -> Training:
    """The rows in ``DATA``."""
    check(args)
    table = read(args.data, args.format)
    labels = table.labels(args.label)
    regression = _looks_continuous(labels) if args.regression is None else args.regression
    y = table.numbers(args.label) if regression else labels
    if args.estimator == RULES and (columns := columns_of_rules(args, table)):
        return Training(frame(table, columns), y, regression)
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


def columns_of_rules(args: argparse.Namespace, table: Table) -> list[str]:
    """The columns that rules may look at, the text's among them; none where they look at texts alone."""
    others = [name for name in table.columns if name != (args.label or "label")]
    if args.columns is None:
        alone = text_beside(args, table) is not None or len(others) == 1
        return [] if alone else others
    if args.columns == "all":
        return others
    named = [name.strip() for name in args.columns.split(",") if name.strip()]
    return [table.column(name, name, "--columns") for name in [*named, *([args.text] if args.text else [])]]


def frame(table: Table, columns: Sequence[str]) -> Any:
    """Columns as a frame: numbers where all values are written as such, true and false, else strings."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(typed(table.columns[name]), dtype=object) for name in columns})


def fit(estimator: Any, training: Training, label: str | None) -> None:
    """Fit the estimator on the rows."""
    beside = {} if training.texts is None else {"texts": training.texts}
    estimator.fit(training.X, _named(training.y, label or "label"), **beside)


def estimator_of(args: argparse.Namespace, regression: bool, llm: Any = "as told") -> Any:
    """The unfitted estimator that the options describe.

    Parameters
    ----------
    args : Namespace
    regression : bool
        Whether a number is to be predicted.
    llm : Session or None, optional
        In place of the language model that the options name.
    """
    check(args)
    if args.llm is None:
        args.llm = "none" if args.answers else "local"
    settings: dict[str, Any] = {
        "llm": options.llm_of(args) if llm == "as told" else llm,
        "task": args.task,
        "random_state": args.seed,
        "cache": args.cache,
        "verbose": options.verbose(args),
    }
    make = {
        AUG: makers.aug_linear,
        LINEAR: makers.concepts,
        TREE: makers.concepts,
        AUG_TREE: makers.aug_tree,
        RULES: makers.rules,
        PROMPT_TREE: makers.prompt_tree,
    }
    return make[args.estimator](args, regression, settings)


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
