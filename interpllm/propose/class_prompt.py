"""How a language model is asked for the class of a text: the prompt, and the two ways to ask it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from interpllm.errors import CapabilityError
from interpllm.llm import Request, Session
from interpllm.llm.plan import Plan
from interpllm.propose.templates import MOST_NAMES, plain
from interpllm.propose.zero_shot import options, prompts

Array = NDArray[np.float64]
Progress = Callable[[int], Any]
Way = Literal["auto", "score", "complete"]
SHOWN = 500
"""Characters of an example; a longer one is cut."""
SURE = -20.0
"""Log-probability of each class that a model did not name, where it names one and gives no probabilities."""
VERSION = "class of a text, 1"
CALIBRATED_ON = 200
"""Texts at most that tell which names the model likes whatever the text is."""


def class_prompt(task: str, names: Sequence[str], examples: Sequence[tuple[str, str]] = ()) -> str:
    """The prompt of a text's class, which ends where the model should name it.

    What the cue says matters most to a small model: behind "Sentiment:" it names sentiments, behind "Label:"
    anything. So the cue is the task, as the user said it.

    Parameters
    ----------
    task : str
        What the class says of the text, such as "sentiment of the film review"; "" if unknown.
    names : sequence of str
        What the classes are called; listed where they are few enough.
    examples : sequence of (text, name)
        Shown in this order before the text.

    Returns
    -------
    str
        With ``{text}`` once. What all texts share stands in front, where a model in process reads it once.
    """
    cue = plain(task) or "Class"
    cue = cue[:1].upper() + cue[1:]
    listed = f"{cue}: {', '.join(map(plain, names[:-1]))} or {plain(names[-1])}?\n\n"
    shown = "".join(f"Text: {plain(text, SHOWN)}\n{cue}: {name}\n\n" for text, name in examples)
    return f"{listed if len(names) <= MOST_NAMES else ''}{shown}Text: {{text}}\n{cue}:"


def usual(said: Array) -> tuple[Array, int]:
    """How probable each name is on average of texts, which a calibrated answer has taken off.

    A language model likes some names more than others whatever the text is (Zhao et al. 2021, "Calibrate
    before use"; the mean over texts without labels is that of Zhou et al. 2024, "Batch calibration").

    Parameters
    ----------
    said : array (n_texts, n_names)
        From :meth:`ClassQuestion.score`; NaN where there is no answer.

    Returns
    -------
    offset : array (n_names,)
        Logarithm of the mean probability; zeros where no text has an answer.
    n_usable : int
        Texts that it is of.
    """
    said = said[~np.isnan(said).any(axis=1)]
    if not len(said):
        return np.zeros(said.shape[1]), 0
    return logsumexp(said, axis=0) - np.log(len(said)), len(said)


@dataclass(frozen=True)
class ClassQuestion:
    """A prompt for the class of texts, and how it is asked.

    Parameters
    ----------
    prompt : str
        From :func:`class_prompt`.
    names : sequence of str, (n_names,)
    way : {"auto", "score", "complete"}
        "score" compares log-probabilities of the names, "complete" asks for one, "auto" prefers the former.
    max_chars : int
        Longer texts are cut.
    """

    prompt: str
    names: Sequence[str]
    way: Way = "auto"
    max_chars: int = 4000

    def ask(self, session: Session, texts: Sequence[str], progress: Progress | None = None) -> Array:
        """Log-probabilities of the names, (n_texts, n_names); NaN rows without a usable answer.

        Raises
        ------
        CapabilityError
            When the session cannot be asked in this way.
        """
        said = self.score(session, texts, progress)
        if said is not None:
            return said
        said = np.full((len(texts), len(self.names)), SURE)
        for row, reply in enumerate(session.complete(self._requests(texts), progress=progress)):
            if reply.ok:
                said[row, list(self.names).index(reply.data["class"])] = 0.0
            else:
                said[row] = np.nan
        return said

    def score(self, session: Session, texts: Sequence[str], progress: Progress | None = None) -> Array | None:
        """What :meth:`ask` gives, or None where a name must be asked for instead; then nothing is asked.

        Raises
        ------
        CapabilityError
            When log-probabilities were insisted on, and the session has none.
        """
        if not self._scores(session):
            return None
        try:
            said = session.score(self._prompts(texts), options(self.names), progress=progress)
        except CapabilityError:
            # A server may turn out to give no log-probabilities only when it is asked for some.
            if self.way == "score":
                raise
            return None
        return np.asarray(log_softmax(said, axis=1))

    def plan(self, session: Session, texts: Sequence[str]) -> Plan:
        """What :meth:`ask` would send."""
        if self._scores(session):
            return session.plan(prompts=self._prompts(texts), options=options(self.names))
        return session.plan(self._requests(texts))

    def _scores(self, session: Session) -> bool:
        return self.way == "score" or (self.way == "auto" and "score" in session.capabilities)

    def _prompts(self, texts: Sequence[str]) -> list[str]:
        return prompts([text[: self.max_chars] for text in texts], self.prompt)

    def _requests(self, texts: Sequence[str]) -> list[Request]:
        schema = {
            "type": "object",
            "properties": {"class": {"enum": list(self.names)}},
            "required": ["class"],
            "additionalProperties": False,
        }
        return [
            Request.of(asked, schema=schema, params={"temperature": 0}, prompt_version=VERSION)
            for asked in self._prompts(texts)
        ]
