"""A model as its own document."""

from __future__ import annotations

from pathlib import Path

from interpllm.export.check import Answers, Request, Trial, answers
from interpllm.runtime import Model, dumps, load


def render(model: Model, request: Request) -> str:
    """Write a model as JSON.

    Parameters
    ----------
    model : any kind of model
    request : Request

    Returns
    -------
    str
    """
    return dumps(model)


def rerun(path: Path, trial: Trial) -> Answers:
    """Let the model that is read back from a file answer rows.

    Parameters
    ----------
    path : pathlib.Path
    trial : Trial

    Returns
    -------
    Answers
    """
    return answers(load(path), trial.rows, trial.given)
