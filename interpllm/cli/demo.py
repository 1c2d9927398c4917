"""``interpllm demo``: the whole idea on the bundled support tickets, in one command."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interpllm.cli.explain import as_json, drawn
from interpllm.cli.fit import writable
from interpllm.cli.measure import measure
from interpllm.cli.options import add_color, add_json
from interpllm.cli.rules import by_prediction
from interpllm.cli.terminal import bold, safe, size, wants_color

if TYPE_CHECKING:
    from interpllm.estimators import AugLinearClassifier
    from interpllm.runtime import Ledger, LinearModel

HELP = "train a readable model on the bundled tickets with the embedded language model, and show what it is"
EXAMPLE = """\
  interpllm demo"""

MODEL = "smollm2-135m"
TASK = "what the customer who wrote this support ticket wants done"
_ASKED = 16  # texts that the language model is timed on
_SECONDS = 0.5  # for which the model file is timed


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the options."""
    command.add_argument(
        "--out",
        metavar="FILE",
        default="tickets.json",
        help="where the model file goes (default: tickets.json)",
    )
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    add_color(command)
    add_json(command, "print what is shown as JSON")


def run(args: argparse.Namespace) -> None:
    """Pull, train, measure, show."""
    from interpllm.datasets import load_tickets
    from interpllm.llm import zoo

    # What can be found wanting before the fit is looked at before the fit.
    writable(args.out)
    zoo.pull(MODEL, progress=sys.stderr.isatty() and not args.quiet)
    train, test = load_tickets("train"), load_tickets("test")
    texts, truth = test["text"].tolist(), test["label"].tolist()

    say = _silent if args.json or args.quiet else _said
    say(f"training on {len(train)} support tickets; the language model reads their words and word pairs ...")
    started = time.perf_counter()
    estimator = fitted(train, verbose=int(sys.stderr.isatty() and not args.quiet))
    seconds = time.perf_counter() - started
    estimator.export(args.out)
    model = estimator.model_

    say("fitting TF-IDF + logistic regression for comparison, then asking the language model itself ...")
    accuracy = {
        "interpllm": measure(truth, model.predict(texts), regression=False)["accuracy"],
        "TF-IDF + logistic regression": measure(truth, tf_idf(train).predict(texts), regression=False)[
            "accuracy"
        ],
    }
    asking, predicting = (
        seconds_a_text_asking(texts[:_ASKED], model.classes),
        seconds_a_text(model.predict, texts),
    )
    shown = {
        "rows": {"train": len(train), "test": len(test)},
        "fit_seconds": seconds,
        "accuracy": accuracy,
        "n_terms": model.n_terms,
        "out": args.out,
        "bytes": Path(args.out).stat().st_size,
        "texts_a_second": {"the model file": 1 / predicting, "the language model": 1 / asking},
        "times_faster": asking / predicting,
    }
    explanation = worth_showing(model.explain(texts), truth)
    if args.json:
        groups = by_prediction(model, model.rules(), 20)
        strongest = {
            str(group[0].prediction): [[rule.phrase, rule.weight] for rule in group] for group in groups
        }
        print(
            json.dumps(
                {**shown, "strongest": strongest, "explanation": as_json(explanation)}, ensure_ascii=False
            )
        )
    else:
        print(page(shown, model, explanation, wants_color(args.color)))


def fitted(train: Any, verbose: int) -> AugLinearClassifier:
    """The estimator, trained with the embedded language model."""
    from interpllm.estimators import AugLinearClassifier
    from interpllm.llm import connect

    estimator = AugLinearClassifier(llm=connect("local"), task=TASK, random_state=0, verbose=verbose)
    return estimator.fit(train["text"], train["label"])


def tf_idf(train: Any) -> Any:
    """The usual model of words alone, its settings chosen on the training rows as ours are."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    words = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    choices = {
        "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)],
        "logisticregression__C": [1.0, 10.0, 100.0],
    }
    return GridSearchCV(words, choices, cv=5).fit(train["text"], train["label"])


def seconds_a_text_asking(texts: Sequence[str], classes: Sequence[Any]) -> float:
    """How long the language model takes to judge a text; no stored answer is used."""
    from interpllm.llm import connect

    prompts = [f"Support ticket: {text}\nWhat the customer wants is about:" for text in texts]
    options = [f" {label}" for label in classes]
    with connect("local", mode="off") as session:
        session.score(["Warm up:"], options)
        started = time.perf_counter()
        session.score(prompts, options)
        return (time.perf_counter() - started) / len(texts)


def seconds_a_text(predict: Callable[[Sequence[str]], object], texts: Sequence[str]) -> float:
    """How long the model file takes to judge a text."""
    predict(texts)
    started, n_texts = time.perf_counter(), 0
    while (passed := time.perf_counter() - started) < _SECONDS:
        predict(texts)
        n_texts += len(texts)
    return passed / n_texts


def worth_showing(explanations: Sequence[Ledger], truth: Sequence[str]) -> Ledger:
    """The first correct prediction for a text of two or three lines."""
    pairs = zip(explanations, truth, strict=True)
    right = [explanation for explanation, label in pairs if explanation.prediction == label]
    return next((e for e in right if 80 <= len(e.text) <= 240), (right or list(explanations))[0])


def page(shown: dict[str, Any], model: LinearModel, explanation: Ledger, color: bool) -> str:
    """Everything, to be read from top to bottom."""
    rows, accuracy, speed = shown["rows"], shown["accuracy"], shown["texts_a_second"]
    columns = min(shutil.get_terminal_size().columns, 110)
    parts = [bold(f"Accuracy on {rows['test']} tickets that were not trained on", color)]
    parts += [f"  {value:.3f}  {name}" for name, value in accuracy.items()]
    parts += ["", bold("What the model looks at: its twenty strongest n-grams a class", color)]
    for group in by_prediction(model, model.rules(), 20):
        line = ", ".join(f"{safe(rule.phrase)} {rule.weight:+.2f}" for rule in group)
        name = f"  {safe(group[0].prediction)}: "
        parts.append(textwrap.fill(line, columns, initial_indent=name, subsequent_indent="    "))
    parts += ["", bold("Why it decided as it did on one of them", color)]
    parts.append(textwrap.indent(drawn(explanation, 8, color), "  "))
    parts += ["", bold("What is left to ship", color)]
    parts += [
        f"  {shown['out']}: {model.n_terms} n-grams in {size(shown['bytes'])}, made in "
        f"{shown['fit_seconds']:.0f} s",
        f"  {speed['the model file']:,.0f} texts a second without a language model; asking it instead, "
        f"{speed['the language model']:.1f} a second",
        f"  {shown['times_faster']:,.0f} times faster than asking",
        "",
        f'Try it: echo "where is my parcel" | interpllm predict {shown["out"]} - --format txt',
    ]
    return "\n".join(parts)


def _said(line: str) -> None:
    print(line, file=sys.stderr)


def _silent(line: str) -> None:
    pass
