"""Does data find the true rule among wrong ones? Planted tables, and a fake model that proposes both.

For each table the fake model proposes the rules that the table was made by and ten wrong ones: with a
condition less or more, a threshold moved, or another value. Printed: how many of the true rules stand in the
list as they were written, how many wrong ones do, accuracy on the test split, and that of learners without a
language model.

    python benchmarks/rules_planted.py --data ../shared/data/planted_tables
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interpllm.estimators import RuleListClassifier, RuleSetClassifier
from interpllm.runtime import Compares, Is
from interpllm.runtime.rule_book import RuleBook, WrittenRule
from interpllm.testing import FakeLLM

TRUE: dict[str, list[str]] = {
    "level_1/base": ['if math is "A"'],
    "level_2/depth_2": ['if math is "A" and num_publications >= 1'],
    "level_2/distractor_3": ['if math is "A"'],
    "level_2/noise_10": ['if math is "A"'],
    "level_2/size_5": [
        'if math is "A"',
        "if num_publications > 3",
        "if num_letters > 2",
        "if num_activities > 2",
        'if english is one of: "B", "C"',
    ],
    "level_4/depth_4": [
        'if math is "A" and science is "A" and num_publications > 1 and applied_major is "Science"',
        'if history is "A" and art is "A" and volunteer_projects > 3 and attendance_rate > 90',
        'if math is "A" and leadership_roles > 2 and attendance_rate > 95 and applied_major is "Engineering"',
        'if science is "A" and num_publications > 2 and applied_major is "Medicine" '
        "and academic_integrity_violation is false",
        "if family_wealth_index > 9 and donated_to_school is true and legacy_status is true "
        "and attendance_rate > 90",
    ],
}
"""The rules of ground_truth_hypotheses in each metadata.json, in our grammar; all admit."""

WRONG = 10


def load(folder: Path, split: str) -> tuple[pd.DataFrame, list[str]]:
    """One split: the columns, and the labels (the last column)."""
    frame = pd.DataFrame(json.loads((folder / f"admission_{split}.json").read_text(encoding="utf-8")))
    return frame.iloc[:, :-1], frame.iloc[:, -1].tolist()


def wrong_rules(truths: list[WrittenRule], X: pd.DataFrame, random: np.random.Generator) -> list[str]:
    """Ten rules that look like the true ones."""
    found: dict[str, str] = {}
    while len(found) < WRONG:
        conditions = list(truths[len(found) % len(truths)].conditions)
        place = int(random.integers(len(conditions)))
        conditions[place] = _moved(conditions[place], X, random)
        if len(conditions) > 1 and random.random() < 0.3:
            conditions.pop(int(random.integers(len(conditions))))
        if random.random() < 0.4:
            conditions.append(_any(X, random))
        wrong = WrittenRule(tuple(conditions))
        if wrong.id not in {rule.id for rule in truths}:
            found[wrong.id] = f"{wrong} then {json.dumps(str(random.choice(['admitted', 'rejected'])))}"
    return list(found.values())


def _moved(condition: Any, X: pd.DataFrame, random: np.random.Generator) -> Any:
    if isinstance(condition, Compares):
        return Compares(
            condition.column, condition.sign, condition.bound + float(random.choice([-2, -1, 1, 2]))
        )
    others = [value for value in dict.fromkeys(X[condition.column].tolist()) if value not in condition.values]
    return Is(condition.column, (others[int(random.integers(len(others)))],))


def _any(X: pd.DataFrame, random: np.random.Generator) -> Any:
    column = str(random.choice(list(X.columns)))
    value = X[column].tolist()[int(random.integers(len(X)))]
    if isinstance(value, str | bool):
        return Is(column, (value,))
    return Compares(column, str(random.choice([">", "<="])), float(value))


def proposer(rules: list[str]) -> FakeLLM:
    """A model that proposes a few of the rules in each request, in order."""
    left = list(rules)

    def answer(_: Any) -> Any:
        said = left[:12]
        del left[:12]
        return {"rules": said}

    return FakeLLM(answer)


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data/planted_tables"))
    parser.add_argument("--seed", type=int, default=0, help="of the wrong rules and their order")
    args = parser.parse_args()
    print(
        f"{'table':24s} {'true found':>10s} {'wrong kept':>10s} {'list':>6s} {'figs':>6s} {'data list':>9s}"
    )
    for name, written in TRUE.items():
        (X, y), (new, truth) = (load(args.data / name, split) for split in ("train", "test"))
        random = np.random.default_rng(args.seed)
        truths = list(RuleBook.of(written))
        proposed = [f'{rule} then "admitted"' for rule in truths]
        proposed += wrong_rules(truths, X, random)
        random.shuffle(proposed)
        with tempfile.TemporaryDirectory() as cache:
            model = RuleListClassifier(
                proposer(proposed),
                text=None,
                n_rounds=1,
                n_proposals=len(proposed),
                random_state=0,
                cache=cache,
            ).fit(X, y)
        kept = {WrittenRule(clause.conditions).id for clause in model.model_.clauses}
        right = sum(rule.id in kept for rule in truths)
        figs = (
            RuleSetClassifier(llm=None, text=None, learner="figs", random_state=0).fit(X, y).score(new, truth)
        )
        data = RuleListClassifier(llm=None, text=None, random_state=0).fit(X, y).score(new, truth)
        print(
            f"{name:24s} {f'{right}/{len(truths)}':>10s} {len(kept) - right:>10d} "
            f"{model.score(new, truth):6.3f} {figs:6.3f} {data:9.3f}",
            flush=True,
        )
        print("\n".join(f"    {line}" for line in str(model.model_).splitlines()[3:]))


if __name__ == "__main__":
    main()
