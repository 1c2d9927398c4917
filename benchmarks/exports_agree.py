"""Does every export answer as its model does, on every row of the test sets, in its own engine?

Fits tables of n-grams (with scikit-learn, for speed), trees of columns and rule lists and sets made of them,
for two classes, more classes and a number, and lets every format answer all test rows: Python in a bare
interpreter, JavaScript and the page's script in Node.js, SQL in SQLite and in DuckDB, ONNX in onnxruntime.
Printed is the largest difference of a score or probability from the runtime's, and how many labels differ.

With ``--estimators`` it does so for models that each estimator of this library fits to the bundled support
tickets (no language model: questions are answered by regular expressions, and by stand-ins afterwards), on
their test rows. With ``--random 1000`` it lets that many random models (hypothesis) answer random rows.

    python benchmarks/exports_agree.py [--rows 1000] [--estimators] [--random N]

Reads ../shared/data/text and ../shared/data/tables. Needs the dev extra.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from interpllm import estimators
from interpllm.datasets import load_tickets
from interpllm.errors import ExportError
from interpllm.export import (
    check,
    to_html,
    to_javascript,
    to_json,
    to_onnx,
    to_python,
    to_sql,
)
from interpllm.export.check import Request, Trial
from interpllm.runtime import Branch, Clause, Compares, LinearModel, RuleListModel, RuleSetModel, TreeModel
from interpllm.runtime.tokens import words

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
FORMATS: dict[str, tuple[Any, Request]] = {
    "json": (to_json, Request("m.json")),
    "python": (to_python, Request("m.py")),
    "javascript": (to_javascript, Request("m.mjs")),
    "html": (to_html, Request("m.html")),
    "sqlite": (to_sql, Request("m.sql", "sqlite")),
    "duckdb": (to_sql, Request("m.sql", "duckdb")),
    "onnx": (to_onnx, Request("m.onnx")),
}


_TRAINING = 4000


def texts_of(name: str, part: str) -> tuple[list[str], list[str]]:
    """Read one part of a data set of texts."""
    with open(SHARED / "text" / f"{name}_{part}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def linear(texts: list[str], target: Any, classes: list[Any], norm: str) -> LinearModel:
    """Fit a table of n-grams."""
    vectorizer = CountVectorizer(
        ngram_range=(1, 2), binary=True, min_df=3, tokenizer=words, lowercase=False, token_pattern=None
    )
    chosen = np.random.default_rng(0).permutation(len(texts))[:_TRAINING]  # files are sorted by label
    found = vectorizer.fit_transform([texts[i] for i in chosen])
    made = LogisticRegression(max_iter=300) if classes else Ridge()
    made.fit(found, np.asarray(target)[chosen])
    rows = np.atleast_2d(made.coef_).T
    phrases = vectorizer.get_feature_names_out()
    return LinearModel(
        task="classification" if classes else "regression",
        classes=[str(label) for label in made.classes_] if classes else [],
        ngram_range=(1, 2),
        norm=norm,
        intercept=np.atleast_1d(made.intercept_).tolist(),
        weights=dict(zip(phrases, rows.tolist(), strict=True)),
    )


def tree(frame: pd.DataFrame, target: Any, classes: list[Any], depth: int = 4) -> TreeModel:
    """Fit a tree of columns."""
    made = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(max_depth=depth, random_state=0)
    inner = made.fit(frame.to_numpy(), target).tree_
    nodes = []
    for number in range(inner.node_count):
        value = inner.value[number, 0].tolist()
        if inner.children_left[number] < 0:
            nodes.append(Branch(None, None, None, tuple(value), 0))
            continue
        column, bound = frame.columns[inner.feature[number]], float(inner.threshold[number])
        branches = int(inner.children_left[number]), int(inner.children_right[number])
        nodes.append(Branch(Compares(column, "<=", bound), *branches, tuple(value), 0))
    return TreeModel(
        task="classification" if classes else "regression",
        classes=classes,
        link="share" if classes else "identity",
        trees=(tuple(nodes),),
    )


def rules_of(made: TreeModel) -> Iterator[Any]:
    """Make a rule list and a rule set of the paths of a tree."""
    paths: list[tuple[Any, ...]] = [()] * len(made.trees[0])
    clauses = []
    for node, path in zip(made.trees[0], paths, strict=True):
        if node.condition is None:
            clauses.append(Clause(path, node.value))
            continue
        against = Compares(node.condition.column, ">", node.condition.bound)
        paths[node.yes or 0], paths[node.no or 0] = (*path, node.condition), (*path, against)
    shared: dict[str, Any] = {"task": made.task, "classes": made.classes}
    yield RuleListModel(**shared, link=made.link, clauses=tuple(clauses[:-1]), otherwise=clauses[-1].value)
    binary = len(made.classes) == 2
    summed = tuple(
        Clause(c.conditions, (c.value[1] - 0.5,) if binary else tuple(3 * v for v in c.value))
        for c in clauses
    )
    link = "logit" if made.classes else "identity"
    yield RuleSetModel(**shared, link=link, clauses=summed, intercept=(0.0,) * len(summed[0].value))


def cases(n_rows: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Give models with their test rows."""
    norms = {"rotten_tomatoes": "sqrt", "sst2": "none", "emotion": "sqrt", "financial_phrasebank": "none"}
    for name, norm in norms.items():
        texts, labels = texts_of(name, "train")
        model = linear(texts, labels, sorted(set(labels)), norm)
        yield f"n-grams, {name}", model, texts_of(name, "test")[0][:n_rows]
    texts, _ = texts_of("sst2", "train")
    lengths = np.array([len(text) / 10 for text in texts])
    yield "n-grams, length of sst2", linear(texts, lengths, [], "sqrt"), texts_of("sst2", "test")[0][:n_rows]
    for name in ("heart", "breast_cancer", "credit_g"):
        frame = pd.read_csv(SHARED / "tables" / f"{name}.csv")
        numbers = frame.select_dtypes("number").iloc[:, :-1].astype(float)
        last = frame.iloc[:, -1].astype(str)
        third = pd.qcut(numbers.iloc[:, 0], 3, labels=["low", "middle", "high"]).astype(str)
        rest = numbers.iloc[:, 1:]
        for what, columns, target, classes in (
            ("binary", numbers, last, sorted(set(last))),
            ("multiclass", rest, third, sorted(set(third))),
            ("regression", rest, numbers.iloc[:, 0], []),
        ):
            made = tree(columns.fillna(0.0), target, classes)
            rows = columns.to_dict(orient="records")
            for model in (made, *rules_of(made)):
                yield f"{type(model).__name__}, {name} {what}", model, rows


