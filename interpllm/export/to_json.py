"""A model as its own document."""

from __future__ import annotations

from pathlib import Path

from interpllm.export.check import Answers, answers
from interpllm.runtime import LinearModel, dumps, load


def render(model: LinearModel, name: str = "model.json") -> str:
    """Write a model as JSON.

    Parameters
    ----------
    model : LinearModel
    name : str
        Name of the file; a document does not mention it.

    Returns
    -------
    str
    """
    return dumps(model)


def rerun(path: Path, texts: list[str]) -> Answers:
    """Let the model that is read back from a file answer texts.

    Parameters
    ----------
    path : pathlib.Path
    texts : list of str

    Returns
    -------
    Answers
    """
    return answers(load(path), texts)
