"""Explanations of predictions: whether they add up, how small changes are, whether they hold on the text.

    python benchmarks/local_explanations.py --data ../shared/data/text

Models without a language model, fitted on at most 4,000 rows of the training split, drawn by a seed; at most
a thousand rows of the test split are explained. Each line is printed as soon as it is known.
"""

from __future__ import annotations

import argparse
import time
from math import fsum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interpllm import AugLinearClassifier, AugTreeClassifier, RuleListClassifier
from interpllm.datasets import load_tickets
from interpllm.explain import counterfactual

N = 1000
SETS = ("tickets", "rotten_tomatoes", "emotion")
MODELS = {
    "n-grams": lambda: AugLinearClassifier(None, random_state=0),
    "tree of lexicons": lambda: AugTreeClassifier(None, random_state=0),
    "rule list": lambda: RuleListClassifier(None, random_state=0),
}


def load(folder: Path, name: str, split: str) -> tuple[list[str], list[Any]]:
    """Texts and labels of one split."""
    if name == "tickets":
        frame = load_tickets("train" if split == "train" else "test")
    else:
        frame = pd.read_csv(folder / f"{name}_{split}.csv", keep_default_na=False)
    return frame["text"].tolist(), frame["label"].tolist()


def worst(model: Any, texts: list[str]) -> float:
    """The largest difference between a decision and what its ledger adds up to."""
    ledgers = model.explain(texts)
    return max(
        abs(fsum([base, *(part.values[k] for part in ledger.contributions)]) - ledger.decision[k])
        for ledger in ledgers
        for k, base in enumerate(ledger.base)
    )


def line(name: str, kind: str, folder: Path) -> str:
    """One row of the table."""
    texts, labels = load(folder, name, "train")
    drawn = np.random.default_rng(0).permutation(len(texts))[:4000].tolist()
    rows = load(folder, name, "test")[0]
    rows = [rows[row] for row in np.random.default_rng(0).permutation(len(rows))[:N]]
    model = MODELS[kind]().fit([texts[row] for row in drawn], [labels[row] for row in drawn])
    off = worst(model, rows)
    start = time.perf_counter()
    found = counterfactual(model, rows).frame()
    seconds = time.perf_counter() - start
    sizes = found["n_changes"].dropna().astype(int)
    cut = found["holds_on_text"].dropna().astype(bool)
    status = found["status"].value_counts()
    held = f"{cut.mean():.3f} of {len(cut)}" if len(cut) else "-"
    share = status.get("found", 0) / len(rows)
    return (
        f"| {name} | {kind} | {len(rows)} | {off:.0e} | {share:.3f} | {status.get('search stopped', 0)} | "
        f"{np.median(sizes):.0f} | {sizes.max()} | {held} | {1000 * seconds / len(rows):.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=SETS)
    args = parser.parse_args()
    heads = ["data", "model", "rows", "ledger off by", "changed", "stopped", "median", "most"]
    print("| " + " | ".join([*heads, "holds on the text", "ms a row"]) + " |")
    print("|" + "---|" * (len(heads) + 2))
    for name in args.sets:
        for kind in MODELS:
            print(line(name, kind, args.data), flush=True)


if __name__ == "__main__":
    main()
