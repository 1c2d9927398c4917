"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.chain import explain_chain_of_thought, plan_chain_of_thought
from interpllm.explain.chain_result import ChainExplanation
from interpllm.explain.contrasts import ContrastExplanation, contrast
from interpllm.explain.counterfactuals import CounterfactualExplanation, counterfactual
from interpllm.explain.difference import explain_difference, plan_difference
from interpllm.explain.difference_figures import DifferenceExplanation
from interpllm.explain.generation import explain_generation, plan_generation
from interpllm.explain.generation_result import GenerationExplanation
from interpllm.explain.ledgers import LocalExplanation
from interpllm.explain.module import explain_module, plan_module
from interpllm.explain.module_explanation import ModuleExplanation
from interpllm.explain.overview import GlobalExplanation
from interpllm.explain.segments import sentences
from interpllm.explain.target import explain_target, plan_target
from interpllm.explain.target_figures import TargetExplanation
from interpllm.explain.terms import explain_terms, plan_terms

__all__ = [
    "ChainExplanation",
    "ContrastExplanation",
    "CounterfactualExplanation",
    "DifferenceExplanation",
    "Explanation",
    "GenerationExplanation",
    "GlobalExplanation",
    "LocalExplanation",
    "ModuleExplanation",
    "TargetExplanation",
    "contrast",
    "counterfactual",
    "explain_chain_of_thought",
    "explain_difference",
    "explain_generation",
    "explain_module",
    "explain_target",
    "explain_terms",
    "plan_chain_of_thought",
    "plan_difference",
    "plan_generation",
    "plan_module",
    "plan_target",
    "plan_terms",
    "sentences",
]
