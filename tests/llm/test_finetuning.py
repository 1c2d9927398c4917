"""Fine-tuning: what is learned, what decides it, and what is kept. On a tiny encoder, in seconds."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interpllm.errors import CapabilityError, InputError, LLMError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_models import tiny_bert  # noqa: E402

from interpllm.llm import Session, Store, finetuning  # noqa: E402
from interpllm.llm.finetuning import finetune  # noqa: E402
from interpllm.llm.transformers_local import TransformersBackend  # noqa: E402
from interpllm.testing import FakeLLM  # noqa: E402

WORDS = ["good", "fine", "great", "lovely", "bad", "dull", "awful", "boring"]
TEXTS = [f"{first} and {second}" for half in (WORDS[:4], WORDS[4:]) for first in half for second in half]
LABELS = ["pos"] * 16 + ["neg"] * 16
VALUES = [5.0] * 16 + [1.0] * 16

Tuner = Callable[..., Session]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small only lose time to threads, above all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def tune(encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tuner:
    """Fine-tunes for few steps, with a cache folder and a store of the test's own."""
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "cache"))

    def call(
        texts: Any = TEXTS, targets: Any = LABELS, *, store: Store | None = None, **settings: Any
    ) -> Session:
        base = Session(
            TransformersBackend(encoder, dtype="float32"), store=store, mode="use" if store else "off"
        )
        return finetune(
            base, texts, targets, **{"epochs": 10, "batch_size": 8, "learning_rate": 0.01, **settings}
        )

    return call


def test_classes_are_learned(tune: Tuner) -> None:
    scores = tune().score(["good and good", "dull and awful"], ["neg", "pos"])
    assert scores.argmax(axis=1).tolist() == [1, 0]


def test_log_probabilities_sum_to_one(tune: Tuner) -> None:
    scores = tune().score(TEXTS[::8], ["neg", "pos"])
    np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-5)


def test_options_may_come_in_any_order(tune: Tuner) -> None:
    tuned = tune()
    backward, forward = tuned.score(["good"], ["pos", "neg"]), tuned.score(["good"], ["neg", "pos"])
    np.testing.assert_array_equal(backward, forward[:, ::-1])


def test_classes_are_named_in_the_order_of_their_labels(tune: Tuner) -> None:
    backend: Any = tune(targets=[10] * 16 + [9] * 16).backend
    assert backend.classes == ("9", "10")


def test_values_are_learned(tune: Tuner) -> None:
    values = tune(targets=VALUES, task="regression").score(["good and good", "dull and awful"], ["value"])
    np.testing.assert_allclose(values[:, 0], [5, 1], atol=1)


def test_rows_of_no_weight_teach_nothing(tune: Tuner) -> None:
    doubled, labels = TEXTS * 2, LABELS + LABELS[::-1]
    tuned = tune(doubled, labels, sample_weight=[1.0] * 32 + [0.0] * 32)
    assert tuned.score(["good and good", "dull and awful"], ["neg", "pos"]).argmax(axis=1).tolist() == [1, 0]


def test_vectors_are_what_the_head_reads(tune: Tuner) -> None:
    tuned = tune()
    backend: Any = tuned.backend
    _, head = backend.load()
    expected = torch.log_softmax(head(torch.tensor(tuned.embed(TEXTS))), dim=-1).numpy()
    np.testing.assert_allclose(tuned.score(TEXTS, ["neg", "pos"]), expected, atol=1e-4)


def test_training_twice_gives_the_same(tune: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tune().score(TEXTS, ["neg", "pos"])
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "other"))
    np.testing.assert_allclose(tune().score(TEXTS, ["neg", "pos"]), first, atol=1e-6)


def test_another_seed_gives_another_model(tune: Tuner) -> None:
    first, second = (tune(random_state=seed).score(TEXTS, ["neg", "pos"]) for seed in (0, 1))
    assert np.abs(first - second).max() > 1e-3


