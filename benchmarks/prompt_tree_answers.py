"""How far do trees of a language model's answers reach, depth by depth, beside the best single prompt?

Reads a folder of answers: for each set NAME_train.csv and NAME_test.csv, one column a prompt (0 or 1; with
more than two classes one a prompt and class, 1 for the class that was named) and the label in the last. The
tree stage of PromptTreeClassifier and FIGS of imodels learn from the training rows; FIGS is read as a model
of this library. The best single prompt is chosen on the training rows. Test rows choose nothing.

    python benchmarks/prompt_tree_answers.py FOLDER [--seed 0]
"""

from __future__ import annotations

import argparse
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from imodels import FIGSClassifier

from interpllm import PromptTreeClassifier, from_imodels
from interpllm.select.confirm import compare
from interpllm.select.tree import grow

SETS = ("financial_phrasebank", "knnp__cr", "knnp__subj", "knnp__trec")
DEPTHS = range(1, 7)


def main() -> None:
    """Fit both at each depth and judge them on the test rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    said = ", ".join(f"{package} {version(package)}" for package in ("interpllm", "scikit-learn", "imodels"))
    print(f"Python {platform.python_version()}, {said}; seed {args.seed}")
    for name in SETS:
        X, y = _rows(args.folder / f"{name}_train.csv")
        new, truth = _rows(args.folder / f"{name}_test.csv")
        n_classes = len(np.unique(y))
        best, alone = _best_prompt(X, y, new, truth)
        print(f"\n{name}: {len(y)} rows to learn from, {len(truth)} to judge, {X.shape[1]} columns")
        print(f"  best single prompt ({best[-60:]!r}): {alone:.3f}")
        for depth in DEPTHS:
            tree = _tree(X, y, depth, args.seed)
            told = compare(truth, tree.predict(new), random_state=args.seed).loc["model"]
            size = f"{tree.model_.n_leaves} leaves"
            interval = f"({told['low']:.3f} to {told['high']:.3f})"
            print(f"  depth {depth}: tree {told['score']:.3f} {interval}, {size}", end="")
            if n_classes == 2:
                # As many splits as a tree of this depth can have, which FIGS may put into several trees.
                figs = FIGSClassifier(max_rules=2**depth - 1, random_state=args.seed)
                figs.fit(X.to_numpy(float), y, feature_names=[f"c{k}" for k in range(X.shape[1])])
                rows = new.set_axis([f"c{k}" for k in range(X.shape[1])], axis=1).to_dict("records")
                right = np.asarray(from_imodels(figs).predict(rows)) == truth
                print(f"; FIGS of {2**depth - 1} splits {right.mean():.3f}", end="")
            print()


def _rows(path: Path) -> tuple[pd.DataFrame, np.ndarray]:
    table = pd.read_csv(path)
    return table.iloc[:, :-1], table.iloc[:, -1].to_numpy()


def _tree(X: pd.DataFrame, y: np.ndarray, depth: int, seed: int) -> PromptTreeClassifier:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No prompt tells more")
        model = PromptTreeClassifier(None, max_depth=depth, max_leaves=32, random_state=seed)
        return model.fit(X, y)


def _best_prompt(X: pd.DataFrame, y: np.ndarray, new: pd.DataFrame, truth: np.ndarray) -> tuple[str, float]:
    """The prompt that alone is right about most training rows, and its accuracy on the test rows.

    Which class a column's 1 speaks for is learned from the training rows, as is what each class that a prompt
    names among several speaks for.
    """
    of = {name: name.rpartition("_")[0] if len(np.unique(y)) > 2 else name for name in X.columns}
    learned = {}
    for prompt in dict.fromkeys(of.values()):
        columns = [place for place, name in enumerate(X.columns) if of[name] == prompt]
        tree = grow(X.to_numpy(float)[:, columns], y, 2 * len(columns), classifies=True, random_state=0)
        learned[prompt] = (columns, tree)
    right = {
        prompt: (tree.predict(X.to_numpy(float)[:, columns]) == y).mean()
        for prompt, (columns, tree) in learned.items()
    }
    best = max(right, key=lambda prompt: right[prompt])
    columns, tree = learned[best]
    return best, float((tree.predict(new.to_numpy(float)[:, columns]) == truth).mean())


if __name__ == "__main__":
    main()
