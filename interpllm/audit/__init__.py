"""Figures that try to break a model and its explanations, each beside a null or with an interval."""

from interpllm.audit.base import Finding, Measure
from interpllm.audit.display import display
from interpllm.audit.faithfulness import faithfulness
from interpllm.audit.invariance import invariance
from interpllm.audit.leakage import leakage
from interpllm.audit.report import Audited, AuditReport, audit
from interpllm.audit.stability import stability

__all__ = [
    "AuditReport",
    "Audited",
    "Finding",
    "Measure",
    "audit",
    "display",
    "faithfulness",
    "invariance",
    "leakage",
    "stability",
]
