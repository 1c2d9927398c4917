"""From rows to conditions to trees, rule lists and rule sets.

Its source is copied as it stands into exported models, below that of ``concept_scoring``. A condition is a
tuple here, its kind first; :mod:`interpllm.runtime.conditions` makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import fsum, log, sqrt
from typing import Any, NamedTuple

from interpllm.runtime.concept_scoring import Cut
from interpllm.runtime.scoring import Scorer, probabilities
from interpllm.runtime.tokens import phrases


class Row:
    """One row: a text, columns, answers to questions; what is looked at twice is worked out once.

    Parameters
    ----------
    text : str
    columns : mapping of str to value
    answers : mapping of str to float
        Id of a question -> its answer, where one is given; NaN is missing.
    stand_ins : mapping of str to Scorer
        What answers the other questions by the text's n-grams.
    values : callable, optional
        Turns the words of the text into the numbers that ``term`` conditions compare and weights multiply.
    """

    def __init__(
        self,
        text: str,
        columns: Mapping[str, Any],
        answers: Mapping[str, float],
        stand_ins: Mapping[str, Scorer],
        values: Callable[[str], Mapping[str, float]] | None = None,
    ) -> None:
        self.text = text
        self.columns = columns
        self.given = answers
        self.stand_ins = stand_ins
        self.cut = Cut(text)
        self._values = values
        self._terms: Mapping[str, float] | None = None

    def answer(self, name: str) -> float:
        """Answer a question: as given, else by its stand-in."""
        return self.given[name] if name in self.given else self.cut.yes(self.stand_ins[name])

    def terms(self) -> Mapping[str, float]:
        """Give the numbers of the phrases that the text has."""
        if self._terms is None:
            self._terms = self._values(self.text) if self._values else {}
        return self._terms


def holds(condition: Sequence[Any], row: Row) -> bool | None:
    """Tell whether a condition holds for a row; None where what it looks at is missing."""
    kind = condition[0]
    if kind == "mentions":
        _, phrases, lo, hi, negated = condition
        return row.cut.phrases(lo, hi).isdisjoint(phrases) is negated
    if kind == "term":
        return compared(row.terms().get(condition[1], 0.0), condition[2], condition[3])
    if kind == "answer":
        answer = row.answer(condition[1])
        return None if answer != answer else (answer > 0.5) is not condition[2]
    value = row.columns[condition[1]]
    if value is None or value != value:
        return None
    if kind == "column":
        return compared(value, condition[2], condition[3])
    return (value in condition[2]) is not condition[3]


def compared(value: float, sign: str, bound: float) -> bool:
    """Compare two numbers."""
    if sign == "<=":
        return value <= bound
    if sign == ">":
        return value > bound
    return value < bound if sign == "<" else value >= bound


def all_hold(conditions: Sequence[Sequence[Any]], row: Row) -> bool:
    """Tell whether all conditions hold; one that cannot be told does not."""
    return all(holds(condition, row) is True for condition in conditions)


class Branch(NamedTuple):
    """One node of a tree.

    Attributes
    ----------
    condition : condition or None
        None at a leaf.
    yes, no : int or None
        Numbers of the nodes that it leads to when it holds and when not; None at a leaf.
    value : tuple of float
        What the node stands for: shares of the classes, a mean, or what it adds to the score.
    n_rows : int
        Training rows that came here.
    missing : {"yes", "no"}
        Where a row goes of which the condition cannot be told.
    """

    condition: Any
    yes: int | None
    no: int | None
    value: tuple[float, ...]
    n_rows: int = 0
    missing: str = "no"


def tree_path(tree: Sequence[Branch], row: Row) -> list[int]:
    """List the numbers of the nodes from the root to the leaf of a row."""
    number = 0
    passed = [number]
    while True:
        condition, yes, no, _, _, missing = tree[number]
        if condition is None or yes is None or no is None:
            return passed
        found = holds(condition, row)
        number = yes if (missing == "yes" if found is None else found) else no
        passed.append(number)


class TreesScorer:
    """Score rows by trees.

    Parameters
    ----------
    trees : sequence of sequence of Branch
        Their conditions are tuples.
    combine : {"mean", "sum"}
        What becomes of the values of the leaves.
    intercept : sequence of float
        Added to a sum.
    """

    def __init__(self, trees: Sequence[Sequence[Branch]], combine: str, intercept: Sequence[float]) -> None:
        self.trees = trees
        self.mean = combine == "mean"
        self.intercept = intercept

    def totals(self, row: Row) -> list[float]:
        """Put the values of a row's leaves together."""
        values = [tree[tree_path(tree, row)[-1]][3] for tree in self.trees]
        if self.mean:
            return [fsum(column) / len(values) for column in zip(*values, strict=True)]
        return [*map(fsum, zip(self.intercept, *values, strict=True))]


