"""Can a reader of a printed model tell what it will predict? A program that reads it, and a language model.

The program `reader` reads printed forms back, so that with them it must be right of every row; what it gains
over a shuffled form is the most that there is to be gained. With --llm a language model judges a model of
eight words on 16 test tickets and 16 changed ones.

    python benchmarks/simulatability.py --data ../shared/data
    python benchmarks/simulatability.py --data ../shared/data --llm http://localhost:8000/v1 --model NAME
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from interpllm.audit.base import Finding
from interpllm.audit.judges import reader
from interpllm.audit.simulatability import plan_simulatability, simulatability
from interpllm.datasets import load_tickets
from interpllm.estimators import AugTreeClassifier, RuleListClassifier, from_sklearn
from interpllm.llm import connect

ROOT = Path(__file__).parents[1]


def show(name: str, finding: Finding) -> None:
    """Print the figures of a judge."""
    print(f"\n{name}" + (f": {finding.error}" if finding.error else ""))
    for one in finding.measures:
        interval = "" if one.low is None else f" ({one.low:.3f} to {one.high:.3f})"
        null = "" if one.null is None else f"  null {one.null:.3f}"
        p = "" if one.p_value is None else f"  p {one.p_value:.4f}"
        print(f"  {one.name:<72} {one.value:.3f}{interval}{null}{p}  n {one.n}")


def tables(folder: Path) -> None:
    """Trees over the columns of real tables."""
    for name in ("breast_cancer", "credit_g", "heart"):
        frame = pd.read_csv(folder / "tables" / f"{name}.csv")
        target = frame.columns[-1]
        rows, y = frame.drop(columns=target), frame[target].map({0: "no", 1: "yes"})
        train = frame.index % 2 == 0
        tree = DecisionTreeClassifier(max_leaf_nodes=8, random_state=0).fit(rows[train], y[train])
        model = from_sklearn(tree)
        show(f"tree on {name}", simulatability(model, rows[~train], judge=reader, n_rows=100))


def tickets() -> None:
    """A tree and a rule list over the words of tickets."""
    train, test = load_tickets("train"), load_tickets("test")
    for model in (AugTreeClassifier(llm=None, random_state=0), RuleListClassifier(llm=None, random_state=0)):
        model.fit(train["text"], train["label"])
        finding = simulatability(model, test["text"], judge=reader, n_rows=100)
        show(f"{type(model).__name__} on tickets", finding)


def judged(llm: str, name: str | None, cache: str | None) -> None:
    """The model of examples/check_claims.py, by a language model."""
    sys.path.insert(0, str(ROOT / "examples"))
    import check_claims

    model: Any = check_claims.model_of(check_claims.tickets())
    unseen = load_tickets("test")["text"]
    with connect(llm, model=name, cache=cache, timeout=600.0) as session:
        print(f"\n{plan_simulatability(model, unseen, judge=session, n_rows=16)}")
        show("eight words on tickets", simulatability(model, unseen, judge=session, n_rows=16))


def main() -> None:
    """Print every part."""
    options: Any = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with tables")
    options.add_argument("--llm", help="address of a server that judges")
    options.add_argument("--model")
    options.add_argument("--cache")
    args = options.parse_args()
    started = time.perf_counter()
    tables(args.data)
    tickets()
    if args.llm:
        judged(args.llm, args.model, args.cache)
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
