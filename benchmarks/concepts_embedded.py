"""The library's own questions, answered by the embedded model: how far that goes on film reviews.

The embedded model has 135 million parameters and answers poorly; this says how poorly. Questions are the ones
of the bank that the embedding model deems likely; answers are probabilities. Accuracy with answers is that of
the confirming rows, of which nothing was chosen; the stand-ins are tried on the test split, read once.

    python benchmarks/concepts_embedded.py --data ../shared/data/text --rows 2000 --bank 40
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from interpllm import AugLinearClassifier, ConceptLinearClassifier


def main() -> None:
    """Fit, distil and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/text"))
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--bank", type=int, default=40)
    parser.add_argument("--cache", help="folder of stored replies")
    args = parser.parse_args()
    train, test = (pd.read_csv(args.data / f"rotten_tomatoes_{part}.csv") for part in ("train", "test"))
    rows, _ = train_test_split(np.arange(len(train)), train_size=args.rows, random_state=0)
    texts, y = train["text"].iloc[rows].tolist(), train["label"].to_numpy()[rows]
    new, truth = test["text"].tolist(), test["label"].to_numpy()

    model = ConceptLinearClassifier("local", bank=args.bank, random_state=0, cache=args.cache)
    print(f"{args.rows} rows, {args.bank} questions of the bank\nplan: {model.plan(texts)}", flush=True)
    started = time.perf_counter()
    model.fit(texts, y)
    print(f"fitted in {time.perf_counter() - started:.0f} s; {model.report_['usage']}\n{model.model_}")
    print(model.report_["confirm"].round(3).to_string())
    model.distill(texts, min_kappa=-1.0, llm=None)
    print(model.fidelity_.drop(columns="reason").round(3).to_string(index=False))
    print("test accuracy, every question answered by its stand-in:", model.score(new, truth))
    tfidf = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)).fit(texts, y)
    print("test accuracy, TF-IDF:", tfidf.score(new, truth))
    plain = AugLinearClassifier(llm=None, random_state=0).fit(texts, y)
    print("test accuracy, Aug-Linear without a language model:", plain.score(new, truth))


if __name__ == "__main__":
    main()
