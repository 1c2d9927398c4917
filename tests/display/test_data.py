"""Results as JSON: what is no number is null, and nothing else changes."""

from __future__ import annotations

import json

import numpy as np

from interpllm.display import as_json


def test_what_is_no_number_is_null() -> None:
    found = as_json(
        {"a": float("nan"), "b": np.float64("inf"), "c": np.array([1, 2]), "d": (np.bool_(True), None)}
    )
    assert json.loads(found) == {"a": None, "b": None, "c": [1, 2], "d": [True, None]}
