"""Options that several commands have, and the estimator that they describe."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.cli.table import Table, read
from interpllm.errors import InputError
from interpllm.runtime import Model, load

if TYPE_CHECKING:
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor
    from interpllm.llm import Session

FORMAT_CHOICES = ("csv", "jsonl", "parquet", "txt")
_MOST_NUMBER_CLASSES = 20


def add_rows(command: argparse.ArgumentParser, what: str, label: str | None) -> None:
    """The file of rows, its format, its text column and, where ``label`` says what for, its label column."""
    command.add_argument(
        "data", metavar="DATA", help=f"{what}: .csv, .jsonl, .parquet, .txt, or - for standard input"
    )
    command.add_argument("--format", choices=FORMAT_CHOICES, help="format of DATA (default: by its suffix)")
    command.add_argument(
        "--text", metavar="COLUMN", help="column of texts (default: text, or the only column there is)"
    )
    if label is not None:
        command.add_argument("--label", metavar="COLUMN", help=label)


def add_llm(command: argparse.ArgumentParser, default: str | None) -> None:
    """Which language model to ask, and where its answers are kept."""
    said = "" if default is None else f" (default: {default})"
    command.add_argument(
        "--llm",
        metavar="SPEC",
        default=default,
        help="local, minilm, none, openai, an http(s)://.../v1 URL, hf:FOLDER or hf:OWNER/NAME" + said,
    )
    command.add_argument("--model", metavar="NAME", help="model to ask for at a server")
    command.add_argument(
        "--cache", metavar="PATH", help="where answers are kept (default: see interpllm cache)"
    )


def add_model(command: argparse.ArgumentParser) -> None:
    """The model file that a command reads."""
    command.add_argument("model", metavar="MODEL", help="model file that fit made (.json)")


def add_json(command: argparse.ArgumentParser, what: str = "print JSON") -> None:
    """``--json``: the same, for programs."""
    command.add_argument("--json", action="store_true", help=what)


def add_color(command: argparse.ArgumentParser) -> None:
    """``--color``: whether words are coloured."""
    command.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour words (default: auto, on a terminal unless NO_COLOR is set)",
    )


def add_estimator(command: argparse.ArgumentParser) -> None:
    """What decides how a model is fitted."""
    group = command.add_argument_group("how the model is made")
    group.add_argument(
        "--estimator",
        choices=("aug-linear",),
        default="aug-linear",
        help="kind of model (default: aug-linear)",
    )
    group.add_argument(
        "--regression",
        action=argparse.BooleanOptionalAction,
        help="labels are numbers to be predicted (default: where they are numbers with fractions, or more "
        f"than {_MOST_NUMBER_CLASSES} different ones)",
    )
    group.add_argument(
        "--task", metavar="SENTENCE", help="what is to be predicted, told to the language model"
    )
    group.add_argument(
        "--ngrams",
        type=_ngram_range,
        default="auto",
        metavar="N|LO-HI|auto",
        help="longest n-grams, or shortest and longest, such as 1-3 (default: auto, by cross-validation)",
    )
    group.add_argument(
        "--max-terms", type=at_least_one, metavar="N", help="at most so many n-grams in the model"
    )
    group.add_argument(
        "--vocabulary", metavar="FILE", help="texts or words without labels, to widen the model's vocabulary"
    )
    group.add_argument(
        "--finetune",
        action="store_true",
        help="fine-tune the local encoder first: slower, often more accurate",
    )
    group.add_argument(
        "--no-distill", action="store_true", help="learn from the labels alone, not from the LLM's"
    )
    group.add_argument(
        "--balanced", action="store_true", help="weigh classes by the inverse of how often they are"
    )
    group.add_argument(
        "--cv", type=at_least_one, default=5, metavar="K", help="folds of the inner choices (default: 5)"
    )
    group.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    group.add_argument("--jobs", type=int, metavar="N", help="processes at once")
    group.add_argument("--quiet", action="store_true", help="no progress on standard error")


def model_of(path: str) -> Model:
    """The model in a file.

    Raises
    ------
    InputError
        When there is no such file.
    DocumentError
        When it holds no model.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no model file {path}; make one with: interpllm fit DATA --out {path}")
    return load(path)


def llm_of(args: argparse.Namespace) -> Session | str | None:
    """What an estimator's ``llm`` is: None for ``--llm none``, the spec, or a session of ``--model``."""
    if args.model is None:
        return None if args.llm == "none" else args.llm
    from interpllm.llm import connect

    return connect(args.llm, model=args.model, cache=args.cache)


def training_rows(args: argparse.Namespace, table: Table) -> tuple[list[str], list[Any], bool]:
    """Texts, labels, and whether the labels are numbers to be predicted."""
    texts, labels = table.texts(args.text), table.labels(args.label)
    regression = _looks_continuous(labels) if args.regression is None else args.regression
    return texts, table.numbers(args.label) if regression else labels, regression


def estimator_of(args: argparse.Namespace, regression: bool) -> AugLinearClassifier | AugLinearRegressor:
    """The unfitted estimator that the options describe."""
    from interpllm.estimators import AugLinearClassifier, AugLinearRegressor

    if regression and args.balanced:
        raise InputError("--balanced is for classes, and the labels are numbers; leave it out.")
    settings: dict[str, Any] = {
        "llm": llm_of(args),
        "task": args.task,
        "ngram_range": args.ngrams,
        "max_terms": args.max_terms,
        "vocabulary": read(args.vocabulary).texts(args.text) if args.vocabulary else None,
        "distill": False if args.no_distill else "auto",
        "finetune": args.finetune,
        "cv": args.cv,
        "random_state": args.seed,
        "n_jobs": args.jobs,
        "cache": args.cache,
        "verbose": int(sys.stderr.isatty() and not args.quiet),
    }
    if regression:
        return AugLinearRegressor(**settings)
    return AugLinearClassifier(**settings, class_weight="balanced" if args.balanced else None)


def named(values: Sequence[Any], name: str) -> Any:
    """Values as a Series, so that the model knows what its target is called."""
    import pandas as pd

    return pd.Series(list(values), name=name, dtype=None if _all_numbers(values) else object)


def _all_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)


def _looks_continuous(labels: Sequence[Any]) -> bool:
    if not _all_numbers(labels):
        return False
    return len(set(labels)) > _MOST_NUMBER_CLASSES or any(label != int(label) for label in labels)


def at_least_one(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _ngram_range(text: str) -> tuple[int, int] | str:
    if text == "auto":
        return text
    match = re.fullmatch(r"([1-9])(?:-([1-9]))?", text)
    if match is None or (match[2] or match[1]) < match[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, a length such as 2, or a range such as 1-2")
    return (int(match[1]), int(match[2])) if match[2] else (1, int(match[1]))
