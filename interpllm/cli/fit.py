"""``interpllm fit``: a readable model from texts and labels."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from interpllm.cli.measure import measure, sentence
from interpllm.cli.options import (
    add_estimator,
    add_json,
    add_llm,
    add_rows,
    estimator_of,
    named,
    training_rows,
)
from interpllm.cli.table import read
from interpllm.cli.terminal import size
from interpllm.errors import InputError

HELP = "make a readable model of texts with labels, and write it to one file"
EXAMPLE = """\
  interpllm fit reviews.csv --text text --label label --out model.json
  interpllm fit reviews.csv --llm none --max-terms 100 --test held_out.csv"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_rows(command, "texts with labels", label="column of labels (default: label)")
    command.add_argument(
        "--out", metavar="FILE", default="model.json", help="model file, .json or .py (default: model.json)"
    )
    command.add_argument(
        "--test", metavar="FILE", help="rows not trained on, with the same columns: print accuracy"
    )
    add_llm(command, default="local")
    add_estimator(command)
    add_json(command, "print what was made as JSON")


def run(args: argparse.Namespace) -> None:
    """Fit, write the model, say what was made."""
    texts, labels, regression = training_rows(args, read(args.data, args.format))
    # What can be found wanting before the fit is looked at before the fit.
    writable(args.out)
    held_out = test_rows(args, regression) if args.test else None
    estimator = estimator_of(args, regression)
    started = time.perf_counter()
    estimator.fit(texts, named(labels, args.label or "label"))
    seconds = time.perf_counter() - started
    estimator.export(args.out)
    model = estimator.model_
    made: dict[str, Any] = {
        "model": args.out,
        "bytes": Path(args.out).stat().st_size,
        "estimator": type(estimator).__name__,
        "rows": len(texts),
        "classes": list(model.classes),
        "ngram_range": list(model.ngram_range),
        "n_terms": model.n_terms,
        "seconds": seconds,
        "report": dict(estimator.report_),
    }
    if held_out is not None:
        made["test"] = measure(held_out[1], model.predict(held_out[0]), regression)
    if args.json:
        print(json.dumps(made, ensure_ascii=False, default=str))
    else:
        print(said(made, args))


def writable(path: str) -> None:
    """Refuse a model file that could not be written."""
    if Path(path).suffix not in (".json", ".py"):
        raise InputError(f"--out {path}: a model file ends in .json (to load) or .py (to run by itself).")
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"--out {path}: there is no such folder; make it first.")


def test_rows(args: argparse.Namespace, regression: bool) -> tuple[list[str], list[Any]]:
    """Texts and labels of ``--test``."""
    held_out = read(args.test)
    truth = held_out.numbers(args.label) if regression else held_out.labels(args.label)
    return held_out.texts(args.text), truth


def said(made: dict[str, Any], args: argparse.Namespace) -> str:
    """What was made, for people."""
    low, high = made["ngram_range"]
    kind = f"{len(made['classes'])} classes" if made["classes"] else "a number"
    score = "accuracy" if made["classes"] else "r2"
    chosen, alone = made["report"]["chosen"]["score"], made["report"]["plain"]["score"]
    lines = [
        f"{args.out}: {made['estimator']} for {kind}, from {made['rows']} texts in {made['seconds']:.0f} s",
        f"  {made['n_terms']:,} n-grams of {low} to {high} words, {size(made['bytes'])}",
        f"  cross-validated {score} {chosen:.3f} ({alone:.3f} without the language model)",
    ]
    if "test" in made:
        lines.append(f"  on {args.test}: {sentence(made['test'])}")
    if args.out.endswith(".json"):
        lines.append(f"next: interpllm rules {args.out}    interpllm predict {args.out} NEW.csv")
    return "\n".join(lines)
