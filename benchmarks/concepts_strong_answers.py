"""Concept models on a strong language model's answers: labels needed, agreement, stand-ins, n-grams beside.

Reads hotel_reviews.csv and hotel_reviews_second_annotator.csv (200 hotel reviews, truthful or deceptive; 18
statements answered by a strong language model; a second run of it on some of the rows). Accuracy is
cross-validated: five folds, and for each number of labels so many of the other four's rows, drawn with a
fixed seed. No language model is asked.

    python benchmarks/concepts_strong_answers.py ../shared/data/strong_llm_answers
"""

from __future__ import annotations

import argparse
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.pipeline import make_pipeline

from interpllm import AugLinearClassifier, ConceptLinearClassifier, ConceptTreeClassifier
from interpllm.answer import agreement_by_question

LABELS = (40, 80, 120, 160)
FOLDS = 5


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = pd.read_csv(folder / "hotel_reviews.csv")
    y, texts = rows["label"].to_numpy(), rows["text"].tolist()
    answers = rows.drop(columns=["id", "label", "text"]).astype(float)
    print(f"Python {platform.python_version()}, scikit-learn {version('scikit-learn')}")

    models = {
        "TF-IDF": lambda: make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000)),
        "Aug-Linear, n-grams": lambda: AugLinearClassifier(llm=None, random_state=0),
        "logistic regression, all 18": lambda: LogisticRegression(max_iter=1000),
        "ConceptLinear": lambda: ConceptLinearClassifier(None, random_state=0),
        "ConceptLinear + n-grams": lambda: ConceptLinearClassifier(None, residual="ngrams", random_state=0),
        "ConceptTree": lambda: ConceptTreeClassifier(None, random_state=0),
    }
    right: dict[tuple[str, int], list[np.ndarray]] = {}
    asked: dict[tuple[str, int], list[int]] = {}
    for seen, new in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, y):
        for n in LABELS:
            some = seen
            if n < len(seen):
                some, _ = train_test_split(seen, train_size=n, random_state=0, stratify=y[seen])
            for name, make in models.items():
                model = make()
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", UserWarning)  # of few rows, a fit may ask nothing
                    if name in ("TF-IDF", "Aug-Linear, n-grams"):
                        model.fit([texts[i] for i in some], y[some])
                        predicted = model.predict([texts[i] for i in new])
                    elif name.startswith("Concept"):
                        beside = [texts[i] for i in some]
                        model.fit(answers.iloc[some], y[some], texts=beside)
                        predicted = model.predict(answers.iloc[new], texts=[texts[i] for i in new])
                        asked.setdefault((name, n), []).append(len(model.model_.questions))
                    else:
                        predicted = model.fit(answers.iloc[some], y[some]).predict(answers.iloc[new])
                right.setdefault((name, n), []).append(predicted == y[new])
    table = pd.DataFrame(
        {
            f"{n} labels": {name: np.concatenate(right[name, n]).mean().round(3) for name in models}
            for n in LABELS
        }
    )
    print("\nAccuracy, five-fold, 200 rows:\n", table.to_string())
    questions = {f"{n} labels": {k: np.mean(asked[k, n]) for k in models if (k, n) in asked} for n in LABELS}
    print("\nQuestions asked, mean:\n", pd.DataFrame(questions).to_string())

    whole = ConceptLinearClassifier(None, random_state=0).fit(answers, y, texts=texts)
    print("\n", whole.model_, "\n\n", whole.report_["confirm"].round(3).to_string())
    second = pd.read_csv(folder / "hotel_reviews_second_annotator.csv").set_index("id")
    both = rows.set_index("id").loc[second.index, answers.columns]
    frame = agreement_by_question(both.to_numpy(float), second.to_numpy(float), list(answers.columns))
    shown = frame[["question", "n", "kappa", "alpha", "ac1", "verdict"]]
    print(f"\nTwo runs, mean kappa {frame['kappa'].mean():.2f}:\n", shown.round(2).to_string(index=False))
    whole.distill(answers, y, texts=texts, llm=None, min_kappa=-1)
    print("\nStand-ins:\n", whole.fidelity_.round(3).to_string(index=False))
    print("pass kappa .6:", (whole.fidelity_["kappa"] >= 0.6).sum(), "of", len(whole.fidelity_))
    print("with all stand-ins, cross-validated:", whole.report_["distilled"])


if __name__ == "__main__":
    main()
