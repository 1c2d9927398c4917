"""Language models in process, through torch and transformers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path


def convert_gguf(source: Path, target: Path) -> None:
    """Write a GGUF file as a folder of safetensors, configuration and tokenizer.

    transformers takes 18 seconds to read the embedded model from GGUF, and less than one from the result.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    with _quiet_transformers(), redirect_stderr(io.StringIO()):  # the GGUF reader's bar heeds no setting
        model = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        # What was read is no longer quantised, and the folder must say so or it cannot be loaded.
        del model.config.quantization_config
        model.hf_quantizer = None
        model.config.architectures = [type(model).__name__]
        # Half precision keeps what four-bit blocks with half-precision scales hold, in half the room.
        model.to(torch.float16).save_pretrained(target)
        AutoTokenizer.from_pretrained(**where).save_pretrained(target)


@contextmanager
def _quiet_transformers() -> Iterator[None]:
    """Without the progress bars that transformers shows for every file it reads."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
