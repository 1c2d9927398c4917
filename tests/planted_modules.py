"""Modules whose truth is known, texts for them, and a fake language model that explains, writes and judges.

The fake is told of no module: it has lexicons of its own, which overlap with those of the modules by a part
only, and some of subjects that no module is about. It takes for a property what more of the strong stretches
than of the ordinary ones have; some of the texts that it writes and of its judgements are wrong.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.llm.base import Request
from interpllm.testing import FakeLLM

Module = Callable[[list[str]], NDArray[np.float64]]

MODULE_WORDS, FAKE_WORDS = 0.8, 0.9
"""Shares of a lexicon that a module responds to, and that the fake knows."""
NOISE = 0.2
WRONG_PAIRS, WRONG_JUDGEMENTS = 0.1, 0.1

LEXICONS = {
    "mentions an animal": "dog cat horse cow sheep fox bear rabbit owl goose wolf pig goat mouse eagle",
    "mentions a colour": "red blue green yellow purple orange brown pink grey white black violet crimson",
    "mentions a sport": "football tennis hockey cricket rugby golf swimming boxing rowing cycling judo",
    "mentions food": "bread cheese soup rice pasta butter cake salad apple pizza sausage honey noodles",
    "speaks of the weather": "rain snow wind storm fog sunshine frost hail cloud thunder drizzle breeze",
    "names a month": "January February April June July August September October November December",
    "mentions a part of the body": "arm leg hand knee shoulder elbow finger head neck ankle nose ear",
    "mentions a relative": "mother father sister brother aunt uncle cousin grandmother nephew niece son",
    "denies something": "not never nobody nothing cannot none neither nowhere isn't don't won't",
    "is written in the first person": "I me my mine myself I'm I've I'll",
    "compares things": "than bigger smaller faster slower better worse cheaper older newer taller",
    "mentions a profession": "doctor nurse lawyer teacher baker plumber engineer pilot farmer cook tailor",
    "mentions a vehicle": "car bus train bicycle lorry tram ferry plane van scooter truck taxi",
}
#: What the fake knows and no module is about.
DISTRACTORS = {
    "mentions a plant": "tree rose oak grass fern tulip moss ivy daisy shrub",
    "mentions a musical instrument": "piano violin drum flute guitar cello trumpet harp organ",
    "mentions furniture": "table chair sofa shelf bed desk bench stool wardrobe lamp",
    "mentions a country": "France Spain Norway Kenya Japan Chile Egypt Canada Poland India",
    "mentions clothing": "shirt coat hat shoe sock glove scarf jacket dress belt",
}
PATTERNS = {
    "contains a number": r"\d",
    "names an amount of money": r"[$€£]\s?\d",
    "names a year": r"\b(?:19|20)\d\d\b",
    "asks a question": r"\?",
    "has an exclamation mark": r"!",
    "quotes somebody's words": r'"',
    "contains a web address": r"https?://|www\.",
    "is written in the past tense": r"\b[a-z]{3,}ed\b",
    "has a word in capitals": r"\b[A-Z]{3,}\b",
}
_EXAMPLES: dict[str, Callable[[int], str]] = {
    "contains a number": lambda n: f"there are {n % 90 + 3} of them",
    "names an amount of money": lambda n: f"it is worth {'$€£'[n % 3]}{n % 400 + 5}",
    "names a year": lambda n: f"that goes back to {1950 + n % 70}",
    "asks a question": lambda n: (
        f"{('is that so', 'who says that', 'why is it here', 'where is it')[n % 4]}?"
    ),
    "has an exclamation mark": lambda n: (
        f"{('what a day', 'look at this', 'good for them', 'hurry up')[n % 4]}!"
    ),
    "quotes somebody's words": lambda n: (
        f'they say "{("fine", "so be it", "later", "as you like")[n % 4]}" then'
    ),
    "contains a web address": lambda n: (
        f"more at https://{('site', 'shop', 'news')[n % 3]}{'abcd'[n % 4]}.example"
    ),
    "is written in the past tense": lambda n: (
        f"they {('walked', 'rested', 'painted', 'cleaned', 'waited', 'called')[n % 6]} for a while"
    ),
    "has a word in capitals": lambda n: f"this is {('URGENT', 'NEW', 'FINAL', 'SECRET')[n % 4]} they say",
}
_FRAMES = (
    "there is the {} again",
    "the {} is near the door",
    "people speak of the {} there",
    "they like the {} very much",
    "one {} is enough for today",
)
_PLAIN = (
    "the meeting is in the large room",
    "the street is quiet at this hour",
    "the list is on the wall",
    "the plan stays as it is",
    "someone waits near the gate",
    "the office opens soon",
    "the box is still closed",
    "the river runs slowly here",
)


def unit(*said: object) -> float:
    """A number in [0, 1) that is the words' own."""
    found = hashlib.sha256("\0".join(map(str, said)).encode()).digest()
    return int.from_bytes(found[:6], "big") / 2**48


def _pattern(words: str, knower: str, share: float) -> re.Pattern[str]:
    kept = [word for word in words.split() if unit(knower, word) < share] or words.split()
    cased = all(word[0].isupper() for word in kept)  # months, and "I" among its like
    return re.compile(rf"(?<![\w'])(?:{'|'.join(map(re.escape, kept))})(?![\w'])", 0 if cased else re.I)


