"""Figures that try to break a model and its explanations, each beside a null or with an interval."""

from interpllm.audit.base import Finding, Measure
from interpllm.audit.claim_checks import ClaimsReport, Unreadable, check_claims
from interpllm.audit.claim_documents import claims_from_json, claims_to_json
from interpllm.audit.claim_reader import Reading, plan_claims, read_claims
from interpllm.audit.claims import Extreme, MeanDifference, Monotone, Share, Sign, Threshold
from interpllm.audit.display import display
from interpllm.audit.faithfulness import faithfulness
from interpllm.audit.invariance import invariance
from interpllm.audit.judges import reader
from interpllm.audit.leakage import leakage
from interpllm.audit.model_claims import TermExtreme, TermFigure, TermSign
from interpllm.audit.report import Audited, AuditReport, audit, plan_audit
from interpllm.audit.simulatability import plan_simulatability, simulatability
from interpllm.audit.stability import stability
from interpllm.audit.where import Where

__all__ = [
    "AuditReport",
    "Audited",
    "ClaimsReport",
    "Extreme",
    "Finding",
    "MeanDifference",
    "Measure",
    "Monotone",
    "Reading",
    "Share",
    "Sign",
    "TermExtreme",
    "TermFigure",
    "TermSign",
    "Threshold",
    "Unreadable",
    "Where",
    "audit",
    "check_claims",
    "claims_from_json",
    "claims_to_json",
    "display",
    "faithfulness",
    "invariance",
    "leakage",
    "plan_audit",
    "plan_claims",
    "plan_simulatability",
    "read_claims",
    "reader",
    "simulatability",
    "stability",
]
