"""Local models against plain calls of transformers: embeddings, log-probabilities, replies.

Most run on tiny models in float32, where equal means equal to the last digits; a few on the embedded ones.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, InputError, ModelNotFoundError
from interpllm.llm.base import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from tiny_models import tiny_bert, tiny_llama  # noqa: E402

from interpllm.llm.local_model import batches, shared_prefix  # noqa: E402
from interpllm.llm.transformers_local import TransformersBackend  # noqa: E402

TEXTS = [
    "good",
    "not bad",
    "an utterly wonderful film",
    "",
    "naïve 12",
    "so",
    "a bore from the first minute to the last",
    "well acted!",
] * 4
TEMPLATE = "Review: {text}\nSentiment:"
PROMPTS = [
    "The capital of France is",
    "Two plus two is",
    "",
    "A movie review: what a mess. The film is very",
] * 8
OPTIONS = [" Paris", " four", " bad indeed, my friend"]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only lose time to threads, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> TransformersBackend:
    return TransformersBackend(tiny_llama(tmp_path_factory.mktemp("llama")), dtype="float32")


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> TransformersBackend:
    return TransformersBackend(tiny_bert(tmp_path_factory.mktemp("bert")), dtype="float32")


@pytest.fixture(scope="module")
def smollm() -> TransformersBackend:
    return TransformersBackend("smollm2-135m")


def one_by_one(backend: TransformersBackend, texts: list[str], template: str) -> Any:
    return np.vstack([backend.embed([text], template) for text in texts])


# Embedding --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", ["{text}", TEMPLATE])
def test_a_causal_models_vectors_are_the_same_in_batches_of_1_and_32(
    llama: TransformersBackend, template: str
) -> None:
    together = llama.embed(TEXTS, template)
    np.testing.assert_allclose(together[:8], one_by_one(llama, TEXTS[:8], template), rtol=0, atol=2e-4)


@pytest.mark.parametrize("template", ["{text}", TEMPLATE])
def test_an_encoders_vectors_are_the_same_in_batches_of_1_and_32(
    bert: TransformersBackend, template: str
) -> None:
    together = bert.embed(TEXTS, template)
    np.testing.assert_allclose(together[:8], one_by_one(bert, TEXTS[:8], template), rtol=0, atol=2e-6)


def test_half_precision_vectors_of_batches_of_1_and_32_point_the_same_way(bert: TransformersBackend) -> None:
    backend = TransformersBackend(bert.folder, dtype="bfloat16")
    cosines = (backend.embed(TEXTS)[:8] * one_by_one(backend, TEXTS[:8], "{text}")).sum(axis=1)
    assert cosines.min() > 0.999


def test_a_causal_models_vector_is_the_last_tokens_state(llama: TransformersBackend) -> None:
    model = llama.load()
    ids = torch.tensor([model.tokenizer(TEXTS[2])["input_ids"]])
    with torch.inference_mode():
        states = model.model(input_ids=ids, output_hidden_states=True).hidden_states[-1]
    np.testing.assert_allclose(llama.embed(TEXTS)[2], states[0, -1].numpy(), rtol=0, atol=2e-4)


def test_an_encoders_vector_is_the_mean_over_tokens_of_unit_length(bert: TransformersBackend) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(bert.folder)
    reader = transformers.AutoModel.from_pretrained(bert.folder).eval()
    read = tokenizer(TEXTS, padding=True, truncation=True, max_length=64, return_tensors="pt")
    with torch.inference_mode():
        states = reader(**read).last_hidden_state
    mask = read["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
    np.testing.assert_allclose(bert.embed(TEXTS), expected.numpy(), rtol=0, atol=2e-6)


def test_a_layer_gives_its_hidden_state(llama: TransformersBackend) -> None:
    model = llama.load()
    ids = torch.tensor([model.tokenizer(TEXTS[2])["input_ids"]])
    with torch.inference_mode():
        states = model.model(input_ids=ids, output_hidden_states=True).hidden_states[2]
    vectors = TransformersBackend(llama.folder, dtype="float32", layer=2).embed(TEXTS[2:3])
    np.testing.assert_allclose(vectors[0], states[0, -1].numpy(), rtol=1e-4, atol=1e-4)


def test_blocks_after_the_layer_are_not_computed(llama: TransformersBackend) -> None:
    model = TransformersBackend(llama.folder, layer=2).load()
    assert len(model.embedder.layers) == 2
    assert len(model.reader.layers) == 3
    assert model.embedder.layers[0].mlp.up_proj.weight is model.reader.layers[0].mlp.up_proj.weight


def test_the_last_layer_keeps_its_normalisation(llama: TransformersBackend) -> None:
    vectors = TransformersBackend(llama.folder, dtype="float32", layer=3).embed(TEXTS[:2])
    np.testing.assert_allclose(vectors, llama.embed(TEXTS[:2]), rtol=0, atol=2e-4)


@pytest.mark.parametrize("layer", [0, 4, -1])
def test_a_layer_that_the_model_has_not_is_refused(llama: TransformersBackend, layer: int) -> None:
    with pytest.raises(InputError, match="from 1 to 3"):
        TransformersBackend(llama.folder, layer=layer)


def test_a_text_that_is_too_long_loses_its_end_and_not_the_templates(bert: TransformersBackend) -> None:
    model = bert.load()
    ids = model.encode(["word " * 1000 + "\nSentiment:"], "\nSentiment:")[0]
    assert len(ids) == 64
    assert model.tokenizer.decode(ids).endswith("\nSentiment:</s>")


def test_no_texts_give_no_vectors(bert: TransformersBackend) -> None:
    assert bert.embed([]).shape == (0, 32)


# Scoring ----------------------------------------------------------------------------------------------


def plain_score(model: Any, prompt: str, option: str) -> float:
    """Log-probability of the option's tokens, one unpadded forward pass."""
    start = model.tokenizer(prompt)["input_ids"] or [model.tokenizer.bos_token_id]
    rest = model.tokenizer(option)["input_ids"]
    with torch.inference_mode():
        logits = model.model(input_ids=torch.tensor([start + rest])).logits[0].log_softmax(-1)
    return sum(float(logits[len(start) + place - 1, token]) for place, token in enumerate(rest))


