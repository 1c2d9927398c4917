"""A model as its own document."""

from __future__ import annotations

from pathlib import Path

from interpllm.export.check import Answers, Given, answers
from interpllm.runtime import Model, dumps, load


def render(model: Model, name: str = "model.json") -> str:
    """Write a model as JSON.

    Parameters
    ----------
    model : LinearModel, ConceptLinear or ConceptTree
    name : str
        Name of the file; a document does not mention it.

    Returns
    -------
    str
    """
    return dumps(model)


def rerun(path: Path, texts: list[str], given: Given) -> Answers:
    """Let the model that is read back from a file answer texts.

    Parameters
    ----------
    path : pathlib.Path
    texts : list of str
    given : dict of str to list
        Answers to the questions that the model cannot answer itself.

    Returns
    -------
    Answers
    """
    return answers(load(path), texts, given)
