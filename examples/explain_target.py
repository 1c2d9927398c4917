"""What tells of a ticket's label, how much does each statement add, and how far do all of them reach?

    python examples/explain_target.py            # writes a page into a temporary folder
    python examples/explain_target.py FOLDER     # or into this one

It runs offline, with the replies of concepts_support_tickets.py (written by Claude, by Anthropic, on
2026-11-22). A fit of questions has paid for them; the same questions about the same texts, with the same
background, cost nothing here, in whatever order they are asked.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from concepts_support_tickets import REPLIES, TASK

from interpllm import ConceptLinearClassifier
from interpllm.datasets import load_tickets
from interpllm.explain import explain_target
from interpllm.llm import Session, Store, connect, import_replies
from interpllm.select.parts import split_rows


def stored(folder: Path) -> Session:
    """A session that has the stored replies, and keeps each answer by its text and question."""
    store = Store(folder / "replies.sqlite")
    import_replies(store, REPLIES)
    store.close()
    return connect("http://localhost:8471/v1", model="claude", cache=folder)


def main(folder: Path) -> None:
    """Fit, explain, print, and leave a page."""
    rows = load_tickets("train").groupby("label").head(60)
    with tempfile.TemporaryDirectory() as cache:
        session = stored(Path(cache))
        model = ConceptLinearClassifier(session, task=TASK, n_concepts=12, n_rounds=1, random_state=0)
        model.fit(rows["text"], rows["label"])
        # The split is the fit's: rows from which it wrote and chose its questions do not confirm here.
        parts = split_rows(rows["label"], rows["text"].tolist(), random_state=0)
        found = explain_target(
            rows["text"],
            rows["label"],
            TASK,
            llm=session,
            candidates=model.model_.questions,
            n_candidates=0,
            n_statements=8,
            parts=parts,
            random_state=0,
        )
        session.close()
    shown = ["statement", "speaks_for", "share_in", "share_out", "p_holm", "added", "added_low", "added_high"]
    print(found.frame()[shown].round(3).to_string(index=False))
    print(f"\n{found.measure} on {sum(found.rows['confirm'].values())} tickets that nothing was fitted on")
    print(found.total.round(3).to_string(index=False))
    print(f"\nrequests sent: {found.usage.requests}")
    (folder / "target.html").write_text(found.to_html(), encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
