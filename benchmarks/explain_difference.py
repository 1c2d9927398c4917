"""Is what was planted found, is nothing found where nothing is, and what does the race save?

Texts are made of words: five planted topics are in 70 % of the texts of one side and in 20 % of the other's,
nineteen or more others in as many of both. A program answers for the language model, always rightly, so that
every miss is the method's. The race is judged by itself, too, on more candidates, on decoys that differ a
little, and on candidates whose differences are spread evenly, where the last of the best five is hardly
better than the next one. Its constants were chosen on other seeds.

    python benchmarks/explain_difference.py [--runs 100] [--seed 1000]
"""

from __future__ import annotations

import argparse
import math
import platform
import re
import time
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.explain import explain_difference, explain_target
from interpllm.llm import Session
from interpllm.llm.base import Request
from interpllm.select.race import race
from interpllm.testing import FakeLLM

K = 5
PLANTED = tuple(f"planted{number}" for number in range(K))
OTHERS = tuple(f"other{number}" for number in range(35))
Array = NDArray[np.float64]


# The race by itself


def world(
    kind: str, n: int, n_candidates: int, random: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Answers (n, n_candidates), and which rows are of the first side."""
    first = np.tile([True, False], n // 2)
    here = random.uniform(0.05, 0.95, n_candidates)
    there = here.copy()
    if kind == "decoys":
        apart = random.uniform(-0.15, 0.15, n_candidates)
        here, there = np.clip(here + apart / 2, 0.01, 0.99), np.clip(there - apart / 2, 0.01, 0.99)
    here[:K], there[:K] = 0.7, 0.2
    if kind == "spread":
        there = np.full(n_candidates, 0.2)
        here = there + np.linspace(0.5, 0, n_candidates)
    shares = np.where(first[:, None], here, there)
    return (random.random((n, n_candidates)) < shares).astype(float), first


def races(kind: str, n: int, n_candidates: int, seeds: range) -> str:
    """How often the race agrees with all answers, and what it spends, as a line of a table."""
    same, requests, cells, lost = 0, [], [], []
    for seed in seeds:
        values, first = world(kind, n, n_candidates, np.random.default_rng(seed))
        spent = [0, 0]

        def answer(rows: slice, columns: Any, values: Array = values, spent: list[int] = spent) -> Array:
            found = values[rows][:, columns]
            spent[0] += math.ceil(len(found) / 8) * math.ceil(len(columns) / 8)
            spent[1] += found.size
            return found

        def score(found: Array, rows: slice, first: NDArray[np.bool_] = first) -> Array:
            side = first[rows]
            return np.asarray(found[side].mean(axis=0) - found[~side].mean(axis=0))

        best = set(race(answer, score, n, n_candidates, K, stack=(8, 8)).best.tolist())
        all_scores = score(values, slice(0, n))
        every = np.argsort(-all_scores, kind="stable")[:K].tolist()
        same += best == set(every)
        lost.append(all_scores[every].mean() - all_scores[sorted(best)].mean())
        requests.append(spent[0] / (math.ceil(n / 8) * math.ceil(n_candidates / 8)))
        cells.append(spent[1] / values.size)
    return (
        f"| {kind} | {n} | {n_candidates} | {np.mean(requests):.1%} | {np.mean(cells):.1%} | "
        f"{same} of {len(seeds)} | {np.mean(lost):.3f} |"
    )


# From texts to statements that hold


def sides(n: int, random: np.random.Generator, n_others: int, shuffled: bool) -> tuple[list[str], list[str]]:
    """`n` texts of each side; with `shuffled` nothing tells them apart."""
    of_others = random.uniform(0.05, 0.95, n_others)
    texts = []
    for share in (0.7, 0.2):
        for _ in range(n):
            has = random.random(K + n_others) < np.r_[np.full(K, share), of_others]
            said = [topic for topic, there in zip(PLANTED + OTHERS[:n_others], has, strict=True) if there]
            own = [f"w{random.integers(10**9)}" for _ in range(14)]
            texts.append(" ".join(random.permutation([*said, *own])))
    order = random.permutation(2 * n) if shuffled else np.arange(2 * n)
    return [texts[row] for row in order[:n]], [texts[row] for row in order[n:]]


def question(topic: str) -> str:
    return f"Does the text speak of {topic}?"


def reply(request: Request) -> Any:
    """Answers from the words of the text."""
    content = next(str(said["content"]) for said in request.messages if said["role"] == "user")
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    asked = dict(re.findall(r"^(q\d+): Does the text speak of (\w+)\?", content, re.M))
    return {
        row: {name: "yes" if topic in text.split() else "no" for name, topic in asked.items()}
        for row, text in texts.items()
    }


def differences(n: int, n_others: int, shuffled: bool, seeds: range) -> str:
    """What explain_difference finds, as a line of a table."""
    all_five = found = false = any_ = requests = 0
    for seed in seeds:
        a, b = sides(n, np.random.default_rng(seed), n_others, shuffled)
        topics = np.random.default_rng(seed).permutation(PLANTED + OTHERS[:n_others])
        told = explain_difference(
            a,
            b,
            llm=Session(FakeLLM(reply, name="words")),
            candidates=[question(topic) for topic in topics],
            n_candidates=0,
            random_state=seed,
            n_resamples=999,
            guard=0,
        )
        table = told.frame()
        held = {text.split()[-1][:-1] for text in table.loc[table["holds"], "statement"]}
        all_five += set(PLANTED) <= held
        found += len(held & set(PLANTED))
        false += len(held - set(PLANTED))
        any_ += bool(held)
        requests += told.usage.requests
    runs = len(seeds)
    kind = "shuffled" if shuffled else "planted"
    return (
        f"| {kind} | {n} | {K + n_others} | {any_} of {runs} | {all_five} of {runs} | "
        f"{found / K / runs:.1%} | {false} | {requests / runs:.0f} |"
    )


def targets(n: int, seeds: range) -> str:
    """In how many runs explain_target finds anything that tells of a label that was shuffled."""
    any_, shares = 0, []
    for seed in seeds:
        random = np.random.default_rng(seed)
        a, b = sides(n, random, 19, shuffled=True)
        told = explain_target(
            a + b,
            np.repeat(["first", "second"], n),
            llm=Session(FakeLLM(reply, name="words")),
            candidates=[question(topic) for topic in PLANTED + OTHERS[:19]],
            n_candidates=0,
            random_state=seed,
            n_resamples=999,
            guard=0,
        )
        any_ += bool(told.frame()["holds"].any())
        shares.append(told.total["value"][0])
    return (
        f"explain_target, shuffled labels: {any_} of {len(seeds)} runs find anything; "
        f"McFadden's R squared {np.mean(shares):.3f}"
    )


def main() -> None:
    """Run all of it and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("interpllm", "scipy", "numpy"))
    print(f"Python {platform.python_version()}, {packages}")
    started = time.perf_counter()
    seeds = range(args.seed, args.seed + args.runs)
    print(
        "\n| candidates are | rows | candidates | requests | answers | same top five | lost |\n"
        + "|---" * 7
        + "|"
    )
    for kind in ("planted", "decoys", "spread"):
        for n, n_candidates in ((120, 24), (200, 40), (400, 24), (400, 40), (400, 60), (800, 40)):
            print(races(kind, n, n_candidates, seeds), flush=True)
    print(
        "\n| sides are | texts a side | candidates | anything found | all five found | of the planted | "
        "false | requests |\n" + "|---" * 8 + "|"
    )
    for n, n_others, shuffled in ((120, 19, False), (250, 35, False), (500, 35, False), (250, 35, True)):
        print(differences(n, n_others, shuffled, seeds), flush=True)
    print("\n" + targets(150, seeds))
    print(f"\n{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
