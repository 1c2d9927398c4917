"""What a module responds to: its numbers for texts, and for the stretches that texts are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interpllm.errors import InputError
from interpllm.runtime.features import one_line
from interpllm.runtime.tokens import spans, words

Array = NDArray[np.float64]

#: A module: texts in, one number a text out.
Module = Callable[[list[str]], ArrayLike]

WORDS = (1, 3)
"""Fewest and most words of a stretch; SASC takes three."""
N_STRONG, N_ORDINARY = 30, 30
"""Stretches that are shown to the language model."""
_LONGEST = 120
_NTH = 5


@dataclass(frozen=True)
class Stretches:
    """Stretches of texts by how strongly a module responds to them.

    Attributes
    ----------
    strong : tuple of str
        The strongest, one of those that say the same with fewer or more words, strongest first.
    strengths : tuple of float
        The module's number for each.
    ordinary : tuple of str
        Some to which it responds no more than to most.
    n : int
        Stretches that were measured.
    """

    strong: tuple[str, ...]
    strengths: tuple[float, ...]
    ordinary: tuple[str, ...]
    n: int


def respond(f: Module, texts: Sequence[str], name: str = "the module") -> Array:
    """The numbers that a module gives texts.

    Parameters
    ----------
    f : callable
    texts : sequence of str, (n_texts,)
    name : str
        What messages call it.

    Returns
    -------
    array (n_texts,)
        NaN where it gives none.

    Raises
    ------
    InputError
        When it does not give one finite number, or NaN, a text.
    """
    if not len(texts):
        return np.zeros(0)
    given: Any = f(list(texts))
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{name} must give one number a text; what it gave are no numbers ({error})."
        ) from None
    if values.shape == (len(texts), 1):
        values = values[:, 0]
    if values.shape != (len(texts),):
        raise InputError(
            f"{name} must give one number a text: an array of shape ({len(texts)},), not {values.shape}. "
            "Choose one column, such as f = lambda texts: vectors(texts)[:, 7]."
        )
    if np.isinf(values).any():
        text = texts[int(np.flatnonzero(np.isinf(values))[0])]
        raise InputError(f"{name} gives no finite number for {text!r:.80}; bound what it gives, or give NaN.")
    return values


def stretches(
    texts: Sequence[str], most: int, random_state: int = 0, responses: Array | None = None
) -> list[str]:
    """The distinct runs of one to three words of texts, as they are written there.

    Parameters
    ----------
    texts : sequence of str, (n_texts,)
    most : int
        The most frequent are kept; among equally frequent ones chance decides.
    random_state : int
        Its seed.
    responses : array (n_texts,), optional
        A module's numbers for the texts. Those of the texts with strong ones come first, up to half of all:
        what few texts have is not frequent, and would be left out with the rest.

    Returns
    -------
    list of str
        With the signs that stand inside, such as those of an address or an amount of money.
    """
    found = _by_frequency(texts, random_state)
    if responses is None or np.isnan(responses).all():
        return found[:most]
    cut = strong_from(responses)
    strong = [text for text, response in zip(texts, responses, strict=True) if response >= cut]
    first = _by_frequency(strong, random_state)[: most // 2]
    return list(dict.fromkeys([*first, *found]))[:most]


def _by_frequency(texts: Sequence[str], random_state: int) -> list[str]:
    found: Counter[str] = Counter()
    for text in texts:
        places = spans(text, *WORDS).values()
        here = {one_line(text[start:end]) for of_one in places for start, end in of_one}
        found.update(sorted(one for one in here if len(one) <= _LONGEST))
    counts = np.array([*found.values()], dtype=float)
    chance = np.random.default_rng(random_state).random(len(counts))
    listed = list(found)
    return [listed[place] for place in np.lexsort((chance, -counts))]


def strong_from(values: Array) -> float:
    """From which response on it is strong.

    Parameters
    ----------
    values : array (n,)
        Responses that differ; NaN is left out.

    Returns
    -------
    float
        Half way from the median to the fifth strongest: above that are few where a module responds to few
        texts, and more where responses are graded. A single strongest one could be an accident. Where fewer
        than five exceed the median, the smallest that does; where none does, the median itself.
    """
    there = np.sort(values[~np.isnan(values)])
    middle = float(np.median(there))
    cut = middle + (float(there[-min(_NTH, len(there))]) - middle) / 2
    above = there[there > middle]
    return cut if cut > middle else float(above[0]) if len(above) else middle


def strongest(f: Module, candidates: Sequence[str], name: str, random_state: int = 0) -> Stretches:
    """Measure stretches, and choose those that are shown.

    Parameters
    ----------
    f : callable
    candidates : sequence of str
    name : str
    random_state : int
        Seed of the choice of ordinary ones.

    Returns
    -------
    Stretches
        None strong where the module responds alike to all of them.
    """
    values = respond(f, candidates, name)
    there = np.flatnonzero(~np.isnan(values))
    spread = float(np.std(values[there])) if len(there) else 0.0
    if spread == 0:
        return Stretches((), (), (), len(candidates))
    # Rounded, so that what differs in the last bits on another machine stands in the same order there.
    rounded = np.round(values / spread, 6)
    order = sorted(there.tolist(), key=lambda place: (-rounded[place], candidates[place]))
    cut = strong_from(rounded)
    strong = _different([place for place in order if rounded[place] >= cut], candidates)
    middle = float(np.median(rounded[there]))
    low = sorted(candidates[place] for place in order if rounded[place] <= middle and rounded[place] < cut)
    drawn = np.random.default_rng(random_state).permutation(len(low))[:N_ORDINARY]
    return Stretches(
        tuple(candidates[place] for place in strong),
        tuple(float(values[place]) for place in strong),
        tuple(low[place] for place in drawn),
        len(candidates),
    )


def _different(order: Sequence[int], candidates: Sequence[str]) -> list[int]:
    """The first of the order, before all those that do not only add words to another or leave some out."""
    kept: list[int] = []
    seen: list[set[str]] = []
    for place in order:
        own = set(words(candidates[place]))
        if len(kept) < N_STRONG and not any(own <= other or other <= own for other in seen):
            kept.append(place)
            seen.append(own)
    shown = set(kept)
    rest = [place for place in order if place not in shown]
    return sorted([*kept, *rest[: N_STRONG - len(kept)]], key=order.index)
