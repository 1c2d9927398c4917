"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.contrasts import ContrastExplanation, contrast
from interpllm.explain.counterfactuals import CounterfactualExplanation, counterfactual
from interpllm.explain.ledgers import LocalExplanation
from interpllm.explain.overview import GlobalExplanation
from interpllm.explain.terms import explain_terms, plan_terms

__all__ = [
    "ContrastExplanation",
    "CounterfactualExplanation",
    "Explanation",
    "GlobalExplanation",
    "LocalExplanation",
    "contrast",
    "counterfactual",
    "explain_terms",
    "plan_terms",
]
