"""The whole printed form of every kind of model: all that predicts, every number to the last bit.

Models over rows are printed whole by ``str(model)``; sums of n-grams and models of questions are written
here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from interpllm.errors import InputError
from interpllm.runtime.concept_model import ConceptModel
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.features import Question
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.literals import literal
from interpllm.runtime.printing import branches, numbers, question_line, title, training
from interpllm.runtime.row_model import RowModel
from interpllm.runtime.tree_scoring import Node, decision

if TYPE_CHECKING:
    from interpllm.runtime.document import Model

#: How a ConceptLinear makes its score, after the intercept.
ANSWERS = "the sum of weight times answer (no 0, yes 1, a missing one its mean)"

#: The same where n-grams follow, and the line that they stand below.
AND_GRAMS = f"{ANSWERS} plus the score of the n-grams below"
GRAMS = "n-grams for what the questions leave over:"

#: How a ConceptTree takes answers.
BRANCHES = "yes above 0.5; a missing one goes with more rows, to no where as many went either way"


def printed(model: Model) -> str:
    """Print the whole of a model, every number so that it can be read back to the last bit.

    Parameters
    ----------
    model : any kind of model

    Returns
    -------
    str
        What :func:`interpllm.runtime.parse` reads. Stand-ins, evidence and metadata are not printed. Of a
        TreeModel, RuleListModel or RuleSetModel it is ``str(model)``.

    Raises
    ------
    InputError
        If it is no model.

    Examples
    --------
    >>> from interpllm.runtime import LinearModel, printed
    >>> print(printed(LinearModel(task="classification", classes=("bad", "good"), ngram_range=(1, 2),
    ...                           intercept=(-0.5,), weights={"great": (2.0,), "not great": (-3.0,)})))
    LinearModel: classification into "bad", "good"
    score: -0.5 plus the sum of the weights of all distinct n-grams of 1 to 2 words in a text
    weights: log-odds of "good" against "bad"; above 0 says "good"
    n-grams: 2
    <BLANKLINE>
    "not great" adds -3.0
    "great" adds 2.0
    """
    if isinstance(model, RowModel):
        return str(model)
    if isinstance(model, LinearModel):
        lines = _linear(model)
    elif isinstance(model, ConceptLinear):
        lines = _concept_linear(model)
    elif isinstance(model, ConceptTree):
        lines = _concept_tree(model)
    else:
        raise InputError(f"{model!r:.80} is no readable model; give an estimator's model_")
    return "\n".join(lines)


def outputs(classes: Sequence[Any]) -> str:
    """Say what the numbers of a score, and of every weight, speak for."""
    if not classes:
        return "the value"
    names = [*map(literal, classes)]
    if len(names) == 2:
        return f"log-odds of {names[1]} against {names[0]}; above 0 says {names[1]}"
    return f"scores of {', '.join(names)} in this order; the highest says which, softmax how probable"


def gram_sum(lo: int, hi: int, norm: str) -> str:
    """Say how a LinearModel makes its score, after the intercept."""
    by = ", divided by the square root of how many there are" if norm == "sqrt" else ""
    return f"the sum of the weights of all distinct n-grams of {lo} to {hi} words in a text{by}"


def _linear(model: LinearModel) -> Iterator[str]:
    yield title(model)
    yield from training(model)
    yield f"score: {numbers(model.intercept)} plus {gram_sum(*model.ngram_range, model.norm)}"
    yield f"weights: {outputs(model.classes)}"
    yield f"n-grams: {len(model.weights)}"  # so that a table that was cut short is not read as a whole one
    yield ""
    for rule in model.rules():
        yield f"{literal(rule.phrase)} adds {numbers(model.weights[rule.phrase])}"


def _concept_linear(model: ConceptLinear) -> Iterator[str]:
    yield title(model)
    yield from training(model)
    yield f"score: {numbers(model.intercept)} plus {AND_GRAMS if model.residual else ANSWERS}"
    yield f"weights: {outputs(model.classes)}"
    yield from _questions(model)
    yield ""
    told = [(abs(model._lean(row)[1]), q, row) for q, row in zip(model.questions, model.weights, strict=True)]
    for _, question, row in sorted(told, key=lambda one: (-one[0], one[1].id)):
        yield f"{_asked(question)} adds {numbers(row)}"
    if model.residual is not None:
        yield from ("", GRAMS)
        yield from _linear(model.residual)


def _concept_tree(model: ConceptTree) -> Iterator[str]:
    def line(node: Node) -> str:
        what = f"({numbers(node.value)}; {node.n_rows} rows)"
        if node.question is not None:
            return f"if {_asked(model.questions[node.question])} {what}"
        says = literal(model._decide(decision(node.value))) if model.classes else repr(node.value[0])
        return f"-> {says} {what}"

    yield title(model)
    yield from training(model)
    yield f"answers: {BRANCHES}"
    yield from _questions(model)
    yield ""
    yield from branches(model.nodes, line)


def _questions(model: ConceptModel) -> Iterator[str]:
    for question, mean in zip(model.questions, model.means, strict=True):
        yield f"{question_line(question, question.id in model.stand_ins)}; mean: {mean!r}"


def _asked(question: Question) -> str:
    """Name a question in a line of weights or of a tree: by its id, since two can have one wording."""
    return f"yes to {question.id} {literal(question.text)}"
