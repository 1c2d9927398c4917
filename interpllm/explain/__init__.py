"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.contrasts import ContrastExplanation, contrast
from interpllm.explain.counterfactuals import CounterfactualExplanation, counterfactual
from interpllm.explain.difference import explain_difference, plan_difference
from interpllm.explain.difference_figures import DifferenceExplanation
from interpllm.explain.ledgers import LocalExplanation
from interpllm.explain.overview import GlobalExplanation
from interpllm.explain.target import explain_target, plan_target
from interpllm.explain.target_figures import TargetExplanation
from interpllm.explain.terms import explain_terms, plan_terms

__all__ = [
    "ContrastExplanation",
    "CounterfactualExplanation",
    "DifferenceExplanation",
    "Explanation",
    "GlobalExplanation",
    "LocalExplanation",
    "TargetExplanation",
    "contrast",
    "counterfactual",
    "explain_difference",
    "explain_target",
    "explain_terms",
    "plan_difference",
    "plan_target",
    "plan_terms",
]
