"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.contrast import DifferenceExplanation
from interpllm.explain.difference import explain_difference, plan_difference
from interpllm.explain.target import explain_target, plan_target
from interpllm.explain.target_figures import TargetExplanation

__all__ = [
    "DifferenceExplanation",
    "Explanation",
    "TargetExplanation",
    "explain_difference",
    "explain_target",
    "plan_difference",
    "plan_target",
]
