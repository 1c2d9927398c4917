"""From a word, an address or an object to a session."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from interpllm.errors import InputError
from interpllm.llm.base import LanguageModel, lacking
from interpllm.llm.budget import Budget, Prices
from interpllm.llm.memory import Mode
from interpllm.llm.session import Session
from interpllm.llm.store import Store, replies_path

_OFFICIAL = "https://api.openai.com/v1"
_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_SPECS = "'local', 'minilm', 'hf:<repository or folder>', 'openai', or a server's http(s)://.../v1 address"
_LOCAL = {"local": "smollm2-135m", "minilm": "minilm"}
# Half-way up, the embedded model's states predict as well as at the end (cross-validated on film reviews:
# log-loss of the table .466 behind block 16, .466 behind 20, .461 behind 24; .482 without) at half the cost.
_LAYER = {"local": 16}


def connect(
    spec: str | LanguageModel,
    *,
    model: str | None = None,
    api_key_env: str = "OPENAI_API_KEY",
    cache: str | os.PathLike[str] | None = None,
    mode: Mode = "use",
    budget: Budget | None = None,
    max_concurrency: int = 8,
    timeout: float = 60.0,
    max_retries: int = 5,
    prices: Prices | Mapping[str, float] | None = None,
) -> Session:
    """Open a session with a language model; nothing is sent, loaded or downloaded before the first verb.

    Parameters
    ----------
    spec : str or LanguageModel
        "local" (the embedded SmolLM2-135M-Instruct), "minilm" (embeddings only), "hf:<repository or
        folder>", an ``http(s)://.../v1`` address, "openai" (the address in ``OPENAI_BASE_URL``, or the
        official one), or an object that implements `LanguageModel`.
    model : str or None
        Name of the server's model; None takes the one that the server serves, if it is only one.
    api_key_env : str
        Name of the environment variable that holds the key; the key itself is never kept.
    cache : path or None
        Folder or ``.sqlite`` file of stored replies; None is `cache_folder`.
    mode : {"use", "refresh", "replay", "off"}
        What becomes of stored replies; see `Session`.
    budget : Budget or None
        Limits to stop at.
    max_concurrency : int
        Requests to a server at the same time.
    timeout : float
        Seconds that a server may be silent.
    max_retries : int
        Further tries after a server was busy or broken.
    prices : Prices, {"input": ..., "output": ...} or None
        What a million tokens cost; needed for ``Budget(max_cost=...)``.

    Returns
    -------
    Session

    Raises
    ------
    InputError
        When the spec or a parameter cannot be used.
    ModelNotFoundError
        When a local model is not on this machine; the message names the command that pulls it.
    """
    if not isinstance(api_key_env, str) or not _NAME.fullmatch(api_key_env):
        # Not repeated in the message: it may be the key itself.
        raise InputError(
            "api_key_env must be the NAME of an environment variable (capitals, digits, underscores), such "
            "as 'OPENAI_API_KEY', and not the key. Set the key in your shell and give the variable's name."
        )
    backend = _backend(spec, model, api_key_env, timeout) if isinstance(spec, str) else spec
    lacks = lacking(backend)
    if lacks:
        raise InputError(
            f"A language model is {_SPECS}, or an object with its protocol; got {spec!r} without "
            f"{', '.join(lacks)}."
        )
    store = None if mode == "off" else Store(replies_path(cache), read_only=mode == "replay")
    return Session(
        backend,
        store=store,
        mode=mode,
        budget=budget,
        max_concurrency=max_concurrency,
        max_retries=max_retries,
        prices=prices,
    )


def as_session(
    llm: str | Session | LanguageModel | None, cache: str | os.PathLike[str] | None = None
) -> Session | None:
    """The session that an estimator's ``llm`` parameter means.

    Parameters
    ----------
    llm : str, Session, LanguageModel or None
        A session passes through, as does None; the others are connected.
    cache : path or None
        Folder or ``.sqlite`` file of stored replies for a new session.

    Raises
    ------
    InputError
        When ``llm`` is none of these.
    """
    if llm is None or isinstance(llm, Session):
        return llm
    return connect(llm, cache=cache)


def _backend(spec: str, model: str | None, api_key_env: str, timeout: float) -> Any:
    local = _LOCAL.get(spec) or (spec.removeprefix("hf:") if spec.startswith("hf:") else None)
    if local is not None:
        from interpllm.llm.transformers_local import TransformersBackend

        return TransformersBackend(local, embed_only=spec == "minilm", layer=_LAYER.get(spec))
    if spec == "openai":
        url = os.environ.get("OPENAI_BASE_URL") or _OFFICIAL
        if model is None and url == _OFFICIAL:
            raise InputError("connect('openai') needs the name of the model: model='...'.")
    elif spec.startswith(("http://", "https://")):
        url = spec
    else:
        raise InputError(f"A language model is {_SPECS}; got {spec!r}.")
    from interpllm.llm.openai_http import OpenAIBackend

    return OpenAIBackend(url, model=model, api_key_env=api_key_env, timeout=timeout)
