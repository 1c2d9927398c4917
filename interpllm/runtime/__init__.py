"""The readable model: predicts, explains itself and is a small JSON file, in standard-library Python only.

>>> from interpllm.runtime import LinearModel
>>> model = LinearModel(task="classification", classes=("bad", "good"), ngram_range=(1, 2), intercept=(-0.5,),
...                     weights={"great": (2.0,), "not great": (-3.0,)})
>>> model.predict(["A great film!", "Not great."])
['good', 'bad']
"""

from interpllm.runtime.concept_set import ConceptSet
from interpllm.runtime.concept_tree import ConceptTree
from interpllm.runtime.concepts import ConceptLinear
from interpllm.runtime.conditions import Answered, Compares, Condition, Is, Lexicon, TermCompares
from interpllm.runtime.document import Model, dumps, load, loads, save
from interpllm.runtime.evidence import Evidence, RuleEvidence
from interpllm.runtime.features import Phrase, Question
from interpllm.runtime.grammar import ParsedRule, parse_rule
from interpllm.runtime.ledger import Contribution, Ledger, Rule, Segment, Step
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.parsing import parse
from interpllm.runtime.row_scoring import Branch
from interpllm.runtime.rule_book import RuleBook, WrittenRule
from interpllm.runtime.rule_models import Clause, RuleListModel, RuleSetModel, Slope
from interpllm.runtime.tree_scoring import Node
from interpllm.runtime.trees import TreeModel
from interpllm.runtime.vectorizer import Vectorizer
from interpllm.runtime.whole import printed

__all__ = [
    "Answered",
    "Branch",
    "Clause",
    "Compares",
    "ConceptLinear",
    "ConceptSet",
    "ConceptTree",
    "Condition",
    "Contribution",
    "Evidence",
    "Is",
    "Ledger",
    "Lexicon",
    "LinearModel",
    "Model",
    "Node",
    "ParsedRule",
    "Phrase",
    "Question",
    "Rule",
    "RuleBook",
    "RuleEvidence",
    "RuleListModel",
    "RuleSetModel",
    "Segment",
    "Slope",
    "Step",
    "TermCompares",
    "TreeModel",
    "Vectorizer",
    "WrittenRule",
    "dumps",
    "load",
    "loads",
    "parse",
    "parse_rule",
    "printed",
    "save",
]
