"""Explanations that are computed or checked, on rows that the explainer never saw, against a null."""

from interpllm.explain.base import Explanation

__all__ = ["Explanation"]
