"""A readable model from few labels: a hundred labelled tickets, and the words of all the others.

    python examples/few_labels.py            # with the embedded language model
    python examples/few_labels.py none       # without one, to compare

The other tickets lend their n-grams, not their labels: what a hundred tickets never say still gets a weight,
from the language model's vector of it. The last lines show n-grams that no labelled ticket has.
"""

from __future__ import annotations

import sys

from interpllm import AugLinearClassifier
from interpllm.datasets import load_tickets


def main(llm: str | None) -> None:
    """Fit, judge, and show what was learned beyond the labelled rows."""
    train, test = load_tickets("train"), load_tickets("test")
    labelled = train.groupby("label").head(20)
    model = AugLinearClassifier(llm=llm, task="what the customer wants done", vocabulary=train["text"])
    model.fit(labelled["text"], labelled["label"])
    print(f"{len(labelled)} labelled tickets, accuracy {model.score(test['text'], test['label']):.3f}")

    rules = model.get_rules()
    print(rules.head(10).to_string(index=False))
    beyond = rules[rules["support"].isna()]
    print(f"{len(beyond)} n-grams that no labelled ticket has; the strongest:")
    print(beyond[["rule", "prediction", "weight"]].head(10).to_string(index=False))


if __name__ == "__main__":
    main(None if sys.argv[1:] == ["none"] else "local")
