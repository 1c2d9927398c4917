"""How often are claims judged right whose truth is known? Planted populations, real tables, pure noise.

- planted: 220 claims about populations that tables were drawn from, half of them true (tests/audit).
- rows: 200 claims about the rows of real tables, half of them true; truths by the standard library alone.
- noise: claims of a difference where there is none; what is supported is so by chance.
- reading, with --llm: sentences turned into claims by a language model, beside claims written by hand.

    python benchmarks/claims.py --data ../shared/data
    python benchmarks/claims.py --data ../shared/data --llm http://localhost:8000/v1 --model NAME
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from interpllm.audit.claim_base import Claim
from interpllm.audit.claim_checks import Unreadable, check_claims
from interpllm.audit.claim_documents import as_document, from_document
from interpllm.audit.claim_reader import plan_claims, read_claims
from interpllm.audit.claims import Extreme, MeanDifference, Share, Sign, Threshold
from interpllm.audit.where import Where
from interpllm.llm import connect
from interpllm.select.inference import share

ROOT = Path(__file__).parents[1]
SENTENCES = ROOT / "benchmarks" / "claims_sentences.json"
Rows = list[dict[str, float]]


def right(verdicts: list[str], truths: list[bool]) -> str:
    """How many verdicts are right; one that is uncheckable is not."""
    wanted = ["supported" if true else "contradicted" for true in truths]
    k = sum(a == b for a, b in zip(verdicts, wanted, strict=True))
    found = share(k, len(wanted))
    wrong = Counter(f"{a} for {b}" for a, b in zip(verdicts, wanted, strict=True) if a != b)
    return f"{k} of {len(wanted)} right ({found.low:.3f} to {found.high:.3f}) {dict(wrong) or ''}"


def planted_populations(n_tables: int) -> None:
    """Claims about populations that are known."""
    sys.path.insert(0, str(ROOT / "tests" / "audit"))
    from planted_claims import planted

    verdicts, truths, kinds = [], [], Counter[tuple[str, bool]]()
    for seed in range(n_tables):
        frame, claims = planted(seed)
        found = check_claims([one.claim for one in claims], frame).verdicts
        verdicts += found
        truths += [one.true for one in claims]
        for one, verdict in zip(claims, found, strict=True):
            kinds[one.claim.kind, verdict == ("supported" if one.true else "contradicted")] += 1
    print(f"planted   {right(verdicts, truths)}")
    for kind in sorted({kind for kind, _ in kinds}):
        print(f"            {kind:<16} {kinds[kind, True]} of {kinds[kind, True] + kinds[kind, False]}")


def real_rows(folder: Path, n_claims: int) -> None:
    """Claims about the rows of real tables."""
    dice = random.Random(0)
    paths = sorted((folder / "tables").glob("*.csv"))
    tables = {path.stem: read(path) for path in paths}
    verdicts, truths = [], []
    for number in range(n_claims):
        true = number % 2 == 0
        rows = tables[dice.choice(sorted(tables))]
        claim = drawn(rows, true, dice)
        verdicts += check_claims([claim], pd.DataFrame(rows)).verdicts
        truths.append(true)
    print(f"rows      {right(verdicts, truths)}")


def read(path: Path) -> Rows:
    """The rows of a file of numbers."""
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def drawn(rows: Rows, true: bool, dice: random.Random) -> Claim:
    """A claim about rows that is true, or false, as is asked for."""
    names = list(rows[0])
    column = {name: [row[name] for row in rows] for name in names}
    numeric = [name for name in names if len(set(column[name])) > 5]
    binary = [name for name in names if set(column[name]) == {0.0, 1.0}]
    flag, x = dice.choice(binary), dice.choice(numeric)
    yes = (Where(flag, "is", 1),)
    ones = [row for row in rows if row[flag] == 1]
    rest = [row for row in rows if row[flag] != 1]
    kind = dice.randrange(6)
    if kind == 0:
        gap = statistics.fmean(row[x] for row in ones) - statistics.fmean(row[x] for row in rest)
        return MeanDifference(
            column=x, group=yes, relation="above" if (gap > 0) is true else "below", scope="rows"
        )
    if kind == 1:
        part = len(ones) / len(rows)
        off = 0.0 if true else (0.1 if part < 0.5 else -0.1)
        return Share(which=yes, value=round(part + off, 2), tolerance=0.005, scope="rows")
    if kind == 2:
        bound = statistics.median(column[x])
        count = sum(value > bound for value in column[x])
        claimed = count if true else count + dice.choice([-7, 5, 20])
        over = (Where(x, "above", bound),)
        return Threshold(
            statistic="count", which=over, relation="about", value=claimed, tolerance=0.5, scope="rows"
        )
    if kind == 3:
        statistic = dice.choice(["mean", "median", "largest", "smallest"])
        of = {"mean": statistics.fmean, "median": statistics.median, "largest": max, "smallest": min}
        value = of[statistic](row[x] for row in ones)  # type: ignore[operator]
        bound = value - 0.01 if true else value + 0.01
        return Threshold(
            statistic=statistic, column=x, among=yes, relation="above", value=bound, scope="rows"
        )
    if kind == 4:
        y = dice.choice([name for name in numeric if name != x])
        r = statistics.correlation(column[x], column[y])
        return Sign(
            column=x, with_column=y, direction="positive" if (r > 0) is true else "negative", scope="rows"
        )
    groups = dice.choice([name for name in names if 2 < len(set(column[name])) <= 12])
    means = {v: statistics.fmean(r[flag] for r in rows if r[groups] == v) for v in set(column[groups])}
    ordered = sorted(means, key=means.__getitem__)
    if means[ordered[-1]] == means[ordered[-2]]:
        return drawn(rows, true, dice)
    return Extreme(by=groups, group=ordered[-1] if true else ordered[0], which=yes, scope="rows")


def noise(n_tables: int) -> None:
    """Claims of which none should be supported but by chance: 2.5 % for a direction that is claimed."""
    verdicts: list[str] = []
    for seed in range(n_tables):
        dice = np.random.default_rng(seed)
        frame = pd.DataFrame(dice.normal(size=(300, 20)), columns=[f"c{number}" for number in range(20)])
        frame["half"] = dice.random(300) < 0.5
        frame["part"] = dice.integers(0, 4, 300)
        half = (Where("half", "is", True),)
        claims: list[Claim] = [MeanDifference(column=f"c{n}", group=half) for n in range(10)]
        claims += [Sign(column=f"c{n}", with_column=f"c{n + 1}") for n in range(9)]
        claims += [Extreme(by="part", group=n, column="c0") for n in range(4)]
        claims += [MeanDifference(which=half, group=(Where("part", "is", n),)) for n in range(4)]
        verdicts += check_claims(claims, frame).verdicts
    counts = Counter(verdicts)
    found = share(counts["supported"], len(verdicts))
    print(
        f"noise     {found.value:.3f} ({found.low:.3f} to {found.high:.3f}) of {len(verdicts)} supported; "
        f"{counts['contradicted'] / len(verdicts):.3f} contradicted"
    )


def reading(folder: Path, llm: str, model: str | None, cache: str | None) -> None:
    """Sentences about a table of applicants, beside claims written by hand."""
    table = folder / "planted_tables" / "level_4" / "depth_4" / "admission_train.json"
    frame = pd.DataFrame(json.loads(table.read_text(encoding="utf-8")))
    entries = json.loads(SENTENCES.read_text(encoding="utf-8"))
    sentences = [entry["sentence"] for entry in entries]
    wanted = [
        Unreadable(entry["sentence"], "")
        if entry["claim"] is None
        else from_document({**entry["claim"], "sentence": entry["sentence"]})
        for entry in entries
    ]
    with connect(llm, model=model, cache=cache, timeout=600.0) as session:
        print(f"reading   {plan_claims(session, sentences, frame)}")
        found = read_claims(session, sentences, frame)
    got, hand = check_claims(found, frame).frame(), check_claims(wanted, frame).frame()
    documents = [
        [None if isinstance(claim, Unreadable) else as_document(claim) for claim in claims]
        for claims in (found, wanted)
    ]
    same = sum(a == b for a, b in zip(*documents, strict=True))
    alike = (got["verdict"] == hand["verdict"]) & np.isclose(got["figure"], hand["figure"], equal_nan=True)
    estimate = share(int(alike.sum()), len(alike))
    print(
        f"          {int(alike.sum())} of {len(alike)} with the figure and verdict of the claim by hand "
        f"({estimate.low:.3f} to {estimate.high:.3f}); {same} word for word"
    )
    for row in got[~alike].itertuples():
        print(f"            {row.verdict}: {row.sentence} = {row.claim or row.why}")


def main() -> None:
    """Print every part."""
    options: Any = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="folder with tables and planted_tables")
    options.add_argument("--llm", help="address of a server that reads sentences")
    options.add_argument("--model")
    options.add_argument("--cache")
    args = options.parse_args()
    started = time.perf_counter()
    planted_populations(10)
    real_rows(args.data, 200)
    noise(40)
    if args.llm:
        reading(args.data, args.llm, args.model, args.cache)
    print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