def test_scores_are_those_of_plain_forward_passes(llama: TransformersBackend) -> None:
    expected = [[plain_score(llama.load(), prompt, option) for option in OPTIONS] for prompt in PROMPTS[:4]]
    np.testing.assert_allclose(llama.score(PROMPTS[:4], OPTIONS), expected, rtol=0, atol=1e-3)


def test_scores_are_the_same_in_batches_of_1_and_32(llama: TransformersBackend) -> None:
    alone = np.vstack([llama.score([prompt], OPTIONS) for prompt in PROMPTS[:4]])
    np.testing.assert_allclose(llama.score(PROMPTS, OPTIONS)[:4], alone, rtol=0, atol=1e-3)


def test_a_prefix_that_all_prompts_share_changes_no_score(llama: TransformersBackend) -> None:
    prompts = [f"Question: which one? Answer: {prompt}" for prompt in PROMPTS[:8]]
    alone = np.vstack([llama.score([prompt], OPTIONS) for prompt in prompts[:4]])
    np.testing.assert_allclose(llama.score(prompts, OPTIONS)[:4], alone, rtol=0, atol=1e-3)


def test_an_option_that_joins_the_prompts_last_token_is_scored_from_there(
    llama: TransformersBackend,
) -> None:
    model = llama.load()
    assert "sl" in model.tokenizer.tokenize("That islands")
    scores = llama.score(["That is"], ["lands", " fine"])[0]
    expected = [plain_score(model, "That i", "slands"), plain_score(model, "That i", "s fine")]
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-3)


def test_a_prompt_that_is_too_long_has_no_score(llama: TransformersBackend) -> None:
    scores = llama.score(["word " * 200, "Two plus two is"], [" four"])
    assert np.isnan(scores[:, 0]).tolist() == [True, False]


def test_an_empty_option_is_refused(llama: TransformersBackend) -> None:
    with pytest.raises(InputError, match="must not be empty"):
        llama.score(["a"], [" b", ""])


# Writing ----------------------------------------------------------------------------------------------

CAPITAL = Request.of("What is the capital of France?", params={"max_tokens": 12})
COLOURS = Request.of("Name three colours.", params={"max_tokens": 6, "temperature": 0.8, "seed": 3})


