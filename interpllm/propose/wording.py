"""Whether a proposed wording can be used: yes or no answers it, it is new and does not ask for the label."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from interpllm.runtime import ConceptSet
from interpllm.runtime.features import one_line
from interpllm.runtime.tokens import words

LONGEST = 200
"""Characters of a proposed question; a longer one asks several things."""
LONGEST_COUNTS = 300
"""Characters of its line of what counts as yes, and of what does not."""

ASKED_ALREADY = "is asked already"

# Words that a question can be rid of without asking something else.
_FILLER = frozenset(
    words(
        "a an the this that is are was were be been do does did has have had it its there any some text "
        "texts writer author message contain contains contained mention mentions mentioned mentioning "
        "say says said state states stated tell tells told in of or and explicitly clearly something"
    )
)
# Names of classes that say nothing by themselves: a question may well use these words.
_NO_NAMES = frozenset(words("yes no true false not none other others neither unknown one two a b c d"))

_ENDINGS = {"ies": "y", "ing": "", "ed": "", "es": "", "ely": "", "ly": "", "s": "", "e": ""}

# Questions that words other than yes or no would answer.
_OPEN = re.compile(r"^(what|which|who|whom|whose|where|when|why|how)\b", re.IGNORECASE)
_OF_LABELS = re.compile(
    r"\b(labell?ed|classified|categori[sz]ed) as\b"
    r"|\b(belong|fall|fit)s? (to|in|into|under) (the|a|one|which) (\w+ )?(class|group|label|category)\b"
    r"|\b(label|class|category) of (the|this) (text|row|message|review|document)\b"
    r"|\b(texts?|rows?|examples?) (shown |listed )?(above|below)\b|\(hard\)",
    re.IGNORECASE,
)


class Wordings:
    """Judges proposed questions one by one, and remembers those that it let pass.

    Parameters
    ----------
    held : ConceptSet
        What is asked already, and what was vetoed.
    classes : sequence of str
        What the classes are called; empty in regression.
    """

    def __init__(self, held: ConceptSet, classes: Sequence[str]) -> None:
        self.held = held
        self.classes = tuple(classes)
        self._known = {content(question.text) for question in held}
        # A vetoed wording reworded in filler only is the vetoed question still.
        self._vetoed = {content(said) for said in held.vetoed}

    def fault(self, question: str, yes: str, no: str) -> str | None:
        """Why a question cannot be used; None where it can, and then it is known from now on.

        Parameters
        ----------
        question, yes, no : str
            The question, what counts as yes, and what does not.

        Returns
        -------
        str or None
        """
        question, yes, no = one_line(question), one_line(yes), one_line(no)
        if len(_spoken(question)) < 2 or len(question) > LONGEST:
            return f"is not one short question (2 words to {LONGEST} characters)"
        if _OPEN.match(question):
            return "cannot be answered by yes or no"
        if not (_spoken(yes) and _spoken(no)):
            return "does not say what counts and what does not"
        if max(len(yes), len(no)) > LONGEST_COUNTS:
            return "takes more than a line to say what counts"
        if _OF_LABELS.search(question):
            return "asks for the label or points at the rows shown"
        named = names_of(question, self.classes)
        if named:
            return f"names the label {named[0]!r:.80}"
        said = content(question)
        if not self.held.allows(question) or said in self._vetoed:
            return "was vetoed"
        if said in self._known:
            return ASKED_ALREADY
        self._known.add(said)
        return None


def names_of(question: str, classes: Iterable[str]) -> list[str]:
    """The classes that a question calls by their names, in singular or plural, or as an adverb.

    Parameters
    ----------
    question : str
    classes : iterable of str
        Names that say nothing by themselves ("0", "yes", "other") are never found.

    Returns
    -------
    list of str
    """
    asked = tuple(_singular(word) for word in _spoken(question))
    return [
        name
        for name in classes
        if (said := _telling(name))
        and any(asked[i : i + len(said)] == said for i in range(len(asked) - len(said) + 1))
    ]


def content(question: str) -> tuple[str, ...]:
    """The words of a question that carry what it asks, stemmed and in order; never empty.

    "Does the text mention refunds?" and "Is a refund mentioned?" have the same content; a negation, or the
    same words in another order, makes another.
    """
    found = _spoken(question)
    return tuple(stem(word) for word in found if word not in _FILLER) or tuple(found)


def stem(word: str) -> str:
    """A word without its ending, roughly: enough to tell a plural or a participle from another word."""
    word = word.removesuffix("'s")
    for ending, rest in _ENDINGS.items():
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word.removesuffix(ending) + rest
    return word


def _spoken(text: str) -> list[str]:
    """The words of a text without its question and exclamation marks, which count as words elsewhere."""
    return [word for word in words(text) if word not in "!?"]


def _singular(word: str) -> str:
    """A word without the endings that leave a name the name: "bill" is not "billing"."""
    word = word.removesuffix("'s")
    for ending, rest in (("ies", "y"), ("es", "e"), ("s", ""), ("ly", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word.removesuffix(ending) + rest
    return word


def _telling(name: str) -> tuple[str, ...]:
    """The words of a class name, none where the name says nothing by itself."""
    said = _spoken(re.sub(r"[_\-/]+", " ", name))
    if not any(word not in _NO_NAMES and re.search(r"[^\W\d_]{2}", word) for word in said):
        return ()
    return tuple(_singular(word) for word in said)
