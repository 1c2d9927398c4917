"""The parts of a model, checked and brought to one form, whether a fit or a stranger's file gives them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import isfinite
from operator import index
from typing import Any

from interpllm.errors import InputError
from interpllm.runtime.evidence import Evidence
from interpllm.runtime.ledger import Label
from interpllm.runtime.tokens import words

#: No n-gram is longer: a bound on the work that a model file can ask for.
MAX_ORDER = 10

#: No number of a model is larger, so that no sum of them overflows.
MAX_NUMBER = 1e100

#: No whole number is longer.
MAX_DIGITS = 20

#: Metadata nests no deeper.
MAX_DEPTH = 20


def texts(values: Iterable[str]) -> list[str]:
    """Check that every row is a text.

    Raises
    ------
    InputError
        If one is not; the message names the first such row.
    """
    if isinstance(values, str | bytes):
        raise InputError("one text was given where a list of texts is expected; put it in a list: [text]")
    rows = list(values)
    for number, row in enumerate(rows):
        if not isinstance(row, str):
            raise InputError(
                f"row {number} is not a text but {row!r:.60} ({type(row).__name__}); "
                "drop such rows, or replace what is missing by an empty string"
            )
    return rows


def require(condition: bool, message: str) -> None:
    """Raise InputError with the message unless the condition holds."""
    if not condition:
        raise InputError(message)


def labels(classes: Sequence[Any], task: str) -> tuple[Label, ...]:
    """Check the classes of a model: at least two distinct ones for classification, none for regression."""
    if task == "regression":
        require(len(classes) == 0, "a regression model has no classes; leave classes empty")
        return ()
    found = tuple(map(label, classes))
    require(len(found) >= 2, f"a classification model needs at least two classes, got {len(found)}")
    require(len(set(found)) == len(found), "classes are not distinct; give each class once")
    return found


def label(value: Any) -> Label:
    """Unwrap numpy's scalars, without knowing numpy, so that a label survives the way through JSON."""
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, int | float):
        require(abs(plain) < 10**MAX_DIGITS, f"class {value!r:.80} is not finite, or too large")
    else:
        require(isinstance(plain, str), f"class {value!r:.80} is not a string, a number or a boolean")
    return plain


def whole(value: Any, what: str) -> int:
    """Check a whole number that is not negative; numpy's are unwrapped."""
    try:
        found = index(value)
    except TypeError:
        raise InputError(f"{what} is a whole number, not {value!r:.80}") from None
    require(0 <= found < 2**63, f"{what} is a whole number from 0, not {value!r:.80}")
    return found


def short_int(digits: str) -> int:
    """Read a whole number of JSON; refuse one that nothing means and that is slow to read."""
    require(
        len(digits.lstrip("-")) <= MAX_DIGITS,
        f"a whole number has {len(digits)} digits; {MAX_DIGITS} are enough",
    )
    return int(digits)


def orders(ngram_range: Sequence[int]) -> tuple[int, int]:
    """Check the smallest and largest number of words of an n-gram."""
    bounds = tuple(whole(bound, "each end of ngram_range") for bound in ngram_range)
    require(
        len(bounds) == 2 and 1 <= bounds[0] <= bounds[1] <= MAX_ORDER,
        f"ngram_range is (smallest, largest) within 1 to {MAX_ORDER}, not {bounds}",
    )
    return bounds[0], bounds[1]


def numbers(values: Iterable[float], what: str) -> tuple[float, ...]:
    """Check that every number is finite and small enough that sums cannot overflow."""
    try:
        found = tuple(map(float, values))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{what} is not a row of numbers: {error}") from None
    require(_summable([found]), f"{what} has a number that is not finite: {found}")
    return found


def _summable(rows: Iterable[tuple[float, ...]]) -> bool:
    """Tell whether all numbers of a table can be summed, without a step of Python for each."""
    flat = [*chain.from_iterable(rows)]
    return all(map(isfinite, flat)) and max(map(abs, flat), default=0.0) <= MAX_NUMBER


def table(
    weights: Mapping[str, Sequence[float]], n_outputs: int, ngram_range: tuple[int, int]
) -> dict[str, tuple[float, ...]]:
    """Check the table: every phrase can occur in a text, every row has a number for each output."""
    lo, hi = ngram_range
    for phrase in weights:
        found = words(phrase) if isinstance(phrase, str) else []
        if " ".join(found) != phrase or not lo <= len(found) <= hi:
            raise InputError(
                f"phrase {phrase!r:.200} is found in no text: phrases are {lo} to {hi} lower-case words "
                "joined by single spaces, as interpllm.runtime.tokens.ngrams gives them"
            )
    try:
        rows = {phrase: tuple(map(float, row)) for phrase, row in weights.items()}
    except (TypeError, ValueError, OverflowError):
        rows = {}
    if len(rows) < len(weights) or set(map(len, rows.values())) - {n_outputs} or not _summable(rows.values()):
        for phrase, row in weights.items():  # only now that one is wrong: which?
            what = f"the row of phrase {phrase!r:.200}"
            n = len(numbers(row, what))
            require(n == n_outputs, f"{what} has {n} numbers for {n_outputs} outputs")
    return rows


def evidence(
    entries: Mapping[str, Sequence[Any]], phrases: Mapping[str, Any], n_rows: int
) -> dict[str, Evidence]:
    """Check what the training rows say about phrases, or questions; leave out empty entries."""
    found = {}
    for phrase, entry in entries.items():
        if phrase not in phrases:
            raise InputError(f"evidence names {phrase!r:.200}, which has no weight")
        support, precision, examples, interval = Evidence(*entry)
        many = isinstance(examples, Sequence) and not isinstance(examples, str | bytes)
        require(many, f"the examples of {phrase!r:.200} are a list of rows, not {examples!r:.80}")
        # Examples are rows of what was given to fit, of which some may not have been learned from.
        if not 0 <= support <= n_rows:
            raise InputError(
                f"the evidence of {phrase!r:.200} does not fit n_rows={n_rows}: support {support}"
            )
        if support:
            what = f"an example of {phrase!r:.200}"
            found[phrase] = Evidence(
                index(support),
                None if precision is None or not isfinite(precision) else float(precision),
                tuple(whole(example, what) for example in examples),
                None if interval is None else _ends(interval, phrase),
            )
    return found


def _ends(interval: Sequence[Any], phrase: str) -> tuple[float, float]:
    ends = numbers(interval, f"the interval of {phrase!r:.200}")
    require(len(ends) == 2 and ends[0] <= ends[1], f"the interval of {phrase!r:.200} has no two ends: {ends}")
    return ends[0], ends[1]


def metadata(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Copy metadata through JSON, so that it is what a file will hold and nobody else can change it."""
    try:
        text = json.dumps(dict(meta), allow_nan=False, ensure_ascii=False)
        found = json.loads(text, parse_int=short_int)
    except InputError:
        raise
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            f"meta is not JSON ({error}); use strings, finite numbers, booleans, None, lists, dicts"
        ) from None
    encodable(text)
    require(_depth(found) <= MAX_DEPTH, f"meta nests deeper than {MAX_DEPTH} levels")
    return found


def _depth(value: Any) -> int:
    """Count the levels of nested lists and dictionaries; level by level, so as not to need a deep stack."""
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        level = [x for item in level for x in (item.values() if isinstance(item, dict) else item)]
    return depth


def encodable(*strings: str) -> None:
    """Check that strings can be written as UTF-8: half of a surrogate pair cannot."""
    for string in strings:
        try:
            string.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{string!r:.200} holds half a character (a lone surrogate); it cannot be written"
            ) from None