def test_the_greedy_reply_is_that_of_generate(llama: TransformersBackend) -> None:
    model = llama.load()
    text = model.tokenizer.apply_chat_template(
        list(CAPITAL.messages), add_generation_prompt=True, tokenize=False
    )
    read = model.tokenizer(text, return_tensors="pt")
    written = model.model.generate(**read, max_new_tokens=12, do_sample=False)[
        0, read["input_ids"].shape[1] :
    ]
    expected = model.tokenizer.decode(written, skip_special_tokens=True)
    assert llama.complete([CAPITAL])[0].text == expected


def test_a_reply_does_not_depend_on_what_shares_its_batch(llama: TransformersBackend) -> None:
    together = llama.complete([CAPITAL, COLOURS, Request.of("Hello " * 40, params={"max_tokens": 3})])
    assert together[:2] == [llama.complete([CAPITAL])[0], llama.complete([COLOURS])[0]]


def test_samples_differ(llama: TransformersBackend) -> None:
    other = Request(COLOURS.messages, params=COLOURS.params, sample=1)
    first, second = llama.complete([COLOURS, other])
    assert first.text != second.text


def test_a_reply_ends_at_max_tokens(llama: TransformersBackend) -> None:
    reply = llama.complete([COLOURS])[0]
    assert (reply.output_tokens, reply.finish) == (6, "length")


def test_a_reply_ends_before_a_stop_word(llama: TransformersBackend) -> None:
    whole = str(llama.complete([CAPITAL])[0].text)
    stop = re.findall("[!-~]{2}", whole)[-1]
    reply = llama.complete([Request(CAPITAL.messages, params={"max_tokens": 12, "stop": stop})])[0]
    assert (reply.text, reply.finish) == (whole[: whole.index(stop)], "stop")


def test_a_schema_is_asked_for_in_words(llama: TransformersBackend) -> None:
    plain, asked = (
        Request(CAPITAL.messages, schema=schema, params={"max_tokens": 1})
        for schema in (None, {"type": "object"})
    )
    plain_reply, asked_reply = llama.complete([plain, asked])
    assert asked_reply.input_tokens > plain_reply.input_tokens + 10


def test_a_prompt_that_is_too_long_has_no_reply(llama: TransformersBackend) -> None:
    reply = llama.complete([Request.of("word " * 200)])[0]
    assert reply.text is None
    assert "the model reads 200" in str(reply.error)


@pytest.mark.parametrize(
    "params", [{"logprobs": True}, {"temperature": -1}, {"max_tokens": 0}, {"stop": [""]}]
)
def test_parameters_that_cannot_be_heeded_are_refused(llama: TransformersBackend, params: Any) -> None:
    with pytest.raises(InputError):
        llama.complete([Request.of("Hello", params=params)])


# The backend ------------------------------------------------------------------------------------------


def test_an_encoder_only_embeds(bert: TransformersBackend) -> None:
    assert bert.capabilities == {"embed"}


def test_what_an_encoder_cannot_do_names_one_that_can(bert: TransformersBackend) -> None:
    with pytest.raises(CapabilityError, match=r'connect\("local"\)'):
        bert.score(["a"], ["b"])


def test_the_number_format_is_part_of_the_identity(bert: TransformersBackend) -> None:
    formats = {
        TransformersBackend(bert.folder, dtype=dtype).identity["dtype"] for dtype in ("float32", "bfloat16")
    }
    assert formats == {"float32", "bfloat16"}


def test_the_layer_is_part_of_the_identity(llama: TransformersBackend) -> None:
    assert TransformersBackend(llama.folder, layer=2).identity["layer"] == 2


def test_a_folder_of_ones_own_is_told_from_another_by_its_content(tmp_path: Any) -> None:
    shas = [
        TransformersBackend(tiny_bert(tmp_path / str(size), size)).identity["weights"] for size in (16, 32)
    ]
    assert shas[0] != shas[1]


def test_an_unknown_number_format_is_refused(bert: TransformersBackend) -> None:
    with pytest.raises(InputError, match="float32"):
        TransformersBackend(bert.folder, dtype="int4")  # type: ignore[arg-type]


def test_a_missing_model_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFoundError, match="interpllm models pull minilm"):
        TransformersBackend("minilm")


def test_a_pickle_leaves_the_weights_out(bert: TransformersBackend) -> None:
    bert.embed(["a"])
    assert len(pickle.dumps(bert)) < 5_000


def test_a_pickled_backend_embeds_the_same(bert: TransformersBackend) -> None:
    copy = pickle.loads(pickle.dumps(bert))
    np.testing.assert_array_equal(copy.embed(["a"]), bert.embed(["a"]))


