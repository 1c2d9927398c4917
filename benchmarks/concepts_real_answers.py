"""How far do a few of a language model's answers reach, chosen and weighed on the training rows alone?

Reads a folder of answers: for each set NAME_train.csv and NAME_test.csv, one column a prompt (0 or 1) and
the label in the last. Questions are screened, put in order and weighed on training rows; the size is the
number of questions allowed. Test rows are read once, after all is fitted.

    python benchmarks/concepts_real_answers.py FOLDER [--seed 0]
"""

from __future__ import annotations

import argparse
import platform
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from interpllm.select.confirm import compare
from interpllm.select.path import refit, sparse_path
from interpllm.select.scorecard import scorecard
from interpllm.select.screen import screen

SETS = {
    # name of the set: questions allowed, accuracy aimed at
    "financial_phrasebank": (5, 0.94),
    "knnp__cr": (4, 0.84),
    "knnp__subj": (9, 0.85),
    "knnp__trec": (20, None),
}


def main() -> None:
    """Fit each set on its training rows and judge it on its test rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    said = ", ".join(f"{package} {version(package)}" for package in ("interpllm", "scikit-learn", "scipy"))
    print(f"Python {platform.python_version()}, {said}; seed {args.seed}")
    for name, (n_terms, aim) in SETS.items():
        started = time.perf_counter()
        train = pd.read_csv(args.folder / f"{name}_train.csv")
        values, y = train.iloc[:, :-1].to_numpy(np.float64), train.iloc[:, -1].to_numpy()
        screening = screen(values, list(train.columns[:-1]), y)
        loss = "logistic" if len(np.unique(y)) == 2 else "multinomial"
        path = sparse_path(values[:, screening.kept], y, n_terms, loss, random_state=args.seed)
        models = {
            size: refit(values, y, screening.kept[path.columns(size)], loss=loss, C=path.C)
            for size in sorted({1, path.small, path.best, len(path.order)} - {0})
        }
        card = scorecard(models[len(path.order)], values, y)
        # Duplicates in the strict sense, to see that the screening merged every one of them.
        copies = int(train.iloc[:, :-1].T.duplicated().sum())
        left = int(pd.DataFrame(values[:, screening.kept]).T.duplicated().sum())
        reasons = Counter(dropped.reason for dropped in screening.dropped)
        seconds = time.perf_counter() - started

        test = pd.read_csv(args.folder / f"{name}_test.csv")
        new, labels = test.iloc[:, :-1].to_numpy(np.float64), test.iloc[:, -1].to_numpy()
        largest = max(models)
        others = {f"{size} questions": model.predict(new) for size, model in models.items() if size < largest}
        others["points"] = card.model.predict(new)
        table = compare(labels, models[largest].predict(new), others, seen=y, random_state=args.seed)
        aimed = "" if aim is None else f"; aim {aim} {'met' if table['score']['model'] >= aim else 'MISSED'}"
        print(
            f"\n{name}: {len(train)} training rows, {values.shape[1]} columns ({copies} copies of others, "
            f"{left} left after screening); dropped {dict(reasons)}; {largest} questions, "
            f"cross-validated best {path.best}, smallest as good {path.small}; {seconds:.1f} s{aimed}"
        )
        print(
            f"points {np.abs(card.points).max()} at most; AUC on training rows {card.auc:.3f}, "
            f"of weights {card.auc_before:.3f}"
        )
        print(table.round(3).to_string())


if __name__ == "__main__":
    main()
