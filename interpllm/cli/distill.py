"""``interpllm distill``: tables of n-grams that answer a model's questions in place of a language model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from interpllm.cli.answering import add_answering, estimator_around, given_answers
from interpllm.cli.fit import writable
from interpllm.cli.measure import measure, sentence
from interpllm.cli.options import add_json, add_model, add_rows, model_of
from interpllm.cli.table import read
from interpllm.cli.terminal import size, table
from interpllm.errors import InputError
from interpllm.runtime import ConceptLinear, ConceptTree, LinearModel

HELP = "make a model of questions answer them itself, so that it predicts without a language model"
EXAMPLE = """\
  interpllm distill model.json reviews.csv --text text --llm http://localhost:8000/v1 --out deployable.json
  interpllm distill model.json annotated.csv --text text --answers --out deployable.py"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_model(command)
    add_rows(
        command,
        "texts to learn from; those of the fit have their answers stored",
        label="column of labels in the rows of --test (default: label)",
    )
    command.add_argument(
        "--out",
        metavar="FILE",
        default="deployable.json",
        help="model file, .json or .py (default: deployable.json)",
    )
    command.add_argument(
        "--min-kappa",
        type=float,
        metavar="KAPPA",
        help="agreement with the answers (Cohen's kappa, on rows not learned from) below which a question is "
        "left to the language model (default: 0.6)",
    )
    command.add_argument(
        "--embed",
        metavar="SPEC",
        default="same",
        help="language model whose embeddings help to learn: same as --llm (where it embeds), none, or "
        "another (default: same)",
    )
    command.add_argument(
        "--test", metavar="FILE", help="rows not trained on, with labels: print accuracy without an LLM"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed (default: 0)")
    add_json(command, "print what was made as JSON")
    add_answering(command)


def run(args: argparse.Namespace) -> None:
    """Learn the stand-ins, write the model, say how well each answers."""
    from interpllm.export import export

    model = model_of(args.model)
    if isinstance(model, LinearModel):
        raise InputError(
            f"{args.model} weighs n-grams and needs no language model: there is nothing to distil."
        )
    writable(args.out)
    data, held_out = read(args.data, args.format), read(args.test) if args.test else None
    texts = data.texts(args.text)
    given = given_answers(args, model, data)
    open_ = [question.text for question in model.questions if question.id not in given]
    if open_ and args.llm in (None, "none"):
        raise InputError(
            f"stand-ins are learned from answers, and {len(open_)} of {len(model.questions)} questions have "
            f"none, such as {open_[0]!r:.120}. Name with --llm who answers (those of the fit are stored), or "
            "give columns of answers with --answers."
        )
    estimator = estimator_around(args, model)
    _learn(estimator, texts, given, args)
    made = estimator.model_
    export(made, args.out, sample=texts[:100])
    told: dict[str, Any] = {
        "model": args.out,
        "bytes": Path(args.out).stat().st_size,
        "deployable": made.deployable,
        "unanswered": list(made.unanswered),
        "fidelity": estimator.fidelity_,
    }
    if held_out is not None and made.deployable:
        truth = (held_out.labels if made.classes else held_out.numbers)(args.label)
        told["test"] = measure(truth, made.predict(held_out.texts(args.text)), not made.classes)
    if args.json:
        from interpllm.display import as_json

        print(as_json(told))
    else:
        print(said(told, made, args))


def _learn(estimator: Any, texts: list[str], given: dict[str, list[float]], args: argparse.Namespace) -> None:
    settings: dict[str, Any] = {"llm": None if args.embed == "none" else args.embed}
    if args.min_kappa is not None:
        settings["min_kappa"] = args.min_kappa
    if not given:
        estimator.distill(texts, **settings)
        return
    import pandas as pd

    estimator.distill(pd.DataFrame(given), texts=texts, **settings)


def said(told: dict[str, Any], model: ConceptLinear | ConceptTree, args: argparse.Namespace) -> str:
    """What was made, for people."""
    header = ("stand-in", "kappa", "auc", "flipped", "rows", "question")
    rows = [
        (
            "yes" if row.kept else f"no: {row.reason}",
            f"{row.kappa:.2f}",
            f"{row.auc:.2f}",
            f"{row.flip_rate:.1%}",
            str(row.n_rows),
            row.question,
        )
        for row in told["fidelity"].itertuples()
    ]
    n = len(model.questions)
    needs = (
        "it predicts without a language model"
        if told["deployable"]
        else f"{len(told['unanswered'])} of {n} questions still need a language model"
    )
    lines = [table(header, rows, right=header[1:5])] if rows else []
    lines.append(f"{args.out}  {size(told['bytes'])}: {needs}")
    if "test" in told:
        lines.append(f"  on {args.test}: {sentence(told['test'])}")
    elif args.test:
        lines.append(f"  {args.test} was not tried: that would ask the language model; see interpllm predict")
    return "\n".join(lines)
