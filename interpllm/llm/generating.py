"""What a causal language model in memory says next: log-probabilities of options, and whole replies.

Sequences of one batch end at the same place (padded on the left, where a mask hides the padding), so that
the next token of all of them is predicted at the last position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interpllm.errors import InputError
from interpllm.llm.base import Reply, Request
from interpllm.llm.local_model import BATCH, LocalModel, batches, import_torch
from interpllm.llm.logprobs import merged_seam
from interpllm.llm.schema import in_words

_MAX_TOKENS = 256
# A step of generation costs almost the same for one row and for many: batches are larger than for reading.
_ROWS_FOR_ONE = 8


def score(
    model: LocalModel, prompts: Sequence[str], options: Sequence[str], exact: bool = False
) -> NDArray[np.float64]:
    """Log-probability of each option as the continuation of each prompt; see `TransformersBackend.score`."""
    if not all(options):
        raise InputError("an option must not be empty: the continuation '' has no probability.")
    torch = import_torch()
    parted = [_part(model, prompt, options, exact) for prompt in prompts]
    if exact:
        _check_alike([rests for _, rests in parted], prompts, options)
    out = np.full((len(prompts), len(options)), np.nan)
    fitting = [
        row
        for row, (context, rests) in enumerate(parted)
        if len(context) + max(map(len, rests)) <= model.limit
    ]
    with torch.inference_mode():
        shared, prefix = model.read_shared([parted[row][0] for row in fitting], model.reader)
        for batch in batches([len(parted[row][0]) - shared for row in fitting], *BATCH[model.device]):
            rows = [fitting[place] for place in batch]
            contexts = [parted[row][0][shared:] for row in rows]
            reading = _Reading(model, contexts, shared, prefix)
            for column in range(len(options)):
                out[rows, column] = reading.continued([parted[row][1][column] for row in rows])
    return out


def complete(model: LocalModel, requests: Sequence[Request]) -> list[Reply]:
    """One reply a request, in order; see `TransformersBackend.complete`."""
    torch = import_torch()
    works = [_Work(model, in_words(request)) for request in requests]
    tokens, overhead = (_ROWS_FOR_ONE * size for size in BATCH[model.device])
    fitting = [work for work in works if len(work.prompt) + work.settings.max_tokens <= model.limit]
    with torch.inference_mode():
        for rows in batches([len(work.prompt) for work in fitting], tokens, overhead):
            _write(model, [fitting[row] for row in rows])
    return [work.reply(model) for work in works]


def _part(
    model: LocalModel, prompt: str, options: Sequence[str], exact: bool
) -> tuple[list[int], list[list[int]]]:
    """Tokens that all options continue, and the tokens of each continuation (at least one).

    With ``exact`` the former are the prompt's own, and the latter the options' own.
    """
    tokenize = model.tokenizer
    alone, *whole = tokenize([prompt, *(prompt + option for option in options)], verbose=False)["input_ids"]
    if not alone:
        start = model.encode([""])[0]
        alone, whole = start, [start + ids for ids in whole]
    if exact:
        for option, ids in zip(options, whole, strict=True):
            if ids[: len(alone)] != alone or len(ids) == len(alone):
                raise merged_seam(prompt, option)
        return alone, [ids[len(alone) :] for ids in whole]
    context = min(
        min(
            next((i for i, (a, b) in enumerate(zip(alone, ids, strict=False)) if a != b), len(alone)),
            len(ids) - 1,
        )
        for ids in whole
    )
    return alone[:context], [ids[context:] for ids in whole]


def _check_alike(rests: Sequence[list[list[int]]], prompts: Sequence[str], options: Sequence[str]) -> None:
    """Check that every option has the same tokens after every prompt of one call.

    A tokenizer that merges pairs gives them wherever no merge spans the seam, in this call or another; this
    is for those that do not.
    """
    for row, found in enumerate(rests):
        for option, ids, first in zip(options, found, rests[0], strict=True):
            if ids != first:
                raise merged_seam(prompts[row], option)


class _Reading:
    """Contexts that were read once, and can be continued in several ways."""

    def __init__(
        self, model: LocalModel, contexts: Sequence[Sequence[int]], shared: int, prefix: Any
    ) -> None:
        torch = import_torch()
        self.model = model
        self.cache = model.copies(prefix, len(contexts))
        ids, self.mask, self.positions = _left(model, contexts, shared)
        logits = model.model(
            input_ids=ids,
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        self.first = torch.log_softmax(logits.float(), dim=-1)

    def continued(self, rests: Sequence[Sequence[int]]) -> NDArray[np.float64]:
        """Log-probability of one continuation of every context."""
        torch = import_torch()
        first = torch.tensor([ids[0] for ids in rests], device=self.model.device)
        total = self.first.gather(1, first[:, None])[:, 0].double()
        long = [row for row, ids in enumerate(rests) if len(ids) > 1]
        if long:
            ids, lengths = self.model.pad([rests[row] for row in long])
            read, follows = ids[:, :-1], ids[:, 1:]
            real = torch.arange(1, ids.shape[1], device=ids.device) < lengths[:, None]
            logits = self.model.model(
                input_ids=read,
                attention_mask=torch.cat([self.mask[long], torch.ones_like(read)], dim=1),
                position_ids=self.positions[long, -1:] + torch.arange(1, ids.shape[1], device=ids.device),
                past_key_values=self.model.selected(self.cache, long),
                use_cache=True,
            ).logits
            later = torch.log_softmax(logits.float(), dim=-1).gather(2, follows[..., None])[..., 0].double()
            total[long] += torch.where(real, later, 0.0).sum(1)
        return total.cpu().numpy()


def _left(model: LocalModel, contexts: Sequence[Sequence[int]], shared: int = 0) -> tuple[Any, Any, Any]:
    """Token numbers padded on the left, the mask over shared prefix and context, and the positions."""
    torch = import_torch()
    ids, lengths = model.pad(contexts, left=True)
    place = torch.arange(ids.shape[1], device=ids.device) - (ids.shape[1] - lengths[:, None])
    mask = torch.cat(
        [torch.ones((len(ids), shared), dtype=torch.long, device=ids.device), (place >= 0).long()], 1
    )
    return ids, mask, place.clamp(min=0) + shared


@dataclass(frozen=True)
class _Settings:
    """How a reply is to be written, checked."""

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = _MAX_TOKENS
    seed: int = 0
    stop: tuple[str, ...] = ()

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> _Settings:
        unknown = sorted(set(params) - {"temperature", "top_p", "max_tokens", "seed", "stop"})
        if unknown:
            raise InputError(
                f"A local model does not know the parameter {unknown[0]!r}; use temperature, top_p, "
                "max_tokens, seed and stop."
            )
        given = {name: value for name, value in params.items() if value is not None}
        stop = given.get("stop", ())
        given["stop"] = (stop,) if isinstance(stop, str) else tuple(stop)
        settings = cls(**given)
        numbers = (settings.temperature, settings.top_p, settings.max_tokens, settings.seed)
        sound = all(isinstance(number, (int, float)) for number in numbers) and (
            settings.temperature >= 0 and 0 < settings.top_p <= 1 and settings.max_tokens >= 1
        )
        if not sound or not all(isinstance(word, str) and word for word in settings.stop):
            raise InputError(f"These parameters make no sense together or by themselves: {dict(params)!r}.")
        return replace(settings, max_tokens=int(settings.max_tokens), seed=int(settings.seed))


class _Work:
    """One reply in the making."""

    def __init__(self, model: LocalModel, request: Request) -> None:
        self.settings = _Settings.of(request.params)
        self.prompt = _chat(model, request)
        self.tokens: list[int] = []
        self.finish: str | None = None
        self.generator: Any = None
        if self.settings.temperature > 0:
            # A generator of its own, so that a sample does not depend on what else is in the batch.
            self.generator = import_torch().Generator().manual_seed(self.settings.seed + request.sample)

    def choose(self, logits: Any) -> int:
        """The next token, from its logits (vocabulary,) in float32."""
        torch = import_torch()
        if self.generator is None:
            return int(logits.argmax())
        chances = torch.softmax(logits.cpu() / self.settings.temperature, dim=-1)
        if self.settings.top_p < 1:
            ranked, order = chances.sort(descending=True, stable=True)
            # Kept: the fewest likeliest tokens that together reach top_p, the one that reaches it included.
            chances[order[ranked.cumsum(0) - ranked >= self.settings.top_p]] = 0.0
        return int(torch.multinomial(chances, 1, generator=self.generator))

    def add(self, token: int, ends: frozenset[int], model: LocalModel) -> None:
        """Take in the next token, and notice the end."""
        if token in ends:
            self.finish = "stop"
            return
        self.tokens.append(token)
        if self.settings.stop and self._stopped(self._text(model)) is not None:
            self.finish = "stop"
        elif len(self.tokens) == self.settings.max_tokens:
            self.finish = "length"

    def reply(self, model: LocalModel) -> Reply:
        """What was written, without its stop word."""
        if self.finish is None:
            need = f"{len(self.prompt)} tokens and max_tokens={self.settings.max_tokens}"
            return Reply(None, error=f"prompt too long: {need}, but the model reads {model.limit}")
        text = self._text(model)
        return Reply(
            text[: self._stopped(text)],
            input_tokens=len(self.prompt),
            output_tokens=len(self.tokens),
            finish=self.finish,
        )

    def _text(self, model: LocalModel) -> str:
        return str(model.tokenizer.decode(self.tokens, skip_special_tokens=True))

    def _stopped(self, text: str) -> int | None:
        return min((at for at in map(text.find, self.settings.stop) if at >= 0), default=None)


def _write(model: LocalModel, works: Sequence[_Work]) -> None:
    """Write the replies of one batch, a token a step; a row that has ended leaves the batch."""
    torch = import_torch()
    ids, mask, positions = _left(model, [work.prompt for work in works])
    cache = model.copies(None, len(works))
    writing = list(works)
    while True:
        logits = (
            model.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )
        chosen = [work.choose(row) for work, row in zip(writing, logits, strict=True)]
        for work, token in zip(writing, chosen, strict=True):
            work.add(token, model.ends, model)
        alive = [row for row, work in enumerate(writing) if work.finish is None]
        if not alive:
            return
        if len(alive) < len(writing):
            cache = model.selected(cache, alive)
            mask, positions = mask[alive], positions[alive]
            writing = [writing[row] for row in alive]
        ids = torch.tensor([[chosen[row]] for row in alive], device=model.device)
        mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
        positions = positions[:, -1:] + 1


def _chat(model: LocalModel, request: Request) -> list[int]:
    """Token numbers of a conversation that waits for the model's turn."""
    special = not model.tokenizer.chat_template  # a template writes special tokens itself
    text = _written(model, request.messages)
    return list(model.tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])


def conversation(model: LocalModel, messages: Sequence[Mapping[str, str]]) -> str:
    """A conversation that waits for the model's turn, without the start token, which `score` adds itself."""
    start = model.tokenizer.decode(model.tokenizer("", verbose=False)["input_ids"])
    return _written(model, messages).removeprefix(start)


def _written(model: LocalModel, messages: Sequence[Mapping[str, str]]) -> str:
    told = [dict(message) for message in messages]
    if model.tokenizer.chat_template:
        return str(model.tokenizer.apply_chat_template(told, add_generation_prompt=True, tokenize=False))
    return "\n\n".join(message["content"] for message in told) + "\n"
