"""Models that were printed, read back: what :func:`interpllm.runtime.printed` shows is the model.

The lines above the first empty one say what is predicted; below stand nodes, rules or weights, in the
grammar of :mod:`interpllm.runtime.grammar`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from interpllm.errors import DocumentError, InputError
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.features import Question
from interpllm.runtime.header_parsing import At, Lines, Parts, read_header
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.row_parsing import read_list, read_set, read_tree
from interpllm.runtime.rule_models import RuleListModel, RuleSetModel
from interpllm.runtime.sum_parsing import read_concept_linear, read_concept_tree, read_linear
from interpllm.runtime.trees import TreeModel
from interpllm.runtime.whole import GRAMS

if TYPE_CHECKING:
    from interpllm.runtime.document import Model

#: No printed model is longer.
MAX_CHARACTERS = 64 * 2**20


class Kind(NamedTuple):
    """How one kind of model is read.

    Attributes
    ----------
    model : type
    read : callable
        (lines below the header, questions, parts of the header) -> the other parts.
    needs, may : tuple of str
        Lines of the header that have to be there, and that can.
    """

    model: type[Any]
    read: Callable[[Lines, list[Question], Parts], Parts]
    needs: tuple[str, ...]
    may: tuple[str, ...]


def parse(text: str) -> Model:
    """Read a model as it was printed.

    Parameters
    ----------
    text : str
        What :func:`interpllm.runtime.printed` gives; of a TreeModel, RuleListModel or RuleSetModel also
        ``str(model)``.

    Returns
    -------
    model
        It predicts as the printed one did, answers to its questions given; stand-ins, evidence and metadata
        are not printed.

    Raises
    ------
    DocumentError
        If it is no printed model; the message names the line.
    """
    if not isinstance(text, str):
        raise DocumentError(f"a printed model is a string, not {text!r:.80}")
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(f"the printed model is longer than {MAX_CHARACTERS} characters")
    lines = [*enumerate(text.split("\n"))]
    grams = next((number for number, line in lines if line == GRAMS), None)
    try:
        if grams is None:
            return _model(lines)
        return _model(lines[:grams], _model(lines[grams + 1 :], only="LinearModel"))
    except At as error:
        raise DocumentError(f"line {error.line + 1} of the printed model: {error}") from None
    except InputError as error:
        raise DocumentError(f"the printed model: {error}") from None


def _model(lines: Lines, residual: LinearModel | None = None, only: str = "") -> Any:
    """Read one model; `residual` are the n-grams below it, `only` is the kind that belongs here."""
    first, line = lines[0] if lines else (0, "")
    name = line.partition(": ")[0]
    if name not in _KINDS or only not in ("", name):
        raise At(
            first, f"{name!r:.80} is no kind of model that can stand here, only {only or ', '.join(_KINDS)}"
        )
    kind = _KINDS[name]
    row_model = issubclass(kind.model, RowModel)
    try:
        parts, questions, rest = read_header(lines, row_model, kind.needs, kind.may)
    except At as error:
        if row_model:
            raise
        raise At(
            error.line,
            f"{error}. str(model) of a {name} is not printed whole; interpllm.runtime.printed(model) is",
        ) from None
    found = kind.read([(n, line) for n, line in rest if line.strip()], questions, parts)
    if parts.pop("_gram_lines", False) != (residual is not None):
        raise At(lines[-1][0], f"whether n-grams follow below {GRAMS!r} is not as the score has it")
    if residual is not None:
        found["residual"] = residual
    return kind.model(**parts, **found)


_ROW = ("training", "text", "question", "vectorizer")

_KINDS = {
    "LinearModel": Kind(LinearModel, read_linear, ("score", "weights", "n-grams"), ("training",)),
    "ConceptLinear": Kind(ConceptLinear, read_concept_linear, ("score", "weights"), ("training", "question")),
    "ConceptTree": Kind(ConceptTree, read_concept_tree, ("answers",), ("training", "question")),
    "TreeModel": Kind(TreeModel, read_tree, (), (*_ROW, "trees")),
    "RuleListModel": Kind(RuleListModel, read_list, (), _ROW),
    "RuleSetModel": Kind(RuleSetModel, read_set, ("intercept",), _ROW),
}
