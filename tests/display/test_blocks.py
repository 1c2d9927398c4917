"""Pages: everything that comes from elsewhere is escaped, and nothing is loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib import pyplot

from interpllm.display import Block, Figure, Marked, Note, Section, Table, fragment, page
from interpllm.display import axes as plots
from interpllm.display.blocks import MISSING

NASTY = "<script>alert(1)</script> \"quoted\" & '{{ 7 * 7 }}'"


class Tags(HTMLParser):
    """The tags of a page, with their attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize(
    "block",
    [
        Note(NASTY),
        Note(NASTY, "warning"),
        Marked(NASTY, [(0, 8, 1.0), (10, 20, -0.5)], caption=NASTY),
        Table(pd.DataFrame({NASTY: [NASTY, None], "n": [1, 2]}), caption=NASTY),
        Section(NASTY, [Note(NASTY)]),
    ],
)
@pytest.mark.parametrize("render", [fragment, page])
def test_what_comes_from_elsewhere_is_shown_as_it_is_written(render: object, block: Block) -> None:
    found = Tags(render(NASTY, [block]))  # type: ignore[operator]
    assert not {tag for tag, _ in found.tags} & {"script", "iframe", "object", "link"}
    assert NASTY in found.words


def test_a_page_loads_nothing() -> None:
    ax = plots.bars(["a", "b"], [0.2, -0.1], low=[0.1, -0.2], high=[0.3, 0.0])
    found = Tags(page("t", [Figure(ax, "two bars"), Note("https://example.org/")]))
    pyplot.close("all")
    sources = [value for _, attrs in found.tags for name, value in attrs.items() if name in ("src", "href")]
    assert sources
    assert all(str(source).startswith("data:") for source in sources)
    policy = next(attrs["content"] for _, attrs in found.tags if attrs.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'")


def test_marks_keep_the_text_and_its_order() -> None:
    marked = Marked("one two three", [(8, 13, -2.0), (0, 3, 1.0)])
    assert "".join(text for text, _ in marked.pieces()) == "one two three"
    assert [piece for piece in marked.pieces() if piece[1]] == [("one", 0.5), ("three", -1.0)]


def test_a_long_table_says_what_it_leaves_out() -> None:
    html = fragment("t", [Table(pd.DataFrame({"n": range(60)}))])
    assert "and 10 more rows" in html
    assert len(re.findall("<tr>", html)) == 51


def test_both_ends_of_an_interval_make_one_column() -> None:
    frame = pd.DataFrame(
        {"share": [0.5, 0.2], "share_low": [0.25, float("nan")], "share_high": [0.75, 1], "low": [0, 0]}
    )
    table = Table(frame, formats={"share_low": ".2f", "share_high": ".2f"})
    assert table.head() == ["share", "share 95 %", "low"]
    assert [row[1][0] for row in table.rows()] == ["0.25 to 0.75", MISSING]


def test_a_figure_that_there_is_not_is_a_dash_and_no_nan() -> None:
    assert "nan" not in fragment("t", [Table(pd.DataFrame({"p": [float("nan"), 0.5]}))]).lower()


def test_a_rank_that_there_is_not_is_a_dash() -> None:
    ranks = pd.DataFrame({"rank": [1, None]}).astype({"rank": "Int64"})
    assert Table(ranks).rows() == [[("1", True)], [("–", True)]]  # noqa: RUF001 - a dash, not a minus


def test_the_same_plot_is_the_same_bytes() -> None:
    def drawn() -> bytes:
        ax = plots.lines(
            [0, 1], {"model": [0.1, 0.9], "random": [0.1, 0.5]}, bands={"model": ([0, 0.8], [0.2, 1])}
        )
        found = plots.svg(ax)
        pyplot.close("all")
        return found

    assert drawn() == drawn()
    assert b"<svg" in drawn()


def test_a_plot_that_is_on_a_page_is_not_open_any_more() -> None:
    pyplot.close("all")
    plots.svg(plots.bars(["a"], [1.0]))
    assert pyplot.get_fignums() == []


def test_axes_that_are_given_are_drawn_on() -> None:
    _, ax = pyplot.subplots()
    assert plots.bars(["$x$"], [1.0], ax=ax) is ax
    ax.get_figure().canvas.draw()  # an unescaped dollar would be read as mathematics
    pyplot.close("all")
