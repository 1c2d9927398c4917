"""Language models in process: a backend over torch and transformers, on a CPU or a CUDA device."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import CapabilityError, InputError, ModelNotFoundError
from interpllm.llm import zoo
from interpllm.llm.base import Reply, Request, fill
from interpllm.llm.local_model import LocalModel, number_format, read_json

_DTYPES = ("auto", "float32", "bfloat16", "float16")


class TransformersBackend:
    """A model of transformers in this process: a causal language model, or a sentence encoder.

    Parameters
    ----------
    model : str or Path
        A name of `interpllm models list`, a folder, or a repository of huggingface.co that was pulled.
    embed_only : bool
        Offer ``embed`` only, and do not load what only the other verbs need.
    layer : int or None
        Embed with the hidden state after so many blocks, as it is in ``output_hidden_states``; the later
        blocks are not computed, nor kept in memory when ``embed_only``. None takes the last state, after
        the final normalisation.
    dtype : {"auto", "float32", "bfloat16", "float16"}
        Number format of the weights. "auto" takes bfloat16 where this processor has instructions for it,
        else float32. It is part of the identity, because it decides the last digits of every answer.

    Raises
    ------
    ModelNotFoundError
        When the model is not on this machine; the message names the command that pulls it.
    InputError
        When a parameter cannot be used.

    Notes
    -----
    Causal models embed with the state of the last token, encoders with the mean over tokens scaled to unit
    length (the convention of sentence-transformers). The weights are loaded at the first verb, and are left
    out of pickles. Only safetensors are read, and no code from a repository is executed.
    """

    # A killed run loses at most one such batch; larger ones would be hardly faster.
    batch_size = 32
    embed_batch_size = 512

    def __init__(
        self,
        model: str | Path,
        *,
        embed_only: bool = False,
        layer: int | None = None,
        dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto",
    ) -> None:
        if dtype not in _DTYPES:
            raise InputError(f"dtype must be one of {', '.join(_DTYPES)}; got {dtype!r}.")
        self.folder = zoo.path(str(model))
        self.name = self.folder.name if Path(str(model)).is_dir() else str(model)
        self._config = _configuration(self.folder)
        blocks = int(self._config.get("num_hidden_layers", 0))
        if layer is not None and not 1 <= layer <= blocks:
            raise InputError(f"layer must be from 1 to {blocks} for {self.name}; got {layer!r}.")
        self.layer = layer
        self.embed_only = embed_only
        self.dtype = dtype
        self._identity: dict[str, Any] | None = None
        self._loaded: LocalModel | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        layer = "" if self.layer is None else f", layer={self.layer}"
        return f"TransformersBackend({self.name!r}{layer})"

    @property
    def causal(self) -> bool:
        """Whether the model continues text, and not only reads it."""
        names = self._config.get("architectures") or ()
        return any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in names)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, sha256 of the weights, number format, pooling and layer."""
        if self._identity is None:
            self._identity = {
                "model": self.name,
                "weights": _fingerprint(self.folder),
                "dtype": number_format(self.dtype),
                "pooling": "last" if self.causal else "mean",
                "layer": self.layer,
            }
        return self._identity

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do: encoders only embed."""
        return frozenset({"embed"} if self.embed_only or not self.causal else {"complete", "score", "embed"})

    def load(self) -> LocalModel:
        """The model in memory, loaded once."""
        with self._lock:
            if self._loaded is None:
                dtype, heads = number_format(self.dtype), "score" in self.capabilities
                self._loaded = LocalModel(self.folder, dtype, self.causal, heads, self.layer)
            return self._loaded

    def close(self) -> None:
        """Let go of the memory; the next verb loads the model again."""
        self._loaded = None

    def embed(self, texts: Sequence[str], template: str = "{text}") -> NDArray[np.float32]:
        """One vector a text.

        Parameters
        ----------
        texts : sequence of str
        template : str
            What the model reads, with ``{text}`` where the text goes. A text that is longer than the model
            can read loses its end; the template keeps its own.

        Returns
        -------
        ndarray of float32, (n_texts, dim)
        """
        model = self.load()
        suffix = template.rpartition("{text}")[2]
        return model.embed(model.encode([fill(template, text) for text in texts], suffix))

    def score(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """Log-probability of each option as the continuation of each prompt.

        The log-probabilities of an option's tokens are added up. Where the last characters of the prompt and
        the first of an option make one token (``"an" + "swer"``), what is scored for every option begins at
        that token, so that the options stay comparable.

        Parameters
        ----------
        prompts : sequence of str
        options : sequence of str
            Not empty; mind the space before a word, as in ``" yes"``.

        Returns
        -------
        ndarray of float64, (n_prompts, n_options)
            Natural logarithms, at most 0; NaN where a prompt is longer than the model can read. In bfloat16
            they differ by up to some .3 with what else is in a batch; with ``dtype="float32"`` by some 1e-5.

        Raises
        ------
        CapabilityError
            When the model only embeds.
        InputError
            When an option is empty.
        """
        self._require("score")
        from interpllm.llm.generating import score

        return score(self.load(), prompts, options)

    def score_exact(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """Log-probability of the very tokens of each option, the same after every prompt.

        Parameters
        ----------
        prompts, options : sequence of str
            As for `score`.

        Returns
        -------
        ndarray of float64, (n_prompts, n_options)
            As of `score`.

        Raises
        ------
        CapabilityError
            When the model only embeds.
        InputError
            When an option is empty, or a prompt's end and an option's start make one token.
        """
        self._require("score")
        from interpllm.llm.generating import score

        return score(self.load(), prompts, options, exact=True)

    def conversation(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The text that the model reads of a conversation that waits for its turn, as `complete` sends it.

        Parameters
        ----------
        messages : sequence of {"role": ..., "content": ...}
        """
        self._require("complete")
        from interpllm.llm.generating import conversation

        return conversation(self.load(), messages)

    def tokens(self, texts: Sequence[str]) -> list[list[str]]:
        """The tokens that the model reads each text as, each written out; special ones are left out.

        Parameters
        ----------
        texts : sequence of str
            Mind the space before a word, as in ``" yes"``.

        Returns
        -------
        list of list of str
        """
        tokenizer = self.load().tokenizer
        found = tokenizer(list(texts), add_special_tokens=False, verbose=False)["input_ids"]
        return [[str(tokenizer.decode([token])) for token in ids] for ids in found]

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order, whatever shares its batch.

        Parameters
        ----------
        requests : sequence of Request
            Of ``params``, ``temperature`` (0 by default: the likeliest token at every step), ``top_p``,
            ``max_tokens`` (256 by default), ``seed`` (0 by default, plus the sample index) and ``stop`` are
            understood. A schema is asked for in words; the reply is not forced to satisfy it.

        Raises
        ------
        CapabilityError
            When the model only embeds.
        InputError
            When ``params`` holds anything else, or values that make no sense.
        """
        self._require("complete")
        from interpllm.llm.generating import complete

        return complete(self.load(), requests)

    def _require(self, verb: str) -> None:
        if verb not in self.capabilities:
            raise CapabilityError(
                f"{self.name} can only embed here, it cannot {verb}. Connect to a language model instead, "
                'as in connect("local").'
            )


def _configuration(folder: Path) -> dict[str, Any]:
    config = read_json(folder / "config.json")
    if not config:
        raise ModelNotFoundError(f"{folder} holds no readable config.json, so it is not a model's folder.")
    if config.get("is_encoder_decoder"):
        raise InputError(f"{folder.name} is an encoder-decoder; use a causal language model or an encoder.")
    return config


def _fingerprint(folder: Path) -> str:
    """sha256 that stands for the weights and the tokenizer."""
    pinned = zoo.manifest(folder).get("weights")
    if pinned:
        return str(pinned)
    digest = hashlib.sha256()
    files = [*folder.glob("*.safetensors"), *folder.glob("tokenizer*"), folder / "config.json"]
    for file in sorted(files):
        digest.update(file.name.encode())
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return digest.hexdigest()
