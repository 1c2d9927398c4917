"""Where the answers to a model's questions come from: columns of the data, a language model, stand-ins."""

from __future__ import annotations

import argparse
from typing import Any

from interpllm.cli.options import add_llm, llm_of, verbose
from interpllm.cli.questions import answers_in
from interpllm.cli.table import Table, typed
from interpllm.errors import InputError
from interpllm.runtime import LinearModel, Model
from interpllm.runtime.row_model import RowModel

#: What the verbs of a model take: texts, and for models of questions the answers that stand-ins do not give.
Inputs = tuple[Any, ...]


def add_answering(command: argparse.ArgumentParser) -> None:
    """Who answers the questions of a model that cannot answer them itself."""
    group = command.add_argument_group("for a model of questions without stand-ins")
    group.add_argument(
        "--answers",
        action="store_true",
        help="columns of DATA that are called as a question, or as its id, hold its answers: 0 to 1, yes, no "
        "or empty",
    )
    add_llm(group, default=None, said="none")
    group.add_argument(
        "--task",
        metavar="SENTENCE",
        help="what the language model is told (default: as the model was fitted)",
    )
    group.add_argument("--quiet", action="store_true", help="no progress on standard error")


def inputs_of(args: argparse.Namespace, model: Model, data: Table) -> Inputs:
    """Texts, and answers where the model needs them.

    Raises
    ------
    InputError
        When a question has nobody to answer it; the message names those questions.
    """
    if isinstance(model, LinearModel):
        return (data.texts(args.text),)
    if isinstance(model, RowModel):
        return _rows(args, model, data)
    given = given_answers(args, model, data)
    open_ = [
        question
        for question in model.questions
        if question.id in model.unanswered and question.id not in given
    ]
    texts = texts_beside(args, data) if given and not open_ else data.texts(args.text)
    if not open_:
        return texts, given
    if args.llm in (None, "none"):
        named = "; ".join(f"{question.id} {question.text!r:.120}" for question in open_[:5])
        more = f" and {len(open_) - 5} more" if len(open_) > 5 else ""
        raise InputError(
            f"this model needs a language model for {len(open_)} of its {len(model.questions)} questions: "
            f"{named}{more}. Name one with --llm, give their answers as columns with --answers, or make "
            "stand-ins with: interpllm distill"
        )
    import pandas as pd

    from interpllm.estimators.reopen import model_inputs

    estimator = estimator_around(args, model)
    if not given:
        return model_inputs(estimator, texts)
    return model_inputs(estimator, pd.DataFrame(given), texts)


def _rows(args: argparse.Namespace, model: RowModel, data: Table) -> Inputs:
    """Texts, or rows with the columns that the model looks at, and answers to its questions."""
    given = given_answers(args, model, data)
    open_ = [name for name in model.unanswered if name not in given]
    if open_:
        asked = next(question for question in model.questions if question.id == open_[0])
        raise InputError(
            f"this model needs answers to {len(open_)} questions, such as {asked.id} {asked.text!r:.120}: "
            "give them as columns with --answers, or distil the model where it was fitted"
        )
    return rows_of(args, model, data), given


def rows_of(args: argparse.Namespace, model: RowModel, data: Table) -> list[Any]:
    """Texts, or rows with the columns that the model looks at."""
    if not model.columns and not model.text:
        return data.texts(args.text)
    wanted = [*model.columns, *([model.text] if model.text and model.reads_text else [])]
    columns = {}
    for name in wanted:
        if name not in data.columns:
            raise InputError(f"{data.source} has no column {name!r}, which the model looks at.")
        columns[name] = data.columns[name] if name == model.text else typed(data.columns[name])
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def given_answers(args: argparse.Namespace, model: Any, data: Table) -> dict[str, list[float]]:
    """Id -> answers, of the questions that have a column."""
    if not args.answers:
        return {}
    given = {}
    for question in model.questions:
        name = next((name for name in (question.text, question.id) if name in data.columns), None)
        if name is not None:
            given[question.id] = answers_in(data, name)
    if not given:
        raise InputError(
            f"{data.source} has no column that is called as a question of the model, or as its id, such as "
            f"{model.questions[0].text!r:.200}; name the columns so, or leave --answers out."
            if model.questions
            else "the model asks no questions; leave --answers out."
        )
    return given


def texts_beside(args: argparse.Namespace, data: Table) -> list[str] | None:
    """The texts beside answers, if there are any."""
    return data.texts(args.text) if args.text or "text" in data.columns else None


def estimator_around(args: argparse.Namespace, model: Any) -> Any:
    """The model in an estimator that can ask the language model of the options."""
    from interpllm.estimators.reopen import reopen

    task = args.task if args.task is not None else model.meta.get("task")
    return reopen(
        model,
        llm=llm_of(args),
        task=task if isinstance(task, str) else None,
        cache=args.cache,
        random_state=getattr(args, "seed", None),
        verbose=verbose(args),
    )
