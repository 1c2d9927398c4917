"""What tests need that may not be on this machine: skipped, with the command that brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"


def _missing_model() -> str | None:
    """Name of the first embedded model that is not on this machine."""
    from interpllm.errors import ModelNotFoundError
    from interpllm.llm import zoo

    for name in ("smollm2-135m", "minilm"):
        try:
            zoo.path(name)
        except ModelNotFoundError:
            return name
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("shared") and not SHARED.is_dir():
        pytest.skip(f"the benchmark data is not at {SHARED}")
    if item.get_closest_marker("local") and (name := _missing_model()):
        pytest.skip(f"bring the model with: interpllm models pull {name}")


@pytest.fixture
def shared_data() -> Path:
    """The benchmark data beside the checkout, for tests marked `shared`."""
    return SHARED
