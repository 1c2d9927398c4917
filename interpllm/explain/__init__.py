"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.generation import explain_generation, plan_generation
from interpllm.explain.generation_result import GenerationExplanation
from interpllm.explain.segments import sentences

__all__ = ["Explanation", "GenerationExplanation", "explain_generation", "plan_generation", "sentences"]