def fitted(n_rows: int) -> Iterator[tuple[str, Any, list[Any]]]:
    """Give a model of each estimator for two classes, five and a number, with the test tickets."""
    train, test = load_tickets("train"), load_tickets("test")
    texts, new = train["text"].tolist(), test["text"].tolist()[:n_rows]
    asked = {
        "Is it about money?": "refund|money|charged|invoice|paid",
        "Is it about a parcel?": "parcel|courier|deliver|track|arrive",
        "Is it to be ended?": "cancel|stop|end|back",
    }
    said = pd.DataFrame({text: train["text"].str.contains(found) for text, found in asked.items()}).astype(
        float
    )
    targets = {
        "binary": (train["label"] == "billing").map({True: "billing", False: "other"}),
        "multiclass": train["label"],
        "regression": train["text"].str.len() / 100,
    }
    for what, y in targets.items():
        kind = "Regressor" if what == "regression" else "Classifier"
        for name in (
            "AugLinear", "AugTree", "RuleSet", "ConceptLinear", "ConceptTree",
            *([] if what == "regression" else ["RuleList", "PromptTree"]),
        ):  # fmt: skip
            made = getattr(estimators, f"{name}{kind}")(llm=None, random_state=0)
            if name in ("ConceptLinear", "ConceptTree", "PromptTree"):
                made.fit(said, y, texts=texts).distill(said, texts=texts, min_kappa=-1, llm=None)
            else:
                made.fit(texts, y)
            yield f"{type(made).__name__}, {what}", made.model_, new


