"""Are modules explained by what was planted in them, and modules of chance by nothing?

Twenty-two modules, lexicons and regular expressions with noise, are explained by a fake language model that
is told of none of them: it reads stretches of text with lexicons of its own (nine tenths of the words, where
the modules have eight tenths), knows subjects that no module is about, and errs in a tenth of the texts that
it writes and of its judgements (tests/planted_modules.py). Then each module's numbers are given to texts by
chance, and all is done again. A module is identified if the foremost candidate, held or not, tells its
responses better than those of the 21 others of its kind. "texts" is how many of the corpus have what was
planted.

    python benchmarks/explain_module.py [--seeds 3] [--texts 800] [--noise 0.2]
    python benchmarks/explain_module.py --data FOLDER --texts 8000 --seeds 1

With --data the modules are planted in real texts, the column "text" of the folder's *_train.csv.
"""

from __future__ import annotations

import argparse
import csv
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from interpllm.explain import ModuleExplanation, explain_module
from interpllm.llm import Session
from interpllm.select.inference import Estimate, share

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from planted_modules import TRUTHS, Module, corpus, fake, module, permuted


def real_texts(folder: Path, n: int, seed: int) -> list[str]:
    """As many texts from each of the folder's training files."""
    files = sorted(folder.glob("*_train.csv"))
    if not files:
        raise SystemExit(f"{folder} has no *_train.csv")
    texts = []
    for path in files:
        with path.open(encoding="utf-8", newline="") as opened:
            rows = [row["text"] for row in csv.DictReader(opened)]
        texts += random.Random(seed).sample(rows, min(len(rows), n // len(files)))
    return texts


def explained(modules: dict[str, Module], texts: Sequence[str], seed: int) -> dict[str, ModuleExplanation]:
    """Explain each module, and hold it against the others."""
    found = {}
    for name, f in modules.items():
        others = {other: rival for other, rival in modules.items() if other != name}
        found[name] = explain_module(
            f, texts, llm=Session(fake()), name=name, others=others, random_state=seed
        )
    return found


def told(estimate: Estimate, successes: int, n: int) -> str:
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]  ({successes} of {n})"


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seeds", type=int, default=3)
    options.add_argument("--texts", type=int, default=800)
    options.add_argument("--noise", type=float, default=0.2)
    options.add_argument("--data", type=Path)
    args = options.parse_args()
    print(f"Python {platform.python_version()}, numpy {version('numpy')}, scipy {version('scipy')}")
    planted: list[tuple[int, str, ModuleExplanation]] = []
    having: Counter[str] = Counter()
    chance: list[ModuleExplanation] = []
    began = time.perf_counter()
    for seed in range(1, args.seeds + 1):
        texts = real_texts(args.data, args.texts, seed) if args.data else corpus(args.texts, seed)
        true = {said: module(said, args.noise) for said in TRUTHS}
        planted += [(seed, said, found) for said, found in explained(true, texts, seed).items()]
        having.update(said for said, truth in TRUTHS.items() for text in texts if truth.search(text))
        shuffled = {said: permuted(said, texts) for said in TRUTHS}
        chance += explained(shuffled, texts, seed).values()
    seconds = time.perf_counter() - began

    print(f"\n{'module':32} {'texts':>5}  {'outcome by seed':46} score   AUROC  place")
    for said in TRUTHS:
        own = [found for _, name, found in planted if name == said]
        outcomes = ", ".join(_outcome(said, found) for found in own)
        firsts = [found.candidates.iloc[0] for found in own if len(found.candidates)]
        scores, areas = ([first[column] for first in firsts] for column in ("score", "auroc"))
        places = ", ".join(str(found.rank or "-") for found in own)
        figures = f"{_mean(scores):6.2f}  {_mean(areas):6.2f}" if firsts else "     -       -"
        texts_each = having[said] / args.seeds
        print(f"{said:32} {texts_each:5.0f}  {outcomes:46} {figures}  {places}")

    tested = [(said, found) for _, said, found in planted if found.outcome != "not tested"]
    for what, hits in {
        "identified among 22": [found.rank == 1 for _, found in tested],
        "foremost candidate is the planted one": [
            found.candidates["candidate"].iloc[0] == said for said, found in tested
        ],
        "explained by the planted one": [found.explanation == said for said, found in tested],
        "explained by another one": [found.explanation not in (None, said) for said, found in tested],
    }.items():
        print(f"{what:40} {told(share(sum(hits), len(hits)), sum(hits), len(hits))}")
    print(f"{'not tested':40} {len(planted) - len(tested)} of {len(planted)}")
    ranked = [found.rank == 1 for found in chance if found.rank is not None]
    wrong = [found.outcome == "explained" for found in chance]
    ranked = [found.rank == 1 for found in chance if found.rank is not None]
    wrong = [found.outcome == "explained" for found in chance]
    print("modules of chance")
    for what, hits in {"identified among 22 (chance .045)": ranked, "explained": wrong}.items():
        print(f"  {what:38} {told(share(sum(hits), len(hits)), sum(hits), len(hits))}")
    requests = [found.usage.requests for _, found in tested]
    n = len(planted) + len(chance)
    print(f"{min(requests)} to {max(requests)} requests a module; {n} explanations in {seconds:.0f} s")


def _outcome(said: str, found: ModuleExplanation) -> str:
    if found.outcome != "explained":
        return found.outcome
    return "planted" if found.explanation == said else f"“{found.explanation}”"


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if value == value]
    return sum(known) / len(known) if known else float("nan")


if __name__ == "__main__":
    main()
