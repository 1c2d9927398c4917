"""Are the questions found that were planted, and no others?

Reads texts whose labels were made from planted questions by known weights (a folder of cells, each with
metadata.json and three parts of rows). Each cell's 24 planted questions and 24 decoys are answered: the
planted ones by the oracle with a share of answers flipped at random, the decoys by coins whose shares of yes
are those of the planted ones. A discovery is a question that is chosen (at the size that cross-validation
likes best) on the selecting rows, and has a q of at most .05 on the confirming ones, adjusted over all 48.
A slot is found when one of its questions is. Then labels are shuffled and all is done again, many times.
Test rows are read once, for the accuracy.

    python benchmarks/concepts_planted.py FOLDER [--shuffles 100] [--flip 0.1] [--seed 0]
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.select.confirm import question_effects
from interpllm.select.parts import split_rows
from interpllm.select.path import Weighed, refit, sparse_path
from interpllm.select.screen import screen

N_TERMS = 20
LEVEL = 0.05
DECOYS = 24


@dataclass(frozen=True)
class Cell:
    """The rows of one part of a cell, and the truth about its questions."""

    texts: list[str]
    labels: NDArray[np.str_]
    answers: NDArray[np.float64]
    questions: list[str]
    slots: list[str]  # of each question
    matters: NDArray[np.bool_]  # whether a true rule speaks of the question
    flipped_labels: float


def read(folder: Path, part: str) -> Cell:
    """Read one part of a cell. Questions are its templates, then the features of each slot in order."""
    said = json.loads((folder / "metadata.json").read_text())
    rows = json.loads(next(folder.glob(f"*_{part}.json")).read_text())
    planted = [("template", template) for template in said["templates"]]
    planted += [(slot, value) for slot, values in said["features"].items() for value in values]
    rules = said.get("gt_hypotheses") or said["ground_truth_hypotheses"]
    true = {
        re.match(r'If the "(\w+)" of the given \w+ is "(.*)", then ', rule, re.S).groups() for rule in rules
    }
    unknown = true - set(planted)
    if unknown:
        raise SystemExit(f"{folder}: rules speak of what was not planted: {unknown}")
    return Cell(
        rows["text"],
        np.array(rows["label"]),
        np.array(rows["np_input_array"])[:, 0],
        [f"Is the {slot} “{value}”?" for slot, value in planted],
        [slot for slot, _ in planted],
        np.array([pair in true for pair in planted]),
        said["label_flipping_ratio"],
    )


def answered(cell: Cell, flip: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Answers to the planted questions, some of them wrong, and to the decoys."""
    n, p = cell.answers.shape
    planted = np.where(random.random((n, p)) < flip, 1 - cell.answers, cell.answers)
    share = np.resize(planted.mean(axis=0), DECOYS)
    return np.hstack([planted, (random.random((n, DECOYS)) < share).astype(np.float64)])


@dataclass(frozen=True)
class Found:
    """What one run found."""

    discovered: NDArray[np.intp]
    size: int  # chosen by cross-validation
    model: Weighed  # of as many questions as are allowed, fitted on the selecting rows


def run(cell: Cell, values: NDArray[np.float64], labels: NDArray[np.str_], seed: int) -> Found:
    """Split, screen, select and confirm."""
    parts = split_rows(labels, cell.texts, random_state=seed)
    questions = cell.questions + [f"Does coin {number} fall heads?" for number in range(DECOYS)]
    seen, y = values[parts.select], labels[parts.select]
    kept = screen(seen, questions, y, names=np.unique(labels).tolist()).kept
    path = sparse_path(seen[:, kept], y, N_TERMS, "multinomial", random_state=seed)
    model = refit(seen, y, kept[path.columns()], loss="multinomial", C=path.C)
    chosen = kept[path.columns(path.best)]
    if not len(chosen):
        return Found(chosen, 0, model)
    effects = question_effects(
        values[parts.confirm], labels[parts.confirm], chosen, loss="multinomial", random_state=seed
    )
    return Found(chosen[effects["q_value"].to_numpy()[chosen] <= LEVEL], path.best, model)


def main() -> None:
    """Run all cells and print what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shuffles", type=int, default=100, help="runs with shuffled labels, over all cells")
    parser.add_argument("--flip", type=float, default=0.1, help="share of the oracle's answers flipped")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    said = ", ".join(f"{package} {version(package)}" for package in ("interpllm", "scikit-learn", "scipy"))
    print(f"Python {platform.python_version()}, {said}; seed {args.seed}, {args.flip:.0%} of answers flipped")
    started = time.perf_counter()
    easy: list[tuple[Cell, NDArray[np.float64]]] = []
    totals = np.zeros(6, dtype=int)
    shares = []
    for place, folder in enumerate(sorted(path.parent for path in args.folder.glob("*/*/metadata.json"))):
        cell, test = read(folder, "train"), read(folder, "test")
        random = np.random.default_rng([args.seed, place])
        values = answered(cell, args.flip, random)
        name = f"{folder.parent.name}/{folder.name}"
        try:
            found = run(cell, values, cell.labels, args.seed)
        except InputError as error:
            print(f"{name}: {error}", flush=True)
            continue
        of_question = set(found.discovered.tolist())
        true = set(np.flatnonzero(cell.matters).tolist())
        right, false = of_question & true, of_question - true
        slots, hit = {cell.slots[i] for i in true}, {cell.slots[i] for i in right}
        accuracy = (found.model.predict(answered(test, args.flip, random)) == test.labels).mean()
        most = np.unique(cell.labels)[np.unique(cell.labels, return_counts=True)[1].argmax()]
        print(
            f"{name}: slots {len(hit)} of {len(slots)}, questions {len(right)} of {len(true)}, "
            f"false discoveries {len(false)} of {len(of_question)}; best size {found.size}; "
            f"test accuracy with {len(found.model.columns)} questions {accuracy:.3f} "
            f"(most frequent label {(test.labels == most).mean():.3f})",
            flush=True,
        )
        if cell.flipped_labels <= 0.1:
            easy.append((cell, values))
            totals += [len(hit), len(slots), len(right), len(true), len(false), len(of_question)]
            shares.append(len(false) / max(len(of_question), 1))
    print(
        f"Cells with label flip up to .1: slots that matter found {totals[0]} of {totals[1]}, questions that "
        f"matter {totals[2]} of {totals[3]}, false discoveries {totals[4]} of {totals[5]}; mean over cells "
        f"{np.mean(shares):.1%}; {time.perf_counter() - started:.0f} s",
        flush=True,
    )
    nothing = 0
    for shuffle in range(args.shuffles):
        cell, values = easy[shuffle % len(easy)]
        labels = np.random.default_rng([args.seed, 1000 + shuffle]).permutation(cell.labels)
        nothing += not len(run(cell, values, labels, args.seed + shuffle).discovered)
    print(
        f"Shuffled labels: nothing discovered in {nothing} of {args.shuffles} runs; "
        f"{time.perf_counter() - started:.0f} s in all"
    )


if __name__ == "__main__":
    main()
