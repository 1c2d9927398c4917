"""Test accuracy and fit time of Aug-Tree beside CART on the same n-grams.

    python benchmarks/aug_tree.py --data ../shared/data/text

Everything is chosen on the training split alone; a test split is read once by each setting, after its trees
were fitted. Nothing asks a language model at test time. "time" compares processor seconds of one fit with
those of a scikit-learn DecisionTreeClassifier with its default settings on the same matrix, in the same
process, with what the language model takes left out (here to look its vectors up in the store) and with
what makes the matrix (cutting texts, finding near-duplicates) told apart. Each line is printed as soon as
it is known; `--json FILE` keeps them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from interpllm import AugTreeClassifier, connect
from interpllm.propose.ngrams import count_ngrams, rows_of
from interpllm.select.split import near_duplicates, uncut

SETS = ("rotten_tomatoes", "sst2")
TREES = 40
SETTINGS: dict[str, dict[str, object]] = {
    "tree": {},
    "plain": {"llm": None},
    "10": {"max_phrases": 10},
    "30": {"max_phrases": 30},
    "100": {"max_phrases": 100},
    "forest": {"n_trees": TREES},
}
"""Setting -> parameters of the estimator."""


def load(folder: Path, name: str, split: str) -> tuple[list[str], np.ndarray]:
    """Texts and labels of one split."""
    frame = pd.read_csv(folder / f"{name}_{split}.csv", keep_default_na=False)
    return frame["text"].tolist(), frame["label"].to_numpy()


def ours(folder: Path, name: str, setting: str, cache: str | None) -> dict[str, object]:
    """Aug-Tree."""
    X, y = load(folder, name, "train")
    model = AugTreeClassifier(random_state=0, cache=cache, **SETTINGS[setting])
    started, spent = time.perf_counter(), time.process_time()
    model.fit(X, y)
    seconds, spent = time.perf_counter() - started, time.process_time() - spent
    report = model.report_
    return {
        "set": name,
        "setting": setting,
        "accuracy": round(float(model.score(*load(folder, name, "test"))), 4),
        "held_back": round(float(np.mean(report["held_back_score"])), 4),
        "leaves": round(float(np.mean(report["n_leaves"])), 1),
        "phrases_a_lexicon": round(float(np.mean([entry["n_phrases"] for entry in report["lexicons"]])), 1),
        "widened": report["widened"],
        "fit_seconds": round(seconds, 1),
        "processor_seconds": round(spent, 1),
    }


def cart(folder: Path, name: str) -> dict[str, object]:
    """A scikit-learn tree on the same n-grams."""
    X, y = load(folder, name, "train")
    ngrams = count_ngrams(X, (1, 2), 2)
    spent = time.process_time()
    tree = DecisionTreeClassifier(random_state=0).fit(ngrams.matrix, y)
    spent = time.process_time() - spent
    texts, labels = load(folder, name, "test")
    found = rows_of(texts, ngrams.phrases, (1, 2))
    return {
        "set": name,
        "setting": "CART",
        "accuracy": round(float(tree.score(found.matrix, labels)), 4),
        "processor_seconds": round(spent, 1),
    }


def timed(folder: Path, name: str, cache: str | None) -> dict[str, object]:
    """Processor seconds of one tree and of CART on the same matrix."""
    X, y = load(folder, name, "train")
    session = connect("local", cache=cache)
    reading = session.embed
    spent = {"language model": 0.0}

    def embed(*args: object, **options: object) -> np.ndarray:
        started = time.process_time()
        vectors = reading(*args, **options)
        spent["language model"] += time.process_time() - started
        return vectors

    session.embed = embed
    AugTreeClassifier(session, random_state=0).fit(X, y)  # loads what is loaded once, and fills the store
    spent["language model"] = 0.0
    started = time.process_time()
    ngrams = count_ngrams(X, (1, 2), 2)
    uncut(X, near_duplicates(X))
    spent["matrix"] = time.process_time() - started
    started = time.process_time()
    DecisionTreeClassifier(random_state=0).fit(ngrams.matrix, y)
    spent["CART"] = time.process_time() - started
    for setting, llm in (("tree", session), ("plain", None)):
        asked, started = spent["language model"], time.process_time()
        AugTreeClassifier(llm, random_state=0).fit(X, y)
        asked = spent["language model"] - asked
        spent[setting] = time.process_time() - started - spent["matrix"] - asked
    return {
        "set": name,
        "setting": "time",
        "processor_seconds": {key: round(value, 1) for key, value in spent.items()},
        "ratio": {key: round(spent[key] / spent["CART"], 2) for key in ("tree", "plain")},
    }


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    settings = ("cart", *SETTINGS, "time")
    parser.add_argument("--settings", nargs="+", default=settings, choices=settings)
    parser.add_argument("--cache", help="folder of stored replies")
    parser.add_argument("--json", type=Path, help="file to append a JSON line a row to")
    args = parser.parse_args()
    for name in args.sets:
        for setting in args.settings:
            if setting == "cart":
                row = cart(args.data, name)
            elif setting == "time":
                row = timed(args.data, name, args.cache)
            else:
                row = ours(args.data, name, setting, args.cache)
            print(row, flush=True)
            if args.json:
                with args.json.open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
