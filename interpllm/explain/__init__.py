"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation
from interpllm.explain.module import explain_module, plan_module
from interpllm.explain.module_explanation import ModuleExplanation

__all__ = ["Explanation", "ModuleExplanation", "explain_module", "plan_module"]
