"""What a judge of a printed model is shown: rows, changed rows, and the model as it is, shuffled, or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.audit.counterfactuals import Row, counterfactuals
from interpllm.audit.shuffles import SHOWN, shuffled
from interpllm.audit.subject import Subject
from interpllm.errors import InputError
from interpllm.propose.rounds import check_counts
from interpllm.runtime import LinearModel, printed

ARMS = ("without", "with", "shuffled")
SETS = ("unseen rows", "changed rows")


@dataclass(frozen=True)
class Trial:
    """What a judge is shown, and what it should say.

    Attributes
    ----------
    model : model of `interpllm.runtime`
    rows : list of str or mapping
        Unseen rows, then changed ones.
    truth : list
        What the model predicts of each.
    source : array of int
        The unseen row that each row is, or was made of.
    n_unseen : int
    printed : mapping of str to str or None
        Arm -> what is shown. There is no arm "shuffled" where nothing can be shuffled.
    share_printed : float
        How much of the model is printed: by weight of its n-grams, else by lines.
    share_flipped : float
        Changed rows that the model decides otherwise.
    """

    model: Any
    rows: list[Row]
    truth: list[Any]
    source: NDArray[np.intp]
    n_unseen: int
    printed: Mapping[str, str | None]
    share_printed: float
    share_flipped: float

    @property
    def sets(self) -> list[list[Row]]:
        """Unseen and changed rows, apart: nobody is shown a row beside what was made of it."""
        return [rows for rows in (self.rows[: self.n_unseen], self.rows[self.n_unseen :]) if rows]


def trial_of(model: Any, X: Any, n_rows: int, max_characters: int | None, random_state: int) -> Trial:
    """Choose rows, change them, and print the model.

    Parameters
    ----------
    model, X, n_rows, max_characters, random_state
        As for `interpllm.audit.simulatability.simulatability`, with its errors.

    Returns
    -------
    Trial
    """
    check_counts(n_rows=n_rows, max_characters=1 if max_characters is None else max_characters)
    subject = Subject(model, X)
    if subject.regression:
        raise InputError("Simulatability is measured of models that predict classes, not of a regression.")
    model = subject.model
    unseen = _balanced(subject.rows, subject.predictions, n_rows, random_state)
    changed = counterfactuals(model, unseen, random_state)
    other = shuffled(model, random_state, whole=max_characters is None)
    told = {"without": None, "with": _told(model, max_characters)}
    if other is not None:
        told["shuffled"] = _told(other, max_characters)
    return Trial(
        model,
        [*unseen, *(one.row for one in changed)],
        [*model.predict(unseen), *(one.prediction for one in changed)],
        np.array([*range(len(unseen)), *(one.source for one in changed)], dtype=np.intp),
        len(unseen),
        told,
        1.0 if max_characters is None else _share_printed(model, told["with"] or ""),
        float(np.mean([one.flipped for one in changed])) if changed else float("nan"),
    )


def _balanced(rows: Sequence[Row], predictions: Sequence[Any], n: int, random_state: int) -> list[Row]:
    """Distinct rows, in turn of each prediction, in random order."""
    random = np.random.default_rng(random_state)
    by_label: dict[Any, dict[str, Row]] = {}
    for place in random.permutation(len(rows)):
        by_label.setdefault(predictions[place], {}).setdefault(repr(rows[place]), rows[place])
    waiting = [list(found.values()) for _, found in sorted(by_label.items(), key=lambda item: str(item[0]))]
    chosen: list[Row] = []
    while len(chosen) < n and any(waiting):
        chosen += [found.pop() for found in waiting if found][: n - len(chosen)]
    return chosen


def _told(model: Any, most: int | None) -> str:
    """The printed model: whole, or as much of its usual form as may be shown."""
    if most is None:
        return printed(model)
    text = str(model)
    if len(text) <= most:
        return text
    lines = text[: most + 1].split("\n")[:-1]
    return "\n".join(lines) or text[:most]


def _share_printed(model: Any, printed: str) -> float:
    """How much of a model is shown: of a table of n-grams by size of weights, else by lines."""
    kept = printed.count("\n") + 1
    total = str(model).count("\n") + 1
    if isinstance(model, LinearModel):
        sizes = [abs(rule.weight) for rule in model.rules()]
        below = max(0, kept - (total - min(len(sizes), SHOWN) - (len(sizes) > SHOWN)))
        return sum(sizes[: min(below, SHOWN)]) / (sum(sizes) or 1.0)
    return kept / total
