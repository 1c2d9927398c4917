"""What changed from one model to another: features added, dropped, reworded, and weights that moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from interpllm.errors import InputError
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.features import wording
from interpllm.runtime.ledger import Label
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.model import ReadableModel
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.rule_models import RuleSetModel, said

#: How alike two questions, or two rules, are at least of which one is the other reworded.
_ALIKE = 0.6

#: No more features are compared with one another for being alike: it takes the product of their numbers.
_COMPARED = 400

Values = tuple[float, ...]


class Moved(NamedTuple):
    """A feature that both models have, with other weights.

    Attributes
    ----------
    feature : str
    before, after : tuple of float
        What it adds, once an output; of a path or a rule of a list, the value that it leads to.
    """

    feature: str
    before: Values
    after: Values

    @property
    def by(self) -> float:
        """The largest step of an output."""
        return max(abs(b - a) for a, b in zip(self.before, self.after, strict=True))


class Reworded(NamedTuple):
    """A feature of one model that stands in the other in other words.

    Attributes
    ----------
    before, after : str
    """

    before: str
    after: str


class Flipped(NamedTuple):
    """A row that the two models predict differently.

    Attributes
    ----------
    row : int
        Counted from 0.
    before, after : str, int, float or bool
    """

    row: int
    before: Label
    after: Label


@dataclass(frozen=True)
class Difference:
    """What tells two models apart.

    Attributes
    ----------
    settings : mapping of str to (before, after)
        Parts of the models themselves that differ: kind, task, target, classes, link, intercept, ...
    added, dropped : mapping of str to tuple of float
        Features that only the second, or only the first, model has, with their weights.
    reworded : tuple of Reworded
        These are not among `added` and `dropped`.
    moved : tuple of Moved
        Largest step first.
    flipped : tuple of Flipped or None
        None where no rows were given. Of a regression: rows whose value differs, by more than rounding.
    n_rows : int
        Rows that were given.
    """

    settings: Mapping[str, tuple[Any, Any]]
    added: Mapping[str, Values]
    dropped: Mapping[str, Values]
    reworded: tuple[Reworded, ...]
    moved: tuple[Moved, ...]
    flipped: tuple[Flipped, ...] | None = None
    n_rows: int = 0

    def __bool__(self) -> bool:
        return bool(
            self.settings or self.added or self.dropped or self.reworded or self.moved or self.flipped
        )


def difference(
    before: ReadableModel,
    after: ReadableModel,
    inputs: tuple[Sequence[Any], Sequence[Any]] | None = None,
) -> Difference:
    """Compare two models.

    Parameters
    ----------
    before, after : any kind of model
    inputs : pair of sequences, optional
        What `predict` of each takes for the same rows: (texts or rows, and answers where there are some).

    Returns
    -------
    Difference
        Empty (false) where they read the same.

    Raises
    ------
    InputError
        If rows are given and the models predict different things, or a row cannot be predicted.
    """
    old, new = features_of(before), features_of(after)
    same_outputs = before.classes == after.classes and type(before) is type(after)
    moved = [
        Moved(name, old[name], new[name])
        for name in old
        if name in new and same_outputs and len(old[name]) == len(new[name]) and old[name] != new[name]
    ]
    dropped = {name: value for name, value in old.items() if name not in new}
    added = {name: value for name, value in new.items() if name not in old}
    reworded = list(_reworded(_known_by_id(before), _known_by_id(after), dropped, added))
    for pair in reworded:
        del dropped[pair.before], added[pair.after]
    flipped = None
    if inputs is not None:
        flipped = _flips(before, after, inputs)
    return Difference(
        settings=_settings(before, after),
        added=added,
        dropped=dropped,
        reworded=tuple(reworded),
        moved=tuple(sorted(moved, key=lambda move: (-move.by, move.feature))),
        flipped=flipped if flipped is None else tuple(found for found in flipped if found is not None),
        n_rows=0 if flipped is None else len(flipped),
    )


def features_of(model: ReadableModel) -> dict[str, Values]:
    """List what a model looks at, with what each adds or leads to.

    Parameters
    ----------
    model : any kind of model

    Returns
    -------
    dict of str to tuple of float
        An n-gram, a question, a rule or a path in words -> its numbers. What stands in a model twice is
        numbered.
    """
    if isinstance(model, LinearModel):
        return {f'mentions "{phrase}"': weights for phrase, weights in model.weights.items()}
    if isinstance(model, ConceptLinear):
        found = {
            f"yes to: {question}": weights
            for question, weights in zip(model.questions, model.weights, strict=True)
        }
        return {**found, **(features_of(model.residual) if model.residual else {})}
    assert isinstance(model, ConceptTree | RowModel)
    named: Iterable[tuple[str, Values]] = ((rule.rule, (rule.weight,)) for rule in model.rules())
    if isinstance(model, RuleSetModel):
        named = _rules_of(model)
    counts: dict[str, int] = {}
    features: dict[str, Values] = {}
    for name, value in named:
        counts[name] = counts.get(name, 0) + 1
        features[name if counts[name] == 1 else f"{name} ({counts[name]})"] = value
    return features


def _rules_of(model: RuleSetModel) -> Iterable[tuple[str, Values]]:
    yield from ((said(clause.conditions), clause.value) for clause in model.clauses)
    for column, low, high, missing, value in model.slopes:
        yield f"each unit of {column} within {low} to {high}, missing {missing}", value
    yield from ((f'each unit of value of "{phrase}"', value) for phrase, value in model.term_weights.items())


def _known_by_id(model: ReadableModel) -> dict[str, str]:
    """Give the questions of an additive model by their ids, as its features name them."""
    return {q.id: f"yes to: {q}" for q in model.questions} if isinstance(model, ConceptLinear) else {}


def _reworded(
    old: Mapping[str, str], new: Mapping[str, str], dropped: Mapping[str, Any], added: Mapping[str, Any]
) -> Iterable[Reworded]:
    """Pair dropped features with added ones: of one id, else the most alike. An n-gram has no other words."""
    left = [name for name in dropped if not name.startswith("mentions ") or " and " in name]
    right = [name for name in added if not name.startswith("mentions ") or " and " in name]
    for name, text in old.items():
        if name in new and text in left and new[name] in right:
            left.remove(text)
            right.remove(new[name])
            yield Reworded(text, new[name])
    if len(left) * len(right) > _COMPARED**2:
        return
    pairs = [(_likeness(one, other), one, other) for one in left for other in right]
    for likeness, one, other in sorted(pairs, key=lambda pair: (-pair[0], pair[1:])):
        if likeness < _ALIKE:
            return
        if one in left and other in right:
            left.remove(one)
            right.remove(other)
            yield Reworded(one, other)


def _likeness(one: str, other: str) -> float:
    """Tell how alike two features are in words, from 0 to 1."""
    return SequenceMatcher(None, wording(one).split(), wording(other).split(), autojunk=False).ratio()


def _settings(before: ReadableModel, after: ReadableModel) -> dict[str, tuple[Any, Any]]:
    """Compare the parts that are no features."""
    names = (
        *("task", "target", "classes", "n_rows", "link", "combine", "text", "norm", "ngram_range"),
        *("intercept", "otherwise"),
    )
    pairs: dict[str, tuple[Any, Any]] = {"kind": (type(before).__name__, type(after).__name__)}
    pairs |= {name: (getattr(before, name, None), getattr(after, name, None)) for name in names}
    tables = [dict(getattr(model, "stand_ins", {})) for model in (before, after)]
    pairs["stand-ins"] = (sorted(tables[0]), sorted(tables[1]))
    for name in tables[0].keys() & tables[1].keys():
        if tables[0][name] != tables[1][name]:
            pairs[f"stand-in of {name}"] = (repr(tables[0][name]), f"another {tables[1][name]!r}")
    one, other = (getattr(model, "vectorizer", None) for model in (before, after))
    if one != other:
        old, new = (None if v is None else f"{len(v.idf)} phrases, {v.count}, {v.norm}" for v in (one, other))
        pairs["vectorizer"] = (old, f"another of {new}" if old == new else new)
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _flips(
    before: ReadableModel, after: ReadableModel, inputs: tuple[Sequence[Any], Sequence[Any]]
) -> list[Flipped | None]:
    """Give for each row how its prediction changes; None where it does not."""
    if before.task != after.task or set(before.classes) != set(after.classes):
        raise InputError(
            f"the models predict different things ({before.task} {before.classes!r:.120} and {after.task} "
            f"{after.classes!r:.120}), so that predictions cannot be compared; leave the rows out"
        )
    models: tuple[Any, Any] = (before, after)
    old, new = (model.predict(*given) for model, given in zip(models, inputs, strict=True))
    return [
        Flipped(row, one, other) if _differ(one, other) else None
        for row, (one, other) in enumerate(zip(old, new, strict=True))
    ]


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) > 1e-9 * max(1.0, abs(one), abs(other))
    return bool(one != other)
