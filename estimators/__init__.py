"""Estimators: one family a file."""

from interpllm.estimators.aug_linear import AugLinearClassifier, AugLinearRegressor

__all__ = ["AugLinearClassifier", "AugLinearRegressor"]
