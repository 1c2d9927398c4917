"""interpllm: a language model writes the features, you keep the model."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

# Public name -> module that defines it; imported at first use, so that `import interpllm` stays fast.
_HOME = {
    "AugLinearClassifier": "interpllm.estimators",
    "AugLinearRegressor": "interpllm.estimators",
    "AugTreeClassifier": "interpllm.estimators",
    "AugTreeRegressor": "interpllm.estimators",
    "Budget": "interpllm.llm",
    "DistilledClassifier": "interpllm.estimators",
    "DistilledRegressor": "interpllm.estimators",
    "LLMClassifier": "interpllm.estimators",
    "ConceptLinearClassifier": "interpllm.estimators",
    "ConceptLinearRegressor": "interpllm.estimators",
    "ConceptSet": "interpllm.runtime",
    "ConceptTreeClassifier": "interpllm.estimators",
    "ConceptTreeRegressor": "interpllm.estimators",
    "ConceptVectorizer": "interpllm.estimators",
    "PromptTreeClassifier": "interpllm.estimators",
    "RuleBook": "interpllm.runtime",
    "RuleListClassifier": "interpllm.estimators",
    "RuleSetClassifier": "interpllm.estimators",
    "RuleSetRegressor": "interpllm.estimators",
    "Session": "interpllm.llm",
    "connect": "interpllm.llm",
    "from_imodels": "interpllm.estimators",
    "from_sklearn": "interpllm.estimators",
    "load": "interpllm.runtime",
}
_MODULES = ["audit", "datasets", "errors", "estimators", "explain", "export", "llm", "runtime", "testing"]

__all__ = sorted([*_HOME, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES:
        return importlib.import_module(f"interpllm.{name}")
    raise AttributeError(f"module 'interpllm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
