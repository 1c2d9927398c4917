"""Test accuracy and fit time of Aug-Linear beside TF-IDF with logistic regression.

    python benchmarks/aug_linear.py --data ../shared/data/text

Models are chosen on the training split alone; a test split is read once, after its model was fitted. Nothing
asks a language model at test time. Each line is printed as soon as it is known; `--json FILE` keeps them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from interpllm import AugLinearClassifier

SETS = ("rotten_tomatoes", "sst2", "emotion", "financial_phrasebank")
FEW = 100
DRAWS = 5
FEW_TASKS = {"few": None, "few, told the task": "sentiment"}
"""Setting -> what the estimator is told the task is."""


def load(folder: Path, name: str, split: str) -> tuple[list[str], np.ndarray]:
    """Texts and labels of one split."""
    frame = pd.read_csv(folder / f"{name}_{split}.csv", keep_default_na=False)
    return frame["text"].tolist(), frame["label"].to_numpy()


def tfidf() -> object:
    """The baseline, with scikit-learn's default settings."""
    return make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))


def timed(model: object, X: list[str], y: np.ndarray) -> float:
    """Seconds that a fit takes."""
    started = time.perf_counter()
    model.fit(X, y)
    return time.perf_counter() - started


def full(folder: Path, name: str, setting: str, cache: str | None) -> dict[str, object]:
    """All training rows."""
    X, y = load(folder, name, "train")
    if setting == "tfidf":
        model = tfidf()
    elif setting == "plain":
        model = AugLinearClassifier(llm=None, random_state=0)
    else:
        model = AugLinearClassifier(finetune=setting == "finetune", random_state=0, cache=cache)
    seconds = timed(model, X, y)
    row: dict[str, object] = {
        "set": name,
        "setting": setting,
        "rows": len(X),
        "fit_seconds": round(seconds, 1),
    }
    if isinstance(model, AugLinearClassifier):
        row |= {"n_terms": model.model_.n_terms, "cv_score": round(model.report_["chosen"]["score"], 4)}
        row |= {"choice": model.report_["chosen"]["choice"]}
    return row | {"accuracy": round(float(model.score(*load(folder, name, "test"))), 4)}


def few(folder: Path, name: str, task: str | None, cache: str | None) -> dict[str, object]:
    """A few labels, drawn several times; the other training texts are the vocabulary, without labels."""
    X, y = load(folder, name, "train")
    X_test, y_test = load(folder, name, "test")
    ours, theirs = [], []
    for draw in range(DRAWS):
        rows, _ = train_test_split(np.arange(len(X)), train_size=FEW, random_state=draw, stratify=y)
        texts, labels = [X[i] for i in rows], y[rows]
        model = AugLinearClassifier(task=task, vocabulary=X, random_state=0, cache=cache)
        model.fit(texts, labels)
        ours.append(model.score(X_test, y_test))
        theirs.append(tfidf().fit(texts, labels).score(X_test, y_test))
    return {
        "set": name,
        "setting": f"{FEW} labels, {DRAWS} draws, task {task}",
        "accuracy": round(float(np.mean(ours)), 4),
        "tfidf": round(float(np.mean(theirs)), 4),
        "draws": [round(float(a), 4) for a in ours],
    }


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    settings = ("tfidf", "plain", "default", "finetune", *FEW_TASKS)
    parser.add_argument("--settings", nargs="+", default=settings, choices=settings)
    parser.add_argument("--cache", help="folder of stored replies")
    parser.add_argument("--json", type=Path, help="file to append a JSON line a row to")
    args = parser.parse_args()
    for name in args.sets:
        for setting in args.settings:
            if setting in FEW_TASKS and name != "rotten_tomatoes":
                continue
            row = (
                few(args.data, name, FEW_TASKS[setting], args.cache)
                if setting in FEW_TASKS
                else full(args.data, name, setting, args.cache)
            )
            print({key: value for key, value in row.items() if key != "choice"}, flush=True)
            if args.json:
                with args.json.open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
