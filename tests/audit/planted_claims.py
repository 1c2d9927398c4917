"""Tables whose population is known, and claims about it: half are true, half are false, by a margin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from interpllm.audit.claim_base import Claim
from interpllm.audit.claims import (
    Extreme,
    MeanDifference,
    Monotone,
    Share,
    Sign,
    Threshold,
)
from interpllm.audit.where import Where

N_ROWS = 2000
CITIES = ("Aachen", "Bonn", "Celle", "Delft")


class Planted(NamedTuple):
    """A claim, and whether it holds of the population."""

    claim: Claim
    true: bool


def planted(seed: int) -> tuple[pd.DataFrame, list[Planted]]:
    """A table of `N_ROWS` rows, eleven true claims about its population and eleven false ones."""
    random = np.random.default_rng(seed)
    effect = float(random.choice([-1, 1]) * random.uniform(0.6, 1.2))
    slope = float(random.choice([-1, 1]) * random.uniform(0.5, 0.9))
    city_effects = dict(zip(CITIES, map(float, 0.7 * random.permutation(len(CITIES))), strict=True))
    p_city = random.dirichlet([20] * len(CITIES))
    p_yes = {True: float(random.uniform(0.55, 0.8)), False: float(random.uniform(0.15, 0.3))}
    if random.random() < 0.5:
        p_yes = {True: p_yes[False], False: p_yes[True]}
    p_phrase = float(random.uniform(0.3, 0.7))

    member = random.random(N_ROWS) < 0.5
    city = random.choice(CITIES, N_ROWS, p=p_city)
    x = random.normal(0, 1, N_ROWS)
    score = effect * member + slope * x + [city_effects[c] for c in city] + random.normal(0, 1, N_ROWS)
    bought = random.random(N_ROWS) < np.where(member, p_yes[True], p_yes[False])
    texts = np.where(
        random.random(N_ROWS) < p_phrase, "It came too late, sadly.", "It came, and late is fine."
    )
    columns = {"member": member, "city": city, "x": x, "score": score, "bought": bought, "text": texts}
    columns["curved"] = np.exp(x) + random.normal(0, 1, N_ROWS)
    # It rises for three fifths of the rows, and falls faster for the others.
    columns["bent"] = np.where(x < 0.25, x, 0.5 - x) + random.normal(0, 1, N_ROWS)

    members, buyers = (Where("member", "is", True),), (Where("bought", "is", True),)
    late = (Where("text", "mentions", "too late"),)
    first = max(city_effects, key=city_effects.__getitem__)
    last = min(city_effects, key=city_effects.__getitem__)
    mean = 0.5 * effect + float(np.dot(p_city, [city_effects[c] for c in CITIES]))
    up = {True: "above", False: "below"}
    rises = {True: "rising", False: "falling"}
    signs = {True: "positive", False: "negative"}
    bound = p_phrase - 0.12 if seed % 2 else p_phrase + 0.12
    low = seed % 2 == 1
    claims = []
    for true in (True, False):
        claims += [
            MeanDifference(column="score", group=members, relation=up[(effect > 0) is true]),
            MeanDifference(
                column="score",
                group=members,
                relation="about",
                value=effect if true else effect + 1,
                tolerance=0.4,
            ),
            MeanDifference(which=buyers, group=members, relation=up[(p_yes[True] > p_yes[False]) is true]),
            Share(
                which=(Where("city", "is", "Bonn"),),
                value=float(p_city[1]) + (0 if true else 0.2),
                tolerance=0.08,
            ),
            Threshold(statistic="share", which=late, relation=up[low is true], value=bound),
            Threshold(
                statistic="mean", column="score", relation="below", value=mean + (0.4 if true else -0.4)
            ),
            Threshold(statistic="median", column="x", relation="above", value=-0.3 if true else 0.3),
            Sign(column="x", with_column="score", direction=signs[(slope > 0) is true]),
            Extreme(by="city", group=first if true else last, column="score"),
            Monotone(x="x", column="score", direction=rises[(slope > 0) is true]),
            Monotone(x="x", column="curved" if true else "bent"),
        ]
    half = len(claims) // 2
    return pd.DataFrame(columns), [Planted(claim, number < half) for number, claim in enumerate(claims)]
