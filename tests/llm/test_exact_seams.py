"""Scoring the very tokens of a continuation: where a seam does not match, nothing is scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, InputError
from interpllm.llm import Session
from interpllm.llm.logprobs import from_echo
from interpllm.testing import FakeLLM

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_models import tiny_llama  # noqa: E402

from interpllm.llm.base import Request  # noqa: E402
from interpllm.llm.transformers_local import TransformersBackend  # noqa: E402

Opener = Callable[..., Session]


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TransformersBackend]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield TransformersBackend(tiny_llama(tmp_path_factory.mktemp("llama")), dtype="float32")
    torch.set_num_threads(threads)


def test_where_seams_match_it_is_the_plain_score(llama: TransformersBackend) -> None:
    prompts, options = ["It is", "So it was"], [" bad", " a tree"]
    np.testing.assert_allclose(llama.score_exact(prompts, options), llama.score(prompts, options), atol=1e-6)


def test_it_is_the_sum_over_the_continuations_tokens(llama: TransformersBackend) -> None:
    model = llama.load()
    prompt, own = model.encode(["It is"])[0], model.encode([" bad so"])[0]
    with torch.inference_mode():
        logits = model.model(input_ids=torch.tensor([prompt + own])).logits[0].log_softmax(-1)
    expected = sum(float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(own))
    assert llama.score_exact(["It is"], [" bad so"])[0, 0] == pytest.approx(expected, abs=1e-4)


def test_a_token_over_the_seam_is_named(llama: TransformersBackend) -> None:
    # "good" is one token of this tokenizer, so its halves are none of their own.
    assert llama.score(["a goo"], ["d"]).shape == (1, 1)
    with pytest.raises(InputError, match=r"'a goo' and the answer's beginning 'd' run together"):
        llama.score_exact(["It is", "a goo"], ["d"])


def test_a_session_passes_the_seams_fault_on(llama: TransformersBackend) -> None:
    with pytest.raises(InputError, match="run together"):
        Session(llama).score(["a goo"], ["d"], exact=True)


def test_a_conversation_is_what_complete_reads(llama: TransformersBackend) -> None:
    messages = ({"role": "system", "content": "Hi"}, {"role": "user", "content": "so"})
    text = llama.conversation(messages)
    read = llama.complete([Request(messages, params={"max_tokens": 1})])[0].input_tokens
    assert text == "<s>system\nHi</s><s>user\nso</s><s>assistant\n"
    assert len(llama.load().encode([text])[0]) == read


def test_both_ways_to_score_are_stored_apart(in_process: Opener) -> None:
    session = in_process(FakeLLM(scores=lambda prompt, option: -1.0))
    session.score(["a goo"], ["d"])
    with pytest.raises(InputError, match="run together"):
        session.score(["a goo"], ["d"], exact=True)
    assert session.plan(prompts=["a"], options=[" b"], exact=True).requests == 1
    session.score(["a"], [" b"], exact=True)
    assert session.plan(prompts=["a"], options=[" b"], exact=True).requests == 0
    assert session.plan(prompts=["a"], options=[" b"]).requests == 1


def test_a_backend_that_cannot_tell_seams_says_so(in_process: Opener) -> None:
    class Plain:
        """A backend with the three verbs and nothing else."""

        identity, capabilities, batch_size = {"model": "plain"}, frozenset({"score"}), 1

        def __getattr__(self, name: str) -> Any:
            if name in ("complete", "embed", "score"):
                return lambda prompts, options: np.zeros((len(prompts), len(options)))
            raise AttributeError(name)

    session = in_process(Plain())
    assert session.score(["a"], [" b"]).tolist() == [[0.0]]
    with pytest.raises(CapabilityError, match="every token"):
        session.score(["a"], [" b"], exact=True)


def echoed(tokens: list[str], offsets: list[int]) -> dict[str, Any]:
    logprobs = {"tokens": tokens, "token_logprobs": [None, *[-1.0] * (len(tokens) - 1)]}
    return {"choices": [{"index": 0, "logprobs": logprobs | {"text_offset": offsets}}]}


def test_offsets_of_a_server_tell_the_seam() -> None:
    whole = echoed(["a", " goo", "d", "!"], [0, 1, 5, 6])
    assert from_echo(whole, "a goo", ["d"], exact=True) == [-1.0]
    merged = echoed(["a", " good", "!"], [0, 1, 6])
    assert from_echo(merged, "a goo", ["d"]) == [-1.0]
    with pytest.raises(InputError, match="in the token ' good'"):
        from_echo(merged, "a goo", ["d"], exact=True)


@pytest.mark.local
def test_the_embedded_models_merges_are_refused() -> None:
    session = Session(TransformersBackend("smollm2-135m"))
    with pytest.raises(InputError, match="run together"):
        session.score(["The an"], ["swer"], exact=True)
