"""Log-probabilities of options, read from what a server of the OpenAI dialect sends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from interpllm.errors import InputError


def from_echo(body: dict[str, Any], prompt: str, options: Sequence[str], exact: bool = False) -> list[float]:
    """Each option's log-probability, summed over its tokens, from completions that echo prompt + option.

    Parameters
    ----------
    body : dict
        Reply to a completion with ``echo`` and ``logprobs``, one choice an option.
    prompt : str
        What stands before every option.
    options : sequence of str
        The continuations, in the order in which they were sent.
    exact : bool
        Whether a token must begin where an option begins.

    Returns
    -------
    list of float
        NaN where the server sent nothing usable.

    Raises
    ------
    InputError
        When ``exact``, and a token spans the border between the prompt and an option.
    """
    found = [math.nan] * len(options)
    choices = body.get("choices")
    for place, choice in enumerate(choices if isinstance(choices, list) else []):
        try:
            number = choice.get("index", place)
            found[number] = _after(choice["logprobs"], len(prompt), len(prompt + options[number]), exact)
        except InputError:  # of the seam, and not of the body
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            continue
    return found


def merged_seam(prompt: str, option: str, token: str = "") -> InputError:
    """What is raised where a prompt's end and the option after it are not tokens of their own.

    Parameters
    ----------
    prompt, option : str
    token : str
        The one that spans both, where it is known.
    """
    spans = f" in the token {token!r}" if token else ""
    return InputError(
        f"The prompt's end {prompt[-20:]!r} and the answer's beginning {option[:20]!r} run together{spans}, "
        "so the answer's own tokens cannot be scored. Let the answer, or the span of it, begin where a word "
        "begins, with the space before it on its own side."
    )


def _after(logprobs: dict[str, Any], start: int, end: int, exact: bool) -> float:
    """Sum over the tokens that have a character between two places of the text; NaN if one is missing.

    A token that spans the border between prompt and option belongs to the option, unless ``exact``: without
    it nothing of the option's beginning would be counted.
    """
    tokens, values = logprobs["tokens"], logprobs["token_logprobs"]
    begins = logprobs.get("text_offset")
    if not isinstance(begins, list) or len(begins) != len(tokens):
        begins, place = [], 0
        for token in tokens:
            begins.append(place)
            place += len(token)
    ends = [*begins[1:], begins[-1] + len(tokens[-1])]
    inside = [
        value for begin, stop, value in zip(begins, ends, values, strict=True) if stop > start and begin < end
    ]
    if exact:
        for token, begin, stop in zip(tokens, begins, ends, strict=True):
            if begin < start < stop:
                text = "".join(tokens)
                raise merged_seam(text[:start], text[start:end], token)
    if not inside or any(not isinstance(value, int | float) for value in inside):
        return math.nan
    return float(sum(inside))


def from_chat(body: dict[str, Any], options: Sequence[str]) -> list[float]:
    """Each option's log-probability as the first token of a chat reply, from its ``top_logprobs``.

    A token counts for an option when it is the option or begins it, and begins no other one.

    Returns
    -------
    list of float
        -inf for options that none of the sent tokens begins; NaN for all where the server sent nothing
        usable, or one value for all tokens.

    Raises
    ------
    InputError
        When two options begin alike, so that a first token cannot tell them apart.
    """
    bare = [option.strip() for option in options]
    if any(a != b and bare[a].startswith(bare[b]) for a in range(len(bare)) for b in range(len(bare))):
        raise InputError(
            "One option begins another, so their first tokens cannot be told apart: reword them."
        )
    try:
        listed = body["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        top = [(str(one["token"]).strip(), float(one["logprob"])) for one in listed]
    except (IndexError, KeyError, TypeError, ValueError):
        return [math.nan] * len(options)
    # The sampled token alone, or one value for all, is no distribution.
    if len({value for _, value in top}) < 2:
        return [math.nan] * len(options)
    parts: list[list[float]] = [[] for _ in options]
    for token, value in top:
        begun = [number for number, option in enumerate(bare) if token and option.startswith(token)]
        if len(begun) == 1:
            parts[begun[0]].append(value)
    return [_log_sum(values) if values else -math.inf for values in parts]


def _log_sum(values: Sequence[float]) -> float:
    """log Σ exp(values), without overflow."""
    top = max(values)
    return top + math.log(sum(math.exp(value - top) for value in values))
