"""Fine-tuning a local model on labelled rows, to teach a readable model with what it has learned."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from interpllm.errors import CapabilityError, InputError
from interpllm.llm.base import Reply, Request, fill
from interpllm.llm.folders import cache_folder
from interpllm.llm.keys import key
from interpllm.llm.local_model import LocalModel, import_torch, number_format
from interpllm.llm.session import Session
from interpllm.llm.transformers_local import TransformersBackend

Task = Literal["classification", "regression"]

EPOCHS, BATCH_SIZE, MAX_STEPS = 4.0, 32, 750  # unless told otherwise

VALUE = "value"  # the one option of a regression
_VERSION = 1  # part of what weights are kept under: raised whenever training changes
_WARM_UP = 0.1  # share of the steps over which the learning rate rises
_WEIGHT_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_POOL = 16  # batches that are sorted by length together


def finetune(
    session: Session,
    texts: Sequence[str],
    targets: Sequence[Any] | NDArray[Any],
    *,
    task: Task = "classification",
    sample_weight: Sequence[float] | NDArray[Any] | None = None,
    epochs: float = EPOCHS,
    batch_size: int = BATCH_SIZE,
    learning_rate: float = 2e-4,
    max_steps: int = MAX_STEPS,
    max_tokens: int = 128,
    random_state: int = 0,
    verbose: int = 0,
) -> Session:
    """Fine-tune the session's embedding model on rows, with a linear head on its pooled states.

    All weights learn, by AdamW with a linear rise and fall of the learning rate, in batches of texts of like
    length. Training happens at the first verb that the store cannot answer; the weights are kept in the cache
    folder under the content of everything that decided them, so the same rows are never trained on twice.

    Parameters
    ----------
    session : Session
        With a local model, as from ``connect("minilm")``. All its blocks learn, whatever its ``layer``.
    texts : sequence of str
    targets : sequence
        Labels, or numbers for a regression.
    task : {"classification", "regression"}
    sample_weight : sequence of float or None
        Weight of every row in the loss.
    epochs : float
        Passes over the rows, unless ``max_steps`` ends them earlier.
    batch_size : int
        Rows in a step.
    learning_rate : float
        At its highest.
    max_steps : int
        Steps at most, which bounds the time on large sets: 750 steps of 32 rows are 24,000 rows.
    max_tokens : int
        Tokens of a text that are read while training.
    random_state : int
        Decides the order of the rows, the head's first weights and dropout.
    verbose : int
        1 shows a progress bar on standard error.

    Returns
    -------
    Session
        ``embed(texts)`` gives the pooled states that the head reads. ``score(texts, options)`` gives
        log-probabilities of classes by their name ``str(label)``; for a regression, ``options=["value"]``
        gives the predicted value. ``backend.classes`` lists the names in their order.

    Raises
    ------
    InputError
        When the session's model is not a local one, or rows or parameters cannot be used.
    """
    base = session.backend
    if not isinstance(base, TransformersBackend):
        raise InputError("Only a local model can be fine-tuned: pass a session from connect('minilm').")
    recipe = {
        "epochs": float(epochs),
        "batch_size": int(batch_size),
        "learning_rate": float(learning_rate),
        "max_steps": int(max_steps),
        "max_tokens": int(max_tokens),
        "random_state": int(random_state),
    }
    if min(epochs, batch_size, learning_rate, max_steps, max_tokens) <= 0:
        raise InputError(f"These must all be above zero, except random_state: {recipe}.")
    backend = FinetunedBackend(base, _Rows(texts, targets, sample_weight, task), recipe, verbose)
    return Session(backend, store=session.store, mode=session.memory.mode)


class FinetunedBackend:
    """A local model fine-tuned on rows; made by :func:`finetune`.

    Parameters
    ----------
    base : TransformersBackend
        What is fine-tuned; it stays as it is.
    rows : _Rows
        What it learns; forgotten once it is trained.
    recipe : mapping
        Every parameter of the training.
    verbose : int
        1 shows a progress bar.
    """

    batch_size = 512
    capabilities = frozenset({"embed", "score"})

    def __init__(
        self, base: TransformersBackend, rows: _Rows, recipe: Mapping[str, Any], verbose: int
    ) -> None:
        self.base = base
        self.recipe = dict(recipe)
        self.classes = rows.classes
        self.verbose = verbose
        self._scale = rows.scale
        self._rows: _Rows | None = rows
        content = {
            "version": _VERSION,
            "base": dict(base.identity),
            "recipe": self.recipe,
            "rows": rows.content,
        }
        self._sha = key(content)
        self._loaded: tuple[LocalModel, Any] | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FinetunedBackend({self.base!r}, {self._sha[:12]})"

    @property
    def identity(self) -> Mapping[str, Any]:
        """As that of the base model, with a sha256 of all that decided the weights in place of theirs."""
        return {**self.base.identity, "weights": self._sha, "finetuned": True}

    @property
    def path(self) -> Path:
        """The file of the fine-tuned weights; it may not exist yet."""
        return cache_folder() / "finetuned" / f"{self._sha}.safetensors"

    def close(self) -> None:
        """Let go of the memory; the next verb loads the weights again."""
        self._loaded = None

    def embed(self, texts: Sequence[str], template: str = "{text}") -> NDArray[np.float32]:
        """The states that the head reads, (n_texts, dim)."""
        model, _ = self.load()
        suffix = template.rpartition("{text}")[2]
        encoded = model.encode([fill(template, text) for text in texts], suffix)
        return model.map_states(encoded, model.width, lambda states: states)

    def score(self, prompts: Sequence[str], options: Sequence[str]) -> NDArray[np.float64]:
        """Log-probability of each class, or the value of a regression, for whole texts (n_texts, n_options).

        Raises
        ------
        InputError
            When an option is not a class that was learned.
        """
        names = list(self.classes) or [VALUE]
        unknown = [option for option in options if option not in names]
        if unknown:
            raise InputError(f"{unknown[0]!r} was not learned; the options are {names}.")
        model, head = self.load()
        torch = import_torch()

        def finish(states: Any) -> Any:
            return torch.log_softmax(head(states), dim=-1) if self.classes else head(states)

        scores = model.map_states(model.encode(prompts), len(names), finish).astype(np.float64)
        if not self.classes:
            scores = scores * self._scale[1] + self._scale[0]
        return scores[:, [names.index(option) for option in options]]

    def complete(self, requests: Sequence[Request]) -> list[Reply]:
        """It cannot write.

        Raises
        ------
        CapabilityError
        """
        raise CapabilityError("A fine-tuned model here embeds and scores texts; it cannot complete.")

    def load(self) -> tuple[LocalModel, Any]:
        """Model and head in memory: read from the cache folder, or trained now and kept there."""
        with self._lock:
            if self._loaded is None:
                if not self.path.is_file():
                    self._train()
                self._rows = None
                self._loaded = self._read()
            return self._loaded

    def _read(self) -> tuple[LocalModel, Any]:
        torch = import_torch()
        from safetensors.torch import load_file

        model = LocalModel(self.base.folder, number_format(self.base.dtype), self.base.causal, heads=False)
        weights = load_file(self.path, device=model.device)
        n_outputs = max(len(self.classes), 1)
        head = torch.nn.utils.skip_init(torch.nn.Linear, model.width, n_outputs, device=model.device)
        head.requires_grad_(False).load_state_dict(
            {name: weights.pop(f"head.{name}") for name in ("weight", "bias")}
        )
        model.reader.load_state_dict(weights)
        return model, head

    def _train(self) -> None:
        if self._rows is None:
            raise InputError(
                f"The fine-tuned weights {self.path} are gone. Call finetune again with the rows."
            )
        torch = import_torch()
        from safetensors.torch import save_file

        model, head = train(self.base, self._rows, self.recipe, self.verbose)
        kept = getattr(torch, number_format(self.base.dtype))
        weights = {name: tensor.to(kept).contiguous() for name, tensor in model.reader.state_dict().items()}
        weights.update({f"head.{name}": tensor for name, tensor in head.state_dict().items()})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, suffix=".part")
        os.close(handle)
        try:
            save_file(weights, temporary)
            os.replace(temporary, self.path)
        finally:
            Path(temporary).unlink(missing_ok=True)


class _Rows:
    """Texts with what is to be learned of them, checked."""

    def __init__(self, texts: Sequence[str], targets: Any, sample_weight: Any, task: Task) -> None:
        self.texts = list(texts)
        targets = np.asarray(targets)
        if task not in ("classification", "regression"):
            raise InputError(f"task must be 'classification' or 'regression'; got {task!r}.")
        if not self.texts or targets.shape != (len(self.texts),):
            raise InputError(
                f"{len(self.texts)} texts need as many targets; got an array of shape {targets.shape}."
            )
        self.weights = (
            np.ones(len(self.texts)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        )
        if self.weights.shape != targets.shape or not (self.weights >= 0).all() or not self.weights.sum() > 0:
            raise InputError(
                "sample_weight must hold one number for every text, none negative, not all zero."
            )
        self.classes: tuple[str, ...] = ()
        self.scale = (0.0, 1.0)
        if task == "regression":
            values = targets.astype(np.float64)
            if not np.isfinite(values).all():
                raise InputError("The targets of a regression must be finite numbers.")
            self.scale = (float(values.mean()), float(values.std()) or 1.0)
            self.learned: NDArray[Any] = ((values - self.scale[0]) / self.scale[1]).astype(np.float32)
            self.content = [self.texts, values.tolist(), self.weights.tolist()]
        else:
            labels, self.learned = np.unique(targets, return_inverse=True)
            self.classes = tuple(str(label) for label in labels)
            if len(set(self.classes)) != len(labels) or len(labels) < 2:
                raise InputError(
                    f"At least two classes with names of their own are needed; got {self.classes}."
                )
            self.content = [self.texts, [self.classes[code] for code in self.learned], self.weights.tolist()]


def train(
    base: TransformersBackend, rows: _Rows, recipe: Mapping[str, Any], verbose: int = 0
) -> tuple[LocalModel, Any]:
    """Model and head after training on the rows, in float32; the global random state is left as it was."""
    torch = import_torch()
    model = LocalModel(base.folder, "float32", base.causal, heads=False)
    encoded = [ids[: recipe["max_tokens"]] for ids in model.encode(rows.texts)]
    planned = int(np.ceil(recipe["epochs"] * len(encoded) / recipe["batch_size"]))
    steps = max(1, min(planned, recipe["max_steps"]))
    learned = torch.as_tensor(rows.learned, device=model.device)
    weights = torch.as_tensor(rows.weights / rows.weights.mean(), dtype=torch.float32, device=model.device)
    devices = [torch.cuda.current_device()] if model.device == "cuda" else []
    half = number_format(base.dtype) == "bfloat16"
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(recipe["random_state"])
        head = torch.nn.Linear(model.width, max(len(rows.classes), 1), device=model.device)
        reader = model.reader.requires_grad_(True).train()
        learners = [*reader.parameters(), *head.parameters()]
        optimizer = torch.optim.AdamW(
            learners, lr=recipe["learning_rate"], weight_decay=_WEIGHT_DECAY, fused=True
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rise_and_fall(step, steps))
        order = _order([len(ids) for ids in encoded], recipe["batch_size"], recipe["random_state"])
        for _ in tqdm(range(steps), desc="fine-tune", unit="step", file=sys.stderr, disable=not verbose):
            batch = next(order)
            ids, lengths = model.pad([encoded[row] for row in batch])
            with torch.autocast(model.device, dtype=torch.bfloat16, enabled=half):
                states = model.pooled(ids, lengths)
            out = head(torch.nn.functional.dropout(states, 0.1))
            if rows.classes:
                loss = torch.nn.functional.cross_entropy(out, learned[batch], reduction="none")
            else:
                loss = (out[:, 0] - learned[batch]) ** 2
            (loss * weights[batch]).mean().backward()
            torch.nn.utils.clip_grad_norm_(learners, _LONGEST_GRADIENT)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
    reader.eval().requires_grad_(False)
    return model, head.requires_grad_(False)


def _rise_and_fall(step: int, steps: int) -> float:
    """Share of the highest learning rate at a step."""
    rise = max(1, round(_WARM_UP * steps))
    return (step + 1) / rise if step < rise else max(0.0, (steps - step) / max(1, steps - rise))


def _order(lengths: Sequence[int], batch_size: int, seed: int) -> Iterator[list[int]]:
    """Batches without end: every pass shuffled, texts of like length together."""
    random = np.random.default_rng(seed)
    size = np.asarray(lengths)
    while True:
        rows = random.permutation(len(size))
        batches = []
        for start in range(0, len(rows), _POOL * batch_size):
            pool = rows[start : start + _POOL * batch_size]
            pool = pool[np.argsort(size[pool], kind="stable")]
            batches += [pool[at : at + batch_size].tolist() for at in range(0, len(pool), batch_size)]
        yield from (batches[number] for number in random.permutation(len(batches)))
