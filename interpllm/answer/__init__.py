"""Questions asked of every text: a matrix of answers, NaN where there is none, and how far to trust it."""

from interpllm.answer.agreement import (
    DROP_ALPHA,
    LEAST_GOLD,
    WARN_ALPHA,
    against_gold,
    agreement_by_question,
    reliability,
)
from interpllm.answer.ask import LOST, Answers, ask, plan_answers
from interpllm.answer.kappa import (
    cohen_kappa,
    corrected_effect,
    gwet_ac1,
    krippendorff_alpha,
    rogan_gladen,
)
from interpllm.answer.wording import PARAPHRASE, STANDARD, Wording

__all__ = [
    "DROP_ALPHA",
    "LEAST_GOLD",
    "LOST",
    "PARAPHRASE",
    "STANDARD",
    "WARN_ALPHA",
    "Answers",
    "Wording",
    "against_gold",
    "agreement_by_question",
    "ask",
    "cohen_kappa",
    "corrected_effect",
    "gwet_ac1",
    "krippendorff_alpha",
    "plan_answers",
    "reliability",
    "rogan_gladen",
]
