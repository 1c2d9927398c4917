"""Why this prediction, why not another, what would change it, what does the model go by: tickets.

    python examples/explain_predictions.py                  # without a language model
    python examples/explain_predictions.py page.html        # and a page of the first tickets
    python examples/explain_predictions.py page.html URL    # groups of terms, named by a server's model

Nothing here is estimated but the intervals: the contributions add up to the decision, the difference of two
classes is split exactly, and no smaller set of phrases changes a prediction. What is found by taking phrases
out of the model's view is tried on the text, too, with their words cut out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from interpllm import AugLinearClassifier
from interpllm.datasets import load_tickets
from interpllm.explain import contrast, counterfactual, explain_terms, plan_terms


def main(page: str | None, llm: str | None) -> None:
    """Fit on the training tickets, and explain on the others."""
    train, test = load_tickets("train"), load_tickets("test")
    model = AugLinearClassifier(llm=None, random_state=0).fit(train["text"], train["label"])
    texts, labels = test["text"].tolist(), test["label"].tolist()
    print(f"accuracy on {len(test)} other tickets: {model.score(texts, labels):.3f}\n")

    explained = model.explain(texts)
    print("Why? Each n-gram adds to the score of each class; the strongest for the ticket's:")
    print(explained[0], "\n", sep="")

    prediction = explained[0].prediction
    other = max(zip(explained[0].decision, model.classes_, strict=True), key=_but(prediction))[1]
    against = contrast(model, texts, prediction, other)
    print(f"Why {prediction} and not {other}? What adds up to the difference of their scores:")
    print(against.frame().query("row == 0").drop(columns=["row", "question", "answer"]).head(6), "\n", sep="")

    changed = counterfactual(model, texts)
    print("What would change it? The fewest phrases, and whether cutting their words does it, too:")
    for row in range(5):
        print(f"- {changed[row]}")
    print(changed.summary(), "\n")

    if llm is not None:
        print("Naming groups of terms takes at most:", plan_terms(model, texts, llm=llm, embedder="minilm"))
    terms = explain_terms(model, texts, labels, llm=llm, embedder="minilm" if llm else None, n_terms=40)
    columns = ["term", "prediction", "n_present", "effect", "effect_low", "effect_high", "label_difference"]
    print("What does it go by, over all of them?")
    print(terms.frame()[columns].head(12).round(2).to_string(index=False))
    for group in terms.groups:
        print(f"- {group.title} ({group.status}): {', '.join(group.terms)}")

    if page is not None:
        Path(page).write_text(explained[:10].to_html(), encoding="utf-8")
        print(f"\n{page}: the first ten tickets with their words marked")


def _but(prediction: str) -> Callable[[tuple[float, str]], tuple[bool, float]]:
    """Ranks classes by their score, the predicted one last."""
    return lambda scored: (scored[1] != prediction, scored[0])


if __name__ == "__main__":
    main(*(*sys.argv[1:3], None, None)[:2])
