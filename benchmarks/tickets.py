"""Aug-Linear beside TF-IDF in nested cross-validation on the bundled training tickets.

    python benchmarks/tickets.py [--cache FOLDER]

The demonstration judges one model on 186 test tickets, which is little. Here every training ticket is
predicted once, by a model whose every choice was made without it: five outer folds, and the estimator's own
inside each.
"""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import bootstrap
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from interpllm import AugLinearClassifier
from interpllm.datasets import load_tickets

TASK = "what the customer wants done"


def main() -> None:
    """Print the accuracy of each, and the difference with its interval."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cache", help="folder of stored vectors (default: the user's)")
    cache = parser.parse_args().cache
    tickets = load_tickets("train")
    models = {
        "TF-IDF": make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)),
        "Aug-Linear, llm=None": AugLinearClassifier(llm=None, task=TASK, random_state=0),
        "Aug-Linear, llm='local'": AugLinearClassifier(llm="local", task=TASK, random_state=0, cache=cache),
    }
    right = {}
    for name, model in models.items():
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        said = cross_val_predict(model, tickets["text"], tickets["label"], cv=folds)
        right[name] = (said == tickets["label"].to_numpy()).astype(float)
        gain = right[name] - right["TF-IDF"]
        low, high = (
            bootstrap((gain,), np.mean, method="percentile", random_state=0).confidence_interval
            if gain.any()
            else (0.0, 0.0)
        )
        above = f"above TF-IDF {gain.mean():+.4f} ({low:+.4f} to {high:+.4f})"
        print(f"{name:24} {right[name].mean():.4f}   {above}")


if __name__ == "__main__":
    main()
