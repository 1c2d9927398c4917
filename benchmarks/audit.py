"""What does the audit find: of sound models, printed forms, random features, planted faults?

    python benchmarks/audit.py [--parts faithful display stable planted] [--seeds 10]

- faithful: ledgers beside random and reversed order, words removed and replaced, on test rows of real texts.
- display: printed models of estimators and of scikit-learn, read back, on 1,000 rows.
- stable: Nogueira's stability of identical and of random sets; features and predictions of real fits.
- planted: models of the bundled tickets with one fault each, and without; how often each figure fails.

Reads ../shared/data/text. Asks no language model. Needs the dev extra.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from interpllm import (
    AugLinearClassifier,
    AugTreeClassifier,
    RuleListClassifier,
    RuleSetClassifier,
    from_sklearn,
)
from interpllm.audit import Finding, audit, display, faithfulness, stability
from interpllm.audit.matching import nogueira
from interpllm.audit.report import PARTS
from interpllm.datasets import load_tickets
from interpllm.runtime import LinearModel, printed
from interpllm.runtime.tokens import words

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "text"
SETS = ("rotten_tomatoes", "sst2", "emotion", "financial_phrasebank")
FAULTS = ("none", "signature", "first name", "web address", "label in the text", "training rows")


def rows_of(name: str, part: str, most: int) -> tuple[list[str], list[str]]:
    """Some rows of a data set, drawn, as files are sorted by label."""
    with open(SHARED / f"{name}_{part}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = np.random.default_rng(0).permutation(len(rows))[:most]
    return [rows[at]["text"] for at in chosen], [rows[at]["label"] for at in chosen]


def linear(
    texts: list[str], labels: list[str], orders: tuple[int, int] = (1, 1), C: float = 1.0
) -> LinearModel:
    """A table of n-grams that scikit-learn fits, for speed."""
    vectorizer = CountVectorizer(
        ngram_range=orders, binary=True, min_df=2, tokenizer=words, lowercase=False, token_pattern=None
    )
    made = LogisticRegression(max_iter=400, C=C).fit(vectorizer.fit_transform(texts), labels)
    return LinearModel(
        task="classification",
        classes=[str(label) for label in made.classes_],
        ngram_range=orders,
        intercept=made.intercept_.tolist(),
        weights=dict(zip(vectorizer.get_feature_names_out(), made.coef_.T.tolist(), strict=True)),
    )


def by_name(found: Finding) -> dict[str, Any]:
    return {measure.name: measure for measure in found.measures}


def faithful() -> None:
    """Areas and erasures of ledgers, beside their nulls."""
    print(
        "| | | comprehensiveness | sufficiency | deletion area | insertion area |\n|---|---|---|---|---|---|"
    )
    for name in SETS:
        texts, labels = rows_of(name, "train", 4000)
        new = rows_of(name, "test", 200)[0]
        tree = make_pipeline(
            CountVectorizer(binary=True), DecisionTreeClassifier(max_depth=6, random_state=0)
        )
        models = {"n-grams": linear(texts, labels, (1, 2)), "tree": from_sklearn(tree.fit(texts, labels))}
        for kind, model in models.items():
            for masking in ("remove", "replace"):
                found = by_name(faithfulness(model, new, masking=masking))  # type: ignore[arg-type]
                cells = [
                    f"{found[figure].value:.3f} / {found[figure].null:.3f} / "
                    f"{found[figure + ', reversed order'].value:.3f}{'' if found[figure].passed else ' (!)'}"
                    for figure in ("comprehensiveness", "sufficiency", "deletion area", "insertion area")
                ]
                print(f"| {name}, {kind} | {masking} | {' | '.join(cells)} |", flush=True)


def displayed() -> None:
    """Printed models, read back."""
    train, test = load_tickets("train"), load_tickets("test")
    texts, labels, new = list(train["text"]), list(train["label"]), list(test["text"])
    counts, tfidf = CountVectorizer(binary=True), TfidfVectorizer(ngram_range=(1, 2))
    models = {
        "AugLinearClassifier": AugLinearClassifier(llm=None, random_state=0),
        "AugTreeClassifier": AugTreeClassifier(llm=None, random_state=0),
        "RuleListClassifier": RuleListClassifier(llm=None, random_state=0),
        "RuleSetClassifier": RuleSetClassifier(llm=None, random_state=0),
        "DecisionTreeClassifier": make_pipeline(counts, DecisionTreeClassifier(random_state=0)),
        "RandomForestClassifier, 20 trees": make_pipeline(counts, RandomForestClassifier(20, random_state=0)),
        "GradientBoostingClassifier, 20 rounds": make_pipeline(
            counts, GradientBoostingClassifier(n_estimators=20, random_state=0)
        ),
        "TfidfVectorizer and LogisticRegression": make_pipeline(tfidf, LogisticRegression()),
    }
    print("| printed model | lines | rows alike of 1,000 | largest difference of scores |\n|---|---|---|---|")
    for name, estimator in models.items():
        made = estimator.fit(texts, labels)
        model = made.model_ if hasattr(made, "model_") else from_sklearn(made)
        model = getattr(model, "model_", model)
        found = display(model, new)
        if found.error is not None:
            print(f"| {name} | | {found.error} | |")
            continue
        alike, apart, *_ = found.measures
        lines = len(printed(model).splitlines())
        print(f"| {name} | {lines:,} | {alike.value:.1%} | {apart.value:.2g} |", flush=True)


def stable(n_refits: int = 10) -> None:
    """Nogueira's stability where it is known, and of real fits."""
    same = np.zeros((10, 200))
    same[:, :20] = 1
    values = []
    for seed in range(1000):
        random = np.random.default_rng(seed)
        table = np.zeros((10, 200))
        for row in table:
            row[random.choice(200, 20, replace=False)] = 1
        values.append(nogueira(table))
    found = np.array([one.value for one in values])
    held = np.mean([one.low <= 0 <= one.high for one in values])
    print(f"identical sets: {nogueira(same).value:.3f}")
    print(
        f"random sets of 20 among 200, 10 fits, 1,000 draws: mean {found.mean():+.4f}, largest size "
        f"{np.abs(found).max():.3f}; {np.mean(np.abs(found) <= 0.05):.1%} within .05; "
        f"interval holds 0 in {held:.1%}"
    )
    print("| bootstraps of | stability of features | churn of predictions (null) |\n|---|---|---|")
    for name in SETS:
        texts, labels = rows_of(name, "train", 2000)
        new = rows_of(name, "test", 300)[0]
        for C in (1.0, 0.01):
            told = by_name(
                stability(
                    lambda X, y, seed, C=C: linear(X, y, C=C), texts, labels, common=new, n_refits=n_refits
                )
            )
            one, churn = (
                told[f"{what} over bootstraps"] for what in ("stability of features", "churn of predictions")
            )
            print(
                f"| {name}, logistic regression, C = {C:g} "
                f"| {one.value:.3f} ({one.low:.3f} to {one.high:.3f}) "
                f"| {churn.value:.3f} ({churn.low:.3f} to {churn.high:.3f}; {churn.null:.3f}) |",
                flush=True,
            )


