"""How fast does a fitted model predict, beside scikit-learn with the same n-grams?

Both predict the same rows with the same weights: scikit-learn fits CountVectorizer + LogisticRegression, and
its coefficients become the table of a LinearModel. The two take turns, so that whatever else the machine does
meets both; the figures are medians over the turns.

    python benchmarks/predict_speed.py [--repeats 15]

Reads rotten_tomatoes from ../shared/data/text if that folder is there, else the bundled support tickets.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

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


def seconds(run: Callable[[], object]) -> float:
    """Time one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def take_turns(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time every contender once a turn, after one turn to warm up."""
    turns = [{name: seconds(run) for name, run in contenders.items()} for _ in range(repeats + 1)][1:]
    return {name: [turn[name] for turn in turns] for name in contenders}


def main() -> None:
    """Print texts a second of each contender, and how many times faster the table is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats

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
    print(f"{'':26}{'texts/s':>10}{'interpllm is':>14}")
    times = take_turns(contenders, repeats)
    for contender, measured in times.items():
        ratio = statistics.median(b / a for a, b in zip(times["interpllm"], measured, strict=True))
        print(f"{contender:26}{len(rows) / statistics.median(measured):10,.0f}{ratio:13.2f}x")


if __name__ == "__main__":
    main()