def differ(mine: Any, theirs: Any) -> float:
    """Give the largest difference of two lists of numbers."""
    if not len(mine):
        return 0.0
    return float(np.max(np.abs(np.asarray(mine, float) - np.asarray(theirs, float))))


def compare(format: str, model: Any, rows: list[Any], folder: Path) -> tuple[float, int, int]:
    """Let one format answer rows: the largest difference, the labels that differ, the rows it was asked."""
    renderer, request = FORMATS[format]
    if renderer is to_sql:
        rows = to_sql.fitting(model, request, rows)
    content = renderer.render(model, request)
    path = folder / request.name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    got = renderer.rerun(path, Trial(model, request, rows, {}))
    if got is None:
        raise ExportError(f"what runs it is not installed: {renderer.ENGINE}")
    mine = check.answers(model, rows, {})
    most = max(differ(mine.scores, got.scores), differ(mine.probabilities, got.probabilities))
    wrong = 0
    for number, label in enumerate(mine.predictions if model.classes else []):
        tied = check.tied(mine.scores[number], got.scores[number])
        wrong += label != got.predictions[number] and not tied
    return most, wrong, len(rows)


def all_formats(found: Iterator[tuple[str, Any, list[Any]]], folder: Path) -> bool:
    """Compare all formats on models with their test rows."""
    print(f"{'model':40}{'rows':>7}" + "".join(f"{name:>16}" for name in FORMATS))
    fine = True
    for name, model, rows in found:
        cells = []
        for format in FORMATS:
            most, wrong, _ = compare(format, model, rows, folder)
            fine &= most <= check.TOLERANCE and not wrong
            cells.append(f"{most:.1e} / {wrong}")
        print(f"{name:40}{len(rows):7}" + "".join(f"{cell:>16}" for cell in cells), flush=True)
    return fine


def random_models(n: int, folder: Path) -> bool:
    """Compare all formats on random models."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    sys.path.insert(0, str(ROOT))
    from tests.export.test_sql import tame
    from tests.random_models import concept_linears, concept_trees, models, texts
    from tests.random_rows import row_models, rows_for

    asked = {format: [0, 0.0, 0, 0] for format in FORMATS}
    answered_by_stand_ins = concept_linears(all_answered=True) | concept_trees(all_answered=True)
    seen = 0

    @settings(max_examples=n, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.one_of(models(), answered_by_stand_ins, row_models(questions=False).filter(tame)), st.data())
    def agree(model: Any, data: Any) -> None:
        nonlocal seen
        seen += 1
        columns = getattr(model, "columns", None)
        rows = data.draw(rows_for(model)) if columns else data.draw(st.lists(texts, min_size=1, max_size=6))
        for format in FORMATS:
            counts = asked[format]
            try:
                most, wrong, _ = compare(format, model, rows, folder)
            except ExportError:
                counts[3] += 1
                continue
            counts[0] += 1
            counts[1] = max(counts[1], most)
            counts[2] += wrong

    agree()
    print(f"{seen} random models\n{'format':12}{'compared':>10}{'difference':>12}{'labels':>8}{'refused':>9}")
    for format, (compared, most, wrong, refused) in asked.items():
        print(f"{format:12}{compared:10}{most:12.1e}{wrong:8}{refused:9}")
    return all(most <= check.TOLERANCE for _, most, _, _ in asked.values())


def main() -> None:
    """Compare, and fail if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10**6, help="at most so many test rows a data set")
    parser.add_argument("--estimators", action="store_true", help="models of the library's own estimators")
    parser.add_argument("--random", type=int, default=0, help="so many random models in place of test sets")
    args = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.random:
            fine = random_models(args.random, folder)
        else:
            fine = all_formats(fitted(args.rows) if args.estimators else cases(args.rows), folder)
    print(f"{time.perf_counter() - start:.0f} s")
    raise SystemExit(0 if fine else 1)


if __name__ == "__main__":
    main()
