"""The demo, on a stand-in for the embedded model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interpllm import AugLinearClassifier, datasets, llm, runtime
from interpllm.llm import zoo
from interpllm.testing import FakeLLM

Cli = Callable[..., Any]


@pytest.fixture
def demo(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The command, with nothing to download, a fake to ask, and few tickets."""
    pulled: list[str] = []
    connect, load_tickets = llm.connect, datasets.load_tickets
    monkeypatch.setattr(zoo, "pull", lambda name, progress: pulled.append(name))
    monkeypatch.setattr(
        llm, "connect", lambda spec, **settings: connect(FakeLLM(batch_size=256, latency=0.01), **settings)
    )
    monkeypatch.setattr(datasets, "load_tickets", lambda split: load_tickets(split).iloc[::8])

    def run(*arguments: str) -> Any:
        ran = cli("demo", *arguments)
        assert (ran.status, pulled) == (0, ["smollm2-135m"]), ran.err
        return ran

    return run


def test_demo_shows_all_it_promises(demo: Callable[..., Any], tmp_path: Path) -> None:
    out = demo("--color", "always").out
    assert "TF-IDF + logistic regression" in out
    assert all(
        f"\n  {name}: " in out for name in ("account", "billing", "cancellation", "defect", "delivery")
    )
    assert "\x1b[30;48;5;" in out
    assert f"tickets.json: {runtime.load(tmp_path / 'tickets.json').n_terms} n-grams" in out
    assert "times faster than asking" in out


def test_demo_json_holds_the_figures(
    demo: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = AugLinearClassifier(llm=None, ngram_range=(1, 1), cv=2)
    monkeypatch.setattr(
        "interpllm.cli.demo.fitted", lambda train, verbose: quick.fit(train["text"], train["label"])
    )
    shown = json.loads(demo("--json").out)
    assert shown["bytes"] == (tmp_path / "tickets.json").stat().st_size
    assert shown["texts_a_second"]["the language model"] < 16 / 0.01  # 16 texts in one call
    assert shown["times_faster"] > 1
    assert max(map(len, shown["strongest"].values())) == 20


@pytest.mark.parametrize(
    ("out", "said"), [("nowhere/x.json", "no such folder"), ("tickets.txt", "ends in .json")]
)
def test_demo_refuses_a_file_it_cannot_write_before_it_does_anything(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, out: str, said: str
) -> None:
    monkeypatch.setattr(zoo, "pull", lambda name, progress: pytest.fail("pulled first"))
    ran = cli("demo", "--out", out)
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert said in ran.err
