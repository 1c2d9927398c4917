"""How good predictions are on rows that were not trained on, in the two or three figures that are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


def measure(truth: Sequence[Any], predictions: Sequence[Any], regression: bool) -> dict[str, float]:
    """Figures by name.

    Parameters
    ----------
    truth, predictions : sequences of equal length, at least 1
        Labels (compared as they are written: a CSV file cannot tell 1 from "1"), or numbers.
    regression : bool
        Whether they are numbers.

    Returns
    -------
    dict
        "rows", then "accuracy" and "largest class" (accuracy of always saying the most frequent label), or
        "mean absolute error" and "r2" (share of the variance that is predicted; 0.0 where there is none).
    """
    n_rows = len(truth)
    if not regression:
        written = list(map(str, truth))
        hits = sum(map(str.__eq__, written, map(str, predictions)))
        largest = Counter(written).most_common(1)[0][1]
        return {"rows": n_rows, "accuracy": hits / n_rows, "largest class": largest / n_rows}
    errors = [float(a) - float(b) for a, b in zip(truth, predictions, strict=True)]
    mean = sum(map(float, truth)) / n_rows
    variance = sum((float(value) - mean) ** 2 for value in truth)
    return {
        "rows": n_rows,
        "mean absolute error": sum(map(abs, errors)) / n_rows,
        "r2": 1 - sum(error**2 for error in errors) / variance if variance else 0.0,
    }


def sentence(figures: dict[str, float]) -> str:
    """The figures as one line."""
    parts = [f"{name} {value:.3f}" for name, value in figures.items() if name != "rows"]
    return f"{', '.join(parts)} ({figures['rows']:.0f} rows)"
