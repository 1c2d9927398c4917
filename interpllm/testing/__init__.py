"""What tests need: a language model that is none, and a check for estimators of texts."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interpllm.testing.check_estimator import check_text_estimator
    from interpllm.testing.fake_llm import FakeLLM
    from interpllm.testing.faults import Fault

_HOME = {
    "FakeLLM": "interpllm.testing.fake_llm",
    "Fault": "interpllm.testing.faults",
    "check_text_estimator": "interpllm.testing.check_estimator",
}

__all__ = ["FakeLLM", "Fault", "check_text_estimator"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'interpllm.testing' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
