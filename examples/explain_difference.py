"""What do customers who cancel write, and those who wait for a parcel do not?

    python examples/explain_difference.py            # writes a page into a temporary folder
    python examples/explain_difference.py FOLDER     # or into this one

It runs offline. The replies lie in explain_difference.jsonl, written by Claude, by Anthropic, on 2026-11-22;
the tickets are the bundled ones, sixty of each side. With mode="use" and your server's address the same lines
ask your model.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from interpllm.datasets import load_tickets
from interpllm.explain import explain_difference, plan_difference
from interpllm.llm import Session, Store, connect, import_replies

REPLIES = Path(__file__).with_suffix(".jsonl")
GOAL = "what customers of a company that sells coffee machines and a bean subscription tell of and want"


def replayed(folder: Path) -> Session:
    """A session that answers from the stored replies alone."""
    store = Store(folder / "replies.sqlite")
    import_replies(store, REPLIES)
    store.close()
    # A reply is found by everything that decided it, so the model and its address are those of the recording.
    return connect("http://localhost:8472/v1", model="claude", cache=folder, mode="replay")


def main(folder: Path) -> None:
    """Plan, explain, print, and leave a page."""
    tickets = load_tickets("train")
    cancelling, waiting = (
        tickets.loc[tickets["label"] == label, "text"].head(60) for label in ("cancellation", "delivery")
    )
    # Ten statements and large stacks keep the stored replies few. guard=0 leaves out the comparison of stacks
    # with single cells, which a run with your own model should not do without.
    sizes = {"n_candidates": 10, "rows_per_request": 16, "questions_per_request": 10, "guard": 0}
    with tempfile.TemporaryDirectory() as cache:
        session = replayed(Path(cache))
        asked = {"llm": session, "names": ("cancelling", "waiting"), "n_statements": 3, **sizes}
        print("still to be sent:", plan_difference(cancelling, waiting, GOAL, **asked))
        found = explain_difference(cancelling, waiting, GOAL, **asked)
        session.close()
    shown = ["statement", "share_a", "share_b", "difference", "difference_low", "difference_high"]
    shown += ["p_holm", "holds"]
    print(found.frame()[shown].round(3).to_string(index=False))
    print("\nall that were tried (score: difference on the rows of the race that each was put to)")
    print(found.candidates[["statement", "confirmed", "score", "n_rows"]].round(2).to_string(index=False))
    (folder / "difference.html").write_text(found.to_html(), encoding="utf-8")
    print(f"\n{found.rows['confirm']} texts confirmed this; see {folder / 'difference.html'}")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