def test_the_same_rows_are_not_trained_on_again(tune: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    first = tune().score(TEXTS, ["neg", "pos"])
    monkeypatch.setattr(finetuning, "train", None)
    np.testing.assert_array_equal(tune().score(TEXTS, ["neg", "pos"]), first)


def test_what_the_store_knows_needs_neither_training_nor_weights(
    tune: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "replies.sqlite")
    first = tune(store=store).score(TEXTS, ["neg", "pos"])
    monkeypatch.setattr(finetuning, "train", None)
    monkeypatch.setenv("INTERPLLM_CACHE", str(tmp_path / "other"))
    np.testing.assert_array_equal(tune(store=store).score(TEXTS, ["neg", "pos"]), first)
    store.close()


@pytest.mark.parametrize(
    "change",
    [
        {"targets": LABELS[::-1]},
        {"texts": TEXTS[::-1]},
        {"epochs": 11},
        {"sample_weight": [1.0] + [2.0] * 31},
    ],
)
def test_whatever_decides_the_weights_decides_the_identity(tune: Tuner, change: Any) -> None:
    assert tune(**change).identity != tune().identity


def test_the_identity_is_known_without_training(tune: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finetuning, "train", None)
    assert tune().identity["finetuned"]


def test_the_global_random_state_is_left_alone(tune: Tuner) -> None:
    before = torch.random.get_rng_state()
    tune(max_steps=1).embed(["good"])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_base_model_stays_as_it_is(encoder: Path, tune: Tuner) -> None:
    before = TransformersBackend(encoder, dtype="float32").embed(["good"])
    tune().embed(["good"])
    np.testing.assert_array_equal(TransformersBackend(encoder, dtype="float32").embed(["good"]), before)


def test_max_steps_bounds_the_work(tune: Tuner, capfd: pytest.CaptureFixture[str]) -> None:
    tune(max_steps=3, verbose=1).embed(["good"])
    assert "3/3" in capfd.readouterr().err


def test_training_is_silent_by_default(tune: Tuner, capfd: pytest.CaptureFixture[str]) -> None:
    tune(max_steps=1).embed(["good"])
    assert capfd.readouterr() == ("", "")


def test_a_pickle_leaves_the_weights_and_the_rows_out(tune: Tuner) -> None:
    tuned = tune(max_steps=1)
    tuned.embed(["good"])
    assert b"lovely and lovely" not in pickle.dumps(tuned)


def test_a_pickled_session_scores_the_same(tune: Tuner) -> None:
    tuned = tune()
    scores = tuned.score(["good"], ["neg", "pos"])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(tuned)).score(["good"], ["neg", "pos"]), scores)


def test_a_killed_save_leaves_no_weights(tune: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*paths: object) -> None:
        raise KeyboardInterrupt

    tuned = tune(max_steps=1)
    backend: Any = tuned.backend
    monkeypatch.setattr(finetuning.os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        backend.load()
    assert list(backend.path.parent.iterdir()) == []


def test_an_option_that_was_not_learned_is_refused(tune: Tuner) -> None:
    backend: Any = tune(max_steps=1).backend
    with pytest.raises(InputError, match="'neutral' was not learned"):
        backend.score(["good"], ["neutral"])


def test_a_fine_tuned_model_does_not_write(tune: Tuner) -> None:
    with pytest.raises((CapabilityError, LLMError)):
        tune(max_steps=1).complete(["Hello"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"targets": LABELS[:-1]},
        {"targets": ["pos"] * 32},
        {"texts": [], "targets": []},
        {"targets": [np.nan] * 32, "task": "regression"},
        {"task": "ranking"},
        {"sample_weight": [-1.0] * 32},
        {"epochs": 0},
    ],
)
def test_rows_and_parameters_that_cannot_be_used_are_refused(tune: Tuner, wrong: Any) -> None:
    with pytest.raises(InputError):
        tune(**wrong)


def test_a_server_cannot_be_fine_tuned() -> None:
    with pytest.raises(InputError, match=r"connect\('minilm'\)"):
        finetune(Session(FakeLLM()), TEXTS, LABELS)


def test_batches_cover_every_row_once_a_pass() -> None:
    order = finetuning._order(list(range(100)), 8, seed=0)
    assert sorted(row for _ in range(13) for row in next(order)) == list(range(100))


def test_the_learning_rate_rises_and_falls_to_nothing() -> None:
    rates = [finetuning._rise_and_fall(step, 100) for step in range(101)]
    assert rates.index(max(rates)) in (9, 10)
    assert (max(rates), rates[100]) == (1.0, 0.0)
