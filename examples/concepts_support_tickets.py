"""Plain questions that sort support tickets: answered by a language model, then by tables of n-grams.

    python examples/concepts_support_tickets.py            # writes the model into a temporary folder
    python examples/concepts_support_tickets.py FOLDER     # or into this one

It runs offline. The replies lie in concepts_support_tickets.jsonl: a large language model wrote them,
questions and answers alike (Claude, by Anthropic, read through an OpenAI-compatible bridge, on 2026-11-22);
the tickets are the bundled ones. With mode="use" and your server's address the same lines ask your model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from interpllm import AugLinearClassifier, ConceptLinearClassifier
from interpllm.datasets import load_tickets
from interpllm.llm import Session, Store, connect, import_replies
from interpllm.runtime import load
from interpllm.select.confirm import compare

REPLIES = Path(__file__).with_suffix(".jsonl")
TASK = (
    "A customer writes to the support desk of a company that sells coffee machines, an app and a bean "
    "subscription; what does the customer want done?"
)
NEW = [
    "the pump hums but nothing comes out, and there is water under the machine",
    "I was charged 19.90 twice this month, please refund one of them",
    "My parcel has been in the depot since Monday. When will it come?",
]


def replayed(folder: Path) -> Session:
    """A session that answers from the stored replies alone."""
    store = Store(folder / "replies.sqlite")
    import_replies(store, REPLIES)
    store.close()
    # A reply is found by everything that decided it, so the model and its address are those of the recording.
    return connect("http://localhost:8471/v1", model="claude", cache=folder, mode="replay")


def main(folder: Path) -> None:
    """Fit, judge, hand over to stand-ins, and leave two files that need no language model."""
    rows, test = load_tickets("train").groupby("label").head(60), load_tickets("test")
    with tempfile.TemporaryDirectory() as cache:
        session = replayed(Path(cache))
        model = ConceptLinearClassifier(session, task=TASK, n_concepts=12, n_rounds=1, random_state=0)
        model.fit(rows["text"], rows["label"])
        print(model.model_)
        # These rows saw no proposal, no choice and no weights, and the baselines are judged on the same ones.
        print("\naccuracy on the confirming rows, with the language model's answers")
        print(model.report_["confirm"].round(3).to_string())
        print("\nquestions that were tried")
        shown = ["question", "share_yes", "frequency", "chosen", "q_value", "dropped"]
        print(model.report_["candidates"][shown].round(3).to_string(index=False))

        # A stand-in is a table of n-grams. It takes a question over only if it answers unseen rows alike.
        model.distill(rows["text"], llm=None)
        print("\nstand-ins, on rows that they did not learn from")
        print(model.fidelity_[["question", "auc", "kappa", "kept"]].round(3).to_string(index=False))
        open_ = model.model_.unanswered
        print(f"\n{len(open_)} of {len(model.model_.questions)} questions still need the language model:")
        print("\n".join(f"  {question}" for question in model.fidelity_.loc[list(open_), "question"]))
        if open_:
            # 300 rows teach tables too little here. To let them answer all the same is the user's decision,
            # and the accuracy on the test tickets its price: here a plain model of n-grams does better. With
            # the labels, the weights are fitted to what the tables answer: what answers badly counts less.
            model.distill(rows["text"], rows["label"], llm=None, min_kappa=-1)
            weighed = model.report_["distilled"]
            print(
                f"\ncross-validated with stand-ins: weights for the language model's answers "
                f"{weighed['score_before']:.3f}, for the stand-ins' {weighed['score']:.3f}"
            )
        session.close()

    plain = AugLinearClassifier(llm=None, random_state=0).fit(rows["text"], rows["label"])
    told = {"plain n-grams": plain.predict(test["text"])}
    scores = compare(test["label"], model.predict(test["text"]), told, seen=rows["label"], random_state=0)
    print(f"\ndeployable: {model.deployable_}; accuracy on the test tickets, with stand-ins alone")
    print(scores.round(3).to_string())
    for name in ("tickets.json", "tickets.py"):  # the second one needs nothing but Python
        model.export(folder / name)
    for text, label in zip(NEW, load(folder / "tickets.json").predict(NEW), strict=True):
        print(f"{label:>12}: {text}")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
