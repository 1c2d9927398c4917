"""How fast does a fitted model predict, beside scikit-learn with the same n-grams, and beside asking an LLM?

All predict the same rows, the first two with the same weights: scikit-learn fits CountVectorizer +
LogisticRegression, and its coefficients become the table of a LinearModel. They take turns, so that whatever
else the machine does meets both; the figures are medians over the turns, of seconds on the clock and of
processor time (on a busy machine only the second means something). With ``--llm local`` the language model
then scores each class as the answer to the first few rows, without a store, and the table predicts the same
rows before and after it.

    python benchmarks/predict_speed.py [--repeats 15] [--llm local] [--llm-rows 64]

Reads rotten_tomatoes from ../shared/data/text if that folder is there, else the bundled support tickets.
imodelsX stands beside it in beside_imodelsx.py.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from interpllm import connect
from interpllm.runtime import LinearModel, dumps, loads
from interpllm.runtime.tokens import ngrams, words

SHARED = Path(__file__).parents[2] / "shared" / "data" / "text"
NGRAM_RANGE = (1, 2)


def rotten_tomatoes(part: str) -> tuple[list[str], list[str]]:
    """Read one part of the data set."""
    with open(SHARED / f"rotten_tomatoes_{part}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def data() -> tuple[str, list[str], list[str], list[str]]:
    """Give a name, texts to fit on, their two classes, and texts to predict."""
    if SHARED.is_dir():
        texts, labels = rotten_tomatoes("train")
        return "rotten_tomatoes", texts, labels, rotten_tomatoes("test")[0]
    from interpllm.datasets import load_tickets

    tickets = load_tickets()
    texts, labels = list(tickets["text"]), list(tickets["label"])
    first = sorted(set(labels))[0]
    return "tickets", texts, [str(label == first) for label in labels], texts


def scikit_learn(texts: Sequence[str], labels: Sequence[str], cut: str) -> Pipeline:
    """Fit scikit-learn on n-grams.

    Parameters
    ----------
    texts, labels : sequence of str
    cut : {"pattern", "tokenizer", "default"}
        How it finds words: this library's rule as the vectorizer's regular expression (its fast way, not the
        same on a few non-ASCII words), this library's tokenizer itself, or as it does by default (words of
        two letters or more, hence fewer n-grams).
    """
    options: dict[str, dict[str, Any]] = {
        "pattern": {"token_pattern": r"\w+(?:['\u2019]\w+)*|[!?]"},
        "tokenizer": {"tokenizer": words, "lowercase": False, "token_pattern": None},
        "default": {},
    }
    vectorizer = CountVectorizer(ngram_range=NGRAM_RANGE, binary=True, min_df=2, **options[cut])
    return make_pipeline(vectorizer, LogisticRegression(max_iter=1000)).fit(texts, labels)


def as_table(fitted: Pipeline) -> LinearModel:
    """Take over the weights of a fitted pipeline."""
    vectorizer, regression = fitted[0], fitted[-1]
    weights = zip(vectorizer.get_feature_names_out(), regression.coef_.T, strict=True)
    return LinearModel(
        task="classification",
        classes=regression.classes_,
        ngram_range=NGRAM_RANGE,
        intercept=regression.intercept_,
        weights={phrase: row for phrase, row in weights if ngrams(phrase, *NGRAM_RANGE)},
    )


def seconds(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds that one run takes, on the clock and of the processor (all threads together)."""
    clock, processor = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - clock, time.process_time() - processor


def take_turns(
    contenders: dict[str, Callable[[], object]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Time every contender once a turn, after one turn to warm up."""
    turns = [{name: seconds(run) for name, run in contenders.items()} for _ in range(repeats + 1)][1:]
    return {name: [turn[name] for turn in turns] for name in contenders}


def show(times: dict[str, list[tuple[float, float]]], n_rows: int) -> None:
    """Print texts a second, and how many times faster the first one is turn by turn, in the median."""
    print(f"{'':26}{'texts/s':>10}{'interpllm is':>14}{'texts/s':>14}{'interpllm is':>14}")
    print(f"{'':26}{'clock':>10}{'clock':>14}{'processor':>14}{'processor':>14}")
    first = next(iter(times.values()))
    for name, measured in times.items():
        cells = f"{name:26}"
        for place, width in ((0, 10), (1, 14)):
            speed = n_rows / statistics.median(one[place] for one in measured)
            ratio = statistics.median(b[place] / a[place] for a, b in zip(first, measured, strict=True))
            cells += f"{speed:{width},.{0 if speed > 10 else 2}f}"
            cells += f"{ratio:13,.{0 if ratio > 100 else 2}f}x"
        print(cells, flush=True)


def ask(spec: str, model: LinearModel, rows: list[str], labels: Sequence[str], repeats: int) -> None:
    """Print how much longer the language model takes to score the classes of some rows."""
    options = [f" {label}" for label in sorted(set(labels))]
    prompts = [f"Text: {row}\nLabel:" for row in rows]
    with connect(spec, mode="off") as session:
        session.score(prompts[:2], options)  # loads the model
        table = [seconds(lambda: model.predict(rows)) for _ in range(repeats)]
        asked = seconds(lambda: session.score(prompts, options))
        table += [seconds(lambda: model.predict(rows)) for _ in range(repeats)]
    print(f"\n{len(rows)} rows; {spec!r} scores {options} for each")
    show({"interpllm": table, spec: [asked] * len(table)}, len(rows))


def main() -> None:
    """Print texts a second of each contender, and how many times faster the table is."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--llm", help="what connect() takes, such as local")
    parser.add_argument("--llm-rows", type=int, default=64)
    args = parser.parse_args()
    repeats = args.repeats
    packages = ("interpllm", "scikit-learn", *(("torch", "transformers") if args.llm else ()))
    said = ", ".join(f"{package} {version(package)}" for package in packages)
    print(f"Python {platform.python_version()}, {said}; {platform.machine()}, {os.cpu_count()} CPUs")

    name, texts, labels, rows = data()
    pipelines = {
        f"scikit-learn ({cut})": scikit_learn(texts, labels, cut)
        for cut in ("pattern", "tokenizer", "default")
    }
    model = loads(dumps(as_table(pipelines["scikit-learn (tokenizer)"])))
    same = sum(
        a == b
        for a, b in zip(model.predict(rows), pipelines["scikit-learn (tokenizer)"].predict(rows), strict=True)
    )
    contenders: dict[str, Callable[[], object]] = {"interpllm": lambda: model.predict(rows)}
    for label, pipeline in pipelines.items():
        contenders[label] = lambda pipeline=pipeline: pipeline.predict(rows)  # type: ignore[misc]

    print(f"{name}: {len(rows)} texts, {model.n_terms} n-grams, same prediction on {same}; {repeats} turns\n")
    show(take_turns(contenders, repeats), len(rows))
    if args.llm:
        ask(args.llm, model, rows[: args.llm_rows], labels, repeats)


if __name__ == "__main__":
    main()
