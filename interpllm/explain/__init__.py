"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.chain import explain_chain_of_thought, plan_chain_of_thought
from interpllm.explain.chain_result import ChainExplanation
from interpllm.explain.generation import explain_generation, plan_generation
from interpllm.explain.generation_result import GenerationExplanation
from interpllm.explain.segments import sentences

__all__ = [
    "ChainExplanation",
    "Explanation",
    "GenerationExplanation",
    "explain_chain_of_thought",
    "explain_generation",
    "plan_chain_of_thought",
    "plan_generation",
    "sentences",
]
