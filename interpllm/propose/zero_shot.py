"""What a language model says of a text before it has seen labels: how likely each class is named next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.llm import Session


def cues(templates: Sequence[str]) -> list[str]:
    """Those templates that end by asking for the class: only behind them its name is likely."""
    return [template for template in templates if template.endswith(":")]


def prompts(texts: Sequence[str], template: str) -> list[str]:
    """What the model reads of each text."""
    return [template.replace("{text}", text) for text in texts]


def options(names: Sequence[str]) -> list[str]:
    """The class names as they would be written on."""
    return [f" {name}" for name in names]


def zero_shot(
    session: Session,
    texts: Sequence[str],
    template: str,
    names: Sequence[str],
    progress: Callable[[int], Any] | None = None,
) -> NDArray[np.float64]:
    """Log-probabilities of class names behind each text, less their mean, (n_texts, n_names).

    They are not calibrated: a model may like one name more whatever the text is. Who uses them learns an
    intercept and a slope a class.

    Parameters
    ----------
    session : Session
        With the verb ``score``.
    texts : sequence of str, (n_texts,)
    template : str
        One of :func:`cues`, with ``{text}``.
    names : sequence of str, (n_names,)
    progress : callable, optional

    Returns
    -------
    ndarray, (n_texts, n_names)
        Zeros, which say nothing, where a reply failed; the session's usage counts those.
    """
    said = session.score(prompts(texts, template), options(names), progress=progress)
    return np.nan_to_num(said - said.mean(axis=1, keepdims=True), nan=0.0)
