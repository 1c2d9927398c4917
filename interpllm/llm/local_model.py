"""Weights and tokenizer in memory, and how they are read fast (the rest of the room need not know torch).

Work is sorted by length and cut into batches by tokens, so that little of a batch is padding. Short
sequences are padded on the right: a causal model's real tokens never see what stands behind them, so the
state of the last real token is the same in every batch.
"""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import MissingExtraError

# Tokens in a batch at most, and how many tokens of padding cost as much as one more call of the model: on a
# CPU one call reads all weights, on a GPU small batches leave most of it idle.
BATCH = {"cpu": (512, 64), "cuda": (16_384, 2_048)}


class LocalModel:
    """Weights and tokenizer in memory.

    Parameters
    ----------
    folder : Path
        Where they are.
    dtype : str
        Number format of the weights.
    causal : bool
        Embed with the last token's state; otherwise with the mean over tokens, scaled to unit length.
    heads : bool
        Load what predicts the next token too.
    layer : int or None
        Blocks to compute when embedding; None computes all.
    """

    def __init__(self, folder: Path, dtype: str, causal: bool, heads: bool, layer: int | None = None) -> None:
        torch = import_torch()
        from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

        self.causal = causal
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        loader = AutoModelForCausalLM if heads else AutoModel
        with quiet_transformers():
            model = loader.from_pretrained(folder, dtype=getattr(torch, dtype), use_safetensors=True)
        positions = int(getattr(model.config, "max_position_embeddings", None) or 1 << 30)
        if self.device == "cpu" and positions <= 512:
            # On a CPU plain attention is faster for short texts, and cannot outgrow the memory for these.
            model.set_attn_implementation("eager")
        self.model = model.eval().requires_grad_(False)
        self.reader = model.base_model
        self.limit = min(
            int(read_json(folder / "sentence_bert_config.json").get("max_seq_length") or 1 << 30),
            positions,
            int(self.tokenizer.model_max_length),
        )
        self.width = int(model.config.hidden_size)
        stops = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
        stops = stops if isinstance(stops, list) else [stops]
        self.ends = frozenset(token for token in (*stops, self.tokenizer.eos_token_id) if token is not None)
        self.model.to(self.device)
        if heads:
            # The head is given the last position of a batch, a slice with gaps. In bfloat16 a CPU multiplies
            # that a hundred times slower than a copy without gaps.
            self.model.get_output_embeddings().register_forward_pre_hook(_without_gaps)
        self.embedder = self.reader
        if layer is not None:
            self.embedder = _sharing(self.reader) if heads else self.reader
            _cut(self.embedder, layer)

    def encode(self, texts: Sequence[str], suffix: str = "") -> list[list[int]]:
        """Token numbers of every text, at most `limit` of them, cut before ``suffix``; never none."""
        if not texts:
            return []
        encoded = self.tokenizer(list(texts), padding=False, truncation=False, verbose=False)["input_ids"]
        empty = self.tokenizer("")["input_ids"]
        tail = len(self.tokenizer(suffix, add_special_tokens=False)["input_ids"]) + min(len(empty), 1)
        marks = (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id, 0)
        nothing = empty or [next(mark for mark in marks if mark is not None)]
        for ids in encoded:
            if len(ids) > self.limit:
                del ids[self.limit - tail : len(ids) - tail]
        return [ids or nothing for ids in encoded]

    def embed(self, encoded: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """One vector a sequence of tokens, (n, dim); an encoder's scaled to unit length."""
        normalize = import_torch().nn.functional.normalize
        return self.map_states(encoded, self.width, (lambda x: x) if self.causal else normalize)

    def map_states(
        self, encoded: Sequence[Sequence[int]], width: int, function: Callable[[Any], Any]
    ) -> NDArray[np.float32]:
        """What ``function`` makes of the states of all sequences, (n, width).

        Parameters
        ----------
        encoded : sequence of sequence of int
            Token numbers, in any order.
        width : int
            Numbers that the function returns for one sequence.
        function : callable
            From states of a batch, a float32 tensor (rows, dim), to a tensor (rows, width).
        """
        torch = import_torch()
        out = np.empty((len(encoded), width), dtype=np.float32)
        with torch.inference_mode():
            shared, prefix = self.read_shared(encoded, self.embedder) if self.causal else (0, None)
            rests = [ids[shared:] for ids in encoded]
            for rows in batches([len(ids) for ids in rests], *BATCH[self.device]):
                ids, lengths = self.pad([rests[row] for row in rows])
                out[rows] = function(self.pooled(ids, lengths, prefix)).float().cpu().numpy()
        return out

    def pooled(self, ids: Any, lengths: Any, prefix: Any = None) -> Any:
        """States of sequences padded on the right, float32 (n, dim), differentiable.

        A causal model's is the state of the last real token: no mask is needed, because the padding stands
        behind it and is never seen. An encoder's is the mean over real tokens.
        """
        torch = import_torch()
        if self.causal:
            cache = None if prefix is None else self.copies(prefix, len(ids))
            read = self.embedder(input_ids=ids, past_key_values=cache, use_cache=cache is not None)
            return read.last_hidden_state[torch.arange(len(ids), device=ids.device), lengths - 1].float()
        mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        states = self.embedder(input_ids=ids, attention_mask=mask.long()).last_hidden_state.float()
        return (states * mask[..., None]).sum(1) / lengths[:, None]

    def read_shared(self, encoded: Sequence[Sequence[int]], reader: Any) -> tuple[int, Any]:
        """What all sequences begin with, read once: its number of tokens, and a reader's keys and values."""
        shared = shared_prefix(encoded)
        if shared < 2 or len(encoded) < 8:
            return 0, None
        ids, _ = self.pad([list(encoded[0][:shared])])
        return shared, reader(input_ids=ids, use_cache=True).past_key_values

    def copies(self, prefix: Any, n: int) -> Any:
        """Keys and values of a prefix (None: an empty one) for each of ``n`` rows, as copies."""
        from transformers import DynamicCache

        if prefix is None:
            return DynamicCache(config=self.model.config)
        return DynamicCache(
            [
                (layer.keys.expand(n, -1, -1, -1), layer.values.expand(n, -1, -1, -1))
                for layer in prefix.layers
            ]
        )

    def selected(self, cache: Any, rows: Sequence[int]) -> Any:
        """A copy of some rows' keys and values."""
        from transformers import DynamicCache

        kept = list(rows)
        return DynamicCache([(layer.keys[kept], layer.values[kept]) for layer in cache.layers])

    def pad(self, encoded: Sequence[Sequence[int]], left: bool = False) -> tuple[Any, Any]:
        """Token numbers as a tensor (n, longest), padded on the right or on the left, and the lengths."""
        torch = import_torch()
        lengths = [len(ids) for ids in encoded]
        padded = np.zeros((len(encoded), max(lengths)), dtype=np.int64)
        for row, ids in enumerate(encoded):
            start = padded.shape[1] - len(ids) if left else 0
            padded[row, start : start + len(ids)] = ids
        return torch.from_numpy(padded).to(self.device), torch.tensor(lengths, device=self.device)


def batches(lengths: Sequence[int], tokens: int, overhead: int) -> Iterator[list[int]]:
    """Rows in batches, the longest first.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of every row.
    tokens : int
        Tokens in a batch at most, padding included, unless one row alone has more.
    overhead : int
        Tokens of padding that cost as much as a batch of their own.
    """
    batch: list[int] = []
    longest = padding = 0
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if batch and ((len(batch) + 1) * longest > tokens or padding + longest - lengths[row] > overhead):
            yield batch
            batch = []
        if not batch:
            longest, padding = lengths[row], 0
        batch.append(row)
        padding += longest - lengths[row]
    if batch:
        yield batch


def shared_prefix(encoded: Sequence[Sequence[int]]) -> int:
    """How many tokens all sequences begin with, leaving each at least one of its own."""
    if not encoded:
        return 0
    first, last = min(map(tuple, encoded)), max(map(tuple, encoded))  # the two that differ earliest
    most = min(len(ids) for ids in encoded) - 1
    for place, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other or place == most:
            return place
    return most


def number_format(dtype: str = "auto") -> str:
    """The number format to load weights in: the one that is faster here, unless one was asked for."""
    if dtype != "auto":
        return dtype
    torch = import_torch()
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    # A rule and not a stopwatch: the format is part of what replies are stored under, so it must be the same
    # tomorrow. Without such instructions bfloat16 is emulated, and many times slower than float32.
    features = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if features.get("avx512_bf16") or features.get("amx_bf16") else "float32"


def convert_gguf(source: Path, target: Path) -> None:
    """Write a GGUF file as a folder of safetensors, configuration and tokenizer.

    transformers takes 18 seconds to read the embedded model from GGUF, and less than one from the result.
    """
    torch = import_torch()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    with quiet_transformers(), redirect_stderr(io.StringIO()):  # the GGUF reader's bar heeds no setting
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        # What was read is no longer quantised, and the folder must say so or it cannot be loaded.
        del model.config.quantization_config
        model.hf_quantizer = None
        model.config.architectures = [type(model).__name__]
        # Half precision keeps what four-bit blocks with half-precision scales hold, in half the room.
        model.to(torch.float16).save_pretrained(target)
        AutoTokenizer.from_pretrained(**where).save_pretrained(target)


def import_torch() -> Any:
    """torch, where it and transformers are installed.

    Raises
    ------
    MissingExtraError
    """
    try:
        import torch
        import transformers  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("torch or transformers", "local") from error
    return torch


def import_gguf() -> None:
    """Make sure that what `convert_gguf` needs is installed.

    Raises
    ------
    MissingExtraError
    """
    import_torch()
    try:
        import gguf  # noqa: F401 - transformers reads the file with it
    except ImportError as error:
        raise MissingExtraError("gguf", "local") from error


def _without_gaps(module: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """What goes into a module, with its first tensor in one piece."""
    return (inputs[0].contiguous(), *inputs[1:])


def _sharing(reader: Any) -> Any:
    """A copy of a module that can be cut, with the very same weights."""
    weights = [*reader.parameters(), *reader.buffers()]
    return copy.deepcopy(reader, {id(tensor): tensor for tensor in weights})


def _cut(reader: Any, layer: int) -> None:
    """Drop the blocks after ``layer`` and, unless that is the last, the normalisation behind them."""
    torch = import_torch()
    blocks = reader.config.num_hidden_layers
    for parent in reader.modules():
        for name, child in parent.named_children():
            if isinstance(child, torch.nn.ModuleList) and len(child) == blocks:
                setattr(parent, name, child[:layer])
    reader.config.num_hidden_layers = layer
    if layer < blocks:
        for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm"):
            if hasattr(reader, name):
                setattr(reader, name, torch.nn.Identity())


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Without the progress bars that transformers shows for every file it reads."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