def _truths(knower: str, share: float, lexicons: dict[str, str]) -> dict[str, re.Pattern[str]]:
    found = {said: _pattern(words, knower, share) for said, words in lexicons.items()}
    return found | {said: re.compile(pattern) for said, pattern in PATTERNS.items()}


TRUTHS = _truths("module", MODULE_WORDS, LEXICONS)
KNOWN = _truths("fake", FAKE_WORDS, LEXICONS | DISTRACTORS)


def module(said: str, noise: float = NOISE) -> Module:
    """Responds by 1 to texts that have the planted property, with noise that is each text's own."""
    pattern = TRUTHS[said]

    def f(texts: list[str]) -> NDArray[np.float64]:
        return np.array([bool(pattern.search(text)) + noise * _normal(said, text) for text in texts])

    return f


def permuted(said: str, pool: list[str]) -> Module:
    """The module's numbers for the pool, given to texts by chance: nothing is there to explain."""
    values = module(said)(pool)

    def f(texts: list[str]) -> NDArray[np.float64]:
        return np.array([values[int(len(values) * unit("permuted", said, text))] for text in texts])

    return f


def _normal(*said: object) -> float:
    u, v = unit("u", *said), unit("v", *said)
    return float(np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v))


def clause(said: str, number: int, lexicons: dict[str, str]) -> str:
    """A clause that has the property."""
    if said in _EXAMPLES:
        return _EXAMPLES[said](number)
    words = lexicons[said].split()
    word = words[number % len(words)]
    if said == "is written in the first person":
        return f"{word} keep it" if word.startswith("I") else f"it is for {word} they say"
    if said == "compares things":
        return f"this one is {word} that one"
    if said == "denies something":
        return f"that is {word} so"
    return _FRAMES[number // len(words) % len(_FRAMES)].format(word)


def corpus(n: int = 500, seed: int = 0) -> list[str]:
    """Texts of two to four clauses, each of some property or of none."""
    random = np.random.default_rng(seed)
    every = LEXICONS | DISTRACTORS
    subjects = [*every, *PATTERNS]
    texts = []
    for _ in range(n):
        about = random.choice(len(subjects), size=int(random.integers(1, 4)), replace=False)
        said = [clause(subjects[one], int(random.integers(10_000)), every) for one in about]
        said.append(str(random.choice(_PLAIN)))
        texts.append(", ".join(said[place] for place in random.permutation(len(said))))
    return texts


def explainer(request: Request) -> Any:
    """Reply to a request for properties, for texts, or for judgements."""
    # The first one, since a request that is asked again ends with what was wrong about the reply.
    content = next(str(message["content"]) for message in request.messages if message["role"] == "user")
    wanted = (request.schema or {}).get("properties", {})
    if "properties" in wanted:
        return {"properties": _summary(content)}
    if "pairs" in wanted:
        return {"pairs": _pairs(content)}
    return _judgements(content) if '<text id="' in content else None  # a session's first look at a server


def _summary(content: str) -> list[str]:
    high, _, rest = content.partition("High:\n")[2].partition("\n\nOrdinary:\n")
    strong, ordinary = (
        [json.loads(line) for line in part.splitlines()] for part in (high, rest.partition("\n\n")[0])
    )
    n = int(re.search(r"Propose (\d+)", content)[1])  # type: ignore[index]

    def lead(said: str) -> float:
        shares = [np.mean([bool(KNOWN[said].search(one)) for one in part]) for part in (strong, ordinary)]
        return float(shares[0] - shares[1]) + 0.1 * unit("summary", said, high)

    return sorted(KNOWN, key=lead, reverse=True)[:n]


def _pairs(content: str) -> list[dict[str, str]]:
    n = int(re.search(r"Write (\d+) pairs", content)[1])  # type: ignore[index]
    said = json.loads(re.search(r'^The text (".*")$', content, re.M)[1])  # type: ignore[index]
    random = np.random.default_rng(int(2**32 * unit("pairs", said)))
    every = LEXICONS | DISTRACTORS
    pairs = []
    for _ in range(n):
        plain = str(random.choice(_PLAIN))
        having = f"{plain}, {clause(said, int(random.integers(10_000)), every)}"
        other = str(random.choice([one for one in [*every, *PATTERNS] if one != said]))
        lacking = f"{plain}, {clause(other, int(random.integers(10_000)), every)}"
        if random.random() < WRONG_PAIRS:  # it does not have what it was to have
            having = f"{lacking} indeed"
        pairs.append({"with": having, "without": lacking})
    return pairs


def _judgements(content: str) -> dict[str, dict[str, str]]:
    texts = dict(re.findall(r'<text id="(t\d+)">\n(.*?)\n</text>', content, re.S))
    asked = dict(re.findall(r"^(q\d+): The text (.*)\.$", content, re.M))

    def answer(text: str, said: str) -> str:
        wrong = unit("judge", text, said) < WRONG_JUDGEMENTS
        return "yes" if bool(KNOWN[said].search(text)) != wrong else "no"

    return {row: {name: answer(text, said) for name, said in asked.items()} for row, text in texts.items()}


def fake(**options: Any) -> FakeLLM:
    return FakeLLM(explainer, **{"name": "explainer"} | options)
