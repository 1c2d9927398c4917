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
from interpllm.runtime.document import Model, dumps, load, loads, save
from interpllm.runtime.explanation import Contribution, Evidence, Explanation, Rule, Segment
from interpllm.runtime.features import Phrase, Question
from interpllm.runtime.linear import LinearModel
from interpllm.runtime.tree_scoring import Node

__all__ = [
    "ConceptLinear",
    "ConceptSet",
    "ConceptTree",
    "Contribution",
    "Evidence",
    "Explanation",
    "LinearModel",
    "Model",
    "Node",
    "Phrase",
    "Question",
    "Rule",
    "Segment",
    "dumps",
    "load",
    "loads",
    "save",
]
