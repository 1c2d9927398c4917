"""One door to language models: connect to one, ask it, and keep every reply that was paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interpllm.llm.base import LanguageModel, Reply, Request, Usage
from interpllm.llm.budget import Budget, Prices
from interpllm.llm.connect import as_session, connect
from interpllm.llm.folders import cache_folder
from interpllm.llm.jsonl import export_replies, import_replies
from interpllm.llm.plan import Plan
from interpllm.llm.probe import Finding, ProbeResult
from interpllm.llm.session import Session
from interpllm.llm.store import Store, replies_path

if TYPE_CHECKING:
    from interpllm.llm.finetuning import finetune

__all__ = [
    "Budget",
    "Finding",
    "LanguageModel",
    "Plan",
    "Prices",
    "ProbeResult",
    "Reply",
    "Request",
    "Session",
    "Store",
    "Usage",
    "as_session",
    "cache_folder",
    "connect",
    "export_replies",
    "finetune",
    "import_replies",
    "replies_path",
]


def __getattr__(name: str) -> Any:
    if name == "finetune":  # brings torch, so only when it is asked for
        from interpllm.llm.finetuning import finetune

        return finetune
    raise AttributeError(f"module 'interpllm.llm' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
