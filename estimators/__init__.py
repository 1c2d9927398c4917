"""Estimators: one family a file."""

from interpllm.estimators.aug_linear import AugLinearClassifier, AugLinearRegressor
from interpllm.estimators.aug_tree import AugTreeClassifier, AugTreeRegressor
from interpllm.estimators.concept_trees import ConceptTreeClassifier, ConceptTreeRegressor
from interpllm.estimators.concept_vectorizer import ConceptVectorizer
from interpllm.estimators.concepts import ConceptLinearClassifier, ConceptLinearRegressor
from interpllm.estimators.convert_imodels import from_imodels
from interpllm.estimators.convert_sklearn import from_sklearn
from interpllm.estimators.distilled import DistilledClassifier, DistilledRegressor
from interpllm.estimators.llm_classifier import LLMClassifier
from interpllm.estimators.prompt_tree import PromptTreeClassifier
from interpllm.estimators.rules import RuleListClassifier, RuleSetClassifier, RuleSetRegressor

__all__ = [
    "AugLinearClassifier",
    "AugLinearRegressor",
    "AugTreeClassifier",
    "AugTreeRegressor",
    "ConceptLinearClassifier",
    "ConceptLinearRegressor",
    "ConceptTreeClassifier",
    "ConceptTreeRegressor",
    "ConceptVectorizer",
    "DistilledClassifier",
    "DistilledRegressor",
    "LLMClassifier",
    "PromptTreeClassifier",
    "RuleListClassifier",
    "RuleSetClassifier",
    "RuleSetRegressor",
    "from_imodels",
    "from_sklearn",
]
