"""How much of a bare batched forward pass is left when n-grams are embedded through the library?

Bare: the model called on the same tokens in the same batches, tokenised and padded beforehand. Beside it, in
turns, so that whatever else the machine does meets all of them: the backend (tokenising, sorting, batching,
pooling), and a session (the same, and every vector written to a store). Medians over the turns, of seconds on
the clock and of processor time; on a busy machine only the second means something.

    python benchmarks/embedding_throughput.py [--model minilm smollm2-135m] [--seconds 10] [--threads N]

The n-grams are the distinct words and pairs of the bundled support tickets. Takes about a minute.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers

from interpllm.datasets import load_tickets
from interpllm.llm import Session, Store
from interpllm.llm.local_model import BATCH, LocalModel, batches
from interpllm.llm.transformers_local import TransformersBackend
from interpllm.runtime.tokens import ngrams


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes, on the clock and of the processor (all threads together)."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def token_batches(model: LocalModel, texts: Sequence[str]) -> list[tuple[Any, Any]]:
    """Token numbers and masks of the batches that the library makes of the texts, padded."""
    encoded = model.encode(texts)
    made = []
    for rows in batches([len(ids) for ids in encoded], *BATCH[model.device]):
        ids, lengths = model.pad([encoded[row] for row in rows])
        mask = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
        made.append((ids, None if model.causal else mask.long()))
    return made


def bare(model: LocalModel, made: Sequence[tuple[Any, Any]]) -> None:
    """Nothing but the model on every batch."""
    settings = {"use_cache": False} if model.causal else {}
    with torch.inference_mode():
        for ids, mask in made:
            model.reader(input_ids=ids, attention_mask=mask, **settings)
    if model.device == "cuda":
        torch.cuda.synchronize()


def measure(name: str, seconds: float, turns: int) -> None:
    """Compare the three on one model, and print two lines."""
    backend = TransformersBackend(name)
    model = backend.load()
    tickets = load_tickets()["text"]
    every = list(dict.fromkeys(gram for text in tickets for gram in ngrams(text, 1, 2)))
    trial = token_batches(model, every[:128])
    bare(model, trial)
    speed = 128 / timed(lambda: bare(model, trial))[0]
    # Whole chunks of a session, as many as one turn of one of the three should take.
    chunk = backend.embed_batch_size
    texts = every[: max(1, round(speed * seconds / chunk)) * chunk]
    made = token_batches(model, texts)
    times: dict[str, list[tuple[float, float]]] = {"bare": [], "backend": [], "session": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns):
            store = Store(Path(folder) / f"{turn}.sqlite")
            session = Session(backend, store=store)
            works: dict[str, Callable[[], object]] = {
                "bare": lambda: bare(model, made),
                "backend": lambda: backend.embed(texts),
                "session": partial(session.embed, texts),
            }
            for what, work in works.items():
                times[what].append(timed(work))
            store.close()
    print(f"{name}: {len(texts)} n-grams in {backend.identity['dtype']} on {model.device}")
    for place, kind in enumerate(("clock", "processor")):
        median = {what: statistics.median(pair[place] for pair in pairs) for what, pairs in times.items()}
        speeds = ", ".join(
            f"{what} {len(texts) / taken:.0f}/s ({median['bare'] / taken:.2f} of bare)"
            for what, taken in median.items()
        )
        print(f"  {kind:9} {speeds}")


def main() -> None:
    """Read the options and measure every model."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--model", nargs="+", default=["minilm", "smollm2-135m"])
    options.add_argument("--seconds", type=float, default=3.0, help="of one turn of one of the three")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--threads", type=int, default=None, help="of torch; by default its own choice")
    args = options.parse_args()
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, {versions}")
    for name in args.model:
        measure(name, args.seconds, args.turns)


if __name__ == "__main__":
    main()
