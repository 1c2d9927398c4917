"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.contrasts import ContrastExplanation, contrast
from interpllm.explain.counterfactuals import CounterfactualExplanation, counterfactual
from interpllm.explain.ledgers import LocalExplanation

__all__ = [
    "ContrastExplanation",
    "CounterfactualExplanation",
    "Explanation",
    "LocalExplanation",
    "contrast",
    "counterfactual",
]
