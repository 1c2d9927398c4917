"""``interpllm fit``: a readable model from texts and labels."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from interpllm.cli import estimator as making
from interpllm.cli.kinds import LINEAR, PROMPT_TREE, RULES, TREE
from interpllm.cli.measure import measure, sentence
from interpllm.cli.options import add_json, check_folders
from interpllm.cli.questions import frame_of
from interpllm.cli.table import read
from interpllm.cli.terminal import size
from interpllm.errors import InputError
from interpllm.runtime import LinearModel

HELP = "make a readable model of texts with labels, and write it to one file"
EXAMPLE = """\
  interpllm fit reviews.csv --text text --label label --out model.json
  interpllm fit reviews.csv --llm none --max-terms 100 --test held_out.csv
  interpllm fit reviews.csv --estimator concepts --task "is the guest content" --llm http://localhost:8000/v1
  interpllm fit answers.csv --estimator concept-tree --answers --label label"""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    making.add_training(command)
    command.add_argument(
        "--out", metavar="FILE", default="model.json", help="model file, .json or .py (default: model.json)"
    )
    command.add_argument(
        "--test", metavar="FILE", help="rows not trained on, with the same columns: print accuracy"
    )
    add_json(command, "print what was made as JSON")


def run(args: argparse.Namespace) -> None:
    """Fit, write the model, say what was made."""
    training = making.training_of(args)
    # What can be found wanting before the fit is looked at before the fit.
    writable(args.out)
    if args.estimator in (LINEAR, TREE, PROMPT_TREE) and not args.out.endswith(".json"):
        raise InputError(
            f"--out {args.out}: questions are answered by a language model until they have stand-ins. Write "
            "a .json file, then: interpllm distill MODEL DATA --out FILE.py"
        )
    held_out = test_rows(args, training.regression) if args.test else None
    made = fitted(args, making.estimator_of(args, training.regression), training, held_out)
    if args.json:
        from interpllm.display import as_json

        print(as_json(made))
    else:
        print(said(made, args))


def fitted(
    args: argparse.Namespace,
    estimator: Any,
    training: making.Training,
    held_out: tuple[dict[str, Any], list[Any]] | None,
) -> dict[str, Any]:
    """Fit, write the model to ``--out``, and say in figures what was made."""
    started = time.perf_counter()
    making.fit(estimator, training, args.label)
    seconds = time.perf_counter() - started
    estimator.export(args.out)
    model = estimator.model_
    made: dict[str, Any] = {
        "model": args.out,
        "bytes": Path(args.out).stat().st_size,
        "estimator": type(estimator).__name__,
        "rows": len(training.y),
        "classes": list(model.classes),
        "n_terms": model.n_terms,
        "seconds": seconds,
        "report": dict(estimator.report_),
    }
    if isinstance(model, LinearModel):
        made["ngram_range"] = list(model.ngram_range)
    if not isinstance(model, LinearModel):
        made |= {"questions": [q.text for q in model.questions], "unanswered": list(model.unanswered)}
    if held_out is not None:
        made["test"] = measure(held_out[1], list(estimator.predict(**held_out[0])), training.regression)
    return made


def writable(path: str) -> None:
    """Refuse a model file that could not be written."""
    if Path(path).suffix not in (".json", ".py"):
        raise InputError(f"--out {path}: a model file ends in .json (to load) or .py (to run by itself).")
    check_folders(path)


def test_rows(args: argparse.Namespace, regression: bool) -> tuple[dict[str, Any], list[Any]]:
    """What ``predict`` takes of the rows of ``--test``, and their labels."""
    held_out = read(args.test)
    truth = held_out.numbers(args.label) if regression else held_out.labels(args.label)
    if args.estimator == RULES and (columns := making.columns_of_rules(args, held_out)):
        return {"X": making.frame(held_out, columns)}, truth
    if not args.answers:
        return {"X": held_out.texts(args.text)}, truth
    text = making.text_beside(args, held_out)
    names = making.columns_of_answers(args, held_out)
    texts = {} if text is None else {"texts": held_out.texts(text)}
    return {"X": frame_of(held_out, names), **texts}, truth


def said(made: dict[str, Any], args: argparse.Namespace) -> str:
    """What was made, for people."""
    kind = f"{len(made['classes'])} classes" if made["classes"] else "a number"
    tell: Callable[[dict[str, Any]], list[str]] = _of_rules
    if "ngram_range" in made:
        tell = _of_ngrams
    elif args.estimator in (LINEAR, TREE):
        tell = _of_questions
    what = "rows of answers" if args.answers else "rows" if args.estimator == RULES else "texts"
    lines = [
        f"{args.out}: {made['estimator']} for {kind}, from {made['rows']} {what} in {made['seconds']:.0f} s",
        *tell(made),
    ]
    if "test" in made:
        lines.append(f"  on {args.test}: {sentence(made['test'])}")
    if made.get("unanswered") and args.estimator in (LINEAR, TREE):
        lines.append(f"next: interpllm concepts show {args.out}    interpllm distill {args.out} TEXTS.csv")
    elif args.out.endswith(".json"):
        lines.append(f"next: interpllm rules {args.out}    interpllm predict {args.out} NEW.csv")
    return "\n".join(lines)


def _of_ngrams(made: dict[str, Any]) -> list[str]:
    low, high = made["ngram_range"]
    score = "accuracy" if made["classes"] else "r2"
    chosen, alone = made["report"]["chosen"]["score"], made["report"]["plain"]["score"]
    tried = f"cross-validated {score} {chosen:.3f} ({alone:.3f} without the language model)"
    return [
        f"  {made['n_terms']:,} n-grams of {low} to {high} words, {size(made['bytes'])}",
        f"  {tried if math.isfinite(chosen) else 'too few rows to cross-validate'}",
    ]


def _of_rules(made: dict[str, Any]) -> list[str]:
    lines = [f"  {made['n_terms']} rules or splits, {size(made['bytes'])}"]
    scores = made["report"].get("confirm")
    if scores is not None:
        score, own = "accuracy" if made["classes"] else "r2", scores.loc["model"]
        beside = ", ".join(
            f"{name.replace('_', ' ')} {value:.3f}"
            for name, value in scores.drop(index="model")["score"].items()
        )
        lines.append(
            f"  on {own['n_rows']:.0f} rows that nothing was chosen on: {score} {own['score']:.3f} "
            f"({own['low']:.3f} to {own['high']:.3f}); {beside}"
        )
    if unparsed := made["report"].get("unparsed"):
        lines.append(f"  {len(unparsed)} rules of the language model could not be used; --json lists them")
    return lines


def _of_questions(made: dict[str, Any]) -> list[str]:
    report, score = made["report"], "accuracy" if made["classes"] else "r2"
    scores = report["confirm"]
    own, others = scores.loc["model"], scores.drop(index="model")
    beside = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in others["score"].items())
    n = len(made["questions"])
    lines = [
        f"  {n} question{'' if n == 1 else 's'} of {len(report['candidates'])} that were tried, "
        f"{size(made['bytes'])}",
        f"  on {own['n_rows']:.0f} rows that nothing was chosen on: {score} {own['score']:.3f} "
        f"({own['low']:.3f} to {own['high']:.3f}); {beside}",
    ]
    if report["usage"]:
        lines.append(f"  {report['usage']['requests']:,} requests to the language model")
    return lines
