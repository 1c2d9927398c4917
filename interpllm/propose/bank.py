"""The questions that come with the library: a second proposer, for when no capable language model is there.

They were written one by one for this project and lie in bank.json beside this file, grouped by theme, each
with a line of what counts as yes and what does not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources

from interpllm.errors import InputError
from interpllm.runtime import Question


def bank_themes() -> tuple[str, ...]:
    """The themes of the bank, in the order of the file."""
    return tuple(_bank())


def question_bank(themes: Sequence[str] | None = None) -> list[Question]:
    """General yes/no questions about a text that were written for this library.

    Parameters
    ----------
    themes : sequence of str, optional
        Some of :func:`bank_themes`; None takes them all.

    Returns
    -------
    list of Question
        With ``source="bank"``, theme by theme in the order asked for; always the same.

    Raises
    ------
    InputError
        When a theme is not in the bank.

    Examples
    --------
    >>> [question] = [q for q in question_bank(["money"]) if "price or an amount" in q.text]
    >>> print(question)
    Does the text state a price or an amount of money?
    """
    bank = _bank()
    if isinstance(themes, str):
        themes = [themes]
    chosen = list(bank) if themes is None else list(dict.fromkeys(themes))
    for theme in chosen:
        if theme not in bank:
            raise InputError(
                f"The question bank has no theme {theme!r:.80}; its themes are: {', '.join(bank)}."
            )
    return [question for theme in chosen for question in bank[theme]]


@cache
def _bank() -> dict[str, tuple[Question, ...]]:
    file = resources.files(__package__).joinpath("bank.json")
    themes = json.loads(file.read_text(encoding="utf-8"))["themes"]
    return {
        theme: tuple(Question.of(text, counts, "bank") for text, counts in pairs)
        for theme, pairs in themes.items()
    }