# The embedded models ----------------------------------------------------------------------------------


@pytest.mark.local
def test_the_encoder_follows_the_convention_of_sentence_transformers() -> None:
    backend = TransformersBackend("minilm", dtype="float32")
    tokenizer = transformers.AutoTokenizer.from_pretrained(backend.folder)
    reader = transformers.AutoModel.from_pretrained(backend.folder).eval()
    read = tokenizer(TEXTS[:8], padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        states = reader(**read).last_hidden_state
    mask = read["attention_mask"][..., None]
    expected = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1))
    np.testing.assert_allclose(backend.embed(TEXTS[:8]), expected.numpy(), rtol=0, atol=2e-6)


@pytest.mark.local
def test_the_language_models_vectors_are_the_same_in_batches_of_1_and_32(smollm: TransformersBackend) -> None:
    together, alone = smollm.embed(TEXTS)[:3], one_by_one(smollm, TEXTS[:3], "{text}")
    cosines = (together * alone).sum(1) / np.linalg.norm(together, axis=1) / np.linalg.norm(alone, axis=1)
    assert cosines.min() > 0.999


@pytest.mark.local
def test_the_plausible_continuation_scores_higher(smollm: TransformersBackend) -> None:
    paris, four = smollm.score(["The capital of France is"], [" Paris", " four"])[0]
    assert paris > four + 5


@pytest.mark.local
def test_the_language_models_scores_hardly_hang_on_the_batch(smollm: TransformersBackend) -> None:
    options = [" good", " bad", " quite long and dull"]
    together = smollm.score(TEXTS, options)[:4]
    alone = np.vstack([smollm.score([text], options) for text in TEXTS[:4]])
    # In bfloat16, where that is the faster one, a logit of 20 is exact to 1/16, and three tokens add up.
    np.testing.assert_allclose(together, alone, rtol=0, atol=0.5)
    np.testing.assert_array_equal(together.argmax(axis=1), alone.argmax(axis=1))


@pytest.mark.local
def test_the_language_model_knows_the_capital_of_france(smollm: TransformersBackend) -> None:
    assert smollm.complete([CAPITAL])[0].text == "The capital of France is Paris."


@pytest.mark.local
def test_the_converted_tokenizer_is_that_of_the_original(smollm: TransformersBackend) -> None:
    # As transformers reads them from the GGUF file itself.
    original = [
        "Hello",
        "Ġ",
        "1",
        "2",
        "3",
        "Ġworld",
        ",",
        "Ġ",
        "<|im_start|>",
        "user",
        "Ġit",
        "'s",
        "Ġna",
        "Ã¯ve",
    ]
    tokenizer = smollm.load().tokenizer
    ids = tokenizer("Hello 123 world, <|im_start|>user it's naïve")["input_ids"]
    assert tokenizer.convert_ids_to_tokens(ids) == original


# How work is cut --------------------------------------------------------------------------------------


def test_batches_hold_every_row_once() -> None:
    lengths = [3, 9, 1, 1, 7, 3, 3, 2, 50]
    assert sorted(row for batch in batches(lengths, 20, 5) for row in batch) == list(range(len(lengths)))


def test_batches_keep_to_their_tokens_and_padding() -> None:
    lengths = np.random.default_rng(0).integers(1, 40, 500)
    for batch in batches(lengths.tolist(), 200, 30):
        padded = len(batch) * lengths[batch].max()
        assert padded <= 200
        assert padded - lengths[batch].sum() <= 30


def test_a_row_above_the_limit_has_a_batch_of_its_own() -> None:
    assert list(batches([5, 300, 5], 200, 30)) == [[1], [0, 2]]


@pytest.mark.parametrize(
    ("encoded", "shared"),
    [([], 0), ([[1, 2, 3]], 2), ([[1, 2, 3], [1, 2, 4]], 2), ([[1, 2], [1, 2, 3]], 1), ([[1], [2]], 0)],
)
def test_a_shared_prefix_leaves_every_row_a_token(encoded: list[list[int]], shared: int) -> None:
    assert shared_prefix(encoded) == shared


def test_it_says_its_tokens_without_special_ones(llama: TransformersBackend) -> None:
    assert llama.tokens([" bad", "good", " x"]) == [[" bad"], ["good"], [" ", "x"]]
