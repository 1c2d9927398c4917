"""The words that stand for classes where a language model is asked which of them comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from interpllm.errors import InputError
from interpllm.llm import Session
from interpllm.propose.zero_shot import options


def class_words(classes: Sequence[Any], given: Mapping[Any, str] | None = None) -> list[str]:
    """The word of each class: the given one, else the label itself.

    Raises
    ------
    InputError
        When a word is given for what is no class, or is no str.
    """
    said = dict(given or {})
    strangers = [label for label in said if label not in classes]
    if strangers:
        raise InputError(
            f"words names {strangers[0]!r:.80}, which is none of the classes {list(classes)!s:.200}."
        )
    for label, word in said.items():
        if not isinstance(word, str):
            raise InputError(f"The word of {label!r:.80} must be a str, not {word!r:.80}.")
    return [" ".join(str(said.get(label, label)).split()) for label in classes]


def check_words(words: Sequence[str], session: Session) -> None:
    """Check that the model can tell the words apart by what it says next.

    Parameters
    ----------
    words : sequence of str (n_classes,)
    session : Session
        Where its backend says what its tokens are, no two words may begin with the same one: what follows
        the first is likely once the first was said, so that little is left to compare.

    Raises
    ------
    InputError
        When two words are the same but for case, one is a beginning of another, or their first token is one.
    """
    for word in words:
        if not word:
            raise InputError(
                "The word of a class is empty; give each class one, as in words={label: 'good'}."
            )
    for one, other in combinations(words, 2):
        first, second = sorted((one.casefold(), other.casefold()), key=len)
        if first == second:
            raise _collide(one, other, "are the same word")
        if second.startswith(first):
            raise _collide(one, other, "begin alike: what is said for one is said for the other, too")
    tokens = getattr(session.backend, "tokens", None)
    if tokens is None:
        return
    begins: dict[str, str] = {}
    for word, pieces in zip(words, tokens(options(words)), strict=True):
        # Some tokenizers make a token of the space alone, which every word has.
        start = next((piece.strip() for piece in pieces if piece.strip()), "")
        if start in begins:
            raise _collide(begins[start], word, f"begin with the same token {start!r} of the model")
        begins[start] = word


def _collide(one: str, other: str, why: str) -> InputError:
    return InputError(
        f"The class words {one!r:.80} and {other!r:.80} {why}. Give words that differ from their beginning, "
        "as in words={'1': 'good', '10': 'bad'}."
    )