class ListScorer:
    """Score rows by the first rule that holds.

    Parameters
    ----------
    rules : sequence of (conditions, value)
    otherwise : sequence of float
        The value where no rule holds.
    """

    def __init__(
        self, rules: Sequence[tuple[Sequence[Any], Sequence[float]]], otherwise: Sequence[float]
    ) -> None:
        self.rules = rules
        self.otherwise = otherwise

    def first(self, row: Row) -> int | None:
        """Give the number of the first rule that holds; None where none does."""
        for number, (conditions, _) in enumerate(self.rules):
            if all_hold(conditions, row):
                return number
        return None

    def totals(self, row: Row) -> list[float]:
        """Give the value of the rule that decides."""
        found = self.first(row)
        return list(self.otherwise if found is None else self.rules[found][1])


class SetScorer:
    """Score rows by the weights of all rules that hold, and by columns and phrases in proportion.

    Parameters
    ----------
    rules : sequence of (conditions, weights)
        One weight an output.
    slopes : sequence of (column, low, high, missing, weights)
        A column's value, kept within `low` and `high`, or `missing` where there is none, times each weight.
    term_weights : mapping of str to sequence of float
        Phrase -> what its number is multiplied by.
    intercept : sequence of float
    """

    def __init__(
        self,
        rules: Sequence[tuple[Sequence[Any], Sequence[float]]],
        slopes: Sequence[tuple[str, float, float, float, Sequence[float]]],
        term_weights: Mapping[str, Sequence[float]],
        intercept: Sequence[float],
    ) -> None:
        self.rules = rules
        self.slopes = slopes
        self.term_weights = term_weights
        self.intercept = intercept

    def parts(self, row: Row) -> list[tuple[int | str, list[float]]]:
        """List what adds to the score: the number of a rule, or after them of a slope, or a phrase."""
        found: list[tuple[int | str, list[float]]] = [
            (number, list(weights))
            for number, (conditions, weights) in enumerate(self.rules)
            if all_hold(conditions, row)
        ]
        for number, (column, low, high, missing, weights) in enumerate(self.slopes, start=len(self.rules)):
            value = row.columns[column]
            number_of = missing if value is None or value != value else min(max(value, low), high)
            found.append((number, [number_of * weight for weight in weights]))
        if self.term_weights:
            for phrase, value in row.terms().items():
                if phrase in self.term_weights:
                    found.append((phrase, [value * weight for weight in self.term_weights[phrase]]))
        return found

    def totals(self, row: Row) -> list[float]:
        """Add up."""
        return [*map(fsum, zip(self.intercept, *(added for _, added in self.parts(row)), strict=True))]


def shares_of(totals: Sequence[float], link: str) -> list[float]:
    """Turn totals into the probabilities of the classes."""
    if link == "share":
        return list(totals)
    if link == "clip":
        share = min(max(totals[0], 0.0), 1.0)
        return [1.0 - share, share]
    return probabilities(totals)


def scores_of(totals: Sequence[float], link: str) -> list[float]:
    """Turn totals into scores: shares of two classes into their difference, anything else as it is."""
    if link == "share":
        return [totals[1] - totals[0]] if len(totals) == 2 else list(totals)
    return [2.0 * totals[0] - 1.0] if link == "clip" else list(totals)


class Terms:
    """Turn a text into numbers, a phrase each, as scikit-learn's vectorizers do.

    Parameters
    ----------
    idf : mapping of str to float
        Phrase -> what its count is multiplied by. Other phrases are not counted.
    cut : callable
        Text -> words.
    ngram_range : (int, int)
    stop_words : container of str
        Words that are left out before phrases are made.
    count : {"binary", "count", "log"}
        1, how often the phrase stands in the text, or 1 + its natural logarithm.
    norm : {"none", "l1", "l2"}
        What the numbers of a text are divided by.
    """

    def __init__(
        self,
        idf: Mapping[str, float],
        cut: Callable[[str], list[str]],
        ngram_range: tuple[int, int],
        stop_words: Sequence[str],
        count: str,
        norm: str,
    ) -> None:
        self.idf = idf
        self.cut = cut
        self.lo, self.hi = ngram_range
        self.stop_words = frozenset(stop_words)
        self.count = count
        self.norm = norm

    def __call__(self, text: str) -> dict[str, float]:
        """Give the phrases of a text that are counted, and their numbers."""
        found = [word for word in self.cut(text) if word not in self.stop_words]
        counts: dict[str, int] = {}
        for n in range(self.lo, self.hi + 1):
            for gram in phrases(found, n):
                if gram in self.idf:
                    counts[gram] = counts.get(gram, 0) + 1
        values = {gram: self.number(n) * self.idf[gram] for gram, n in counts.items()}
        if self.norm == "none" or not values:
            return values
        size = (
            sqrt(fsum(value * value for value in values.values()))
            if self.norm == "l2"
            else fsum(map(abs, values.values()))
        )
        return {gram: value / size for gram, value in values.items()} if size else values

    def number(self, n: int) -> float:
        """Give what a count stands for."""
        if self.count == "log":
            return 1.0 + log(n)
        return 1.0 if self.count == "binary" else float(n)