def with_fault(rows: pd.DataFrame, fault: str, random: np.random.Generator) -> pd.DataFrame:
    """Rows of the tickets with a fault that goes with the label "billing"."""
    billing = (rows["label"] == "billing").to_numpy()
    names = np.where(billing, "Maria", random.choice(["Olga", "Sarah"], len(rows)))
    added: dict[str, Any] = {
        "signature": np.where(billing, "\nfiled at desk nine", ""),
        "first name": [f"\n{name}" for name in names],
        "web address": np.where(billing, "\nhttps://pay.example.com/desk", "\nhttps://help.example.org/desk"),
        "label in the text": [f"\nqueue: {label}" for label in rows["label"]],
    }
    return rows.assign(text=rows["text"] + added[fault]) if fault in added else rows


def planted(n_seeds: int) -> None:
    """How often each figure fails, by what was planted."""
    every = load_tickets()
    parts = {name: PARTS[name] for name in ("faithfulness", "invariance", "leakage")}
    failed: dict[str, Counter[str]] = {}
    for fault in FAULTS:
        failed[fault] = Counter()
        for seed in range(n_seeds):
            random = np.random.default_rng(seed)
            order = random.permutation(len(every))
            train, test = (with_fault(every.iloc[half], fault, random) for half in (order[:400], order[400:]))
            if fault == "training rows":
                test = pd.concat([test, train.head(20)])
            model = linear(list(train["text"]), list(train["label"]))
            known = (list(train["text"]), list(train["label"]))
            report = audit(
                model, list(test["text"]), list(test["label"]), train=known, parts=parts, random_state=seed
            )
            failed[fault].update(measure.name for _, measure in report.failed)
    names = sorted({name for counts in failed.values() for name in counts})
    print(
        f"| share of {n_seeds} seeds in which it fails | {' | '.join(FAULTS)} |\n|---|{'---|' * len(FAULTS)}"
    )
    for name in names:
        print(f"| {name} | {' | '.join(f'{failed[fault][name] / n_seeds:.2f}' for fault in FAULTS)} |")


def main() -> None:
    """Run the parts that were asked for."""
    command = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parts = ("faithful", "display", "stable", "planted")
    command.add_argument("--parts", nargs="*", choices=parts, default=list(parts))
    command.add_argument("--seeds", type=int, default=10)
    args = command.parse_args()
    for part in args.parts:
        started = time.perf_counter()
        print(f"\n{part}\n")
        if part == "planted":
            planted(args.seeds)
        else:
            {"faithful": faithful, "display": displayed, "stable": stable}[part]()
        print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
