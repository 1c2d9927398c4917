"""How an n-gram or a text is put before an LLM whose state is to be read.

The sentence around it matters as much as the model: the state behind "Sentiment:" says more about sentiment
than the state behind the bare n-gram. What all texts share in front is read once a batch, so the task's
description belongs there.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMES = 20
"""Classes that a template lists at most."""


def templates(task: str | None, target: str, classes: Sequence[object]) -> list[str]:
    """Candidate templates, the bare text first.

    Parameters
    ----------
    task : str or None
        What the user says the task is, such as "sentiment of film reviews".
    target : str
        Name of the label; "" if unknown.
    classes : sequence
        The classes; names that are words go into the templates. Empty for regression.

    Returns
    -------
    list of str
        Each with ``{text}`` once.
    """
    subject = plain(task or target or "label")
    names = class_names(classes)
    found = ["{text}", f"Text: {{text}}\n{subject[:1].upper()}{subject[1:]}:"]
    if names:
        listed = ", ".join(names)
        found.append(f"Is the text {', '.join(names[:-1])} or {names[-1]}?\nText: {{text}}\nAnswer:")
        if task:
            found.append(f"{subject}. Classes: {listed}.\nText: {{text}}\nClass:")
    return list(dict.fromkeys(found))


def class_names(classes: Sequence[object]) -> list[str]:
    """The classes as words; none where they are numbers, or too many to be listed."""
    names = [plain(c) for c in classes if isinstance(c, str) and any(ch.isalpha() for ch in c)]
    return names if len(names) == len(classes) and 2 <= len(names) <= MOST_NAMES else []


def plain(words: str, most: int = 300) -> str:
    """Words without braces, which mean something in a template, on one line, without the last full stop."""
    return " ".join(words.replace("{", "(").replace("}", ")").split()).rstrip(".")[:most]
