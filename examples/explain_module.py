"""To what does the score of a fitted model respond? Said in words, and tested on tickets of their own.

    python examples/explain_module.py            # writes the page into a temporary folder
    python examples/explain_module.py FOLDER     # or into this one

A table of n-grams is fitted to the bundled support tickets. Its score for "delivery" is then treated as any
module: texts in, a number out. It runs offline. The replies lie in explain_module.jsonl: a large language
model wrote them, properties, texts and judgements alike (Claude, by Anthropic, on 2026-11-22). With
mode="use" and your server's address the same lines ask your model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from interpllm import AugLinearClassifier
from interpllm.datasets import load_tickets
from interpllm.explain import explain_module
from interpllm.explain.modules import class_score
from interpllm.llm import Session, Store, connect, import_replies

REPLIES = Path(__file__).with_suffix(".jsonl")
LABEL = "delivery"


def replayed(folder: Path) -> Session:
    """A session that answers from the stored replies alone."""
    store = Store(folder / "replies.sqlite")
    import_replies(store, REPLIES)
    store.close()
    # A reply is found by everything that decided it, so the model and its address are those of the recording.
    return connect("http://localhost:8477/v1", model="claude", cache=folder, mode="replay")


def main(folder: Path) -> None:
    """Fit, explain, and leave a page."""
    train, test = load_tickets("train"), load_tickets("test")
    model = AugLinearClassifier(llm=None, random_state=0).fit(train["text"], train["label"])
    scores = {f"the score for {label}": class_score(model, label) for label in model.classes_}
    name = f"the score for {LABEL}"
    with tempfile.TemporaryDirectory() as cache:
        session = replayed(Path(cache))
        found = explain_module(
            scores.pop(name),
            [
                *train["text"],
                *test["text"],
            ],  # no labels: what is explained is the score, be it right or wrong
            llm=session,
            name=name,
            n_candidates=3,
            texts_per_side=12,
            corpus_texts=12,
            others=scores,
        )
        session.close()
    print(f"{found.outcome}: {found.statement}\n")
    print(found.frame()[["candidate", "score", "auroc", "p_holm", "holds"]].round(3).to_string(index=False))
    print("\nstretches of text with the strongest responses")
    print("  " + ", ".join(found.stretches.strong[:12]))
    print("\nwhose responses the explanation tells best")
    print(found.identification.round(3).to_string(index=False))
    (folder / "explained.html").write_text(found.to_html(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
