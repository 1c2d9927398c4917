"""What tests of text estimators need, for this library's estimators and for those of its users."""

from interpllm.testing.check_estimator import check_text_estimator

__all__ = ["check_text_estimator"]
