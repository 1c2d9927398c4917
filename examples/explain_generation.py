"""Which sentence of a prompt makes a language model's answer likelier, with the embedded model.

    interpllm models pull smollm2-135m
    python examples/explain_generation.py [page.html]

One of five notices holds the answer. Every subset of them is tried, and what each adds to the log-probability
of the answer is told. Then the notice is there twice, in other words: now each is missed less
when it is left out alone, and the table of pairs says how far each makes up for the other.
"""

from __future__ import annotations

import sys
from pathlib import Path

from interpllm import connect
from interpllm.explain import explain_generation

NOTICES = [
    "The bakery on the corner closes at six. ",
    "The library opens at noon. ",
    "The choir needs a tenor. ",
    "Dogs must be kept on a lead. ",
    "The mayor is away on Monday.",
]
QUESTION = "{segments}\n\nWhen does the library open? Answer in one word."


def main(path: str | None) -> None:
    """Explain one answer twice, and print."""
    with connect("local") as session:
        found = explain_generation(session, NOTICES, "Noon", template=QUESTION)
        print(found)
        print("\n".join(found.sentences()))

        twice = [*NOTICES, " From noon on the library is open."]
        both = explain_generation(session, twice, "Noon", template=QUESTION)
        print("\nThe notice twice: what is lost without either, and without both")
        print(both.redundancy().round(2).to_string(index=False))
    if path is not None:
        Path(path).write_text(found.to_html(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
