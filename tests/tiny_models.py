"""Models of transformers small enough to be made on the spot: two blocks, random weights, real classes.

The tokenizer works on bytes, with a few merged pairs, so that a token may span the end of a prompt.
"""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

_BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
_MERGES = [("Ġ", "b"), ("Ġb", "a"), ("Ġba", "d"), ("s", "l"), ("o", "o"), ("g", "oo"), ("goo", "d")]
_CHAT = (
    "{% for m in messages %}{{ '<s>' + m['role'] + '\n' + m['content'] + '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}"
)


def _tokenizer(folder: Path, wrapped: bool) -> int:
    """Write a tokenizer that puts ``<s> ... </s>`` around texts, or nothing; return its vocabulary's size."""
    pieces = ["<s>", "</s>", *_BYTES, *("".join(pair) for pair in _MERGES)]
    tokenizer = Tokenizer(models.BPE({piece: place for place, piece in enumerate(pieces)}, _MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if wrapped:
        tokenizer.post_processor = processors.TemplateProcessing(
            "<s> $A </s>", None, [("<s>", 0), ("</s>", 1)]
        )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    if not wrapped:
        fast.chat_template = _CHAT
    fast.save_pretrained(folder)
    return len(pieces)


def tiny_llama(folder: Path) -> Path:
    """A causal language model that reads at most 200 tokens."""
    config = LlamaConfig(
        vocab_size=_tokenizer(folder, wrapped=False),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=200,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
        tie_word_embeddings=True,
        initializer_range=0.2,  # larger than usual, so that predictions are far from uniform
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def tiny_bert(folder: Path, hidden_size: int = 32) -> Path:
    """A sentence encoder that reads at most 64 tokens."""
    config = BertConfig(
        vocab_size=_tokenizer(folder, wrapped=True),
        hidden_size=hidden_size,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


def tiny_text_classifier(folder: Path) -> Path:
    """What tells "calm" texts from "angry" ones by chance, of at most 64 tokens."""
    config = BertConfig(
        vocab_size=_tokenizer(folder, wrapped=True),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.4,
        id2label={0: "calm", 1: "angry"},
        label2id={"calm": 0, "angry": 1},
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertForSequenceClassification(config).save_pretrained(folder)
    return folder
