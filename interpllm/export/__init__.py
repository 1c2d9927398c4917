"""A model as a file that runs elsewhere. An export that would answer otherwise than the model is not written.

Each format is a file here with two functions: ``render(model, name) -> str`` gives the content, and
``rerun(path, texts, given) -> Answers`` lets the written file answer texts, given answers to the questions
that the model cannot answer itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from interpllm.errors import InputError
from interpllm.export import check, to_json, to_python
from interpllm.runtime import Model
from interpllm.runtime.checks import texts as checked_texts
from interpllm.runtime.envelope import write_atomically

__all__ = ["export"]

_FORMATS: dict[str, ModuleType] = {"json": to_json, "python": to_python}
_SUFFIXES = {".json": "json", ".py": "python"}


def export(
    model: Model, path: str | os.PathLike[str], format: str | None = None, sample: Iterable[str] = ()
) -> Path:
    """Write a model to a file, after the file has shown that it answers as the model does.

    Parameters
    ----------
    model : LinearModel, ConceptLinear or ConceptTree
        One whose questions need a language model goes to JSON only, and its file needs answers to predict.
    path : str or path
        Suffix .json: the model's document, for :func:`interpllm.runtime.load`. Suffix .py: one Python file
        that needs nothing else and predicts by itself.
    format : {"json", "python"}, optional
        Whatever the suffix says.
    sample : iterable of str
        Texts to try the file on, besides built-in ones and ones that mention every phrase of the model.

    Returns
    -------
    pathlib.Path
        The path as it was given.

    Raises
    ------
    InputError
        If the format is not known, or the path cannot be a file.
    ExportError
        If a score or a probability differs by more than 1e-9, or a label at all, or the file has to predict
        by itself and the model has questions that need a language model; no file is written then.
    """
    chosen = format or _SUFFIXES.get(Path(path).suffix.lower(), "")
    if chosen not in _FORMATS:
        raise InputError(
            f"cannot tell a format from {os.fspath(path)!r} and format={format!r}; "
            f"use the suffix {' or '.join(_SUFFIXES)}, or format={' or '.join(map(repr, _FORMATS))}"
        )
    renderer = _FORMATS[chosen]
    trial = check.trial_texts(model, checked_texts(sample))
    given = check.trial_answers(model, len(trial))
    source = renderer.render(model, Path(path).name)

    def accept(written: Path) -> None:
        check.compare(check.answers(model, trial, given), renderer.rerun(written, trial, given), trial)

    return write_atomically(path, source.encode(), accept)
