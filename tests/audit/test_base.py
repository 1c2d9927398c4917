"""What parts of an audit give: no figure stands alone, and an error is none."""

from __future__ import annotations

import pytest

from interpllm.audit.base import Finding, Measure
from interpllm.display import page
from interpllm.errors import InputError


def test_a_figure_does_not_stand_alone() -> None:
    with pytest.raises(InputError, match="stands alone"):
        Measure("accuracy", 0.9)
    assert Measure("accuracy", 0.9, null=0.5).null == 0.5


def test_what_was_not_measured_needs_no_null() -> None:
    assert Measure("accuracy", float("nan"), note="no rows").note == "no rows"


def test_a_part_that_failed_shows_its_error_and_no_figure() -> None:
    found = Finding("simulatability", "Can a judge tell?", error="the server is <gone>")
    html = page("audit", [found.section()])
    assert "Not carried out: the server is &lt;gone&gt;" in html
    assert found.frame().empty
